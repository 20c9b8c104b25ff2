"""Fixtures of several test modules: a Crosswind in a process of its own, and connectors to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.adbc.flightsql import FlightsqlConnector, create
from tests.child_server import ChildServer, child_server
from tests.connectors.far import NESTED, RUNNING, TABLES, threads
from tests.execution.waiting import eventually


@pytest.fixture(scope="package")
def far_sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("far")
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(TABLES)
    lake = folder / "lake"
    lake.mkdir()
    pq.write_table(NESTED, lake / "nested.parquet")
    pq.write_table(pa.table({"i": pa.array([], pa.int64())}), lake / "nothing.parquet")
    return {
        "duck": {"connector": "duckdb", "uri": str(folder / "shop.duckdb")},
        "lake": {"connector": "files", "root": str(lake)},
    }


@pytest.fixture(scope="package")
def far(far_sources: dict[str, dict[str, object]]) -> Iterator[ChildServer]:
    with child_server(
        far_sources, max_concurrent_queries=RUNNING, queue_timeout_seconds=60
    ) as server:
        yield server


@pytest.fixture
def connect_far(far: ChildServer) -> Iterator[Callable[..., FlightsqlConnector]]:
    """Makes connectors to the far server; closes them, and nothing may be left."""
    before = threads()
    made: list[FlightsqlConnector] = []

    def make(uri: str = far.url, **options: object) -> FlightsqlConnector:
        made.append(create("west", {"uri": uri, **options}))
        return made[-1]

    yield make
    for connector in made:
        connector.close()
    eventually(lambda: threads() <= before)


@pytest.fixture
def west(connect_far: Callable[..., FlightsqlConnector]) -> FlightsqlConnector:
    connector = connect_far()
    connector.tables().names()
    return connector
