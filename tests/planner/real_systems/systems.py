"""The three systems that can be run here, over one small table, and how their answers compare.

Owns the table's rows and what counts as the same value. Knows nothing of the translation.
"""

from __future__ import annotations

import datetime
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import duckdb
import pyarrow as pa

Rows = list[tuple[object, ...]]
Ask = Callable[[str], Rows]

_TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "n": pa.array([5, -7, None, 0], pa.int64()),
        "i": pa.array([7, -7, 2, None], pa.int32()),
        "f": pa.array([1.5, -2.5, math.nan, None]),
        "s": ["Abc", "abC", "", None],
        "d": [datetime.date(2024, 1, 7), datetime.date(2024, 2, 29), datetime.date(2023, 12, 31),
              None],
        "ts": pa.array([datetime.datetime(2024, 1, 7, 23, 59, 59),
                        datetime.datetime(2024, 2, 29, 0, 0, 0, 123456),
                        datetime.datetime(2023, 12, 31, 12), None], pa.timestamp("us")),
        "m": pa.array([Decimal("10.00"), Decimal("-3.50"), None, Decimal("0.05")],
                      pa.decimal128(10, 2)),
        "l": pa.array([[1, 2, 3], [], None, [4]], pa.list_(pa.int64())),
        "b": [True, False, None, True],
    }
)  # fmt: skip


def table(dialect: str) -> pa.Table:
    """The rows of `t`. SQLite holds no NaN (it is NULL there) and no lists."""
    if dialect != "sqlite":
        return _TABLE
    floats = pa.array([1.5, -2.5, None, None])
    whole = _TABLE.drop_columns(["l"])
    return whole.set_column(whole.schema.get_field_index("f"), "f", floats)


@contextmanager
def duckdb_answers() -> Iterator[Ask]:
    """DuckDB in this process."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", _TABLE)
        connection.execute("CREATE TABLE t AS SELECT * FROM given")
        yield lambda sql: rows_of(connection.execute(sql).to_arrow_table())


@contextmanager
def sqlite_answers() -> Iterator[Ask]:
    """SQLite in this process. A date is a text there, and a truth value a number."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(
            "CREATE TABLE t (id integer, n integer, i integer, f real, s text, d text, ts text,"
            " m numeric, b integer)"
        )
        for row in table("sqlite").to_pylist():
            connection.execute(
                f"INSERT INTO t VALUES ({', '.join('?' * len(row))})",
                [_as_sqlite(value) for value in row.values()],
            )
        yield lambda sql: [tuple(row) for row in connection.execute(sql).fetchall()]
    finally:
        connection.close()


def _as_sqlite(value: object) -> object:
    match value:
        case datetime.datetime():
            return value.isoformat(" ")
        case datetime.date():
            return value.isoformat()
        case Decimal():
            return float(value)
    return value


@contextmanager
def postgres_answers(uri: str) -> Iterator[Ask]:
    """PostgreSQL, by the driver that Crosswind has too; it hands NUMERIC out as text."""
    with postgres.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute(
            "CREATE TABLE t (id bigint, n bigint, i int, f float8, s text, d date, ts timestamp,"
            " m numeric(10, 2), l bigint[], b boolean)"
        )
        for row in _TABLE.to_pylist():
            values = ", ".join(_as_postgres(value) for value in row.values())
            cursor.execute(f"INSERT INTO t VALUES ({values})")

        def ask(sql: str) -> Rows:
            cursor.execute(sql)
            return _rows(cursor.fetch_arrow_table())

        yield ask


def _as_postgres(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case list():
            return f"ARRAY[{', '.join(map(str, value))}]::bigint[]"
    return f"'{value}'"


def _rows(answer: pa.Table) -> Rows:
    columns: list[list[object]] = []
    for field, column in zip(answer.schema, answer.columns, strict=True):
        values = column.to_pylist()
        metadata = field.metadata or {}
        if b"numeric" in metadata.get(b"ADBC:postgresql:typname", b""):
            values = [None if value is None else Decimal(value) for value in values]
        columns.append(values)
    return list(zip(*columns, strict=True))


def rows_of(answer: pa.Table) -> Rows:
    """The rows of an answer of ours."""
    return list(zip(*(column.to_pylist() for column in answer.columns), strict=True))


def same(ours: Rows, theirs: Rows, dialect: str, *, ordered: bool) -> bool:
    """Whether two answers have the same values, in the same order where there is one."""
    mine = [tuple(_plain(value, dialect) for value in row) for row in ours]
    other = [tuple(_plain(value, dialect) for value in row) for row in theirs]
    if not ordered:
        mine, other = sorted(mine, key=repr), sorted(other, key=repr)
    return len(mine) == len(other) and all(map(_same_rows, mine, other))


def _same_rows(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return len(one) == len(other) and all(map(_same_values, one, other))


def _same_values(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12) or one == other
    if isinstance(one, tuple) and isinstance(other, tuple):
        return _same_rows(one, other)
    return type(one) is type(other) and one == other


def _plain(value: object, dialect: str) -> object:
    """A value without the difference between kinds of numbers, which the drivers show."""
    match value:
        case bool():
            return float(value) if dialect == "sqlite" else value
        case int() | Decimal():
            return float(value)
        case float():
            return "NaN" if math.isnan(value) else value
        case datetime.datetime():
            if dialect == "sqlite":
                return value.isoformat(" ")
            if value.tzinfo is None:
                return value.isoformat()
            return f"{value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat()} UTC"
        case datetime.date():
            return value.isoformat() if dialect == "sqlite" else value
        case datetime.timedelta():
            return value.total_seconds()
        case pa.MonthDayNano() if value.months == 0:
            return value.days * 86400 + value.nanoseconds / 1e9
        case list() | tuple():
            return tuple(_plain(part, dialect) for part in value)
    return value


def statements(dialect: str) -> Sequence[str]:
    """The lines of the dialect's file as statements."""
    lines = (Path(__file__).parent / f"{dialect}.sql").read_text().splitlines()
    found = []
    for line in lines:
        text = line.strip()
        if text and not text.startswith("--"):
            whole = text.split(maxsplit=1)[0].lower() in (
                "select",
                "with",
                "values",
                "from",
                "table",
            )
            found.append(text if whole else f"SELECT {text} FROM t ORDER BY id")
    return found
