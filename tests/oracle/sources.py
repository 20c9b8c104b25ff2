"""The sources that can run here, each with tables of unpleasant values.

Owns making them. Each becomes a `Twins`: the source, the same rows scanned, and the engine alone.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from execution.engine import EngineSettings
from execution.suspicion import Suspicion
from planner.options import Cuts, PlanningOptions, Reductions
from tests.child_server import child_server
from tests.oracle.judge import Judge
from tests.oracle.scope import Table, tables_of
from tests.planner import unpleasant, unpleasant_duckdb, unpleasant_sqlite
from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

NAMED = ("odd", "texts", "pairs", "nothing")
IN_FILES = ("pairs", "texts")


@contextmanager
def postgres(server: PostgresServer, database: str = "oracle") -> Iterator[Twins]:
    """Over a database of its own."""
    with server.database(database) as uri:
        server.execute(*unpleasant.statements(), database=database)
        with Twins.of(uri, unpleasant.TABLES) as twins:
            yield twins


@contextmanager
def duckdb(server: PostgresServer) -> Iterator[Twins]:
    """Over a file."""
    with _folder() as folder:
        path = unpleasant_duckdb.make(folder / "odd.duckdb")
        with Twins.over({"connector": "duckdb", "uri": str(path)}, NAMED) as twins:
            yield twins


@contextmanager
def sqlite(server: PostgresServer) -> Iterator[Twins]:
    """Over a file."""
    with _folder() as folder:
        path = unpleasant_sqlite.make(folder / "odd.db")
        source = {"connector": "sqlite", "uri": str(path), "joins": True}
        with Twins.over(source, NAMED) as twins:
            yield twins


@contextmanager
def files(server: PostgresServer) -> Iterator[Twins]:
    """Over Parquet files, which the engine reads by itself."""
    with _folder() as folder, postgres(server, "oracle_files") as twins:
        for name in NAMED:
            pq.write_table(
                twins.pushing.query(f'SELECT * FROM "{name}"'), folder / f"{name}.parquet"
            )
        with Twins.over({"connector": "files", "root": str(folder)}, NAMED) as over_files:
            yield over_files


@contextmanager
def flightsql(server: PostgresServer) -> Iterator[Twins]:
    """Over another Crosswind, in a process of its own, whose engine reads Parquet files."""
    with _folder() as folder, postgres(server, "oracle_flightsql") as twins:
        for name in NAMED:
            table = twins.pushing.query(f'SELECT * FROM "{name}"')
            pq.write_table(table, folder / f"{name}.parquet")
        lake = {"connector": "files", "root": str(folder)}
        with child_server({"lake": lake}) as far:
            source = {"connector": "flightsql", "uri": far.url}
            with Twins.over(source, NAMED) as over_flightsql:
                yield over_flightsql


@contextmanager
def apart(
    server: PostgresServer,
    reductions: Reductions = "all",
    cuts: Cuts = "push",
    in_files: Sequence[str] = IN_FILES,
) -> Iterator[Twins]:
    """Over a database and files at once: what can be sent keys is, and is planned again.

    All that the database can run goes there, first steps of aggregates too.
    """
    database = f"oracle_{reductions}"
    with _folder() as folder, server.database(database) as uri:
        server.execute(*unpleasant.statements(), database=database)
        shop = {"connector": "postgres", "uri": uri, "max_connections": 4}
        with Twins.over(shop, NAMED) as twins:
            for name in in_files:
                table = twins.pushing.query(f'SELECT * FROM "{name}"')
                pq.write_table(table, folder / f"{name}.parquet")
        server.execute(*(f'DROP TABLE "{name}"' for name in in_files), database=database)
        sources = {"shop": shop, "lake": {"connector": "files", "root": str(folder)}}
        options = PlanningOptions(reductions=reductions, cuts=cuts)
        settings = EngineSettings(target_partitions=2, suspicion=Suspicion(always=True, waits=True))
        with Twins.across(sources, NAMED, options, settings) as across:
            yield across


def whole(server: PostgresServer) -> AbstractContextManager[Twins]:
    """The same, with files sent to the database wherever it can be done."""
    return apart(server, "whole", "costed")


SOURCES: dict[str, Callable[[PostgresServer], contextmanager[Twins]]] = {  # type: ignore[type-arg]
    "postgres": postgres,
    "duckdb": duckdb,
    "sqlite": sqlite,
    "files": files,
    "flightsql": flightsql,
    "apart": apart,
    "whole": whole,
}


JOINED = ("apart", "whole")
"""Of these joins are what there is to see."""


def tables(twins: Twins, *, shared: bool = False) -> tuple[Table, ...]:
    """The tables, and the columns that statements may name, as the engine sees them.

    Args:
        shared: see `tests.oracle.scope.tables_of`.
    """
    schemas = {name: twins.alone.table(f'"{name}"').schema() for name in NAMED}
    return tables_of(schemas, shared=shared)


def judge(twins: Twins) -> Judge:
    """Who tells which of two answers is wrong."""
    names = (twins.alone.table(f'"{name}"') for name in NAMED)
    return Judge(dict(zip(NAMED, (frame.to_arrow_table() for frame in names), strict=True)))


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server of its own."""
    directory = Path(tempfile.mkdtemp(prefix="crosswind-oracle-"))
    try:
        server = PostgresServer(directory / "data")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="crosswind-oracle-") as name:
        yield Path(name)
