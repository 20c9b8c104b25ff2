"""When the rows of a fragment refute what was expected of it, and who is told.

Knows no run: `execution.replanning` decides what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.plan import PlannedFragment

Refuted = Callable[[PlannedFragment, int], None]
"""Told, by the thread that reads it, that a fragment has more rows than its limit, and how many."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """When an estimate counts as refuted: at so many times its rows, and at no fewer than these.

    Attributes:
        always: whatever is read is, and every run that can begin again does: for tests.
        waits: the first batch does, for a plan that is being made, so that it takes over whenever
            it may: for tests. Nobody else waits: what is there is given.
    """

    times: float = 10.0
    rows: float = 100_000.0
    always: bool = False
    waits: bool = False

    def limit(self, planned: PlannedFragment) -> float | None:
        """More rows than this refute what was expected of a fragment; None where nothing was."""
        if self.always:
            return 0.0
        expected = planned.estimate.rows
        if expected is None or planned.shape is None:
            return None
        return max(self.rows, self.times * expected)


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at the rows of a run's fragments."""

    suspicion: Suspicion
    refuted: Refuted

    def on(self, planned: PlannedFragment) -> FragmentWatch | None:
        """What looks at one of them; None where no number of rows would be a surprise."""
        limit = self.suspicion.limit(planned)
        return None if limit is None else FragmentWatch(planned, limit, self.refuted)


class FragmentWatch:
    """Looks at one fragment, for the one thread that reads it, and says once what it saw."""

    def __init__(self, planned: PlannedFragment, limit: float, refuted: Refuted) -> None:
        self._planned = planned
        self._limit = limit
        self._refuted = refuted

    def look(self, rows: int) -> None:
        """So many rows have come so far."""
        if rows > self._limit:
            self._limit = float("inf")
            self._refuted(self._planned, rows)
