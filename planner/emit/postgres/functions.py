"""Scalar functions: when PostgreSQL's result is the engine's, and how each is written there."""

from __future__ import annotations

from datetime import date
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.postgres.columns import order, write_literal
from planner.emit.postgres.conditions import is_ordinary, magnitude_bits, refuse_order
from planner.emit.postgres.types import (
    INTEGER,
    cast_to,
    function_call,
    grouped,
    is_decimal,
    number,
)
from planner.relations import Call, Literal


def _comparable(call: Call) -> str | None:
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _arithmetic(call: Call) -> str | None:
    if pa.types.is_integer(call.type):
        width = 31 if call.type == pa.int32() else 63 if call.type == pa.int64() else 0
        # The bound may be met: the lowest values of two types multiply to 2⁶³ exactly.
        return None if magnitude_bits(call) < width else "an overflow fails there and wraps here"
    if pa.types.is_floating(call.type):
        return None if is_ordinary(call) else "a float overflow fails there and is infinite here"
    if not is_decimal(call.type):
        return f"arithmetic on {call.type}"
    if not all(is_decimal(a.type) for a in call.arguments):
        return "decimal arithmetic with another type"
    first, second = call.arguments
    scale = max(first.type.scale, second.type.scale)
    if call.function == "multiply":
        scale = first.type.scale + second.type.scale
    return None if call.type.scale == scale else "the engine rounds this product"


def _division(call: Call) -> str | None:
    if is_decimal(call.type) and all(is_decimal(a.type) for a in call.arguments):
        return None
    if pa.types.is_floating(call.type):
        return _arithmetic(call) and "a float division by zero fails there and is infinite here"
    return "integer division"


def _like(call: Call) -> str | None:
    pattern, *escape = call.arguments[1:]
    default = all(isinstance(e, Literal) and e.value in ("", "\\", None) for e in escape)
    if not default or not isinstance(pattern, Literal):
        return "only a constant pattern without an escape character is pushed"
    if pattern.value is None or "\\" in pattern.value:
        return "a pattern with a backslash"
    return None


_DATE_PARTS = ("year", "quarter", "month", "day", "doy", "dow")


def _date_part(call: Call) -> str | None:
    part, of = call.arguments
    if not isinstance(part, Literal) or str(part.value).lower() not in _DATE_PARTS:
        return "this part of a date"
    if of.type not in (pa.date32(), pa.timestamp("us")) or call.type != pa.int32():
        return f"a part of {of.type}"
    return None


def _substring(call: Call) -> str | None:
    bounds = call.arguments[1:]
    if not all(isinstance(b, Literal) and isinstance(b.value, int) for b in bounds):
        return "only constant positions are pushed"
    if any(not -(2**31) < cast(Literal, b).value < 2**31 for b in bounds):
        return "a position that is not an integer there"
    if len(bounds) == 2 and cast(Literal, bounds[1]).value < 0:
        return "a negative length"
    return None


def _texts(call: Call) -> str | None:
    if all(pa.types.is_string(a.type) for a in call.arguments):
        return None
    return f"{call.function} of other than text"


def bare(call: Call, arguments: list[Sql]) -> list[Sql]:
    """Integer constants without their casts, where the other operand gives the type."""
    constants = [isinstance(a, Literal) for a in call.arguments]
    if all(constants):
        return arguments
    pairs = zip(arguments, constants, strict=True)
    return [a.this if c and isinstance(a, exp.Cast) and _is_whole(a) else a for a, c in pairs]


def _is_whole(sql: exp.Cast) -> bool:
    return isinstance(sql.this, exp.Literal | exp.Paren) and not getattr(
        sql.this, "is_string", False
    )


def _binary(node: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return cast(Sql, node(this=left, expression=right))


def _compare(node: type[exp.Binary], symbol: str, ordered: bool) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        left, right = bare(call, arguments)
        if ordered:
            left = order(left, call.arguments[0].type)
        return _binary(node, grouped(left), grouped(right))

    by = '; of text: x COLLATE "C" ' + f"{symbol} y" if ordered else ""
    return FunctionRule(
        write,
        _comparable,
        "code point order by COLLATE; three-valued logic",
        takes="any with an order, twice",
        when="of floats: neither NaN, infinite nor -0.0, by the expression alone",
        written=f"x {symbol} y{by}",
    )


def _connect(node: type[exp.Connector], symbol: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        result = _clause(arguments[0], node)
        for argument in arguments[1:]:
            result = _binary(node, result, _clause(argument, node))
        return result

    return FunctionRule(write, takes="boolean, …", written=f"x {symbol} y {symbol} …")


def _clause(sql: Sql, node: type[exp.Connector]) -> Sql:
    other = isinstance(sql, exp.Connector) and not isinstance(sql, node)
    return exp.paren(sql, copy=False) if other else sql


def _operate(node: type[exp.Binary], symbol: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        left, right = bare(call, arguments)
        return _binary(node, grouped(left), grouped(right))

    return FunctionRule(
        write,
        _arithmetic,
        "exact decimals; integers that cannot overflow",
        takes="number, twice",
        when="of integers: no overflow, by their types and constants; of decimals: none is rounded;"
        " of floats: a converted number and a constant",
        written=f"x {symbol} y",
    )


def truncated_division(dividend: Sql, divisor: Sql, scale: int) -> Sql:
    """dividend / divisor, cut after `scale` digits: `div` is exact, `/` would round."""
    shifted = exp.Mul(this=grouped(dividend), expression=number(10**scale))
    return exp.Mul(
        this=function_call("div", shifted, divisor), expression=number(f"{10.0**-scale:.{scale}f}")
    )


def _divide(call: Call, arguments: list[Sql]) -> Sql:
    left, right = arguments
    if is_decimal(call.type):
        return truncated_division(left, right, call.type.scale)
    return exp.Div(this=grouped(left), expression=grouped(right), typed=True)


def _write_like(_: Call, arguments: list[Sql]) -> Sql:
    return exp.Like(this=grouped(arguments[0]), expression=arguments[1])


def _write_date_part(call: Call, arguments: list[Sql]) -> Sql:
    part = str(cast(Literal, call.arguments[0]).value).upper()
    value = cast_to(exp.Extract(this=exp.var(part), expression=arguments[1]), INTEGER)
    if part != "YEAR":
        return value
    # PostgreSQL has no year 0: its 1 BC, which it calls -1, is the engine's year 0.
    first = write_literal(Literal(date(1, 1, 1), pa.date32()))
    before = exp.Paren(this=exp.LT(this=grouped(arguments[1].copy()), expression=first))
    return exp.Add(this=value, expression=cast_to(before, INTEGER))


def _write_substring(call: Call, arguments: list[Sql]) -> Sql:
    text, *bounds = bare(call, arguments)
    whole = [b if isinstance(b, exp.Literal | exp.Paren) else cast_to(b, INTEGER) for b in bounds]
    return function_call("substr", text, *whole)


def _not(_: Call, arguments: list[Sql]) -> Sql:
    inner = arguments[0]
    simple = isinstance(inner, exp.Column | exp.Paren | exp.Exists | exp.Like | exp.In | exp.Func)
    return exp.Not(this=inner if simple else exp.paren(inner, copy=False))


def _is(value: Sql, symbol: str, negated: bool) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        test = exp.Is(this=grouped(arguments[0]), expression=value.copy())
        return exp.Not(this=test) if negated else test

    takes = "any" if isinstance(value, exp.Null) else "boolean"
    written = f"NOT x IS {symbol}" if negated else f"x IS {symbol}"
    return FunctionRule(write, takes=takes, written=written)


FUNCTIONS: dict[str, FunctionRule] = {
    "and": _connect(exp.And, "AND"),
    "or": _connect(exp.Or, "OR"),
    "not": FunctionRule(_not, takes="boolean", written="NOT x"),
    "equal": _compare(exp.EQ, "=", ordered=False),
    "not_equal": _compare(exp.NEQ, "<>", ordered=False),
    "lt": _compare(exp.LT, "<", ordered=True),
    "lte": _compare(exp.LTE, "<=", ordered=True),
    "gt": _compare(exp.GT, ">", ordered=True),
    "gte": _compare(exp.GTE, ">=", ordered=True),
    "is_not_distinct_from": _compare(exp.NullSafeEQ, "IS NOT DISTINCT FROM", ordered=False),
    "is_distinct_from": _compare(exp.NullSafeNEQ, "IS DISTINCT FROM", ordered=False),
    "is_null": _is(exp.Null(), "NULL", negated=False),
    "is_not_null": _is(exp.Null(), "NULL", negated=True),
    "is_true": _is(exp.Boolean(this=True), "TRUE", negated=False),
    "is_not_true": _is(exp.Boolean(this=True), "TRUE", negated=True),
    "is_false": _is(exp.Boolean(this=False), "FALSE", negated=False),
    "is_not_false": _is(exp.Boolean(this=False), "FALSE", negated=True),
    "add": _operate(exp.Add, "+"),
    "subtract": _operate(exp.Sub, "-"),
    "multiply": _operate(exp.Mul, "*"),
    "divide": FunctionRule(
        _divide,
        _division,
        "div() cuts as the engine does",
        takes="decimal, decimal; or float, float constant",
        when="of floats: a converted number and a constant",
        written="div(x * 10^s, y) * 10^-s; of floats: x / y",
    ),
    "like": FunctionRule(
        _write_like,
        _like,
        takes="text, text constant",
        when="no backslash in the pattern",
        written="x LIKE y",
    ),
    "date_part": FunctionRule(
        _write_date_part,
        _date_part,
        "the proleptic calendar in both; there is no year 0 there, which is added",
        takes="part, date or timestamp",
        when=f"one of {', '.join(_DATE_PARTS)}",
        written="CAST(EXTRACT(x FROM y) AS integer)",
    ),
    "substring": FunctionRule(
        _write_substring,
        _substring,
        "code points in both",
        takes="text, integer constant, integer constant",
        when="the positions are integers there, and the length is not negative",
        written="substr(x, y, z)",
    ),
    "character_length": FunctionRule(
        lambda _, a: cast_to(function_call("char_length", *a), INTEGER),
        _texts,
        "code points in both",
        takes="text",
        written="CAST(char_length(x) AS integer)",
    ),
}
