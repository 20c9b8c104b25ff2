"""What may be said of an expression wherever it is evaluated: that it repeats, that it cannot fail.

Allow-lists for what cannot fail; a short list of what does not repeat. Knows no relation.
"""

from __future__ import annotations

import pyarrow as pa

from planner.relations import (
    Call,
    Cast,
    Expression,
    FieldRef,
    InList,
    Literal,
    Opaque,
    walk_expression,
)

_UNREPEATABLE = frozenset(("random", "rand", "uuid"))
"""The engine's functions that give another value each time and are not constants by now."""

_CANNOT_FAIL = frozenset(
    ("and", "or", "not", "equal", "not_equal", "lt", "lte", "gt", "gte", "like", "ilike")
) | frozenset(("is_null", "is_not_null", "is_true", "is_not_true", "is_false", "is_not_false"))


def repeats(expression: Expression) -> bool:
    """Whether the same input always gives the same value.

    >>> repeats(Call("random", (), pa.float64()))
    False
    """
    return not any(
        isinstance(part, Opaque) or (isinstance(part, Call) and part.function in _UNREPEATABLE)
        for part in walk_expression(expression)
    )


def is_pure(expression: Expression) -> bool:
    """Whether it repeats, cannot fail, and asks no subquery: it may be evaluated anywhere.

    >>> is_pure(Call("divide", (FieldRef(0, pa.int64()), FieldRef(1, pa.int64())), pa.int64()))
    False
    """
    for part in walk_expression(expression):
        match part:
            case FieldRef() | Literal() | InList():
                continue
            case Call() if part.function in _CANNOT_FAIL:
                continue
            case Cast() if _always_fits(part):
                continue
        return False
    return True


def _always_fits(conversion: Cast) -> bool:
    source, target = conversion.input.type, conversion.type
    integers = pa.types.is_signed_integer(source) and pa.types.is_signed_integer(target)
    return bool(integers and target.bit_width >= source.bit_width)
