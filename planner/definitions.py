"""Where a field comes from: the expression that computes it. Knows no SQL and no place."""

from __future__ import annotations

from planner.relations import (
    Aggregate,
    Cross,
    Expression,
    Fetch,
    FieldRef,
    Filter,
    Join,
    JoinKind,
    Project,
    Relation,
    Sort,
    Window,
    inputs_of,
)


def definition(expression: FieldRef, inputs: tuple[Relation, ...]) -> Expression:
    """The expression that computes a field, as far down as it can be followed; else the reference.

    For analysis alone: the positions in the result are those of a deeper relation.
    """
    index = expression.index
    for relation in inputs:
        if index >= len(relation.fields):
            index -= len(relation.fields)
            continue
        match relation:
            case Project():
                found = relation.expressions[index]
            case Aggregate() if index < len(relation.groups):
                found = relation.groups[index]
            case Window() if index >= len(relation.input.fields):
                return expression
            case Filter() | Sort() | Fetch() | Window():
                found = FieldRef(index, expression.type, expression.nullable)
            case Join(
                kind=JoinKind.INNER | JoinKind.LEFT | JoinKind.LEFT_SEMI | JoinKind.LEFT_ANTI
            ):
                found = FieldRef(index, expression.type, expression.nullable)
            case Cross():
                found = FieldRef(index, expression.type, expression.nullable)
            case _:
                return expression
        return definition(found, inputs_of(relation)) if isinstance(found, FieldRef) else found
    return expression
