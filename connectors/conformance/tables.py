"""The tables that the kit asks of every source: each type with its worst values, and a large one.

Owns the values. Must not know how a source stores them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

LARGE = "kit_large"
LARGE_ROWS = 400_000
_LARGE_TEXT_BYTES = 750

PAIRS = "kit_pairs"
OTHERS = "kit_others"
CHANGING = "kit_changing"
EMPTY = "kit_empty"

VALUES: Mapping[pa.DataType, tuple[object, ...]] = {
    pa.bool_(): (True, False),
    pa.int8(): (0, 1, -1, 127, -128),
    pa.int16(): (0, 1, -1, 2**15 - 1, -(2**15)),
    pa.int32(): (0, 1, -1, 2**31 - 1, -(2**31)),
    pa.int64(): (0, 1, -1, 2**63 - 1, -(2**63), 2**53, 2**53 + 1),
    pa.uint8(): (0, 1, 255),
    pa.uint16(): (0, 1, 2**16 - 1),
    pa.uint32(): (0, 1, 2**32 - 1),
    pa.uint64(): (0, 1, 2**64 - 2, 2**64 - 1),
    pa.float32(): (0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 2.0**-149, 2.0**127),
    pa.float64(): (0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308),
    pa.decimal128(9, 2): (Decimal("0.00"), Decimal("-0.01"), Decimal("9999999.99")),
    pa.decimal128(38, 10): (
        Decimal("0.0000000001"),
        Decimal("9999999999999999999999999999.9999999998"),
        Decimal("9999999999999999999999999999.9999999999"),
        Decimal("-9999999999999999999999999999.9999999999"),
    ),
    pa.string(): (
        "",
        " ",
        " padded ",
        "it's",
        'a "quoted" one',
        "back\\slash",
        "line\nbreak",
        "NULL",
        "Ärger, naïve, ß, İ",
        "\U0001f600 \U0001f468\u200d\U0001f469",
        "x" * 100_000,
    ),
    pa.binary(): (b"", b"\0", b"\0\xff\\x00'", bytes(range(256))),
    pa.date32(): (date(1, 1, 1), date(1970, 1, 1), date(2024, 2, 29), date(9999, 12, 31)),
    pa.time64("us"): (time(0), time(12, 30), time(23, 59, 59, 999_999)),
    pa.timestamp("us"): (
        datetime(1, 1, 1),
        datetime(1970, 1, 1),
        datetime(2024, 3, 31, 2, 30),
        datetime(2024, 3, 31, 2, 30, 0, 1),
        datetime(9999, 12, 31, 23, 59, 59, 999_999),
    ),
    pa.timestamp("us", tz="UTC"): (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2024, 3, 31, 1, 0, tzinfo=UTC),
        datetime(2024, 3, 31, 1, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ),
    pa.list_(pa.int32()): ([], [1], [1, None, 3], list(range(1000))),
}
"""Beside NULL, which every column holds too. A column of a type holds these and nothing else. Some
stand next to each other: a comparison of less precision takes them for one.
"""


def typed_name(type_: pa.DataType) -> str:
    """The table of one type's values: columns `id` (int32) and `v`.

    >>> typed_name(pa.decimal128(9, 2)), typed_name(pa.timestamp("us", tz="UTC"))
    ('kit_decimal128_9_2', 'kit_timestamp_us_tz_utc')
    """
    words = "".join(c if c.isalnum() else " " for c in str(type_).lower()).split()
    return "_".join(["kit", *words])


def typed(type_: pa.DataType, lacks: tuple[object, ...]) -> pa.Table:
    """The values of one type, those left out that a source lacks, between NULLs."""
    missing = {repr(value) for value in lacks}
    values = [None, *(v for v in VALUES[type_] if repr(v) not in missing), None]
    ids = pa.array(range(len(values)), pa.int32())
    return pa.table({"id": ids, "v": pa.array(values, type_)})


def shared() -> dict[str, pa.Table]:
    """The tables that every source holds: of `int64` and `string` only."""
    a = pa.array([1, 2, 3, 3, None, 5, -6], pa.int64())
    b = pa.array(["one", "two", "three", "three", "none", None, ""], pa.string())
    pairs = pa.table({"a": a, "b": b})
    others = pa.table(
        {
            "a": pa.array([3, 3, 5, None, 7], pa.int64()),
            "b": pa.array(["drei", None, "fünf", "nichts", "sieben"], pa.string()),
        }
    )
    numbers = pa.array(range(LARGE_ROWS), pa.int64())
    ends = pc.cast(pc.bit_wise_and(numbers, pa.scalar(1023, pa.int64())), pa.string())
    text = pc.binary_join_element_wise("text " * (_LARGE_TEXT_BYTES // 5), ends, "")
    return {
        PAIRS: pairs,
        OTHERS: others,
        CHANGING: pairs,
        EMPTY: pairs.slice(0, 0),
        LARGE: pa.table({"a": numbers, "b": text}),
    }
