"""Relations that SQLite would compute for ever: joins in which it can look nothing up.

It joins in nested loops. Of tables that are computed first it makes an index by itself, where a
column of the inner one equals something of the outer one.
"""

from __future__ import annotations

import pyarrow as pa

from planner.emit.sqlite.columns import is_exact
from planner.relations import (
    Call,
    Cast,
    Expression,
    FieldRef,
    Join,
    JoinKind,
    Relation,
    conjuncts,
    references,
)


def refuse_relation(relation: Relation) -> str | None:
    """Why a relation stays here, or None."""
    if not isinstance(relation, Join):
        return None
    if relation.kind is JoinKind.OUTER:
        return "SQLite compares each row of a full join with each"
    if any(_looks_up(part, relation) for part in conjuncts(relation.condition)):
        return None
    return "SQLite compares each row with each where no columns are equal"


def _looks_up(part: Expression, join: Join) -> bool:
    """Whether a part of the condition equals a column of the inner side to the outer side."""
    if not isinstance(part, Call) or part.function not in ("equal", "is_not_distinct_from"):
        return False
    lefts = len(join.left.fields)
    for one, other in (part.arguments, part.arguments[::-1]):
        index, outer = _column(one), references(other)
        if index is None or not outer:
            continue
        inner_is_right = index >= lefts
        apart = all((position >= lefts) is not inner_is_right for position in outer)
        # The inner side of an inner join may be either.
        mirrored = join.kind.value.startswith("RIGHT")
        if apart and (join.kind is JoinKind.INNER or inner_is_right is not mirrored):
            return True
    return False


def _column(expression: Expression) -> int | None:
    """The field that an expression is, as it is written there."""
    if isinstance(expression, Cast):
        source, target = expression.input.type, expression.type
        same = pa.types.is_integer(source) and pa.types.is_integer(target)
        if same or (is_exact(source) and is_exact(target)):
            return _column(expression.input)
    return expression.index if isinstance(expression, FieldRef) else None
