"""Batches of a driver that may not end when it is told to: read in a thread apart.

The thread alone touches the driver. Its reader leaves it behind at a cancel or at the deadline, and
another thread tells the driver to stop, if it can be told, again and again, because a stop that
comes before a call is forgotten. What does not end keeps its turn, so that statements that were
given up cannot pile up.
Owns waiting and stopping. Must not know any driver.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol, runtime_checkable

import pyarrow as pa

from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    InternalError,
    QueueFullError,
    SourceSchemaChangedError,
    SourceTimeoutError,
)

_AHEAD = 2
"""Batches that the driver may be ahead of its reader."""

_END_SECONDS = 0.1
"""How long closing waits for a statement that is about to end by itself, as most are."""

_BUSY_SECONDS = 10.0
"""How long a query waits for statements that were given up: nobody knows how long they take."""

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 1.0


_Convert = Callable[[pa.RecordBatch], pa.RecordBatch]


class Turns:
    """How many statements may run at one source.

    Args:
        source: the configured name, for errors.
        capacity: so many.
    """

    def __init__(self, source: str, capacity: int) -> None:
        self.source = source
        self._capacity = capacity
        self._running = 0
        self._changed = threading.Condition()

    @property
    def running(self) -> int:
        """How many are taken."""
        return self._running

    def take(self, check: Callable[[], None], deadline: float | None) -> None:
        """Take a turn; wait for it where all are taken.

        Args:
            check: raises when nobody wants it any more; called after each `wake`.
            deadline: on the clock of `time.monotonic`, or None.

        Raises:
            QueueFullError: none came free.
        """
        until = time.monotonic() + _BUSY_SECONDS
        until = until if deadline is None else min(until, deadline)
        with self._changed:
            while True:
                check()
                if self._running < self._capacity:
                    self._running += 1
                    return
                left = until - time.monotonic()
                if left <= 0:
                    raise QueueFullError(
                        f"all {self._capacity} connections run statements that were given up, and"
                        " that the driver does not end",
                        source=self.source,
                        hint="Try again when they have ended.",
                    )
                self._changed.wait(left)

    def give_back(self) -> None:
        """Let the next one in."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def wake(self) -> None:
        """Let those who wait look whether they still want to."""
        with self._changed:
            self._changed.notify_all()


class Work(Protocol):
    """What runs apart: one statement of one driver."""

    def read(self, wanted: Wanted) -> None:
        """Run it, and deliver its batches while they are wanted.

        Called once, in a thread of its own.
        """
        ...


@runtime_checkable
class Interruptible(Work, Protocol):
    """What can be told to stop."""

    def interrupt(self) -> None:
        """Tell the driver to stop what it does now, if anything. Called beside `read`, often."""
        ...


class Wanted(Protocol):
    """What whoever reads still wants."""

    @property
    def stopped(self) -> bool:
        """Nothing more is wanted."""
        ...

    @property
    def delivered(self) -> bool:
        """Something has left already."""
        ...

    def has_room(self) -> bool:
        """Wait until another batch is wanted; False when none will be."""
        ...

    def deliver(self, batch: pa.RecordBatch, convert: _Convert) -> None:
        """Hand a batch on.

        Args:
            convert: makes it one of the exact schema, by its reader, while the driver goes on.
        """
        ...


class ApartBatches:
    """`connectors.contract.Batches` of what runs apart.

    Args:
        work: the statement.
        turns: of its source.
        deadline: on the clock of `time.monotonic`, or None.
        timeout_seconds: how long the source may take, from when it is first asked.
        changed: called when the source's tables turn out to be other than planned.
    """

    def __init__(
        self,
        work: Work,
        turns: Turns,
        *,
        deadline: float | None,
        timeout_seconds: float | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._work = work
        self._turns = turns
        self._deadline = deadline
        self._timeout_seconds = timeout_seconds
        self._times_out: float | None = None
        self._changed = changed
        self._begun = threading.Lock()
        # Guards what follows, and wakes both the reader and the statement's thread.
        self._state = threading.Condition()
        self._waiting: deque[tuple[pa.RecordBatch, _Convert]] = deque()
        self._stop: CrosswindError | None = None
        self._failure: BaseException | None = None
        self._ended = False
        self._delivered = False
        self._thread: threading.Thread | None = None
        self._interrupter: threading.Thread | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once."""
        if not self._begun.acquire(blocking=False):
            raise InternalError("a fragment's batches can be read once only")
        try:
            if self._timeout_seconds is not None:
                self._times_out = time.monotonic() + self._timeout_seconds
            self._start()
            while (batch := self._converted()) is not None:
                yield batch
        except SourceSchemaChangedError:
            self._changed()
            raise
        finally:
            self.close()

    def cancel(self) -> None:
        """See `connectors.contract.Batches`."""
        self._stop_with(CancelledError("the query was cancelled"))

    def close(self) -> None:
        """See `connectors.contract.Batches`. A statement that goes on frees the rest at its end."""
        self.cancel()
        with self._state:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_SECONDS)

    # `Wanted`, for the thread of the statement.

    @property
    def stopped(self) -> bool:
        """Nothing more is wanted."""
        return self._stop is not None

    @property
    def delivered(self) -> bool:
        """Something has left already."""
        return self._delivered

    def has_room(self) -> bool:
        """Wait until another batch is wanted; False when none will be."""
        with self._state:
            self._state.wait_for(lambda: self._stop is not None or len(self._waiting) < _AHEAD)
            return self._stop is None

    def deliver(self, batch: pa.RecordBatch, convert: _Convert) -> None:
        """Hand a batch on; `convert` runs in the reader's thread."""
        with self._state:
            self._delivered = True
            self._waiting.append((batch, convert))
            self._state.notify_all()

    # The reader's thread.

    def _start(self) -> None:
        self._turns.take(self._check, self._until)
        thread = threading.Thread(
            target=self._run, name=f"{self._turns.source}-statement", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            self._turns.give_back()
            raise QueueFullError("the server cannot start another thread") from None
        with self._state:
            self._thread = thread
            if self._stop is not None:
                self._interrupt()

    def _converted(self) -> pa.RecordBatch | None:
        if (delivered := self._next()) is None:
            return None
        batch, convert = delivered
        return convert(batch)

    def _next(self) -> tuple[pa.RecordBatch, _Convert] | None:
        """The next batch, or None at the end; whatever came, a stop is what happened."""
        with self._state:
            while True:
                self._check()
                if self._waiting:
                    self._state.notify_all()
                    return self._waiting.popleft()
                if self._failure is not None:
                    raise self._failure
                if self._ended:
                    return None
                until = self._until
                self._state.wait(None if until is None else until - time.monotonic())

    @property
    def _until(self) -> float | None:
        """When there is no more time."""
        bounds = [b for b in (self._deadline, self._times_out) if b is not None]
        return min(bounds) if bounds else None

    def _check(self) -> None:
        now, source = time.monotonic(), self._turns.source
        if self._deadline is not None and now >= self._deadline:
            self._stop_with(DeadlineError("the query's time was up", source=source))
        elif self._times_out is not None and now >= self._times_out:
            message = f"the database took longer than {self._timeout_seconds:g} s"
            self._stop_with(SourceTimeoutError(message, source=source))
        if self._stop is not None:
            raise self._stop

    def _stop_with(self, error: CrosswindError) -> None:
        """Stop for a reason; the first reason counts."""
        with self._state:
            if self._stop is None:
                self._stop = error
                self._interrupt()
            self._state.notify_all()
        self._turns.wake()

    # The statement's own thread.

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._work.read(self)
        except BaseException as error:
            failure = error
        # Before the reader knows, so that the query after this one finds the turn free.
        self._turns.give_back()
        with self._state:
            self._failure, self._ended = failure, True
            self._state.notify_all()

    # The thread that tells the driver to stop.

    def _interrupt(self) -> None:
        """Begin to stop the statement, if it runs; the caller holds `_state`."""
        if self._thread is None or self._ended or self._interrupter is not None:
            return
        if not isinstance(self._work, Interruptible):
            return
        self._interrupter = threading.Thread(
            target=self._interrupt_until_ended,
            args=(self._work,),
            name=f"{self._turns.source}-cancel",
            daemon=True,
        )
        with suppress(RuntimeError):  # No more threads: it ends with its batch.
            self._interrupter.start()

    def _interrupt_until_ended(self, work: Interruptible) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            work.interrupt()
            with self._state:
                if self._state.wait_for(lambda: self._ended, pause_seconds):
                    return
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
