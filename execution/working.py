"""How long a source worked on a fragment that has been read, for `planner.seen_work`.

Owns what of the time of a reading is work: not the round trips, the transfer, and the time that
nobody took what had come. Where these are most of it, or cannot be told from work, it says only
the most that it was. Reads nothing, and has no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from connectors.contract import Capabilities, SqlQuery
from planner.cost import Link
from planner.plan import PlannedFragment
from planner.seen import SeenRows

RATE_UNSURE = 0.2
"""The rate of a link is known to about so much."""

UNSURE = 0.25
UNSURE_SECONDS = 0.002
"""Work is known as well as its guess where this part of it, and this besides, may be something
else."""

SIZED = 1.5
"""A guess by so many times the rows that came, or by so few, was not one of this work."""


@dataclass(frozen=True, slots=True)
class Took:
    """One fragment's reading, to its end.

    Attributes:
        seconds: from its turn to its last batch.
        held_up_seconds: in which nobody took what had come.
        crossed_bytes: over the link.
        others_bytes: that crossed it meanwhile for others, as far as that is known.
        connections: over which it came.
        keys: that it was sent; None where it ran without.
    """

    seconds: float
    held_up_seconds: float
    rows: int
    crossed_bytes: int
    others_bytes: int = 0
    keys: int | None = None
    connections: float = 1


def worked_seconds(took: Took, link: Link, round_trips: float) -> tuple[float, bool]:
    """How long its source worked for it, and whether it was so long: else it was that at most.

    >>> worked_seconds(Took(1.0, 0.0, 10, 10_000_000), Link(0.1, 100_000_000.0), 3.0)
    (0.6, True)
    >>> worked_seconds(Took(1.0, 0.5, 10, 10_000_000), Link(0.1, 100_000_000.0), 3.0)
    (0.6, False)
    """
    own = took.crossed_bytes / link.over(took.connections)
    most = max(0.0, took.seconds - round_trips * link.rtt_seconds - own)
    other = took.held_up_seconds + took.others_bytes / link.bytes_per_second
    if other + RATE_UNSURE * own > UNSURE * most + UNSURE_SECONDS:
        return most, False
    return max(0.0, most - other), True


class Working:
    """What one planned fragment's reading tells.

    Args:
        capabilities: the source's.
        round_trips: that it took, from the number of its rows.
        moment_round_trips: until its query's moment was there, besides.
        link: the source's, as it is known when the fragment has been read.
        seen: remembers it.
    """

    def __init__(
        self,
        planned: PlannedFragment,
        capabilities: Capabilities,
        round_trips: Callable[[int], float],
        moment_round_trips: float,
        link: Callable[[], Link],
        seen: SeenRows,
    ) -> None:
        self._planned = planned
        self._capabilities = capabilities
        self._round_trips = round_trips
        self._moment_round_trips = moment_round_trips
        self._link = link
        self._seen = seen

    def ended(self, took: Took, now: float) -> None:
        """All of it has been read."""
        work = self._planned.work
        if work is None or work.shape is None:
            return
        if self._planned.reduction is not None and took.keys is None:
            return  # It ran without, and `work` is that of another fragment.
        round_trips = self._round_trips(took.rows) + self._moment_round_trips
        connections = self._connections(took)
        took = replace(took, connections=connections)
        seconds, sure = worked_seconds(took, self._link(), round_trips)
        sized = _alike(self._planned.estimate.rows or 0.0, took.rows)
        source = self._planned.source
        self._seen.worked(source, work, seconds, now, sure=sure, sized=sized)

    def _connections(self, took: Took) -> float:
        """Over how many its rows came, as planning counts them."""
        query = self._planned.fragment.query
        if not isinstance(query, SqlQuery) or query.whole is None or took.keys is not None:
            return 1.0
        cost = self._planned.cost
        known = None if cost is None else cost.connections
        return self._capabilities.parallel.connections if known is None else known


def _alike(expected: float, found: float) -> bool:
    few, many = sorted((max(1.0, expected), max(1.0, found)))
    return many <= SIZED * few
