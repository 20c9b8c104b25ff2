"""Functions of numbers: when DuckDB's result is the engine's, and how each is written there.

DuckDB fails where integers overflow and the engine wraps: what may overflow is computed there in a
wider type, and its excess taken off.
"""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.duckdb.conditions import exact_bits, is_ordinary, magnitude_bits, signed_width
from planner.emit.duckdb.time_functions import is_day_count, is_shift, refuse_shift, write_shift
from planner.emit.duckdb.types import (
    BIGINT,
    HUGEINT,
    INTEGER,
    case,
    cast_to,
    checked,
    decimal,
    divided,
    function_call,
    grouped,
    number,
    scaled,
    signed,
    text,
    type_sql,
    unscaled,
    wrapped,
)
from planner.relations import Call, Expression, Literal

_SAME_FAILURES = "both fail where the result does not fit"


def _arithmetic(call: Call) -> str | None:
    if is_day_count(call):
        return None
    if is_shift(call):
        return refuse_shift(call)
    if pa.types.is_floating(call.type):
        return None if is_ordinary(call) else "which NaN a float computation gives is not proven"
    if not pa.types.is_decimal128(call.type):
        return _integers(call)
    if not _are_decimals(call):
        return "decimal arithmetic with another type"
    first, second = call.arguments
    scale = max(first.type.scale, second.type.scale)
    if call.function == "multiply":
        scale = first.type.scale + second.type.scale
    return None if call.type.scale == scale else "the engine rounds this product"


def _are_decimals(call: Call) -> bool:
    return all(pa.types.is_decimal128(a.type) for a in (call, *call.arguments))


def _integers(call: Call) -> str | None:
    same = all(a.type == call.type for a in call.arguments)
    known = signed_width(call.type) is not None and same
    return None if known else f"{call.function} of {call.type}"


def _division(call: Call) -> str | None:
    if _are_decimals(call):
        return None
    return _arithmetic(call) if pa.types.is_floating(call.type) else _integers(call)


def _remainder(call: Call) -> str | None:
    if not _are_decimals(call):
        return _integers(call)
    scale = max(a.type.scale for a in call.arguments)
    return None if call.type.scale == scale else "the engine rounds this remainder"


def _signed_number(call: Call) -> str | None:
    known = pa.types.is_decimal128(call.type) or signed_width(call.type) is not None
    return None if known else f"{call.function} of {call.type}"


def _operate(node: type[exp.Binary], symbol: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        if is_day_count(call):
            return exp.Sub(this=grouped(arguments[0]), expression=grouped(arguments[1]))
        if is_shift(call):
            return write_shift(call, arguments)
        left, right = arguments
        if signed_width(call.type) is not None:
            return _whole(node, call, left, right)
        if pa.types.is_decimal128(call.type):
            # Of operands up to 18 digits DuckDB makes results of 18, and fails beyond.
            first, second = (a.type for a in call.arguments)
            if call.type.precision > 18 and max(first.precision, second.precision) <= 18:
                left = cast_to(left, decimal(19, first.scale))
        result = cast(Sql, node(this=grouped(left), expression=grouped(right)))
        return _typed(result, call) if pa.types.is_decimal128(call.type) else result

    return FunctionRule(
        write,
        _arithmetic,
        "exact decimals; integers that may overflow are wrapped as in the engine",
        takes="number, twice; date or timestamp, interval constant; date, date",
        when="of decimals: none is rounded; of floats: a converted number and a constant",
        written=f"x {symbol} y; of integers that may overflow: its excess taken off",
    )


def _whole(node: type[exp.Binary], call: Call, left: Sql, right: Sql) -> Sql:
    """Of integers; the bound may be met: two lowest values multiply to 2⁶² of 32 bits exactly."""
    width = cast(int, signed_width(call.type))
    if exact_bits(call) < width:
        return cast(Sql, node(this=grouped(left), expression=grouped(right)))
    wide = HUGEINT if width > 31 else BIGINT
    exact = node(this=cast_to(left, wide), expression=cast_to(right, wide))
    return _typed(wrapped(cast(Sql, exact), width, wide), call)


def _typed(sql: Sql, call: Call) -> Sql:
    return cast_to(sql, cast(exp.DataType, type_sql(call.type)))


def _is_safe_divisor(divisor: Expression) -> bool:
    """A constant that neither divides by zero nor overflows."""
    return isinstance(divisor, Literal) and divisor.value not in (None, 0, -1)


def _divide(call: Call, arguments: list[Sql]) -> Sql:
    left, right = arguments
    if pa.types.is_floating(call.type):
        return exp.Div(this=grouped(left), expression=grouped(right))
    if not pa.types.is_decimal128(call.type):
        return divided(left, right, never_zero=_is_safe_divisor(call.arguments[1]))
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


def _write_remainder(call: Call, arguments: list[Sql]) -> Sql:
    dividend, divisor = arguments
    remainder: Sql = exp.Mod(this=grouped(dividend), expression=grouped(divisor))
    if pa.types.is_decimal128(call.type):
        remainder = _typed(remainder, call)
    if _is_safe_divisor(call.arguments[1]):
        return remainder
    return checked(divisor, remainder)


def _write_negation(call: Call, arguments: list[Sql]) -> Sql:
    width = signed_width(call.type)
    if width is None or magnitude_bits(call.arguments[0]) < width:
        return exp.Neg(this=grouped(arguments[0]))
    # The lowest integer has no negative, and is its own in the engine.
    wide = HUGEINT if width > 31 else BIGINT
    negated = exp.Neg(this=cast_to(arguments[0], wide))
    return _typed(wrapped(negated, width, wide), call)


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
    if pa.types.is_decimal128(type_) and pa.types.is_decimal128(call.type):
        return None
    if pa.types.is_floating(type_) and type_ == call.type:
        return "a float is rounded at another digit there" if len(call.arguments) > 1 else None
    whole = signed_width(type_) is not None and type_ == call.type and call.function == "round"
    return None if whole and cast(int, _places(call)) >= 0 else f"{call.function} of {type_}"


def _write_rounding(call: Call, arguments: list[Sql]) -> Sql:
    value, type_, places = arguments[0], call.arguments[0].type, cast(int, _places(call))
    if signed_width(type_) is not None:
        return value
    if pa.types.is_decimal128(type_):
        kept = min(places, type_.scale)
        digits = [signed(str(kept))] if len(call.arguments) > 1 else []
        return _typed(function_call(call.function, value, *digits), call)
    result = function_call(call.function, value)
    if call.function != "trunc":
        return result
    # The engine's has no -0.0 of -0.0.
    is_zero = exp.EQ(this=grouped(value.copy()), expression=number(0))
    return case((is_zero, _typed(number(0), call)), default=result)


def _float(call: Call) -> str | None:
    type_ = call.arguments[0].type
    return None if pa.types.is_floating(type_) else f"{call.function} of {type_}"


def _is_nan(sql: Sql) -> Sql:
    return function_call("isnan", sql.copy())


def _write_sign(call: Call, arguments: list[Sql]) -> Sql:
    sign = _typed(function_call("sign", arguments[0]), call)
    return case((_is_nan(arguments[0]), _typed(text("nan"), call)), default=sign)


def _bitwise(name: str, written: str) -> FunctionRule:
    nodes = {"&": exp.BitwiseAnd, "|": exp.BitwiseOr}

    def write(_: Call, arguments: list[Sql]) -> Sql:
        if name not in nodes:
            return function_call(name, *arguments)
        return cast(Sql, nodes[name](this=grouped(arguments[0]), expression=grouped(arguments[1])))

    return FunctionRule(
        write,
        _integers,
        "two's complement in both",
        takes="integer, twice, of one width",
        written=written,
    )


def _shift(call: Call) -> str | None:
    by = call.arguments[1]
    if not isinstance(by, Literal) or not isinstance(by.value, int):
        return "only a shift by a constant is pushed"
    width = signed_width(call.type)
    if width is None or call.arguments[0].type != call.type:
        return f"{call.function} of {call.type}"
    return None if 0 <= by.value <= width else "a shift by more bits than there are"


def _write_shift(call: Call, arguments: list[Sql]) -> Sql:
    by = cast(int, cast(Literal, call.arguments[1]).value)
    if call.function == "bitwise_shift_right":
        return exp.BitwiseRightShift(this=grouped(arguments[0]), expression=number(by))
    # DuckDB's own fails for negative numbers and where bits go missing.
    product = exp.Mul(
        this=cast_to(arguments[0], HUGEINT), expression=cast_to(number(2**by), HUGEINT)
    )
    return _typed(wrapped(product, cast(int, signed_width(call.type)), HUGEINT), call)


def _common(name: str) -> FunctionRule:
    def refuse(call: Call) -> str | None:
        bits = max(map(magnitude_bits, call.arguments))
        if call.type != pa.int64() or any(a.type != pa.int64() for a in call.arguments):
            return f"{name} of {call.type}"
        return None if bits < 63 else "of the lowest integer it fails there"

    return FunctionRule(
        lambda _, a: cast_to(function_call(name, *(cast_to(v, BIGINT) for v in a)), BIGINT),
        refuse,
        _SAME_FAILURES,
        takes="integer, twice",
        when="of at most 32 bits, by their types and constants",
        written=f"{name}(x, y)",
    )


def _factorial(call: Call) -> str | None:
    return None if call.type == pa.int64() else f"factorial of {call.type}"


def _rounded(name: str, shown: str, written: str = "") -> FunctionRule:
    return FunctionRule(
        _write_rounding,
        _rounding,
        shown,
        takes="decimal or float; of decimals: with a constant number of digits",
        written=written or f"{name}(x)",
    )


NUMBER_FUNCTIONS: dict[str, FunctionRule] = {
    "add": _operate(exp.Add, "+"),
    "subtract": _operate(exp.Sub, "-"),
    "multiply": _operate(exp.Mul, "*"),
    "divide": FunctionRule(
        _divide,
        _division,
        "// cuts as the engine does; its NULL for a divisor of zero is a failure here",
        takes="decimal, decimal; or integer, integer; or float, float constant",
        when="of floats: a converted number",
        written="x * 10^s // y * 10^-s; of integers: x // y; of floats: x / y",
    ),
    "modulus": FunctionRule(
        _write_remainder,
        _remainder,
        "the sign of the dividend in both; its NULL for a divisor of zero is a failure here",
        takes="integer or decimal, twice",
        written="x % y",
    ),
    "negate": FunctionRule(
        _write_negation,
        _signed_number,
        "exact; the lowest integer is its own negative",
        takes="integer or decimal",
        written="-x; of an integer that may be the lowest: its excess taken off",
    ),
    "abs": FunctionRule(
        lambda _, a: function_call("abs", *a),
        _signed_number,
        _SAME_FAILURES,
        takes="integer or decimal",
        written="abs(x)",
    ),
    "signum": FunctionRule(
        _write_sign, _float, "0.0 of -0.0 in both", takes="float", written="sign(x), NaN of NaN"
    ),
    "floor": _rounded("floor", "exact"),
    "ceil": _rounded("ceil", "exact"),
    "round": _rounded("round", "half away from zero in both", "round(x, y)"),
    "trunc": _rounded("trunc", "exact", "trunc(x, y), 0 of a float -0.0"),
    "gcd": _common("gcd"),
    "lcm": _common("lcm"),
    "factorial": FunctionRule(
        lambda _, a: cast_to(function_call("factorial", cast_to(a[0], INTEGER)), BIGINT),
        _factorial,
        _SAME_FAILURES,
        takes="integer",
        written="CAST(factorial(x) AS BIGINT)",
    ),
    "is_nan": FunctionRule(
        lambda _, a: _is_nan(a[0]), _float, "one test in both", takes="float", written="isnan(x)"
    ),
    "iszero": FunctionRule(
        lambda _, a: exp.EQ(this=grouped(a[0]), expression=number(0)),
        shown="-0.0 equals 0.0 in both",
        takes="number",
        written="x = 0",
    ),
    "nanvl": FunctionRule(
        lambda _, a: case((_is_nan(a[0]), a[1]), default=a[0]),
        _float,
        "one test in both",
        takes="float, twice",
        written="CASE WHEN isnan(x) THEN y ELSE x END",
    ),
    "bitwise_and": _bitwise("&", "x & y"),
    "bitwise_or": _bitwise("|", "x | y"),
    "bitwise_xor": _bitwise("xor", "xor(x, y)"),
    "bitwise_shift_left": FunctionRule(
        _write_shift,
        _shift,
        "two's complement in both",
        takes="integer, integer constant",
        when="fewer bits than the type has",
        written="x * 2^y, its excess taken off",
    ),
    "bitwise_shift_right": FunctionRule(
        _write_shift,
        _shift,
        "two's complement in both",
        takes="integer, integer constant",
        when="fewer bits than the type has",
        written="x >> y",
    ),
}
