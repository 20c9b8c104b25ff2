"""Notices that a client has gone away while its query is silent, and cancels the query.

Owns the one thread that polls running calls, and the lock that makes polling safe: asking a call's
context after the call's end is a segmentation fault. A call cannot end while its stream is being
pulled, so it is asked only then; while a message is being sent, gRPC itself notices, and drops the
stream. (Middleware would tell a call's end as well, and costs each small call 2 % of its time.)
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from flight_server.failures import expected

POLL_SECONDS = 0.02
"""A cancel is seen within twice this."""

IDLE_POLLS = 50
"""How often to look for calls in vain before sleeping: waking up costs a short call its latency."""

T = TypeVar("T")


class Watched(Protocol):
    """What a call runs."""

    deadline: float | None

    def cancel(self) -> None:
        """The client is gone: stop. Returns at once."""
        ...

    def expire(self) -> None:
        """The deadline has passed: stop. Returns at once."""
        ...

    def close(self) -> None:
        """The call is over: free everything. Idempotent."""
        ...


class Watch:
    """One stream, from its handler's return until the stream is gone.

    Args:
        context: the call's; it is asked only while the stream is being pulled, when the call
            cannot end.
        watched: cancelled when the client goes away, expired when its time is up.
    """

    def __init__(self, watcher: Watcher, context: Any, watched: Watched) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._context = context
        self._watched = watched
        self._pulled = False
        watcher.add(self)

    def pull(self, batches: Iterator[T]) -> Iterator[T]:
        """The same items; the client is looked after while the next one is made."""
        with contextlib.suppress(StopIteration):
            while True:
                yield self._next(batches)  # no name: the next one is made while none is kept

    def _next(self, batches: Iterator[T]) -> T:
        with self._lock:
            self._pulled = True
        try:
            return next(batches)
        finally:
            with self._lock:
                self._pulled = False

    def poll(self, now: float) -> bool:
        """Look once. True when there is no need to look again."""
        with self._lock:
            gone = self._pulled and self._context.is_cancelled()
        watched = self._watched
        if gone:
            watched.cancel()
            return True
        if watched.deadline is not None and now >= watched.deadline:
            watched.expire()
            watched.deadline = None
        return False

    def close(self) -> None:
        """The stream is over: free what it ran, and look no more. Idempotent."""
        self._watcher.remove(self)
        try:
            self._watched.close()
        except Exception as error:
            expected(error)


class Watcher:
    """The polling thread; it sleeps while no call is watched."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._asleep = False
        self._thread = threading.Thread(target=self._run, name="crosswind-watcher", daemon=True)
        self._thread.start()

    def add(self, watch: Watch) -> None:
        """Poll this call from now on."""
        with self._changed:
            self._watches.add(watch)
            if self._asleep:
                self._asleep = False
                self._changed.notify()

    def remove(self, watch: Watch) -> None:
        """Do not poll it any more."""
        with self._changed:
            self._watches.discard(watch)

    def close(self) -> None:
        """End the thread. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        idle_polls = 0
        while True:
            with self._changed:
                if not self._watches:
                    idle_polls += 1
                    if idle_polls > IDLE_POLLS:
                        self._asleep = True
                        # Not for a call: one that is over before this thread runs has taken the
                        # waking with it, and the next call would not wake it again.
                        self._changed.wait_for(lambda: not self._asleep or self._closed)
                        idle_polls = 0
                else:
                    idle_polls = 0
                # Spread polls: also a call that was just added waits for one period.
                self._changed.wait_for(lambda: self._closed, POLL_SECONDS)
                if self._closed:
                    return
                watches = list(self._watches)
            now = time.monotonic()
            for watch in watches:
                try:
                    if watch.poll(now):
                        self.remove(watch)
                except Exception as error:
                    expected(error)
                    self.remove(watch)
