"""Work that may be left behind: planning, which asks sources in calls that nothing interrupts.

Each piece has a thread of its own, and whoever wants its answer waits for as long as a query may
take, or until the client has gone. What is left behind ends when its source answers or gives up.
Owns these threads and how many may be left. Must not know what the work is.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from connectors.errors import CancelledError, DeadlineError, QueueFullError
from planner.asked import Asked, noted

POLL_SECONDS = 0.05
"""How soon a client that has gone is noticed."""

MOST_LEFT = 100
"""Pieces of work that nobody waits for any more, before new ones are refused."""

_T = TypeVar("_T")


class _Piece(Generic[_T]):
    """One piece of work, and what became of it."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._context = contextvars.copy_context()
        self._answer: list[_T] = []
        self._failure: BaseException | None = None
        self.asked = Asked()
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._answer.append(self._context.run(self._noted))
        except BaseException as failure:
            self._failure = failure
        finally:
            self.done.set()

    def answer(self) -> _T:
        """What came of it, which is done."""
        failure, self._failure = self._failure, None
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # with its traceback it would hold this frame, and that it
        return self._answer[0]

    def _noted(self) -> _T:
        with noted(self.asked):
            return self._work()


class Aside:
    """The work of one server.

    Args:
        seconds: how long an answer is waited for; None for as long as it takes.
        most_left: how much work may go on that nobody waits for any more.
    """

    def __init__(self, seconds: float | None, most_left: int = MOST_LEFT) -> None:
        self._seconds = seconds
        self._most_left = most_left
        self._left: set[threading.Thread] = set()
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How much work goes on that nobody waits for."""
        with self._lock:
            self._left = {thread for thread in self._left if thread.is_alive()}
            return len(self._left)

    def do(self, work: Callable[[], _T], gone: Callable[[], bool]) -> _T:
        """The answer of `work`, or whatever it raises.

        Args:
            gone: whether the client that wants it has gone; asked by this thread, now and then.

        Raises:
            DeadlineError: the time is up; it names the source that is being asked.
            CancelledError: the client has gone.
            QueueFullError: there is no thread for it.
        """
        left = self.left
        if left >= self._most_left:
            raise QueueFullError(
                f"{left} statements wait for sources that do not answer",
                hint="`crosswind check` tells which sources these are.",
            )
        piece = _Piece(work)
        thread = threading.Thread(target=piece.run, name="crosswind-plan", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise QueueFullError("the server cannot start another thread") from None
        try:
            self._wait(piece, gone)
        except BaseException:
            with self._lock:
                self._left.add(thread)
            raise
        return piece.answer()

    def _wait(self, piece: _Piece[_T], gone: Callable[[], bool]) -> None:
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        while not piece.done.wait(POLL_SECONDS):
            if gone():
                raise CancelledError("the query was cancelled")
            if deadline is not None and time.monotonic() >= deadline:
                source = piece.asked.source
                waiting = "and waited for an answer about its tables" if source else "to plan"
                raise DeadlineError(
                    f"the query took longer than {self._seconds:g} seconds, {waiting}",
                    source=source or None,
                )
