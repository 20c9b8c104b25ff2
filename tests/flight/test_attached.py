"""gRPC's threads stay attached to the interpreter between calls, and leave when they end."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import pytest

from flight_server.attached import AttachedThreads

from .conftest import Start
from .waiting import reached
from .wire import statement

_pointer = ctypes.c_void_p
_api = ctypes.pythonapi
_interpreter = ctypes.PYFUNCTYPE(_pointer)(("PyInterpreterState_Get", _api))
_first_of = ctypes.PYFUNCTYPE(_pointer, _pointer)(("PyInterpreterState_ThreadHead", _api))
_after = ctypes.PYFUNCTYPE(_pointer, _pointer)(("PyThreadState_Next", _api))
_current = ctypes.PYFUNCTYPE(_pointer)(("PyThreadState_Get", _api))
_id_of = ctypes.PYFUNCTYPE(ctypes.c_uint64, _pointer)(("PyThreadState_GetID", _api))


def states() -> set[int]:
    """The interpreter's thread states, by their addresses."""
    found = set()
    state = _first_of(_interpreter())
    while state:
        found.add(state)
        state = _after(state)
    return found


def ask(client: Any) -> None:
    info = client.get_flight_info(statement("SELECT * FROM one"))
    assert client.do_get(info.endpoints[0].ticket).read_all().num_rows == 1


def ask_at_once(running: Any, clients: int) -> None:
    """Each client in a thread, all at the same time, so that gRPC starts threads and ends them."""
    begin = threading.Barrier(clients)

    def one() -> None:
        with running.flight() as client:
            begin.wait()
            for _ in range(5):
                ask(client)

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_thread_stays_attached_from_call_to_call(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, seen = start(), []
    plan = running.queries.plan

    def planned(*arguments: Any) -> Any:
        seen.append((threading.get_native_id(), _id_of(_current())))
        return plan(*arguments)

    monkeypatch.setattr(running.queries, "plan", planned)
    with running.flight() as client:
        for _ in range(20):
            ask(client)
    # No two states were ever one thread's.
    assert len(set(seen)) == len({thread for thread, _ in seen}) < len(seen) == 20


def test_threads_that_end_leave_no_state(start: Start) -> None:
    before = len(states())
    running = start()
    for _ in range(5):
        ask_at_once(running, clients=24)
    running.server.close()
    reached(lambda: len(states()) <= before)


def test_a_closed_server_has_waited_for_what_its_threads_leave_behind(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a thread keeps for itself ends with its state, and may give up the lock meanwhile.

    A server that is freed then waits, with the lock, for a thread that waits for the lock.
    """
    begun, ended = [], []

    class Lasting:
        def __init__(self) -> None:
            begun.append(True)

        def __del__(self) -> None:
            threading.Event().wait(0.1)
            ended.append(True)

    running, local = start(), threading.local()
    plan = running.queries.plan

    def planned(*arguments: Any) -> Any:
        if not hasattr(local, "lasting"):
            local.lasting = Lasting()
        return plan(*arguments)

    monkeypatch.setattr(running.queries, "plan", planned)
    ask_at_once(running, clients=4)
    running.server.close()
    assert 0 < len(begun) == len(ended)


def test_a_thread_that_does_not_end_is_reported() -> None:
    threads = AttachedThreads()
    stay, ended = threading.Event(), threading.Event()

    def foreign() -> None:
        threads.stay()
        ended.set()
        stay.wait()

    # A thread of Python's own stays just as well.
    thread = threading.Thread(target=foreign)
    thread.start()
    ended.wait()
    assert not threads.all_left(0.01)
    stay.set()
    thread.join()
    assert threads.all_left(10.0)
