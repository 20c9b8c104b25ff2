"""Rewriting the expressions that a relation holds. Knows every kind of relation, no meaning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from planner.relations import (
    Aggregate,
    Expression,
    Filter,
    Join,
    Project,
    Relation,
    Sort,
    SortKey,
    Values,
)


def with_expressions(relation: Relation, change: Callable[[Expression], Expression]) -> Relation:
    """The same relation with each of its own expressions changed; types must stay."""

    def keys(sorts: tuple[SortKey, ...]) -> tuple[SortKey, ...]:
        return tuple(replace(key, expression=change(key.expression)) for key in sorts)

    match relation:
        case Filter() | Join():
            return replace(relation, condition=change(relation.condition))
        case Project():
            return replace(relation, expressions=tuple(map(change, relation.expressions)))
        case Sort():
            return replace(relation, keys=keys(relation.keys))
        case Values():
            return replace(relation, rows=tuple(tuple(map(change, row)) for row in relation.rows))
        case Aggregate():
            measures = tuple(
                replace(
                    m,
                    arguments=tuple(map(change, m.arguments)),
                    filter=None if m.filter is None else change(m.filter),
                    sorts=keys(m.sorts),
                )
                for m in relation.measures
            )
            groups = tuple(map(change, relation.groups))
            return replace(relation, groups=groups, measures=measures)
    return relation
