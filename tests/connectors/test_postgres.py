"""The postgres connector against a real server: its contract, types and values."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal

import adbc_driver_postgresql
import pyarrow as pa
import pytest

from connectors import registry
from connectors.adbc.postgres import PostgresConnector, create
from connectors.adbc.postgres.endpoint import parse
from connectors.adbc.postgres.session import Session, SettingsLostError
from connectors.contract import Connector, Fragment, TableName, TableScan
from connectors.errors import (
    ConfigurationError,
    InternalError,
    SourceRejectedError,
    SourceSchemaChangedError,
    UnsupportedError,
)
from tests.connectors.shop import DATABASE, ENDLESS, ENDLESS_SCHEMA, TEXT, batches, one, read
from tests.postgres_server import PostgresServer

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
        "an_array": ("int4[]", pa.list_(pa.int32())),
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
    connect: Callable[..., PostgresConnector], shop_database: str
) -> None:
    shop = connect(f"{shop_database}&options=-c%20default_transaction_read_only%3Doff")
    assert one(shop, "SELECT current_setting('transaction_read_only')", pa.string()) == "on"
    assert one(shop, "SELECT current_setting('transaction_isolation')", pa.string()) == (
        "repeatable read"
    )


def test_statements_are_not_compiled(shop: PostgresConnector) -> None:
    assert one(shop, "SELECT current_setting('jit')", pa.string()) == "off"


def test_a_connection_that_lost_its_settings_is_refused(shop_database: str) -> None:
    with adbc_driver_postgresql.connect(shop_database) as bare, pytest.raises(SettingsLostError):
        Session(bare)
