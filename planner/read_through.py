"""Which fragments read a table from its first page to its last, whoever runs them.

    SELECT o_orderkey FROM orders                                       each row
    SELECT o_orderkey FROM orders WHERE o_orderstatus = 'F'             half of them

A source may read such a table in pieces, and hand out many rows as one (`SqlQuery.whole`). Of few
rows it knows better where they are; and a condition that takes longer than to hand a row out leaves
nothing to gain. Of such a table long integers that are short may come as short ones, where the link
is slower than a source looks at them. Owns both choices. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pyarrow as pa

from connectors.contract import SHORT_ENDS, ColumnStatistics
from planner.cost import Link
from planner.plan import Estimate
from planner.relations import (
    Call,
    Expression,
    FieldRef,
    Filter,
    InList,
    Literal,
    Project,
    Read,
    Relation,
    walk_expression,
)

MANY = 0.3
"""The part of a table's rows, at least: of so many a server reads all pages anyway, mostly. Where
it need not, they are as many more as a row costs less that is handed out with others."""

WORTH_SHORTENING_BYTES_PER_SECOND = 150e6
"""A link that carries less waits for four bytes longer than a source takes to look at a value."""

_MOST_PARTS = 100
"""Of a condition, before it takes longer than to hand a row out."""

_QUICK = frozenset(
    ("and", "or", "not", "equal", "not_equal", "lt", "lte", "gt", "gte", "is_null", "is_not_null")
)


def read_through(relation: Relation, estimate: Callable[[Relation], Estimate]) -> Read | None:
    """The table that is read so; None where that is none."""
    conditions: list[Expression] = []
    below = relation
    while isinstance(below, Project | Filter):
        if isinstance(below, Filter):
            conditions.append(below.condition)
        below = below.input
    if not isinstance(below, Read) or len(below.path) < 2 or not all(map(_is_quick, conditions)):
        return None
    if not conditions:
        return below
    kept, rows = estimate(relation).rows, estimate(below).rows
    return below if kept is not None and rows is not None and kept >= MANY * rows else None


def is_picked(relation: Relation) -> bool:
    """Whether not every row of the table that is read through gives one."""
    while isinstance(relation, Project):
        relation = relation.input
    return isinstance(relation, Filter)


def short_among(
    relation: Relation, bounds: Callable[[Relation, int], ColumnStatistics | None], link: Link
) -> tuple[int, ...]:
    """The positions of long integers that fit 32 bits as far as is known, if that is worth it.

    Args:
        relation: what reads a table through.
        bounds: of the table's column that a field is.
    """
    if link.bytes_per_second >= WORTH_SHORTENING_BYTES_PER_SECOND:
        return ()
    longs = (i for i, field in enumerate(relation.fields) if field.type == pa.int64())
    return tuple(index for index in longs if _is_short(bounds(relation, index)))


def _is_short(known: ColumnStatistics | None) -> bool:
    ends = () if known is None else (known.minimum, known.maximum)
    least, most = SHORT_ENDS
    return bool(ends) and all(isinstance(end, int) and least <= end <= most for end in ends)


def _is_quick(condition: Expression) -> bool:
    """Whether it compares columns with each other or with constants, and nothing else."""
    parts = list(islice(walk_expression(condition), _MOST_PARTS + 1))
    return len(parts) <= _MOST_PARTS and all(
        isinstance(part, FieldRef | Literal | InList)
        or (isinstance(part, Call) and part.function in _QUICK)
        for part in parts
    )
