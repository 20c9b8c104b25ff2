"""Batches under the schema that was promised. No column is copied, but for views of strings."""

from __future__ import annotations

import pyarrow as pa


def under(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The same columns under a schema; only views of strings are converted."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    if not columns:
        return batch
    return pa.RecordBatch.from_arrays(columns, schema=schema)
