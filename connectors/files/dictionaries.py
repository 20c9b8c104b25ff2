"""How many different values a column of Parquet files has, from their footers alone. Pure.

A footer does not say it. But it says how large the dictionary of each column chunk is, compressed,
and with the numbers into it, which take log2 D bits each where D values are in it. Where most
values of a chunk differ, or its dictionary outgrew the page that it may have, nothing is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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


@dataclass(slots=True)
class Dictionaries:
    """Those of one column's chunks.

    Attributes:
        values: in all chunks, without NULLs.
        chunk_bytes: of all chunks with their dictionaries, before they were compressed.
        stored_bytes: of the dictionaries alone, compressed.
        missing: a chunk has none.
    """

    chunks: int = 0
    values: int = 0
    chunk_bytes: int = 0
    stored_bytes: int = 0
    missing: bool = False


def distinct_values(found: Dictionaries, width_bytes: float, spread: float | None) -> float | None:
    """How many different values there are, within a factor of two or so; None where not known.

    Args:
        width_bytes: of a value in a dictionary.
        spread: the part of the chunks that may have a value; see `connectors.spread`.
    """
    if found.missing or not found.values or not width_bytes:
        return None
    values = found.values / found.chunks
    chunk_bytes = found.chunk_bytes / found.chunks - HEADERS_BYTES
    # Too few, as these are compressed; and too many, as the bits of a number are whole ones. Where
    # numbers repeat, they take fewer bits, and the first may be more.
    least = max(1.0, (found.stored_bytes / found.chunks - HEADER_BYTES) / width_bytes)
    most = max(least, _packed(values, chunk_bytes, width_bytes))
    of_a_chunk = math.sqrt(least * most)
    if max(of_a_chunk * REPEATED, most / UNIQUE) > values or most * width_bytes > OUTGROWN_BYTES:
        return None
    return of_a_chunk / max(spread or 1.0, 1.0 / found.chunks)


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
