"""Equalities of a join that need not tell NULLs from each other: `=` for IS NOT DISTINCT FROM.

EXCEPT and INTERSECT are joins by IS NOT DISTINCT FROM, by which few databases hash or look up.
Where one operand is never NULL both say the same of which rows meet. All such parts of a join
change, or none: the engine has one answer for all keys of a join (`planner.substrait.readable`).
"""

from __future__ import annotations

from dataclasses import replace

from planner.relations import (
    Call,
    Expression,
    Join,
    JoinKind,
    Relation,
    conjunction,
    conjuncts,
    inputs_of,
)
from planner.rewrite import over

_MARKS = (JoinKind.LEFT_MARK, JoinKind.RIGHT_MARK)
"""What a mark says of NULL is more than that no rows meet."""


def with_plain_equalities(relation: Relation) -> Relation:
    """The tree with such joins by `=`; its subqueries are left as they are."""
    relation = over(relation, [with_plain_equalities(source) for source in inputs_of(relation)])
    if not isinstance(relation, Join) or relation.kind in _MARKS:
        return relation
    parts = conjuncts(relation.condition)
    null_safe = [part for part in parts if _is_null_safe(part)]
    if not null_safe or not all(map(_has_no_two_nulls, null_safe)):
        return relation
    return replace(relation, condition=conjunction(tuple(map(_plain, parts))))


def _is_null_safe(part: Expression) -> bool:
    return isinstance(part, Call) and part.function == "is_not_distinct_from"


def _has_no_two_nulls(part: Expression) -> bool:
    return isinstance(part, Call) and not all(operand.nullable for operand in part.arguments)


def _plain(part: Expression) -> Expression:
    if not isinstance(part, Call) or not _is_null_safe(part):
        return part
    nullable = any(operand.nullable for operand in part.arguments)
    return Call("equal", part.arguments, part.type, nullable)
