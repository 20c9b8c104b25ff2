"""Relations that DuckDB has in the language, and cannot run or answers otherwise."""

from __future__ import annotations

from planner.relations import (
    Call,
    Expression,
    Join,
    JoinKind,
    Relation,
    subqueries_of,
    walk_expression,
)

_OUTER = (JoinKind.LEFT, JoinKind.RIGHT, JoinKind.OUTER)
_MARK = (JoinKind.LEFT_MARK, JoinKind.RIGHT_MARK)


def refuse_relation(relation: Relation) -> str | None:
    """Why a relation fails there, or gives other rows."""
    if not isinstance(relation, Join):
        return None
    if relation.kind in _OUTER and any(subqueries_of(relation)):
        return "an outer join's condition takes no subquery there"
    if relation.kind in _MARK and _holds_inequality(relation.condition):
        # DuckDB 1.5 runs it by a hash join on IS DISTINCT FROM.
        return "EXISTS as a value takes <> for IS DISTINCT FROM there"
    return None


def _holds_inequality(condition: Expression) -> bool:
    parts = walk_expression(condition)
    return any(isinstance(p, Call) and p.function in ("not_equal", "not") for p in parts)
