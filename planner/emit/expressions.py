"""One expression -> SQL, by a dialect's tables; and why one may not go.

`refusal` and `write` walk the same tree by the same tables: what one passes, the other writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Dialect, Sql
from planner.relations import (
    Aggregate,
    Call,
    Cast,
    ExistsSubquery,
    Expression,
    FieldRef,
    IfThen,
    InList,
    Literal,
    Measure,
    Opaque,
    Read,
    Relation,
    ScalarSubquery,
    Sort,
    arguments_of,
    definition,
    expressions_of,
    inputs_of,
    transform_expression,
)

WriteSubquery = Callable[[Relation], exp.Expression]
"""Writes a whole relation as a SELECT."""


def refusal(
    expression: Expression,
    dialect: Dialect,
    functions: frozenset[str] | None = None,
    *,
    unproven: bool = False,
) -> str | None:
    """Why an expression may not run at a source of this dialect; None when it may.

    A subquery's relation is not looked into: whoever cuts the tree has placed it.

    Args:
        functions: the functions that the source declares, or None for all of the dialect's.
        unproven: what has a form there may go, proven or not.
    """
    for argument in arguments_of(expression):
        reason = refusal(argument, dialect, functions, unproven=unproven)
        if reason:
            return reason
    match expression:
        case Opaque():
            return f"{expression.kind} has no proven form there"
        case Literal():
            return dialect.refuse_literal(expression)
        case Cast():
            return dialect.refuse_cast(expression)
        case InList():
            return dialect.refuse_order(expression.value)
        case Call():
            rule = dialect.functions.get(expression.function)
            if rule is None or (functions is not None and expression.function not in functions):
                return f"function {expression.function} is not proven there"
            if not rule.proven and not unproven:
                return f"function {expression.function} is not proven there by running"
            return rule.refuse(expression)
    return None


def refusal_of(
    relation: Relation,
    dialect: Dialect,
    functions: frozenset[str] | None = None,
    *,
    unproven: bool = False,
) -> str | None:
    """Why a relation, taken without its inputs, may not run at a source of this dialect."""
    if not dialect.proven and not unproven and not isinstance(relation, Read):
        return f"nothing is proven of {dialect.name} by running"
    reason = dialect.refuse_relation(relation)
    if reason:
        return reason
    inputs = inputs_of(relation)
    for expression in expressions_of(relation):
        reason = refusal(
            _numbers_defined(expression, inputs), dialect, functions, unproven=unproven
        )
        if reason:
            return reason
    match relation:
        case Sort():
            keys = (_numbers_defined(key.expression, inputs) for key in relation.keys)
            return next((r for r in map(dialect.refuse_order, keys) if r), None)
        case Aggregate():
            return _aggregate_refusal(relation, dialect, functions, unproven)
    return None


def _numbers_defined(expression: Expression, inputs: tuple[Relation, ...]) -> Expression:
    """Number fields replaced by what computes them: their bounds depend on that."""

    def change(part: Expression) -> Expression:
        if isinstance(part, FieldRef) and (
            pa.types.is_floating(part.type) or pa.types.is_integer(part.type)
        ):
            return definition(part, inputs)
        return part

    return transform_expression(expression, change)


def _aggregate_refusal(
    relation: Aggregate, dialect: Dialect, functions: frozenset[str] | None, unproven: bool
) -> str | None:
    if len(relation.sets) > 1:
        return "grouping sets stay here"
    for group in relation.groups:
        reason = dialect.refuse_order(group)
        if reason:
            return reason
    for measure in relation.measures:
        rule = dialect.aggregates.get(measure.function)
        if rule is None or (functions is not None and measure.function not in functions):
            return f"aggregate {measure.function} is not proven there"
        if not rule.proven and not unproven:
            return f"aggregate {measure.function} is not proven there by running"
        reason = rule.refuse(measure)
        if reason or measure.sorts:
            return reason or "an ordered aggregate"
    return None


def write(
    expression: Expression,
    columns: Sequence[Sql],
    dialect: Dialect,
    subquery: WriteSubquery,
) -> Sql:
    """SQL of an expression that `refusal` passed.

    Args:
        columns: the input's fields as SQL, by position; they are copied into the result.
        subquery: writes the relation of a subquery.
    """

    def go(part: Expression) -> Sql:
        match part:
            case FieldRef():
                return columns[part.index].copy()
            case Literal():
                return dialect.write_literal(part)
            case Cast():
                return dialect.write_cast(part, go(part.input))
            case Call():
                return dialect.functions[part.function].write(part, [go(a) for a in part.arguments])
            case IfThen():
                return _case(part, go)
            case InList():
                value = go(part.value)
                # NOT binds less than IN.
                loose = isinstance(value, exp.Binary | exp.Not | exp.In)
                value = exp.paren(value, copy=False) if loose else value
                return exp.In(this=value, expressions=[_option(go(o)) for o in part.options])
            case ScalarSubquery():
                return exp.Subquery(this=subquery(part.input))
            case ExistsSubquery():
                return exp.Exists(this=subquery(part.input))
            case Opaque():
                raise AssertionError("an opaque expression was never passed for emission")

    return go(expression)


def _option(sql: Sql) -> Sql:
    """An IN list's integers take their type from the value: no casts."""
    bare = isinstance(sql, exp.Cast) and isinstance(sql.this, exp.Literal | exp.Paren)
    return sql.this if bare and not getattr(sql.this, "is_string", False) else sql


def _case(part: IfThen, go: Callable[[Expression], Sql]) -> Sql:
    ifs = [exp.If(this=go(condition), true=go(value)) for condition, value in part.clauses]
    return exp.Case(ifs=ifs, default=go(part.otherwise) if part.otherwise is not None else None)


_OF_A_SET = frozenset({"min", "max", "bool_and", "bool_or"})
"""Aggregates that repeated values do not change."""


def write_measure(
    measure: Measure, columns: Sequence[Sql], dialect: Dialect, subquery: WriteSubquery
) -> Sql:
    """SQL of an aggregate that `refusal_of` passed; a FILTER becomes a CASE in the argument."""
    arguments = measure.arguments
    if measure.filter is not None:
        argument = arguments[0] if arguments else Literal(1, pa.int64())
        only = IfThen(((measure.filter, argument),), None, argument.type)
        measure = Measure(
            measure.function, (only,), measure.type, measure.nullable, measure.distinct
        )
    written = [write(a, columns, dialect, subquery) for a in measure.arguments]
    if measure.distinct and measure.function not in _OF_A_SET:
        written = [exp.Distinct(expressions=written)]
    return dialect.aggregates[measure.function].write(measure, written)
