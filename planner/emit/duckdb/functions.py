"""Scalar functions: when DuckDB's result is the engine's, and how each is written there."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.duckdb.columns import bare
from planner.emit.duckdb.conditions import (
    is_ordinary,
    magnitude_bits,
    refuse_order,
    signed_width,
)
from planner.emit.duckdb.text_functions import TEXT_FUNCTIONS
from planner.emit.duckdb.time_functions import TIME_FUNCTIONS
from planner.emit.duckdb.types import (
    HUGEINT,
    cast_to,
    decimal,
    divided,
    function_call,
    grouped,
    number,
    scaled,
    signed,
    type_sql,
    unscaled,
)
from planner.relations import Call, Expression, Literal


def _comparable(call: Call) -> str | None:
    if _with_a_number(call) is not None:
        return None
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _with_a_number(call: Call) -> Expression | None:
    """The float that is compared with a constant other than zero, infinity and NaN.

    −0.0 is then nothing special; which NaN it is, is (see `_compare`).
    """
    for value, constant in (call.arguments, call.arguments[::-1]):
        if isinstance(constant, Literal) and pa.types.is_floating(constant.type):
            return value if is_ordinary(constant) else None
    return None


def _arithmetic(call: Call) -> str | None:
    width = signed_width(call.type)
    if width is not None:
        # Less, because of two negative bounds the product is one more than fits.
        return None if magnitude_bits(call) < width else "an overflow fails there and wraps here"
    if pa.types.is_floating(call.type):
        return None if is_ordinary(call) else "which NaN a float computation gives is not proven"
    if not pa.types.is_decimal128(call.type):
        return f"arithmetic on {call.type}"
    if not all(pa.types.is_decimal128(a.type) for a in call.arguments):
        return "decimal arithmetic with another type"
    first, second = call.arguments
    scale = max(first.type.scale, second.type.scale)
    if call.function == "multiply":
        scale = first.type.scale + second.type.scale
    return None if call.type.scale == scale else "the engine rounds this product"


def _division(call: Call) -> str | None:
    if pa.types.is_decimal128(call.type) and all(
        pa.types.is_decimal128(a.type) for a in call.arguments
    ):
        return None
    if pa.types.is_floating(call.type):
        return _arithmetic(call)
    return _whole_division(call)


def _whole_division(call: Call) -> str | None:
    divisor = call.arguments[1]
    if signed_width(call.type) is None:
        return f"{call.function} of {call.type}"
    # A constant other than these two neither divides by zero nor overflows.
    if not isinstance(divisor, Literal) or divisor.value in (None, 0, -1):
        return "only a division by a constant integer is pushed"
    return None


def _negation(call: Call) -> str | None:
    width = signed_width(call.type)
    if pa.types.is_decimal128(call.type):
        return None
    if width is None:
        return f"{call.function} of {call.type}"
    small = magnitude_bits(call.arguments[0]) < width
    return None if small else "an overflow fails there and wraps here"


def _binary(node: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return cast(Sql, node(this=left, expression=right))


# Which of the two sides must be the smaller one; NaN with a sign is smaller than every number in
# the engine, and larger in DuckDB.
_LEFT_IS_SMALLER = {exp.LT: True, exp.LTE: True, exp.GT: False, exp.GTE: False}


def _compare(node: type[exp.Binary]) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        left, right = arguments
        if not all(isinstance(a, Literal) for a in call.arguments):
            left, right = (bare(a, s) for a, s in zip(call.arguments, arguments, strict=True))
        result = _binary(node, grouped(left), grouped(right))
        value = _with_a_number(call)
        if value is None or is_ordinary(value) or node not in _LEFT_IS_SMALLER:
            return result
        is_left = value is call.arguments[0]
        sql = arguments[0] if is_left else arguments[1]
        negative = exp.And(
            this=function_call("isnan", sql.copy()), expression=function_call("signbit", sql.copy())
        )
        if _LEFT_IS_SMALLER[node] is is_left:
            return exp.Paren(this=exp.Or(this=result, expression=exp.Paren(this=negative)))
        return exp.Paren(
            this=exp.And(this=result, expression=exp.Not(this=exp.Paren(this=negative)))
        )

    return FunctionRule(write, _comparable, "binary collation; NaN with a sign is told apart")


def _connect(node: type[exp.Connector]) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        result = _clause(arguments[0], node)
        for argument in arguments[1:]:
            result = _binary(node, result, _clause(argument, node))
        return result

    return FunctionRule(write)


def _clause(sql: Sql, node: type[exp.Connector]) -> Sql:
    other = isinstance(sql, exp.Connector) and not isinstance(sql, node)
    return exp.paren(sql, copy=False) if other else sql


def _operate(node: type[exp.Binary]) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        left, right = arguments
        if pa.types.is_decimal128(call.type):
            # Of operands up to 18 digits DuckDB makes results of 18, and fails beyond.
            first, second = (a.type for a in call.arguments)
            if call.type.precision > 18 and max(first.precision, second.precision) <= 18:
                left = cast_to(left, decimal(19, first.scale))
        result = _binary(node, grouped(left), grouped(right))
        if pa.types.is_decimal128(call.type):
            return _typed(result, call)
        return result

    return FunctionRule(write, _arithmetic, "exact decimals; integers that cannot overflow")


def _typed(sql: Sql, call: Call) -> Sql:
    return cast_to(sql, cast(exp.DataType, type_sql(call.type)))


def _divide(call: Call, arguments: list[Sql]) -> Sql:
    left, right = arguments
    if pa.types.is_floating(call.type):
        return exp.Div(this=grouped(left), expression=grouped(right))
    if not pa.types.is_decimal128(call.type):
        return exp.IntDiv(this=grouped(left), expression=grouped(right))
    first, second = (a.type for a in call.arguments)
    # As the engine does: the dividend is brought to the quotient's scale, and digits are cut.
    dividend, divisor = _digits(call.arguments[0], left), _digits(call.arguments[1], right)
    shift = call.type.scale - first.scale + second.scale
    if shift >= 0:
        dividend = _times(dividend, shift)
    else:
        divisor = _times(divisor, -shift)
    constant = isinstance(call.arguments[1], Literal) and bool(call.arguments[1].value)
    return scaled(divided(dividend, divisor, never_zero=constant), call.type)


def _digits(argument: Expression, sql: Sql) -> Sql:
    if not isinstance(argument, Literal) or argument.value is None:
        return unscaled(sql, argument.type)
    sign, digits, exponent = argument.value.as_tuple()
    whole = int("".join(map(str, digits))) * 10 ** (argument.type.scale + exponent)
    return cast_to(signed(str(-whole if sign else whole)), HUGEINT)


def _times(digits: Sql, shift: int) -> Sql:
    """A HUGEINT times a power of ten; an overflow fails, as in the engine."""
    if shift == 0:
        return digits
    return exp.Mul(this=grouped(digits), expression=cast_to(number(10**shift), HUGEINT))


def _not(_: Call, arguments: list[Sql]) -> Sql:
    inner = arguments[0]
    simple = isinstance(inner, exp.Column | exp.Paren | exp.Exists | exp.Like | exp.In | exp.Func)
    return exp.Not(this=inner if simple else exp.paren(inner, copy=False))


def _is(value: Sql, negated: bool) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        test = exp.Is(this=grouped(arguments[0]), expression=value.copy())
        return exp.Not(this=test) if negated else test

    return FunctionRule(write)


FUNCTIONS: dict[str, FunctionRule] = {
    "and": _connect(exp.And),
    "or": _connect(exp.Or),
    "not": FunctionRule(_not),
    "equal": _compare(exp.EQ),
    "not_equal": _compare(exp.NEQ),
    "lt": _compare(exp.LT),
    "lte": _compare(exp.LTE),
    "gt": _compare(exp.GT),
    "gte": _compare(exp.GTE),
    "is_not_distinct_from": _compare(exp.NullSafeEQ),
    "is_distinct_from": _compare(exp.NullSafeNEQ),
    "is_null": _is(exp.Null(), negated=False),
    "is_not_null": _is(exp.Null(), negated=True),
    "is_true": _is(exp.Boolean(this=True), negated=False),
    "is_not_true": _is(exp.Boolean(this=True), negated=True),
    "is_false": _is(exp.Boolean(this=False), negated=False),
    "is_not_false": _is(exp.Boolean(this=False), negated=True),
    "add": _operate(exp.Add),
    "subtract": _operate(exp.Sub),
    "multiply": _operate(exp.Mul),
    "divide": FunctionRule(_divide, _division, "// cuts as the engine does"),
    "modulus": FunctionRule(
        lambda _, a: exp.Mod(this=grouped(a[0]), expression=grouped(a[1])),
        _whole_division,
        "the sign of the dividend in both",
    ),
    "negate": FunctionRule(lambda _, a: exp.Neg(this=grouped(a[0])), _negation),
    "nullif": FunctionRule(
        lambda _, a: exp.Nullif(this=a[0], expression=a[1]),
        _comparable,
        "NULLs and binary collation",
    ),
    "abs": FunctionRule(lambda _, a: function_call("abs", *a), _negation),
    **TEXT_FUNCTIONS,
    **TIME_FUNCTIONS,
}
