"""Plans that are kept, over tables of this machine that are not what they were any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import registry
from planner.catalog import Source
from tests.flight.conftest import Start

_Change = Callable[[Path], None]


def _sqlite(sql: str) -> _Change:
    def change(folder: Path) -> None:
        with closing(sqlite3.connect(folder / "one.db")) as connection:
            connection.executescript(sql)

    return change


def _duckdb(sql: str) -> _Change:
    def change(folder: Path) -> None:
        with duckdb.connect(str(folder / "new.duckdb")) as connection:
            connection.execute(sql)
        (folder / "new.duckdb").replace(folder / "one.duckdb")

    return change


def _parquet(name: str, rows: dict[str, list[Any]]) -> _Change:
    def change(folder: Path) -> None:
        (folder / "t").mkdir(exist_ok=True)
        pq.write_table(pa.table(rows), folder / "t" / name)

    return change


@pytest.mark.parametrize(
    ("options", "first", "then", "answer"),
    [
        (
            {"connector": "sqlite", "uri": "one.db"},
            _sqlite("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)"),
            _sqlite("DROP TABLE t; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')"),
            {"a": ["x"]},
        ),
        (
            {"connector": "sqlite", "uri": "one.db", "misfits": "null"},
            _sqlite("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)"),
            _sqlite("DROP TABLE t; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x')"),
            {"a": ["x"]},
        ),
        (
            {"connector": "duckdb", "uri": "one.duckdb"},
            _duckdb("CREATE TABLE t AS SELECT 1 AS a"),
            _duckdb("CREATE TABLE t AS SELECT 2 AS a, 'y' AS b"),
            {"a": [2], "b": ["y"]},
        ),
        (
            {"connector": "files", "root": "."},
            _parquet("1.parquet", {"a": [1]}),
            _parquet("2.parquet", {"a": [None], "b": ["y"]}),
            {"a": [1, None], "b": [None, "y"]},
        ),
    ],
)
def test_the_same_text_reads_what_is_there_now(
    options: dict[str, Any],
    first: _Change,
    then: _Change,
    answer: dict[str, list[Any]],
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    first(tmp_path)
    given = dict(options)
    running = start(others=(Source("own", registry.create(given.pop("connector"), "own", given)),))
    sql = "SELECT * FROM own.t ORDER BY a"
    with running.connect() as connection, connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(sql)
            assert cursor.fetch_arrow_table().to_pydict() == {"a": [1]}
        # The second of these took the plan of the first.
        assert running.planning.planned.count(sql) == 1
        then(tmp_path)
        cursor.execute(sql)
        assert cursor.fetch_arrow_table().to_pydict() == answer
