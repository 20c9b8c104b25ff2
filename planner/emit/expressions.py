"""One expression -> SQL, by a dialect's tables; and why one may not go.

`refusal` and `write` walk the same tree by the same tables: what one passes, the other writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa
from sqlglot import exp

from planner.definitions import definition
from planner.emit.cases import refuse_case, write_case
from planner.emit.dialect import Dialect, Over, Sql
from planner.emit.keys import marked
from planner.emit.windows import frame_sql
from planner.relations import (
    Aggregate,
    Call,
    Cast,
    ExistsSubquery,
    Expression,
    FieldRef,
    IfThen,
    InKeys,
    InList,
    Literal,
    Measure,
    Opaque,
    Read,
    Relation,
    ScalarSubquery,
    Sort,
    SortKey,
    Window,
    WindowCall,
    arguments_of,
    expressions_of,
    inputs_of,
    references,
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

    def refuse_call(call: Call) -> str | None:
        rule = dialect.functions.get(call.function)
        if rule is None or (functions is not None and call.function not in functions):
            return _lacking(f"function {call.function}", dialect, unproven)
        if not rule.proven and not unproven:
            return f"function {call.function} is not proven there by running"
        return rule.refuse(call)

    expression = dialect.reshape(expression)
    for argument in arguments_of(expression):
        if _is_shift(expression, argument):
            continue
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
        case InKeys():
            if dialect.keys is None or not dialect.keys.takes(expression.value.type):
                return "keys of this type have no form there"
            return dialect.refuse_order(expression.value)
        case IfThen():
            return refuse_case(expression, refuse_call)
        case Call():
            return refuse_call(expression)
    return None


def _lacking(what: str, dialect: Dialect, unproven: bool) -> str:
    """Why something stays that the dialect's tables lack, or that the source does not declare."""
    return f"{what} has no form in {dialect.name}" if unproven else f"{what} is not proven there"


_BY_INTERVALS = ("add", "subtract", "date_bin")


def _is_shift(expression: Expression, argument: Expression) -> bool:
    """A constant interval that something is moved or counted by: that rule decides about it."""
    constant = isinstance(argument, Literal) and pa.types.is_interval(argument.type)
    return constant and isinstance(expression, Call) and expression.function in _BY_INTERVALS


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
            return _order_refusal(relation.keys, inputs, dialect)
        case Window():
            return _window_refusal(relation, dialect, functions, unproven)
        case Aggregate():
            return _aggregate_refusal(relation, dialect, functions, unproven)
    return None


def _numbers_defined(expression: Expression, inputs: tuple[Relation, ...]) -> Expression:
    """Number fields replaced by what computes them: their bounds depend on that."""

    def change(part: Expression) -> Expression:
        if isinstance(part, FieldRef) and (
            pa.types.is_floating(part.type) or pa.types.is_integer(part.type)
        ):
            found = definition(part, inputs)
            if not isinstance(found, Literal):
                return replace(found, nullable=part.nullable)
            # An outer join makes NULLs beside a constant.
            return part if part.nullable and not found.nullable else found
        return part

    return transform_expression(expression, change)


def _aggregate_refusal(
    relation: Aggregate, dialect: Dialect, functions: frozenset[str] | None, unproven: bool
) -> str | None:
    if len(relation.sets) > 1:
        reason = _sets_refusal(relation, dialect)
        if reason:
            return reason
    for group in relation.groups:
        reason = dialect.refuse_order(group)
        if reason:
            return reason
    for measure in relation.measures:
        rule = dialect.aggregates.get(measure.function)
        if rule is None or (functions is not None and measure.function not in functions):
            return _lacking(f"aggregate {measure.function}", dialect, unproven)
        if not rule.proven and not unproven:
            return f"aggregate {measure.function} is not proven there by running"
        arguments = (_numbers_defined(a, (relation.input,)) for a in measure.arguments)
        reason = rule.refuse(replace(measure, arguments=tuple(arguments)))
        if measure.sorts and not rule.ordered:
            reason = reason or "an ordered aggregate"
        reason = reason or _order_refusal(measure.sorts, (relation.input,), dialect)
        if reason:
            return reason
    return None


_MOST_GROUPS = 31
"""Of the arguments of GROUPING, whose result is an integer of 32 bits there."""


def _sets_refusal(relation: Aggregate, dialect: Dialect) -> str | None:
    if dialect.grouping_id is None:
        return "grouping sets are not proven there"
    if len(relation.groups) > _MOST_GROUPS:
        return f"grouping sets of more than {_MOST_GROUPS} columns"
    if len({frozenset(positions) for positions in relation.sets}) < len(relation.sets):
        return "a grouping set twice, which the engine numbers"
    if not all(references(group) for group in relation.groups):
        return "a constant in grouping sets"
    return None


def _order_refusal(
    keys: tuple[SortKey, ...], inputs: tuple[Relation, ...], dialect: Dialect
) -> str | None:
    defined = (_numbers_defined(key.expression, inputs) for key in keys)
    return next((r for r in map(dialect.refuse_sort or dialect.refuse_order, defined) if r), None)


def _window_refusal(
    relation: Window, dialect: Dialect, functions: frozenset[str] | None, unproven: bool
) -> str | None:
    inputs = (relation.input,)
    for call in relation.calls:
        rule = dialect.windows.get(call.function)
        if rule is None or (functions is not None and call.function not in functions):
            return _lacking(f"{call.function} over a window", dialect, unproven)
        if not rule.proven and not unproven:
            return f"{call.function} over a window is not proven there by running"
        partition = (_numbers_defined(part, inputs) for part in call.partition)
        reason = (
            rule.refuse(_with_numbers_defined(call, inputs))
            or next((r for r in map(dialect.refuse_order, partition) if r), None)
            or _order_refusal(call.order, inputs, dialect)
        )
        if reason:
            return reason
    return None


def _with_numbers_defined(call: WindowCall, inputs: tuple[Relation, ...]) -> WindowCall:
    return replace(call, arguments=tuple(_numbers_defined(a, inputs) for a in call.arguments))


@dataclass(frozen=True, slots=True)
class Input:
    """What an expression is written over.

    Attributes:
        columns: the fields as SQL, by position; they are copied into what is written.
        relations: those that the fields are of, left first: rules are asked about a number by what
            computes it, when it is written as when it is refused.
    """

    columns: Sequence[Sql]
    relations: tuple[Relation, ...]


def write(expression: Expression, over: Input, dialect: Dialect, subquery: WriteSubquery) -> Sql:
    """SQL of an expression that `refusal_of` passed.

    Args:
        subquery: writes the relation of a subquery.
    """

    def go(part: Expression, known: Expression) -> Sql:
        if isinstance(part, FieldRef):
            return over.columns[part.index].copy()
        part, known = dialect.reshape(part), dialect.reshape(known)
        parts = [
            go(*operands) for operands in zip(arguments_of(part), arguments_of(known), strict=True)
        ]
        match known:
            case Literal():
                return dialect.write_literal(known)
            case Cast():
                return dialect.write_cast(known, parts[0])
            case Call():
                return dialect.functions[known.function].write(known, parts)
            case IfThen():
                return write_case(known, parts, dialect.functions)
            case InList():
                value, *options = parts
                # NOT binds less than IN.
                loose = isinstance(value, exp.Binary | exp.Not | exp.In)
                value = exp.paren(value, copy=False) if loose else value
                return exp.In(this=value, expressions=list(map(_option, options)))
            case InKeys():
                assert dialect.keys is not None
                place = marked(known.stage, known.column, known.value.type)
                return dialect.keys.write(parts[0], place, known.value.type)
            case ScalarSubquery():
                return exp.Subquery(this=subquery(known.input))
            case ExistsSubquery():
                return exp.Exists(this=subquery(known.input))
        raise AssertionError(f"{known!r} was never passed for emission")

    return go(expression, _numbers_defined(expression, over.relations))


def _option(sql: Sql) -> Sql:
    """An IN list's integers take their type from the value: no casts."""
    bare = isinstance(sql, exp.Cast) and isinstance(sql.this, exp.Literal | exp.Paren)
    return sql.this if bare and not getattr(sql.this, "is_string", False) else sql


def write_window(call: WindowCall, over: Input, dialect: Dialect, subquery: WriteSubquery) -> Sql:
    """SQL of a window function that `refusal_of` passed; constants order and part nothing."""
    arguments = [write(a, over, dialect, subquery) for a in call.arguments]
    partition = [
        write(p, over, dialect, subquery) for p in call.partition if references(p) != set()
    ]
    order = tuple(
        sql
        for key in call.order
        if references(key.expression) != set()
        for sql in write_keys(key, over, dialect, subquery)
    )
    window = Over(tuple(partition), order, frame_sql(call.frame, bool(order)))
    known = _with_numbers_defined(call, over.relations)
    return dialect.windows[call.function].write(known, arguments, window)


def write_keys(
    key: SortKey, over: Input, dialect: Dialect, subquery: WriteSubquery
) -> tuple[Sql, ...]:
    """SQL of a key of an order, NULLs placed; several, where the dialect sorts by several."""
    written = write(key.expression, over, dialect, subquery)
    if dialect.sort_keys is None:
        keys: tuple[Sql, ...] = (dialect.order(written, key.expression.type),)
    else:
        keys = dialect.sort_keys(_numbers_defined(key.expression, over.relations), written)
    return tuple(
        exp.Ordered(this=sql, desc=key.descending, nulls_first=key.nulls_first) for sql in keys
    )


_OF_A_SET = frozenset({"min", "max", "bool_and", "bool_or"})
"""Aggregates that repeated values do not change."""


def write_measure(measure: Measure, over: Input, dialect: Dialect, subquery: WriteSubquery) -> Sql:
    """SQL of an aggregate that `refusal_of` passed; a FILTER may become a CASE in the argument."""
    if measure.filter is not None and dialect.filters:
        aggregate = write_measure(replace(measure, filter=None), over, dialect, subquery)
        condition = exp.Where(this=write(measure.filter, over, dialect, subquery))
        return exp.Filter(this=aggregate, expression=condition)
    arguments = measure.arguments
    if measure.filter is not None:
        argument = arguments[0] if arguments else Literal(1, pa.int64())
        only = IfThen(((measure.filter, argument),), None, argument.type)
        measure = replace(measure, arguments=(only, *arguments[1:]), filter=None)
    written = [write(a, over, dialect, subquery) for a in measure.arguments]
    if measure.distinct and measure.function not in _OF_A_SET:
        written = [exp.Distinct(expressions=written)]
    if measure.sorts:
        keys = (write_keys(key, over, dialect, subquery) for key in measure.sorts)
        written[-1] = exp.Order(this=written[-1], expressions=list(chain.from_iterable(keys)))
    return dialect.aggregates[measure.function].write(measure, written)
