"""Keys sent to a source so that it sends fewer rows: which joins are worth it, and who waits.

    Join l.k = o.k                         Join k1.k = o.k
      Filter …                               read k1
        lineitem     (lake)       ->         Filter k IN (keys of k1)  ───►  shop: … WHERE k = ANY …
      orders         (shop)                    orders      (shop)
                                           stage k1: Filter … lineitem

One side of a join is computed first, as a stage of the plan, and its rows wait here. The join's
keys in them go to the source of the other side with its statement, or, the other way round, with
the scan of its files; a table that the engine reads itself is read by their bounds, and joined by
an engine that knows how few they are. Only sides of which a row without a partner is not wanted are
reduced, by equalities. It is done where the estimate says that it takes less time than to read both
sides at once; a stage that turns out to have too many keys sends none, and the fragment runs as it
would have without. A join that one source runs may be taken apart for it (`planner.apart`), and
what waits may be joined there with what is sent keys instead (`planner.together`). Owns that
choice. Knows no SQL, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import pyarrow as pa

from planner.apart import TopJoin, apart_cost, may_cross_less, top_joins
from planner.cost import held_seconds, local_seconds
from planner.emit.names import distinct_fields
from planner.emit.scan import is_scanned_key
from planner.followed import tables_of
from planner.key_columns import Sides, sides_of
from planner.key_cost import CLEARLY_LESS, FEWEST_KEYS, crossing_share, sent_cost, worth_seconds
from planner.keyed import keys_of
from planner.opening import opened_pieces, opened_seconds
from planner.placing import Place, Places, moved
from planner.plan import Estimate, RejectedCut, Work
from planner.reached import Reach, changed_at, reached
from planner.read_cost import LOOKED_UP, hashing_seconds, keyed_share, read_seconds, scanned
from planner.regroup import regroup_joins
from planner.relations import (
    Call,
    Field,
    FieldRef,
    Filter,
    InKeys,
    Join,
    JoinKind,
    Project,
    Read,
    Relation,
    inputs_of,
    subqueries_of,
)
from planner.rewrite import over, read_all, with_reads
from planner.together import join_above, together_seconds
from planner.work import sent_seconds, stage_work

_DROPS_BOTH = frozenset((JoinKind.INNER, JoinKind.LEFT_SEMI, JoinKind.RIGHT_SEMI))
"""What keeps no row of any side that has no partner."""

TOLD_SECONDS = 0.01
"""Of a table of files that takes less, nobody is told that it is not read by keys."""

SHORTEST_PATIENCE_SECONDS, LONGEST_PATIENCE_SECONDS, PATIENCE = 2.0, 3600.0, 2.0
"""A fragment waits so long for its keys, and so many times what it takes without them."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a statement that is computed before what waits for its keys.

    Attributes:
        name: under which what follows reads its rows.
        relation: what it computes; may read earlier stages.
        fields: its columns, no two of one name.
        shape: of the relation as the statement has it, without the stages and keys inside, which
            leave its rows as they are: by it they are remembered. None where they are not.
        work: all that is done until it is complete; None where that is not known.
    """

    name: str
    relation: Relation
    fields: tuple[Field, ...]
    shape: bytes | None = None
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class Reduced:
    """A tree with reductions.

    Attributes:
        relation: its reads of one-part paths are of stages.
        stages: in the order in which they depend on each other.
        rejected: the ways that lost, with and without keys.
    """

    relation: Relation
    stages: tuple[Stage, ...] = ()
    rejected: tuple[RejectedCut, ...] = ()


def complete_seconds(relation: Relation, places: Places) -> float | None:
    """How long it takes until all of a relation is here; None where that is not known."""
    return _Reductions(places).seconds(relation)


def reduced(relation: Relation, places: Places, shared: Sequence[Stage] = ()) -> Reduced:
    """The tree with the reductions that are worth it, or all that can be had, or none.

    Args:
        shared: stages that it reads, as they are without reductions; those before may be read by
            those after. See `planner.repeated`.
    """
    if places.reductions == "none":
        return Reduced(relation)
    found = _Reductions(places, shared)
    changed = found.of(relation)
    if found.to_sources:
        # What is few rows with the keys may be worth joining at its source.
        changed = regroup_joins(changed, places)
        found.stages = [
            replace(stage, relation=regroup_joins(stage.relation, places)) for stage in found.stages
        ]
    return Reduced(changed, tuple(found.stages), tuple(found.rejected))


@dataclass(frozen=True, slots=True)
class _Way:
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
    """Seconds to read a side without keys, and with them once they are here; see `_Way`."""

    before: float | None
    after: float | None
    crossing: float = 1.0


class _Reductions:
    """One walk, which gathers the stages.

    Args:
        shared: see `reduced`.

    Attributes:
        to_sources: some of their keys go to a source that runs joins, too.
    """

    def __init__(self, places: Places, shared: Sequence[Stage] = ()) -> None:
        self._places = places
        self._names = (f"k{number}" for number in count(len(shared) + 1))
        self.stages: list[Stage] = []
        self.rejected: list[RejectedCut] = []
        self.to_sources = False
        # With the join, so that no other takes its identity.
        self._known: dict[int, tuple[Join, list[_Way]]] = {}
        self._until_shared: dict[tuple[str, ...], float | None] = {}
        for stage in shared:
            self._share(stage)

    def of(self, relation: Relation) -> Relation:
        place = self._places.whole(relation)
        if place is not None:
            return self._apart(relation, place)
        if isinstance(relation, Join):
            ways = self._ways(relation)
            always = self._places.reductions == "all"
            # Keys that a source looks up leave out each row without one, and bounds need not.
            best = max(
                ways, key=lambda w: (always and w.is_looked_up, w.saved_seconds), default=None
            )
            if best is not None:
                if always or best.saved_seconds > 0:
                    return self._taken(relation, best)
                self._reject_for_keys(ways)
        return over(relation, [self.of(source) for source in inputs_of(relation)])

    def _share(self, stage: Stage) -> None:
        work = self._until(stage.relation)
        first = self.of(stage.relation)
        self._until_shared[stage.name,] = None if work is None else work.seconds
        self.stages.append(replace(stage, relation=first, work=work))
        self._places.add_stage((stage.name,), first, stage.shape)

    def _apart(self, relation: Relation, place: Place) -> Relation:
        """What one place runs whole; a join of it taken apart, where that takes less time."""
        if self._places.reductions != "costed" or self._places.cuts != "costed":
            return relation
        if place.dialect is None or place.dialect.keys is None or not opened_pieces(relation):
            return relation
        if keys_of(relation) or _has_subqueries(relation):
            return relation
        ways = list(self._ways_apart(relation, place))
        best = max(ways, key=lambda found: found[1].saved_seconds, default=None)
        if best is None:
            return relation
        top, way = best
        if way.saved_seconds <= 0:
            self._reject_keys(way)
            return relation
        return changed_at(relation, top.path, lambda _: self._taken(top.join, way))

    def _ways_apart(self, relation: Relation, place: Place) -> Iterator[tuple[TopJoin, _Way]]:
        """The joins that may be taken apart, so that clearly fewer bytes cross the link."""
        for top in top_joins(relation):
            for sides in sides_of(top.join):
                for pair in sides.pairs:
                    way = self._way_apart(relation, top, sides, pair, place)
                    if way is not None and way.crossing <= CLEARLY_LESS:
                        yield top, way

    def _way_apart(
        self, relation: Relation, top: TopJoin, sides: Sides, pair: tuple[int, int], place: Place
    ) -> _Way | None:
        places = self._places
        count = places.distinct(sides.first, pair[0])
        reach = reached(sides.waits, pair[1], places)
        if count is None or reach is None:
            return None
        if not may_cross_less(relation, top, sides, pair, count, places):
            return None
        keys = InKeys(_field_at(reach), "", pair[0], count)
        if not self._takes(sides.first, reach, keys):
            return None
        apart = apart_cost(relation, top, sides, keys, place, places)
        if apart is None:
            return None
        otherwise = apart.otherwise_seconds
        return _Way(sides, pair, reach, count, apart.seconds, otherwise, otherwise, apart.crossing)

    def _taken(self, join: Join, way: _Way) -> Relation:
        first = way.sides.first
        name, column = self._shared_column(first, way.keys[0]) or ("", way.keys[0])
        if not name:
            alone = _without_null(first, column, join, way.reach)
            name, work = next(self._names), self._until(first)
            first = self.of(alone)
            stage = Stage(name, first, distinct_fields(first.fields), alone.shape, work)
            self.stages.append(stage)
            self._places.add_stage((name,), first, alone.shape)
            first = read_all((name,), stage.fields)
        self.to_sources = self.to_sources or way.is_looked_up
        if way.seconds is not None:
            self._reject(f"{_named(way.sides.waits)} without the keys of {name}", way)
        condition = InKeys(_field_at(way.reach), name, column, way.count)
        waits = changed_at(way.sides.waits, way.reach.path, lambda below: Filter(below, condition))
        waits = self.of(waits)
        return over(join, (first, waits) if way.sides.reduces_right else (waits, first))

    def _shared_column(self, relation: Relation, index: int) -> tuple[str, int] | None:
        """The stage whose rows a relation is, and a field's position there; None of any other."""
        while isinstance(relation, Project):
            picked = relation.expressions[index]
            if not isinstance(picked, FieldRef):
                return None
            relation, index = relation.input, picked.index
        if isinstance(relation, Read) and relation.path in self._until_shared:
            return relation.path[0], relation.columns[index]
        return None

    def _reject_for_keys(self, ways: list[_Way]) -> None:
        """Say that no keys are sent; that files are not read by keys, where they take a while."""
        ways = [w for w in ways if w.is_looked_up or (w.without_seconds or 0.0) > TOLD_SECONDS]
        best = max(ways, key=lambda w: (w.is_looked_up, w.saved_seconds), default=None)
        if best is not None:
            self._reject(
                f"the keys of {_named(best.sides.first)} for {_named(best.sides.waits)}", best
            )

    def _reject_keys(self, way: _Way) -> None:
        self._reject(f"the keys of {_named(way.sides.first)} for {_named(way.sides.waits)}", way)

    def _reject(self, what: str, way: _Way) -> None:
        reason = f"{way.seconds:.3g} s with, {way.without_seconds:.3g} s without"
        self.rejected.append(RejectedCut(what, reason))

    def _ways(self, join: Join) -> list[_Way]:
        """The best way for each side, found once."""
        known = self._known.get(id(join))
        if known is None:
            found = map(self._best, sides_of(join))
            known = self._known[id(join)] = (join, [way for way in found if way is not None])
        return known[1]

    def _best(self, sides: Sides) -> _Way | None:
        found = None
        for pair in sides.pairs:
            way = self._way(sides, pair)
            if way is not None and (found is None or way.saved_seconds > found.saved_seconds):
                found = way
        return found

    def _way(self, sides: Sides, pair: tuple[int, int]) -> _Way | None:
        first, waits = sides.first, sides.waits
        reach = reached(waits, pair[1], self._places)
        if reach is None:
            return None
        count = self._places.distinct(first, pair[0])
        always = self._places.reductions == "all"
        if count is None:
            if not always:
                return None
            count = float(FEWEST_KEYS)
        condition = InKeys(_field_at(reach), "", pair[0], count)
        if not self._takes(first, reach, condition):
            return None
        times = self._read_times(first, waits, reach, condition)
        before, after = times.before, times.after
        until, held_bytes = self._until(first), self._places.estimate(first).size_bytes
        if before is None or after is None or until is None or held_bytes is None:
            if not always:
                return None
            return _Way(sides, pair, reach, count, None, None)
        wait = until.seconds
        seconds = wait + held_seconds(held_bytes) + after
        # Where all waits for the first side anyway, keys only come on top.
        alone = before if before > wait else 0.0
        without, crossing = max(wait, before), times.crossing
        together = self._together_seconds(sides, pair, reach)
        if together is not None and together < without:
            without, alone, crossing = together, 0.0, 1.0
        return _Way(sides, pair, reach, count, seconds, without, alone, crossing)

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
        ways = () if join is None else self._ways(join)
        own = [w for w in ways if w.saved_seconds > 0 and w.reach.relation is part.relation]
        way = max(own, key=lambda way: way.saved_seconds, default=None)
        until = None if way is None else self._until(way.sides.first)
        if way is None or until is None:
            return None
        keys = InKeys(_field_at(way.reach), "", way.keys[0], way.count)
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
            whole = _moved(expected, place)
            return _Times(whole, _moved(scanned(expected, reduced, share), place))
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

    def _until(self, first: Relation) -> Work | None:
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
        if isinstance(relation, Read) and relation.path in self._until_shared:
            return self._until_shared[relation.path]
        rows = self._places.estimate(relation).rows
        below = [self.seconds(source) for source in inputs_of(relation)]
        known = [seconds for seconds in below if seconds is not None]
        if rows is None or len(known) < len(below):
            return None
        seconds = max(known, default=0.0)
        if isinstance(relation, Join):
            worth = [way for way in self._ways(relation) if way.saved_seconds > 0]
            seconds = min([seconds, *(way.seconds for way in worth if way.seconds is not None)])
        return seconds + local_seconds(rows)


def _without_null(first: Relation, index: int, join: Join, reach: Reach) -> Relation:
    """The first side without rows that have no key, where the engine would look for these, too."""
    field = first.fields[index]
    if reach.place is not None or join.kind not in _DROPS_BOTH or not field.nullable:
        return first
    value = FieldRef(index, field.type, field.nullable)
    return Filter(first, Call("is_not_null", (value,), pa.bool_(), False))


def _field_at(reach: Reach) -> FieldRef:
    field = reach.relation.fields[reach.index]
    return FieldRef(reach.index, field.type, field.nullable)


def _named(relation: Relation) -> str:
    return ", ".join(tables_of(relation)) or "constants"


def _moved(expected: Estimate, place: Place) -> float | None:
    cost = moved(expected, place)
    return None if cost is None else cost.seconds


def in_one_piece(relation: Relation, stages: Iterable[Stage]) -> Relation:
    """The tree with what each stage computes where its rows are read."""
    made: dict[tuple[str, ...], Relation] = {(s.name,): s.relation for s in stages}

    def change(read: Read) -> Relation:
        staged = made.get(read.path)
        return read if staged is None else with_reads(staged, change)

    return with_reads(relation, change) if made else relation


def patience_seconds(alone: Estimate, place: Place, places: Places) -> float | None:
    """So long a fragment waits for its keys: longer than it takes to send all without them."""
    seconds = _moved(alone, place)
    if places.reductions == "all" or seconds is None:
        return None
    return min(LONGEST_PATIENCE_SECONDS, SHORTEST_PATIENCE_SECONDS + PATIENCE * seconds)


def _has_subqueries(relation: Relation) -> bool:
    return any(subqueries_of(relation)) or any(map(_has_subqueries, inputs_of(relation)))
