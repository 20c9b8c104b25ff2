"""Functions of numbers: when PostgreSQL's result is the engine's, and how each is written there."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.postgres.columns import write_literal
from planner.emit.postgres.conditions import exact_bits, is_ordinary, is_whole, magnitude_bits
from planner.emit.postgres.float_bounds import bounds, is_small_move
from planner.emit.postgres.time_functions import is_shift, refuse_shift, write_shift
from planner.emit.postgres.types import (
    BIGINT,
    NUMERIC,
    cases,
    cast_to,
    function_call,
    grouped,
    is_decimal,
    number,
    text,
    type_sql,
)
from planner.emit.postgres.wrapping import write_wrapped
from planner.relations import Call, Literal

_BITS = {pa.int16(): 16, pa.int32(): 32, pa.int64(): 64}
_SAME_FAILURES = "both fail where the result does not fit"


def bare(call: Call, arguments: list[Sql]) -> list[Sql]:
    """Integer constants without their casts, where the other operand gives the type."""
    constants = [isinstance(a, Literal) for a in call.arguments]
    if all(constants):
        return arguments
    pairs = zip(arguments, constants, strict=True)
    return [a.this if c and isinstance(a, exp.Cast) and _is_number(a) else a for a, c in pairs]


def _is_number(sql: exp.Cast) -> bool:
    inner = sql.this
    return isinstance(inner, exp.Literal | exp.Paren) and not getattr(inner, "is_string", False)


def truncated_division(dividend: Sql, divisor: Sql, scale: int) -> Sql:
    """dividend / divisor, cut after `scale` digits: `div` is exact, `/` would round."""
    shifted = exp.Mul(this=grouped(dividend), expression=number(10**scale))
    return exp.Mul(
        this=function_call("div", shifted, divisor), expression=number(f"{10.0**-scale:.{scale}f}")
    )


def _arithmetic(call: Call) -> str | None:
    if _is_day_count(call):
        return None
    if is_shift(call):
        return refuse_shift(call)
    if pa.types.is_integer(call.type):
        return _integers(call)
    if pa.types.is_floating(call.type):
        sound = bounds(call) is not None or is_small_move(call)
        return None if sound else "a float overflow fails there and is infinite here"
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
    return _integers(call)


def _remainder(call: Call) -> str | None:
    if is_decimal(call.type) and all(is_decimal(a.type) for a in call.arguments):
        scale = max(a.type.scale for a in call.arguments)
        return None if call.type.scale == scale else "the engine rounds this remainder"
    return _integers(call)


def _integers(call: Call) -> str | None:
    same = call.type in _BITS and all(a.type == call.type for a in call.arguments)
    return None if same else f"{call.function} of {call.type}"


def _negation(call: Call) -> str | None:
    if is_decimal(call.type) or pa.types.is_floating(call.type):
        return None
    return None if call.type in _BITS else f"negate of {call.type}"


def _write_negation(call: Call, arguments: list[Sql]) -> Sql:
    negated = exp.Neg(this=grouped(arguments[0]))
    if call.type not in _BITS or magnitude_bits(call.arguments[0]) < _BITS[call.type] - 1:
        return negated
    # The lowest integer has no negative, and is its own in the engine.
    lowest = write_literal(Literal(-(2 ** (_BITS[call.type] - 1)), call.type))
    is_lowest = exp.EQ(this=grouped(arguments[0].copy()), expression=lowest)
    return cases((is_lowest, lowest.copy()), default=negated)


def _signed_number(call: Call) -> str | None:
    type_ = call.type
    known = type_ in _BITS or pa.types.is_floating(type_) or is_decimal(type_)
    return None if known else f"{call.function} of {type_}"


def _float(call: Call) -> str | None:
    floating = pa.types.is_floating(call.arguments[0].type)
    return None if floating else f"{call.function} of {call.arguments[0].type}"


def _places(call: Call) -> int | None:
    """The constant number of digits after the point that a rounding keeps; None without one."""
    if len(call.arguments) == 1:
        return 0
    places = call.arguments[1]
    value = places.value if isinstance(places, Literal) else None
    return value if isinstance(value, int) and abs(value) <= 38 else None


def _rounding(call: Call) -> str | None:
    type_ = call.arguments[0].type
    if _places(call) is None:
        return "only a constant number of digits is pushed"
    if is_decimal(type_) or (type_ in _BITS and call.function == "round"):
        return None
    if not pa.types.is_floating(type_):
        return f"{call.function} of {type_}"
    if len(call.arguments) > 1:
        return "a float is rounded at another digit there"
    if call.function == "round" and not is_whole(call.arguments[0]):
        return "a float half way is rounded to even there"
    return None


def _write_rounding(call: Call, arguments: list[Sql]) -> Sql:
    value, type_, places = arguments[0], call.arguments[0].type, cast(int, _places(call))
    name = call.function
    if type_ in _BITS:
        if places >= 0:
            return value
        whole = function_call(name, cast_to(value, NUMERIC), _signed(places))
        return cast_to(whole, cast(exp.DataType, type_sql(call.type)))
    if is_decimal(type_):
        kept = min(places, type_.scale)
        return function_call(name, value, *([_signed(kept)] if kept else []))
    if name == "round":
        return value
    result = _as_type(function_call(name, value), call)
    if name != "trunc":
        return result
    # The engine's has no -0.0 of -0.0.
    is_zero = exp.EQ(this=grouped(value.copy()), expression=number(0))
    zero = cast_to(number(0), cast(exp.DataType, type_sql(call.type)))
    return cases((is_zero, zero), default=result)


def _signed(value: int) -> Sql:
    return exp.Paren(this=exp.Neg(this=number(-value))) if value < 0 else number(value)


def _as_type(sql: Sql, call: Call) -> Sql:
    """A real's function is one of double precision there."""
    if call.type == pa.float32():
        return cast_to(sql, cast(exp.DataType, type_sql(call.type)))
    return sql


def is_nan(sql: Sql) -> Sql:
    return exp.EQ(this=grouped(sql), expression=text("NaN"))


def _write_sign(call: Call, arguments: list[Sql]) -> Sql:
    sign = _as_type(function_call("sign", arguments[0]), call)
    if is_ordinary(call.arguments[0]):
        return sign
    nan = cast_to(text("NaN"), cast(exp.DataType, type_sql(call.type)))
    return cases((is_nan(arguments[0].copy()), nan), default=sign)


def _write_divide(call: Call, arguments: list[Sql]) -> Sql:
    dividend, divisor = arguments
    if is_decimal(call.type):
        return truncated_division(dividend, divisor, call.type.scale)
    return exp.Div(this=grouped(dividend), expression=grouped(divisor), typed=True)


def _is_day_count(call: Call) -> bool:
    return call.function == "subtract" and all(a.type == pa.date32() for a in call.arguments)


def _operate(node: type[exp.Binary], symbol: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        if is_shift(call):
            return write_shift(call, arguments)
        if _is_day_count(call):
            days = cast(Sql, node(this=grouped(arguments[0]), expression=grouped(arguments[1])))
            return cast_to(days, BIGINT)
        if call.type in _BITS and exact_bits(call) >= _BITS[call.type] - 1:
            # The bound may be met: the lowest values of two types multiply to 2⁶³ exactly.
            return write_wrapped(node, call, arguments)
        left, right = bare(call, arguments)
        return cast(Sql, node(this=grouped(left), expression=grouped(right)))

    return FunctionRule(
        write,
        _arithmetic,
        "exact decimals; integers that may overflow are wrapped as in the engine",
        takes="number, twice",
        when="of decimals: none is rounded; of floats: no overflow, by the expression alone",
        written=f"x {symbol} y; of integers that may overflow: its excess taken off",
    )


def _bitwise(node: type[exp.Binary], symbol: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: cast(Sql, node(this=grouped(a[0]), expression=grouped(a[1]))),
        _integers,
        "two's complement in both",
        takes="integer, twice, of one width",
        written=f"x {symbol} y",
    )


def _shift(node: type[exp.Binary], symbol: str) -> FunctionRule:
    def refuse(call: Call) -> str | None:
        by = call.arguments[1]
        if not isinstance(by, Literal) or not isinstance(by.value, int):
            return "only a shift by a constant is pushed"
        if not 0 <= by.value < _BITS.get(call.type, 0):
            return "a shift by more bits than there are"
        return _integers(call)

    def write(call: Call, arguments: list[Sql]) -> Sql:
        by = number(cast(Literal, call.arguments[1]).value)
        return cast(Sql, node(this=grouped(arguments[0]), expression=by))

    return FunctionRule(
        write,
        refuse,
        "two's complement in both",
        takes="integer, integer constant",
        when="fewer bits than the type has",
        written=f"x {symbol} y",
    )


def _whole(name: str, shown: str) -> FunctionRule:
    def refuse(call: Call) -> str | None:
        same = all(a.type == pa.int64() for a in call.arguments) and call.type == pa.int64()
        return None if same else f"{call.function} of {call.type}"

    arguments = "x" if name == "factorial" else "x, y"
    return FunctionRule(
        lambda _, a: cast_to(function_call(name, *a), BIGINT),
        refuse,
        shown,
        takes="bigint" if name == "factorial" else "bigint, twice",
        written=f"CAST({name}({arguments}) AS bigint)",
    )


def _rounded(written: str, shown: str, when: str = "") -> FunctionRule:
    return FunctionRule(
        _write_rounding,
        _rounding,
        shown,
        takes="number; of decimals and integers: with a constant number of digits",
        when=when,
        written=written,
    )


def _rule(
    write: Callable[[Call, list[Sql]], Sql],
    refuse: Callable[[Call], str | None],
    shown: str,
    takes: str,
    written: str,
) -> FunctionRule:
    return FunctionRule(write, refuse, shown, takes=takes, written=written)


NUMBER_FUNCTIONS: dict[str, FunctionRule] = {
    "add": _operate(exp.Add, "+"),
    "subtract": _operate(exp.Sub, "-"),
    "multiply": _operate(exp.Mul, "*"),
    "divide": FunctionRule(
        _write_divide,
        _division,
        "div() cuts as the engine does; " + _SAME_FAILURES,
        takes="decimal, decimal; or integer, integer; or float, float constant",
        when="of floats: by a constant, no overflow, by the expression alone",
        written="div(x * 10^s, y) * 10^-s; of others: x / y",
    ),
    "modulus": _rule(
        lambda _, a: exp.Mod(this=grouped(a[0]), expression=grouped(a[1])),
        _remainder,
        "the sign of the dividend in both; both fail for zero",
        "integer or decimal, twice",
        "x % y",
    ),
    "negate": FunctionRule(
        _write_negation,
        _negation,
        "exact",
        takes="number",
        written="-x; of an integer: x where it is the lowest",
    ),
    "abs": _rule(
        lambda _, a: function_call("abs", *a), _signed_number, _SAME_FAILURES, "number", "abs(x)"
    ),
    "sqrt": _rule(
        lambda c, a: _as_type(function_call("sqrt", *a), c),
        _float,
        "the nearest float; both fail below zero",
        "float",
        "sqrt(x)",
    ),
    "signum": _rule(_write_sign, _float, "0.0 of -0.0 in both", "float", "sign(x), NaN of NaN"),
    "floor": _rounded("floor(x)", "exact"),
    "ceil": _rounded("ceil(x)", "exact"),
    "round": _rounded(
        "round(x, y)",
        "half away from zero of numeric in both",
        "of floats: a converted integer",
    ),
    "trunc": _rounded("trunc(x, y), 0 of a float -0.0", "exact"),
    "gcd": _whole("gcd", _SAME_FAILURES),
    "lcm": _whole("lcm", _SAME_FAILURES),
    "factorial": _whole("factorial", _SAME_FAILURES),
    "is_nan": _rule(
        lambda _, a: is_nan(a[0]), _float, "NaN equals NaN there", "float", "x = 'NaN'"
    ),
    "iszero": _rule(
        lambda _, a: exp.EQ(this=grouped(a[0]), expression=number(0)),
        lambda call: _signed_number(Call("iszero", (), call.arguments[0].type)),
        "-0.0 equals 0.0 in both",
        "number",
        "x = 0",
    ),
    "nanvl": _rule(
        lambda _, a: cases((is_nan(a[0].copy()), a[1]), default=a[0]),
        _float,
        "NaN equals NaN there",
        "float, float",
        "CASE WHEN x = 'NaN' THEN y ELSE x END",
    ),
    "bitwise_and": _bitwise(exp.BitwiseAnd, "&"),
    "bitwise_or": _bitwise(exp.BitwiseOr, "|"),
    "bitwise_xor": _bitwise(exp.BitwiseXor, "#"),
    "bitwise_shift_left": _shift(exp.BitwiseLeftShift, "<<"),
    "bitwise_shift_right": _shift(exp.BitwiseRightShift, ">>"),
}
