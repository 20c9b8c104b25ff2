"""The flightsql connector over another Crosswind: streams, stopping, faults, circles."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flight_server
from connectors.adbc.flightsql import FlightsqlConnector, create
from connectors.contract import Fragment, TableName, TableScan
from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    InternalError,
    InvalidValueError,
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from flight_server.config import Config
from tests.child_server import ChildServer
from tests.connectors.far import (
    MANY,
    MANY_SCHEMA,
    NUMBER,
    RUNNING,
    SILENT,
    configured,
    connections,
    fragment,
    one,
    port_of,
    read,
)
from tests.connectors.relay import relay
from tests.execution.waiting import eventually
from tests.postgres_server import free_port
from tests.processes import started

INTEGERS = pa.schema([("i", pa.int64())])
TABLE_SCAN = Fragment(TableScan(TableName("main", "t"), ("a",)), pa.schema([("a", pa.int64())]))


# --- streaming and stopping ---


def test_a_result_without_columns_counts_rows(west: FlightsqlConnector) -> None:
    got = west.execute(fragment("SELECT 1 FROM duck.main.orders", {}), None)
    assert sum(batch.num_rows for batch in got) == 10_000


def test_batches_of_the_right_type_are_not_copied(west: FlightsqlConnector) -> None:
    (first, *_) = west.execute(
        fragment("SELECT id FROM duck.main.orders", {"id": pa.int64()}), None
    )
    before = pa.total_allocated_bytes()
    assert first.nbytes > 0
    again = west.execute(fragment("SELECT i FROM duck.main.big", {"i": pa.int64()}), None)
    assert sum(batch.num_rows for batch in again) == 500_000
    # The driver's memory is its own: nothing of 24 MB went through Arrow's pool here.
    assert pa.total_allocated_bytes() - before < 1 << 20


def test_a_crosswind_compresses_what_it_sends_of_a_fragment(far: ChildServer) -> None:
    received_bytes = {}
    with relay(port_of(far.url)) as link:
        connector = create("west", {"uri": f"grpc://127.0.0.1:{link.port}"})
        connector.tables().names()
        assert connector.capabilities.compressions == (None, "lz4", "zstd")
        # A connection that has sent one thing compressed sends the next as it is asked to.
        for compression in ("zstd", None, "lz4"):
            before_bytes = link.received_bytes
            wanted = fragment("SELECT i FROM duck.main.big WHERE i < 500000", INTEGERS)
            batches = connector.execute(replace(wanted, compression=compression), None)
            got = pa.Table.from_batches(list(batches), INTEGERS)
            assert sorted(got["i"].to_pylist()) == list(range(500_000))
            received_bytes[compression] = link.received_bytes - before_bytes
        connector.close()
    assert received_bytes[None] > 8 * 500_000
    for compression in ("zstd", "lz4"):
        assert received_bytes[compression] < received_bytes[None] * 0.7


@pytest.mark.parametrize(
    ("option", "compressions"), [("none", (None,)), ("lz4", ("lz4",)), ("zstd", ("zstd",))]
)
def test_how_a_crosswind_compresses_can_be_configured(
    option: str,
    compressions: tuple[str | None, ...],
    connect_far: Callable[..., FlightsqlConnector],
) -> None:
    connector = connect_far(compression=option)
    assert connector.capabilities.compressions == (None,), "nothing is known of the server yet"
    connector.tables().names()
    assert connector.capabilities.compressions == compressions


def test_the_first_batch_leaves_before_the_last_is_made(west: FlightsqlConnector) -> None:
    batches = west.execute(fragment(MANY, MANY_SCHEMA), None)
    stream = iter(batches)
    assert next(stream).num_rows
    batches.close()
    with pytest.raises(CancelledError):
        next(stream)


def test_a_large_result_takes_bounded_memory(west: FlightsqlConnector) -> None:
    process = psutil.Process()
    gc.collect()
    before, read_bytes = process.memory_info().rss, 0
    batches = west.execute(fragment(MANY, MANY_SCHEMA), None)
    for batch in batches:
        read_bytes += batch.nbytes
        if read_bytes > 500 << 20:
            break
    grown = process.memory_info().rss - before
    batches.close()
    assert grown < 150 << 20


def test_a_slow_reader_holds_the_server_up(west: FlightsqlConnector, far: ChildServer) -> None:
    batches = west.execute(fragment(MANY, MANY_SCHEMA), None)
    next(iter(batches))
    sizes = [far.memory_bytes]
    for _ in range(20):
        one(west)
        sizes.append(far.memory_bytes)
    batches.close()
    assert max(sizes) - sizes[0] < 150 << 20


@pytest.mark.parametrize("stop", ["cancel", "close"])
@pytest.mark.parametrize("sql", [SILENT, MANY])
def test_a_stop_reaches_the_far_server(stop: str, sql: str, west: FlightsqlConnector) -> None:
    schema = NUMBER if sql is SILENT else MANY_SCHEMA
    for _ in range(RUNNING + 1):
        batches = west.execute(fragment(sql, schema), None)
        timer = threading.Timer(0.05, getattr(batches, stop))
        timer.start()
        with pytest.raises(CancelledError):
            for _ in batches:
                pass
        timer.join()
    # One that still ran there would keep this one out.
    one(west)


def test_a_cancel_before_the_start_does_nothing_else(west: FlightsqlConnector) -> None:
    batches = west.execute(fragment(SILENT, NUMBER), None)
    batches.cancel()
    with pytest.raises(CancelledError):
        list(batches)


def test_a_stream_that_is_left_ends(west: FlightsqlConnector) -> None:
    for _ in range(RUNNING + 1):
        for _ in west.execute(fragment(MANY, MANY_SCHEMA), None):
            break
    one(west)


def test_a_deadline_ends_what_is_silent_and_what_streams(west: FlightsqlConnector) -> None:
    for sql, schema in ((SILENT, NUMBER), (MANY, MANY_SCHEMA)):
        with pytest.raises(DeadlineError):
            for _ in west.execute(fragment(sql, schema), time.monotonic() + 0.2):
                pass
    with pytest.raises(DeadlineError):
        list(west.execute(fragment(SILENT, NUMBER), time.monotonic() - 1))
    one(west)


def test_the_sources_own_timeout_ends_a_query(
    connect_far: Callable[..., FlightsqlConnector],
) -> None:
    connector = connect_far(timeout_seconds=0.2)
    connector.tables().names()
    with pytest.raises(SourceTimeoutError, match=r"'west': the server took longer than 0\.2 s"):
        list(connector.execute(fragment(SILENT, NUMBER), None))
    one(connector)


def test_batches_are_read_once(west: FlightsqlConnector) -> None:
    batches = west.execute(fragment("SELECT CAST(1 AS BIGINT) AS n", NUMBER), None)
    assert len(list(batches)) == 1
    with pytest.raises(InternalError):
        list(batches)


def test_queries_run_at_once_and_do_not_stop_each_other(west: FlightsqlConnector) -> None:
    silent = west.execute(fragment(SILENT, NUMBER), None)
    failures: list[BaseException] = []

    def run() -> None:
        try:
            list(silent)
        except CrosswindError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(3):
        other = west.execute(fragment(MANY, MANY_SCHEMA), None)
        next(iter(other))
        other.close()
        one(west)
    assert thread.is_alive()
    silent.cancel()
    thread.join()
    assert [type(error) for error in failures] == [CancelledError]


def test_closing_ends_every_connection(
    far: ChildServer, connect_far: Callable[..., FlightsqlConnector]
) -> None:
    gc.collect()
    port = port_of(far.url)
    before = connections(port)
    connector = connect_far()
    connector.tables().names()
    batches = connector.execute(fragment(MANY, MANY_SCHEMA), None)
    stream = iter(batches)
    next(stream)
    assert connections(port) > before
    connector.close()
    next(stream)
    batches.close()
    eventually(lambda: connections(port) == before)
    with pytest.raises(SourceUnavailableError, match="was closed"):
        one(connector)


# --- faults ---


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        ("SELECT * FROM duck.main.nowhere", SourceSchemaChangedError, "does not exist"),
        ("SELECT nowhere FROM duck.main.orders", SourceSchemaChangedError, "nowhere"),
        ("SELEC 1", SourceRejectedError, "cannot start with"),
        ("SELECT 1 / (count(*) - 3) AS n FROM lake.main.nested", InvalidValueError, "by zero"),
        ("SELECT 1 AS a, 2 AS b", SourceSchemaChangedError, "2 columns where 1"),
        ("SELECT 'a' AS n", SourceSchemaChangedError, "is string at the source"),
    ],
)
def test_what_the_server_refuses_names_source_and_reason(
    sql: str, error: type[CrosswindError], message: str, west: FlightsqlConnector
) -> None:
    with pytest.raises(error, match=message) as refused:
        read(west, sql, NUMBER)
    assert refused.value.source == "west"
    assert "Detail" not in str(refused.value)
    assert "Python" not in str(refused.value)


def test_a_source_of_the_source_is_named_too(
    tmp_path: Path, connect_far: Callable[..., FlightsqlConnector]
) -> None:
    absent = {"shop": {"connector": "duckdb", "uri": str(tmp_path / "absent.duckdb")}}
    with flight_server.serve(Config.from_mapping(configured(absent))) as server:
        connector = connect_far(server.url)
        with pytest.raises(SourceError, match=r"source 'west': its source 'shop': .*absent"):
            connector.tables().find(TableName("main", "t"))


def test_nobody_listens(connect_far: Callable[..., FlightsqlConnector]) -> None:
    connector = connect_far(f"grpc://127.0.0.1:{free_port()}")
    with pytest.raises(SourceUnavailableError, match=r"cannot be reached: .*connection refused"):
        connector.tables().names()


def test_a_server_that_never_answers_is_not_waited_for(
    connect_far: Callable[..., FlightsqlConnector],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connector = connect_far(f"grpc://127.0.0.1:{silent.getsockname()[1]}", wait_seconds=0.2)
        with pytest.raises(SourceError, match="'west'"):
            connector.tables().names()
        batches = connector.execute(TABLE_SCAN, time.monotonic() + 0.1)
        with pytest.raises(DeadlineError):
            list(batches)
        batches = connector.execute(TABLE_SCAN, None)
        threading.Timer(0.05, batches.cancel).start()
        with pytest.raises(CancelledError):
            list(batches)


def test_a_server_that_dies_in_mid_stream_and_comes_back(
    tmp_path: Path,
    far_sources: dict[str, dict[str, object]],
    connect_far: Callable[..., FlightsqlConnector],
) -> None:
    port = free_port()
    config = tmp_path / "far.toml"
    config.write_text(
        f'[server]\nlisten = "grpc://127.0.0.1:{port}"\n'
        f'[sources.duck]\nconnector = "duckdb"\nuri = "{far_sources["duck"]["uri"]}"\n'
    )
    connector = connect_far(f"grpc://127.0.0.1:{port}")
    with started("serve", "-c", str(config), cwd=tmp_path) as server:
        server.wait_for("ready on")
        connector.tables().names()
        stream = iter(connector.execute(fragment(MANY, MANY_SCHEMA), None))
        next(stream)
    with pytest.raises(SourceUnavailableError, match="the connection to the server broke"):
        for _ in stream:
            pass
    with pytest.raises(SourceUnavailableError, match="connection refused"):
        one(connector)
    with started("serve", "-c", str(config), cwd=tmp_path) as server:
        server.wait_for("ready on")
        one(connector)


# --- circles ---


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Two servers, `a` and `b`, each with a file and with the other as a source; their urls."""
    pq.write_table(pa.table({"i": [1, 2]}), tmp_path / "t.parquet")
    ports = {"a": free_port(), "b": free_port()}
    with ExitStack() as stack:
        for name, other in (("a", "b"), ("b", "a")):
            sources = {
                f"lake_{name}": {"connector": "files", "root": str(tmp_path)},
                other: {"connector": "flightsql", "uri": f"grpc://127.0.0.1:{ports[other]}"},
            }
            config = configured(sources, listen=f"grpc://127.0.0.1:{ports[name]}")
            stack.enter_context(flight_server.serve(Config.from_mapping(config)))
        yield {name: f"grpc://127.0.0.1:{port}" for name, port in ports.items()}


@pytest.mark.parametrize(("one", "other"), [("a", "b"), ("b", "a")])
def test_servers_that_are_sources_of_each_other_list_what_is_not_their_own(
    one: str, other: str, circle: dict[str, str]
) -> None:
    connector = create("entry", {"uri": circle[one]})
    names = [str(name) for name in connector.tables().names()]
    connector.close()
    assert names == sorted([f"lake_{one}.main.t", f"{other}.lake_{other}.main.t"])


def test_a_question_that_comes_round_is_refused(circle: dict[str, str]) -> None:
    with flightsql.connect(circle["a"], autocommit=True) as client, client.cursor() as cursor:
        for sql, rows in [
            ('SELECT count(*) FROM b."lake_b.main".t', [(2,)]),
            ("SELECT count(*) FROM lake_a.main.t", [(2,)]),
        ]:
            cursor.execute(sql)
            assert cursor.fetchall() == rows
        with pytest.raises(adbc_driver_manager.Error, match="the server would ask itself"):
            cursor.execute('SELECT count(*) FROM b."a.lake_a.main".t')
        # It is in both, and said so, after each was asked for it once.
        with pytest.raises(adbc_driver_manager.Error, match=r"ambiguous|does not exist"):
            cursor.execute("SELECT count(*) FROM t")
