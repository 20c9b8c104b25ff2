"""How many different values a column of Parquet files has, from their footers alone. Pure.

A footer does not say it. But it says how large the dictionary of each column chunk is, compressed,
and with the numbers into it, which take log2 D bits each where D values are in it. The largest
chunk stands for the others. Where most of its values differ, its dictionary outgrew the page that
it may have, or the two sizes tell different things, nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HEADER_BYTES = 16
"""Of a dictionary's page, before its values."""

HEADERS_BYTES = 100
"""Of all pages of a chunk."""

OUTGROWN_BYTES = 900_000
"""At about 1 MB writers leave a dictionary off, and write the values themselves from there on."""

REPEATED = 2.0
"""So often a chunk has each value, on average, at least: else other chunks have others."""

UNIQUE = 0.9
"""Of a chunk's values so many may be different: none of them may repeat."""

ALIKE = 10.0
"""The two counts differ by this at most; where they do more, what is compressed is much alike, or
no dictionary."""


@dataclass(slots=True)
class Dictionaries:
    """Those of one column's chunks.

    Attributes:
        all_values: in all chunks, without NULLs.
        values: in the one that has most of them.
        chunk_bytes: of that one, its dictionary included, before it was compressed.
        stored_bytes: of its dictionary alone, compressed.
        missing: a chunk with values has none.
    """

    all_values: int = 0
    values: int = 0
    chunk_bytes: int = 0
    stored_bytes: int = 0
    missing: bool = False

    def add(self, values: int, chunk_bytes: int, stored_bytes: int | None) -> None:
        """Take a chunk.

        Args:
            stored_bytes: None where it has no dictionary.
        """
        if values <= 0:
            return
        self.all_values += values
        if stored_bytes is None or stored_bytes <= 0:
            self.missing = True
        elif values > self.values:
            self.values, self.chunk_bytes, self.stored_bytes = values, chunk_bytes, stored_bytes


def distinct_values(found: Dictionaries, width_bytes: float, spread: float | None) -> float | None:
    """How many different values there are, within a factor of two or so; None where not known.

    Args:
        width_bytes: of a value in a dictionary.
        spread: the part of the chunks that may have a value; see `connectors.spread`.
    """
    values = found.values
    if found.missing or not values or not width_bytes:
        return None
    # Too few, as these are compressed; and too many, as the bits of a number are whole ones. Where
    # numbers repeat, they take fewer bits, and the first may be more.
    least = max(1.0, (found.stored_bytes - HEADER_BYTES) / width_bytes)
    most = max(least, _packed(values, found.chunk_bytes - HEADERS_BYTES, width_bytes))
    of_a_chunk = math.sqrt(least * most)
    if max(of_a_chunk * REPEATED, most / UNIQUE) > values or most > ALIKE * least:
        return None
    if most * width_bytes > OUTGROWN_BYTES:
        return None
    return of_a_chunk / max(spread or 1.0, values / found.all_values)


def _packed(values: float, chunk_bytes: float, width_bytes: float) -> float:
    """How many values a dictionary has that takes so much with as many numbers into it."""
    low, high = 1.0, max(1.0, values)
    for _ in range(32):
        middle = (low + high) / 2
        if middle * width_bytes + values * math.log2(max(2.0, middle)) / 8 < chunk_bytes:
            low = middle
        else:
            high = middle
    return low


def apart(minima: Sequence[Any], maxima: Sequence[Any]) -> float:
    """The part of the chunks that may have a value, where values only have an order.

    >>> apart(["a", "d", "g"], ["c", "f", "i"]), apart(["a", "a"], ["y", "z"])
    (0.3333333333333333, 1.0)
    """
    ends = sorted(zip(minima, maxima, strict=True))
    groups, highest = 0, None
    for low, high in ends:
        if highest is None or low >= highest:
            groups += 1
        highest = high if highest is None else max(highest, high)
    return 1.0 / groups
