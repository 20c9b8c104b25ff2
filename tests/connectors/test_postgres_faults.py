"""The connections of the postgres connector: how many, and what they survive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.adbc.postgres import PostgresConnector
from connectors.adbc.postgres.reader import CANCEL_SECONDS
from connectors.contract import TableName
from connectors.errors import (
    CancelledError,
    DeadlineError,
    QueueFullError,
    SourceRejectedError,
    SourceUnavailableError,
)
from tests.connectors.shop import (
    ENDLESS,
    ENDLESS_SCHEMA,
    SLEEP,
    TEXT,
    Reader,
    assert_clean,
    batches,
    one,
    read,
    sessions,
)
from tests.execution.waiting import eventually
from tests.postgres_server import PostgresServer, free_port

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
    # So long a connection may take to open, too, where others compute.
    shop = connect(max_connections=1, wait_seconds=1.0)
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
    assert not shop._pool._login._databases


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


def test_closing_waits_once_for_a_cancel_that_a_frozen_server_does_not_answer(
    connect: Callable[..., PostgresConnector],
    fragile_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stream is closed by its reader, by its thread and by its query, one after another."""
    shop = connect(fragile_server.uri(tcp=True))
    executing = batches(shop, SLEEP, TEXT)
    reader = Reader(executing)
    eventually(lambda: sessions(fragile_server, "state = 'active'") == 1)
    waits: list[float | None] = []
    join = threading.Thread.join

    def joined(thread: threading.Thread, timeout: float | None = None) -> None:
        if thread.name == "shop-cancel":
            waits.append(timeout)
        join(thread, timeout)

    with fragile_server.frozen():
        executing.cancel()
        monkeypatch.setattr(threading.Thread, "join", joined)
        for _ in range(3):
            executing.close()
        assert isinstance(reader.finish(), CancelledError)
    assert len(waits) == 3
    assert sum(wait or 0.0 for wait in waits) <= CANCEL_SECONDS


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
