"""The duckdb connector over real files: types, catalog, stopping, faults, limits."""

from __future__ import annotations

import datetime
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from connectors import registry
from connectors.adbc.duckdb import DuckdbConnector, create
from connectors.adbc.duckdb.reader import QueryBatches
from connectors.contract import Connector, Fragment, SqlQuery, TableName, TableScan
from connectors.errors import (
    CancelledError,
    ConfigurationError,
    CrosswindError,
    DeadlineError,
    InternalError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceUnavailableError,
    UnsupportedError,
)

MANY = "SELECT i, repeat('x', 100) AS x FROM range(100000000000) r(i)"
MANY_SCHEMA = pa.schema([("i", pa.int64()), ("x", pa.string())])
# Computes for ever before its first row.
SILENT = (
    "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7"
)
NUMBER = pa.schema([("n", pa.int64())])

TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE everything (
  a_bool BOOLEAN, a_tiny TINYINT, a_small SMALLINT, an_int INTEGER NOT NULL, a_big BIGINT,
  a_utiny UTINYINT, a_ubig UBIGINT, a_huge HUGEINT, a_float FLOAT, a_double DOUBLE,
  a_decimal DECIMAL(15, 2), a_wide DECIMAL(38, 10), a_text VARCHAR, a_blob BLOB, a_date DATE,
  a_time TIME, a_second TIMESTAMP_S, a_milli TIMESTAMP_MS, a_micro TIMESTAMP, a_nano TIMESTAMP_NS,
  a_moment TIMESTAMPTZ, a_span INTERVAL, a_uuid UUID, a_json JSON, a_mood mood, a_list INTEGER[],
  a_struct STRUCT(x INTEGER), a_bit BIT);
INSERT INTO everything VALUES (
  true, -1, -2, 3, 4, 5, 18446744073709551615, -99999999999999999999999999999999999999, 1.5, 2.5,
  -1234567890123.45, '1234567890123456789012345678.0123456789', 'a' || chr(0) || 'ä', 'xy',
  '2024-02-29', '23:59:59.999999', '2024-02-29 01:02:03', '2024-02-29 01:02:03.004',
  '2024-02-29 01:02:03.000004', '2024-02-29 01:02:03.000000005', '2024-02-29 01:02:03+02',
  INTERVAL 1 MONTH, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"a": 1}', 'glad', [1, NULL],
  {'x': 1}, '101');
INSERT INTO everything (an_int) VALUES (7);
CREATE TABLE "Odd ""name"" é" ("a b" INTEGER PRIMARY KEY, "Ü" VARCHAR);
CREATE SCHEMA sales;
CREATE TABLE sales.orders AS
  SELECT i AS id, (i % 100)::INTEGER AS customer, CASE WHEN i % 4 <> 0 THEN 'abcdefgh' END AS note
  FROM range(10000) r(i);
CREATE VIEW a_view AS SELECT an_int, a_decimal FROM everything;
CREATE TABLE infinite AS SELECT 'infinity'::DATE AS d, '-infinity'::TIMESTAMP AS ts;
CREATE TABLE late AS SELECT '24:00:00'::TIME AS t;
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("duckdb") / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(TABLES)
    return path


@pytest.fixture
def file(made: Path, tmp_path: Path) -> Path:
    """A file of the test's own."""
    return Path(shutil.copy(made, tmp_path / "shop.duckdb"))


@pytest.fixture
def connect(file: Path) -> Iterator[Callable[..., DuckdbConnector]]:
    """Makes connectors to the test's file; closes them, and nothing may be left."""
    before = set(threading.enumerate())
    made: list[DuckdbConnector] = []

    def make(uri: Path = file, **options: object) -> DuckdbConnector:
        made.append(create("shop", {"uri": str(uri), **options}))
        return made[-1]

    yield make
    for connector in made:
        connector.close()
    assert set(threading.enumerate()) <= before
    # Whoever has the file open to read keeps it from being written.
    write(file, "CREATE TABLE afterwards (i INTEGER)")


@pytest.fixture
def shop(connect: Callable[..., DuckdbConnector]) -> DuckdbConnector:
    return connect()


def write(path: Path, *statements: str) -> None:
    """Run statements in a process of their own, as whoever owns the file would."""
    program = (
        "import duckdb, sys\nwith duckdb.connect(sys.argv[1]) as c:\n"
        "    for s in sys.argv[2:]: c.execute(s)"
    )
    subprocess.run([sys.executable, "-c", program, str(path), *statements], check=True)


def fragment(sql: str, schema: pa.Schema | Mapping[str, pa.DataType]) -> Fragment:
    if not isinstance(schema, pa.Schema):
        schema = pa.schema(list(schema.items()))
    return Fragment(SqlQuery(sql), schema)


def read(
    connector: DuckdbConnector, sql: str, schema: pa.Schema | Mapping[str, pa.DataType]
) -> pa.Table:
    wanted = fragment(sql, schema)
    batches = connector.execute(wanted, None)
    try:
        return pa.Table.from_batches(list(batches), wanted.schema)
    finally:
        batches.close()


def table_of(connector: DuckdbConnector, name: str, schema: str = "main") -> pa.Schema:
    found = connector.tables().find(TableName(schema, name))
    assert found is not None
    return found.schema


# --- the contract ---


def test_it_is_a_connector_and_registered() -> None:
    connector = registry.create("duckdb", "shop", {"uri": "nowhere.duckdb"})
    assert isinstance(connector, Connector)
    assert connector.capabilities.dialect == "duckdb"
    connector.close()


def test_two_paths_to_one_file_are_one_place(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to(file)
    first, second = (create(name, {"uri": str(p)}) for name, p in (("a", file), ("b", link)))
    assert first.identity == second.identity
    assert first.identity != create("c", {"uri": str(tmp_path / "other.duckdb")}).identity


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "'uri'"),
        ({"uri": ":memory:"}, "a database in memory"),
        ({"uri": "md:cloud"}, "a local file"),
        ({"uri": "a.duckdb", "thread": 2}, "did you mean 'threads'"),
        ({"uri": "a.duckdb", "threads": 0}, "'threads'"),
        ({"uri": "a.duckdb", "memory_limit_mb": "lots"}, "'memory_limit_mb'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        registry.create("duckdb", "shop", options)


def test_a_scan_is_refused_before_any_io() -> None:
    connector = create("shop", {"uri": "nowhere.duckdb"})
    scan = TableScan(TableName("main", "t"), ("a",))
    with pytest.raises(UnsupportedError):
        connector.execute(Fragment(scan, pa.schema([("a", pa.int64())])), None)


# --- catalog and types ---


def test_names_are_those_of_tables_and_views(shop: DuckdbConnector) -> None:
    assert [str(name) for name in shop.tables().names()] == [
        'main.Odd "name" é',
        "main.a_view",
        "main.everything",
        "main.infinite",
        "main.late",
        "sales.orders",
    ]
    assert shop.tables().default_schema == "main"
    assert shop.tables().find(TableName("main", "nothing")) is None
    assert shop.tables().find(TableName("information_schema", "tables")) is None


def test_every_type_has_its_arrow_type(shop: DuckdbConnector) -> None:
    schema = table_of(shop, "everything")
    text = pa.string()
    assert schema.types == [
        *(pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint64()),
        *(pa.decimal128(38, 0), pa.float32(), pa.float64(), pa.decimal128(15, 2)),
        *(pa.decimal128(38, 10), text, pa.binary(), pa.date32(), pa.time64("us")),
        *(pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("ns")),
        *(pa.timestamp("us", "UTC"), text, text, text, text, text, text, text),
    ]
    assert [f.name for f in schema if not f.nullable] == ["an_int"]


def test_a_view_promises_no_column_without_nulls(shop: DuckdbConnector) -> None:
    found = shop.tables().find(TableName("main", "a_view"))
    assert found is not None
    assert found.kind == "VIEW"
    assert shop.tables().kinds()[found.name] == "VIEW"
    assert found.schema == pa.schema([("an_int", pa.int32()), ("a_decimal", pa.decimal128(15, 2))])


def test_what_becomes_text_says_what_it_lost(shop: DuckdbConnector) -> None:
    found = shop.tables().find(TableName("main", "everything"))
    assert found is not None
    lost = {column.name for column in found.columns if column.lost}
    assert lost == {
        *("a_huge", "a_moment", "a_span", "a_uuid", "a_json", "a_mood", "a_list"),
        *("a_struct", "a_bit"),
    }


def test_values_arrive_as_they_are(shop: DuckdbConnector) -> None:
    names = ("a_ubig", "a_wide", "a_decimal", "a_text", "a_blob", "a_date", "a_time", "a_moment")
    schema = pa.schema([table_of(shop, "everything").field(name) for name in names])
    got = read(shop, f"SELECT {', '.join(names)} FROM everything", schema).to_pylist()
    assert got[0] == {
        "a_ubig": 18446744073709551615,
        "a_wide": Decimal("1234567890123456789012345678.0123456789"),
        "a_decimal": Decimal("-1234567890123.45"),
        "a_text": "a\0ä",
        "a_blob": b"xy",
        "a_date": datetime.date(2024, 2, 29),
        "a_time": datetime.time(23, 59, 59, 999999),
        "a_moment": datetime.datetime(2024, 2, 28, 23, 2, 3, tzinfo=datetime.UTC),
    }
    assert set(got[1].values()) == {None}


@pytest.mark.parametrize(
    ("sql", "type_"),
    [
        ("SELECT d FROM infinite", pa.date32()),
        ("SELECT ts FROM infinite", pa.timestamp("us")),
        ("SELECT t FROM late", pa.time64("us")),
    ],
)
def test_what_arrow_cannot_hold_is_refused(
    sql: str, type_: pa.DataType, shop: DuckdbConnector
) -> None:
    with pytest.raises(SourceRejectedError, match="holds infinity or a time"):
        read(shop, sql, {"x": type_})


def test_a_result_without_columns_counts_rows(shop: DuckdbConnector) -> None:
    got = shop.execute(fragment("SELECT 1 FROM sales.orders", {}), None)
    assert sum(batch.num_rows for batch in got) == 10_000


def test_integers_become_the_decimals_that_were_planned(shop: DuckdbConnector) -> None:
    got = read(shop, "SELECT sum(id) FROM sales.orders", {"x": pa.decimal128(38, 2)})
    assert got.to_pylist() == [{"x": Decimal("49995000.00")}]


def test_columns_without_a_collation_are_read_as_they_are(shop: DuckdbConnector) -> None:
    found = shop.tables().find(TableName("sales", "orders"))
    assert found is not None
    assert [column.native_type for column in found.columns] == ["BIGINT", "INTEGER", "VARCHAR"]


# --- statistics ---


def test_statistics_need_no_scan(shop: DuckdbConnector) -> None:
    statistics = shop.statistics(TableName("sales", "orders"))
    assert statistics.rows == 10_000
    customer = statistics.columns["customer"]
    assert customer.distinct is not None
    assert 80 < customer.distinct < 120
    assert (customer.minimum, customer.maximum) == (0, 99)
    assert statistics.columns["note"].minimum is None
    assert statistics.size_bytes == 10_000 * (8 + 4 + 12)


def test_nothing_is_known_of_views_and_missing_tables(shop: DuckdbConnector) -> None:
    assert shop.statistics(TableName("main", "a_view")).rows is None
    assert shop.statistics(TableName("main", "nothing")).rows is None


# --- streaming and stopping ---


def test_the_first_batch_leaves_before_the_last_is_made(shop: DuckdbConnector) -> None:
    batches = shop.execute(fragment(MANY, MANY_SCHEMA), None)
    stream = iter(batches)
    first = next(stream)
    assert first.num_rows
    # What comes quickly is gathered, within bounds.
    sizes = [next(stream).nbytes for _ in range(20)]
    assert max(sizes) < 4 << 20
    batches.close()
    with pytest.raises(CancelledError):
        next(stream)


@pytest.mark.parametrize("sql", [SILENT, "SELECT count(*) AS n FROM range(100000000000) r(i)"])
def test_a_cancel_reaches_the_engine_while_it_is_silent(sql: str, shop: DuckdbConnector) -> None:
    batches = shop.execute(fragment(sql, NUMBER), None)
    threading.Timer(0.05, batches.cancel).start()
    with pytest.raises(CancelledError):
        list(batches)


def test_a_cancel_before_the_start_does_nothing_else(shop: DuckdbConnector) -> None:
    batches = shop.execute(fragment(SILENT, NUMBER), None)
    batches.cancel()
    with pytest.raises(CancelledError):
        list(batches)


def test_a_close_from_another_thread_ends_a_stream(shop: DuckdbConnector) -> None:
    batches = shop.execute(fragment(MANY, MANY_SCHEMA), None)
    stream = iter(batches)
    next(stream)
    closer = threading.Thread(target=batches.close)
    closer.start()
    with pytest.raises(CancelledError):
        for _ in stream:
            pass
    closer.join()
    batches.close()


def test_a_stream_that_is_left_gives_its_connection_back(shop: DuckdbConnector) -> None:
    for _ in shop.execute(fragment(MANY, MANY_SCHEMA), None):
        break
    shop.close()


def test_a_deadline_ends_what_is_silent(shop: DuckdbConnector) -> None:
    with pytest.raises(DeadlineError):
        list(shop.execute(fragment(SILENT, NUMBER), time.monotonic() + 0.05))
    with pytest.raises(DeadlineError):
        list(shop.execute(fragment(SILENT, NUMBER), time.monotonic() - 1))


def test_a_deadline_ends_a_stream(shop: DuckdbConnector) -> None:
    with pytest.raises(DeadlineError):
        for _ in shop.execute(fragment(MANY, MANY_SCHEMA), time.monotonic() + 0.2):
            pass


def test_batches_are_read_once(shop: DuckdbConnector) -> None:
    batches = shop.execute(fragment("SELECT 1::BIGINT AS n", NUMBER), None)
    assert len(list(batches)) == 1
    with pytest.raises(InternalError):
        list(batches)


def test_queries_run_at_once_and_do_not_stop_each_other(shop: DuckdbConnector) -> None:
    silent = shop.execute(fragment(SILENT, NUMBER), None)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            list(silent)
        except CrosswindError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(20):
        other = shop.execute(fragment(MANY, MANY_SCHEMA), None)
        next(iter(other))
        other.close()
        assert read(shop, "SELECT 1::BIGINT AS n", NUMBER).num_rows == 1
    assert thread.is_alive()
    silent.cancel()
    thread.join()
    assert [type(error) for error in failures] == [CancelledError]


def test_closing_ends_the_engines_own_threads(connect: Callable[..., DuckdbConnector]) -> None:
    tasks = Path("/proc/self/task")
    before = len(list(tasks.iterdir()))
    connector = connect(threads=8)
    read(connector, "SELECT 1::BIGINT AS n", NUMBER)
    assert len(list(tasks.iterdir())) >= before + 7
    connector.close()
    assert len(list(tasks.iterdir())) <= before
    with pytest.raises(SourceUnavailableError, match="was closed"):
        read(connector, "SELECT 1::BIGINT AS n", NUMBER)


def test_closing_waits_for_no_query_and_frees_the_file_with_the_last(
    shop: DuckdbConnector,
) -> None:
    batches = shop.execute(fragment("SELECT id FROM sales.orders", {"id": pa.int64()}), None)
    stream = iter(batches)
    first = next(stream)
    shop.close()
    assert first.num_rows + sum(batch.num_rows for batch in stream) == 10_000


def test_work_beyond_its_memory_is_refused_with_the_way_out(
    connect: Callable[..., DuckdbConnector],
) -> None:
    shop = connect(memory_limit_mb=64)
    sql = "SELECT len(list(repeat('x', 1000) || i)) AS n FROM range(1000000) r(i)"
    with pytest.raises(SourceRejectedError, match="memory_limit_mb"):
        read(shop, sql, NUMBER)
    assert read(shop, "SELECT 1::BIGINT AS n", NUMBER).num_rows == 1


# --- faults ---


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT x FROM nothing", SourceSchemaChangedError),
        ("SELECT nothing FROM everything", SourceSchemaChangedError),
        ("SELECT an_int + a_list FROM everything", SourceSchemaChangedError),
        ("SELECT a_text::INTEGER FROM everything", SourceRejectedError),
        ("SELECT 9223372036854775807 + an_int FROM everything", SourceRejectedError),
        ("SELECT error('no') FROM everything", SourceRejectedError),
        ("SELEC 1", SourceRejectedError),
        ("CREATE TABLE t (i INTEGER)", SourceRejectedError),
    ],
)
def test_failures_have_a_class_and_name_the_source(
    sql: str, kind: type[CrosswindError], shop: DuckdbConnector
) -> None:
    with pytest.raises(kind) as caught:
        read(shop, sql, NUMBER)
    assert caught.value.source == "shop"
    assert "\n" not in str(caught.value)
    assert sql not in str(caught.value)


def test_a_column_of_another_type_than_planned_is_a_changed_schema(shop: DuckdbConnector) -> None:
    with pytest.raises(SourceSchemaChangedError, match="was planned as"):
        read(shop, "SELECT a_text FROM everything", NUMBER)
    with pytest.raises(SourceSchemaChangedError, match="2 columns"):
        read(shop, "SELECT 1, 2", NUMBER)
    not_null = pa.schema([pa.field("n", pa.int8(), nullable=False)])
    with pytest.raises(SourceSchemaChangedError, match="holds NULL"):
        read(shop, "SELECT a_tiny FROM everything", not_null)


def test_a_missing_file_says_where_it_was_looked_for(
    connect: Callable[..., DuckdbConnector], tmp_path: Path
) -> None:
    shop = connect(tmp_path / "none.duckdb")
    for ask in (shop.tables().names, lambda: read(shop, "SELECT 1", NUMBER)):
        with pytest.raises(SourceUnavailableError, match=r"none\.duckdb.*No such file.*uri"):
            ask()
    assert shop.statistics(TableName("main", "t")).rows is None
    assert not (tmp_path / "none.duckdb").exists()


def test_what_is_no_database_is_refused(
    connect: Callable[..., DuckdbConnector], tmp_path: Path
) -> None:
    junk = tmp_path / "junk.duckdb"
    junk.write_bytes(b"hello" * 10_000)
    with pytest.raises(SourceRejectedError, match="not a DuckDB database"):
        connect(junk).tables().names()
    text = tmp_path / "text.csv"
    text.write_text("a,b\n1,2\n")
    for name in ("text.csv", "text.duckdb"):  # DuckDB would make a view of the first.
        text = text.rename(tmp_path / name)
        with pytest.raises(SourceRejectedError, match=r"not a DuckDB database.*Set uri to a file"):
            connect(text).tables().names()
    with pytest.raises(SourceRejectedError, match="is not a file"):
        connect(tmp_path).tables().names()
    other = sqlite3.connect(tmp_path / "notes.db")
    other.execute("CREATE TABLE notes (id)")
    other.close()
    with pytest.raises(SourceRejectedError, match=r'SQLite made it\. Set connector = "sqlite"'):
        connect(tmp_path / "notes.db").tables().names()


def test_a_macro_that_hides_a_function_is_refused(file: Path, shop: DuckdbConnector) -> None:
    write(file, "CREATE SCHEMA other", "CREATE MACRO other.sum(x) AS 1", "CREATE MACRO own(x) AS 1")
    assert shop.tables().names()
    shop.close()
    write(file, "CREATE MACRO sum(x) AS 1", 'CREATE MACRO "LENGTH"(x) AS 1')
    with pytest.raises(SourceRejectedError, match=r"own functions: length, sum.*Rename them"):
        create("shop", {"uri": str(file)}).tables().names()


def test_a_file_named_like_its_schema_says_so(
    connect: Callable[..., DuckdbConnector], tmp_path: Path
) -> None:
    path = tmp_path / "sales.duckdb"
    write(path, "CREATE SCHEMA sales", "CREATE TABLE sales.sales.t AS SELECT 1::BIGINT AS n")
    with pytest.raises(SourceRejectedError, match="Rename the file"):
        read(connect(path), 'SELECT n FROM "sales"."t"', NUMBER)


def test_a_file_that_another_process_writes_says_so(file: Path, shop: DuckdbConnector) -> None:
    program = (
        "import duckdb, sys\nc = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        with pytest.raises(SourceUnavailableError, match=rf"PID {writer.pid}.*one process write"):
            shop.tables().names()
        writer.stdin.close()
        writer.wait()
    assert shop.tables().names()


def test_a_file_that_another_process_reads_is_read_too(file: Path, shop: DuckdbConnector) -> None:
    program = "import duckdb, sys\nduckdb.connect(sys.argv[1], read_only=True).execute('FROM late')"
    assert shop.tables().names()
    subprocess.run([sys.executable, "-c", program, str(file)], check=True)


def test_two_sources_may_have_one_file(connect: Callable[..., DuckdbConnector]) -> None:
    first, second = connect(threads=1), connect(threads=2, memory_limit_mb=128)
    assert first.tables().names() == second.tables().names()
    first.close()
    assert read(second, "SELECT count(*) FROM sales.orders", NUMBER).to_pylist() == [{"n": 10_000}]


def test_a_file_put_in_its_place_is_noticed(
    file: Path, shop: DuckdbConnector, tmp_path: Path
) -> None:
    running = shop.execute(fragment("SELECT id FROM sales.orders", {"id": pa.int64()}), None)
    stream = iter(running)
    rows = next(stream).num_rows
    assert shop.statistics(TableName("sales", "orders")).rows == 10_000
    other = tmp_path / "other.duckdb"
    write(other, "CREATE SCHEMA sales", "CREATE TABLE sales.orders AS SELECT 'x' AS id")
    other.replace(file)
    # What runs goes on with the file that it began with.
    assert rows + sum(batch.num_rows for batch in stream) == 10_000
    assert [str(name) for name in shop.tables().names()] == ["sales.orders"]
    assert table_of(shop, "orders", "sales") == pa.schema([("id", pa.string())])
    assert shop.statistics(TableName("sales", "orders")).rows == 1
    with pytest.raises(SourceSchemaChangedError, match="was planned as int64"):
        read(shop, "SELECT id FROM sales.orders", {"id": pa.int64()})
    with pytest.raises(SourceSchemaChangedError):
        read(shop, "SELECT customer FROM sales.orders", {"customer": pa.int32()})


def test_nothing_is_written_and_no_extension_fetched(shop: DuckdbConnector, file: Path) -> None:
    setting = "SELECT current_setting('{}')::VARCHAR AS v"
    values = {
        name: read(shop, setting.format(name), {"v": pa.string()}).to_pylist()[0]["v"]
        for name in ("access_mode", "autoinstall_known_extensions", "TimeZone")
    }
    assert values == {
        "access_mode": "read_only",
        "autoinstall_known_extensions": "false",
        "TimeZone": "UTC",
    }
    assert sorted(p.name for p in file.parent.iterdir()) == [file.name]


def test_the_reader_is_what_the_contract_says(shop: DuckdbConnector) -> None:
    batches = shop.execute(fragment("SELECT 1::BIGINT AS n", NUMBER), None)
    assert isinstance(batches, QueryBatches)
    batches.close()
    batches.close()
    with pytest.raises(CancelledError):
        list(batches)
