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
would have without. Owns that choice. Knows no SQL, and runs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from planner.cost import STAGE_SECONDS, held_seconds, keys_cost, local_seconds
from planner.emit.names import distinct_fields
from planner.emit.scan import is_scanned_key
from planner.followed import tables_of
from planner.opening import opened_seconds
from planner.placing import Place, Places, moved
from planner.plan import Estimate, RejectedCut
from planner.reached import Reach, changed_at, reached
from planner.read_cost import LOOKED_UP, hashing_seconds, keyed_share, read_seconds, scanned
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

_DROPS_BOTH = frozenset((JoinKind.INNER, JoinKind.LEFT_SEMI, JoinKind.RIGHT_SEMI))
"""What keeps no row of any side that has no partner."""

WORTH_SECONDS = STAGE_SECONDS
"""What a reduction must save, at least, and this part of what it would take without it: estimates
are rough, and a stage holds up what could run beside it."""
WORTH_SHARE = 0.1

TOLD_SECONDS = 0.01
"""Of a table of files that takes less, nobody is told that it is not read by keys."""

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
    if found.to_sources:
        # What is few rows with the keys may be worth joining at its source.
        changed = regroup_joins(changed, places)
    return Reduced(changed, tuple(found.stages), tuple(found.rejected))


@dataclass(frozen=True, slots=True)
class _Way:
    """One side of a join reduced by the other's keys.

    Attributes:
        keys: equal columns, in the first side and in the side that waits.
        reach: what of that side it is that waits.
        seconds: with the keys, by estimate; None where it is not known.
        without_seconds: without them.
    """

    first: Relation
    waits: Relation
    reduces_right: bool
    keys: tuple[int, int]
    reach: Reach
    count: float
    seconds: float | None
    without_seconds: float | None

    @property
    def is_looked_up(self) -> bool:
        """Whether a source with a language of its own does it."""
        return self.reach.place is not None and self.reach.place.dialect is not None

    @property
    def saved_seconds(self) -> float:
        """What it saves, less what it has to: negative where it is not worth it."""
        if self.seconds is None or self.without_seconds is None:
            return 0.0
        worth = max(WORTH_SECONDS, WORTH_SHARE * self.without_seconds)
        return self.without_seconds - self.seconds - worth


class _Reductions:
    """One walk, which gathers the stages.

    Attributes:
        to_sources: some of their keys go to a source that runs joins, too.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self.stages: list[Stage] = []
        self.rejected: list[RejectedCut] = []
        self.to_sources = False

    def of(self, relation: Relation) -> Relation:
        if self._places.whole(relation) is not None:
            return relation
        if isinstance(relation, Join):
            ways = [way for way in self._ways(relation) if way is not None]
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

    def _taken(self, join: Join, way: _Way) -> Relation:
        first = self.of(_without_null(way.first, way.keys[0], join, way.reach))
        stage = Stage(f"k{len(self.stages) + 1}", first, distinct_fields(first.fields))
        self.stages.append(stage)
        self.to_sources = self.to_sources or way.is_looked_up
        self._places.add_stage((stage.name,), first)
        if way.seconds is not None:
            self._reject(f"{_named(way.waits)} without the keys of {stage.name}", way)
        value = _field_at(way.reach)
        condition = InKeys(value, stage.name, way.keys[0], way.count)
        waits = changed_at(way.waits, way.reach.path, lambda below: Filter(below, condition))
        waits = self.of(waits)
        read = read_all((stage.name,), stage.fields)
        return over(join, (read, waits) if way.reduces_right else (waits, read))

    def _reject_for_keys(self, ways: list[_Way]) -> None:
        """Say that no keys are sent; that files are not read by keys, where they take a while."""
        ways = [w for w in ways if w.is_looked_up or (w.without_seconds or 0.0) > TOLD_SECONDS]
        best = max(ways, key=lambda w: (w.is_looked_up, w.saved_seconds), default=None)
        if best is not None:
            self._reject(f"the keys of {_named(best.first)} for {_named(best.waits)}", best)

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
        found = None
        for pair in pairs:
            way = self._way(first, waits, reduces_right, pair)
            if way is not None and (found is None or way.saved_seconds > found.saved_seconds):
                found = way
        return found

    def _way(
        self,
        first: Relation,
        waits: Relation,
        reduces_right: bool,
        pair: tuple[int, int],
    ) -> _Way | None:
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
        before, after = self._read_times(first, waits, reach, condition)
        wait, held_bytes = self._seconds(first), self._places.estimate(first).size_bytes
        if before is None or after is None or wait is None or held_bytes is None:
            if not always:
                return None
            return _Way(first, waits, reduces_right, pair, reach, count, None, None)
        seconds = wait + held_seconds(held_bytes) + after
        return _Way(first, waits, reduces_right, pair, reach, count, seconds, max(wait, before))

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
    ) -> tuple[float | None, float | None]:
        """How long it takes to read what is reached, without keys and with them, once they are
        here; None where that is not known."""
        places, place, target = self._places, reach.place, reach.relation
        expected, reduced = places.estimate(target), places.estimate(Filter(target, condition))
        if place is None:
            assert isinstance(target, Read)
            share = keyed_share(target, condition, first, LOOKED_UP, places)
            before = read_seconds(target, expected, 1.0, places)
            after = read_seconds(target, expected, share, places)
            hashed = hashing_seconds(places.estimate(waits).rows, places.estimate(first).rows)
            return None if before is None else before + hashed, after
        if place.dialect is None:
            share = keyed_share(target, condition, first, condition.count, places)
            return _moved(expected, place), _moved(scanned(expected, reduced, share), place)
        after = _moved(reduced, place)
        width_bytes = places.width_bytes(target, reach.index)
        form = place.dialect.keys
        assert form is not None
        sent = keys_cost(condition.count, width_bytes, place.source.link, form.seconds)
        before = _moved(expected, place)
        opened = None if places.cuts == "push" else opened_seconds(target, place, places)
        if before is not None and opened is not None:
            before = min(before, opened)
        return before, None if after is None else after + sent.seconds

    def _seconds(self, relation: Relation) -> float | None:
        """How long it takes until all of a relation is here: its parts at once, then the rest."""
        place = self._places.whole(relation)
        if place is not None:
            return _moved(self._places.estimate(relation), place)
        if isinstance(relation, Read) and len(relation.path) > 1:
            return read_seconds(relation, self._places.estimate(relation), 1.0, self._places)
        rows = self._places.estimate(relation).rows
        below = [self._seconds(source) for source in inputs_of(relation)]
        known = [seconds for seconds in below if seconds is not None]
        if rows is None or len(known) < len(below):
            return None
        return max(known, default=0.0) + local_seconds(rows)


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
