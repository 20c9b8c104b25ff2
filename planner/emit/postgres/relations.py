"""Relations that PostgreSQL has in the language and cannot run."""

from __future__ import annotations

from planner.relations import Call, Expression, Join, JoinKind, Relation, conjuncts, references


def refuse_relation(relation: Relation) -> str | None:
    """Why a relation fails there: a FULL JOIN runs by merging or hashing, or not at all."""
    if isinstance(relation, Join) and relation.kind is JoinKind.OUTER:
        width = len(relation.left.fields)
        if not all(_is_equality_across(part, width) for part in conjuncts(relation.condition)):
            return "a FULL JOIN there takes nothing but equalities of the two sides"
    return None


def _is_equality_across(condition: Expression, width: int) -> bool:
    """Whether one operand reads columns of the left side only, and the other of the right."""
    if not isinstance(condition, Call) or condition.function != "equal":
        return False
    sides = []
    for argument in condition.arguments:
        read = references(argument)
        if not read:
            return False
        sides.append({index < width for index in read})
    return sides in ([{True}, {False}], [{False}, {True}])
