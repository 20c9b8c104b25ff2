"""TPC-H: generated as Parquet, and loaded into PostgreSQL with the very same types.

Owns the shape of the eight tables. Tests and benchmarks use it too, so it prints nothing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from connectors.errors import ConfigurationError

PRIMARY_KEYS = {
    "region": ("r_regionkey",),
    "nation": ("n_nationkey",),
    "supplier": ("s_suppkey",),
    "customer": ("c_custkey",),
    "part": ("p_partkey",),
    "partsupp": ("ps_partkey", "ps_suppkey"),
    "orders": ("o_orderkey",),
    "lineitem": ("l_orderkey", "l_linenumber"),
}
"""Every table of TPC-H, with its key; small ones first."""

TABLES = tuple(PRIMARY_KEYS)


def generate(directory: Path, scale: float) -> Path:
    """Generate all tables as `TABLE.parquet` in `directory`, which is made.

    Args:
        directory: where the files go; files of these names are replaced.
        scale: the scale factor; 1 is 1 GB of text, 6 million line items.

    Returns:
        The directory.

    Raises:
        ConfigurationError: when the generator is not installed, or fails.
    """
    directory.mkdir(parents=True, exist_ok=True)
    command = [_generator(), "parquet", "-s", f"{scale:g}", "-o", str(directory)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        reason = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise ConfigurationError(f"tpchgen-cli failed: {reason[-1]}")
    return directory


def load_postgres(uri: str, directory: Path, tables: Iterable[str] = TABLES) -> dict[str, int]:
    """Load tables of `generate` into a database, replacing those of the same names.

    Columns are NOT NULL and have the types of the files: `numeric(15,2)` for `decimal128(15, 2)`.
    Keys are declared, and statistics are there when this returns.

    Args:
        uri: the database, with the right to create tables.
        directory: where the Parquet files are.
        tables: which of them, in this order.

    Returns:
        The number of rows of each table.
    """
    rows = {}
    with postgres.connect(uri) as connection:
        for table in tables:
            rows[table] = _load(connection, directory, table)
        connection.commit()
    with postgres.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        for table in rows:
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    return rows


def _load(connection: postgres.Connection, directory: Path, table: str) -> int:
    file = pq.ParquetFile(directory / f"{table}.parquet")
    schema = file.schema_arrow
    definitions = [f"{f.name} {_postgres_type(f.type)} NOT NULL" for f in schema]
    values = [f"{f.name}::{_postgres_type(f.type)}" for f in schema]
    key = ", ".join(PRIMARY_KEYS[table])
    staged = f"staged_{table}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}")
        cursor.execute(f"CREATE TABLE {table} ({', '.join(definitions)})")
        # The driver ingests by COPY, but not decimals: these travel as text.
        reader = pa.RecordBatchReader.from_batches(
            _as_staged(schema), (_staged(batch) for batch in file.iter_batches())
        )
        cursor.adbc_ingest(staged, reader, mode="create", temporary=True)
        cursor.execute(f"INSERT INTO {table} SELECT {', '.join(values)} FROM {staged}")  # noqa: S608
        cursor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({key})")
        cursor.execute(f"DROP TABLE {staged}")
    return int(file.metadata.num_rows)


def _postgres_type(type_: pa.DataType) -> str:
    if pa.types.is_decimal(type_):
        return f"numeric({type_.precision},{type_.scale})"
    if pa.types.is_int64(type_):
        return "bigint"
    if pa.types.is_int32(type_):
        return "integer"
    if pa.types.is_date32(type_):
        return "date"
    return "text"


def _as_staged(schema: pa.Schema) -> pa.Schema:
    kept = {"bigint", "integer", "date"}
    return pa.schema(
        [(f.name, f.type if _postgres_type(f.type) in kept else pa.string()) for f in schema]
    )


def _staged(batch: pa.RecordBatch) -> pa.RecordBatch:
    schema = _as_staged(batch.schema)
    columns = [pc.cast(c, f.type) for c, f in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _generator() -> str:
    """The program that the package `tpchgen-cli` puts next to this Python."""
    program = Path(sys.executable).parent / "tpchgen-cli"
    if not program.is_file():
        raise ConfigurationError(
            f"the generator of TPC-H is not installed at {program}",
            hint='Install it: pip install "crosswind[demo]".',
        )
    return str(program)
