"""Which copy of each table a statement reads: the one with which the whole plan is cheapest now.

    orders JOIN lineitem                               lineitem is in the lake only
        orders of shop:  f1 ─ 180 MB over its link ─► joined here           15 s
        orders of lake:  both read by the engine, joined here              0.2 s  <- read so

Every copy holds the same rows, so says the configuration: what is known of the rows of one is known
of all, and only the way to them differs. All copies of a statement are tried where that is few
plans; else those of one source together, and then one table after the other. One statement reads
one copy of a table, however often it names it. Owns that choice. Knows no SQL, and runs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from connectors.contract import ColumnStatistics, Statistics, Table
from connectors.errors import QueueFullError, SourceError
from planner.asked import asking
from planner.bind import Bound
from planner.catalog import Catalog, CatalogTable, Path
from planner.cut_cost import CutCost, cut_cost
from planner.decompose import decompose
from planner.options import PlanningOptions
from planner.passes import rearranged
from planner.placing import Places
from planner.plan import RejectedCut
from planner.reductions import reduced
from planner.relations import Field, Read, Relation
from planner.rewrite import with_reads
from planner.warnings import PlanWarning

MOST_PLANS = 16
"""So many ways to choose copies are costed for a statement; each takes as long as to plan it."""

ALIKE = 1.1
"""Estimates that differ by less than this are the same: then the way with less work is taken."""

ONE_PLACE = 1.25
"""What one place answers whole may seem to take so much longer: of joins over several places, and
of what waits for what, estimates are worse than that."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The copies that a statement reads.

    Attributes:
        bound: with them in its tree.
        places: of its tables.
        rejected: what the other copies would have cost.
        warnings: the copies that cannot be read, and why.
    """

    bound: Bound
    places: Places
    rejected: tuple[RejectedCut, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()


def with_cheapest_copies(bound: Bound, catalog: Catalog, options: PlanningOptions) -> Choice:
    """The statement over the copies of its tables with which it is expected to take least time."""
    groups, warnings = _groups(bound, catalog)
    if not groups:
        return Choice(bound, Places(bound, options, catalog.seen), (), warnings)
    known = _known(groups)

    def read(copies: tuple[int, ...]) -> tuple[Bound, Places]:
        chosen = {g.named.path: g.copies[copy] for g, copy in zip(groups, copies, strict=True)}
        changed = _over(bound, chosen)
        return changed, Places(changed, options, catalog.seen, known)

    tried = _tried(groups, lambda copies: _cost(*read(copies)))
    best = _best(tried)
    return Choice(*read(best), tuple(_rejected(groups, tried, best)), warnings)


@dataclass(frozen=True, slots=True)
class _Group:
    """A table of a statement that is in several sources: `copies` begins with the table itself."""

    named: CatalogTable
    copies: tuple[CatalogTable, ...]


def _groups(bound: Bound, catalog: Catalog) -> tuple[list[_Group], tuple[PlanWarning, ...]]:
    if bound.relation is None:
        return [], ()
    read = {each.path for each in bound.relation.reads}
    groups: dict[Path, _Group] = {}
    warnings: list[PlanWarning] = []
    for parts, named in bound.tables.items():
        if named.path not in read or named.path in groups:
            continue
        usable = [named]
        for path in catalog.copies(parts, named.path):
            found = _copy(path, named, catalog)
            if isinstance(found, CatalogTable):
                usable.append(found)
            else:
                source, table = path[0], ".".join(path[1:])
                warnings.append(PlanWarning("replica.not_read", found, source, table))
        if len(usable) > 1:
            groups[named.path] = _Group(named, tuple(usable))
    return list(groups.values()), tuple(warnings)


def _copy(path: Path, named: CatalogTable, catalog: Catalog) -> CatalogTable | str:
    """A copy of a table, or why it cannot be read."""
    what = f"{_name(path)}, a replica of {_name(named.path)}, is not read: "
    try:
        found = catalog.at(path)
    except (SourceError, QueueFullError) as error:
        return f"{what}{error.message}"
    if found is None:
        return f"{what}it does not exist. {catalog.nearest(path)}".rstrip(".")
    reason = difference(named.table, found.table)
    return found if reason is None else what + reason


def difference(named: Table, copy: Table) -> str | None:
    """Why a table cannot be read in place of another; its columns may be more, in any order."""
    columns = {column.name: column for column in copy.columns}
    for column in named.columns:
        found = columns.get(column.name)
        if found is None:
            return f"it has no column {column.name!r}"
        if found.type != column.type:
            return f"its column {column.name!r} is {found.type} and not {column.type}"
    if len(columns) < len(copy.columns):
        return "it has two columns of one name"
    return None


def unknown_tables(catalog: Catalog) -> Iterator[tuple[Path, str]]:
    """Of each table with copies, those that their sources do not have; sources are asked.

    A source that cannot be asked has none here: that shows where its tables are read.
    """
    for named, copies in catalog.replicas.items():
        for path in (named, *copies):
            try:
                missing = path[0] in catalog.sources and catalog.at(path) is None
            except (SourceError, QueueFullError):
                continue
            if missing:
                near = catalog.nearest(path)
                yield named, f"table {_name(path)!r} in [replicas] does not exist. {near}"


# --- the tree over other copies ---


def _over(bound: Bound, chosen: Mapping[Path, CatalogTable]) -> Bound:
    """The statement with other tables in the place of some of its own, columns matched by name."""
    assert bound.relation is not None
    copies = {path: table for path, table in chosen.items() if table.path != path}
    if not copies:
        return bound

    def change(read: Read) -> Relation:
        copy = copies.get((read.path[0], read.path[1], read.path[2]))
        return read if copy is None else _moved(read, copy)

    relation = with_reads(bound.relation, change)
    return replace(bound, relation=relation, copies={c.path: c for c in copies.values()})


def _moved(read: Read, copy: CatalogTable) -> Read:
    """A read of a copy; whether a column may be NULL is the promise of the table that was named."""
    promised = {field.name: field for field in read.base}
    base = tuple(
        promised.get(column.name) or Field(column.name, column.type, column.nullable)
        for column in copy.table.columns
    )
    places = {field.name: place for place, field in enumerate(base)}
    return Read(copy.path, base, tuple(places[field.name] for field in read.fields))


# --- what is known of the rows of one copy is known of all ---


def _known(groups: list[_Group]) -> dict[tuple[str, ...], Statistics]:
    known: dict[tuple[str, ...], Statistics] = {}
    for group in groups:
        told = [_statistics(copy) for copy in group.copies]
        for copy, own in zip(group.copies, told, strict=True):
            known[copy.path] = _together(own, told)
    return known


def _statistics(table: CatalogTable) -> Statistics:
    try:
        with asking(table.source.name):
            return table.source.connector.statistics(table.table.name)
    except (SourceError, QueueFullError):
        return Statistics()


def _together(own: Statistics, told: list[Statistics]) -> Statistics:
    """The rows that the first one tells, so that copies differ in nothing but their way here."""
    rows = next((each.rows for each in told if each.rows is not None), None)
    names = dict.fromkeys(name for each in told for name in each.columns)
    columns = {
        name: _column(own.columns.get(name), [s.columns[name] for s in told if name in s.columns])
        for name in names
    }
    return Statistics(rows, own.size_bytes, columns)


def _column(own: ColumnStatistics | None, told: list[ColumnStatistics]) -> ColumnStatistics:
    """A column's values as the first one tells them; how wide they travel, and how they lie in
    files, is the copy's own."""

    def first(figure: str) -> object:
        values = (getattr(each, figure) for each in told)
        return next((value for value in values if value is not None), None)

    figures = ("distinct", "null_fraction", "minimum", "maximum")
    own = ColumnStatistics() if own is None else own
    told_first = {figure: first(figure) for figure in figures}
    return replace(own, **told_first)  # type: ignore[arg-type]


# --- the search ---

_Tried = dict[tuple[int, ...], CutCost | None]
"""By which copy of each group is read; None where the statement may not be run so."""


def _cost(bound: Bound, places: Places) -> CutCost | None:
    assert bound.relation is not None
    cut = decompose(reduced(rearranged(bound.relation, places), places), places)
    if any(kept.refused and places.required(kept.source) for kept in cut.kept):
        return None
    return cut_cost(cut, places)


def _tried(groups: list[_Group], cost: Callable[[tuple[int, ...]], CutCost | None]) -> _Tried:
    """What the ways to choose copies cost, the statement's own first."""
    ranges = [range(len(group.copies)) for group in groups]
    tried: _Tried = {}

    def tries(ways: Iterator[tuple[int, ...]]) -> None:
        for way in ways:
            if way not in tried and len(tried) < MOST_PLANS:
                tried[way] = cost(way)

    if math.prod(map(len, ranges)) <= MOST_PLANS:
        tries(iter(product(*ranges)))
        return tried
    tries(_of_one_source(groups))
    better: tuple[int, ...] | None = None
    while len(tried) < MOST_PLANS and (best := _best(tried)) != better:
        better = best
        for place, copies in enumerate(ranges):
            best = _best(tried)
            tries((*best[:place], copy, *best[place + 1 :]) for copy in copies)
    return tried


def _of_one_source(groups: list[_Group]) -> Iterator[tuple[int, ...]]:
    """The tables as they are named, and then all that a source has read there."""
    yield (0,) * len(groups)
    sources = dict.fromkeys(copy.source.name for group in groups for copy in group.copies)
    for source in sources:
        yield tuple(
            next((i for i, copy in enumerate(g.copies) if copy.source.name == source), 0)
            for g in groups
        )


def _best(tried: _Tried) -> tuple[int, ...]:
    """The fastest; of those as fast by estimate, that with the least work; then the first.

    One of those that one place answers, where these are nearly as fast.
    """
    costs = {way: cost for way, cost in tried.items() if cost is not None}
    if not costs:
        return next(iter(tried))
    least = min(cost.seconds for cost in costs.values())
    nearly = {w: c for w, c in costs.items() if c.whole and c.seconds <= ONE_PLACE * least}
    costs = nearly or costs
    least = min(cost.seconds for cost in costs.values())
    alike = [way for way, cost in costs.items() if cost.seconds <= ALIKE * least]
    return min(alike, key=lambda way: costs[way].total_seconds)


def _rejected(groups: list[_Group], tried: _Tried, best: tuple[int, ...]) -> Iterator[RejectedCut]:
    """What was read of each table, and what each other copy would have cost at best."""
    chosen = tried[best]
    if chosen is None:
        return
    for place, group in enumerate(groups):
        read = _name(group.copies[best[place]].path)
        for copy, other in enumerate(group.copies):
            ways = {way: cost for way, cost in tried.items() if way[place] == copy}
            costs = [cost for cost in ways.values() if cost is not None]
            if copy == best[place] or not ways:
                continue
            reason, seconds = "not all of the statement can run there", None
            if costs:
                least = min(costs, key=lambda cost: (cost.seconds, cost.total_seconds))
                seconds = least.seconds
                reason = (
                    f"{least.seconds:.3g} s for the statement, {chosen.seconds:.3g} s from {read}"
                )
            where = "where it is" if copy == 0 else f"from {_name(other.path)}"
            yield RejectedCut(f"{_name(group.named.path)} read {where}", reason, seconds)


def _name(path: Path) -> str:
    return ".".join(path)
