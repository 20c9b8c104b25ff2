"""Calls of a driver, one at a time, that a cancel or a bound ends: the driver is told to stop.

The thread that reads makes the calls. A watcher beside it interrupts the driver at the deadline or
on `cancel`, again and again until the calls are over, because an interrupt that comes before a call
is forgotten. Owns when and why reading stops. Must not know what is called.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    InternalError,
    QueueFullError,
    SourceTimeoutError,
)

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5

_T = TypeVar("_T")


class Calls:
    """The calls that read one statement.

    Args:
        source: the configured name, for errors.
        translated: turns the driver's errors into those of the tree.
        deadline: on the clock of `time.monotonic`, or None.
        timeout_seconds: how long the source may take, from `begin` on.
        stopping: told that reading is to stop, from any thread.
    """

    def __init__(
        self,
        source: str,
        translated: Callable[[], AbstractContextManager[None]],
        *,
        deadline: float | None,
        timeout_seconds: float | None = None,
        stopping: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._translated = translated
        self._deadline = deadline
        self._timeout_seconds = timeout_seconds
        self._times_out: float | None = None
        self._stopping = stopping
        self._lock = threading.Lock()
        self._using = threading.Lock()
        self._begun = False
        self._stop: CrosswindError | None = None
        self._watcher: threading.Thread | None = None
        # Something for the watcher to do; nothing more for it to do.
        self._wake = threading.Event()
        self._finished = threading.Event()

    @property
    def stop(self) -> CrosswindError | None:
        """Why reading is to stop, if it is."""
        return self._stop

    @property
    def until(self) -> float | None:
        """When there is no more time, on the clock of `time.monotonic`."""
        bounds = [b for b in (self._deadline, self._times_out) if b is not None]
        return min(bounds) if bounds else None

    def begin(self) -> None:
        """Start the clock, once."""
        with self._lock:
            if self._begun:
                raise InternalError("a fragment's batches can be read once only")
            self._begun = True
        if self._timeout_seconds is not None:
            self._times_out = time.monotonic() + self._timeout_seconds

    def make(self, work: Callable[[], _T]) -> _T:
        """Make one call. Whatever it gives after a stop, the stop is what happened: a driver may
        end a stream that was interrupted as if it were complete.

        Raises:
            CrosswindError: `stop`, or what the call failed with.
        """
        with self._using:
            self._check()
            try:
                with self._translated():
                    result = work()
            except CrosswindError:
                self._check()
                raise
            self._check()
            return result

    def cancel(self) -> None:
        """Stop, because nobody wants the rest; from any thread. Returns at once."""
        self._stop_with(CancelledError("the query was cancelled"))

    def stopped(self) -> bool:
        """Whether reading is to stop, or there is no more time."""
        return self._stop is not None or self._late(time.monotonic()) is not None

    def watch(self, interrupt: Callable[[], None]) -> None:
        """From now on, stop the driver by this when reading is to stop; within a call."""
        self._finished.clear()
        with self._lock:
            if self._stop is None:
                self._wake.clear()
        watcher = threading.Thread(
            target=self._interrupt, args=(interrupt,), name=f"{self._source}-watch", daemon=True
        )
        try:
            watcher.start()
        except RuntimeError:
            raise QueueFullError("the server cannot start another thread") from None
        self._watcher = watcher

    def free(self, work: Callable[[], None]) -> None:
        """Free what was called, when no call is running and nothing will interrupt it any more."""
        with self._using:
            self._finished.set()
            self._wake.set()
            watcher, self._watcher = self._watcher, None
            if watcher is not None:
                watcher.join()
            work()

    def _check(self) -> None:
        if self._stop is None and (late := self._late(time.monotonic())) is not None:
            self._stop_with(late)
        if self._stop is not None:
            raise self._stop

    def _late(self, now: float) -> CrosswindError | None:
        """Why there is no more time, if there is none."""
        if self._deadline is not None and now >= self._deadline:
            return DeadlineError("the query's time was up", source=self._source)
        if self._times_out is not None and now >= self._times_out:
            return SourceTimeoutError(
                f"the server took longer than {self._timeout_seconds:g} s", source=self._source
            )
        return None

    def _stop_with(self, error: CrosswindError) -> None:
        """Stop for a reason; the first reason counts."""
        with self._lock:
            if self._stop is None:
                self._stop = error
        self._wake.set()
        self._stopping()

    def _interrupt(self, interrupt: Callable[[], None]) -> None:
        until = self.until
        left = None if until is None else max(0.0, until - time.monotonic())
        if not self._wake.wait(left) and (late := self._late(time.monotonic())) is not None:
            self._stop_with(late)
        pause_seconds = 0.0
        while not self._finished.wait(pause_seconds):
            interrupt()
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS) or _FIRST_PAUSE_SECONDS
