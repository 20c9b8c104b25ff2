"""Tables in several real sources: the same answer whichever copy of each is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import datafusion
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import registry
from connectors.errors import SourceSchemaChangedError
from planner import replicas
from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.plan import Plan
from tests.comparison import assert_same
from tests.placements import NothingSeen, Placement
from tests.postgres_server import PostgresServer
from tests.tpch import QUERIES

TABLES = [
    "CREATE TABLE sales (id int8 NOT NULL, at timestamp, town text NOT NULL, total numeric(12,2))",
    "INSERT INTO sales SELECT i, '2024-01-01'::timestamp + i * interval '1 hour',"
    " 'town ' || i % 7, CASE WHEN i % 5 = 0 THEN NULL ELSE i * 1.25 END"
    " FROM generate_series(1, 2000) i",
    "CREATE TABLE towns (town text NOT NULL, country text)",
    "INSERT INTO towns SELECT 'town ' || i, 'land ' || i % 2 FROM generate_series(0, 5) i",
    "CREATE TABLE rates (rate int8 NOT NULL)",
    "INSERT INTO rates VALUES (1), (2)",
    "ANALYZE",
]

STATEMENTS = [
    "SELECT * FROM shop.sales WHERE id BETWEEN 10 AND 20 ORDER BY id",
    "SELECT count(*), count(total), sum(total), min(at), max(town) FROM shop.sales",
    "SELECT town, avg(total) AS mean FROM shop.sales GROUP BY town ORDER BY town",
    "SELECT s.id, t.country FROM shop.sales s LEFT JOIN shop.towns t ON t.town = s.town"
    " WHERE s.total > 2000 ORDER BY s.id",
    "SELECT t.country, sum(s.total) AS total FROM shop.sales s JOIN shop.towns t USING (town)"
    " GROUP BY t.country ORDER BY 1",
    "SELECT a.id FROM shop.sales a JOIN shop.sales b ON b.id = a.id + 1 AND b.town > a.town"
    " ORDER BY a.id LIMIT 5",
    "SELECT town FROM shop.sales WHERE town NOT IN (SELECT town FROM shop.towns) GROUP BY town",
    "SELECT id, row_number() OVER (PARTITION BY town ORDER BY total NULLS LAST, id) AS n"
    " FROM shop.sales WHERE total < 100 ORDER BY id",
]

COPIES = {
    ("shop", "public", name): (("lake", "main", name), ("notes", "main", name))
    for name in ("sales", "towns")
} | {("shop", "public", "rates"): (("notes", "main", "rates"),)}


@pytest.fixture(scope="module")
def sources(
    postgres_server: PostgresServer, postgres_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Source]]:
    """A shop in PostgreSQL, and its tables in Parquet files and in DuckDB: no NOT NULL there."""
    postgres_server.execute(*TABLES, database=__name__.replace(".", "_"))
    folder = tmp_path_factory.mktemp("copies")
    database = folder / "notes.duckdb"
    with ExitStack() as stack:

        def opened(name: str, kind: str, **options: object) -> Source:
            connector = registry.create(kind, name, options)
            stack.callback(connector.close)
            return Source(name, connector)

        shop = opened("shop", "postgres", uri=postgres_uri, max_connections=4)
        with Placement.of_catalog(Catalog([shop])) as alone:
            sales = alone.query("SELECT town, total, id, at, id % 3 AS more FROM sales")
            towns = alone.query("SELECT country, town FROM towns")
        with duckdb.connect(str(database)) as notes:
            for name, table in (("sales", sales), ("towns", towns)):
                nullable = pa.schema([field.with_nullable(True) for field in table.schema])
                pq.write_table(table.cast(nullable), folder / f"{name}.parquet")
                notes.execute(f"CREATE TABLE {name} AS FROM '{folder / name}.parquet'")
            notes.execute("CREATE TABLE rates AS SELECT NULL::int8 AS rate")
        files = {name: f"{name}.parquet" for name in ("sales", "towns")}
        lake = opened("lake", "files", root=str(folder), tables=files)
        yield [shop, lake, opened("notes", "duckdb", uri=str(database))]


def catalog(sources: list[Source], shop: Link | None = None, copies: bool = True) -> Catalog:
    """The sources, with a shop at the end of a link."""
    found = Catalog(sources, seen=NothingSeen(), replicas=COPIES if copies else None)
    return found if shop is None else found.linked({"shop": shop})


def sources_of(plan: Plan) -> set[str]:
    return {part.source for part in (*plan.fragments, *plan.natives)}


@pytest.fixture(scope="module")
def answers(sources: list[Source]) -> dict[str, pa.Table]:
    """What the shop itself answers."""
    with Placement.of_catalog(catalog(sources, copies=False)) as alone:
        return {sql: alone.query(sql) for sql in STATEMENTS}


@pytest.mark.parametrize(("copy", "source"), [(0, "shop"), (1, "lake"), (2, "notes")])
def test_every_copy_gives_the_answer_of_the_table_that_is_named(
    copy: int,
    source: str,
    sources: list[Source],
    answers: dict[str, pa.Table],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replicas, "_best", lambda tried: (copy,) * len(next(iter(tried))))
    with Placement.of_catalog(catalog(sources)) as placement:
        for sql in STATEMENTS:
            plan = placement.plan(sql)
            assert sources_of(plan) == {source}
            assert not [warning for warning in plan.warnings if warning.code == "replica.not_read"]
            assert_same(placement.run(plan), answers[sql], sql)


@pytest.mark.parametrize(
    ("link", "source"), [(Link.of(0.1, 10_000), "shop"), (Link.of(100, 10), "lake")]
)
def test_the_link_decides_which_copy_is_read(
    link: Link, source: str, sources: list[Source], answers: dict[str, pa.Table]
) -> None:
    # Nothing is on the way to a DuckDB file on this machine.
    copies = {named: paths[:1] for named, paths in COPIES.items() if paths[0][0] == "lake"}
    two = Catalog(sources[:2], seen=NothingSeen(), replicas=copies).linked({"shop": link})
    with Placement.of_catalog(two) as placement:
        plan = placement.plan(STATEMENTS[0].replace("BETWEEN 10 AND 20", "= 10"))
        assert sources_of(plan) == {source}
        for sql in STATEMENTS:
            assert_same(placement.query(sql), answers[sql], sql)


def test_a_copy_that_breaks_its_promise_is_an_error(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "_best", lambda tried: (1,))
    with (
        Placement.of_catalog(catalog(sources)) as placement,
        pytest.raises(SourceSchemaChangedError, match="'rate' holds NULL") as said,
    ):
        placement.query("SELECT rate FROM shop.rates")
    assert said.value.source == "notes"


def test_tpch_is_the_same_over_any_copies(
    tpch_sources: dict[str, dict[str, dict[str, object]]],
    tpch_alone: datafusion.SessionContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = Random(7)
    monkeypatch.setattr(replicas, "MOST_PLANS", 6)
    monkeypatch.setattr(replicas, "_best", lambda tried: random.choice(list(tried)))
    made = {}
    for placement in ("postgres", "files", "duckdb"):
        ((name, options),) = tpch_sources[placement].items()
        made[name] = options
    with Placement.of_sources(made) as placement:
        names = placement.catalog.sources["lake"].connector.tables().names()
        copies = {
            ("shop", "public", n.name): (("lake", "main", n.name), ("duck", "main", n.name))
            for n in names
        }
        with Placement.of_catalog(
            Catalog(placement.catalog.sources.values(), seen=NothingSeen(), replicas=copies)
        ) as over:
            read: set[str] = set()
            for sql in QUERIES.values():
                plan = over.plan(sql)
                assert not [w for w in plan.warnings if w.code == "replica.not_read"]
                read |= sources_of(plan)
                assert_same(over.run(plan), tpch_alone.sql(sql).to_arrow_table(), sql)
            assert read == {"shop", "lake", "duck"}
