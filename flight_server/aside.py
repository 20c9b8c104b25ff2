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
from typing import Any, Generic, TypeVar

from connectors.errors import CancelledError, DeadlineError, QueueFullError
from planner.asked import Asked, noted

POLL_SECONDS = 0.05
"""How soon a client that has gone is noticed."""

MOST_LEFT = 20
"""Pieces of work at one source that nobody waits for any more, before it is asked no more."""

MOST_LEFT_IN_ALL = 500
"""The same wherever they are, before no work is begun: each has a thread."""

_T = TypeVar("_T")


class _Piece(Generic[_T]):
    """One piece of work, and what became of it."""

    def __init__(self, work: Callable[[], _T], allow: Callable[[str], None]) -> None:
        self._work = work
        self._context = contextvars.copy_context()
        self._answer: list[_T] = []
        self._failure: BaseException | None = None
        self.asked = Asked(allow)
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
        most_left: how much work may go on at one source that nobody waits for any more.
        most_in_all: the same, wherever it is.
    """

    def __init__(
        self,
        seconds: float | None,
        most_left: int = MOST_LEFT,
        most_in_all: int = MOST_LEFT_IN_ALL,
    ) -> None:
        self._seconds = seconds
        self._most_left = most_left
        self._most_in_all = most_in_all
        self._left: set[_Piece[Any]] = set()
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How much work goes on that nobody waits for."""
        return len(self._going_on())

    def _going_on(self) -> list[_Piece[Any]]:
        with self._lock:
            self._left = {piece for piece in self._left if not piece.done.is_set()}
            return list(self._left)

    def _allow(self, source: str) -> None:
        """Refuse to ask a source at which too much was left: others are asked still."""
        there = sum(piece.asked.source == source for piece in self._going_on())
        if there >= self._most_left:
            raise QueueFullError(
                f"{there} statements wait for an answer about its tables",
                source=source,
                hint="`crosswind check` tells whether it answers.",
            )

    def do(self, work: Callable[[], _T], gone: Callable[[], bool]) -> _T:
        """The answer of `work`, or whatever it raises.

        Args:
            gone: whether the client that wants it has gone; asked by this thread, now and then.

        Raises:
            DeadlineError: the time is up; it names the source that is being asked.
            CancelledError: the client has gone.
            QueueFullError: there is no thread for it, or too many statements wait for a source.
        """
        left = self.left
        if left >= self._most_in_all:
            raise QueueFullError(
                f"{left} statements are planned still that nobody waits for",
                hint="`crosswind check` tells whether all sources answer.",
            )
        piece = _Piece(work, self._allow)
        thread = threading.Thread(target=piece.run, name="crosswind-plan", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise QueueFullError("the server cannot start another thread") from None
        try:
            self._wait(piece, gone)
        except BaseException:
            with self._lock:
                self._left.add(piece)
            raise
        return piece.answer()

    def _wait(self, piece: _Piece[_T], gone: Callable[[], bool]) -> None:
        deadline = None if self._seconds is None else time.monotonic() + self._seconds
        while not piece.done.wait(POLL_SECONDS):
            if gone():
                raise CancelledError("the query was cancelled")
            if deadline is not None and time.monotonic() >= deadline:
                source, table = piece.asked.source, piece.asked.table
                about = "this table" if table else "its tables"
                waiting = f"and waited for an answer about {about}" if source else "to plan"
                raise DeadlineError(
                    f"the query took longer than {self._seconds:g} seconds, {waiting}",
                    source=source or None,
                ).while_reading((table,) if table else ())
