"""The postgres connector against a real server: types, catalog, stopping, faults, limits."""

from __future__ import annotations

import contextlib
import datetime
import gc
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import adbc_driver_postgresql
import pyarrow as pa
import pytest

from connectors import registry
from connectors.adbc.postgres import PostgresConnector, catalog, create
from connectors.adbc.postgres.endpoint import parse
from connectors.adbc.postgres.reader import QueryBatches
from connectors.adbc.postgres.session import Session, SettingsLostError
from connectors.contract import Connector, Fragment, SqlQuery, TableName, TableScan
from connectors.errors import (
    CancelledError,
    ConfigurationError,
    CrosswindError,
    DeadlineError,
    InternalError,
    QueueFullError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
    UnsupportedError,
)
from tests.postgres_server import PostgresServer, free_port

DATABASE = __name__.replace(".", "_")
# In the select list, because in FROM the server collects a function's rows before it sends any.
ENDLESS = "SELECT generate_series(1, 100000000), repeat('x', 100)"
ENDLESS_SCHEMA = pa.schema([("i", pa.int32()), ("x", pa.string())])
SLEEP = "SELECT CAST(pg_sleep(600) AS text)"
TEXT = pa.schema([("x", pa.string())])

# The embedded server has no ICU, which alone makes collations nondeterministic: one is declared so.
TABLES = """
CREATE TYPE mood AS ENUM ('sad', 'glad')
CREATE DOMAIN cents AS numeric(15, 2)
CREATE DOMAIN price AS cents NOT NULL
CREATE COLLATION folded (provider = libc, locale = 'C')
CREATE TABLE everything (
  a_bool bool, a_int2 int2, a_int4 int4 NOT NULL, a_int8 int8, a_float4 float4, a_float8 float8,
  a_text text, a_varchar varchar(10), an_open_varchar varchar, a_bpchar bpchar(3), a_name name,
  a_char "char", a_date date, a_timestamp timestamp(3), a_timestamptz timestamptz, a_time time,
  a_bytea bytea, a_numeric numeric(15, 2), a_wide_numeric numeric(50, 10), an_open_numeric numeric,
  a_thousands numeric(2, -3), a_uuid uuid, a_json json, a_jsonb jsonb, a_mood mood, a_price price,
  an_inet inet, an_interval interval, an_array int4[], a_folded text COLLATE folded)
CREATE TABLE "Odd ""name"" é" ("a b" int PRIMARY KEY, "Ü" text)
CREATE TABLE no_columns ()
CREATE TABLE parts (id int, region text NOT NULL) PARTITION BY LIST (region)
CREATE TABLE parts_eu PARTITION OF parts FOR VALUES IN ('eu')
CREATE TABLE parts_us PARTITION OF parts FOR VALUES IN ('us')
CREATE VIEW a_view AS SELECT a_int4, a_numeric FROM everything
CREATE MATERIALIZED VIEW a_matview AS SELECT a_int4 FROM everything
CREATE FOREIGN DATA WRAPPER nothing
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing
CREATE FOREIGN TABLE abroad (a int NOT NULL) SERVER elsewhere
CREATE SCHEMA sales
CREATE TABLE sales.orders AS
  SELECT i AS id, i % 100 AS customer, CASE WHEN i % 4 = 0 THEN NULL ELSE 'abcdefgh' END AS note
  FROM generate_series(1, 10000) i
INSERT INTO parts
  SELECT i, CASE WHEN i % 2 = 0 THEN 'eu' ELSE 'us' END FROM generate_series(1, 1000) i
UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'folded'
ANALYZE sales.orders
ANALYZE parts
"""


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer, postgres_uri: str) -> str:
    statements = TABLES.replace("\n  ", " ").strip().splitlines()
    postgres_server.execute(*statements, database=DATABASE)
    return postgres_uri


@pytest.fixture
def connect(database: str) -> Iterator[Callable[..., PostgresConnector]]:
    """Makes connectors to the module's database; closes them, and nothing may be left."""
    before = set(threading.enumerate())
    made: list[PostgresConnector] = []

    def make(uri: str = database, **options: object) -> PostgresConnector:
        made.append(create("shop", {"uri": uri, **options}))
        return made[-1]

    yield make
    for connector in made:
        connector.close()
    eventually(lambda: set(threading.enumerate()) <= before)


@pytest.fixture
def shop(connect: Callable[..., PostgresConnector]) -> PostgresConnector:
    return connect()


@pytest.fixture
def fragile_server() -> Iterator[PostgresServer]:
    directory = Path(tempfile.mkdtemp(prefix="crosswind-pg-"))
    server = PostgresServer(directory / "data", {"max_connections": "10"})
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory)


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something holds, with a bound that is far beyond what it takes."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        pause.wait(0.005)


def batches(
    connector: PostgresConnector, sql: str, schema: pa.Schema, deadline: float | None = None
) -> QueryBatches:
    return connector.execute(Fragment(SqlQuery(sql), schema), deadline)


def read(connector: PostgresConnector, sql: str, schema: pa.Schema) -> pa.Table:
    found = list(batches(connector, sql, schema))
    assert all(batch.schema.equals(schema, check_metadata=True) for batch in found)
    return pa.Table.from_batches(found, schema)


def one(connector: PostgresConnector, sql: str, type_: pa.DataType) -> object:
    return read(connector, sql, pa.schema([("x", type_)]))["x"].to_pylist()[0]


def sessions(server: PostgresServer, where: str = "true") -> int:
    """Sessions of the connector that the server has now."""
    rows = server.execute(
        f"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crosswind' AND {where}"
    )
    return int(str(rows[0][0]))


@contextlib.contextmanager
def silent_listener() -> Iterator[tuple[int, list[socket.socket]]]:
    """A server that takes connections and never says a word; its port, and what it took."""
    accepted: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted.append(listener.accept()[0])

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1], accepted
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in accepted:
                connection.close()


class Reader(threading.Thread):
    """Reads batches in a thread of its own; keeps the rows and what was raised."""

    def __init__(self, source: QueryBatches) -> None:
        super().__init__(daemon=True)
        self.source = source
        self.rows = 0
        self.error: BaseException | None = None
        self.complete = False
        self.start()

    def run(self) -> None:
        try:
            for batch in self.source:
                self.rows += batch.num_rows
            self.complete = True
        except BaseException as error:
            self.error = error

    def finish(self) -> BaseException | None:
        self.join(20)
        assert not self.is_alive()
        return self.error


# Contract ---------------------------------------------------------------------------------------


def test_it_is_a_connector_and_constructing_one_does_no_io() -> None:
    connector = create("shop", {"uri": "postgresql://nobody@127.0.0.1:1/nowhere"})
    assert isinstance(connector, Connector)
    assert connector.capabilities.dialect == "postgres"
    assert connector.capabilities.max_connections == 8
    assert connector.tables().default_schema == "public"
    connector.close()
    connector.close()


def test_a_table_scan_is_refused_before_any_io() -> None:
    connector = create("shop", {"uri": "postgresql://nobody@127.0.0.1:1/nowhere"})
    scan = TableScan(TableName("public", "t"), ("a",))
    with pytest.raises(UnsupportedError, match="shop"):
        connector.execute(Fragment(scan, TEXT), None)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "uri"),
        ({"uri": "postgresql:///x", "max_conections": 3}, "max_conections"),
        ({"uri": "postgresql:///x", "max_connections": 0}, "max_connections"),
        ({"uri": "postgresql:///x", "timeout_seconds": -1}, "timeout_seconds"),
        ({"uri": "mysql://u:hunter2@h/x"}, "postgresql://"),
        ({"uri": "postgresql://u:hunter2@h:port/x"}, "port"),
        ({"uri": "hunter2"}, "uri"),
        ({"uri": ["hunter2"]}, "uri"),
    ],
)
def test_wrong_options_are_named_without_their_values(
    options: Mapping[str, object], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named) as caught:
        registry.create("postgres", "shop", options)
    assert "shop" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_in_no_text_of_the_connector() -> None:
    uri = "postgresql://ann:s3cret%21@db1:5433/shop"
    connector = create("shop", {"uri": uri})
    for text in (repr(connector), str(connector), connector.identity, repr(vars(connector))):
        assert "s3cret" not in text
    assert "db1" in repr(connector)


def test_identity_is_equal_for_one_login_at_one_database_only() -> None:
    def identity(uri: str) -> str:
        return create("x", {"uri": uri}).identity

    base = identity("postgresql://ann:one@db1/shop")
    assert base == identity("postgresql://ann:one@db1:5432/shop?application_name=other")
    assert base == identity("host=db1 user=ann password=one dbname=shop")
    for other in ("ann:two@db1/shop", "bob:one@db1/shop", "ann:one@db2/shop", "ann:one@db1/x"):
        assert base != identity(f"postgresql://{other}")


def test_connection_strings_are_read_as_libpq_reads_them() -> None:
    assert parse("postgres://u@[::1]:5433,b:5434/d?sslmode=require").parameters == {
        "user": "u",
        "host": "::1,b",
        "port": "5433,5434",
        "dbname": "d",
        "sslmode": "require",
    }
    conninfo = parse(r"host=h password='it\'s a \\ secret'").conninfo()
    assert parse(conninfo).parameters["password"] == r"it's a \ secret"


# Types ------------------------------------------------------------------------------------------


def test_types_and_native_types_of_columns(shop: PostgresConnector) -> None:
    table = shop.tables().find(TableName("public", "everything"))
    assert table is not None
    found = {c.name: (c.native_type, c.type) for c in table.columns}
    text = pa.string()
    assert found == {
        "a_bool": ("bool", pa.bool_()),
        "a_int2": ("int2", pa.int16()),
        "a_int4": ("int4", pa.int32()),
        "a_int8": ("int8", pa.int64()),
        "a_float4": ("float4", pa.float32()),
        "a_float8": ("float8", pa.float64()),
        "a_text": ("text", text),
        "a_varchar": ("varchar(10)", text),
        "an_open_varchar": ("varchar", text),
        "a_bpchar": ("bpchar(3)", text),
        "a_name": ("name", text),
        "a_char": ("char", text),
        "a_date": ("date", pa.date32()),
        "a_timestamp": ("timestamp", pa.timestamp("us")),
        "a_timestamptz": ("timestamptz", pa.timestamp("us", tz="UTC")),
        "a_time": ("time", pa.time64("us")),
        "a_bytea": ("bytea", pa.binary()),
        "a_numeric": ("numeric(15,2)", pa.decimal128(15, 2)),
        "a_wide_numeric": ("numeric(50,10)", pa.decimal256(50, 10)),
        "an_open_numeric": ("numeric", pa.decimal128(38, 18)),
        "a_thousands": ("numeric(2,-3)", pa.decimal128(5, 0)),
        "a_uuid": ("uuid", text),
        "a_json": ("json", text),
        "a_jsonb": ("jsonb", text),
        "a_mood": ("public.mood", text),
        "a_price": ("numeric(15,2)", pa.decimal128(15, 2)),
        "an_inet": ("inet", text),
        "an_interval": ("interval", text),
        "an_array": ("_int4", text),
        "a_folded": ("text nondeterministic", text),
    }
    assert [c.name for c in table.columns if not c.nullable] == ["a_int4"]


@pytest.mark.parametrize(
    ("sql", "type_", "value"),
    [
        ("true", pa.bool_(), True),
        ("'-32768'::int2", pa.int16(), -32768),
        ("7::int2", pa.int64(), 7),
        ("'-9223372036854775808'::int8", pa.int64(), -(2**63)),
        ("1.5::float4", pa.float64(), 1.5),
        ("'-0.1'::float8", pa.float64(), -0.1),
        ("'é\U0001f600'::text", pa.string(), "é\U0001f600"),
        ("''::text", pa.string(), ""),
        ("'ab'::bpchar(3)", pa.string(), "ab "),
        ("'ab'::name", pa.string(), "ab"),
        ("'0001-01-01'::date", pa.date32(), datetime.date(1, 1, 1)),
        (
            "'1969-12-31 23:59:59.999999'::timestamp",
            pa.timestamp("us"),
            datetime.datetime(1969, 12, 31, 23, 59, 59, 999999),
        ),
        (
            "'2024-07-01 02:00:00+02'::timestamptz",
            pa.timestamp("us", tz="UTC"),
            datetime.datetime(2024, 7, 1, tzinfo=datetime.UTC),
        ),
        ("'23:59:59.5'::time", pa.time64("us"), datetime.time(23, 59, 59, 500000)),
        (r"'\x00ff'::bytea", pa.binary(), b"\x00\xff"),
        (
            "'0b0e5ad6-6c3c-4ac4-a2d5-6d3f1d1c9b11'::uuid::text",
            pa.string(),
            "0b0e5ad6-6c3c-4ac4-a2d5-6d3f1d1c9b11",
        ),
        ("""'{"a": 1}'::json""", pa.string(), '{"a": 1}'),
        ("'glad'::mood::text", pa.string(), "glad"),
        ("'1 day'::interval::text", pa.string(), "1 day"),
        ("'2024-07-01 00:00:00+00'::timestamptz::text", pa.string(), "2024-07-01 00:00:00+00"),
    ],
)
def test_values_and_nulls_come_back_as_they_are(
    shop: PostgresConnector, sql: str, type_: pa.DataType, value: object
) -> None:
    sql = f"SELECT v FROM (VALUES (1, {sql}), (2, NULL)) t (i, v) ORDER BY i"
    assert read(shop, sql, pa.schema([("x", type_)]))["x"].to_pylist() == [value, None]


@pytest.mark.parametrize("cast", ["", "::text"])
@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("99999999999999999999999999999999999999", pa.decimal128(38, 0)),
        ("-99999999999999999999999999999999999999", pa.decimal128(38, 0)),
        ("0.01234567890123456789012345678901234567", pa.decimal128(38, 38)),
        ("-12345678901234567890.123456789012345678", pa.decimal128(38, 18)),
        ("9" * 66 + "." + "9" * 10, pa.decimal256(76, 10)),
        ("-0.01", pa.decimal128(15, 2)),
        ("1.5", pa.decimal128(15, 2)),
        ("100000", pa.decimal128(15, 2)),
        ("0", pa.decimal128(15, 2)),
    ],
)
def test_numerics_are_exact(
    shop: PostgresConnector, text: str, type_: pa.DataType, cast: str
) -> None:
    assert one(shop, f"SELECT '{text}'::numeric{cast}", type_) == Decimal(text)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("cast", ["", "::text"])
def test_numerics_that_no_decimal_holds_are_refused_by_column(
    shop: PostgresConnector, value: str, cast: str
) -> None:
    with pytest.raises(SourceRejectedError, match=r"shop.*column 'x'.*NaN"):
        one(shop, f"SELECT '{value}'::numeric{cast}", pa.decimal128(15, 2))


def test_a_numeric_that_does_not_fit_fails_and_is_not_rounded(shop: PostgresConnector) -> None:
    for value in ("1.234", "12345.5"):
        with pytest.raises(SourceRejectedError, match=r"column 'x'.*fit"):
            one(shop, f"SELECT {value}::numeric::text", pa.decimal128(5, 2))


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        ("'infinity'::timestamp", pa.timestamp("us")),
        ("'-infinity'::timestamptz", pa.timestamp("us", tz="UTC")),
        ("'294276-12-31'::timestamp", pa.timestamp("us")),
        ("'infinity'::date", pa.date32()),
        ("'-infinity'::date", pa.date32()),
        ("'24:00'::time", pa.time64("us")),
    ],
)
def test_times_that_arrow_does_not_have_are_refused_by_column(
    shop: PostgresConnector, value: str, type_: pa.DataType
) -> None:
    with pytest.raises(SourceRejectedError, match=r"shop.*column 'x'.*infinity"):
        one(shop, f"SELECT {value}", type_)


def test_the_earliest_and_latest_times_pass(shop: PostgresConnector) -> None:
    schema = pa.schema([("a", pa.date32()), ("b", pa.timestamp("us")), ("c", pa.time64("us"))])
    sql = "SELECT '4714-11-24 BC'::date, '4714-11-24 BC'::timestamp, '23:59:59.999999'::time"
    table = read(shop, sql, schema)
    assert table["a"].cast(pa.int32()).to_pylist() == [-2440588]
    assert table["c"].to_pylist() == [datetime.time(23, 59, 59, 999999)]


def test_an_integer_sum_may_come_as_numeric(shop: PostgresConnector) -> None:
    assert one(shop, "SELECT sum(i::int8) FROM generate_series(1, 3) i", pa.int64()) == 6


@pytest.mark.parametrize(
    ("sql", "schema"),
    [
        ("SELECT 1, 2", TEXT),
        ("SELECT 'a'::text", pa.schema([("x", pa.int32())])),
        ("SELECT 1.5::float8", pa.schema([("x", pa.int32())])),
        ("SELECT 1::int4", TEXT),
        ("SELECT now()", pa.schema([("x", pa.timestamp("us"))])),
        ("SELECT NULL::int4", pa.schema([pa.field("x", pa.int32(), nullable=False)])),
        ("SELECT nope FROM everything", TEXT),
        ("SELECT 1 FROM nope", TEXT),
        ("SELECT nope(1)", TEXT),
    ],
)
def test_what_is_not_as_planned_is_a_changed_schema(
    shop: PostgresConnector, sql: str, schema: pa.Schema
) -> None:
    with pytest.raises(SourceSchemaChangedError, match="shop"):
        read(shop, sql, schema)


def test_a_changed_schema_makes_the_catalog_ask_again(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    name = TableName("public", "changing")
    postgres_server.execute("CREATE TABLE changing (a int)", database=DATABASE)
    assert shop.tables().find(name) is not None
    assert name in shop.tables().names()
    postgres_server.execute("DROP TABLE changing", database=DATABASE)
    assert shop.tables().find(name) is not None  # as cached
    with pytest.raises(SourceSchemaChangedError):
        read(shop, "SELECT a FROM changing", pa.schema([("a", pa.int32())]))
    assert shop.tables().find(name) is None
    assert name not in shop.tables().names()


def test_batches_have_exactly_the_schema_of_the_fragment(shop: PostgresConnector) -> None:
    schema = pa.schema(
        [
            pa.field("Renamed", pa.int64(), nullable=False),
            pa.field("price", pa.decimal128(15, 2)),
            pa.field("note", pa.string()),
        ]
    )
    sql = "SELECT id, CAST(id * 1.25 AS numeric(15, 2)), note FROM sales.orders ORDER BY id"
    table = read(shop, sql, schema)
    assert table.num_rows == 10000
    assert table.slice(3, 1).to_pylist() == [{"Renamed": 4, "price": Decimal("5.00"), "note": None}]


def test_no_rows_and_no_columns(shop: PostgresConnector) -> None:
    assert read(shop, "SELECT 'x'::text WHERE false", TEXT).num_rows == 0
    counted = list(batches(shop, "SELECT 1 FROM sales.orders", pa.schema([])))
    assert sum(batch.num_rows for batch in counted) == 10000


def test_a_long_result_comes_in_batches_of_a_few_megabytes(shop: PostgresConnector) -> None:
    source = iter(batches(shop, ENDLESS, ENDLESS_SCHEMA))
    assert [next(source).nbytes < 8 << 20 for _ in range(3)] == [True] * 3
    source.close()  # type: ignore[attr-defined]


def test_batches_are_read_once(shop: PostgresConnector) -> None:
    source = batches(shop, "SELECT 'a'::text", TEXT)
    assert len(list(source)) == 1
    with pytest.raises(InternalError):
        list(source)


# Catalog ----------------------------------------------------------------------------------------


def test_names_are_all_tables_and_views_sorted_without_system_ones(shop: PostgresConnector) -> None:
    assert [str(name) for name in shop.tables().names()] == [
        'public.Odd "name" é',
        "public.a_matview",
        "public.a_view",
        "public.abroad",
        "public.everything",
        "public.no_columns",
        "public.parts",
        "public.parts_eu",
        "public.parts_us",
        "sales.orders",
    ]


def test_kinds_and_nullability(shop: PostgresConnector) -> None:
    def found(schema: str, name: str) -> tuple[str, list[tuple[str, bool]]]:
        table = shop.tables().find(TableName(schema, name))
        assert table is not None
        return table.kind, [(c.name, c.nullable) for c in table.columns]

    assert found("public", "a_view") == ("VIEW", [("a_int4", True), ("a_numeric", True)])
    assert found("public", "a_matview") == ("MATERIALIZED VIEW", [("a_int4", True)])
    assert found("public", "abroad") == ("FOREIGN TABLE", [("a", True)])
    assert found("public", "parts") == ("TABLE", [("id", True), ("region", False)])
    assert found("public", 'Odd "name" é') == ("TABLE", [("a b", False), ("Ü", True)])
    assert found("public", "no_columns") == ("TABLE", [])


def test_a_not_null_that_was_never_validated_is_no_promise(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    version = postgres_server.execute("SELECT current_setting('server_version_num')")[0][0]
    if int(str(version)) < 180000:
        pytest.skip("PostgreSQL 18 brought NOT NULL constraints that are not validated")
    postgres_server.execute(
        "CREATE TABLE unsure (a int)",
        "INSERT INTO unsure VALUES (NULL)",
        "ALTER TABLE unsure ADD CONSTRAINT later NOT NULL a NOT VALID",
        database=DATABASE,
    )
    try:
        table = shop.tables().find(TableName("public", "unsure"))
    finally:
        postgres_server.execute("DROP TABLE unsure", database=DATABASE)
    assert table is not None
    assert table.columns[0].nullable


def test_missing_names_are_none_whatever_they_hold(shop: PostgresConnector) -> None:
    for schema, name in (("public", "nope"), ("pg_catalogue", "x"), ("'; DROP", '"\\$1')):
        assert shop.tables().find(TableName(schema, name)) is None


def test_a_column_that_was_added_is_seen_after_a_while(
    shop: PostgresConnector, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = TableName("public", "growing")
    postgres_server.execute("CREATE TABLE growing (a int)", database=DATABASE)
    try:
        monkeypatch.setattr(catalog, "_KNOWN_SECONDS", 0.0)
        assert name in shop.tables().names()
        found = shop.tables().find(name)
        assert found is not None
        assert [column.name for column in found.columns] == ["a"]
        postgres_server.execute("ALTER TABLE growing ADD COLUMN b int", database=DATABASE)
        found = shop.tables().find(name)
        assert found is not None
        assert [column.name for column in found.columns] == ["a", "b"]
    finally:
        postgres_server.execute("DROP TABLE growing", database=DATABASE)
    assert name not in shop.tables().names()
    assert shop.tables().find(name) is None


def test_schemas_limits_what_exists(connect: Callable[..., PostgresConnector]) -> None:
    tables = connect(schemas=["sales"], default_schema="sales").tables()
    assert tables.default_schema == "sales"
    assert tables.names() == (TableName("sales", "orders"),)
    assert tables.find(TableName("public", "everything")) is None
    assert tables.find(TableName("sales", "orders")) is not None


def test_what_a_role_may_not_read_is_not_listed(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    postgres_server.execute("CREATE ROLE guest LOGIN", database=DATABASE)
    postgres_server.execute("GRANT SELECT ON parts TO guest", database=DATABASE)
    try:
        guest = connect(postgres_server.uri(DATABASE, user="guest"))
        assert guest.tables().names() == (TableName("public", "parts"),)
        with pytest.raises(SourceRejectedError, match="permission denied"):
            read(guest, "SELECT a_text FROM everything", TEXT)
        guest.close()
    finally:
        postgres_server.execute("DROP OWNED BY guest", "DROP ROLE guest", database=DATABASE)


def test_statistics_are_in_the_units_of_the_contract(shop: PostgresConnector) -> None:
    found = shop.statistics(TableName("sales", "orders"))
    assert found.rows == 10000
    assert found.columns["id"].distinct == 10000
    assert found.columns["customer"].distinct == 100
    assert found.columns["note"].null_fraction == pytest.approx(0.25, abs=0.01)
    assert found.columns["id"].width_bytes == 8
    assert found.size_bytes == pytest.approx(10000 * (2 + 8 + 8 + 4 + 0.75 * 9), rel=0.05)


def test_statistics_of_a_partitioned_table_count_its_partitions(shop: PostgresConnector) -> None:
    found = shop.statistics(TableName("public", "parts"))
    assert found.rows == 1000
    assert found.columns["region"].distinct == 2


def test_statistics_that_are_not_there_are_unknown(shop: PostgresConnector) -> None:
    for name in ("everything", "a_view", "nope"):
        found = shop.statistics(TableName("public", name))
        assert (found.rows, found.size_bytes, dict(found.columns)) == (None, None, {})


# Read-only --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE sales.orders SET id = 0 RETURNING note",
        "DELETE FROM sales.orders RETURNING note",
        "WITH d AS (DELETE FROM sales.orders RETURNING note) SELECT note FROM d",
        "CREATE TABLE written (a int)",
        "SELECT 'a'::text; DELETE FROM sales.orders",
        "SELECT lo_creat(-1)::text",
    ],
)
def test_nothing_can_be_written(shop: PostgresConnector, sql: str) -> None:
    with pytest.raises(SourceRejectedError, match="shop"):
        read(shop, sql, TEXT)
    count = read(shop, "SELECT count(*) FROM sales.orders", pa.schema([("n", pa.int64())]))
    assert count["n"].to_pylist() == [10000]


def test_a_uri_cannot_switch_read_only_off(
    connect: Callable[..., PostgresConnector], database: str
) -> None:
    shop = connect(f"{database}&options=-c%20default_transaction_read_only%3Doff")
    assert one(shop, "SELECT current_setting('transaction_read_only')", pa.string()) == "on"
    assert one(shop, "SELECT current_setting('transaction_isolation')", pa.string()) == (
        "repeatable read"
    )


def test_a_connection_that_lost_its_settings_is_refused(database: str) -> None:
    with adbc_driver_postgresql.connect(database) as bare, pytest.raises(SettingsLostError):
        Session(bare)


# Stopping ---------------------------------------------------------------------------------------


def test_cancel_while_executing_frees_the_server(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    source = batches(shop, SLEEP, TEXT)
    reader = Reader(source)
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 1)
    source.cancel()
    source.cancel()
    assert isinstance(reader.finish(), CancelledError)
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 0)
    assert one(shop, "SELECT 'next'::text", pa.string()) == "next"


def test_cancel_in_mid_stream_between_two_batches(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    source = batches(shop, ENDLESS, ENDLESS_SCHEMA)
    reading = iter(source)
    next(reading)
    source.cancel()
    with pytest.raises(CancelledError):
        for _ in reading:
            pass
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 0)
    assert one(shop, "SELECT 'next'::text", pa.string()) == "next"


def test_cancel_in_mid_stream_never_looks_complete(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    for wanted in (1, 2, 5, 10):
        source = batches(shop, ENDLESS, ENDLESS_SCHEMA)
        reader = Reader(source)
        eventually(lambda r=reader, n=wanted: r.rows > n * 10000)  # type: ignore[misc]
        source.cancel()
        assert isinstance(reader.finish(), CancelledError)
        assert not reader.complete
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 0)


def test_cancel_before_reading(shop: PostgresConnector, postgres_server: PostgresServer) -> None:
    source = batches(shop, SLEEP, TEXT)
    source.cancel()
    with pytest.raises(CancelledError):
        list(source)
    assert sessions(postgres_server) == 0


def test_cancel_after_the_end_does_nothing(shop: PostgresConnector) -> None:
    source = batches(shop, "SELECT 'a'::text", TEXT)
    assert len(list(source)) == 1
    source.cancel()
    source.close()
    assert one(shop, "SELECT 'next'::text", pa.string()) == "next"


def test_cancel_while_waiting_for_a_connection(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect(max_connections=1)
    first, second = batches(shop, SLEEP, TEXT), batches(shop, SLEEP, TEXT)
    holder = Reader(first)
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 1)
    waiter = Reader(second)
    eventually(lambda: len(shop._pool._waiting) == 1)
    second.cancel()
    assert isinstance(waiter.finish(), CancelledError)
    assert holder.is_alive()
    first.close()
    assert isinstance(holder.finish(), CancelledError)


def test_cancel_while_connecting(connect: Callable[..., PostgresConnector]) -> None:
    with silent_listener() as (port, accepted):
        shop = connect(f"postgresql://u@127.0.0.1:{port}/d")
        source = batches(shop, SLEEP, TEXT)
        reader = Reader(source)
        eventually(lambda: len(accepted) > 0)
        source.cancel()
        assert isinstance(reader.finish(), CancelledError)


def test_an_abandoned_stream_frees_the_server(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    for _ in batches(shop, ENDLESS, ENDLESS_SCHEMA):
        break
    gc.collect()
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 0)
    assert one(shop, "SELECT 'next'::text", pa.string()) == "next"


def test_close_between_batches_frees_the_connection_at_once(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect(max_connections=1)
    source = batches(shop, ENDLESS, ENDLESS_SCHEMA)
    reading = iter(source)
    next(reading)
    source.close()
    assert shop._pool._total == 0
    assert one(shop, "SELECT 'next'::text", pa.string()) == "next"
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 0)


def test_a_cancel_never_hits_another_query(connect: Callable[..., PostgresConnector]) -> None:
    """Short queries and cancels race on one connection; a query that nobody cancelled succeeds."""
    shop = connect(max_connections=1)
    sql = "SELECT i FROM generate_series(1, 2000) i"
    schema = pa.schema([("i", pa.int32())])
    for turn in range(150):
        source = batches(shop, sql, schema)
        reader = Reader(source)
        threading.Event().wait(turn % 15 / 5000)  # varies where the cancel arrives
        source.cancel()
        error = reader.finish()
        assert isinstance(error, CancelledError) or (reader.complete and reader.rows == 2000)
        assert read(shop, sql, schema).num_rows == 2000


def test_a_deadline_stops_every_phase(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect(max_connections=1)
    with pytest.raises(DeadlineError):
        list(batches(shop, SLEEP, TEXT, time.monotonic() - 1))
    assert sessions(postgres_server) == 0
    with pytest.raises(DeadlineError, match="shop"):
        list(batches(shop, SLEEP, TEXT, time.monotonic() + 0.2))
    with pytest.raises(DeadlineError):
        list(batches(shop, ENDLESS, ENDLESS_SCHEMA, time.monotonic() + 0.2))
    holder = batches(shop, SLEEP, TEXT)
    reader = Reader(holder)
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 1)
    with pytest.raises(DeadlineError):
        list(batches(shop, SLEEP, TEXT, time.monotonic() + 0.1))
    holder.close()
    reader.finish()


def test_the_timeout_of_the_source_is_not_the_deadline(
    connect: Callable[..., PostgresConnector],
) -> None:
    shop = connect(timeout_seconds=0.2)
    with pytest.raises(SourceTimeoutError, match="shop"):
        list(batches(shop, SLEEP, TEXT, time.monotonic() + 60))
    assert one(shop, "SELECT 'next'::text", pa.string()) == "next"


def test_a_failure_in_mid_stream_is_an_error_and_the_connection_survives(
    connect: Callable[..., PostgresConnector],
) -> None:
    shop = connect(max_connections=1)
    with pytest.raises(SourceRejectedError, match=r"division by zero.*22012"):
        read(
            shop,
            "SELECT 1 / (500000 - i) FROM (SELECT generate_series(1, 1000000) AS i) t",
            pa.schema([("x", pa.int32())]),
        )
    assert one(shop, "SELECT 'next'::text", pa.string()) == "next"


# Pool -------------------------------------------------------------------------------------------


def test_the_maximum_holds_for_queries_and_metadata_together(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect(max_connections=3)
    # Before its first connection the driver makes one of its own, to read the server's types.
    assert one(shop, "SELECT 'a'::text", pa.string()) == "a"
    most = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            most.append(sessions(postgres_server))

    def work(number: int) -> None:
        for _ in range(5):
            shop.tables().refresh()
            assert shop.tables().find(TableName("sales", "orders")) is not None
            assert one(shop, f"SELECT '{number}'::text", pa.string()) == str(number)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(16) as threads:
            for result in [threads.submit(work, number) for number in range(16)]:
                result.result()
    finally:
        done.set()
        watcher.join()
    assert 1 <= max(most) <= 3
    assert sessions(postgres_server) == 3


def test_connections_are_reused_and_left_idle_outside_any_transaction(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    pids = {one(shop, "SELECT pg_backend_pid()::text", pa.string()) for _ in range(5)}
    assert len(pids) == 1
    eventually(lambda: sessions(postgres_server, "state = 'idle'") == 1)
    assert sessions(postgres_server) == 1


def test_no_connection_in_time_is_a_full_queue(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect(max_connections=1, wait_seconds=0.1)
    source = batches(shop, SLEEP, TEXT)
    reader = Reader(source)
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 1)
    with pytest.raises(QueueFullError, match="shop"):
        read(shop, "SELECT 'a'::text", TEXT)
    source.close()
    assert isinstance(reader.finish(), CancelledError)


def test_close_ends_every_connection(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect()
    assert one(shop, "SELECT 'a'::text", pa.string()) == "a"
    source = batches(shop, SLEEP, TEXT)
    reader = Reader(source)
    eventually(lambda: sessions(postgres_server, "state = 'active'") == 1)
    shop.close()
    with pytest.raises(SourceUnavailableError, match="closed"):
        read(shop, "SELECT 'a'::text", TEXT)
    source.close()
    reader.finish()
    eventually(lambda: sessions(postgres_server) == 0)
    assert shop._pool._database is None


# Faults -----------------------------------------------------------------------------------------


def test_a_restarted_server_is_used_again(
    connect: Callable[..., PostgresConnector], fragile_server: PostgresServer
) -> None:
    for end in (fragile_server.stop, fragile_server.kill):
        shop = connect(fragile_server.uri())
        with ThreadPoolExecutor(4) as threads:
            sql = "SELECT CAST(pg_sleep(0.05) AS text)"
            list(threads.map(read, [shop] * 4, [sql] * 4, [TEXT] * 4))
        end()
        with pytest.raises(SourceUnavailableError, match="shop"):
            read(shop, "SELECT 'a'::text", TEXT)
        with pytest.raises(SourceUnavailableError, match="shop"):
            shop.tables().names()
        fragile_server.start()
        assert one(shop, "SELECT 'again'::text", pa.string()) == "again"
        assert shop.tables().names() == ()
        shop.close()


def test_idle_connections_that_died_unseen_are_replaced(
    connect: Callable[..., PostgresConnector], fragile_server: PostgresServer
) -> None:
    shop = connect(fragile_server.uri())
    assert one(shop, "SELECT 'a'::text", pa.string()) == "a"
    fragile_server.stop()
    fragile_server.start()
    assert one(shop, "SELECT 'again'::text", pa.string()) == "again"
    fragile_server.kill()
    fragile_server.start()
    assert shop.tables().names() == ()


def test_a_frozen_server_holds_nobody(
    connect: Callable[..., PostgresConnector], fragile_server: PostgresServer
) -> None:
    shop = connect(fragile_server.uri(tcp=True), wait_seconds=0.5)
    assert one(shop, "SELECT 'a'::text", pa.string()) == "a"
    executing = batches(shop, SLEEP, TEXT)
    reader = Reader(executing)
    eventually(lambda: sessions(fragile_server, "state = 'active'") == 1)
    streaming = iter(batches(shop, ENDLESS, ENDLESS_SCHEMA))
    next(streaming)
    assert one(shop, "SELECT 'idle'::text", pa.string()) == "idle"
    with fragile_server.frozen():
        executing.cancel()
        assert isinstance(reader.finish(), CancelledError)
        streaming.close()  # type: ignore[attr-defined]
        with pytest.raises(DeadlineError):
            list(batches(shop, SLEEP, TEXT, time.monotonic() + 0.2))
        with pytest.raises(SourceUnavailableError, match="did not answer"):
            read(shop, "SELECT 'a'::text", TEXT)
        with pytest.raises(SourceUnavailableError, match="did not answer"):
            shop.tables().names()
    eventually(lambda: sessions(fragile_server, "state = 'active'") == 0)
    assert one(shop, "SELECT 'again'::text", pa.string()) == "again"


def test_a_server_that_dies_in_mid_stream_fails_the_query(
    connect: Callable[..., PostgresConnector], fragile_server: PostgresServer
) -> None:
    for end in (fragile_server.stop, fragile_server.kill):
        shop = connect(fragile_server.uri())
        reading = iter(batches(shop, ENDLESS, ENDLESS_SCHEMA))
        next(reading)
        end()
        with pytest.raises(SourceUnavailableError, match="shop"):
            for _ in reading:
                pass
        fragile_server.start()
        assert one(shop, "SELECT 'again'::text", pa.string()) == "again"
        shop.close()


def test_an_unreachable_server_is_unavailable_and_named(
    connect: Callable[..., PostgresConnector], tmp_path: Path
) -> None:
    for uri in (
        f"postgresql://u:s3cret@127.0.0.1:{free_port()}/d",
        f"postgresql://u:s3cret@/d?host={tmp_path}",
        "postgresql://u:s3cret@no.such.host.invalid/d",
    ):
        shop = connect(uri)
        for attempt in (
            lambda s=shop: read(s, "SELECT 'a'::text", TEXT),
            shop.tables().names,
            lambda s=shop: s.statistics(TableName("public", "t")),
        ):
            with pytest.raises(SourceUnavailableError, match="shop") as caught:
                attempt()
            assert caught.value.retryable
            assert_clean(caught.value, "s3cret")


def test_too_many_connections_at_the_server_is_unavailable(
    connect: Callable[..., PostgresConnector], fragile_server: PostgresServer
) -> None:
    first = connect(fragile_server.uri(), max_connections=50)
    sources = [batches(first, SLEEP, TEXT) for _ in range(12)]
    readers = [Reader(source) for source in sources]
    eventually(lambda: sum(not reader.is_alive() for reader in readers) >= 2)
    for source in sources:
        source.close()
    errors = [reader.finish() for reader in readers]
    refused = [e for e in errors if not isinstance(e, CancelledError)]
    assert refused
    assert all(isinstance(e, SourceUnavailableError) for e in refused)


def test_a_wrong_password_is_refused_without_showing_it(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    uri = postgres_server.require_password("locked", "right-one")
    try:
        good = connect(uri.replace("locked@", "locked:right-one@"))
        assert one(good, "SELECT 'in'::text", pa.string()) == "in"
        good.close()
        for login in ("locked:wr0ng@", "locked@"):
            bad = connect(uri.replace("locked@", login))
            with pytest.raises(SourceRejectedError, match="shop") as caught:
                read(bad, "SELECT 'in'::text", TEXT)
            assert_clean(caught.value, "wr0ng")
    finally:
        postgres_server.execute("DROP ROLE locked")


def test_unknown_databases_are_rejected(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    with pytest.raises(SourceRejectedError, match="does not exist"):
        read(connect(postgres_server.uri("nowhere")), "SELECT 'a'::text", TEXT)


def assert_clean(error: CrosswindError, secret: str) -> None:
    """Neither the message nor anything chained to it shows a secret or a connection string."""
    seen: BaseException | None = error
    while seen is not None:
        assert secret not in str(seen)
        assert "postgresql://" not in str(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
