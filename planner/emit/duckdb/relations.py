"""Relations that DuckDB has in the language and cannot run."""

from __future__ import annotations

from planner.relations import Join, JoinKind, Relation, subqueries_of

_OUTER = (JoinKind.LEFT, JoinKind.RIGHT, JoinKind.OUTER)


def refuse_relation(relation: Relation) -> str | None:
    """Why a relation fails there: the condition of an outer join takes no subquery."""
    if isinstance(relation, Join) and relation.kind in _OUTER and any(subqueries_of(relation)):
        return "an outer join's condition takes no subquery there"
    return None
