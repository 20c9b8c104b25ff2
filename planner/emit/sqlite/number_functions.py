"""Functions of numbers: when SQLite's result is the engine's, and how each is written there.

SQLite computes with integers of 64 bits, and makes a float of what is larger: an integer of fewer
bits is computed exactly, and its excess taken off.
"""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.sqlite.columns import call as sqlite_call
from planner.emit.sqlite.columns import is_exact, number, text, unless_null, width
from planner.emit.sqlite.conditions import exact_bits, magnitude_bits
from planner.emit.sqlite.time_functions import is_day_count, write_day_count
from planner.relations import Call, Literal

_OVERFLOW = "an overflow is a float there and wraps here"


def closed(sql: Sql) -> Sql:
    """In parentheses where precedence could bite."""
    return exp.paren(sql, copy=False) if isinstance(sql, exp.Binary | exp.Unary | exp.In) else sql


def _whole(call: Call) -> str | None:
    same = all(a.type == call.type for a in call.arguments)
    if width(call.type) is None or not same:
        return f"{call.function} of {call.type} is not exact there"
    return None


def _arithmetic(call: Call) -> str | None:
    if is_day_count(call):
        return None
    reason = _whole(call)
    if reason:
        return reason
    # Less, because of two negative bounds the product is one more than fits.
    return None if call.type != pa.int64() or exact_bits(call) < 63 else _OVERFLOW


def wrapped(exact: Sql, bits: int) -> Sql:
    """An integer of 64 bits without what exceeds `bits` bits of magnitude, as it wraps."""
    half, whole = number(2**bits), number(2 ** (bits + 1))
    shifted = exp.Paren(this=exp.Add(this=closed(exact), expression=half))
    low = exp.Paren(this=exp.Mod(this=shifted, expression=whole))
    positive = exp.Paren(this=exp.Add(this=low, expression=whole.copy()))
    rest = exp.Paren(this=exp.Mod(this=positive, expression=whole.copy()))
    return exp.Sub(this=rest, expression=half.copy())


def _operate(node: type[exp.Binary], symbol: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        if is_day_count(call):
            return write_day_count(arguments)
        result = cast(Sql, node(this=closed(arguments[0]), expression=closed(arguments[1])))
        bits = cast(int, width(call.type))
        return result if exact_bits(call) < bits else wrapped(result, bits)

    dates = "; date, date" if symbol == "-" else ""
    return FunctionRule(
        write,
        _arithmetic,
        "integers of 64 bits; what has fewer is wrapped as in the engine",
        takes=f"integer, twice{dates}",
        when="of bigint: no overflow, by the types and constants",
        written=f"x {symbol} y; of integers that may overflow: its excess taken off",
    )


def _division(call: Call) -> str | None:
    divisor = call.arguments[1]
    # A constant other than these two neither divides by zero nor overflows.
    if not isinstance(divisor, Literal) or divisor.value in (None, 0, -1):
        return "only a division by a constant integer is pushed"
    return _whole(call)


def _divide(node: type[exp.Div | exp.Mod], symbol: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        left, right = map(closed, arguments)
        if node is exp.Div:
            return exp.Div(this=left, expression=right, typed=True, safe=True)
        return exp.Mod(this=left, expression=right)

    return FunctionRule(
        write,
        _division,
        "cut towards zero in both; the sign of the dividend",
        takes="integer, integer constant",
        when="by other than 0 and -1",
        written=f"x {symbol} y",
    )


def _negation(call: Call) -> str | None:
    small = magnitude_bits(call.arguments[0]) < 63
    return _whole(call) or (None if small or call.type != pa.int64() else _OVERFLOW)


def _write_negation(call: Call, arguments: list[Sql]) -> Sql:
    bits = cast(int, width(call.type))
    negated = exp.Neg(this=closed(arguments[0]))
    return negated if magnitude_bits(call.arguments[0]) < bits else wrapped(negated, bits)


def _absolute(call: Call) -> str | None:
    # SQLite fails for the lowest bigint, as the engine does for the lowest of each type.
    fails = call.type == pa.int64()
    small = magnitude_bits(call.arguments[0]) < (width(call.type) or 0)
    return _whole(call) or (None if fails or small else "the lowest integer fails here")


def _bitwise(name: str, written: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        left, right = map(closed, arguments)
        both = exp.BitwiseAnd(this=left, expression=right)
        if name == "and":
            return both
        either = exp.BitwiseOr(this=left.copy(), expression=right.copy())
        if name == "or":
            return either
        unlike = exp.BitwiseNot(this=exp.Paren(this=both))
        return exp.BitwiseAnd(this=unlike, expression=exp.Paren(this=either))

    return FunctionRule(
        write,
        _whole,
        "two's complement in both",
        takes="integer, twice, of one width",
        written=written,
    )


def _shifted(call: Call) -> str | None:
    by = call.arguments[1]
    if not isinstance(by, Literal) or not isinstance(by.value, int):
        return "only a shift by a constant is pushed"
    if call.type != pa.int64() or call.arguments[0].type != call.type:
        return f"{call.function} of {call.type}"
    return None if 0 <= by.value <= 63 else "a shift by more bits than there are"


def _shift(node: type[exp.Binary], symbol: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: cast(Sql, node(this=closed(a[0]), expression=closed(a[1]))),
        _shifted,
        "two's complement in both",
        takes="bigint, integer constant",
        when="fewer bits than the type has",
        written=f"x {symbol} y",
    )


def _hexadecimal(call: Call) -> str | None:
    type_ = call.arguments[0].type
    return None if width(type_) is not None else f"to_hex of {type_}"


def _zero(call: Call) -> str | None:
    type_ = call.arguments[0].type
    return None if width(type_) is not None or is_exact(type_) else f"iszero of {type_}"


NUMBER_FUNCTIONS: dict[str, FunctionRule] = {
    "add": _operate(exp.Add, "+"),
    "subtract": _operate(exp.Sub, "-"),
    "multiply": _operate(exp.Mul, "*"),
    "divide": _divide(exp.Div, "/"),
    "modulus": _divide(exp.Mod, "%"),
    "negate": FunctionRule(
        _write_negation,
        _negation,
        "the lowest integer is its own negative",
        takes="integer",
        when="of bigint: not the lowest, by the types and constants",
        written="-x; of an integer that may be the lowest: its excess taken off",
    ),
    "abs": FunctionRule(
        lambda _, a: sqlite_call("abs", *a),
        _absolute,
        "both fail for the lowest bigint",
        takes="integer",
        when="of smaller integers: not the lowest, by the types and constants",
        written="abs(x)",
    ),
    "iszero": FunctionRule(
        lambda _, a: exp.EQ(this=closed(a[0]), expression=number(0)),
        _zero,
        "exact",
        takes="integer or decimal of 15 digits",
        written="x = 0",
    ),
    "bitwise_and": _bitwise("and", "x & y"),
    "bitwise_or": _bitwise("or", "x | y"),
    "bitwise_xor": _bitwise("xor", "~(x & y) & (x | y)"),
    "bitwise_shift_left": _shift(exp.BitwiseLeftShift, "<<"),
    "bitwise_shift_right": _shift(exp.BitwiseRightShift, ">>"),
    "to_hex": FunctionRule(
        # Of NULL, printf makes a zero.
        lambda _, a: unless_null(a[0], sqlite_call("printf", text("%x"), a[0].copy())),
        _hexadecimal,
        "of 64 bits in both",
        takes="integer",
        written="CASE WHEN NOT x IS NULL THEN printf('%x', x) END",
    ),
}
