"""The sources whose dialects are proven, each over its own tables of unpleasant values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from planner.catalog import Source
from tests.placements import Placement
from tests.planner import unpleasant, unpleasant_duckdb, unpleasant_sqlite
from tests.planner.test_datafusion_dialect import DataFusionSource
from tests.planner.twins import SOURCE, Twins
from tests.postgres_server import PostgresServer

REAL = ("postgres", "duckdb", "sqlite", "datafusion")
TABLES = ("odd", "texts", "pairs", "nothing")


@contextmanager
def real_sources(server: PostgresServer, folder: Path, database: str) -> Iterator[dict[str, Twins]]:
    """By the name of the dialect.

    Args:
        folder: where files are made.
        database: the name of one that is made for this, and dropped.
    """
    with ExitStack() as stack:
        uri = stack.enter_context(server.database(database))
        server.execute(*unpleasant.statements(), database=database)
        duckdb = unpleasant_duckdb.make(folder / "odd.duckdb")
        sqlite = unpleasant_sqlite.make(folder / "odd.db")
        configured: dict[str, dict[str, object]] = {
            "postgres": {"connector": "postgres", "uri": uri, "max_connections": 2},
            "duckdb": {"connector": "duckdb", "uri": str(duckdb), "max_connections": 2},
            "sqlite": {"connector": "sqlite", "uri": str(sqlite), "joins": True},
        }
        made = {
            name: stack.enter_context(Twins.over(source, TABLES))
            for name, source in configured.items()
        }
        rows = {name: made["postgres"].local.query(f"SELECT * FROM {name}") for name in TABLES}
        far = Source(SOURCE, DataFusionSource(SOURCE, rows))
        running = stack.enter_context(Placement.opened([far]))
        twins = made["postgres"]
        made["datafusion"] = Twins(running, twins.local, None, twins.alone)
        yield made
