"""What is known of an expression: whether its values compare in DuckDB as in the engine.

Bounds are proven from the expression alone, never from statistics.
"""

from __future__ import annotations

import pyarrow as pa

from planner.emit.duckdb.types import is_text, type_sql
from planner.relations import Call, Cast, Expression, IfThen, Literal

_WIDTHS = {
    pa.int8(): 7,
    pa.int16(): 15,
    pa.int32(): 31,
    pa.int64(): 63,
    pa.uint8(): 8,
    pa.uint16(): 16,
    pa.uint32(): 32,
    pa.uint64(): 64,
}
_ARROW_SIGNED = frozenset({pa.int8(), pa.int16(), pa.int32(), pa.int64()})


def signed_width(type_: pa.DataType) -> int | None:
    """The bits of a signed integer's magnitude; None for another type."""
    return _WIDTHS[type_] if type_ in _ARROW_SIGNED else None


_OF_32_BITS = frozenset(
    {"character_length", "octet_length", "bit_length", "strpos", "ascii", "grouping"}
)


def magnitude_bits(expression: Expression) -> int:
    """An upper bound of an integer expression's magnitude, in bits."""
    widest = _WIDTHS.get(expression.type, 64)
    match expression:
        case Literal(value=int() as value):
            return value.bit_length()
        case Cast() if pa.types.is_integer(expression.input.type):
            return min(widest, magnitude_bits(expression.input))
        case Cast() if pa.types.is_boolean(expression.input.type):
            return 1
        case IfThen():
            values = [value for _, value in expression.clauses]
            return max(magnitude_bits(v) for v in (*values, expression.otherwise or values[0]))
        case Call(function="add" | "subtract" | "multiply"):
            return min(widest, exact_bits(expression))
        case Call(function="divide" | "modulus" | "negate" | "abs" | "nullif"):
            return magnitude_bits(expression.arguments[0])
        case Call(function="greatest" | "least"):
            return max(magnitude_bits(a) for a in expression.arguments)
        case Call(function="date_part"):
            return 26
        case Call() if expression.function in _OF_32_BITS:
            return 31
    return widest


def exact_bits(call: Call) -> int:
    """An upper bound of what a sum, difference or product of integers would be, did it not wrap."""
    if not all(pa.types.is_integer(a.type) for a in call.arguments):
        return 64
    bits = [magnitude_bits(a) for a in call.arguments]
    return sum(bits) if call.function == "multiply" else max(bits) + 1


def is_ordinary(expression: Expression) -> bool:
    """A float expression that can be neither NaN, infinite nor −0.0, the values that compare
    differently."""
    match expression:
        case Literal(value=float() as value):
            return _moderate(value)
        case Cast():
            source = expression.input.type
            return bool(pa.types.is_integer(source) or pa.types.is_decimal128(source))
        case Call(function="multiply" | "divide"):
            first, second = expression.arguments
            if expression.function == "multiply" and isinstance(first, Literal):
                first, second = second, first
            # One constant only: a chain of them could overflow after all.
            plain = isinstance(first, Cast | Literal) and isinstance(second, Literal)
            return plain and is_ordinary(first) and is_ordinary(second)
    return False


def _moderate(value: float) -> bool:
    return 1e-100 < abs(value) < 1e100


def refuse_order(expression: Expression) -> str | None:
    """Why values of an expression may not be compared, grouped or sorted there."""
    if pa.types.is_floating(expression.type) and not is_ordinary(expression):
        return "NaN and -0.0 compare differently there"
    if type_sql(expression.type) is None:
        return f"type {expression.type} has no form there"
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
            # For people \r\n is one character.
            plain = isinstance(value, str) and value.isascii() and "\r" not in value
            return value is None or plain
        case Cast():
            source = expression.input.type
            exact = pa.types.is_integer(source) or pa.types.is_boolean(source)
            return exact or pa.types.is_decimal128(source) or is_ascii(expression.input)
        case IfThen():
            values = [value for _, value in expression.clauses]
            return all(map(is_ascii, (*values, expression.otherwise or values[0])))
        case Call() if expression.function in _OF_DIGITS:
            return True
        case Call() if expression.function in _KEEP_CHARACTERS:
            texts = (a for a in expression.arguments if is_text(a.type))
            return all(map(is_ascii, texts))
    return False
