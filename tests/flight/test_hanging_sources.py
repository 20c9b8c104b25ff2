"""A source that takes connections and never answers: planning ends with the query's time, and when
the client goes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow.flight as fl
import pytest

from connectors.errors import CancelledError, DeadlineError, QueueFullError
from flight_server.aside import Aside
from flight_server.config import Config
from flight_server.queries import Queries
from flight_server.server import Server
from flight_server.service import open_catalog, open_queries
from planner.asked import asking
from tests.postgres_server import PostgresServer

from .waiting import PATIENCE_SECONDS, reached
from .wire import statement

URIS = {
    "flightsql": "grpc://127.0.0.1:{}",
    "postgres": "postgresql://nobody@127.0.0.1:{}/none?sslmode=disable",
}


@contextmanager
def serving(connector: str, seconds: float | None) -> Iterator[tuple[Server, Queries]]:
    """A server with one source, which is a socket that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = URIS[connector].format(silent.getsockname()[1])
        server: dict[str, object] = {"listen": "grpc://127.0.0.1:0"}
        if seconds is not None:
            server["query_timeout_seconds"] = seconds
        config = Config.from_mapping(
            {"server": server, "sources": {"west": {"connector": connector, "uri": uri}}}
        )
        queries = open_queries(config, open_catalog(config))
        with Server(queries, "grpc://127.0.0.1:0") as running:
            yield running, queries
            silent.close()  # Then what is left behind ends.


@pytest.mark.parametrize("connector", sorted(URIS))
def test_planning_takes_no_longer_than_the_query_may(connector: str) -> None:
    with serving(connector, 0.2) as (server, _):
        tcp = server.url.replace("grpc://", "grpc+tcp://")
        with flightsql.connect(tcp, autocommit=True) as connection, connection.cursor() as cursor:
            with pytest.raises(flightsql.OperationalError) as failed:
                cursor.execute("SELECT * FROM west.main.items")
            said = "[limit.deadline] source 'west', table main.items: the query took longer than"
            assert said in str(failed.value)
            # The source is no hindrance to what does not ask it.
            cursor.execute("SELECT 1 AS one")
            assert cursor.fetchall() == [(1,)]


def test_who_waited_for_a_source_is_told_of_it(
    postgres_server: PostgresServer, postgres_uri: str
) -> None:
    postgres_server.execute(
        "CREATE VIEW slow AS SELECT pg_sleep(600)::text AS slept",
        database=__name__.replace(".", "_"),
    )
    config = Config.from_mapping(
        {
            "server": {"listen": "grpc://127.0.0.1:0", "query_timeout_seconds": 4},
            "sources": {"shop": {"connector": "postgres", "uri": postgres_uri}},
        }
    )
    queries = open_queries(config, open_catalog(config))
    with Server(queries, "grpc://127.0.0.1:0") as server:
        tcp = server.url.replace("grpc://", "grpc+tcp://")
        with (
            flightsql.connect(tcp, autocommit=True) as connection,
            connection.cursor() as cursor,
            pytest.raises(flightsql.Error) as failed,
        ):
            cursor.execute("SELECT slept FROM shop.public.slow")
            cursor.fetchall()
    assert "source 'shop', table public.slow: the query" in str(failed.value)


def test_planning_ends_when_its_client_goes() -> None:
    with serving("flightsql", None) as (server, queries), fl.connect(server.url) as client:
        soon = fl.FlightCallOptions(timeout=0.2)
        with pytest.raises(fl.FlightTimedOutError):
            client.get_flight_info(statement("SELECT * FROM west.main.items"), soon)
        reached(lambda: queries.aside.left == 1)


def test_what_is_left_behind_has_a_limit() -> None:
    end, aside = threading.Event(), Aside(None, most_in_all=2)
    for _ in range(2):
        with pytest.raises(CancelledError):
            aside.do(lambda: end.wait(PATIENCE_SECONDS), lambda: True)
    with pytest.raises(QueueFullError, match="2 statements are planned still"):
        aside.do(lambda: None, lambda: False)
    end.set()
    reached(lambda: aside.left == 0)
    assert aside.do(lambda: "done", lambda: False) == "done"


def test_a_source_at_which_much_was_left_is_asked_no_more_and_others_are() -> None:
    end, aside = threading.Event(), Aside(None, most_left=2)
    asked = threading.Semaphore(0)

    def ask(source: str, patience_seconds: float) -> str:
        with asking(source):
            asked.release()
            end.wait(patience_seconds)
            return source

    for _ in range(2):
        with pytest.raises(CancelledError):
            aside.do(lambda: ask("west", PATIENCE_SECONDS), lambda: True)
        assert asked.acquire(timeout=PATIENCE_SECONDS)
    with pytest.raises(QueueFullError, match="2 statements wait for an answer") as raised:
        aside.do(lambda: ask("west", 0), lambda: False)
    assert raised.value.source == "west"
    assert aside.do(lambda: ask("east", 0), lambda: False) == "east"
    end.set()
    reached(lambda: aside.left == 0)
    assert aside.do(lambda: ask("west", 0), lambda: False) == "west"


def test_planning_that_asks_nobody_has_the_time_of_a_query_too() -> None:
    end = threading.Event()
    with pytest.raises(DeadlineError, match=r"longer than 0.1 seconds, to plan"):
        Aside(0.1).do(lambda: end.wait(PATIENCE_SECONDS), lambda: False)
    end.set()
