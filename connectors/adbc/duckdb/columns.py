"""What DuckDB's dates and times may hold that Arrow's cannot: looked for before they are read on.

Owns that look, which is vectorised, outside the interpreter lock. Must not know connections or SQL.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from connectors.adbc import columns
from connectors.errors import SourceRejectedError

# DuckDB's infinities: the largest integer of a date or a timestamp, and its negative.
_INFINITE_DAY = 2**31 - 1
_INFINITE_TIME = 2**63 - 1
_LAST_MICROSECOND_OF_DAY = 86_399_999_999


class Columns:
    """Makes every batch of a stream into one of `wanted`; see `connectors.adbc.columns.Columns`."""

    def __init__(self, source: str, found: pa.Schema, wanted: pa.Schema) -> None:
        self._source = source
        self._columns = columns.Columns(source, found, wanted)
        self._temporal = [
            (position, field)
            for position, field in enumerate(wanted)
            if pa.types.is_temporal(field.type) and found.field(position).type == field.type
        ]

    def convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch with exactly the wanted schema.

        Raises:
            SourceRejectedError: a value that the wanted type does not hold.
            SourceSchemaChangedError: a NULL where the plan relies on none.
        """
        for position, field in self._temporal:
            self._check(batch.column(position), field)
        return self._columns.convert(batch)

    def _check(self, array: pa.Array, wanted: pa.Field) -> None:
        """Raise unless its dates and times are all what they say."""
        t = pa.types
        integers = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
        lowest, highest = pc.min_max(integers).values()
        if highest.as_py() is None:
            return
        if t.is_time(array.type):
            outside = highest.as_py() > _LAST_MICROSECOND_OF_DAY
        else:
            infinite = _INFINITE_DAY if t.is_date32(array.type) else _INFINITE_TIME
            outside = highest.as_py() == infinite or lowest.as_py() == -infinite
        if outside:
            raise SourceRejectedError(
                f"column {wanted.name!r} holds infinity or a time that {wanted.type} cannot hold",
                source=self._source,
                hint="Leave such rows out in the query, or cast the column to text.",
            )
