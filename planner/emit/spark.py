"""Spark SQL, by its documentation; never run here."""

from __future__ import annotations

import pyarrow as pa

from planner.emit.common_sql import Description, dialect_of

DESCRIPTION = Description(
    name="spark",
    generator="spark",
    types={
        pa.bool_(): "BOOLEAN",
        pa.int8(): "TINYINT",
        pa.int16(): "SMALLINT",
        pa.int32(): "INT",
        pa.int64(): "BIGINT",
        pa.float32(): "FLOAT",
        pa.float64(): "DOUBLE",
        pa.string(): "STRING",
        pa.binary(): "BINARY",
        pa.date32(): "DATE",
        pa.timestamp("us"): "TIMESTAMP_NTZ",
        pa.timestamp("us", "UTC"): "TIMESTAMP",
    },
    # ${env:HOME} is the server's environment, also in a constant.
    replaced=("${",),
)

SPARK = dialect_of(DESCRIPTION)
