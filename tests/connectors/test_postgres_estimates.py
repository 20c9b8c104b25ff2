"""What PostgreSQL expects of a statement: asked when somebody wants to know, and nothing is run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pytest

import flight_server
from connectors.adbc.postgres import PostgresConnector
from connectors.contract import Estimates, Fragment, SqlQuery, TableName, TableScan
from connectors.errors import (
    DeadlineError,
    QueueFullError,
    SourceRejectedError,
    SourceTimeoutError,
    UnsupportedError,
)
from flight_server.config import Config
from tests.connectors.shop import SLEEP, TEXT, one, sessions
from tests.execution.waiting import eventually
from tests.postgres_server import PostgresServer

ORDERS = "SELECT id FROM sales.orders"


def fragment(sql: str) -> Fragment:
    return Fragment(SqlQuery(sql), pa.schema([("id", pa.int32())]))


@pytest.fixture
def shop(connect: Callable[..., PostgresConnector]) -> PostgresConnector:
    return connect()


def test_the_servers_planner_is_asked(shop: PostgresConnector) -> None:
    assert isinstance(shop, Estimates)
    whole = shop.estimate(fragment(ORDERS), None)
    assert whole.rows == 10_000
    assert whole.size_bytes == 40_000
    some = shop.estimate(fragment(f"{ORDERS} WHERE customer = 7"), None)
    assert some.rows is not None and some.rows < 500
    assert some.cost is not None and some.cost > 0


def test_nothing_runs_for_an_estimate(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    assert shop.estimate(fragment(SLEEP), None).rows == 1
    eventually(lambda: sessions(postgres_server, "state <> 'idle'") == 0)
    # Its limit of time was that transaction's.
    assert one(shop, "SELECT current_setting('statement_timeout')", pa.string()) == "0"


def test_an_estimate_is_remembered_until_the_tables_are_refreshed(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    first = shop.estimate(fragment(ORDERS), None)
    held = shop._pool.acquire()
    shop._pool.release(held)
    assert shop.estimate(fragment(ORDERS), None) is first
    shop._forget()
    assert shop.estimate(fragment(ORDERS), None) is not first
    for number in range(1_010):
        shop._estimates._known[str(number).encode()] = (0.0, first)
    shop.estimate(fragment(f"{ORDERS} WHERE id = 1"), None)
    assert len(shop._estimates._known) < 1_015


def test_an_estimate_is_bounded_in_time(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    shop = connect(max_connections=1)
    with pytest.raises(DeadlineError):
        shop.estimate(fragment(ORDERS), time.monotonic() - 1)
    held = shop._pool.acquire()
    with pytest.raises(QueueFullError):
        shop.estimate(fragment(ORDERS), time.monotonic() + 0.1)
    shop._pool.release(held)
    with postgres_server.frozen(), pytest.raises(SourceTimeoutError):
        shop.estimate(fragment(ORDERS), time.monotonic() + 0.2)
    eventually(lambda: shop.estimate(fragment(ORDERS), None).rows == 10_000)


def test_a_statement_that_fails_leaves_the_connection_as_it_was(shop: PostgresConnector) -> None:
    with pytest.raises(UnsupportedError):
        shop.estimate(Fragment(TableScan(TableName("sales", "orders"), ("id",)), TEXT), None)
    with pytest.raises(SourceRejectedError):
        shop.estimate(fragment("SELECT 1 +"), None)
    eventually(lambda: all(session.idle for session in shop._pool._idle))
    assert shop.estimate(fragment(ORDERS), None).rows == 10_000


def test_explain_shows_it_where_it_is_asked_for(shop_database: str) -> None:
    source = {"connector": "postgres", "uri": shop_database}
    config = Config.from_mapping(
        {"server": {"listen": "grpc://127.0.0.1:0"}, "sources": {"shop": source}}
    )
    with (
        flight_server.serve(config) as server,
        flightsql.connect(server.url, autocommit=True) as client,
        client.cursor() as cursor,
    ):

        def explained(options: str) -> str:
            cursor.execute(f"EXPLAIN {options} SELECT id FROM sales.orders")
            return "\n".join(row[0] for row in cursor.fetchall())

        assert "estimate:" not in explained("")
        assert "  source's own estimate: 10,000 rows, 40 kB, cost " in explained("ESTIMATES")
        (part,) = json.loads(explained("(ESTIMATES, ANALYZE, FORMAT json)"))["parts"]
        assert (part["estimated"]["rows"], part["ran"]["rows"]) == (10_000, 10_000)
        (part,) = json.loads(explained("(FORMAT json)"))["parts"]
        assert part["estimated"] is None
