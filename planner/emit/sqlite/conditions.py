"""What is known of an expression: how large it is, and which letters it has.

Bounds are proven from the expression alone, never from statistics.
"""

from __future__ import annotations

import pyarrow as pa

from planner.emit.sqlite.columns import is_exact, is_text, width
from planner.relations import Call, Cast, Expression, IfThen, Literal


def magnitude_bits(expression: Expression) -> int:
    """An upper bound of an integer expression's magnitude, in bits."""
    widest = width(expression.type) or 64
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
            return 14
        case Call(function="character_length" | "octet_length" | "strpos"):
            # SQLite's texts have at most 2^31 - 1 bytes.
            return 31
    return widest


def exact_bits(call: Call) -> int:
    """An upper bound of what a sum, difference or product of integers would be, did it not wrap."""
    if not all(pa.types.is_integer(a.type) for a in call.arguments):
        return 64
    bits = [magnitude_bits(a) for a in call.arguments]
    return sum(bits) if call.function == "multiply" else max(bits) + 1


_KEEP_CHARACTERS = frozenset(
    {"str_concat", "concat", "concat_ws", "btrim", "ltrim", "rtrim", "replace", "repeat"}
    | {"upper", "lower", "nullif", "greatest", "least"}
)
_OF_DIGITS = frozenset({"to_hex", "encode"})


def is_ascii(expression: Expression) -> bool:
    """A text expression of ASCII characters."""
    match expression:
        case Literal():
            value = expression.value
            return value is None or (isinstance(value, str) and value.isascii())
        case Cast():
            source = expression.input.type
            plain = pa.types.is_integer(source) or pa.types.is_boolean(source)
            return plain or source == pa.date32() or is_exact(source) or is_ascii(expression.input)
        case IfThen():
            values = [value for _, value in expression.clauses]
            return all(map(is_ascii, (*values, expression.otherwise or values[0])))
        case Call() if expression.function in _OF_DIGITS:
            return True
        case Call() if expression.function in _KEEP_CHARACTERS:
            return all(is_ascii(a) for a in expression.arguments if is_text(a.type))
    return False
