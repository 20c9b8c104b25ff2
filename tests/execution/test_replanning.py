"""A plan that what is read refutes is made again while nobody has seen a row, and never after."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import registry
from connectors.contract import ColumnStatistics, Fragment, SqlQuery, Statistics
from connectors.errors import CancelledError, CrosswindError, UnsupportedError
from execution.engine import EngineSettings
from execution.replanning import is_worth_it
from execution.suspicion import Suspicion, Watch
from planner.account import Account
from planner.catalog import Catalog, Source
from planner.explain import explain_text
from planner.plan import Estimate, Plan, PlannedFragment
from planner.seen import SeenRows
from planner.sized import grown
from tests.misled import Misleading, misled, times, withheld
from tests.placements import Placement
from tests.postgres_server import PostgresServer

ROWS = 200_000
SQL = (
    "SELECT count(*) AS n, sum(p.id) AS s FROM shop.events e JOIN lake.picked p ON p.id = e.id"
    " WHERE e.kind LIKE 'x%' AND e.kind LIKE '%x'"
)
"""A few hundred events are expected, by rules of thumb for two patterns; all are so."""


before_they_grew = times(0.01)


@pytest.fixture(scope="module")
def sources(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, object]]]:
    folder = tmp_path_factory.mktemp("picked")
    picked = pa.table({"id": pa.array(range(0, 3_000, 3), pa.int64())})
    pq.write_table(picked, folder / "picked.parquet")
    with postgres_server.database("replanning") as uri:
        postgres_server.execute(
            f"CREATE TABLE events AS SELECT g AS id, 'x' AS kind"
            f" FROM generate_series(0, {ROWS - 1}::bigint) g",
            "ANALYZE events",
            database="replanning",
        )
        shop = {"connector": "postgres", "uri": uri, "max_connections": 2}
        yield {"shop": shop, "lake": {"connector": "files", "root": str(folder)}}


@contextlib.contextmanager
def opened(
    sources: dict[str, dict[str, object]], suspicion: Suspicion | None = None
) -> Iterator[Placement]:
    """A placement that remembers what it has seen."""
    settings = EngineSettings(
        target_partitions=2, suspicion=suspicion or Suspicion(rows=1_000.0, waits=True)
    )
    with (
        Placement.of_sources(sources) as plain,
        Placement.of_catalog(Catalog(plain.catalog.sources.values()), settings) as placement,
    ):
        yield placement


def ran(placement: Placement, plan: Plan, times: list[int]) -> tuple[list[object], Account]:
    def again(_: object, __: object) -> Plan:
        times.append(1)
        return placement.plan(plan.sql)

    execution = placement.engine.start(plan, again=again)
    batches = list(execution.batches())
    table = pa.Table.from_batches(batches, schema=plan.schema)
    return [tuple(row.values()) for row in table.to_pylist()], execution.account()


def test_a_plan_is_made_again_when_far_more_rows_come(
    sources: dict[str, dict[str, object]],
) -> None:
    with opened(sources) as placement:
        plan = placement.plan(SQL)
        assert not plan.stages, "few rows are expected, which need no keys"
        times: list[int] = []
        rows, account = ran(placement, plan, times)
        assert rows == [(1_000, sum(range(0, 3_000, 3)))]
        assert (len(times), account.replanned) == (1, 1)
        assert account.plan is not None
        assert account.plan.stages
        # What was read before is no part of what was read.
        assert [(f.keys, f.rows) for f in account.fragments] == [(1_000, 1_000)]
        assert "planned again once" in explain_text(plan, account)
        assert "waits for the keys" in explain_text(plan, account)
        # Now it is known.
        assert placement.plan(SQL).stages


def test_a_plan_that_would_be_the_same_goes_on(sources: dict[str, dict[str, object]]) -> None:
    with opened(sources) as placement:
        plan = placement.plan(
            SQL.replace("JOIN", "CROSS JOIN").replace("ON p.id = e.id WHERE", "WHERE p.id < 9 AND")
        )
        times: list[int] = []
        _, account = ran(placement, plan, times)
        assert (len(times), account.replanned) == (1, 0)


def test_a_statement_that_cannot_be_planned_again_goes_on(
    sources: dict[str, dict[str, object]],
) -> None:
    with opened(sources) as placement:
        plan = placement.plan(SQL)

        def again(_: object, __: object) -> Plan:
            raise UnsupportedError("not now")

        execution = placement.engine.start(plan, again=again)
        assert sum(batch.num_rows for batch in execution.batches()) == 1
        assert execution.account().replanned == 0


def test_nothing_takes_over_when_a_batch_was_given(sources: dict[str, dict[str, object]]) -> None:
    sql = "SELECT e.id FROM shop.events e LEFT JOIN lake.picked p ON p.id = e.id + 1"
    with opened(sources, Suspicion(always=True, waits=True)) as placement:
        plan = placement.plan(sql)
        execution = placement.engine.start(plan, again=placement.again(sql))
        given = list(execution.batches())
        ids = pa.chunked_array([batch.column(0) for batch in given])
        assert len(ids) == ROWS == len(ids.unique())
        assert execution.account().replanned == 2


def test_a_cancel_while_planning_again_ends_the_run(sources: dict[str, dict[str, object]]) -> None:
    with opened(sources) as placement:
        plan = placement.plan(SQL)

        def again(_: object, __: object) -> Plan:
            execution.cancel()
            return placement.plan(SQL)

        execution = placement.engine.start(plan, again=again)
        with pytest.raises(CancelledError):
            list(execution.batches())


def test_the_failure_of_the_plan_that_takes_over_is_the_statements(
    sources: dict[str, dict[str, object]], tmp_path: Path
) -> None:
    file = tmp_path / "broken.db"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE odd (id INTEGER NOT NULL)")
        database.execute("INSERT INTO odd VALUES (1), ('no number')")
    broken: dict[str, object] = {"connector": "sqlite", "uri": str(file)}
    with opened({**sources, "notes": broken}, Suspicion(always=True, waits=True)) as placement:
        plan = placement.plan(SQL)
        other = placement.plan("SELECT count(*) AS n, sum(o.id) AS s FROM notes.odd o, lake.picked")
        execution = placement.engine.start(plan, again=lambda _, __: other)
        with pytest.raises(CrosswindError) as found:
            list(execution.batches())
        assert found.value.source == "notes"


MULTIPLIED = 3_000
"""Rows of each of two tables of one key: their join has the square of that."""


@pytest.fixture(scope="module")
def multiplying(
    postgres_server: PostgresServer, sources: dict[str, dict[str, object]]
) -> Iterator[dict[str, dict[str, object]]]:
    """Two tables whose join has far more rows than both have together; and files."""
    with postgres_server.database("multiplying") as uri:
        for table in ("buyers", "sellers"):
            postgres_server.execute(
                f"CREATE TABLE {table} AS SELECT g AS id, 1 AS nation"
                f" FROM generate_series(0, {MULTIPLIED - 1}::bigint) g",
                f"ANALYZE {table}",
                database="multiplying",
            )
        shop = {"connector": "postgres", "uri": uri, "max_connections": 2}
        yield {**sources, "shop": shop}


@pytest.mark.parametrize("way", [withheld, before_they_grew])
def test_tables_whose_join_multiplies_are_joined_here(
    multiplying: dict[str, dict[str, object]], way: Misleading
) -> None:
    sql = (
        "SELECT count(*) AS n, sum(p.id) AS s FROM shop.buyers b JOIN shop.sellers s"
        " ON s.nation = b.nation JOIN lake.picked p ON p.id = b.id"
    )
    with misled_placement(multiplying, way) as placement:
        plan = placement.plan(sql)
        assert [f.tables for f in plan.fragments] == [("public.buyers", "public.sellers")]
        execution = placement.engine.start(plan, again=placement.again(sql))
        (row,) = pa.Table.from_batches(execution.batches(), schema=plan.schema).to_pylist()
        account = execution.account()
        assert row == {
            "n": MULTIPLIED * (MULTIPLIED // 3),
            "s": MULTIPLIED * sum(range(0, MULTIPLIED, 3)),
        }
        assert account.replanned == 1
        assert account.plan is not None
        fragments = {f.tables for f in account.plan.fragments}
        assert fragments == {("public.buyers",), ("public.sellers",)}
        reason = (
            "join over shop (public.buyers, public.sellers): joined there they had far more rows"
        )
        assert reason in explain_text(plan, account)


@contextlib.contextmanager
def misled_placement(sources: dict[str, dict[str, object]], way: Misleading) -> Iterator[Placement]:
    """One whose database is misled, and that remembers."""
    made = []
    for name, configured in sources.items():
        rest = {key: value for key, value in configured.items() if key != "connector"}
        connector = registry.create(str(configured["connector"]), name, rest)
        made.append(Source(name, misled(connector, way if name == "shop" else lambda known: known)))
    settings = EngineSettings(target_partitions=2, suspicion=Suspicion(rows=10_000.0, waits=True))
    with (
        Placement.opened(made) as plain,
        Placement.of_catalog(Catalog(plain.catalog.sources.values()), settings) as placement,
    ):
        yield placement


def test_what_goes_on_is_looked_at_again_at_twice_the_rows() -> None:
    told: list[int] = []
    planned = PlannedFragment(
        "f1", "shop", Fragment(SqlQuery("SELECT 1"), pa.schema([])), ("public.events",), shape=b"1"
    )
    watch = Watch(Suspicion(times=10.0, rows=100.0), lambda _, rows: told.append(rows))
    fragment = watch.on(replace(planned, estimate=Estimate(50.0, 400.0)))
    assert fragment is not None
    for rows in (400, 500, 501, 900, 1_002, 1_003, 2_006, 2_100):
        fragment.look(rows)
    assert told == [501, 1_003, 2_100]
    assert watch.on(planned) is None, "of a table nothing was expected"
    assert watch.on(replace(planned, operators=("join",))) is not None, "a join may multiply"


@pytest.mark.parametrize(
    ("change", "took_seconds", "is_doubtful", "pays"),
    [
        ({}, 0.0, False, False),
        ({"residual_text": "another order"}, 0.2, False, True),
        ({"residual_text": "another order"}, 0.3, False, False),
        ({"fragments": ()}, 0.0, False, True),
        ({"fragments": ()}, 0.9, True, False),
        ({"fragments": ()}, 1.1, True, True),
        ({"fragments": (), "seconds": None}, 0.0, True, True),
    ],
)
def test_what_takes_over_is_worth_what_has_been_read(
    change: dict[str, object], took_seconds: float, is_doubtful: bool, pays: bool
) -> None:
    fragment = PlannedFragment("f1", "shop", Fragment(SqlQuery("SELECT 1"), pa.schema([])), ())
    running = Plan("", pa.schema([]), (fragment,), (), None, "an order")
    plan = replace(running, **{"seconds": 1.0, **change})  # type: ignore[arg-type]
    assert is_worth_it(plan, running, took_seconds, is_doubtful=is_doubtful) == pays


def test_a_table_has_the_rows_that_were_seen_until_its_source_knows_better() -> None:
    seen = SeenRows()
    assert seen.of_table("shop", "public.events", 10.0) is None
    seen.note_table("shop", "public.events", 500, 1_000.0)
    assert seen.of_table("shop", "public.events", 10.0) == 1_000.0
    seen.note_table("shop", "public.events", 700)
    assert seen.of_table("shop", "public.events", 10.0) == 700.0, "it has been read to its end"
    seen.note_table("shop", "public.events", 20)
    assert seen.of_table("shop", "public.events", 10.0) == 700.0, "a part of it"
    assert seen.of_table("shop", "public.events", 600.0) is None, "it was analysed since"
    assert seen.of_table("shop", "public.events", 10.0) is None


def test_a_table_that_grew_has_more_values_of_its_keys() -> None:
    columns = {"id": ColumnStatistics(distinct=10.0), "kind": ColumnStatistics(distinct=1.0)}
    found = grown(Statistics(10.0, 100.0, columns), 1_000.0)
    assert (found.rows, found.size_bytes) == (1_000.0, 10_000.0)
    assert [column.distinct for column in found.columns.values()] == [1_000.0, 1.0]
    assert grown(found, 10.0) is found


def test_the_rows_of_a_table_are_learned_from_a_part_of_it(
    sources: dict[str, dict[str, object]],
) -> None:
    with misled_placement(sources, before_they_grew) as placement:
        sql = "SELECT e.id FROM shop.events e LEFT JOIN lake.picked p ON p.id = e.id WHERE e.id > 9"
        execution = placement.engine.start(placement.plan(sql))
        assert sum(batch.num_rows for batch in execution.batches()) == ROWS - 10
        assert placement.catalog.seen.of_table("shop", "public.events", ROWS / 100) == ROWS - 10
        other = placement.plan(sql.replace("e.id > 9", "e.kind = 'x'"))
        (fragment,) = other.fragments
        assert fragment.estimate.rows == pytest.approx(ROWS, rel=0.01)
