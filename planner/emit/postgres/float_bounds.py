"""Which values a float expression can have: proven from the expression alone.

PostgreSQL fails where a result is too large or too small for a float, and the engine goes on with
infinity or zero: float arithmetic goes there only where neither can happen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pyarrow as pa

from planner.emit.postgres.types import is_decimal
from planner.relations import Call, Cast, Expression, IfThen, Literal

_LIMITS = {pa.float32(): (1e37, 1e-36), pa.float64(): (1e300, 1e-290)}
"""Magnitudes that are safely inside of what a type holds without losing digits."""

_UNFELT = {pa.float32(): 1e29, pa.float64(): 1e290}
"""What cannot make the largest float of a type overflow: less than half of its last digit."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values of a float expression, all of them finite numbers.

    Attributes:
        largest: no magnitude is above.
        smallest: no magnitude but zero is below.
        negative_zero: −0.0 may be one of them.
    """

    largest: float
    smallest: float
    negative_zero: bool = False


def bounds(expression: Expression) -> Bounds | None:
    """The bounds of a float expression; None where it may be NaN or infinite, or lose digits."""
    if expression.type not in _LIMITS:
        return None
    found = _bounds(expression)
    most, least = _LIMITS[expression.type]
    return found if found and found.largest < most and found.smallest > least else None


def is_small_move(call: Call) -> bool:
    """The addition or subtraction of a number that no float is large enough to overflow by."""
    if call.function not in ("add", "subtract"):
        return False
    found = [bounds(a) for a in call.arguments]
    return any(b is not None and b.largest < _UNFELT[call.type] for b in found)


def _bounds(expression: Expression) -> Bounds | None:
    match expression:
        case Literal():
            return _of_constant(expression.value)
        case Cast():
            return _of_number(expression)
        case IfThen():
            values = [value for _, value in expression.clauses]
            ends = () if expression.otherwise is None else (expression.otherwise,)
            return _any_of([bounds(value) for value in (*values, *ends)])
        case Call(function="add" | "subtract" | "multiply" | "divide"):
            return _of_arithmetic(expression)
        case Call(function="negate"):
            found = bounds(expression.arguments[0])
            return found and Bounds(found.largest, found.smallest, True)
        case Call(function="abs"):
            found = bounds(expression.arguments[0])
            return found and Bounds(found.largest, found.smallest)
        case Call(function="signum"):
            return Bounds(1.0, 1.0) if bounds(expression.arguments[0]) else None
        case Call(function="floor" | "ceil" | "round" | "trunc"):
            whole = expression.arguments[0]
            if isinstance(whole, Cast) and pa.types.is_integer(whole.input.type):
                return bounds(whole)
        case Call(function="date_part"):
            return Bounds(1e15, 1e-6)
    return None


def _of_constant(value: object) -> Bounds | None:
    if value is None:
        return Bounds(0.0, 1.0)
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    return Bounds(abs(value), abs(value) or 1.0, math.copysign(1.0, value) < 0 and value == 0)


def _of_number(conversion: Cast) -> Bounds | None:
    source = conversion.input.type
    if pa.types.is_integer(source):
        return Bounds(2.0**64, 1.0)
    if is_decimal(source):
        return Bounds(10.0 ** (source.precision - source.scale), 10.0**-source.scale)
    return None


def _any_of(found: list[Bounds | None]) -> Bounds | None:
    known = [b for b in found if b is not None]
    if len(known) < len(found):
        return None
    return Bounds(
        max(b.largest for b in known),
        min(b.smallest for b in known),
        any(b.negative_zero for b in known),
    )


def _of_arithmetic(call: Call) -> Bounds | None:
    x, y = (bounds(a) for a in call.arguments)
    if x is None or y is None:
        return None
    if call.function == "multiply":
        # A zero, times what may be negative.
        of_zero = not any(_is_positive(a) for a in call.arguments)
        signed = x.negative_zero or y.negative_zero or of_zero
        return Bounds(x.largest * y.largest, x.smallest * y.smallest, signed)
    if call.function == "divide":
        by = call.arguments[1]
        if not isinstance(by, Literal) or not by.value:
            return None
        signed = x.negative_zero or not _is_positive(by)
        return Bounds(x.largest / y.smallest, x.smallest / y.largest, signed)
    # What is left of two numbers of which one takes the other off: digits of the smaller.
    smallest = min(x.smallest, y.smallest) * 2.0**-53
    signed = x.negative_zero and (call.function == "subtract" or y.negative_zero)
    return Bounds(x.largest + y.largest, smallest, signed)


def _is_positive(expression: Expression) -> bool:
    return isinstance(expression, Literal) and bool(expression.value) and expression.value > 0
