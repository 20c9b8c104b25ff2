"""Aggregates whose result depends neither on the order nor on the partitions of their rows."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.datafusion.columns import refuse_order
from planner.emit.datafusion.types import function_call
from planner.emit.dialect import AggregateRule, Sql
from planner.relations import Literal, Measure

_SAME = "the same engine, over arguments of the same types"


def _exact(measure: Measure) -> str | None:
    type_ = measure.arguments[0].type
    if pa.types.is_integer(type_) and measure.function == "sum":
        return None
    if pa.types.is_decimal128(type_):
        return "a distinct average" if measure.distinct and measure.function == "avg" else None
    return f"{measure.function} of {type_} may depend on the order of its rows"


def _count(measure: Measure) -> str | None:
    if len(measure.arguments) > 1:
        return "a count of several columns"
    return refuse_order(measure.arguments[0]) if measure.distinct else None


def _of_known(measure: Measure) -> str | None:
    return refuse_order(measure.arguments[0])


def _named(name: str, when: object = None, *, takes: str) -> AggregateRule:
    def write(_: Measure, arguments: list[Sql]) -> Sql:
        return function_call(name, *arguments)

    refuse = _exact if when is _exact else _of_known
    return AggregateRule(write, refuse, _SAME, takes=takes, written=f"{name}(x)")


def _write_count(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = measure.arguments[0] if measure.arguments else Literal(1, pa.int64())
    if isinstance(argument, Literal) and argument.value is not None and not measure.distinct:
        return exp.Count(this=exp.Star(), big_int=True)
    return exp.Count(this=arguments[0], big_int=True)


AGGREGATES: dict[str, AggregateRule] = {
    "count": AggregateRule(
        _write_count, _count, _SAME, when="of one column", written="COUNT(*), COUNT(x)"
    ),
    "sum": _named("sum", _exact, takes="integer or decimal"),
    "avg": _named("avg", _exact, takes="decimal"),
    "min": _named("min", takes="number, text, date, time or bytes"),
    "max": _named("max", takes="number, text, date, time or bytes"),
    "bool_and": _named("bool_and", takes="boolean"),
    "bool_or": _named("bool_or", takes="boolean"),
}
