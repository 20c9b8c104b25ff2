"""Names of output columns that every database keeps as they are."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from planner.relations import MARK, Field

ONE = Field("one", pa.int32(), False)
"""The column of a fragment of which only the number of rows is wanted."""

LONGEST_BYTES = 48
"""Well below the 63 bytes that PostgreSQL keeps, to leave room for a number."""


def distinct_fields(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields, no two of one name; the engine refuses two columns of the name of its marks."""
    names = unique_names(tuple("marked" if f.name == MARK else f.name for f in fields))
    return tuple(replace(f, name=name) for f, name in zip(fields, names, strict=True))


def unique_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, numbered where they repeat, cut where they are long.

    Names that differ in case alone are one name to many databases.

    >>> unique_names(("sum", "Sum", ""))
    ('sum', 'Sum_2', 'column')
    """
    taken: set[str] = set()
    result = []
    for name in names:
        base = name.encode()[:LONGEST_BYTES].decode(errors="ignore") or "column"
        candidate, number = base, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{base}_{number}"
        taken.add(candidate.casefold())
        result.append(candidate)
    return tuple(result)
