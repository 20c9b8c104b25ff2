"""Snowflake's SQL, by its documentation; never run here."""

from __future__ import annotations

import pyarrow as pa

from planner.emit.common_sql import Description, dialect_of

DESCRIPTION = Description(
    name="snowflake",
    generator="snowflake",
    types={
        pa.bool_(): "BOOLEAN",
        pa.int16(): "SMALLINT",
        pa.int32(): "INT",
        pa.int64(): "BIGINT",
        pa.float64(): "DOUBLE",
        pa.string(): "VARCHAR",
        pa.binary(): "BINARY",
        pa.date32(): "DATE",
        pa.time64("us"): "TIME(6)",
        pa.timestamp("us"): "TIMESTAMPNTZ(6)",
        pa.timestamp("us", "UTC"): "TIMESTAMPTZ(6)",
    },
    kept_scale=12,
)

SNOWFLAKE = dialect_of(DESCRIPTION)
