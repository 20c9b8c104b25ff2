"""What a statement has twice is computed once: equal parts of its tree, as a stage that each reads.

    Filter (total = max of …)             Filter (total = max of …)
      Aggregate sum(price) by k             read k1
        lineitem                   ->       …
      … Aggregate max(total)                Aggregate max(total)
          Aggregate sum(price) by k           read k1
            lineitem                      stage k1: Aggregate sum(price) by k …

The engine writes a CTE, or a view, at each place that names it, with the columns that are read
there. Here such parts are found again, the largest first, and what each of them makes, with the
columns that any place reads, is kept for all who read it. What one source runs is
one part, and not looked into: that source sees for itself what it has twice. What does not repeat
(`random()`) is computed at each place, as the engine does. It is done where all of the statement is
estimated to take less time then, and what is kept is known to fit. Owns that choice. Runs nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import pyarrow as pa

from planner.conditions import order_conditions
from planner.cost import STAGE_SECONDS
from planner.cut_cost import cut_cost
from planner.decompose import Cut, decompose, is_ordered, sort_below
from planner.emit.names import distinct_fields
from planner.followed import tables_of
from planner.key_cost import worth_seconds
from planner.passes import OF_CONDITIONS, PASSES, Pass, rearranged
from planner.placing import Places
from planner.plan import RejectedCut
from planner.purity import repeats
from planner.reductions import Reduced, Stage, complete_seconds, reduced
from planner.regroup import regroup_joins
from planner.relations import (
    Aggregate,
    ExistsSubquery,
    Expression,
    Fetch,
    Filter,
    Project,
    Read,
    Relation,
    ScalarSubquery,
    Sort,
    Window,
    expressions_of,
    inputs_of,
    parts_of,
    subqueries_of,
    transform_expression,
)
from planner.rewrite import over, picked, read_all, with_expressions
from planner.same_rows import SameRows

MOST_BYTES = 256 << 20
"""So much of what is computed once is kept at most, by estimate: what does not fit in memory waits
on disk, and what does not fit there fails the statement."""

FEW = 0.1
"""Of the rows of a table of files here: who reads it by itself leaves out what it does not need."""

_GATHERING = (Aggregate, Sort, Window)

MOST_TRIED = 6
"""So many parts of a statement are planned both ways, those that were refused among them."""

_REGROUPED: tuple[Pass, ...] = (regroup_joins, order_conditions)
"""What makes one tree of what was written in several ways. The tree before it is looked through as
well: what a CTE names is one part until joins are regrouped."""

_Key: TypeAlias = tuple[bytes | None, tuple[tuple[pa.DataType, bool], ...]]


@dataclass(frozen=True)
class Arranged:
    """A statement's tree as it is cut.

    Attributes:
        places: that know what its stages have.
    """

    reduced: Reduced
    places: Places
    _cut: list[Cut] = field(default_factory=list, init=False, compare=False, repr=False)

    @property
    def cut(self) -> Cut:
        """Itself, cut: once for who compares it, and who plans it."""
        # No `cached_property`: sources are asked meanwhile, and Python 3.11 would let no other
        # thread cut another statement until they have answered.
        if not self._cut:
            self._cut.append(decompose(self.reduced, self.places))
        return self._cut[0]


def arranged(
    relation: Relation, places: Places, passes: tuple[Pass, ...] = PASSES
) -> tuple[Arranged, ...]:
    """The ways to compute a statement: the best first, and the last without sharing anything."""
    plain = Arranged(reduced(rearranged(relation, places, passes), places), places)
    if places.plain or places.reductions == "none" or not _read_twice(relation):
        return (plain,)
    written = rearranged(relation, places, OF_CONDITIONS)
    found = _Sharing(written, places, passes).best(plain)
    if _read_twice(relation) > 1:
        # Not by what was seen: the shapes of parts, by which things are remembered, stay the same.
        regrouped = rearranged(written, places.unseen(), _REGROUPED)
        other = _Sharing(regrouped, places, passes).best(plain)
        if found is plain or way_cost(other).seconds < way_cost(found).seconds:
            found = other
    return (plain,) if found is plain else (found, plain)


@dataclass(frozen=True, slots=True)
class _Shared:
    """A tree with some of its parts in stages; these may read those before them."""

    relation: Relation
    parts: tuple[Stage, ...] = ()

    @property
    def trees(self) -> tuple[Relation, ...]:
        return (self.relation, *(part.relation for part in self.parts))


@dataclass(frozen=True, slots=True)
class _Part:
    """What is there several times.

    Attributes:
        relation: as it is computed once.
        uses: what is read of it at its places, by their keys: the positions of its columns.
        times: so many places.
    """

    relation: Relation
    uses: Mapping[_Key, tuple[int, ...]]
    times: int


class _Sharing:
    """The search through what a statement has twice."""

    def __init__(self, relation: Relation, places: Places, passes: tuple[Pass, ...]) -> None:
        self._relation = relation
        self._places = places
        self._passes = passes
        self._same = SameRows()
        self._refused: set[frozenset[_Key]] = set()
        self._rejected: list[RejectedCut] = []

    def best(self, plain: Arranged) -> Arranged:
        shared, best = _Shared(self._relation), plain
        best_cost: WayCost | None = None
        for _ in range(MOST_TRIED):
            part = next(self._candidates(shared), None)
            if part is None:
                break
            other = self._with(shared, part)
            way = self._arranged(other)
            if self._places.reductions == "all":
                shared, best = other, way
                continue
            before, cost = best_cost or way_cost(plain), way_cost(way)
            worth = worth_seconds(before.seconds, before.seconds, cost.share_of(before))
            tables = ", ".join(tables_of(part.relation))
            best_cost, what = before, f"{tables}, read twice and computed "
            if before.seconds - cost.seconds > worth:
                shared, best, best_cost = other, way, cost
                what += "at each place"
            else:
                self._refused.add(frozenset(part.uses))
                what += "once"
            times = f"{cost.seconds:.3g} s computed once, {before.seconds:.3g} s at each place"
            self._rejected.append(RejectedCut(what, times))
        best.cut.rejected += [r for r in self._rejected if r not in best.cut.rejected]
        return best

    def _candidates(self, shared: _Shared) -> Iterator[_Part]:
        """What is there several times and worth a look, the outermost first."""
        found = [each for tree in shared.trees for each in self._parts(tree, limited=False)]
        first_rows = {_key(part) for part, limited in found if limited and not _gathers(part)}
        parts = [part for part, _ in found if part.shape and _key(part) not in first_rows]
        counts = Counter(map(_key, parts))
        alike = self._alike(parts)
        told: set[frozenset[_Key]] = set(self._refused)
        for relation in parts:
            key = _key(relation)
            same = _Part(relation, {key: tuple(range(len(relation.fields)))}, counts[key])
            for part in (alike.get(key, same), same):
                uses = frozenset(part.uses)
                if part.times > 1 and uses not in told:
                    told.add(uses)
                    if self._is_worth_it(part.relation, part.times - 1):
                        yield part

    def _alike(self, parts: Sequence[Relation]) -> dict[_Key, _Part]:
        """Of each part of which there are several with other columns, one with all of these."""
        inner = {id(part.input) for part in parts if isinstance(part, Project)}
        groups: dict[int, list[Relation]] = {}
        for part in parts:
            if part.fields and id(part) not in inner and (rows := self._same.of(part)) is not None:
                groups.setdefault(rows.number, []).append(part)
        found: dict[_Key, _Part] = {}
        for group in groups.values():
            keyed = {_key(part): part for part in group}
            if len(keyed) < 2 or (wide := self._same.united([*keyed.values()])) is None:
                continue
            at = {key: self._same.positions(part, wide) for key, part in keyed.items()}
            uses = {key: positions for key, positions in at.items() if positions is not None}
            found |= dict.fromkeys(uses, _Part(wide, uses, len(group)))
        return found

    def _parts(self, relation: Relation, *, limited: bool) -> Iterator[tuple[Relation, bool]]:
        """A tree and what is in it, but for what is in what one place runs; and of which of them
        the first rows may be all that is needed."""
        yield relation, limited
        if self._places.whole(relation) is None:
            limited = not isinstance(relation, _GATHERING) and (
                limited or isinstance(relation, Fetch)
            )
            for part in parts_of(relation):
                yield from self._parts(part, limited=limited)

    def _is_worth_it(self, part: Relation, times: int) -> bool:
        """Whether to plan with a part computed so many times less."""
        if not part.fields or _loses_order(part) or not _repeats(part):
            return False
        if not part.reads or self._places.has_outgrown(part):
            return False
        if (table := self._scanned(part)) is not None and not self._is_few_of(part, table):
            return False
        size_bytes = self._places.estimate(part).size_bytes
        if self._places.reductions == "all":
            return not _is_table(part) and (size_bytes is None or size_bytes <= MOST_BYTES)
        seconds = complete_seconds(part, self._places)
        if seconds is None or size_bytes is None or size_bytes > MOST_BYTES:
            return False
        return times * seconds > STAGE_SECONDS

    def _scanned(self, part: Relation) -> Read | None:
        """The table of files here of which it is some rows and columns."""
        while isinstance(part, Filter | Project):
            part = part.input
        if not isinstance(part, Read) or self._places.of(part) is not None:
            return None
        return part if self._places.source(part).connector.capabilities.local else None

    def _is_few_of(self, part: Relation, table: Read) -> bool:
        """Whether it is few rows of a table: else each reads what it needs as quickly itself."""
        rows, all_rows = (self._places.estimate(each).rows for each in (part, table))
        return rows is not None and all_rows is not None and rows <= FEW * all_rows

    def _with(self, shared: _Shared, part: _Part) -> _Shared:
        """What there is with a part of it in a stage, which comes before those that read it."""
        name, made = f"k{len(shared.parts) + 1}", part.relation
        stage = Stage(name, made, distinct_fields(made.fields), made.shape)
        places = self._places

        def change(relation: Relation) -> Relation:
            if (positions := part.uses.get(_key(relation))) is not None:
                return picked(_read_of(stage), positions)
            if places.whole(relation) is not None:
                return relation

            def inside(nested: Expression) -> Expression:
                if isinstance(nested, ScalarSubquery | ExistsSubquery):
                    return replace(nested, input=change(nested.input))
                return nested

            if subqueries_of(relation):
                relation = with_expressions(relation, lambda e: transform_expression(e, inside))
            return over(relation, [change(source) for source in inputs_of(relation)])

        parts = tuple(replace(each, relation=change(each.relation)) for each in shared.parts)
        return _Shared(change(shared.relation), (stage, *parts))

    def _arranged(self, shared: _Shared) -> Arranged:
        places = self._places.again()
        parts = []
        for part in shared.parts:
            relation = rearranged(part.relation, places, self._passes)
            places.add_stage((part.name,), relation, part.shape)
            parts.append(replace(part, relation=relation))
        relation = rearranged(shared.relation, places, self._passes)
        return Arranged(reduced(relation, places, parts), places)


@dataclass(frozen=True, slots=True)
class WayCost:
    """What all of a statement takes.

    Attributes:
        seconds: in which the engine's own work is done once at a time: two parts of it share its
            threads.
        fragments_bytes: that come from sources.
    """

    seconds: float
    fragments_bytes: float

    def share_of(self, other: WayCost) -> float:
        """What crosses the links, in parts of what does the other way."""
        return self.fragments_bytes / other.fragments_bytes if other.fragments_bytes else 1.0


def way_cost(way: Arranged) -> WayCost:
    """What a way takes, to compare it with others."""
    cost = cut_cost(way.cut, way.places)
    size_bytes = sum(fragment.estimate.size_bytes or 0.0 for fragment in way.cut.fragments)
    return WayCost(max(cost.seconds, cost.here_seconds), size_bytes)


def _read_of(stage: Stage) -> Relation:
    """A stage's rows, in the order that some have who are the first of all."""
    read = read_all((stage.name,), stage.fields)
    sort = sort_below(stage.relation)
    return read if sort is None else Sort(read, sort.keys)


def _loses_order(relation: Relation) -> bool:
    """Whether who reads it may rely on an order that its rows would not have as a stage."""
    if isinstance(relation, Fetch) and sort_below(relation) is not None:
        return False
    return is_ordered(relation)


def _repeats(relation: Relation) -> bool:
    """Whether it has the same rows each time that it is computed."""
    return all(map(repeats, expressions_of(relation))) and all(map(_repeats, parts_of(relation)))


def _is_table(relation: Relation) -> bool:
    """Whether it is the rows of a table: these may be read by keys instead."""
    while isinstance(relation, Project):
        relation = relation.input
    return isinstance(relation, Read)


def _gathers(relation: Relation) -> bool:
    """Whether it takes all of its tables to make its first row."""
    return isinstance(relation, _GATHERING) or any(map(_gathers, parts_of(relation)))


def _read_twice(relation: Relation) -> int:
    """So many tables are read twice, or more often."""
    counts = Counter(read.path for read in relation.reads)
    return sum(count > 1 for count in counts.values())


def _key(relation: Relation) -> _Key:
    """The same of relations of which one may be read for the other."""
    return relation.shape, tuple((field.type, field.nullable) for field in relation.fields)
