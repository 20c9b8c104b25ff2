"""BigQuery's SQL, by its documentation; never run here."""

from __future__ import annotations

import pyarrow as pa

from planner.emit.common_sql import Description, dialect_of

DESCRIPTION = Description(
    name="bigquery",
    generator="bigquery",
    types={
        pa.bool_(): "BOOL",
        pa.int16(): "INT64",
        pa.int32(): "INT64",
        pa.int64(): "INT64",
        pa.float64(): "FLOAT64",
        pa.string(): "STRING",
        pa.binary(): "BYTES",
        pa.date32(): "DATE",
        pa.time64("us"): "TIME",
        pa.timestamp("us"): "DATETIME",
        pa.timestamp("us", "UTC"): "TIMESTAMP",
    },
    # 38 digits before the point and as many after it: no decimal is rounded by it.
    decimal="BIGNUMERIC",
    kept_scale=38,
    substring="SUBSTR",
)

BIGQUERY = dialect_of(DESCRIPTION)
