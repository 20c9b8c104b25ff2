"""The profiles of the connectors that come with the project: what the conformance kit is told.

Each makes a real source, puts the kit's tables into it by other means than the connector, and says
what it holds. Third parties write one of these; `memory` is the smallest.
"""

from __future__ import annotations

import math
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import WriterProperties, write_deltalake

from connectors.conformance import Place, Profile
from connectors.memory import MemoryConnector
from tests.child_server import child_server
from tests.connectors.warehouse import Warehouse
from tests.postgres_server import PostgresServer, free_port

_STAMP = pa.timestamp("us")
_MOMENT = pa.timestamp("us", tz="UTC")
_SIGNED = {t: t for t in (pa.int16(), pa.int32(), pa.int64())}
DECIMALS = {t: t for t in (pa.decimal128(9, 2), pa.decimal128(38, 10))}
USUAL = {
    t: t
    for t in (
        pa.bool_(),
        pa.float32(),
        pa.float64(),
        pa.string(),
        pa.binary(),
        pa.date32(),
        pa.time64("us"),
        _STAMP,
        _MOMENT,
    )
}
EVERY = {
    **_SIGNED,
    **DECIMALS,
    **USUAL,
    **{t: t for t in (pa.int8(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())},
}

GROUP_ROWS = 10_000
"""A reader holds a row group whole, whatever it is asked for: that much is the writer's choice."""

_IN_PROCESS = "it is in this process: nobody can refuse it, stop it or keep a secret from it"
_NO_SECRET = "nothing secret is needed to open a file"
_NO_LOGIN = "a file has no login that could be refused"
_READS_FILES = "it is a reader of files in this process, and nobody else can be asked what it does"
_FILE_STAYS = "what is open stays readable, also when the file has gone"


def memory() -> Profile:
    """Arrow tables in this process: the smallest profile."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        yield Place({"tables": dict(tables)}, unreachable={"tables": {}}, other={"tables": {}})

    return Profile(
        connector="memory",
        opened=opened,
        holds={**EVERY, pa.list_(pa.int32()): pa.list_(pa.int32())},
        connect=lambda options: MemoryConnector("kit", options["tables"]),  # type: ignore[arg-type]
        waivers={
            "identity_is_that_of_the_place": "two of them are never the same: each has its tables",
            "no_secret_is_shown": _IN_PROCESS,
            "a_new_table_is_seen_after_refresh": "its tables are given once, from Python",
            "what_is_left_or_cancelled_ends_at_the_source": _IN_PROCESS,
            "cancel_while_it_is_silent": "it never waits",
            "a_deadline_while_it_is_silent": "it never waits",
            "a_place_that_is_not_there_is_said_to_be": _IN_PROCESS,
            "nothing_happens_before_it_is_iterated": _IN_PROCESS,
            "a_refusal_names_the_source": _IN_PROCESS,
            "a_column_that_has_gone_is_noticed": "its tables are given once, from Python",
            "a_place_that_dies_in_mid_stream_fails_the_query": _IN_PROCESS,
            "memory_is_bounded": "its tables are in memory, and a filter copies what it keeps",
        },
    )


def postgres() -> Profile:
    """An embedded PostgreSQL over TCP, with a role that has a password."""
    types = {
        pa.bool_(): "boolean",
        pa.int16(): "smallint",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.float32(): "real",
        pa.float64(): "double precision",
        pa.decimal128(9, 2): "numeric(9,2)",
        pa.decimal128(38, 10): "numeric(38,10)",
        pa.string(): "text",
        pa.binary(): "bytea",
        pa.date32(): "date",
        pa.time64("us"): "time",
        _STAMP: "timestamp",
        _MOMENT: "timestamptz",
        pa.list_(pa.int32()): "integer[]",
    }

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        directory = Path(tempfile.mkdtemp(prefix="crosswind-kit-"))
        server = PostgresServer(directory / "data")
        try:
            server.start()
            uri = server.require_password("reader", _PASSWORD)
            server.execute("GRANT pg_read_all_data TO reader", "CREATE DATABASE other")
            for name, table in tables.items():
                _into_postgres(server, name, table, types)
            server.execute("ANALYZE")
            login = uri.replace("reader@", f"reader:{_PASSWORD}@")
            yield Place(
                {"uri": login},
                unreachable={"uri": login.replace(f":{server.port}/", f":{free_port()}/")},
                refused={"uri": uri.replace("reader@", "reader:not-the-password@")},
                other={"uri": login.replace("/postgres", "/other")},
                secret=_PASSWORD,
                active=lambda: len(server.execute(_ACTIVE)),
                add=lambda name: server.execute(f"CREATE TABLE {name} AS SELECT 1 AS a") and None,
                alter=lambda name: server.execute(f"ALTER TABLE {name} DROP COLUMN a") and None,
                silent="SELECT CAST(1 AS bigint) AS a FROM pg_sleep(60)",
                kill=server.kill,
            )
        finally:
            server.stop()
            shutil.rmtree(directory)

    return Profile(connector="postgres", opened=opened, holds={t: t for t in types})


_PASSWORD = "kit-p4ssword"
_ACTIVE = "SELECT pid FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active'"


def _into_postgres(
    server: PostgresServer, name: str, table: pa.Table, types: Mapping[pa.DataType, str]
) -> None:
    """Decimals go in as texts: the driver has no other way."""
    columns = ", ".join(f"{f.name} {types[f.type]}" for f in table.schema)
    casts = ", ".join(f"CAST({f.name} AS {types[f.type]})" for f in table.schema)
    texts = [c.cast(pa.string()) if pa.types.is_decimal(c.type) else c for c in table.columns]
    with (
        adbc_driver_postgresql.dbapi.connect(server.uri(), autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"CREATE TABLE {name} ({columns})")
        cursor.adbc_ingest("staged", pa.table(texts, table.column_names), mode="replace")
        cursor.execute(f"INSERT INTO {name} SELECT {casts} FROM staged")
        cursor.execute("DROP TABLE staged")


def sqlite() -> Profile:
    """An SQLite file."""
    types = {
        pa.bool_(): "BOOLEAN",
        pa.int8(): "TINYINT",
        pa.int16(): "SMALLINT",
        pa.int32(): "INT4",
        pa.int64(): "INTEGER",
        pa.float64(): "REAL",
        pa.decimal128(9, 2): "DECIMAL(9,2)",
        pa.string(): "TEXT",
        pa.binary(): "BLOB",
        pa.date32(): "DATE",
    }

    def make(path: Path, tables: Mapping[str, pa.Table]) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for name, table in tables.items():
                columns = ", ".join(f"{f.name} {types[f.type]}" for f in table.schema)
                connection.execute(f"CREATE TABLE {name} ({columns})")
                marks = ", ".join("?" * table.num_columns)
                rows = zip(*(_sqlite_values(c) for c in table.columns), strict=True)
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)

    return Profile(
        connector="sqlite",
        opened=_in_file("kit.db", make, sqlite3.connect, _SQLITE_SILENT),
        holds={t: t for t in types},
        # It stores a number without a fraction as an integer.
        lacks={pa.float64(): (math.nan, -0.0)},
        waivers=_database_waivers(),
    )


def _sqlite_values(column: pa.ChunkedArray) -> list[object]:
    plain = (pa.types.is_decimal, pa.types.is_date)
    if any(kind(column.type) for kind in plain):
        return column.cast(pa.string()).to_pylist()
    return column.to_pylist()


def duck() -> Profile:
    """A DuckDB file."""

    def make(path: Path, tables: Mapping[str, pa.Table]) -> None:
        with duckdb.connect(str(path)) as connection:
            for name, table in tables.items():
                connection.register("given", table)
                connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
                connection.unregister("given")

    return Profile(
        connector="duckdb",
        opened=_in_file("kit.duckdb", make, lambda path: duckdb.connect(str(path)), _DUCKDB_SILENT),
        holds=EVERY,
        # Its compression takes the two zeros for one.
        lacks={pa.float64(): (-0.0,)},
        waivers=_database_waivers(),
    )


def _in_file(
    name: str,
    make: Callable[[Path, Mapping[str, pa.Table]], None],
    connect: Callable[[Path], Any],
    silent: str,
) -> Callable[[Mapping[str, pa.Table]], AbstractContextManager[Place]]:
    """A database that is one file."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="crosswind-kit-") as folder:
            path, other = Path(folder, name), Path(folder, "other")
            make(path, tables)
            make(other, {})

            def run(statement: str) -> None:
                with closing(connect(path)) as connection:
                    connection.execute(statement)
                    connection.commit()

            yield Place(
                {"uri": str(path)},
                unreachable={"uri": str(Path(folder, "absent"))},
                other={"uri": str(other)},
                add=lambda name: run(f"CREATE TABLE {name} AS SELECT 1 AS a"),
                alter=lambda name: run(f"ALTER TABLE {name} DROP COLUMN a"),
                silent=silent,
            )

    return opened


_DUCKDB_SILENT = (
    "SELECT CAST(count(*) AS BIGINT) AS a FROM range(1000000) r, range(1000000) s"
    " WHERE hash(r.range, s.range) = 1"
)

# SQLite counts on after it was left: so much that it is silent, and not for too long.
_SQLITE_SILENT = (
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 30000000)"
    " SELECT max(n) AS a FROM r"
)


def file_waivers() -> dict[str, str]:
    return {
        "no_secret_is_shown": _NO_SECRET,
        "a_refusal_names_the_source": _NO_LOGIN,
        "what_is_left_or_cancelled_ends_at_the_source": _READS_FILES,
        "cancel_while_it_is_silent": _READS_FILES,
        "a_deadline_while_it_is_silent": _READS_FILES,
        "a_place_that_dies_in_mid_stream_fails_the_query": _FILE_STAYS,
    }


def _database_waivers() -> dict[str, str]:
    silent = ("cancel_while_it_is_silent", "a_deadline_while_it_is_silent")
    return {check: reason for check, reason in file_waivers().items() if check not in silent}


def delta() -> Profile:
    """Delta tables on this disk."""
    types = (
        *(pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()),
        *(*DECIMALS, pa.string(), pa.binary(), pa.date32(), _STAMP, _MOMENT),
    )

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="crosswind-kit-") as folder:
            root, other = Path(folder, "lake"), Path(folder, "other")
            other.mkdir()
            root.mkdir()

            def write(name: str, table: pa.Table) -> None:
                write_deltalake(
                    str(root / name),
                    table,
                    mode="overwrite",
                    schema_mode="overwrite",
                    writer_properties=WriterProperties(max_row_group_size=GROUP_ROWS),
                )

            for name, table in tables.items():
                write(name, table)
            yield Place(
                {"root": str(root)},
                unreachable={"root": str(Path(folder, "absent"))},
                other={"root": str(other)},
                add=lambda name: write(name, pa.table({"a": [1]})),
                alter=lambda name: write(name, tables[name].drop_columns(["a"])),
            )

    listed = pa.list_(pa.int32())
    return Profile(
        connector="delta",
        opened=opened,
        holds={**{t: t for t in types}, listed: pa.list_(pa.field("element", pa.int32()))},
        waivers=file_waivers(),
    )


def iceberg() -> Profile:
    """Iceberg tables on this disk, in a catalog that is an SQLite file."""
    types = (
        *(pa.bool_(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), *DECIMALS),
        *(pa.string(), pa.binary(), pa.date32(), pa.time64("us"), _STAMP, _MOMENT),
    )

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="crosswind-kit-") as folder, ExitStack() as stack:
            lake, other = Warehouse(Path(folder, "lake")), Warehouse(Path(folder, "other"))
            stack.callback(lake.close)
            stack.callback(other.close)
            for name, table in tables.items():
                lake.write(name, table)

            def alter(name: str) -> None:
                with lake.catalog.load_table(("default", name)).update_schema() as change:
                    change.delete_column("a")

            def given(properties: Mapping[str, str]) -> Mapping[str, object]:
                return {"properties": {**properties, "s3.secret-access-key": _PASSWORD}}

            absent = f"sqlite:///{folder}/absent/catalog.db"
            yield Place(
                given(lake.properties),
                unreachable=given({**lake.properties, "uri": absent}),
                other=given(other.properties),
                secret=_PASSWORD,
                add=lambda name: lake.write(name, pa.table({"a": [1]})) and None,
                alter=alter,
            )

    listed = pa.list_(pa.int32())
    return Profile(
        connector="iceberg",
        opened=opened,
        holds={**{t: t for t in types}, listed: pa.list_(pa.field("element", pa.int32()))},
        waivers={k: v for k, v in file_waivers().items() if k != "no_secret_is_shown"},
    )


def flightsql() -> Profile:
    """Another Crosswind in a process of its own, over Parquet files."""

    @contextmanager
    def opened(tables: Mapping[str, pa.Table]) -> Iterator[Place]:
        with tempfile.TemporaryDirectory(prefix="crosswind-kit-") as folder, ExitStack() as stack:
            root, other = Path(folder, "lake"), Path(folder, "other")
            root.mkdir()
            other.mkdir()

            def write(name: str, table: pa.Table) -> None:
                pq.write_table(table, root / f"{name}.parquet", row_group_size=GROUP_ROWS)

            for name, table in tables.items():
                write(name, table)
            # A join of it with itself takes minutes, and a few seconds until it sees a cancel.
            write("many", pa.table({"i": pa.array(range(300_000), pa.int64())}))
            # A server that was killed has no exit code to be content with.
            stack.enter_context(suppress(AssertionError))
            far, elsewhere = (
                stack.enter_context(child_server({"lake": {"connector": "files", "root": str(at)}}))
                for at in (root, other)
            )
            login = {
                "token": _PASSWORD,
                "dialect": "datafusion",
                "default_schema": "main",
                "wait_seconds": 5,
            }
            yield Place(
                {"uri": far.url, **login},
                unreachable={"uri": f"grpc://127.0.0.1:{free_port()}", **login},
                other={"uri": elsewhere.url, **login},
                secret=_PASSWORD,
                alter=lambda name: write(name, tables[name].drop_columns(["a"])),
                silent="SELECT count(*) AS a FROM lake.main.many a, lake.main.many b"
                " WHERE a.i * b.i = -7",
                kill=far.process.kill,
            )

    listed = pa.list_(pa.int32())
    return Profile(
        connector="flightsql",
        opened=opened,
        holds={**EVERY, listed: listed},
        waivers={
            "a_new_table_is_seen_after_refresh": "the other server remembers its tables, too",
            "a_refusal_names_the_source": "a Crosswind lets everybody in",
            "what_is_left_or_cancelled_ends_at_the_source": "it does not tell what it runs",
        },
    )
