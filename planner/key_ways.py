"""The ways to reduce one side of a join by the other's keys, and how long each takes.

Of a join one side comes first, and what is reached in the other one waits for its keys: or it does
not, and both sides come at once. Owns which sides can be reduced so, and the seconds with and
without. Decides nothing, and knows no SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.apart import TopJoin, apart_cost, may_cross_less, top_joins
from planner.cost import held_seconds, local_seconds
from planner.emit.scan import is_scanned_key
from planner.key_columns import Sides, sides_of
from planner.key_cost import CLEARLY_LESS, FEWEST_KEYS, crossing_share, sent_cost, worth_seconds
from planner.opening import opened_seconds
from planner.placing import Place, Places, moved
from planner.plan import Estimate, Work
from planner.reached import Reach, reached
from planner.read_cost import LOOKED_UP, hashing_seconds, keyed_share, read_seconds, scanned
from planner.relations import FieldRef, Filter, InKeys, Join, Read, Relation, inputs_of
from planner.together import join_above, together_seconds
from planner.work import sent_seconds, stage_work


@dataclass(frozen=True, slots=True)
class Way:
    """One side of a join reduced by the other's keys.

    Attributes:
        keys: equal columns, one of the pairs.
        reach: what of that side it is that waits.
        seconds: with the keys, by estimate; None where it is not known.
        without_seconds: without them.
        alone_seconds: what waits for them, without them, if it takes longer than they do to come.
        crossing: what crosses the link with them, in parts of what does without.
    """

    sides: Sides
    keys: tuple[int, int]
    reach: Reach
    count: float
    seconds: float | None
    without_seconds: float | None
    alone_seconds: float = 0.0
    crossing: float = 1.0

    @property
    def is_looked_up(self) -> bool:
        """Whether a source with a language of its own does it."""
        return self.reach.place is not None and self.reach.place.dialect is not None

    @property
    def saved_seconds(self) -> float:
        """What it saves, less what it has to: negative where it is not worth it."""
        if self.seconds is None or self.without_seconds is None:
            return 0.0
        worth = worth_seconds(self.without_seconds, self.alone_seconds, self.crossing)
        return self.without_seconds - self.seconds - worth


@dataclass(frozen=True, slots=True)
class _Times:
    """Seconds to read a side without keys, and with them once they are here; see `Way`."""

    before: float | None
    after: float | None
    crossing: float = 1.0


class Ways:
    """The ways of a statement's joins, found once for each.

    Args:
        places: told of stages by who makes them.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        # With the join, so that no other takes its identity.
        self._known: dict[int, tuple[Join, list[Way]]] = {}
        self._shared: dict[tuple[str, ...], float | None] = {}

    def share(self, stage: str, seconds: float | None) -> None:
        """Know how long it takes until a stage is complete, whose rows are read like a table's."""
        self._shared[stage,] = seconds

    def is_shared(self, read: Read) -> bool:
        """Whether it reads such a stage."""
        return read.path in self._shared

    def of(self, join: Join) -> list[Way]:
        """The best way for each side."""
        known = self._known.get(id(join))
        if known is None:
            found = map(self._best, sides_of(join))
            known = self._known[id(join)] = (join, [way for way in found if way is not None])
        return known[1]

    def _best(self, sides: Sides) -> Way | None:
        found = None
        for pair in sides.pairs:
            way = self._way(sides, pair)
            if way is not None and (found is None or way.saved_seconds > found.saved_seconds):
                found = way
        return found

    def _way(self, sides: Sides, pair: tuple[int, int]) -> Way | None:
        first, waits = sides.first, sides.waits
        always = self._places.reductions == "all"
        reach = reached(waits, pair[1], self._places)
        if reach is None or (self._places.is_doubted(first) and not always):
            return None
        count = self._places.distinct(first, pair[0])
        if count is None:
            if not always:
                return None
            count = float(FEWEST_KEYS)
        condition = InKeys(field_at(reach), "", pair[0], count, first.shape)
        if not self._takes(first, reach, condition):
            return None
        times = self._read_times(first, waits, reach, condition)
        before, after = times.before, times.after
        until, held_bytes = self.until(first), self._places.estimate(first).size_bytes
        if before is None or after is None or until is None or held_bytes is None:
            if not always:
                return None
            return Way(sides, pair, reach, count, None, None)
        wait = until.seconds
        seconds = wait + held_seconds(held_bytes) + after
        # Where all waits for the first side anyway, keys only come on top.
        alone = before if before > wait else 0.0
        without, crossing = max(wait, before), times.crossing
        together = self._together_seconds(sides, pair, reach)
        if together is not None and together < without:
            without, alone, crossing = together, 0.0, 1.0
        return Way(sides, pair, reach, count, seconds, without, alone, crossing)

    def _together_seconds(self, sides: Sides, pair: tuple[int, int], reach: Reach) -> float | None:
        """How long it takes if what waits is joined at its source with the part of the first side
        that has its keys, which is sent keys itself; None where that is not to be had."""
        place = reach.place
        if place is None or place.dialect is None:
            return None
        part = reached(sides.first, pair[0], self._places)
        if part is None or part.place is None or part.place.key != place.key:
            return None
        join = join_above(sides.first, part)
        ways = () if join is None else self.of(join)
        own = [w for w in ways if w.saved_seconds > 0 and w.reach.relation is part.relation]
        way = max(own, key=lambda way: way.saved_seconds, default=None)
        until = None if way is None else self.until(way.sides.first)
        if way is None or until is None:
            return None
        keys = InKeys(field_at(way.reach), "", way.keys[0], way.count, way.sides.first.shape)
        after = together_seconds(part, keys, sides.waits, pair[1], place, self._places)
        return None if after is None else until.seconds + after

    def _takes(self, first: Relation, reach: Reach, condition: InKeys) -> bool:
        """Whether what is reached can be read by keys, and is not anyway."""
        if reach.place is None:
            # Of two tables of its own, the engine has one read by the other's bounds by itself.
            return is_scanned_key(condition.value.type) and self._is_streamed(first)
        if reach.place.dialect is not None and reach.path:
            return False  # Its join is come to further down.
        return self._places.part_refusal(reach.relation, condition, reach.place) is None

    def _is_streamed(self, relation: Relation) -> bool:
        """Whether anything of a relation comes as a stream, of which the engine knows no rows."""
        if isinstance(relation, Read):
            return len(relation.path) == 1 or self._places.of(relation) is not None
        return any(map(self._is_streamed, inputs_of(relation)))

    def _read_times(
        self, first: Relation, waits: Relation, reach: Reach, condition: InKeys
    ) -> _Times:
        """How long it takes to read what is reached."""
        places, place, target = self._places, reach.place, reach.relation
        keyed = Filter(target, condition)
        if place is None:
            assert isinstance(target, Read)
            share = keyed_share(target, condition, first, LOOKED_UP, places)
            before = read_seconds(target, 1.0, places)
            after = read_seconds(target, share, places)
            hashed = hashing_seconds(places.estimate(waits).rows, places.estimate(first).rows)
            return _Times(None if before is None else before + hashed, after)
        if place.dialect is None:
            share = keyed_share(target, condition, first, condition.count, places)
            expected, reduced = places.estimate(target), places.estimate(keyed)
            whole = moved_seconds(expected, place)
            return _Times(whole, moved_seconds(scanned(expected, reduced, share), place))
        after, worked = sent_seconds(keyed, place, places)
        sent = sent_cost(condition, target, place, places, places.estimate(keyed))
        before, _ = sent_seconds(target, place, places)
        opened = None if places.cuts == "push" else opened_seconds(target, place, places)
        if before is not None and opened is not None:
            before = min(before, opened)
        # What was seen has the work of the keys in it.
        keys = sent.transfer_seconds if worked else sent.seconds
        crossing = crossing_share((target,), (keyed,), sent, place, places)
        return _Times(before, None if after is None else after + keys, crossing)

    def until(self, first: Relation) -> Work | None:
        """What is done until a stage is complete, as it was seen or else as it is supposed."""
        guess = self.seconds(first)
        return None if guess is None else stage_work(first, guess, self._places)

    def seconds(self, relation: Relation) -> float | None:
        """How long it takes until all of a relation is here: its parts at once, or one after the
        other where keys are worth it, then the rest."""
        place = self._places.whole(relation)
        if place is not None:
            return sent_seconds(relation, place, self._places)[0]
        if isinstance(relation, Read) and len(relation.path) > 1:
            return read_seconds(relation, 1.0, self._places)
        if isinstance(relation, Read) and relation.path in self._shared:
            return self._shared[relation.path]
        rows = self._places.estimate(relation).rows
        below = [self.seconds(source) for source in inputs_of(relation)]
        known = [seconds for seconds in below if seconds is not None]
        if rows is None or len(known) < len(below):
            return None
        seconds = max(known, default=0.0)
        if isinstance(relation, Join):
            worth = [way for way in self.of(relation) if way.saved_seconds > 0]
            seconds = min([seconds, *(way.seconds for way in worth if way.seconds is not None)])
        return seconds + local_seconds(rows)

    def apart(self, relation: Relation, place: Place) -> Iterator[tuple[TopJoin, Way]]:
        """The joins that may be taken apart, so that clearly fewer bytes cross the link."""
        for top in top_joins(relation):
            for sides in sides_of(top.join):
                for pair in sides.pairs:
                    way = self._way_apart(relation, top, sides, pair, place)
                    if way is not None and way.crossing <= CLEARLY_LESS:
                        yield top, way

    def _way_apart(
        self, relation: Relation, top: TopJoin, sides: Sides, pair: tuple[int, int], place: Place
    ) -> Way | None:
        places = self._places
        count = places.distinct(sides.first, pair[0])
        reach = reached(sides.waits, pair[1], places)
        if count is None or reach is None or places.is_doubted(sides.first):
            return None
        if not may_cross_less(relation, top, sides, pair, count, places):
            return None
        keys = InKeys(field_at(reach), "", pair[0], count, sides.first.shape)
        if not self._takes(sides.first, reach, keys):
            return None
        apart = apart_cost(relation, top, sides, keys, place, places)
        if apart is None:
            return None
        otherwise = apart.otherwise_seconds
        return Way(sides, pair, reach, count, apart.seconds, otherwise, otherwise, apart.crossing)


def field_at(reach: Reach) -> FieldRef:
    """The field by whose values what is reached is read."""
    field = reach.relation.fields[reach.index]
    return FieldRef(reach.index, field.type, field.nullable)


def moved_seconds(expected: Estimate, place: Place) -> float | None:
    """How long it takes until so much of a place is here; None where that is not known."""
    cost = moved(expected, place)
    return None if cost is None else cost.seconds
