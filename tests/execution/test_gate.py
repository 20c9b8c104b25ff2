"""Turns at a source: in order, all at once, given up at deadlines and when cancelled."""

from __future__ import annotations

import threading
import time

import pytest

from connectors.errors import CancelledError, QueueFullError
from execution.gate import Gate

from .waiting import Background, eventually

NEVER = threading.Event()


def test_turns_are_given_back_and_taken_again() -> None:
    gate = Gate("shop", 2)
    for _ in range(3):
        gate.enter(2, time.monotonic(), NEVER)
        gate.leave()
        gate.leave()


def test_spare_turns_are_taken_while_half_stay_free_and_nobody_waits() -> None:
    gate = Gate("shop", 5)
    gate.enter(1, None, NEVER)
    assert [gate.take(), gate.take()] == [True, False]
    gate.give()
    waiter = Background(lambda: gate.enter(5, None, NEVER))
    eventually(lambda: gate._waiting)
    assert not gate.take()
    gate.leave()
    waiter.join()
    gate.leave(5)
    assert gate.take()


def test_who_comes_first_is_served_first() -> None:
    gate = Gate("shop", 2)
    gate.enter(2, None, NEVER)
    served: list[str] = []

    def enter(name: str, turns: int) -> None:
        gate.enter(turns, None, NEVER)
        served.append(name)

    waiting = []
    for place, (name, turns) in enumerate([("both", 2), ("one", 1), ("last", 2)], start=1):
        waiting.append(Background(lambda name=name, turns=turns: enter(name, turns)))
        eventually(lambda place=place: len(gate._waiting) == place)
    # One turn is free, which is enough for the second in the queue, but the first comes first.
    gate.leave()
    assert not served
    gate.leave()
    waiting[0].join()
    assert served == ["both"]
    gate.leave(2)
    waiting[1].join()
    gate.leave()
    waiting[2].join()
    assert served == ["both", "one", "last"]


def test_a_deadline_ends_the_wait_and_those_behind_move_up() -> None:
    gate = Gate("shop", 1)
    gate.enter(1, None, NEVER)
    with pytest.raises(QueueFullError, match=r"shop.*all 1 connections stayed busy"):
        gate.enter(1, time.monotonic() + 0.01, NEVER)
    behind = Background(lambda: gate.enter(1, None, NEVER))
    gate.leave()
    assert behind.join().error is None


def test_cancelling_ends_the_wait_of_that_query_alone() -> None:
    gate = Gate("shop", 1)
    gate.enter(1, None, NEVER)
    cancelled = threading.Event()
    first = Background(lambda: gate.enter(1, None, cancelled))
    second = Background(lambda: gate.enter(1, None, NEVER))
    eventually(lambda: len(gate._waiting) == 2)
    cancelled.set()
    gate.wake()
    assert isinstance(first.join().error, CancelledError)
    assert not second.ended
    gate.leave()
    assert second.join().error is None


def test_many_queries_never_hold_more_turns_than_there_are() -> None:
    gate = Gate("shop", 3)
    lock, held, most = threading.Lock(), 0, 0

    def work(turns: int) -> None:
        nonlocal held, most
        for _ in range(20):
            gate.enter(turns, None, NEVER)
            with lock:
                held += turns
                most = max(most, held)
            with lock:
                held -= turns
            gate.leave(turns)

    for worker in [Background(lambda n=n: work(n % 3 + 1)) for n in range(12)]:
        assert worker.join().error is None
    assert (held, gate._free) == (0, 3)
    assert most <= 3
