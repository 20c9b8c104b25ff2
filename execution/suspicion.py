"""When the rows of a fragment refute what was expected of it, and who is told.

Knows no run: `execution.replanning` decides what comes of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from planner.plan import PlannedFragment

GOES_ON = 2.0
"""What has had so many rows is expected to have as many more."""

Refuted = Callable[[PlannedFragment, int], None]
"""Told, by the thread that reads it, that a fragment has more rows than its limit, and how many."""


_JOINS = frozenset(("join", "cross"))
_WHOLE = frozenset(("read", "project", "sort"))
_PARTS = _WHOLE | frozenset(("filter", "fetch"))


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
        """More rows than this refute what was expected of a fragment; None where nothing was, and
        nothing is joined."""
        if self.always:
            return 0.0
        expected = planned.estimate.rows
        # A join may multiply, whatever is known of its tables.
        if not joins(planned) and (expected is None or planned.shape is None):
            return None
        return max(self.rows, self.times * (expected or 0.0))


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at the rows of a run's fragments."""

    suspicion: Suspicion
    refuted: Refuted

    def on(self, planned: PlannedFragment) -> FragmentWatch | None:
        """What looks at one of them; None where no number of rows would be a surprise."""
        ways = {False: planned}
        if planned.reduction is not None:
            ways[False] = replace(planned, estimate=planned.reduction.estimate)
        if planned.reduction is not None or planned.sending is not None:
            ways[True] = replace(planned, shape=planned.keyed_shape)
        limits = {keyed: self.suspicion.limit(way) for keyed, way in ways.items()}
        known = {keyed: limit for keyed, limit in limits.items() if limit is not None}
        return FragmentWatch(ways, known, self.refuted) if known else None


class FragmentWatch:
    """Looks at one fragment, for the one thread that reads it, and says what it saw; again each
    time that twice as many rows have come.

    Args:
        ways: the fragment as it runs without keys, and with them; each with its shape.
        limits: see `Suspicion.limit`.
    """

    def __init__(
        self, ways: Mapping[bool, PlannedFragment], limits: Mapping[bool, float], refuted: Refuted
    ) -> None:
        self._ways = ways
        self._limits = dict(limits)
        self._refuted = refuted

    def look(self, rows: int, *, keyed: bool = False) -> None:
        """So many rows have come so far, by keys or without."""
        if rows > self._limits.get(keyed, math.inf):
            self._limits[keyed] = GOES_ON * rows
            self._refuted(self._ways[keyed], rows)


def joins(planned: PlannedFragment) -> bool:
    """Whether a fragment joins tables at its source."""
    return not _JOINS.isdisjoint(planned.operators)


def part_of(planned: PlannedFragment) -> str | None:
    """The table of which each row of a fragment is one, if there is one."""
    if len(planned.tables) == 1 and _PARTS.issuperset(planned.operators):
        return planned.tables[0]
    return None


def is_whole(planned: PlannedFragment) -> bool:
    """Whether a fragment of one table has all of its rows."""
    return planned.reduction is None and _WHOLE.issuperset(planned.operators)
