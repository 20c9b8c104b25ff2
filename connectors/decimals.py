"""Decimals that travel as texts: read, or refused; never as another number.

Arrow takes the digits of a text modulo 2 to the power of 128, and of 256 for the longer ones, and
looks at how many there are only after that. So what has more than the type is found first.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def cast_exactly(values: pa.Array, wanted: pa.DataType) -> pa.Array:
    """A cast that keeps every value or fails; texts are numbers without an exponent.

    Raises:
        pa.ArrowInvalid: for a value that the type does not hold.

    >>> cast_exactly(pa.array(["1.5"]), pa.decimal128(38, 18))[0].as_py()
    Decimal('1.500000000000000000')
    """
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    if is_text and (pa.types.is_decimal128(wanted) or pa.types.is_decimal256(wanted)):
        values = _checked(values, 38 if pa.types.is_decimal128(wanted) else 76, wanted.scale)
    return pc.cast(values, wanted, safe=True)


def _checked(texts: pa.Array, most: int, scale: int) -> pa.Array:
    """The texts, each of which has no more digits than Arrow can take; as they are, mostly."""
    if _may_have_exponents(texts) and _has(texts, "[eE]"):
        raise pa.ArrowInvalid("a number with an exponent")
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    room = min(most, most - scale)
    if longest > room and _has(texts, rf"^\s*[+-]?0*[1-9]\d{{{room}}}"):
        raise pa.ArrowInvalid(f"more than {room} digits before the point")
    if longest > most:
        # Zeros at either end say nothing, however many there are.
        texts = pc.replace_substring_regex(texts, r"^(\s*[+-]?)0*", r"\10")
        texts = pc.replace_substring_regex(texts, r"(\.\d*?)0+(\s*)$", r"\1\2")
        if _has(texts, rf"\.\d{{{max(scale, 0) + 1}}}"):
            raise pa.ArrowInvalid(f"more than {scale} digits behind the point")
    return texts


def _may_have_exponents(texts: pa.Array) -> bool:
    """Quickly: the bytes may also be of values that stand beside these."""
    data = texts.buffers()[2]
    written = b"" if data is None else data.to_pybytes()
    return b"e" in written or b"E" in written


def _has(texts: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(texts, pattern)).as_py())
