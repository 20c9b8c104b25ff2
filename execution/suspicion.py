"""When the rows of a fragment refute what was expected of it, and who is told.

Knows no run: `execution.replanning` decides what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from planner.plan import PlannedFragment

GOES_ON = 2.0
"""What has had so many rows is expected to have as many more."""

Refuted = Callable[[PlannedFragment, int], None]
"""Told, by the thread that reads it, that a fragment has more rows than its limit, and how many."""


_JOINS = frozenset(("join", "cross"))
_PICKS = frozenset(("filter", "project", "sort", "fetch", "read"))


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
        reduction = planned.reduction
        expected = (planned.estimate if reduction is None else reduction.estimate).rows
        if joins(planned):  # They may multiply, whatever is known of tables.
            return max(self.rows, self.times * (expected or 0.0))
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
    """Looks at one fragment, for the one thread that reads it, and says what it saw; again each
    time that twice as many rows have come."""

    def __init__(self, planned: PlannedFragment, limit: float, refuted: Refuted) -> None:
        self._planned = planned
        self._limit = limit
        self._refuted = refuted

    def look(self, rows: int) -> None:
        """So many rows have come so far."""
        if rows > self._limit:
            self._limit = GOES_ON * rows
            self._refuted(self._planned, rows)


def joins(planned: PlannedFragment) -> bool:
    """Whether a fragment joins tables at its source."""
    return not _JOINS.isdisjoint(planned.operators)


def is_part_of_table(planned: PlannedFragment) -> bool:
    """Whether each row of a fragment is one of a table."""
    return len(planned.tables) == 1 and _PICKS.issuperset(planned.operators)
