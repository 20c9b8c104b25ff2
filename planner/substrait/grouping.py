"""GROUPING(), which the engine writes as arithmetic on the bits of a grouping set's number.

In the tree it is one call, `grouping(number, bit, …)`: the bits of the number at these positions,
the first the most significant. Owns both directions; knows neither messages nor SQL.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from planner.relations import Call, Cast, Expression, FieldRef, Literal

FUNCTION = "grouping"
_COMPARISONS = frozenset(("equal", "not_equal", "lt", "lte", "gt", "gte"))


def folded(expression: Expression, number: int | None) -> Expression:
    """The call for a conversion that is GROUPING(), or for its comparison; else the expression.

    The engine takes the conversion out of a comparison with a constant, and so it is put back.

    Args:
        number: the position of the field that numbers the grouping sets.
    """
    if number is None:
        return expression
    match expression:
        case Cast(input=bits, type=type_) if type_ == pa.int32():
            return _call(bits, number) or expression
        case Call(function, (bits, Literal(int() as value))) if function in _COMPARISONS:
            call = _call(bits, number)
            if call is not None:
                return replace(expression, arguments=(call, Literal(value, pa.int32())))
    return expression


def _call(bits: Expression, number: int) -> Call | None:
    moved = _moved_bits(bits, number)
    if not moved or sorted(moved) != list(range(len(moved))):
        return None
    places = (Literal(moved[to], bits.type) for to in reversed(range(len(moved))))
    return Call(FUNCTION, (FieldRef(number, bits.type, False), *places), pa.int32(), False)


def _moved_bits(expression: Expression, number: int) -> dict[int, int] | None:
    """From each bit of the result to the bit of the number that it is."""
    match expression:
        case Call("bitwise_and", (FieldRef() as of, Literal(int() as mask))) if of.index == number:
            return {bit: bit for bit in range(mask.bit_length()) if mask >> bit & 1}
        case Call("bitwise_shift_right", (inner, Literal(int() as by))):
            moved = _moved_bits(inner, number)
            return None if moved is None else {to - by: of for to, of in moved.items()}
        case Call("bitwise_shift_left", (inner, Literal(int() as by))):
            moved = _moved_bits(inner, number)
            if moved is None or max(moved, default=0) + by >= expression.type.bit_width:
                return None
            return {to + by: of for to, of in moved.items()}
        case Call("bitwise_or", (first, second)):
            left, right = _moved_bits(first, number), _moved_bits(second, number)
            return None if left is None or right is None or left.keys() & right else left | right
    return None


def unfolded(call: Call) -> Cast:
    """What the engine computes for a call of `grouping`."""
    number, *bits = call.arguments
    parts = [_one_bit(number, bit, to) for to, bit in enumerate(reversed(bits))]
    all_bits = parts[0]
    for part in parts[1:]:
        all_bits = Call("bitwise_or", (part, all_bits), number.type, False)
    return Cast(all_bits, call.type, False)


def _one_bit(number: Expression, bit: Expression, to: int) -> Expression:
    assert isinstance(bit, Literal) and isinstance(bit.value, int)
    type_ = number.type
    masked = Call("bitwise_and", (number, Literal(1 << bit.value, type_)), type_, False)
    by = bit.value - to
    if by == 0:
        return masked
    name = "bitwise_shift_right" if by > 0 else "bitwise_shift_left"
    return Call(name, (masked, Literal(abs(by), type_)), type_, False)
