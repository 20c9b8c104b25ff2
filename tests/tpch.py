"""TPC-H for tests: the files, the same tables in Postgres, the 22 queries, three placements."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tests.postgres_server import PostgresServer

SCALE = 0.01
QUERIES_FOLDER = Path(__file__).parents[1] / "benchmarks" / "tpch" / "queries"
QUERIES = {path.stem: path.read_text() for path in sorted(QUERIES_FOLDER.glob("q*.sql"))}
IN_DATABASE = ("customer", "nation", "orders", "region", "supplier")
"""The tables that the split placement has in Postgres; the others are files."""

SPLIT_SCHEMA = "shop"
"""The schema of the same database that holds only those."""

_TYPES = {pa.int64(): "bigint", pa.int32(): "integer", pa.date32(): "date", pa.string(): "text"}


def generate(directory: Path) -> Path:
    """All eight tables as Parquet files in `directory`."""
    command = [str(Path(sys.executable).with_name("tpchgen-cli")), "parquet"]
    subprocess.run(
        [*command, "-s", str(SCALE), "--output-dir", str(directory)],
        check=True,
        capture_output=True,
    )
    return directory


_STEADY = "WITH (autovacuum_enabled = off)"
"""It would analyse them anew in a long run, with fewer rows than `load` does."""


def load(server: PostgresServer, database: str, directory: Path) -> None:
    """Put the files' tables into a database, NOT NULL and analysed, and five into SPLIT_SCHEMA.

    Statistics come from every row, so that plans are the same in every run.
    """
    with postgres.connect(server.uri(database)) as connection, connection.cursor() as cursor:
        cursor.execute("SET default_statistics_target = 1000")
        cursor.execute(f"CREATE SCHEMA {SPLIT_SCHEMA}")
        for path in sorted(directory.glob("*.parquet")):
            _load_table(cursor, path.stem, pq.read_table(path))
        for name in IN_DATABASE:
            copy = f"{SPLIT_SCHEMA}.{name}"
            cursor.execute(f"CREATE TABLE {copy} (LIKE public.{name}) {_STEADY}")
            cursor.execute(f"INSERT INTO {copy} TABLE public.{name}")
            cursor.execute(f"ANALYZE {copy}")
        connection.commit()


def _load_table(cursor: postgres.Cursor, name: str, table: pa.Table) -> None:
    plain = [pa.string() if f.type == pa.string_view() else f.type for f in table.schema]
    columns = list(zip(table.column_names, plain, strict=True))
    declared = ", ".join(f"{column} {_type(type_)} NOT NULL" for column, type_ in columns)
    # The driver writes no numerics: they go by way of text.
    staged = [pa.string() if pa.types.is_decimal(type_) else type_ for type_ in plain]
    stage = pa.schema(list(zip(table.column_names, staged, strict=True)))
    cursor.adbc_ingest("stage", table.cast(stage), mode="create", temporary=True)
    values = ", ".join(
        f"{column}::numeric" if pa.types.is_decimal(type_) else column for column, type_ in columns
    )
    cursor.execute(f"CREATE TABLE public.{name} ({declared}) {_STEADY}")
    cursor.execute(f"INSERT INTO public.{name} SELECT {values} FROM stage")
    cursor.execute("DROP TABLE stage")
    cursor.execute(f"ANALYZE public.{name}")


def load_duckdb(path: Path, directory: Path) -> Path:
    """Put the files' tables into a new DuckDB file, NOT NULL."""
    with duckdb.connect(str(path)) as connection:
        for file in sorted(directory.glob("*.parquet")):
            table = file.stem
            connection.execute(f"CREATE TABLE {table} AS FROM read_parquet('{file}')")
            for column in pq.read_schema(file).names:
                connection.execute(f"ALTER TABLE {table} ALTER {column} SET NOT NULL")
    return path


_SQLITE_TYPES = {
    pa.int64(): "BIGINT",
    pa.int32(): "INT4",
    pa.date32(): "DATE",
    pa.string(): "TEXT",
}


def load_sqlite(path: Path, directory: Path) -> Path:
    """Put the files' tables into a new SQLite file: dates as texts, decimals as floats."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for file in sorted(directory.glob("*.parquet")):
            table = pq.read_table(file)
            columns = [f"{f.name} {_sqlite_type(f.type)} NOT NULL" for f in table.schema]
            connection.execute(f"CREATE TABLE {file.stem} ({', '.join(columns)})")
            stored = [_stored(column).to_pylist() for column in table.columns]
            marks = ", ".join("?" * table.num_columns)
            connection.executemany(
                f"INSERT INTO {file.stem} VALUES ({marks})", zip(*stored, strict=True)
            )
    return path


def _sqlite_type(type_: pa.DataType) -> str:
    if pa.types.is_decimal(type_):
        return f"DECIMAL({type_.precision},{type_.scale})"
    return _SQLITE_TYPES[pa.string() if type_ == pa.string_view() else type_]


def _stored(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_decimal(column.type):
        return column.cast(pa.float64())
    return column.cast(pa.string()) if pa.types.is_date(column.type) else column


def _type(type_: pa.DataType) -> str:
    if pa.types.is_decimal(type_):
        return f"numeric({type_.precision},{type_.scale})"
    return _TYPES[type_]
