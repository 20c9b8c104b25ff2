"""How large a relation is, and what is known of its columns: the values that estimates are made of.

Knows no relation and no condition. None is unknown and stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from connectors.contract import ColumnStatistics, Statistics


@dataclass(frozen=True, slots=True)
class SizedColumn:
    """A field of a relation.

    Attributes:
        width_bytes: of a value, as it travels.
        distinct: different values here, at most.
        keys: different values in the table that it was read from, whatever was filtered since.
        range_keys: the same where only the ends of its integers are known: at most so many.
        table_rows: of that table.
        bounds: that table's statistics of it.
        gathered: it is an aggregate's value.
    """

    width_bytes: float
    distinct: float | None = None
    keys: float | None = None
    range_keys: float | None = None
    table_rows: float | None = None
    bounds: ColumnStatistics | None = None
    gathered: bool = False


@dataclass(frozen=True, slots=True)
class Sized:
    """A relation's rows and columns."""

    rows: float | None
    columns: tuple[SizedColumn, ...]

    @property
    def size_bytes(self) -> float | None:
        if self.rows is None:
            return None
        return self.rows * (sum(column.width_bytes for column in self.columns) or 1.0)

    def with_rows(self, rows: float | None) -> Sized:
        """The same with other rows: no column has more values than there are rows."""
        if rows is None:
            return Sized(None, self.columns)
        most = max(1.0, rows)
        columns = tuple(
            replace(c, distinct=most) if c.distinct is not None and c.distinct > most else c
            for c in self.columns
        )
        return Sized(rows, columns)

    def scaled(self, selectivity: float) -> Sized:
        return self.with_rows(None if self.rows is None else self.rows * selectivity)

    def filtered(self, selectivity: float) -> Sized:
        """Some of the rows, whichever: a value is there if any of its rows is (Cardenas, 1975)."""
        if self.rows is None or not 0.0 < selectivity < 1.0:
            return self.scaled(selectivity)
        rows, none = self.rows, 1.0 - selectivity
        columns = tuple(
            replace(c, distinct=c.distinct * (1.0 - none ** max(1.0, rows / c.distinct)))
            if c.distinct
            else c
            for c in self.columns
        )
        return Sized(rows, columns).scaled(selectivity)

    def with_values_of(self, pairs: Sequence[tuple[int, int]], other: Sized) -> Sized:
        """The same where columns have no other values than those of another relation that they are
        to be equal to.

        Args:
            pairs: a column of this one, and of the other.
        """
        columns = list(self.columns)
        for own, its in pairs:
            most = other.columns[its].distinct
            has = columns[own].distinct
            if most is not None and (has is None or has > most):
                columns[own] = replace(columns[own], distinct=most)
        return Sized(self.rows, tuple(columns))

    def corrected(self, rows: float) -> Sized:
        """The same with the rows that were seen: more than were estimated have more values, too."""
        more = rows / self.rows if self.rows else 1.0
        if more <= 1.0:
            return self.with_rows(rows)
        columns = tuple(
            replace(c, distinct=min(c.keys or c.distinct, c.distinct * more)) if c.distinct else c
            for c in self.columns
        )
        return Sized(rows, columns)


def column_of(
    type_: pa.DataType, statistics: ColumnStatistics | None, rows: float | None
) -> SizedColumn:
    """A table's column, from what its source knows of it."""
    if statistics is None:
        return made_column(type_)
    width = statistics.width_bytes
    distinct, between = statistics.distinct, _range_keys(statistics, rows)
    if distinct is not None and between is not None:
        # Counts and bounds may be of different times.
        distinct = min(distinct, between)
    return SizedColumn(
        width_bytes(type_) if width is None else width,
        distinct,
        distinct,
        between,
        rows,
        statistics,
    )


LIKE_KEYS = 0.1
"""A column of which so many values are different, by rows, has more with more rows; as PostgreSQL
takes it."""


def grown(known: Statistics, rows: float) -> Statistics:
    """Of a table that has more rows than its source knows, and so more values that are keys."""
    if known.rows is None or rows <= known.rows:
        return known
    more, most = rows / known.rows, LIKE_KEYS * known.rows
    columns = {
        name: replace(column, distinct=column.distinct * more)
        if column.distinct is not None and column.distinct > most
        else column
        for name, column in known.columns.items()
    }
    size_bytes = None if known.size_bytes is None else known.size_bytes * more
    return Statistics(rows, size_bytes, columns)


def made_column(type_: pa.DataType) -> SizedColumn:
    """A column that is computed, of which nothing is known but its type."""
    return SizedColumn(width_bytes(type_))


def _range_keys(statistics: ColumnStatistics, rows: float | None) -> float | None:
    low, high = statistics.minimum, statistics.maximum
    if not isinstance(low, int) or not isinstance(high, int) or isinstance(low, bool):
        return None
    keys = float(high - low + 1)
    return keys if rows is None else min(keys, max(1.0, rows))


def fixed_bytes(type_: pa.DataType) -> float | None:
    """A value's width in Arrow's form; None where values differ.

    >>> [fixed_bytes(of) for of in (pa.int32(), pa.decimal128(15, 2), pa.bool_(), pa.string())]
    [4.0, 16.0, 0.125, None]
    """
    try:
        return float(type_.bit_width) / 8
    except ValueError:
        return None


def width_bytes(type_: pa.DataType) -> float:
    """A value's width as it travels, where nothing else is known."""
    if pa.types.is_decimal(type_):
        return 8.0 + 4.0
    fixed = fixed_bytes(type_)
    return 24.0 if fixed is None else max(1.0, fixed)
