"""Keys sent to a source so that it sends fewer rows: which joins are worth it, and who waits.

    Join l.k = o.k                         Join k1.k = o.k
      Filter …                               read k1
        lineitem     (lake)       ->         Filter k IN (keys of k1)  ───►  shop: … WHERE k = ANY …
      orders         (shop)                    orders      (shop)
                                           stage k1: Filter … lineitem

One side of a join is computed first, as a stage of the plan, and its rows wait here. The join's
keys in them go to the source of the other side with its statement. Only sides of which a row
without a partner is not wanted are reduced, by equalities of integers, dates and texts. It is
done where the estimate says that it takes less time than to read both sides at once; a stage that
turns out to have too many keys sends none, and the fragment runs as it would have without.
Owns that choice. Knows no SQL, and runs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from planner.cost import held_seconds, keys_cost, local_seconds
from planner.emit.names import distinct_fields
from planner.followed import tables_of
from planner.placing import Place, Places, moved
from planner.plan import Estimate, RejectedCut
from planner.regroup import regroup_joins
from planner.relations import (
    Call,
    Cast,
    Expression,
    Field,
    FieldRef,
    Filter,
    InKeys,
    Join,
    JoinKind,
    Read,
    Relation,
    conjunction,
    conjuncts,
    inputs_of,
)
from planner.rewrite import over, read_all, with_reads

_REDUCES_RIGHT = frozenset(
    (JoinKind.INNER, JoinKind.LEFT, JoinKind.LEFT_SEMI, JoinKind.RIGHT_SEMI, JoinKind.LEFT_ANTI)
)
_REDUCES_LEFT = frozenset(
    (JoinKind.INNER, JoinKind.RIGHT, JoinKind.LEFT_SEMI, JoinKind.RIGHT_SEMI, JoinKind.RIGHT_ANTI)
)

WORTH_SECONDS = 0.001
"""What a reduction must save, at least, and this part of what it would take without it: estimates
are rough, and a stage holds up what could run beside it."""
WORTH_SHARE = 0.1

FEWEST_KEYS = 1_000
"""So many keys are sent whatever was expected."""

SHORTEST_PATIENCE_SECONDS, LONGEST_PATIENCE_SECONDS, PATIENCE = 2.0, 3600.0, 2.0
"""A fragment waits so long for its keys, and so many times what it takes without them."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a statement that is computed before what waits for its keys.

    Attributes:
        name: under which what follows reads its rows.
        relation: what it computes; may read earlier stages.
        fields: its columns, no two of one name.
    """

    name: str
    relation: Relation
    fields: tuple[Field, ...]


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


def reduced(relation: Relation, places: Places) -> Reduced:
    """The tree with the reductions that are worth it, or all that can be had, or none."""
    if places.reductions == "none":
        return Reduced(relation)
    found = _Reductions(places)
    changed = found.of(relation)
    if found.stages:
        # What is few rows with the keys may be worth joining at its source.
        changed = regroup_joins(changed, places)
    return Reduced(changed, tuple(found.stages), tuple(found.rejected))


@dataclass(frozen=True, slots=True)
class _Way:
    """One side of a join reduced by the other's keys.

    Attributes:
        keys: equal columns, in the first side and in the side that waits.
        seconds: with the keys, by estimate; None where it is not known.
        without_seconds: without them.
    """

    first: Relation
    waits: Relation
    reduces_right: bool
    keys: tuple[int, int]
    count: float
    seconds: float | None
    without_seconds: float | None

    @property
    def saved_seconds(self) -> float:
        """What it saves, less what it has to: negative where it is not worth it."""
        if self.seconds is None or self.without_seconds is None:
            return 0.0
        worth = max(WORTH_SECONDS, WORTH_SHARE * self.without_seconds)
        return self.without_seconds - self.seconds - worth


class _Reductions:
    """One walk, which gathers the stages."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.stages: list[Stage] = []
        self.rejected: list[RejectedCut] = []

    def of(self, relation: Relation) -> Relation:
        if self._places.whole(relation) is not None:
            return relation
        if isinstance(relation, Join):
            ways = [way for way in self._ways(relation) if way is not None]
            best = max(ways, key=lambda way: way.saved_seconds, default=None)
            if best is not None:
                if best.saved_seconds > 0 or self._places.reductions == "all":
                    return self._taken(relation, best)
                self._reject(f"the keys of {_named(best.first)} for {_named(best.waits)}", best)
        return over(relation, [self.of(source) for source in inputs_of(relation)])

    def _taken(self, join: Join, way: _Way) -> Relation:
        first = self.of(way.first)
        stage = Stage(f"k{len(self.stages) + 1}", first, distinct_fields(first.fields))
        self.stages.append(stage)
        self._places.add_stage((stage.name,), first)
        if way.seconds is not None:
            self._reject(f"{_named(way.waits)} without the keys of {stage.name}", way)
        field = way.waits.fields[way.keys[1]]
        value = FieldRef(way.keys[1], field.type, field.nullable)
        waits = Filter(way.waits, InKeys(value, stage.name, way.keys[0], way.count))
        read = read_all((stage.name,), stage.fields)
        return over(join, (read, waits) if way.reduces_right else (waits, read))

    def _reject(self, what: str, way: _Way) -> None:
        reason = f"{way.seconds:.3g} s with, {way.without_seconds:.3g} s without"
        self.rejected.append(RejectedCut(what, reason))

    def _ways(self, join: Join) -> list[_Way | None]:
        pairs = _equalities(join)
        ways: list[_Way | None] = []
        if join.kind in _REDUCES_RIGHT:
            ways.append(self._best(join.left, join.right, True, pairs))
        if join.kind in _REDUCES_LEFT:
            turned = tuple((right, left) for left, right in pairs)
            ways.append(self._best(join.right, join.left, False, turned))
        return ways

    def _best(
        self,
        first: Relation,
        waits: Relation,
        reduces_right: bool,
        pairs: tuple[tuple[int, int], ...],
    ) -> _Way | None:
        place = self._places.whole(waits)
        if place is None or place.dialect is None or place.dialect.keys is None:
            return None
        found = None
        for pair in pairs:
            way = self._way(first, waits, reduces_right, pair, place)
            if way is not None and (found is None or way.saved_seconds > found.saved_seconds):
                found = way
        return found

    def _way(
        self,
        first: Relation,
        waits: Relation,
        reduces_right: bool,
        pair: tuple[int, int],
        place: Place,
    ) -> _Way | None:
        field = waits.fields[pair[1]]
        count = self._places.distinct(first, pair[0])
        always = self._places.reductions == "all"
        if count is None:
            if not always:
                return None
            count = float(FEWEST_KEYS)
        condition = InKeys(FieldRef(pair[1], field.type, field.nullable), "", pair[0], count)
        if self._places.part_refusal(waits, condition, place) is not None:
            return None
        with_keys, without = self._times(first, waits, condition, place)
        if with_keys is None and not always:
            return None
        return _Way(first, waits, reduces_right, pair, count, with_keys, without)

    def _times(
        self, first: Relation, waits: Relation, condition: InKeys, place: Place
    ) -> tuple[float | None, float | None]:
        """How long both sides take with the keys, and without; None where that is not known."""
        before = _moved(self._places.estimate(waits), place)
        after = _moved(self._places.estimate(Filter(waits, condition)), place)
        wait, held_bytes = self._seconds(first), self._places.estimate(first).size_bytes
        if before is None or after is None or wait is None or held_bytes is None:
            return None, None
        assert isinstance(condition.value, FieldRef)
        width_bytes = self._places.width_bytes(waits, condition.value.index)
        keys = keys_cost(condition.count, width_bytes, place.source.link)
        return wait + held_seconds(held_bytes) + after + keys.seconds, max(wait, before)

    def _seconds(self, relation: Relation) -> float | None:
        """How long it takes until all of a relation is here: its parts at once, then the rest."""
        place = self._places.whole(relation)
        if place is not None:
            return _moved(self._places.estimate(relation), place)
        rows = self._places.estimate(relation).rows
        below = [self._seconds(source) for source in inputs_of(relation)]
        known = [seconds for seconds in below if seconds is not None]
        if rows is None or len(known) < len(below):
            return None
        return max(known, default=0.0) + local_seconds(rows)


def _named(relation: Relation) -> str:
    return ", ".join(tables_of(relation)) or "constants"


def _moved(expected: Estimate, place: Place) -> float | None:
    cost = moved(expected, place)
    return None if cost is None else cost.seconds


def _equalities(join: Join) -> tuple[tuple[int, int], ...]:
    """The columns that a join's condition wants equal: of the left side, and of the right."""
    width = len(join.left.fields)
    found: list[tuple[int, int]] = []
    for part in conjuncts(join.condition):
        if isinstance(part, Call) and part.function == "equal":
            columns = [column for a in part.arguments if (column := _key_in(a)) is not None]
            left, right = sorted(columns, key=_position) if len(columns) == 2 else (None, None)
            if left and right and left.index < width <= right.index and _alike(left, right):
                found.append((left.index, right.index - width))
    return tuple(found)


def _key_in(side: Expression) -> FieldRef | None:
    """The column that one side of an equality is, or of which it is the same integer, but wider."""
    if isinstance(side, Cast) and isinstance(side.input, FieldRef):
        widened = (
            _are_integers(side, side.input) and side.type.bit_width > side.input.type.bit_width
        )
        return side.input if widened else None
    return side if isinstance(side, FieldRef) else None


def _alike(one: FieldRef, other: FieldRef) -> bool:
    """Whether equal keys of two columns have one text."""
    return one.type == other.type or _are_integers(one, other)


def _are_integers(*sides: Expression) -> bool:
    return all(pa.types.is_signed_integer(side.type) for side in sides)


def _position(reference: FieldRef) -> int:
    return reference.index


def in_one_piece(relation: Relation, stages: Iterable[Stage]) -> Relation:
    """The tree with what each stage computes where its rows are read."""
    made: dict[tuple[str, ...], Relation] = {(s.name,): s.relation for s in stages}

    def change(read: Read) -> Relation:
        staged = made.get(read.path)
        return read if staged is None else with_reads(staged, change)

    return with_reads(relation, change) if made else relation


def most_keys(alone: Estimate, places: Places) -> int:
    """So many keys are worth sending to a fragment that is expected to send so much without."""
    if places.reductions == "all" or alone.rows is None:
        return sys.maxsize
    return max(FEWEST_KEYS, int(alone.rows / 2))


def patience_seconds(alone: Estimate, place: Place, places: Places) -> float | None:
    """So long a fragment waits for its keys: longer than it takes to send all without them."""
    seconds = _moved(alone, place)
    if places.reductions == "all" or seconds is None:
        return None
    return min(LONGEST_PATIENCE_SECONDS, SHORTEST_PATIENCE_SECONDS + PATIENCE * seconds)


def keys_in(expression: Expression) -> tuple[InKeys, ...]:
    """The conditions on keys among the parts of a condition."""
    return tuple(part for part in conjuncts(expression) if isinstance(part, InKeys))


def without_keys(relation: Relation) -> Relation:
    """The relation as it runs when no keys are sent."""
    relation = over(relation, [without_keys(source) for source in inputs_of(relation)])
    if isinstance(relation, Filter):
        parts = tuple(p for p in conjuncts(relation.condition) if not isinstance(p, InKeys))
        if not parts:
            return relation.input
        if len(parts) < len(conjuncts(relation.condition)):
            return Filter(relation.input, conjunction(parts))
    return relation


def keys_of(relation: Relation) -> tuple[InKeys, ...]:
    """The keys that a relation waits for."""
    own = keys_in(relation.condition) if isinstance(relation, Filter) else ()
    return own + tuple(keys for source in inputs_of(relation) for keys in keys_of(source))
