"""What a statement names twice is computed once: what is asked, what is read, and how it ends.

PostgreSQL holds one table, Parquet files the other; DuckDB answers over the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import registry
from connectors.errors import CancelledError, SourceError
from execution.buffer import BatchBuffer, Overflow
from execution.engine import EngineSettings
from planner.catalog import Catalog, Source
from planner.explain import explain_text
from planner.explain_json import explain_json
from planner.explain_mermaid import explain_mermaid
from planner.options import PlanningOptions
from planner.plan import Plan
from planner.seen import SeenRows
from tests.comparison import assert_same
from tests.placements import Placement
from tests.postgres_server import PostgresServer

from .waiting import assert_a_cancel_ends

ROWS = 3_000
GROUPS = 32
"""Of buyers: the squares modulo 61, and NULL."""

TOTALS = "WITH t AS (SELECT v.buyer, sum(v.id) AS cents, count(*) AS n FROM visits v GROUP BY 1)"
OF_SHOP = "WITH t AS (SELECT buyer, sum(cents) AS cents, count(*) AS n FROM orders GROUP BY 1)"
BOTH = (
    "WITH b AS (SELECT o.id, o.buyer, o.cents, v.kind FROM orders o JOIN visits v ON v.buyer ="
    " o.buyer AND v.id % 7 = o.id % 7)"
)

STATEMENTS = [
    f"{TOTALS} SELECT buyer, cents FROM t WHERE cents = (SELECT max(cents) FROM t)",
    f"{TOTALS} SELECT x.*, y.* FROM t x JOIN t y ON x.buyer = y.buyer + 1 WHERE y.cents > 100",
    f"{TOTALS} SELECT x.*, y.*, z.* FROM t x LEFT JOIN t y ON x.buyer = y.n"
    " LEFT JOIN t z ON z.n = x.buyer AND z.cents > 20",
    f"{OF_SHOP} SELECT v.kind, t.n FROM t JOIN visits v USING (buyer)"
    " UNION ALL SELECT v.kind, t.n FROM t JOIN visits v ON v.id = t.buyer",
    f"{TOTALS} SELECT buyer FROM t WHERE n > 3 UNION ALL SELECT n FROM t UNION SELECT 1 FROM t",
    f"{TOTALS}, u AS (SELECT max(cents) AS most FROM t), w AS (SELECT t.*, u.most FROM t, u)"
    " SELECT count(*), sum(w.n) FROM w JOIN w x ON w.buyer = x.n",
    f"{BOTH} SELECT kind, cents FROM b UNION ALL SELECT kind, cents + 1 FROM b",
    f"{BOTH} SELECT x.id, y.kind FROM b x JOIN b y ON x.id = y.id AND x.kind < y.kind",
    "WITH f AS (SELECT v.buyer, v.id FROM visits v ORDER BY v.id DESC LIMIT 20)"
    " SELECT f.*, o.cents FROM f JOIN orders o USING (id)"
    " WHERE f.buyer IN (SELECT buyer FROM f WHERE id % 2 = 0)",
    "WITH f AS (SELECT v.id, v.kind FROM visits v ORDER BY v.id DESC LIMIT 9 OFFSET 2)"
    " SELECT a.*, b.* FROM f a FULL JOIN f b ON a.id = b.id + 3",
    "WITH e AS (SELECT v.buyer, max(v.id) AS id FROM visits v WHERE v.id < 0 GROUP BY v.buyer)"
    " SELECT count(*), (SELECT max(id) FROM e) FROM e JOIN orders o ON o.buyer = e.buyer",
    "WITH n AS (SELECT v.kind, count(*) AS n FROM visits v GROUP BY v.kind)"
    " SELECT o.id, n.kind FROM orders o JOIN n ON n.n = o.id"
    " WHERE o.cents NOT IN (SELECT n FROM n WHERE n > 10)",
    f"{BOTH} SELECT x.id, y.buyer FROM b x JOIN b y ON x.cents = y.id",
    f"{BOTH} SELECT kind, sum(cents) AS s FROM b GROUP BY kind"
    " UNION ALL SELECT kind, count(DISTINCT id) FROM b GROUP BY kind",
]

OTHER_COLUMNS = [
    (f"{TOTALS} SELECT x.cents, y.n FROM t x JOIN t y ON x.buyer = y.buyer + 1", 1),
    (f"{TOTALS} SELECT cents FROM t UNION ALL SELECT n FROM t UNION ALL SELECT buyer FROM t", 1),
    (
        "WITH w AS (SELECT v.id, row_number() OVER (PARTITION BY v.kind ORDER BY v.id) AS p,"
        " max(v.id) OVER (PARTITION BY v.kind ORDER BY v.id) AS m FROM visits v WHERE v.id < 200)"
        " SELECT x.p, x.m, y.p AS q FROM w x LEFT JOIN w y ON x.id = y.p",
        1,
    ),
    (
        "WITH u AS (SELECT v.id AS a, v.buyer AS b, v.kind AS c FROM visits v WHERE v.kind < 'b'"
        " UNION ALL SELECT o.buyer, o.id, 'z' FROM orders o WHERE o.cents > 900)"
        " SELECT x.a, y.b FROM u x JOIN u y ON x.b = y.a UNION ALL SELECT a, length(c) FROM u",
        1,
    ),
    (
        "WITH d AS (SELECT DISTINCT v.buyer, v.kind FROM visits v)"
        " SELECT buyer FROM d UNION ALL SELECT length(kind) FROM d",
        1,
    ),
    (
        "WITH f AS (SELECT v.id, v.kind, v.buyer FROM visits v ORDER BY v.id DESC LIMIT 20)"
        " SELECT x.kind, y.buyer FROM f x FULL JOIN f y ON x.id = y.id + 3",
        1,
    ),
    # Other rows: of what is distinct, of the conditions, of the limits, of the groups.
    ("SELECT DISTINCT buyer, kind FROM visits UNION ALL SELECT DISTINCT buyer, 'a' FROM visits", 0),
    (f"{TOTALS} SELECT n FROM t WHERE buyer > 4 UNION ALL SELECT cents FROM t WHERE buyer > 9", 0),
    (
        "SELECT kind, count(*) AS n FROM visits GROUP BY kind"
        " UNION ALL SELECT kind, count(*) FROM visits GROUP BY kind, buyer",
        0,
    ),
    # Sets of groups, with other measures.
    (
        "WITH g AS (SELECT v.buyer, v.kind, count(*) AS n, min(v.id) AS m FROM visits v"
        " GROUP BY ROLLUP (v.buyer, v.kind))"
        " SELECT x.n, y.kind, y.m FROM g x RIGHT JOIN g y ON x.buyer = y.n",
        0,
    ),
]


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    """Rows with NULL, and several with the same of anything but their numbers."""
    numbers = range(ROWS)
    buyers = [None if n % 97 == 0 else n * n % 61 for n in numbers]
    cents = [None if n % 89 == 0 else n * 37 % 1_009 for n in numbers]
    whole, met = pa.array(numbers, pa.int64()), pa.array(buyers[::-1], pa.int64())
    kinds = [None if n % 53 == 0 else "abc"[n % 3] for n in numbers]
    return {
        "orders": pa.table({"id": whole, "buyer": pa.array(buyers, pa.int64()), "cents": cents}),
        "visits": pa.table({"id": whole, "buyer": met, "kind": kinds}),
    }


@pytest.fixture(scope="module")
def both(
    tables: dict[str, pa.Table],
    postgres_server: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Placement]:
    """Where all that is there twice is computed once."""
    folder = tmp_path_factory.mktemp("repeated")
    pq.write_table(tables["visits"], folder / "visits.parquet")
    with postgres_server.database("repeated") as uri:
        postgres_server.execute(
            "CREATE TABLE orders (id bigint, buyer bigint, cents bigint)",
            "INSERT INTO orders SELECT n, CASE WHEN n % 97 > 0 THEN n * n % 61 END,"
            f" CASE WHEN n % 89 > 0 THEN n * 37 % 1009 END FROM generate_series(0, {ROWS - 1}) n",
            "CREATE VIEW broken AS SELECT id, 1 / (id - 5) AS part FROM orders",
            "CREATE VIEW slow AS SELECT id, pg_sleep(600)::text AS slept FROM orders",
            "ANALYZE",
            database="repeated",
        )
        sources = {
            "shop": {"connector": "postgres", "uri": uri, "max_connections": 1},
            "lake": {"connector": "files", "root": str(folder)},
        }
        with Placement.of_sources(sources) as placement:
            yield replace(placement, options=PlanningOptions(reductions="all"))


def read_often(plan: Plan) -> dict[str, int]:
    """The stages that are read several times, and how often."""
    return {stage.name: stage.reads for stage in plan.stages if stage.reads > 1}


def by_duckdb(sql: str, tables: dict[str, pa.Table]) -> pa.Table:
    with duckdb.connect() as judge:
        for name, table in tables.items():
            judge.register(name, table)
        return judge.sql(sql).to_arrow_table()


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_rows_are_those_that_duckdb_finds(
    sql: str, both: Placement, tables: dict[str, pa.Table]
) -> None:
    plan = both.plan(sql)
    want = by_duckdb(sql, tables)
    got = both.run(plan)
    assert sorted(map(repr, rows(got))) == sorted(map(repr, rows(want))), sql
    apart = replace(both, options=PlanningOptions(reductions="none"))
    assert_same(apart.query(sql), got, sql)
    assert read_often(plan), explain_text(plan)


@pytest.mark.parametrize(("sql", "shared"), OTHER_COLUMNS)
def test_uses_of_other_columns_read_the_same_rows(
    sql: str, shared: int, both: Placement, tables: dict[str, pa.Table]
) -> None:
    plan = both.plan(sql)
    want = by_duckdb(sql, tables)
    assert sorted(map(repr, rows(both.run(plan)))) == sorted(map(repr, rows(want))), sql
    assert len(read_often(plan)) == shared, explain_text(plan)


def rows(table: pa.Table) -> list[tuple[object, ...]]:
    return [
        tuple(int(v) if isinstance(v, Decimal) else v for v in row.values())
        for row in table.to_pylist()
    ]


def test_a_source_is_asked_once_and_its_rows_come_once(both: Placement) -> None:
    plan = both.plan(STATEMENTS[3])
    assert read_often(plan)["k1"] == 2
    assert [fragment.operators for fragment in plan.fragments] == [("aggregate",)]
    execution = both.engine.start(plan)
    assert sum(batch.num_rows for batch in execution.batches())
    account = execution.account()
    assert [fragment.rows for fragment in account.fragments] == [GROUPS]
    assert (account.stages[0].name, account.stages[0].rows) == ("k1", GROUPS)


def test_the_keys_of_what_is_read_often_go_to_a_source_from_where_it_is(both: Placement) -> None:
    only = f"{TOTALS} SELECT o.id FROM orders o JOIN t ON t.n = o.id UNION ALL SELECT n FROM t"
    plan = both.plan(only)
    assert [(stage.name, stage.reads) for stage in plan.stages] == [("k1", 2)]
    (fragment,) = plan.fragments
    assert fragment.reduction is not None
    assert fragment.reduction.columns == ("k1.count",)
    got = both.query(only)
    assert_same(replace(both, options=PlanningOptions(reductions="none")).query(only), got, only)


def test_what_does_not_repeat_is_computed_at_each_place(both: Placement) -> None:
    sql = (
        "WITH t AS (SELECT v.buyer, max(random()) AS r FROM visits v GROUP BY v.buyer)"
        " SELECT count(*) AS n FROM t a JOIN t b ON a.buyer = b.buyer AND a.r = b.r"
    )
    plan = both.plan(sql)
    assert not any("random" in stage.text for stage in plan.stages)
    assert both.run(plan)["n"].to_pylist() == [0]


def test_what_one_source_runs_is_left_to_it(both: Placement) -> None:
    plan = both.plan(f"{OF_SHOP} SELECT * FROM t x JOIN t y ON x.buyer = y.n")
    assert plan.residual is None


def test_first_rows_stay_in_their_order(both: Placement) -> None:
    sql = (
        "WITH f AS (SELECT v.id FROM visits v ORDER BY v.id DESC LIMIT 40)"
        " SELECT id FROM f WHERE id > (SELECT min(id) FROM f) LIMIT 30"
    )
    plan = both.plan(f"SELECT id FROM ({sql}) s ORDER BY id DESC LIMIT 3 OFFSET 2")
    assert read_often(plan) == {"k1": 2}
    assert both.run(plan)["id"].to_pylist() == [ROWS - 3, ROWS - 4, ROWS - 5]


def test_a_failure_of_the_source_is_the_statements(both: Placement) -> None:
    sql = (
        "WITH b AS (SELECT id, sum(part) AS part FROM broken GROUP BY id)"
        " SELECT v.kind, b.part FROM visits v JOIN b ON b.id = v.id"
        " UNION ALL SELECT v.kind, b.part FROM visits v JOIN b ON b.id = v.buyer"
    )
    plan = both.plan(sql)
    assert read_often(plan)
    with pytest.raises(SourceError) as raised:
        both.run(plan)
    assert raised.value.source == "shop"
    assert both.query("SELECT count(*) AS n FROM orders")["n"].to_pylist() == [ROWS]


def test_a_cancel_ends_what_is_computed_once(
    both: Placement, postgres_server: PostgresServer
) -> None:
    sql = (
        "WITH b AS (SELECT id, max(slept) AS slept FROM slow GROUP BY id)"
        " SELECT v.kind, b.slept FROM visits v JOIN b ON b.id = v.id"
        " UNION ALL SELECT v.kind, b.slept FROM visits v JOIN b ON b.id = v.buyer"
    )
    plan = both.plan(sql)
    assert read_often(plan)
    execution = both.engine.start(plan)
    assert_a_cancel_ends(execution, postgres_server)
    assert both.query("SELECT count(*) AS n FROM orders")["n"].to_pylist() == [ROWS]


def test_explain_says_how_often_rows_are_read(both: Placement) -> None:
    plan = both.plan(STATEMENTS[0])
    execution = both.engine.start(plan)
    list(execution.batches())
    text = explain_text(plan, execution.account())
    assert "k1, run by the engine here first: its rows are read 2 times" in text
    assert f"ran: {GROUPS} rows" in text
    (stage,) = json.loads(explain_json(plan, execution.account()))["stages"]
    assert (stage["reads"], stage["ran"]["rows"]) == (2, GROUPS)
    assert 'k1["k1: run first, read 2 times"]' in explain_mermaid(plan)


def test_what_reads_a_stage_is_computed_after_it(tmp_path: Path) -> None:
    """Whatever was seen before: what is known of its parts changes which of them are shared."""
    numbers = range(400_000)
    groups = [99_999 if n % 5 < 2 else n % 50_000 for n in numbers]
    big = {"id": [*numbers], "grp": groups, "v": [n % 977 for n in numbers]}
    pq.write_table(pa.table(big), tmp_path / "big.parquet")
    most = "WITH a AS (SELECT max(m) AS m FROM (SELECT v, max(grp) AS m FROM big GROUP BY v) z)"
    sql = (
        f"{most}, b AS (SELECT id, v FROM big WHERE grp = (SELECT m FROM a)) SELECT count(*) AS n,"
        " sum(x.v) AS s, sum(y.v) AS t, (SELECT m FROM a) AS m"
        " FROM b x JOIN b y ON x.id = y.id + 1"
    )
    lake = Source("lake", registry.create("files", "lake", {"root": str(tmp_path)}))
    with Placement.of_catalog(Catalog([lake], seen=SeenRows())) as placement:
        want = replace(placement, options=PlanningOptions(reductions="none")).query(sql)
        for _ in range(6):
            plan = placement.plan(sql)
            before: set[str] = set()
            for stage in plan.stages:
                assert set(stage.after) <= before
                before.add(stage.name)
            assert placement.run(plan) == want


def test_what_has_more_rows_than_may_wait_is_computed_at_each_place(tmp_path: Path) -> None:
    """Which is found as it runs: many rows of one key join each other."""
    count = 3_000
    table = {"k": [0 if n < 1_500 else n for n in range(count)], "v": [*range(count)]}
    pq.write_table(pa.table(table), tmp_path / "e.parquet")
    sql = (
        "WITH b AS (SELECT x.v AS a, y.v AS c FROM e x JOIN e y ON x.k = y.k)"
        " SELECT count(*) AS n, sum(a + c) AS s FROM b"
        " UNION ALL SELECT count(*), max(a - c) FROM b GROUP BY a % 1"
    )
    lake = Source("lake", registry.create("files", "lake", {"root": str(tmp_path)}))
    small = EngineSettings(memory_limit_bytes=4 << 20, target_partitions=2)
    with Placement.of_catalog(Catalog([lake], seen=SeenRows()), small) as placement:
        everywhere = replace(placement, options=PlanningOptions(reductions="all"))
        plan = everywhere.plan(sql)
        assert read_often(plan)
        run = placement.engine.start(plan, again=placement.again(sql))
        got = pa.Table.from_batches(run.batches(), run.schema)
        assert run.account().replanned == 1
        ones = 1_500 * 1_500 + 1_500
        assert got.column("n").to_pylist() == [ones, ones]


def test_what_waits_on_disk_is_read_by_each(tmp_path: Path) -> None:
    schema = pa.schema([("n", pa.int64())])
    buffer = BatchBuffer(3_000, Overflow(tmp_path, schema, 1 << 20))
    for number in range(20):
        buffer.put(pa.record_batch({"n": pa.array(range(number, number + 100))}))
    buffer.finish()
    readers = [buffer.again() for _ in range(3)]
    together = list(zip(*readers, strict=True))
    assert [[batch["n"][0].as_py() for batch in batches] for batches in together] == [
        [number] * 3 for number in range(20)
    ]
    late = buffer.again()
    next(late)
    buffer.cancel()
    with pytest.raises(CancelledError):
        list(late)
    buffer.close()
