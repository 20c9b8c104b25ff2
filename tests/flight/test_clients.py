"""What real clients do: ADBC, pandas, polars and pyarrow."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from connectors import registry
from flight_server.commands import encode
from flight_server.proto import flight_sql_pb2 as pb
from planner.catalog import Source
from tests.postgres_server import free_port

from .conftest import ITEMS, ONE, Running, Start
from .scripted import ScriptedTable, UnreachableConnector, rows
from .wire import prepare, read, statement


def test_adbc_reads_a_table_with_its_exact_types(running: Running) -> None:
    with running.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM items")
        table = cursor.fetch_arrow_table()
    assert table.schema.equals(ITEMS.schema)
    assert table.equals(ITEMS)


def test_adbc_streams_record_batches(running: Running) -> None:
    with running.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM shop.main.items")
        assert sum(batch.num_rows for batch in cursor.fetch_record_batch()) == 1000


def test_adbc_runs_one_cursor_many_times(running: Running) -> None:
    with running.connect() as connection, connection.cursor() as cursor:
        for _ in range(20):
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == [(1,)]
    assert running.planning.planned == ["SELECT 1"]
    assert len(running.queries.statements) == 0


def test_adbc_connects_without_transactions(running: Running) -> None:
    with warnings.catch_warnings():
        # The DB-API wants autocommit off; a server without transactions gets this warning.
        warnings.filterwarnings("ignore", "Cannot disable autocommit")
        with flightsql.connect(running.tcp) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == [(1,)]


def test_adbc_connects_with_user_and_password(running: Running) -> None:
    options = {"username": "ada", "password": "countess"}
    with running.connect(db_kwargs=options) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]


def test_pyarrow_connects_with_user_and_password(running: Running) -> None:
    with running.flight() as client:
        name, value = client.authenticate_basic_token("ada", "countess")
        assert name == b"authorization"
        options = fl.FlightCallOptions(headers=[(name, value)])
        assert client.get_schema(statement("SELECT 1"), options).schema.names


def test_adbc_asks_who_the_server_is(running: Running) -> None:
    with running.connect() as connection:
        info = connection.adbc_get_info()
    assert info["vendor_name"] == "Crosswind"
    assert info["vendor_version"] == "0.1.0"


@pytest.mark.parametrize("depth", ["catalogs", "db_schemas", "tables", "columns", "all"])
def test_adbc_lists_objects_at_every_depth(start: Start, depth: str) -> None:
    view = ScriptedTable(ONE.schema, rows(ONE), kind="VIEW")
    with start({"sales.recent": view}).connect() as connection:
        (shop,) = connection.adbc_get_objects(depth=depth).read_all().to_pylist()
    assert shop["catalog_name"] == "shop"
    if depth == "catalogs":
        return
    schemas = {s["db_schema_name"]: s["db_schema_tables"] for s in shop["catalog_db_schemas"]}
    assert list(schemas) == ["main", "sales"]
    if depth == "db_schemas":
        return
    assert [(t["table_name"], t["table_type"]) for t in schemas["main"]] == [
        ("items", "TABLE"),
        ("one", "TABLE"),
    ]
    assert [(t["table_name"], t["table_type"]) for t in schemas["sales"]] == [("recent", "VIEW")]
    if depth == "tables":
        return
    columns = [c["column_name"] for c in schemas["main"][0]["table_columns"]]
    assert columns == ["id", "name", "price", "kind"]


def test_adbc_filters_objects(running: Running) -> None:
    with running.connect() as connection:
        listed = connection.adbc_get_objects(
            depth="tables", catalog_filter="shop", db_schema_filter="ma%", table_name_filter="i%s"
        )
        (shop,) = listed.read_all().to_pylist()
    (schema,) = shop["catalog_db_schemas"]
    assert [table["table_name"] for table in schema["db_schema_tables"]] == ["items"]


def test_adbc_reads_one_tables_schema(running: Running) -> None:
    with running.connect() as connection:
        schema = connection.adbc_get_table_schema("items", db_schema_filter="main")
    assert schema.equals(ITEMS.schema)


def test_adbc_reads_the_schema_of_the_table_it_named(start: Start) -> None:
    """ADBC sends the name unescaped: `a_b` as a pattern matches `aab` too, which sorts first."""
    running = start({"aab": pa.table({"wrong": [1]}), "a_b": pa.table({"right": [1]})})
    with running.connect() as connection:
        assert connection.adbc_get_table_schema("a_b").names == ["right"]


def test_adbc_lists_table_types(running: Running) -> None:
    with running.connect() as connection:
        types = connection.adbc_get_table_types()
    assert {"TABLE", "VIEW"} <= set(types)


def test_adbc_is_told_that_there_is_no_current_catalog(running: Running) -> None:
    with running.connect() as connection, pytest.raises(flightsql.ProgrammingError):
        _ = connection.adbc_current_catalog


def test_adbc_cannot_bind_parameters(running: Running) -> None:
    with (
        running.connect() as connection,
        connection.cursor() as cursor,
        pytest.raises(flightsql.NotSupportedError, match="parameters are not supported"),
    ):
        cursor.execute("SELECT 1", parameters=(1,))


MANY_DICTIONARIES = pa.table({f"kind_{i}": ITEMS["kind"] for i in range(1000)})
"""Its client, told before it has sent them, says that it could not send them."""


@pytest.mark.parametrize("table", [ITEMS, MANY_DICTIONARIES], ids=["few columns", "dictionaries"])
def test_adbc_cannot_ingest(table: pa.Table, running: Running) -> None:
    for _ in range(5):
        with (
            running.connect() as connection,
            connection.cursor() as cursor,
            pytest.raises(flightsql.NotSupportedError, match="read-only"),
        ):
            cursor.adbc_ingest("new", table)


def test_one_who_reads_before_the_first_row_is_told_too(running: Running) -> None:
    """Nothing is waited for where the schema has no dictionaries."""
    command = encode(pb.CommandStatementIngest(table="new"))
    descriptor = fl.FlightDescriptor.for_command(command)
    with running.flight() as client:
        options = fl.FlightCallOptions(timeout=30)
        writer, reader = client.do_put(descriptor, pa.schema([("a", pa.int64())]), options)
        assert reader.read() is None
        with pytest.raises(pa.ArrowInvalid, match="does not say what to do"):
            writer.close()


def test_a_source_that_is_down_does_not_hide_the_others(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    running = start(others=(Source("down", UnreachableConnector("down", {})),))
    with running.connect() as connection:
        listed = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
    by_name = {catalog["catalog_name"]: catalog["catalog_db_schemas"] for catalog in listed}
    assert len(by_name["shop"][0]["db_schema_tables"]) == 2
    assert by_name["down"] == []
    assert "source 'down' is left out" in caplog.text


@pytest.mark.parametrize("sql", ["SELECT * FROM down.things", "SELECT * FROM things"])
def test_a_source_that_is_down_is_named_with_the_table(sql: str, start: Start) -> None:
    uri = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    running = start(others=(Source("down", registry.create("postgres", "down", {"uri": uri})),))
    with (
        running.connect() as connection,
        connection.cursor() as cursor,
        pytest.raises(flightsql.OperationalError) as failed,
    ):
        cursor.execute(sql)
    assert "[source.unavailable] source 'down', table public.things: " in str(failed.value)


def test_pandas_reads_sql(running: Running) -> None:
    """pandas first asks whether a table has the whole text as its name."""
    with running.connect() as connection:
        frame = pd.read_sql("SELECT * FROM items", connection)
    assert frame.shape == (1000, 4)
    assert frame["id"].sum() == 499500


def test_polars_reads_a_database_uri(running: Running) -> None:
    uri = f"flightsql://127.0.0.1:{running.server.port}?transport=tcp"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Cannot disable autocommit")
        frame = pl.read_database_uri("SELECT * FROM items", uri, engine="adbc")
    assert frame.shape == (1000, 4)
    assert frame["id"].sum() == 499500


def test_pyarrow_runs_a_statement(running: Running) -> None:
    with running.flight() as client:
        info = client.get_flight_info(statement("SELECT * FROM items"))
        assert (info.total_records, info.total_bytes) == (-1, -1)
        assert [endpoint.locations for endpoint in info.endpoints] == [[]]
        assert not running.connector.scans, "GetFlightInfo must plan only"
        table = read(client, pb.CommandStatementQuery(query="SELECT * FROM items"))
    assert table.equals(ITEMS)


def test_pyarrow_gets_the_schema_alone(running: Running) -> None:
    with running.flight() as client:
        assert client.get_schema(statement("SELECT * FROM items")).schema.equals(ITEMS.schema)


def test_pyarrow_prepares_once_and_reads_often(running: Running) -> None:
    with running.flight() as client:
        prepared = prepare(client, "SELECT * FROM items")
        assert prepared.HasField("is_update")
        assert not prepared.is_update
        assert pa.ipc.read_schema(pa.py_buffer(prepared.dataset_schema)).equals(ITEMS.schema)
        assert not prepared.parameter_schema
        for _ in range(3):
            command = pb.CommandPreparedStatementQuery(
                prepared_statement_handle=prepared.prepared_statement_handle
            )
            assert read(client, command).equals(ITEMS)


def test_a_prepared_command_is_a_ticket_too(running: Running) -> None:
    with running.flight() as client:
        handle = prepare(client, "SELECT * FROM items").prepared_statement_handle
        ticket = fl.Ticket(
            encode(pb.CommandPreparedStatementQuery(prepared_statement_handle=handle))
        )
        assert client.do_get(ticket).read_all().equals(ITEMS)


def test_explain_is_a_result_of_text_lines(running: Running) -> None:
    with running.connect() as connection, connection.cursor() as cursor:
        cursor.execute("EXPLAIN SELECT * FROM items")
        table = cursor.fetch_arrow_table()
        assert not running.connector.scans, "EXPLAIN must not run the query"
        cursor.execute("EXPLAIN ANALYZE SELECT * FROM items")
        analyzed = cursor.fetch_arrow_table()
    assert table.schema == pa.schema([pa.field("plan", pa.string(), nullable=False)])
    assert len(running.connector.scans) == 1
    assert analyzed.num_rows > table.num_rows


def test_an_empty_result_keeps_its_schema(start: Start) -> None:
    running = start({"empty": ITEMS.schema.empty_table()})
    with running.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM empty")
        table = cursor.fetch_arrow_table()
    assert table.num_rows == 0
    assert table.schema.names == ITEMS.schema.names


def test_thirty_two_clients_at_once(running: Running) -> None:
    def client(_: int) -> list[Any]:
        totals = []
        with running.connect() as connection, connection.cursor() as cursor:
            for _ in range(5):
                cursor.execute("SELECT * FROM items")
                totals.append(cursor.fetch_arrow_table().num_rows)
        return totals

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(client, range(32))) == [[1000] * 5] * 32
    assert running.queries.running == 0
    assert all(scan.closed.is_set() for scan in running.connector.scans)
