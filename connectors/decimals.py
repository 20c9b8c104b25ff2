"""Decimals that travel as texts: read, or refused; never as another number.

Arrow takes the digits of a text modulo 2 to the power of 128, and looks at how many there are only
after that. So what has more before its point than the type is counted first.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_MOST_DIGITS = 38


def cast_exactly(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """A cast that keeps every value or fails; texts are numbers without an exponent.

    Raises:
        pa.ArrowInvalid: for a value that the type does not hold.

    >>> cast_exactly(pa.array(["1.5"]), pa.decimal128(38, 18))[0].as_py()
    Decimal('1.500000000000000000')
    """
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if is_text and pa.types.is_decimal128(wanted):
        room = _MOST_DIGITS - wanted.scale
        longest = pc.max(pc.binary_length(values)).as_py()
        if longest is not None and longest > room and _has_more_digits(values, room):
            raise pa.ArrowInvalid(f"more than {room} digits before the point")
    return pc.cast(values, wanted, safe=True)


def _has_more_digits(values: pa.Array, digits: int) -> bool:
    pattern = rf"^\s*[+-]?0*[1-9]\d{{{digits}}}"
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())
