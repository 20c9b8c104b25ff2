"""A fragment at PostgreSQL ends when it is told to, in every phase, and frees the server."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

import pyarrow as pa
import pytest

from connectors.adbc.postgres import PostgresConnector
from connectors.errors import (
    CancelledError,
    DeadlineError,
    SourceRejectedError,
    SourceTimeoutError,
)
from tests.connectors.shop import (
    ENDLESS,
    ENDLESS_SCHEMA,
    SLEEP,
    TEXT,
    Reader,
    batches,
    one,
    read,
    sessions,
    silent_listener,
)
from tests.execution.waiting import eventually
from tests.postgres_server import PostgresServer


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
