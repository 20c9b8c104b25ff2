"""Small tables that go to a source whole: what is answered, and what happens when they cannot.

PostgreSQL holds one table, Parquet files the others; the engine alone answers over the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from execution.engine import EngineSettings
from execution.suspicion import Suspicion
from planner.catalog import Catalog
from planner.emit.rows import MOST_ROWS
from planner.explain import explain_text
from planner.explain_json import explain_json
from planner.explain_mermaid import explain_mermaid
from planner.options import PlanningOptions
from planner.plan import Plan, sent_by
from planner.seen import SeenRows
from tests.comparison import assert_same
from tests.oracle import sources
from tests.oracle.check import Outcome, check, text_of
from tests.oracle.statements import statement
from tests.placements import Placement
from tests.postgres_server import PostgresServer

from .waiting import assert_a_cancel_ends

ROWS = 3_000
WHOLE = PlanningOptions(reductions="whole")

TEXTS = [
    "plain",
    None,
    "",
    "it's",
    'a "b", {c}',
    "back\\slash",
    "NULL",
    "ä\n\t\U0001f600",
    "B",
    "b",
]
DAYS = [date(2024, 2, 29), None, date(1, 1, 1), date(9999, 12, 31)]
MOMENTS = [datetime(2024, 2, 29, 1, 2, 3, 456_789), None, datetime(1, 1, 1), datetime(9999, 12, 31)]

STATEMENTS = [
    "SELECT c.label, sum(o.total) AS t, count(*) AS n FROM orders o JOIN codes c USING (code)"
    " GROUP BY c.label",
    "SELECT o.id, c.* FROM orders o JOIN codes c USING (code) WHERE o.id < 900",
    "SELECT o.id, c.* FROM orders o LEFT JOIN codes c ON o.code = c.code AND c.number > 3",
    "SELECT c.*, o.id FROM orders o RIGHT JOIN codes c ON o.code = c.code AND o.id % 3 = 0",
    "SELECT c.label, c.price, o.id FROM orders o FULL JOIN codes c USING (code)",
    "SELECT count(*) AS n FROM orders o WHERE EXISTS"
    " (SELECT 1 FROM codes c WHERE c.code = o.code AND c.day = o.day)",
    "SELECT o.id FROM orders o WHERE o.code NOT IN (SELECT code FROM codes WHERE code IS NOT NULL)",
    "SELECT label FROM codes c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.code = c.code)",
    "SELECT c.code, c.label FROM codes c WHERE c.code IN (SELECT code FROM orders WHERE id < 40)",
    "SELECT c.label, count(*) AS n FROM orders o CROSS JOIN codes c GROUP BY c.label",
    "SELECT c.label, max(o.total) AS t FROM orders o JOIN codes c ON o.code < c.number"
    " GROUP BY c.label HAVING count(*) > 3",
    "SELECT c.label, o.total, o.id FROM orders o JOIN codes c USING (code)"
    " ORDER BY o.total DESC, o.id, c.label NULLS FIRST LIMIT 7 OFFSET 2",
    "SELECT min(c.label) AS a, max(c.label) AS b, min(c.day) AS d, max(c.at) AS t,"
    " sum(c.price) AS p, avg(c.price) AS v, bool_or(c.good) AS g"
    " FROM orders o JOIN codes c USING (code)",
    "SELECT c.number + o.code AS s, c.price * o.total AS p, c.price / 3 AS q, c.day - o.day AS e,"
    " upper(c.label) AS u, c.label || '-' AS w, CAST(c.at AS date) > o.day AS f, c.label < 'b' AS l"
    " FROM orders o JOIN codes c USING (code)",
    "SELECT c.label, o.total, rank() OVER (PARTITION BY c.label ORDER BY o.total, o.id) AS r"
    " FROM orders o JOIN codes c USING (code) WHERE o.id < 500",
    "SELECT c.day, c.at, c.good, c.price, count(*) AS n FROM orders o JOIN codes c ON o.day = c.day"
    " GROUP BY c.day, c.at, c.good, c.price",
    "SELECT d.name, c.label, sum(o.total) AS t FROM orders o JOIN codes c USING (code)"
    " JOIN days d ON o.day = d.day GROUP BY d.name, c.label",
    "SELECT x.n, o.id FROM orders o JOIN (VALUES (1, 'one'), (2, NULL), (2, 'two')) x(k, n)"
    " ON o.code = x.k",
    "SELECT c.label, count(*) AS n FROM orders o JOIN (SELECT label, max(code) AS code FROM codes"
    " GROUP BY label) c USING (code) GROUP BY c.label",
    "SELECT o.id, 'rows of k1.1' AS x FROM orders o JOIN codes c USING (code)"
    " WHERE c.label <> 'rows of k1.2'",
    "SELECT c.label, o.id FROM orders o JOIN codes c USING (code) WHERE c.number < 0",
    "SELECT count(*) AS n, sum(o.total) AS t FROM orders o JOIN (SELECT * FROM codes WHERE"
    " number < 0) c USING (code)",
    "SELECT o.id FROM orders o JOIN codes c USING (code) UNION ALL SELECT number FROM codes",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Codes in several rows, in none, and NULL; of each type that can be sent."""
    folder = tmp_path_factory.mktemp("sent_whole")
    numbers = range(120)
    codes = {
        "code": pa.array([None if n % 17 == 0 else n * n % 50 for n in numbers], pa.int32()),
        "label": [TEXTS[n % len(TEXTS)] for n in numbers],
        "number": pa.array(numbers, pa.int64()),
        "price": [None if n % 7 == 0 else Decimal(n - 60) / 4 for n in numbers],
        "day": [DAYS[n % len(DAYS)] for n in numbers],
        "at": pa.array([MOMENTS[n % len(MOMENTS)] for n in numbers], pa.timestamp("us")),
        "good": [(True, False, None)[n % 3] for n in numbers],
    }
    codes["price"] = pa.array(codes["price"], pa.decimal128(9, 2))
    pq.write_table(pa.table(codes), folder / "codes.parquet")
    days = [date(2024, 2, 20 + n % 10) for n in range(20)]
    names = [None if n % 6 == 0 else f"day {n % 4}" for n in range(20)]
    pq.write_table(pa.table({"day": days, "name": names}), folder / "days.parquet")
    large = {"id": [*range(2 * MOST_ROWS)], "odd": ["x" * (n % 5) for n in range(2 * MOST_ROWS)]}
    pq.write_table(pa.table(large), folder / "large.parquet")
    faulty = {"code": [1, 2], "nul": ["a", "b\0"], "far": pa.array([0, 2_932_897], pa.int32())}
    table = pa.table(faulty)
    far = table["far"].cast(pa.date32())
    pq.write_table(table.set_column(2, "far", far), folder / "faulty.parquet")
    return folder


@pytest.fixture(scope="module")
def uri(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database("sent_whole") as uri:
        postgres_server.execute(
            "CREATE TABLE orders (id bigint, code int, day date, total numeric(12,2))",
            "INSERT INTO orders SELECT n, CASE WHEN n % 13 > 0 THEN n % 61 END,"
            " date '2024-02-20' + n % 12, CASE WHEN n % 11 > 0 THEN n * 37 % 1009 / 4.0 END"
            f" FROM generate_series(1, {ROWS}) n",
            "CREATE VIEW slow AS SELECT id, code, pg_sleep(600)::text AS slept FROM orders",
            "ANALYZE",
            # As a database may have it, in which a bare NULL of an array is a text.
            "ALTER DATABASE sent_whole SET array_nulls = off",
            database="sent_whole",
        )
        yield uri


@pytest.fixture(scope="module")
def other_uri(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database("sent_from") as uri:
        slow = "CREATE VIEW slow AS SELECT 1::bigint AS id, pg_sleep(600)::text AS slept"
        postgres_server.execute(slow, database="sent_from")
        yield uri


@pytest.fixture
def both(uri: str, other_uri: str, folder: Path) -> Iterator[Placement]:
    """Where what can be sent is; each test has a memory of its own."""
    sources = {
        "till": {"connector": "postgres", "uri": other_uri},
        "shop": {"connector": "postgres", "uri": uri, "max_connections": 1},
        "lake": {"connector": "files", "root": str(folder)},
    }
    with Placement.of_sources(sources) as placement:
        yield replace(placement, options=WHOLE)


def without(placement: Placement) -> Placement:
    return replace(placement, options=PlanningOptions(reductions="none"))


def tables_joined(plan: Plan) -> list[tuple[str, ...]]:
    return [f.tables for f in plan.fragments if f.sending is not None]


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_answer_is_that_without(sql: str, both: Placement) -> None:
    plan = both.plan(sql)
    assert sent_by(plan), explain_text(plan)
    assert_same(both.run(plan), without(both).query(sql), sql)


def test_only_the_result_crosses(both: Placement) -> None:
    plan = both.plan(STATEMENTS[0])
    (fragment,) = plan.fragments
    assert fragment.operators == ("aggregate", "join")
    execution = both.engine.start(plan)
    rows = sum(batch.num_rows for batch in execution.batches())
    assert [f.rows for f in execution.account().fragments] == [rows]


def test_two_tables_go_with_one_statement(both: Placement) -> None:
    plan = both.plan(STATEMENTS[16])
    assert sent_by(plan) == {"k1", "k2"}
    assert tables_joined(plan) == [("public.orders",)]


def test_nothing_is_sent_where_that_is_not_wanted(both: Placement) -> None:
    assert not any(sent_by(without(both).plan(sql)) for sql in STATEMENTS)


@pytest.mark.parametrize(
    ("condition", "column"), [("length(l.odd) < 9", "odd"), ("abs(l.id - 50000) > 9", "id")]
)
def test_more_rows_than_were_expected_are_joined_here(
    condition: str, column: str, both: Placement
) -> None:
    sql = (
        f"SELECT o.id, l.{column} AS c FROM orders o JOIN large l ON o.id = l.id WHERE {condition}"
    )
    plan = both.plan(sql)
    assert sent_by(plan), explain_text(plan)
    run = both.engine.start(plan, again=both.again(sql))
    got = pa.Table.from_batches(run.batches(), run.schema)
    assert run.account().replanned == 1
    assert_same(got, without(both).query(sql), sql)
    assert not sent_by(both.plan(sql))
    assert both.catalog.seen.refutes(plan)


def test_where_one_of_two_is_too_large_neither_goes_for_this_time(both: Placement) -> None:
    """What came meanwhile is known then, and the other one would be sent by it."""
    sql = (
        "SELECT c.label, l.odd, count(*) AS n FROM orders o JOIN codes c USING (code)"
        " JOIN large l ON o.id = l.id WHERE length(l.odd) < 9 GROUP BY 1, 2"
    )
    known = Catalog(both.catalog.sources.values(), seen=SeenRows())
    with Placement.of_catalog(known) as knowing:
        remembering = replace(knowing, options=WHOLE)
        plan = remembering.plan(sql)
        assert len(sent_by(plan)) == 2, explain_text(plan)
        assert_same(remembering.run(plan), without(both).query(sql), sql)
        again = remembering.plan(sql)
        assert len(sent_by(again)) == 1
        assert_same(remembering.run(again), without(both).query(sql), sql)


@pytest.mark.parametrize("column", ["nul", "far"])
def test_what_has_no_form_there_is_joined_here(column: str, both: Placement) -> None:
    sql = (
        f"SELECT f.{column} AS x, count(*) AS n FROM orders o JOIN faulty f USING (code) GROUP BY 1"
    )
    plan = both.plan(sql)
    assert sent_by(plan)
    assert_same(both.run(plan), without(both).query(sql), sql)
    assert not sent_by(both.plan(sql))


def test_it_is_joined_here_also_where_plans_are_made_again_and_again(
    uri: str, folder: Path
) -> None:
    sources = {
        "shop": {"connector": "postgres", "uri": uri, "max_connections": 2},
        "lake": {"connector": "files", "root": str(folder)},
    }
    settings = EngineSettings(target_partitions=2, suspicion=Suspicion(always=True, waits=True))
    with Placement.of_sources(sources, settings) as placement:
        both = replace(placement, options=WHOLE)
        for sql in (STATEMENTS[0], "SELECT o.id, f.nul FROM orders o JOIN faulty f USING (code)"):
            plan = both.plan(sql)
            assert sent_by(plan)
            assert_same(both.run(plan), without(both).query(sql), sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT c.label, max(s.slept) AS m FROM shop.slow s JOIN codes c USING (code) GROUP BY 1",
        "SELECT o.id, s.slept FROM orders o JOIN (SELECT id, slept FROM till.slow LIMIT 5) s"
        " USING (id)",
    ],
    ids=["while the source answers", "while the stage is computed"],
)
def test_a_cancel_ends_it(sql: str, both: Placement, postgres_server: PostgresServer) -> None:
    plan = both.plan(sql)
    assert sent_by(plan), explain_text(plan)
    execution = both.engine.start(plan, again=both.again(sql))
    assert_a_cancel_ends(execution, postgres_server)
    assert both.query("SELECT count(*) AS n FROM orders")["n"].to_pylist() == [ROWS]


def test_explain_says_what_is_sent(both: Placement) -> None:
    plan = both.plan(STATEMENTS[0])
    text = explain_text(plan)
    assert "sends the 120 rows of k1" in text
    assert "k1, run by the engine here first: its rows go to f1" in text
    assert "'rows of k1.1'" in text
    execution = both.engine.start(plan)
    list(execution.batches())
    assert "sends the 120 rows of k1" in explain_text(plan, execution.account())
    (stage,) = json.loads(explain_json(plan, execution.account()))["stages"]
    assert (stage["sent_to"], stage["ran"]["rows"]) == (["f1"], 120)
    assert "k1 -.->|rows| f1" in explain_mermaid(plan)


@pytest.mark.parametrize("in_files", [("pairs", "texts"), ("odd", "nothing")])
def test_random_statements_are_answered_as_by_the_engine_alone(
    in_files: tuple[str, ...], postgres_server: PostgresServer
) -> None:
    with sources.apart(postgres_server, "whole", "push", in_files) as twins:
        tables, judge, sent = sources.tables(twins), sources.judge(twins), 0
        for seed in range(4_000_000, 4_000_040):
            sql = text_of(statement(seed, tables, joined=True))
            verdict = check(twins, sql, judge)
            assert verdict.outcome is not Outcome.DIFFERENT, f"{sql}\n{verdict.detail}"
            if verdict.outcome is Outcome.SAME:
                sent += bool(sent_by(twins.pushing.plan(sql)))
        assert sent >= 5
