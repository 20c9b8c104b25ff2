"""Few rows of PostgreSQL come in one round trip, whatever they are; more of them as ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from connectors import registry
from connectors.errors import SourceRejectedError
from planner.catalog import Source
from planner.emit.few import EXPECTED_ROWS, FEWEST_ROWS, MOST_BYTES, few_of
from planner.plan import Estimate, Plan
from tests.misled import misled, times
from tests.placements import Placement
from tests.postgres_server import PostgresServer

DATABASE = __name__.replace(".", "_")
ROWS = 30_000


@pytest.fixture(scope="module")
def shop(postgres_server: PostgresServer, postgres_uri: str) -> Iterator[Placement]:
    postgres_server.execute(
        "CREATE TABLE things AS SELECT g AS id, 'x' AS kind, g::numeric(12, 2) AS price,"
        " CASE WHEN g % 2 = 0 THEN now() END AS at, ARRAY[g, NULL] AS pair, g::float8 AS weight"
        f" FROM generate_series(1, {ROWS}) g",
        "CREATE TABLE pages AS SELECT g AS id, repeat('x', 20000) AS body"
        " FROM generate_series(1, 1500) g",
        "ANALYZE",
        database=DATABASE,
    )
    uri = {"connector": "postgres", "uri": postgres_uri, "max_connections": 1}
    with Placement.of_sources({"shop": uri}) as placement:
        yield placement


def answered(
    shop: Placement, server: PostgresServer, plan: Plan, of: str = ""
) -> tuple[pa.Table, list[str]]:
    """The answer, and how the last statement of the connection begins, if it is of that table."""
    table = shop.run(plan)
    found = server.execute(
        "SELECT upper(split_part(ltrim(query), ' ', 1)) FROM pg_stat_activity"
        f" WHERE datname = '{DATABASE}' AND pid <> pg_backend_pid() AND state = 'idle'"
        f" AND query LIKE '%{of}%'",
        database="postgres",
    )
    return table, [str(first) for (first,) in found]


def without_few(plan: Plan) -> Plan:
    (planned,) = plan.fragments
    query = replace(planned.fragment.query, few=None)  # type: ignore[type-var]
    return replace(
        plan, fragments=(replace(planned, fragment=replace(planned.fragment, query=query)),)
    )


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM things WHERE id < 50 ORDER BY id",
        "SELECT count(*) AS n, sum(price) AS s, max(at) AS m FROM things",
        "SELECT * FROM things WHERE id < 0",
        "SELECT id FROM things WHERE id < 300 ORDER BY id LIMIT 7",
    ],
)
def test_few_rows_are_not_copied_and_are_the_same(
    sql: str, shop: Placement, postgres_server: PostgresServer
) -> None:
    plan = shop.plan(sql)
    few, how = answered(shop, postgres_server, plan)
    assert how == ["SELECT"]
    copied, how = answered(shop, postgres_server, without_few(plan))
    assert how == ["COPY"]
    assert few.equals(copied)


def test_more_rows_than_were_expected_come_once_each(
    shop: Placement, postgres_server: PostgresServer
) -> None:
    plan = shop.plan("SELECT id FROM things WHERE kind LIKE 'x%' AND kind LIKE '%x'")
    (planned,) = plan.fragments
    assert planned.estimate.rows is not None
    assert planned.estimate.rows < ROWS / 100
    table, how = answered(shop, postgres_server, plan)
    assert how == ["COPY"]
    assert sorted(table["id"].to_pylist()) == list(range(1, ROWS + 1))


def test_an_error_is_the_same(shop: Placement) -> None:
    plan = shop.plan("SELECT 1 / (id - 40) AS x FROM things WHERE id < 50")
    messages = []
    for one in (plan, without_few(plan)):
        with pytest.raises(SourceRejectedError) as found:
            shop.run(one)
        messages.append(str(found.value))
    assert messages[0] == messages[1]


def test_wide_rows_stream(shop: Placement) -> None:
    (planned,) = shop.plan("SELECT * FROM pages").fragments
    assert planned.estimate.rows == 1_500
    assert planned.fragment.query.few is None  # type: ignore[union-attr]


def test_how_many_may_come_is_bounded_by_rows_and_bytes() -> None:
    select = sqlglot.parse_one("SELECT a FROM t", read="postgres")
    assert isinstance(select, exp.Select)
    few = few_of(select, Estimate(5.0, 50.0), "postgres")
    assert few is not None
    assert (few.rows, few.text) == (FEWEST_ROWS, "SELECT a FROM t LIMIT 1001")
    wide = few_of(select, Estimate(2.0, MOST_BYTES / 5), "postgres")
    assert wide is not None
    assert wide.rows == 10
    assert few_of(select, Estimate(2.0, MOST_BYTES * 2.0), "postgres") is None
    assert few_of(select, Estimate(None, None), "postgres") is None
    assert few_of(select, Estimate(50_000.0, 400_000.0), "postgres") is None
    limited = select.limit(2_000)
    assert few_of(limited, Estimate(20.0, 200.0), "postgres") is None
    assert select.sql("postgres") == "SELECT a FROM t"


def test_where_nobody_knows_few_rows_are_asked_for_first_and_more_come_once_each(
    shop: Placement, postgres_server: PostgresServer
) -> None:
    """A table that was never looked at, whose rows come as it is read."""
    postgres_server.execute(
        "CREATE TABLE fresh AS SELECT g AS id, g % 100 AS part FROM generate_series(1, 5000) g",
        database=DATABASE,
    )
    plan = shop.plan("SELECT id FROM fresh WHERE part = 7")
    assert plan.fragments[0].estimate.rows is None
    table, how = answered(shop, postgres_server, plan)
    assert how == ["SELECT"]
    assert sorted(table["id"].to_pylist()) == list(range(7, 5000, 100))
    table, how = answered(shop, postgres_server, shop.plan("SELECT id FROM fresh WHERE part < 50"))
    assert how == ["COPY"]
    assert len(set(table["id"].to_pylist())) == len(table) == 2_500


def test_where_nobody_knows_how_wide_rows_are_long_ones_are_not_held(
    shop: Placement, postgres_server: PostgresServer
) -> None:
    postgres_server.execute(
        "CREATE TABLE papers (id bigint, body text STORAGE EXTERNAL)",
        "INSERT INTO papers SELECT g, repeat('x', 20000) FROM generate_series(1, 30) g",
        database=DATABASE,
    )
    plan = shop.plan("SELECT id, body FROM papers WHERE id > 0")
    assert plan.fragments[0].estimate.rows is None
    table, how = answered(shop, postgres_server, plan, "papers")
    assert (how, len(table)) == (["COPY"], 30)


@pytest.mark.parametrize(
    "sql",
    ["SELECT DISTINCT part FROM unseen", "SELECT a.id FROM unseen a JOIN unseen b ON a.id = b.id"],
)
def test_where_nobody_knows_what_takes_work_is_not_begun_twice(
    sql: str, shop: Placement, postgres_server: PostgresServer
) -> None:
    postgres_server.execute(
        "CREATE TABLE IF NOT EXISTS unseen AS SELECT 1 AS id, 2 AS part", database=DATABASE
    )
    (planned,) = shop.plan(sql).fragments
    assert planned.estimate.rows is None
    assert planned.fragment.query.few is None  # type: ignore[union-attr]


def test_a_table_on_few_pages_is_not_copied_whatever_is_expected(
    postgres_uri: str, postgres_server: PostgresServer
) -> None:
    postgres_server.execute(
        "CREATE TABLE short AS SELECT g AS id FROM generate_series(1, 1500) g",
        "ANALYZE short",
        database=DATABASE,
    )
    connector = registry.create("postgres", "shop", {"uri": postgres_uri, "max_connections": 1})
    source = Source("shop", misled(connector, times(100)))
    with Placement.opened([source]) as shop:
        plan = shop.plan("SELECT id FROM short")
        (planned,) = plan.fragments
        assert planned.estimate.rows == 150_000
        table, how = answered(shop, postgres_server, plan, "short")
        assert how == ["SELECT"]
        assert sorted(table["id"].to_pylist()) == list(range(1, 1_501))
        plan_of_part = shop.plan("SELECT id FROM short WHERE id <> 7 AND id IS NOT NULL")
        assert (plan_of_part.fragments[0].estimate.rows or 0.0) > EXPECTED_ROWS
        table, how = answered(shop, postgres_server, plan_of_part, "short")
        assert how == ["SELECT"]
        assert len(table) == 1_499
        # It has grown since: it is read as ever.
        postgres_server.execute(
            "INSERT INTO short SELECT g FROM generate_series(1501, 9000) g", database=DATABASE
        )
        table, how = answered(shop, postgres_server, plan, "short")
        assert how == ["COPY"]
        assert sorted(table["id"].to_pylist()) == list(range(1, 9_001))
