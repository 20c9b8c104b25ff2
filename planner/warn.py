"""A plan -> the warnings that its user gets. Reads the tree and the cut; changes nothing.

Owns what is worth a warning. What one looks like is `warnings`'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from planner.catalog import CatalogTable
from planner.parse import Statement, tokenize
from planner.plan import Estimate, Kept, NativeRead, Plan, PlannedFragment
from planner.quantities import rows_text, size_text
from planner.relations import (
    Aggregate,
    Cross,
    Fetch,
    Filter,
    Join,
    Project,
    Relation,
    Sort,
    parts_of,
)
from planner.warnings import Code, PlanWarning

MAX_WARNINGS = 50
"""A table may have thousands of columns; what is too much to read is cut, and counted."""


def warnings_of(
    statement: Statement,
    tables: Iterable[CatalogTable],
    relation: Relation | None,
    plan: Plan,
    residual: Relation | None,
) -> tuple[PlanWarning, ...]:
    """Everything to know about a plan, each thing once.

    Args:
        statement: what was planned.
        tables: those that it names.
        relation: the bound tree, or None when the statement could not be cut.
        plan: its plan.
        residual: what runs here, as a tree in which a read of a one-part path reads a fragment.
    """
    by_path: dict[tuple[str, ...], CatalogTable] = {table.path: table for table in tables}
    found = [
        *_narrowed(statement, by_path, relation),
        *map(_kept, (kept for kept in plan.kept if kept.refused)),
    ]
    if relation is not None and _any_rows(relation):
        found.append(
            PlanWarning(
                "order.not_guaranteed",
                "there is a LIMIT or OFFSET and no ORDER BY: which rows come may differ each time",
            )
        )
    if residual is not None:
        found += _joins(residual, plan.fragments, plan.natives)
    unique = tuple(dict.fromkeys(found))
    if len(unique) <= MAX_WARNINGS:
        return unique
    left = unique[MAX_WARNINGS - 1 :]
    more = PlanWarning(left[0].code, f"and {len(left)} more warnings")
    return (*unique[: MAX_WARNINGS - 1], more)


def _kept(kept: Kept) -> PlanWarning:
    code: Code = "operator.kept"
    if kept.operator == "filter":
        code = "predicate.not_pushed"
    elif kept.reason.startswith(("function ", "aggregate ")):
        code = "function.kept"
    return PlanWarning(
        code, f"{kept.operator} over {kept.source} runs here: {kept.reason}", kept.source
    )


def _narrowed(
    statement: Statement,
    tables: Mapping[tuple[str, ...], CatalogTable],
    relation: Relation | None,
) -> Iterator[PlanWarning]:
    """The columns that are read, and of which something is lost on the way."""
    losing = {
        path: {c.name: c for c in table.table.columns if c.lost} for path, table in tables.items()
    }
    if not any(losing.values()):
        return
    read: Iterable[tuple[tuple[str, ...], str]]
    if relation is not None:
        read = ((r.path, f.name) for r in relation.reads for f in r.fields)
    else:
        words = {token.text for token in tokenize(statement.sql)}
        read = (
            (path, name) for path, columns in losing.items() for name in columns
            if name in words or "*" in words
        )  # fmt: skip
    for path, name in dict.fromkeys(read):
        column = losing.get(path, {}).get(name)
        if column is not None:
            yield PlanWarning(
                "type.narrowed",
                f"{'.'.join(path)}.{name} is {column.native_type} there and {column.type} here:"
                f" {column.lost}",
                path[0],
                ".".join(path[1:]),
                name,
            )


def _any_rows(relation: Relation) -> bool:
    """Whether the answer is some rows out of more, in no order that the query gives."""
    while isinstance(relation, Project | Sort):
        # An order above a limit orders the rows that were picked, whichever they are.
        relation = relation.input
    if not isinstance(relation, Fetch) or relation.count == 0:
        return False
    picked = relation.input
    while isinstance(picked, Project | Filter):
        picked = picked.input
    if isinstance(picked, Aggregate):
        return bool(picked.groups)
    return not isinstance(picked, Sort | Fetch)


def _joins(
    residual: Relation,
    fragments: Iterable[PlannedFragment],
    natives: Iterable[NativeRead],
) -> Iterator[PlanWarning]:
    """The joins here of rows that come from more than one source."""
    fragment_of = {fragment.name: fragment for fragment in fragments}
    native_of = {(native.source, str(native.table)): native for native in natives}
    joined: set[tuple[str, ...]] = set()
    for node in _nodes(residual):
        if not isinstance(node, Join | Cross):
            continue
        left, right = (_sources(side, fragment_of) for side in (node.left, node.right))
        if left and right and len(left | right) > 1:
            joined |= {read.path for read in node.reads}
    if not joined:
        return
    estimates: list[Estimate] = []
    sources: set[str] = set()
    for path in joined:
        if len(path) == 1:
            fragment = fragment_of[path[0]]
            sources.add(fragment.source)
            estimates.append(fragment.estimate)
        elif path:
            sources.add(path[0])
            native = native_of.get((path[0], ".".join(path[1:])))
            estimates.append(Estimate() if native is None else native.estimate)
    yield PlanWarning("join.across_sources", _moved(sorted(sources), estimates))


def _moved(sources: list[str], estimates: list[Estimate]) -> str:
    text = f"rows of {', '.join(sources[:-1])} and {sources[-1]} are joined here"
    rows = sum(e.rows for e in estimates if e.rows is not None)
    size_bytes = sum(e.size_bytes for e in estimates if e.size_bytes is not None)
    if all(e.rows is None for e in estimates):
        return f"{text}; how many is not known"
    at_least = "at least" if any(e.rows is None for e in estimates) else "about"
    return f"{text}; {at_least} {rows_text(rows)}, {size_text(size_bytes)}"


def _nodes(relation: Relation) -> Iterator[Relation]:
    yield relation
    for part in parts_of(relation):
        yield from _nodes(part)


def _sources(relation: Relation, fragment_of: Mapping[str, PlannedFragment]) -> set[str]:
    paths = [read.path for read in relation.reads if read.path]
    return {fragment_of[p[0]].source if len(p) == 1 else p[0] for p in paths}
