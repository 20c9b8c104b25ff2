"""Whose turn it is: at most so many queries run at once, the others wait in order.

Owns the queue. Must not know what a query is.
"""

from __future__ import annotations

import threading
from collections import deque

from connectors.errors import CancelledError, QueueFullError


class Turn:
    """One query's turn: asked for, waited for, given back."""

    __slots__ = ("_admission", "_woken", "cancelled", "held")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._woken = threading.Event()
        self.held = False
        self.cancelled = False

    def take(self) -> None:
        """Wait until this turn comes.

        Raises:
            QueueFullError: when it does not come in time.
            CancelledError: after `cancel`.
        """
        self._admission._take(self)

    def cancel(self) -> None:
        """Stop waiting; a blocked `take` raises. Returns at once, from any thread."""
        self.cancelled = True
        self._woken.set()

    def give_back(self) -> None:
        """Let the next one in. Idempotent."""
        self._admission._give_back(self)


class Admission:
    """Places for running queries, given in the order of asking.

    Args:
        places: how many may be held at once.
        timeout_seconds: how long one waits before QueueFullError.
    """

    def __init__(self, places: int, timeout_seconds: float) -> None:
        self._free = places
        self._timeout_seconds = timeout_seconds
        self._waiting: deque[Turn] = deque()
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return len(self._waiting)

    def turn(self) -> Turn:
        """A turn that has not been asked for yet."""
        return Turn(self)

    def _take(self, turn: Turn) -> None:
        with self._lock:
            if self._free > 0 and not turn.cancelled:
                self._free -= 1
                turn.held = True
                return
            self._waiting.append(turn)
        turn._woken.wait(self._timeout_seconds)
        with self._lock:
            if turn.held and not turn.cancelled:
                return
            if not turn.held:
                self._waiting.remove(turn)
        turn.give_back()
        if turn.cancelled:
            raise CancelledError("the query was cancelled while it waited for its turn")
        raise QueueFullError(
            f"no turn came free in {self._timeout_seconds:g} seconds", hint="Try again later."
        )

    def _give_back(self, turn: Turn) -> None:
        with self._lock:
            if not turn.held:
                return
            turn.held = False
            if not self._waiting:
                self._free += 1
                return
            # The place passes on directly: nobody who asks later can slip in between.
            following = self._waiting.popleft()
            following.held = True
            following._woken.set()
