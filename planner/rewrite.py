"""Rewriting trees: expressions and their positions, inputs, reads. Knows no meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import is_not

from planner.relations import (
    Aggregate,
    ExistsSubquery,
    Expression,
    Field,
    FieldRef,
    Filter,
    Join,
    Project,
    Read,
    Relation,
    ScalarSubquery,
    Sort,
    SortKey,
    Values,
    Window,
    inputs_of,
    subqueries_of,
    transform_expression,
    with_inputs,
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
        case Window():
            calls = tuple(
                replace(
                    call,
                    arguments=tuple(map(change, call.arguments)),
                    partition=tuple(map(change, call.partition)),
                    order=keys(call.order),
                )
                for call in relation.calls
            )
            return replace(relation, calls=calls)
    return relation


def over(relation: Relation, inputs: Sequence[Relation]) -> Relation:
    """The relation over these inputs; itself, where they are its own."""
    return (
        with_inputs(relation, tuple(inputs))
        if any(map(is_not, inputs, inputs_of(relation)))
        else relation
    )


def moved(expression: Expression, to: Callable[[int], int]) -> Expression:
    """The expression over fields at other positions."""

    def change(part: Expression) -> Expression:
        return (
            FieldRef(to(part.index), part.type, part.nullable) if type(part) is FieldRef else part
        )

    return transform_expression(expression, change)


def inlined(expression: Expression, project: Project) -> Expression:
    """An expression over a projection as one over the projection's input."""

    def change(part: Expression) -> Expression:
        return project.expressions[part.index] if isinstance(part, FieldRef) else part

    return transform_expression(expression, change)


def picked(relation: Relation, positions: Sequence[int]) -> Relation:
    """The relation's fields at these positions, in this order."""
    fields = relation.fields
    if list(positions) == list(range(len(fields))):
        return relation
    refs = tuple(FieldRef(i, fields[i].type, fields[i].nullable) for i in positions)
    return Project(relation, refs, tuple(fields[i] for i in positions))


def with_reads(relation: Relation, change: Callable[[Read], Relation]) -> Relation:
    """The same tree with each read changed, those in subqueries too; fields must stay."""
    if isinstance(relation, Read):
        return change(relation)

    def inside(part: Expression) -> Expression:
        if isinstance(part, ScalarSubquery | ExistsSubquery):
            return replace(part, input=with_reads(part.input, change))
        return part

    if subqueries_of(relation):
        relation = with_expressions(relation, lambda e: transform_expression(e, inside))
    return over(relation, [with_reads(i, change) for i in inputs_of(relation)])


def read_all(path: tuple[str, ...], fields: tuple[Field, ...]) -> Read:
    """A read of every column."""
    return Read(path, fields, tuple(range(len(fields))))
