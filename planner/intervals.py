"""Refuses what would compare intervals of which the engine knows no order.

DataFusion 55 compares months, days and nanoseconds as three numbers: to it 25 hours are less than
1 day. Of intervals that have nanoseconds alone, as what times differ by, that is the right order.
Knows no SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa

from connectors.errors import UnsupportedError
from planner.relations import (
    Aggregate,
    Call,
    Cast,
    Cross,
    Expression,
    Fetch,
    FieldRef,
    Filter,
    IfThen,
    InList,
    Join,
    Literal,
    Project,
    Relation,
    Sort,
    Union,
    Values,
    Window,
    expressions_of,
    inputs_of,
    parts_of,
    walk_expression,
)

_COMPARING = frozenset(
    {
        *("equal", "not_equal", "lt", "lte", "gt", "gte", "between"),
        *("is_distinct_from", "is_not_distinct_from", "greatest", "least", "nullif"),
    }
)
_DAYS = (
    r'IntervalMonthDayNano\("IntervalMonthDayNano \{ (?:months: -?[1-9]|months: 0, days: -?[1-9])'
)
# Not one that a time is moved by, which then is compared.
_COMPARED = re.compile(
    rf'(?:[<>=] {_DAYS}[^"]*"\)(?! [-+*/]))|(?:(?<![-+*/] ){_DAYS}[^"]*"\) (?:[<>=]|!=))'
)


def refuse_compared_text(plan: str) -> None:
    """Refuse a constant that is compared, by the plan's text: it also has what there is no tree of.

    Raises:
        UnsupportedError: where its order would be wrong.
    """
    if _COMPARED.search(plan):
        raise _refusal("a comparison of intervals")


def refuse_compared(relation: Relation) -> None:
    """Refuse comparisons, orders and groups of intervals that may have days or months.

    Raises:
        UnsupportedError: for the first of them.
    """
    for what, expression in _ordered(relation):
        if not _in_nanoseconds(expression, relation):
            raise _refusal(what)
    for part in parts_of(relation):
        refuse_compared(part)


def _ordered(relation: Relation) -> Iterator[tuple[str, Expression]]:
    for whole in expressions_of(relation):
        for part in walk_expression(whole):
            if isinstance(part, Call) and part.function in _COMPARING:
                yield from (("a comparison of intervals", a) for a in part.arguments)
            elif isinstance(part, InList):
                yield from (("IN of intervals", a) for a in (part.value, *part.options))
            elif isinstance(part, IfThen) and part.operand is not None:
                yield "CASE of an interval", part.operand
    match relation:
        case Sort():
            yield from (("ORDER BY an interval", key.expression) for key in relation.keys)
        case Aggregate():
            yield from (("DISTINCT or GROUP BY of an interval", g) for g in relation.groups)
            for measure in relation.measures:
                if measure.distinct or measure.function in ("min", "max"):
                    what = f"{measure.function} of intervals"
                    yield from ((what, a) for a in measure.arguments)
                for key in measure.sorts:
                    yield "ORDER BY an interval", key.expression
        case Window():
            for call in relation.calls:
                yield from (("PARTITION BY an interval", p) for p in call.partition)
                yield from (("ORDER BY an interval", key.expression) for key in call.order)
                if call.function in ("min", "max"):
                    yield from ((f"{call.function} of intervals", a) for a in call.arguments)


def _in_nanoseconds(expression: Expression, relation: Relation) -> bool:
    """Whether an expression of a relation is no interval, or has neither months nor days."""
    if not pa.types.is_interval(expression.type):
        return True
    match expression:
        case FieldRef():
            return _column_in_nanoseconds(inputs_of(relation), expression.index)
        case Literal():
            value = expression.value
            return value is None or (value.months, value.days) == (0, 0)
        case Cast():
            return bool(pa.types.is_duration(expression.input.type))
        case IfThen():
            values = [value for _, value in expression.clauses]
            if expression.otherwise is not None:
                values.append(expression.otherwise)
            return all(_in_nanoseconds(value, relation) for value in values)
        case Call() if expression.function in ("coalesce", "add", "subtract", "negate"):
            return all(_in_nanoseconds(part, relation) for part in expression.arguments)
    return False


def _column_in_nanoseconds(inputs: Sequence[Relation], index: int) -> bool:
    """Whether a column is, counted over all inputs."""
    for relation in inputs:
        if index >= len(relation.fields):
            index -= len(relation.fields)
            continue
        match relation:
            case Project():
                return _in_nanoseconds(relation.expressions[index], relation)
            case Values():
                return all(_in_nanoseconds(row[index], relation) for row in relation.rows)
            case Union():
                return all(_column_in_nanoseconds((part,), index) for part in relation.inputs)
            case Filter() | Sort() | Fetch() | Cross():
                return _column_in_nanoseconds(inputs_of(relation), index)
            case Window() if index < len(relation.input.fields):
                return _column_in_nanoseconds((relation.input,), index)
            case Join() if relation.kind.value in ("INNER", "LEFT", "RIGHT", "OUTER"):
                return _column_in_nanoseconds(inputs_of(relation), index)
            case Aggregate() if index < len(relation.groups):
                return _in_nanoseconds(relation.groups[index], relation)
        return False
    return False


def _refusal(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"{what} of months or days is not supported",
        hint="Compare times: moment > placed + interval '30 days'; or seconds, as"
        " date_part('epoch', moment - placed) > 86400.",
    )
