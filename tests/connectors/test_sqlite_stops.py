"""SQLite cannot be interrupted: a statement that never gives a row holds up nobody but its file."""

from __future__ import annotations

import re
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager as adbc
import psutil
import pytest

from connectors.apart import Turns
from connectors.errors import CancelledError, QueueFullError
from tests.flight.waiting import reached
from tests.processes import BOUND_SECONDS, Process, started

WHOLE = "SELECT n FROM notes.endless"
CUT = "SELECT count(*) FROM notes.endless e JOIN notes.people p ON e.n = p.id"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("endless")
    with closing(sqlite3.connect(folder / "notes.db")) as connection, connection:
        connection.executescript(
            """
            CREATE TABLE people (id INTEGER PRIMARY KEY);
            INSERT INTO people VALUES (1), (2);
            CREATE VIEW endless AS WITH RECURSIVE counted(n) AS
              (SELECT 1 UNION ALL SELECT n + 1 FROM counted) SELECT max(n) AS n FROM counted;
            """
        )
    return folder


@contextmanager
def served(folder: Path, **server: float) -> Iterator[tuple[Process, Any]]:
    """A serving process that runs one query at a time, and a client of it."""
    keys = {"max_concurrent_queries": 1, "drain_seconds": 0.1, **server}
    lines = [
        "[server]",
        'listen = "grpc://127.0.0.1:0"',
        *(f"{key} = {value}" for key, value in keys.items()),
        "[sources.notes]",
        'connector = "sqlite"',
        f"uri = '{folder / 'notes.db'}'",
    ]
    file = folder / "crosswind.toml"
    file.write_text("\n".join(lines))
    with started("serve", "-c", str(file), cwd=folder) as process:
        url = url_of(process).replace("grpc://", "grpc+tcp://")
        with flightsql.connect(url, autocommit=True) as client:
            yield process, client


def url_of(process: Process) -> str:
    found = re.search(r"grpc://[\d.:]+", process.wait_for(" ready on "))
    assert found
    return found[0]


def ask(client: Any, sql: str) -> Any:
    with client.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@pytest.mark.parametrize("sql", [WHOLE, CUT])
def test_a_deadline_frees_the_client_and_its_turn_and_a_stop_ends_the_process(
    sql: str, folder: Path
) -> None:
    with served(folder, query_timeout_seconds=1) as (process, client):
        with pytest.raises(adbc.OperationalError, match=re.escape("[limit.deadline]")):
            ask(client, sql)
        assert ask(client, "SELECT count(*) FROM notes.people") == [(2,)]
        assert process.stop() == 0


def test_a_cancel_frees_the_client_and_its_turn(folder: Path) -> None:
    with served(folder) as (process, client):
        with client.cursor() as cursor:
            cursor.execute(WHOLE)

            def read() -> None:
                with suppress(adbc.Error):
                    cursor.fetchall()

            reader = threading.Thread(target=read)
            reader.start()
            cursor.adbc_cancel()
            reader.join(BOUND_SECONDS)
            assert not reader.is_alive()
        assert ask(client, "SELECT count(*) FROM notes.people") == [(2,)]
        assert process.stop() == 0


def test_a_stop_ends_the_process_while_a_statement_runs(folder: Path) -> None:
    with served(folder) as (process, _):
        server = psutil.Process(process.process.pid)
        busy_seconds = server.cpu_times().user + 0.3
        with started("query", "--url", url_of(process), WHOLE, cwd=folder) as query:
            reached(lambda: server.cpu_times().user > busy_seconds)
            assert process.stop(signal.SIGTERM) == 0
            assert query.process.wait(BOUND_SECONDS) == 1
        assert process.process.stderr is not None
        assert "Fatal" not in process.process.stderr.read()


def test_what_was_given_up_keeps_its_turn_until_it_ends() -> None:
    turns = Turns("notes", 1)
    turns.take(lambda: None, None)
    with pytest.raises(QueueFullError, match="were given up"):
        turns.take(lambda: None, 0.0)
    turns.give_back()
    turns.take(lambda: None, 0.0)


def test_a_cancelled_query_waits_for_no_turn() -> None:
    turns = Turns("notes", 1)
    turns.take(lambda: None, None)
    asked, cancelled = threading.Event(), threading.Event()
    failures: list[Exception] = []

    def check() -> None:
        asked.set()
        if cancelled.is_set():
            raise CancelledError("the query was cancelled")

    def take() -> None:
        try:
            turns.take(check, None)
        except CancelledError as error:
            failures.append(error)

    waiting = threading.Thread(target=take)
    waiting.start()
    assert asked.wait(BOUND_SECONDS)
    cancelled.set()
    turns.wake()
    waiting.join(BOUND_SECONDS)
    assert failures
