"""Turns at one SQLite file: how many statements may run there at once.

A statement that nobody waits for any more goes on until it ends by itself and keeps its turn until
then, so that cancelled queries cannot pile up. Must not know what runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from connectors.errors import QueueFullError

_WAIT_SECONDS = 10.0
"""How long a query waits for statements that were given up: nobody knows how long they take."""


class Turns:
    """`capacity` turns at one file.

    Args:
        source: the configured name, for errors.
    """

    def __init__(self, source: str, capacity: int) -> None:
        self._source = source
        self._capacity = capacity
        self._free = capacity
        self._changed = threading.Condition()

    def take(self, check: Callable[[], None], deadline: float | None) -> None:
        """Take a turn; wait for it where all are taken.

        Args:
            check: raises when nobody wants the turn any more; called after each `wake`.
            deadline: on the clock of `time.monotonic`, or None.

        Raises:
            QueueFullError: when none came free.
        """
        until = time.monotonic() + _WAIT_SECONDS
        until = until if deadline is None else min(until, deadline)
        with self._changed:
            while True:
                check()
                if self._free:
                    self._free -= 1
                    return
                left = until - time.monotonic()
                if left <= 0:
                    raise QueueFullError(
                        f"all {self._capacity} connections run statements that were given up",
                        source=self._source,
                        hint="SQLite cannot be interrupted: try again when they have ended.",
                    )
                self._changed.wait(left)

    def give_back(self) -> None:
        """Let the next one in."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def wake(self) -> None:
        """Let those who wait look whether they still want to."""
        with self._changed:
            self._changed.notify_all()
