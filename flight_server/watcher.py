"""Notices that a client has gone away while its query is silent, and cancels the query.

Owns the one thread that polls running calls, and the lock that makes polling safe: asking a call's
context after the call's end is a segmentation fault, so `call_completed` takes the same lock.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Protocol

import pyarrow.flight as fl

from flight_server.failures import expected

POLL_SECONDS = 0.02
"""A cancel is seen within twice this."""

IDLE_POLLS = 50
"""How often to look for calls in vain before sleeping: waking up costs a short call its latency."""

MIDDLEWARE = "watch"
"""The name under which a handler finds its Call: `context.get_middleware(MIDDLEWARE)`."""


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


class Call(fl.ServerMiddleware):  # type: ignore[misc]
    """One RPC, from before its handler starts until its last byte has gone."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._lock = threading.Lock()
        self._context: Any = None
        self._watched: Watched | None = None

    def watch(self, context: Any, watched: Watched) -> None:
        """Cancel `watched` when the client goes away or time is up; close it at the call's end."""
        with self._lock:
            self._context = context
            self._watched = watched
        self._watcher.add(self)

    def poll(self, now: float) -> bool:
        """Look once. True when there is no need to look again."""
        with self._lock:
            if self._context is None:
                return True
            gone = self._context.is_cancelled()
            watched = self._watched
        if watched is None:
            return True
        if gone:
            watched.cancel()
            return True
        if watched.deadline is not None and now >= watched.deadline:
            watched.expire()
            watched.deadline = None
        return False

    def call_completed(self, exception: Any) -> None:  # noqa: ARG002
        """The context is about to go: from here on nobody may ask it."""
        with self._lock:
            if self._context is None:
                return
            self._context = None
            watched, self._watched = self._watched, None
        self._watcher.remove(self)
        try:
            if watched is not None:
                watched.close()
        except Exception as error:
            expected(error)


class Watcher:
    """The polling thread; it sleeps while no call is watched."""

    def __init__(self) -> None:
        self._calls: set[Call] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._asleep = False
        self._thread = threading.Thread(target=self._run, name="crosswind-watcher", daemon=True)
        self._thread.start()

    def add(self, call: Call) -> None:
        """Poll this call from now on."""
        with self._changed:
            self._calls.add(call)
            if self._asleep:
                self._asleep = False
                self._changed.notify()

    def remove(self, call: Call) -> None:
        """Do not poll it any more."""
        with self._changed:
            self._calls.discard(call)

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
                if not self._calls:
                    idle_polls += 1
                    if idle_polls > IDLE_POLLS:
                        self._asleep = True
                        self._changed.wait_for(lambda: self._calls or self._closed)
                        idle_polls = 0
                else:
                    idle_polls = 0
                # Spread polls: also a call that was just added waits for one period.
                self._changed.wait_for(lambda: self._closed, POLL_SECONDS)
                if self._closed:
                    return
                calls = list(self._calls)
            now = time.monotonic()
            for call in calls:
                try:
                    if call.poll(now):
                        self.remove(call)
                except Exception as error:
                    expected(error)
                    self.remove(call)
