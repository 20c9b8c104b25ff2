"""A plan that what is read refutes is made again while nobody has seen a row, and never after."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.errors import CancelledError, CrosswindError, UnsupportedError
from execution.engine import EngineSettings
from execution.suspicion import Suspicion
from planner.account import Account
from planner.catalog import Catalog
from planner.explain import explain_text
from planner.plan import Plan
from tests.placements import Placement
from tests.postgres_server import PostgresServer

ROWS = 200_000
SQL = (
    "SELECT count(*) AS n, sum(p.id) AS s FROM shop.events e JOIN lake.picked p ON p.id = e.id"
    " WHERE e.kind LIKE 'x%' AND e.kind LIKE '%x'"
)
"""A few hundred events are expected, by rules of thumb for two patterns; all are so."""


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
    def again(_: object, __: bool) -> Plan:
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

        def again(_: object, __: bool) -> Plan:
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

        def again(_: object, __: bool) -> Plan:
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
