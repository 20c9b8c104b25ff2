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
would have without. How long each way takes says `planner.key_ways`: also of a join that one source
runs, which may be taken apart for it, and of joining what waits with what is sent keys there. Owns
the choice, and the stages. Knows no SQL, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import pyarrow as pa

from planner.emit.names import distinct_fields
from planner.followed import tables_of
from planner.key_ways import Way, Ways, field_at, moved_seconds
from planner.keyed import keys_of, sent_in
from planner.opening import opened_pieces
from planner.placing import Place, Places
from planner.plan import Estimate, RejectedCut, Work
from planner.reached import Reach, changed_at
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
    return Ways(places).seconds(relation)


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
        self._ways = Ways(places)
        for stage in shared:
            self._share(stage)

    def of(self, relation: Relation) -> Relation:
        place = self._places.whole(relation)
        if place is not None:
            return self._apart(relation, place)
        if isinstance(relation, Join):
            ways = self._ways.of(relation)
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
        work = self._ways.until(stage.relation)
        first = self.of(stage.relation)
        self._ways.share(stage.name, None if work is None else work.seconds)
        self.stages.append(replace(stage, relation=first, work=work))
        self._places.add_stage((stage.name,), first, stage.shape)

    def _apart(self, relation: Relation, place: Place) -> Relation:
        """What one place runs whole; a join of it taken apart, where that takes less time."""
        if self._places.reductions != "costed" or self._places.cuts != "costed":
            return relation
        if place.dialect is None or place.dialect.keys is None or not opened_pieces(relation):
            return relation
        if keys_of(relation) or sent_in(relation) or _has_subqueries(relation):
            return relation
        ways = list(self._ways.apart(relation, place))
        best = max(ways, key=lambda found: found[1].saved_seconds, default=None)
        if best is None:
            return relation
        top, way = best
        if way.saved_seconds <= 0:
            self._reject_keys(way)
            return relation
        return changed_at(relation, top.path, lambda _: self._taken(top.join, way))

    def _taken(self, join: Join, way: Way) -> Relation:
        first = way.sides.first
        name, column = self._shared_column(first, way.keys[0]) or ("", way.keys[0])
        if not name:
            alone = _without_null(first, column, join, way.reach)
            name, work = next(self._names), self._ways.until(first)
            first = self.of(alone)
            stage = Stage(name, first, distinct_fields(first.fields), alone.shape, work)
            self.stages.append(stage)
            self._places.add_stage((name,), first, alone.shape)
            first = read_all((name,), stage.fields)
        self.to_sources = self.to_sources or way.is_looked_up
        if way.seconds is not None:
            self._reject(f"{_named(way.sides.waits)} without the keys of {name}", way)
        condition = InKeys(field_at(way.reach), name, column, way.count, way.sides.first.shape)
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
        if isinstance(relation, Read) and self._ways.is_shared(relation):
            return relation.path[0], relation.columns[index]
        return None

    def _reject_for_keys(self, ways: list[Way]) -> None:
        """Say that no keys are sent; that files are not read by keys, where they take a while."""
        ways = [w for w in ways if w.is_looked_up or (w.without_seconds or 0.0) > TOLD_SECONDS]
        best = max(ways, key=lambda w: (w.is_looked_up, w.saved_seconds), default=None)
        if best is not None:
            self._reject_keys(best)

    def _reject_keys(self, way: Way) -> None:
        self._reject(f"the keys of {_named(way.sides.first)} for {_named(way.sides.waits)}", way)

    def _reject(self, what: str, way: Way) -> None:
        reason = f"{way.seconds:.3g} s with, {way.without_seconds:.3g} s without"
        self.rejected.append(RejectedCut(what, reason))


def _without_null(first: Relation, index: int, join: Join, reach: Reach) -> Relation:
    """The first side without rows that have no key, where the engine would look for these, too."""
    field = first.fields[index]
    if reach.place is not None or join.kind not in _DROPS_BOTH or not field.nullable:
        return first
    value = FieldRef(index, field.type, field.nullable)
    return Filter(first, Call("is_not_null", (value,), pa.bool_(), False))


def _named(relation: Relation) -> str:
    return ", ".join(tables_of(relation)) or "constants"


def in_one_piece(relation: Relation, stages: Iterable[Stage]) -> Relation:
    """The tree with what each stage computes where its rows are read."""
    made: dict[tuple[str, ...], Relation] = {(s.name,): s.relation for s in stages}

    def change(read: Read) -> Relation:
        staged = made.get(read.path)
        return read if staged is None else with_reads(staged, change)

    return with_reads(relation, change) if made else relation


def patience_seconds(alone: Estimate, place: Place, places: Places) -> float | None:
    """So long a fragment waits for its keys: longer than it takes to send all without them."""
    seconds = moved_seconds(alone, place)
    if places.reductions == "all" or seconds is None:
        return None
    return min(LONGEST_PATIENCE_SECONDS, SHORTEST_PATIENCE_SECONDS + PATIENCE * seconds)


def _has_subqueries(relation: Relation) -> bool:
    return any(subqueries_of(relation)) or any(map(_has_subqueries, inputs_of(relation)))
