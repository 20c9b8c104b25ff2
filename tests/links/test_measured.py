"""Links of a running server: a real PostgreSQL at the end of one, which changes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pytest

import flight_server
from benchmarks.links.emulator import EmulatedLink, emulated
from flight_server import link_watch
from flight_server.config import Config
from flight_server.server import Server
from tests.postgres_server import HOST, PostgresServer

ROWS = 30_000
"""Of 200 bytes: 6 MB, three batches."""

LONG_ROWS = 1_000_000
"""That come by columns, in rows of the server's that make several batches each."""

BOUND_SECONDS = 60.0


@pytest.fixture(scope="module")
def link(postgres_server: PostgresServer) -> Iterator[EmulatedLink]:
    with postgres_server.database("far"):
        postgres_server.execute(
            "CREATE TABLE wide AS SELECT i, repeat(md5(i::text), 6) AS t"
            f" FROM generate_series(1, {ROWS}) i",
            "CREATE TABLE long AS SELECT i::bigint AS a, (i * 7)::bigint AS b,"
            f" (i % 90)::numeric(9, 2) AS c FROM generate_series(1, {LONG_ROWS}) i",
            "ANALYZE wide, long",
            database="far",
        )
        with emulated(f"{HOST}:{postgres_server.port}", rtt_ms=20, mbps=50) as link:
            yield link


@pytest.fixture(scope="module")
def far(link: EmulatedLink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("state")
    uri = f"postgresql://postgres@127.0.0.1:{link.port}/far"
    config = {
        "server": {"listen": "grpc://127.0.0.1:0", "state": str(state)},
        "sources": {"shop": {"connector": "postgres", "uri": uri}, "here": {"connector": "memory"}},
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(link_watch, "PATIENCE_SECONDS", (0.1, 1.0))
        with flight_server.serve(Config.from_mapping(config)) as server:
            yield server
    assert (state / "links.json").exists()


def _ask(server: Server, sql: str, **headers: str) -> list[tuple[Any, ...]]:
    prefix = "adbc.flight.sql.rpc.call_header.x-crosswind-"
    options = {f"{prefix}{name}": value for name, value in headers.items()}
    with (
        flightsql.connect(server.url, db_kwargs=options, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
        return cursor.fetchall()


def _link(server: Server) -> tuple[float, float]:
    """Round trip in ms, and Mbit/s."""
    sql = "SELECT rtt_ms, mbps FROM crosswind.links WHERE source = 'shop'"
    ((rtt_ms, mbps),) = _ask(server, sql)
    return rtt_ms, mbps


def _until(holds: Callable[[], bool], work: Callable[[], object] = lambda: None) -> None:
    until = time.monotonic() + BOUND_SECONDS
    while not holds():
        assert time.monotonic() < until
        work()
        time.sleep(0.01)


def _read_all(server: Server) -> None:
    assert len(_ask(server, "SELECT t FROM wide")) == ROWS


def test_a_link_is_known_soon_and_its_change_is_noticed(far: Server, link: EmulatedLink) -> None:
    of_here = "SELECT origin, rtt_ms, work_factor FROM crosswind.links WHERE source = 'here'"
    assert _ask(far, of_here) == [("local", None, 1.0)]

    def is_about(rtt_ms: float, mbps: float) -> bool:
        found = _link(far)
        return rtt_ms / 2 < found[0] < rtt_ms * 2 and mbps / 2 < found[1] < mbps * 2

    _until(lambda: is_about(20, 50), lambda: _read_all(far))
    version = far._queries.links.version
    link.change(rtt_ms=4, mbps=150)
    _until(lambda: is_about(4, 150), lambda: _read_all(far))
    assert far._queries.links.version > version


@pytest.mark.parametrize("columns", ["a, b", "c", "a, c"])
def test_what_comes_by_columns_tells_no_more_than_the_link_carries(
    columns: str, far: Server, link: EmulatedLink
) -> None:
    """Several batches come at once, of one message; long integers come short, decimals as text."""
    _until(lambda: _link(far)[1] < 200, lambda: _read_all(far))
    before = link.crossed()
    started = time.monotonic()
    for _ in range(2):
        with (
            flightsql.connect(far.url, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"SELECT {columns} FROM long")
            assert cursor.fetch_arrow_table().num_rows == LONG_ROWS
    took_seconds = time.monotonic() - started
    least = link.crossed().since(before).down_bytes * 8e-6 / took_seconds
    assert least / 1.5 < _link(far)[1] < 150 * 1.25


def test_a_session_supposes_a_link_for_itself_alone(far: Server) -> None:
    explain = "EXPLAIN SELECT t FROM wide"
    supposed = "\n".join(row[0] for row in _ask(far, explain, **{"link.shop.mbps": "10"}))
    assert "as if the link to shop had 10 Mbit/s" in supposed
    assert "as if the link" not in "\n".join(row[0] for row in _ask(far, explain))
    assert _link(far)[1] > 20


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("link.shpo.mbps", "10", "of a source that does not exist.*Nearest: shop"),
        ("link.shop.speed", "10", "there is no session option.*link.SOURCE.rtt_ms"),
        ("link.shop.mbps", "0", "cannot be .0..*a number from 0.001"),
        ("link.shop.rtt_ms", "nan", "cannot be .nan..*a number from 0"),
    ],
)
def test_what_cannot_be_supposed_is_said(
    far: Server, option: str, value: str, message: str
) -> None:
    with pytest.raises(flightsql.ProgrammingError) as refused:
        _ask(far, "SELECT count(*) FROM wide", **{option: value})
    assert re.search(message, str(refused.value).replace("\n", " "))


def test_links_are_a_table_like_any(far: Server) -> None:
    rows = _ask(
        far,
        "SELECT a.source, b.origin FROM crosswind.links a JOIN crosswind.links b USING (source)"
        " WHERE a.seen_at IS NULL OR a.samples > 0 ORDER BY 1 LIMIT 5",
    )
    assert [row[0] for row in rows] == ["here", "shop"]
