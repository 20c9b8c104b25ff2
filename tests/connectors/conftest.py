"""Fixtures of several test modules: a Crosswind in a process of its own, and connectors to it;
a PostgreSQL database, and connectors to that."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.adbc import postgres
from connectors.adbc.flightsql import FlightsqlConnector, create
from connectors.adbc.postgres import PostgresConnector
from tests.child_server import ChildServer, child_server
from tests.connectors import shop
from tests.connectors.far import NESTED, RUNNING, TABLES, threads
from tests.connectors.warehouse import Warehouse
from tests.execution.waiting import eventually
from tests.postgres_server import PostgresServer


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


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Warehouse]:
    """An Iceberg catalog without tables."""
    warehouse = Warehouse(tmp_path / "lake")
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="package")
def shop_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URI of the database that `tests.connectors.shop` describes."""
    with postgres_server.database(shop.DATABASE) as uri:
        statements = shop.TABLES.replace("\n  ", " ").strip().splitlines()
        postgres_server.execute(*statements, database=shop.DATABASE)
        yield uri


@pytest.fixture
def connect(shop_database: str) -> Iterator[Callable[..., PostgresConnector]]:
    """Makes connectors to that database; closes them, and nothing may be left."""
    before = set(threading.enumerate())
    made: list[PostgresConnector] = []

    def make(uri: str = shop_database, **options: object) -> PostgresConnector:
        made.append(postgres.create("shop", {"uri": uri, **options}))
        return made[-1]

    yield make
    for connector in made:
        connector.close()
    eventually(lambda: set(threading.enumerate()) <= before)


@pytest.fixture(name="shop")
def _shop(connect: Callable[..., PostgresConnector]) -> PostgresConnector:
    return connect()


@pytest.fixture
def fragile_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of the test's own, to be stopped, frozen and killed."""
    directory = Path(tempfile.mkdtemp(prefix="crosswind-pg-"))
    server = PostgresServer(directory / "data", {"max_connections": "10"})
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory)
