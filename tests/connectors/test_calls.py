"""A driver's calls are interrupted until they end; the first reason to stop is what happened."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from connectors.adbc.calls import Calls
from connectors.errors import (
    CancelledError,
    DeadlineError,
    InternalError,
    SourceRejectedError,
    SourceTimeoutError,
)
from tests.execution.waiting import eventually

PATIENT_SECONDS = 30.0


class DriverError(Exception):
    """What a driver raises."""


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except DriverError as error:
        raise SourceRejectedError(str(error), source="shop") from None


class Driver:
    """A call that ends when it was interrupted so often: drivers forget what comes too early."""

    def __init__(self, interrupts: int = 3) -> None:
        self._left = interrupts
        self._ended = threading.Event()

    def interrupt(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self._ended.set()

    def call(self) -> str:
        if not self._ended.wait(PATIENT_SECONDS):
            raise DriverError("nobody interrupted it")
        return "the end of a stream that was cut off"


def calls(deadline: float | None = None, timeout_seconds: float | None = None) -> Calls:
    made = Calls("shop", translated, deadline=deadline, timeout_seconds=timeout_seconds)
    made.begin()
    return made


def watching() -> bool:
    return any(thread.name == "shop-watch" for thread in threading.enumerate())


def interrupted(made: Calls) -> None:
    """One call that blocks until it is interrupted; raises why."""
    driver = Driver()

    def work() -> str:
        made.watch(driver.interrupt)
        return driver.call()

    try:
        made.make(work)
    finally:
        made.free(lambda: None)
        assert not watching()


def test_calls_are_made_in_turn_and_their_failures_translated() -> None:
    made = calls()
    assert made.make(lambda: "an answer") == "an answer"

    def fail() -> None:
        raise DriverError("it may not")

    with pytest.raises(SourceRejectedError, match="it may not"):
        made.make(fail)
    assert made.stop is None
    assert made.make(lambda: "another") == "another"


def test_a_cancel_interrupts_until_the_call_is_over() -> None:
    made = calls()
    threading.Timer(0.01, made.cancel).start()
    with pytest.raises(CancelledError):
        interrupted(made)
    assert isinstance(made.stop, CancelledError)


@pytest.mark.parametrize(
    ("bounded", "error"),
    [
        (lambda: calls(deadline=time.monotonic() + 0.01), DeadlineError),
        (lambda: calls(timeout_seconds=0.01), SourceTimeoutError),
    ],
)
def test_a_bound_interrupts_until_the_call_is_over(
    bounded: Callable[[], Calls], error: type[Exception]
) -> None:
    made = bounded()
    with pytest.raises(error):
        interrupted(made)
    # Its cancelling afterwards, to free it, is not the reason.
    made.cancel()
    assert isinstance(made.stop, error)


def test_after_a_stop_nothing_is_called() -> None:
    told = threading.Event()
    made = Calls("shop", translated, deadline=None, stopping=told.set)
    made.begin()
    made.cancel()
    assert told.is_set()
    assert made.stopped()
    with pytest.raises(CancelledError):
        made.make(lambda: pytest.fail("it was called"))


def test_what_fails_after_a_stop_fails_because_of_it() -> None:
    made = calls()

    def fail() -> None:
        made.cancel()
        raise DriverError("the connection was closed")

    with pytest.raises(CancelledError):
        made.make(fail)


def test_freeing_waits_for_the_call_that_runs() -> None:
    made, driver = calls(), Driver()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            made.make(lambda: made.watch(driver.interrupt) or driver.call())
        except CancelledError as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    eventually(watching)
    made.cancel()
    made.free(lambda: None)
    reader.join(PATIENT_SECONDS)
    assert failures
    assert not watching()


def test_batches_are_read_once() -> None:
    made = calls()
    with pytest.raises(InternalError, match="once only"):
        made.begin()
