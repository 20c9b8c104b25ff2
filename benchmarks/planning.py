"""How long planning takes: TPC-H's queries, not cached and cached, what of it is costing, and the
first query of a server whose database has very many tables.

Costing is all that lies between a bound tree and a cut one: every pass that rearranges, those that
no estimate decides too; join order; candidates for keys, for joins taken apart and for parts that
are computed once; where to cut; and the sides of the engine's joins. So the figure is the most that
it adds. Parse, bind and emit are the rest.

Owns the queries, what is timed and its order. Sources are the demonstration's. Nothing is run but
the first query.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_postgresql.dbapi as postgres
import datafusion
import pyarrow.dataset as ds

import flight_server
from benchmarks.report import Comparison, Measured
from demo import sources
from flight_server.config import Config
from flight_server.service import open_catalog, open_queries
from flight_server.serving import collect_less
from planner import planning, repeated
from planner.parse import parse
from planner.planning import plan_query

QUERIES = Path(__file__).parent / "tpch" / "queries"

MANY_TABLES = 20_000

_COSTING = (
    *((planning, name) for name in ("ways_of", "gaps_left_out", "with_sides")),
    *((planning, name) for name in ("most_keys", "patience_seconds")),
    (repeated, "decompose"),
)
"""What is called to cost; see above."""

_CREATE_MANY = """
DO $$ BEGIN
  FOR i IN {first}..{last} LOOP
    EXECUTE format('CREATE TABLE IF NOT EXISTS many.t%s (id integer NOT NULL, name text)', i);
  END LOOP;
END $$
"""
_CREATE_AT_ONCE = 2_000
"""Tables made in one transaction: each takes locks of which the server has a few thousand."""


def measure(scale: float, cache: Path, rounds: int, say: Callable[[str], None]) -> list[Comparison]:
    """Time planning over PostgreSQL and Parquet, and the first query over many tables.

    Args:
        scale: of TPC-H; statistics are read, rows are not.
        cache: where the sources are kept.
        rounds: how often each query is planned, and a server started.
        say: told what happens now.
    """

    @contextmanager
    def step(doing: str) -> Iterator[None]:
        say(doing)
        yield

    with ExitStack() as running:
        found = running.enter_context(sources.running(cache / "planning", scale, step))
        say("TPC-H: planning")
        compared = [_tpch(found, rounds)]
        say(f"making {MANY_TABLES:,} tables")
        _make_many(found.postgres_uri)
        say(f"{MANY_TABLES:,} tables: the first query of a server")
        compared.append(_first_query(found, rounds))
    return compared


def _tpch(found: sources.Sources, rounds: int) -> Comparison:
    config = Config.from_mapping(
        {
            "sources": {
                "shop": {"connector": "postgres", "uri": found.postgres_uri, "schemas": ["public"]},
                "lake": {"connector": "files", "root": str(found.lake)},
            }
        }
    )
    queries = [path.read_text() for path in sorted(QUERIES.glob("q*.sql"))]
    serving = open_queries(config, open_catalog(config))
    try:
        catalog = serving.catalog
        alone = datafusion.SessionContext()
        for source in catalog.sources.values():
            tables = source.connector.tables()
            for name in tables.names():
                table = tables.find(name)
                assert table is not None
                alone.register_dataset(name.name, ds.dataset(table.schema.empty_table()))
        bare, planned, costing, cached = [], [], [], []
        for query in queries:  # Catalogs and statistics are looked up once, and kept.
            serving.plan(query)
        collect_less()  # As a server does.
        for _ in range(rounds):
            for query in queries:
                bare.append(_timed(lambda sql: alone.sql(sql).optimized_logical_plan(), query))
                planned.append(_timed(lambda sql: plan_query(parse(sql), catalog), query))
                costing.append(_costing(lambda sql: plan_query(parse(sql), catalog), query))
                cached.append(_timed(serving.plan, query))
    finally:
        serving.close(0.0)
    return Comparison(
        title=f"Planning: TPC-H's {len(queries)} queries, {rounds} times, p50 (min–max)",
        unit="ms",
        more_is_better=False,
        baseline="DataFusion alone",
        measured=[
            Measured("DataFusion alone", bare, "parse, bind and optimise; one engine"),
            Measured("Crosswind, not cached", planned, "the same, cut, costed and emitted"),
            Measured("of it, costing", costing, "at most: all passes from bound to cut"),
            Measured("Crosswind, cached", cached),
        ],
    )


def _timed(work: Callable[[str], object], query: str) -> float:
    started = time.perf_counter()
    work(query)
    return (time.perf_counter() - started) * 1e3


def _costing(work: Callable[[str], object], query: str) -> float:
    """Milliseconds that costing takes in a piece of work; what runs within another is in that."""
    spent: list[float] = []
    running: list[object] = []

    def timed(step: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object, **named: object) -> object:
            running.append(step)
            started = time.perf_counter()
            try:
                return step(*args, **named)
            finally:
                running.pop()
                if not running:
                    spent.append(time.perf_counter() - started)

        return run

    steps = {(module, name): getattr(module, name) for module, name in _COSTING}
    try:
        for (module, name), step in steps.items():
            setattr(module, name, timed(step))
        work(query)
    finally:
        for (module, name), step in steps.items():
            setattr(module, name, step)
    return sum(spent) * 1e3


def _make_many(uri: str) -> None:
    with postgres.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('many')")
        row = cursor.fetchone()
        if row is not None and row[0] == MANY_TABLES:
            return
        cursor.execute("CREATE SCHEMA IF NOT EXISTS many")
        for first in range(1, MANY_TABLES + 1, _CREATE_AT_ONCE):
            # The numbers are this module's own.
            cursor.execute(_CREATE_MANY.format(first=first, last=first + _CREATE_AT_ONCE - 1))
            connection.commit()


def _first_query(found: sources.Sources, rounds: int) -> Comparison:
    figures = {
        schema: [_until_answered(found.postgres_uri, schema) for _ in range(rounds)]
        for schema in ("public", "many")
    }
    return Comparison(
        title="From nothing to the first answer: start the server, connect, one table, p50",
        unit="ms",
        more_is_better=False,
        baseline="5 tables",
        measured=[
            Measured("5 tables", figures["public"]),
            Measured(f"{MANY_TABLES:,} tables", figures["many"]),
        ],
    )


def _until_answered(uri: str, schema: str) -> float:
    """Milliseconds from the configuration to the rows of a query of one table."""
    shop = {"connector": "postgres", "uri": uri, "schemas": [schema], "default_schema": schema}
    configured = {"server": {"listen": "grpc://127.0.0.1:0"}, "sources": {"shop": shop}}
    table = "nation" if schema == "public" else f"t{MANY_TABLES // 2}"
    started = time.perf_counter()
    with (
        flight_server.serve(Config.from_mapping(configured)) as server,
        flightsql.connect(server.url, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT count(*) FROM {table}")
        cursor.fetchall()
        return (time.perf_counter() - started) * 1e3
