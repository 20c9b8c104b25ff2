"""What is known of an expression: how large it is, and whether it compares there as in the engine.

Bounds are proven from the expression alone, never from statistics.
"""

from __future__ import annotations

import math

import pyarrow as pa

from planner.emit.postgres.float_bounds import bounds
from planner.emit.postgres.types import is_decimal, type_sql
from planner.relations import Call, Cast, Expression, IfThen, Literal

_WIDTHS = {pa.int16(): 15, pa.int32(): 31}
_OF_32_BITS = frozenset(
    {"character_length", "octet_length", "bit_length", "strpos", "ascii", "signum"}
)


def magnitude_bits(expression: Expression) -> int:
    """An upper bound of an integer expression's magnitude, in bits (63: any bigint)."""
    match expression:
        case Literal(value=int() as value):
            return value.bit_length()
        case Cast() if pa.types.is_integer(expression.input.type):
            return min(_bits(expression.type), magnitude_bits(expression.input))
        case Cast() if pa.types.is_boolean(expression.input.type):
            return 1
        case IfThen():
            values = [value for _, value in expression.clauses]
            return max(magnitude_bits(v) for v in (*values, expression.otherwise or values[0]))
        case Call(function="add" | "subtract" | "multiply"):
            return min(_bits(expression.type), exact_bits(expression))
        case Call(function="divide" | "modulus" | "negate" | "abs" | "nullif"):
            return magnitude_bits(expression.arguments[0])
        case Call(function="greatest" | "least"):
            return max(magnitude_bits(a) for a in expression.arguments)
        case Call(function="date_part"):
            return 26
        case Call() if expression.function in _OF_32_BITS:
            return 31
    return _bits(expression.type)


def exact_bits(call: Call) -> int:
    """An upper bound of what a sum, difference or product of integers would be, did it not wrap."""
    if not all(pa.types.is_integer(a.type) for a in call.arguments):
        return 63
    bits = [magnitude_bits(a) for a in call.arguments]
    return sum(bits) if call.function == "multiply" else max(bits) + 1


def _bits(type_: pa.DataType) -> int:
    return _WIDTHS.get(type_, 63)


def is_integer_there(expression: Expression) -> bool:
    """An expression of any width whose values PostgreSQL's integer holds."""
    if isinstance(expression, Literal):
        return isinstance(expression.value, int) and -(2**31) < expression.value < 2**31
    if isinstance(expression, Cast) and pa.types.is_signed_integer(expression.input.type):
        return expression.type in _WIDTHS or is_integer_there(expression.input)
    return expression.type in _WIDTHS or magnitude_bits(expression) < 31


def is_ordinary(expression: Expression) -> bool:
    """A float expression that can be neither NaN, infinite nor −0.0."""
    found = bounds(expression)
    return found is not None and not found.negative_zero


def is_whole(expression: Expression) -> bool:
    """A float expression that was an integer."""
    return isinstance(expression, Cast) and pa.types.is_integer(expression.input.type)


def with_a_number(call: Call) -> Expression | None:
    """The float that is compared with one that is no NaN."""
    for value, other in (call.arguments, call.arguments[::-1]):
        constant = other.value if isinstance(other, Literal) else None
        no_nan = isinstance(constant, float) and not math.isnan(constant)
        if no_nan or bounds(other) is not None:
            return value if pa.types.is_floating(value.type) else None
    return None


_KEEP_CHARACTERS = frozenset(
    {"str_concat", "concat", "btrim", "ltrim", "rtrim", "replace", "left", "right", "substring"}
    | {"reverse", "repeat", "split_part", "lpad", "rpad", "upper", "lower", "nullif"}
)
_OF_DIGITS = frozenset({"md5", "to_hex", "encode"})


def is_ascii(expression: Expression) -> bool:
    """A text expression of ASCII characters, each of them a whole one for people."""
    match expression:
        case Literal():
            value = expression.value
            # For the engine, which pads by what people see as one, \r\n is one character.
            plain = isinstance(value, str) and value.isascii() and "\r" not in value
            return value is None or plain
        case Cast():
            source = expression.input.type
            exact = pa.types.is_integer(source) or pa.types.is_boolean(source)
            return exact or is_decimal(source) or is_ascii(expression.input)
        case IfThen():
            values = [value for _, value in expression.clauses]
            return all(map(is_ascii, (*values, expression.otherwise or values[0])))
        case Call() if expression.function in _OF_DIGITS:
            return True
        case Call() if expression.function in _KEEP_CHARACTERS:
            texts = (a for a in expression.arguments if not pa.types.is_integer(a.type))
            return all(map(is_ascii, texts))
    return False


def refuse_order(expression: Expression) -> str | None:
    """Why values of an expression may not be compared, grouped or sorted there."""
    if pa.types.is_floating(expression.type) and not is_ordinary(expression):
        return "NaN and -0.0 compare differently there"
    if type_sql(expression.type) is None:
        return f"type {expression.type} has no form there"
    return None
