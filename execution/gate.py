"""Turns at a source: no more fragments run there at once than it has connections.

Owns the order in which queries get their turns. A query takes all its turns of a source at once,
and sources one after another in the order of their names, so that two queries can never wait for
each other.
"""

from __future__ import annotations

import threading
import time
from collections import deque

from connectors.errors import CancelledError, QueueFullError


class Gate:
    """`capacity` turns at one source, handed out first come, first served."""

    def __init__(self, source: str, capacity: int) -> None:
        self.source = source
        self.capacity = capacity
        self._changed = threading.Condition()
        self._free = capacity
        self._waiting: deque[object] = deque()
        self._taken = 0

    @property
    def taken(self) -> int:
        """How many turns are in use beyond those that queries entered with."""
        return self._taken

    def enter(self, turns: int, deadline: float | None, cancelled: threading.Event) -> None:
        """Take `turns` turns at once, at most `capacity`; waits behind those who came before.

        Args:
            deadline: on the clock of `time.monotonic`, in seconds; None for none.
            cancelled: set, followed by `wake`, it ends the wait.

        Raises:
            QueueFullError: at the deadline.
            CancelledError: when `cancelled` was set.
        """
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket or self._free < turns:
                    if cancelled.is_set():
                        raise CancelledError("the query was cancelled")
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        raise QueueFullError(
                            f"all {self.capacity} connections stayed busy",
                            source=self.source,
                            hint="Try again, or raise max_connections of the source.",
                        )
                    self._changed.wait(left)
                self._free -= turns
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def take(self) -> bool:
        """One more turn for a query that has some, if half of all stay free; never waits.

        Each query that comes next finds its turns, as long as it asks for no more than half.
        """
        with self._changed:
            if self._waiting or 2 * (self._free - 1) < self.capacity:
                return False
            self._free -= 1
            self._taken += 1
            return True

    def give(self) -> None:
        """Give back one that was taken."""
        with self._changed:
            self._taken -= 1
        self.leave()

    def leave(self, turns: int = 1) -> None:
        """Give turns back."""
        with self._changed:
            self._free += turns
            self._changed.notify_all()

    def wake(self) -> None:
        """Let waiters look at their `cancelled` flags."""
        with self._changed:
            self._changed.notify_all()
