"""Writes `docs/types.md`: each source's types, their Arrow types, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from connectors.adbc import types as flightsql
from connectors.adbc.duckdb import types as duckdb
from connectors.adbc.native_types import NATIVE_TYPES, NativeType
from connectors.adbc.postgres import types as postgres
from connectors.adbc.sqlite import types as sqlite
from planner.emit.datafusion.types import NAMES
from planner.emit.dialect import Dialect
from planner.emit.dialects import DIALECTS

_POSTGRES = (
    *("bool", "int2", "int4", "int8", "float4", "float8", "numeric(15,2)", "numeric"),
    *("numeric(60,10)", "numeric(100,10)", "text", "varchar(10)", "bpchar(10)", "name", "bytea"),
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb"),
    *("xml", "money", "bit", "varbit", "inet", "cidr", "macaddr", "tsvector"),
    *("public.mood", "int4[]", "text[]", "numeric(15,2)[]", "timestamptz[]", "uuid[]", "int4[][]"),
)
_DUCKDB = (
    *("BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT"),
    *("UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL(15,2)", "VARCHAR", "BLOB"),
    *("DATE", "TIME", "TIME WITH TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP"),
    *("TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "INTERVAL", "UUID", "JSON", "BIT"),
    *("ENUM('a', 'b')", "INTEGER[]", "STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)"),
)

_SQLITE = (
    *("INTEGER", "BIGINT", "INT4", "SMALLINT", "TINYINT", "REAL", "BOOLEAN", "DECIMAL(15,2)"),
    *("DECIMAL(30,2)", "TEXT", "VARCHAR(10)", "VARCHAR", "BLOB", "DATE", "DATETIME", "NUMERIC"),
    *("STRING", "JSON"),
)

_FLIGHTSQL = (
    *(pa.decimal256(60, 2), pa.decimal32(5, 2), pa.string_view(), pa.large_string()),
    *(pa.binary_view(), pa.large_binary(), pa.binary(16), pa.dictionary(pa.int32(), pa.string())),
    *(pa.run_end_encoded(pa.int32(), pa.string()), pa.list_(pa.string_view())),
    *(pa.list_(pa.int32(), 3), pa.list_view(pa.int32()), pa.struct([("a", pa.int32())])),
    *(pa.map_(pa.string(), pa.int32()), pa.uuid(), pa.json_()),
)

TITLES = {
    "postgres": "PostgreSQL",
    "duckdb": "DuckDB",
    "sqlite": "SQLite",
    "datafusion": "Flight SQL sources that run DataFusion",
    "mysql": "MySQL",
    "snowflake": "Snowflake",
    "bigquery": "BigQuery",
    "spark": "Spark SQL",
    "tsql": "SQL Server (T-SQL)",
}

NOTES = {
    "duckdb": """Values that Arrow has no equal of fail the query that reads them: the infinite
`DATE` and `TIMESTAMP`, and the `TIME` 24:00:00.""",
    "sqlite": """SQLite holds no value to its column's declared type. One that is not of the type in
this table fails the query that reads it, and is named by column and row: text in a number, a number
of more bits, a decimal of more digits than declared, a `DATE` that is no ISO date of the years 0 to
9999, a `BOOLEAN` other than 0 and 1. Text that is not UTF-8 fails where it leaves SQLite, and not
where it is only counted or tested for NULL there. `CHAR`, `CLOB` or `TEXT` anywhere in a declared
type without `INT` make it text, as for SQLite itself. A statement there cannot be interrupted: a
query that is cancelled or late ends at once here, and there with its next rows.""",
}
"""What is to be said of the values of a dialect's sources."""

_HEAD = """# Types

Which Arrow type a source's column has, and how that type is written in the source's SQL. Losing
something never fails a query: what Arrow has no equal of is read as its text, and what is lost is a
warning. A type that is in no table is text, too. Single values that the Arrow type does not hold
fail the query that reads them, where the table says so: they are never rounded.

*Written there* is the name that conversions and constants have in fragments; — means that values of
the type are read, and that operations on them run here.

This page is written by `make regen` from the tables that the connectors and the planner use.
"""


def rows_of(dialect: str) -> tuple[NativeType, ...]:
    """The native types of a dialect's sources, as its connector reads them."""
    match dialect:
        case "postgres":
            return tuple(NativeType(n, postgres.arrow_type(n), postgres.lost(n)) for n in _POSTGRES)
        case "duckdb":
            return tuple(NativeType(n, duckdb.arrow_type(n), duckdb.lost(n)) for n in _DUCKDB)
        case "sqlite":
            return tuple(NativeType(n, sqlite.arrow_type(n), sqlite.lost(n)) for n in _SQLITE)
        case "datafusion":
            types = (*NAMES, pa.decimal128(15, 2), *_FLIGHTSQL)
            return tuple(NativeType(str(t), flightsql.plain(t), flightsql.lost(t)) for t in types)
    return NATIVE_TYPES.get(dialect, ())


def written(dialect: Dialect, type_: pa.DataType) -> str:
    """The type's name in the dialect's SQL, or a dash."""
    found = dialect.type_sql(type_)
    return f"`{found.sql(dialect.generator)}`" if found is not None else "—"


def page() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *(line for d in DIALECTS.values() for line in _section(d))))


def _section(dialect: Dialect) -> Iterator[str]:
    rows = rows_of(dialect.name)
    if not rows:
        return
    yield f"## {TITLES[dialect.name]}"
    yield ""
    if not dialect.proven:
        yield "By its documentation; not run.\n"
    if dialect.name in NOTES:
        yield f"{NOTES[dialect.name]}\n"
    yield "| type | Arrow | written there | lost |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        name = row.native.replace("|", "\\|")
        yield f"| `{name}` | `{row.arrow}` | {written(dialect, row.arrow)} | {row.lost} |"
    yield ""
