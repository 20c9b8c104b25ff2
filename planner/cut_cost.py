"""How long a cut takes from the first request to the last row, in one number: to compare cuts with.

Fragments start together, and those of one source share its link; what waits for keys starts after
their stage; operators here come after their inputs (the critical path, as in Graham, 1966). Owns
that sum over a whole cut. The prices of its parts are `planner.cost`'s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import chain
from typing import TypeGuard

from planner.cost import (
    ALL,
    RESIDUAL_SECONDS,
    ROUND_TRIPS,
    STAGE_SECONDS,
    Cost,
    Link,
    held_seconds,
    local_seconds,
    transfer_cost,
)
from planner.decompose import Cut, CutFragment
from planner.key_cost import rows_cost, sent_cost
from planner.keyed import keyed_inputs, keys_in, keys_of, sent_reads, without_keys
from planner.placing import Place, Places
from planner.plan import Estimate
from planner.read_cost import LOOKED_UP, keyed_share, scanned
from planner.relations import Filter, InKeys, Read, Relation, inputs_of, parts_of
from planner.work import Busy, at_once_seconds, work_of

UNKNOWN_ROWS = 1_000_000.0
"""What nothing is known of is taken for large: then the links decide, and not a guess."""


@dataclass(frozen=True, slots=True)
class CutCost:
    """A cut's estimated time.

    Attributes:
        seconds: until the last row is here.
        total_seconds: of all parts, as if they ran one after the other.
        whole: one place answers it all.
        here_seconds: of the engine's own work, as if it did one thing after the other.
    """

    seconds: float
    total_seconds: float
    whole: bool = False
    here_seconds: float = 0.0


def cut_cost(cut: Cut, places: Places) -> CutCost:
    """What a cut costs, with the links as `places` has them.

    Args:
        places: that the cut was made with; told what its fragments read.
    """
    return _CutCost(cut, places).cost()


class _CutCost:
    """One sum; each part is looked at once."""

    def __init__(self, cut: Cut, places: Places) -> None:
        self._cut = cut
        self._places = places
        self._fragments = {fragment.name: fragment for fragment in cut.fragments}
        self._stages = {stage.name: stage.relation for stage in cut.stages}
        self._works = {stage.name: stage.work for stage in cut.stages}
        self._ready: dict[str, float] = {}
        self._moved: dict[str, list[tuple[Cost, bool]]] = defaultdict(list)
        self._at_source = Counter(fragment.place.source.name for fragment in cut.fragments)
        self._work_seconds = 0.0
        for fragment in cut.fragments:
            places.add_stage((fragment.name,), fragment.relation)

    def cost(self) -> CutCost:
        here = 0.0 if self._cut.whole else RESIDUAL_SECONDS
        path = self._until(self._cut.residual) + here
        here += STAGE_SECONDS * len(self._stages)
        # A link carries what all of its fragments send, whoever waits for which.
        links = [
            max(c.latency_seconds for c, _ in costs)
            + at_once_seconds(Busy.of(c, c.work_seconds, seen=seen) for c, seen in costs)
            for costs in self._moved.values()
        ]
        moved = sum(cost.seconds for cost, _ in chain.from_iterable(self._moved.values()))
        total = moved + self._work_seconds + here
        own = self._work_seconds + here
        return CutCost(max((path, *links)), total, self._cut.whole, own)

    def _until(self, relation: Relation) -> float:
        """Seconds until all of a relation is here."""
        if isinstance(relation, Read):
            return (
                self._until_named(relation) if len(relation.path) == 1 else self._native(relation)
            )
        if isinstance(relation, Filter) and (keys := keys_in(relation.condition)):
            source = relation.input
            if self._is_native(source):
                read = self._native(source, self._share(source, keys, LOOKED_UP))
            else:
                read = self._until(source)
            return self._until_keys(keys) + read + self._here(relation)
        below = [self._until(part) for part in parts_of(relation)]
        return max(below, default=0.0) + self._here(relation)

    @staticmethod
    def _is_native(relation: Relation) -> TypeGuard[Read]:
        return isinstance(relation, Read) and len(relation.path) > 1

    def _share(self, table: Relation, keys: tuple[InKeys, ...], most: float | None) -> float:
        """The part of a table that is read by keys; all are looked for where there is no `most`."""
        return min(
            keyed_share(table, k, self._stages[k.stage], most or k.count, self._places)
            for k in keys
        )

    def _until_keys(self, keys: tuple[InKeys, ...]) -> float:
        """Seconds until what waits for these may begin."""
        return max((self._until_named(Read((k.stage,), (), ())) for k in keys), default=0.0)

    def _until_named(self, read: Read) -> float:
        name = read.path[0]
        if name not in self._ready:
            fragment = self._fragments.get(name)
            self._ready[name] = self._staged(name) if fragment is None else self._sent(fragment)
        return self._ready[name]

    def _staged(self, name: str) -> float:
        """Seconds until a stage is complete: as was seen, or else as its parts take."""
        until, work = self._until(self._stages[name]) + STAGE_SECONDS, self._works[name]
        until += held_seconds(self._places.estimate(self._stages[name]).size_bytes or 0.0)
        return work.seconds if work is not None and work.seen else until

    def _sent(self, fragment: CutFragment) -> float:
        keys = keys_of(fragment.relation)
        rows = sent_reads(fragment.relation)
        wait = max(self._until_keys(keys), *map(self._until_named, rows), 0.0)
        place = fragment.place
        expected = self._known(fragment.relation, self._places.sent(fragment.relation, place))
        if place.dialect is None and keys:
            expected = self._scanned(fragment.relation, expected)
        moved = self._transfer(expected, place.link, place)
        moment = place.moment_seconds if self._at_source[place.source.name] > 1 else 0.0
        sent = [
            sent_cost(k, target, place, self._places, expected)
            for target, k in keyed_inputs(fragment.relation)
            if place.dialect is not None
        ]
        sent += (rows_cost(read, place, self._places, expected) for read in rows)
        work = work_of(fragment.relation, place, self._places, self._rows)
        assert work is not None
        working = work.seconds
        if not work.seen:
            # Of a scan all that it looks at is handed out.
            handed = moved.work_seconds - work.handed_seconds(place.pace)
            working += handed + sum(s.work_seconds for s in sent)
        cost = Cost(
            moment + moved.latency_seconds,
            moved.transfer_seconds + sum(s.transfer_seconds for s in sent),
            working,
            moved.connections,
            moved.link_seconds,
        )
        self._moved[place.source.name].append((cost, work.seen))
        return wait + cost.seconds

    def _scanned(self, relation: Relation, reduced: Estimate) -> Estimate:
        """What crosses a scan's link: the parts of the table in which keys may be."""
        whole = self._expected(without_keys(relation))
        share = 1.0
        while not isinstance(relation, Read):
            if isinstance(relation, Filter) and (keys := keys_in(relation.condition)):
                share = min(share, self._share(relation.input, keys, None))
            (relation,) = inputs_of(relation)
        return scanned(whole, reduced, share)

    def _native(self, read: Read, share: float = 1.0) -> float:
        """A part of a table that the engine reads itself: over its link, where there is one."""
        source = self._places.source(read)
        here = share * self._here(read)
        if source.connector.capabilities.local:
            return here
        whole = self._known(read, self._places.brought(read))
        assert whole.rows is not None
        assert whole.size_bytes is not None
        moved = self._transfer(Estimate(share * whole.rows, share * whole.size_bytes), source.link)
        cost = Cost(moved.latency_seconds, moved.transfer_seconds, 0.0)
        self._moved[source.name].append((cost, False))
        return cost.seconds + here

    def _transfer(self, expected: Estimate, link: Link, place: Place | None = None) -> Cost:
        assert expected.rows is not None
        assert expected.size_bytes is not None
        trips = ROUND_TRIPS if place is None else place.round_trips(expected)
        connections = ALL if place is None else expected.connections
        pace = 1.0 if place is None else place.pace
        return transfer_cost(expected.rows, expected.size_bytes, link, trips, connections, pace)

    def _here(self, relation: Relation) -> float:
        seconds = local_seconds(self._expected(relation).rows or 0.0)
        self._work_seconds += seconds
        return seconds

    def _rows(self, relation: Relation) -> float:
        rows = self._expected(relation).rows
        assert rows is not None
        return rows

    def _expected(self, relation: Relation) -> Estimate:
        return self._known(relation, self._places.estimate(relation))

    def _known(self, relation: Relation, expected: Estimate) -> Estimate:
        if expected.rows is not None and expected.size_bytes is not None:
            return expected
        widths = range(len(relation.fields))
        of_a_row = sum(self._places.width_bytes(relation, index) for index in widths)
        return Estimate(UNKNOWN_ROWS, UNKNOWN_ROWS * (of_a_row or 1.0))
