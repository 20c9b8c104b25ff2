"""A running server over scripted sources, and the clients that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from execution.engine import Engine, EngineSettings
from flight_server.parts import Limits, Planned
from flight_server.queries import Queries
from flight_server.server import Server
from flight_server.service import SqlPlanning, catalog_of
from flight_server.session_options import DEFAULTS, SessionOptions
from planner.catalog import Catalog, Source

from .scripted import ScriptedConnector, ScriptedTable, rows

ITEMS = pa.table(
    {
        "id": pa.array(range(1000), pa.int64()),
        "name": [f"item {i}" for i in range(1000)],
        "price": pa.array([Decimal(i) / 100 for i in range(1000)], pa.decimal128(15, 2)),
        "kind": pa.array(["a", "b"] * 500).dictionary_encode(),
    }
)
ONE = pa.table({"one": pa.array([1], pa.int64())})


class RecordingPlanning(SqlPlanning):
    """The real parser and planner, and what they were asked."""

    def __init__(self) -> None:
        self.planned: list[str] = []

    def plan(self, sql: str, catalog: Catalog, options: SessionOptions = DEFAULTS) -> Planned:
        self.planned.append(sql)
        return super().plan(sql, catalog, options)


@dataclass
class Running:
    """A server, and what it was made of."""

    server: Server
    queries: Queries
    planning: Any
    engine: Any
    connector: ScriptedConnector

    @property
    def tcp(self) -> str:
        return self.server.url.replace("grpc://", "grpc+tcp://")

    def connect(self, **options: Any) -> Any:
        return flightsql.connect(self.tcp, autocommit=True, **options)

    def flight(self) -> Any:
        return fl.connect(self.tcp)


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers over tables given by name, and closes them."""
    with ExitStack() as stack:

        def start_server(
            tables: dict[str, ScriptedTable | pa.Table] | None = None,
            *,
            limits: Limits | None = None,
            drain_seconds: float = 0.0,
            others: tuple[Source, ...] = (),
            **options: Any,
        ) -> Running:
            given = {"one": ONE, "items": ITEMS} | (tables or {})
            connector = ScriptedConnector("shop", {k: _scripted(v) for k, v in given.items()})
            catalog = catalog_of([Source("shop", connector), *others])
            planning, engine = RecordingPlanning(), Engine(EngineSettings(), catalog)
            queries = Queries(catalog, planning, engine, limits or Limits(), **options)
            server = Server(queries, "grpc://127.0.0.1:0", drain_seconds=drain_seconds)
            stack.enter_context(server)
            return Running(server, queries, planning, engine, connector)

        yield start_server


def _scripted(table: ScriptedTable | pa.Table) -> ScriptedTable:
    if isinstance(table, pa.Table):
        return ScriptedTable(table.schema, rows(table))
    return table


@pytest.fixture
def running(start: Start) -> Running:
    return start()
