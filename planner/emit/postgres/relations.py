"""Relations that PostgreSQL has in the language and cannot run, or not in good time."""

from __future__ import annotations

import pyarrow as pa

from planner.emit.postgres.arrays import chooses_arrays
from planner.emit.postgres.float_bounds import bounds
from planner.relations import (
    Call,
    Expression,
    Join,
    JoinKind,
    Relation,
    conjuncts,
    expressions_of,
    references,
    walk_expression,
)

_EQUALITIES = ("equal", "is_not_distinct_from")


def refuse_relation(relation: Relation) -> str | None:
    """Why a relation stays: a FULL JOIN runs by merging or hashing there, or not at all, and by
    IS NOT DISTINCT FROM the server does neither."""
    if any(map(chooses_arrays, expressions_of(relation))):
        return "a choice between arrays is not proven there"
    if isinstance(relation, Join) and any(map(_is_of_floats, walk_expression(relation.condition))):
        return "a join by floats, whose NaN and -0.0 compare differently there"
    return _refuse_join(relation) if isinstance(relation, Join) else None


def _refuse_join(join: Join) -> str | None:
    width, parts = len(join.left.fields), conjuncts(join.condition)
    equal = [_is_equality_across(part, width) for part in parts]
    if join.kind is JoinKind.OUTER and not all(equal):
        return "a FULL JOIN there takes nothing but equalities of the two sides"
    null_safe = (_is_equality_across(part, width, "is_not_distinct_from") for part in parts)
    if any(null_safe) and not any(equal):
        return "PostgreSQL compares each row with each where NULLs are equal"
    return None


def _is_of_floats(condition: Expression) -> bool:
    """An equality of floats that may be NaN: with that in it, the server hashes and merges none."""
    if not isinstance(condition, Call) or condition.function not in _EQUALITIES:
        return False
    return all(pa.types.is_floating(a.type) and bounds(a) is None for a in condition.arguments)


def _is_equality_across(condition: Expression, width: int, function: str = "equal") -> bool:
    """Whether one operand reads columns of the left side only, and the other of the right."""
    if not isinstance(condition, Call) or condition.function != function:
        return False
    sides = []
    for argument in condition.arguments:
        read = references(argument)
        if not read:
            return False
        sides.append({index < width for index in read})
    return sides in ([{True}, {False}], [{False}, {True}])
