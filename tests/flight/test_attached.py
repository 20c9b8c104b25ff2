"""gRPC's threads stay attached to the interpreter between calls, and leave when they end."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

from flight_server.attached import AttachedThreads

from .conftest import Start
from .waiting import reached
from .wire import statement

_pointer = ctypes.c_void_p
_api = ctypes.pythonapi
_interpreter = ctypes.PYFUNCTYPE(_pointer)(("PyInterpreterState_Get", _api))
_first_of = ctypes.PYFUNCTYPE(_pointer, _pointer)(("PyInterpreterState_ThreadHead", _api))
_after = ctypes.PYFUNCTYPE(_pointer, _pointer)(("PyThreadState_Next", _api))


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


def test_a_thread_stays_attached_from_call_to_call(start: Start) -> None:
    running = start()
    with running.flight() as client:
        before = states()
        ask(client)
        reached(lambda: states() - before)


def test_threads_that_end_leave_no_state(start: Start) -> None:
    before = len(states())
    running = start()
    for _ in range(5):
        ask_at_once(running, clients=24)
    running.server.close()
    reached(lambda: len(states()) <= before)


def test_a_server_is_freed_when_its_threads_have_left(start: Start) -> None:
    # With the interpreter's lock it waits for the end of threads, which may need that lock still.
    for _ in range(10):
        running = start()
        ask_at_once(running, clients=4)
        running.server.close()
        assert running.server._threads.all_left(0.0)


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
