"""How long a real source works is told from what is read, and the better cut is kept by it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pyarrow as pa
import pytest

from connectors import registry
from connectors.contract import Batches, Few, Fragment, SqlQuery
from connectors.memory import MemoryConnector
from execution.engine import EngineSettings
from execution.reading import round_trips_taken
from execution.working import Took, worked_seconds
from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.options import PlanningOptions
from planner.plan import Estimate, Plan, PlannedFragment
from tests.placements import Placement
from tests.postgres_server import PostgresServer

LINK = Link(0.1, 1_000_000.0)

ROWS = 6_000
SQL = "SELECT a.id, b.id FROM shop.ones a JOIN shop.others b ON b.k = a.k WHERE a.id % 3 = 0"


def took(
    seconds: float, held_up: float = 0.0, crossed_bytes: int = 0, others_bytes: int = 0
) -> Took:
    return Took(seconds, held_up, 10, crossed_bytes, others_bytes)


def worked(reading: Took, round_trips: float = 1.0) -> tuple[float, bool]:
    seconds, sure = worked_seconds(reading, LINK, round_trips)
    return round(seconds, 6), sure


def test_round_trips_and_the_transfer_are_no_work() -> None:
    assert worked(took(1.0), 3.0) == (0.7, True)
    assert worked(took(1.0, crossed_bytes=200_000), 3.0) == (0.5, True)
    assert worked(took(0.2), 3.0) == (0.0, True)


def test_time_in_which_nobody_took_what_had_come_is_no_work() -> None:
    assert worked(took(1.1, held_up=0.1)) == (0.9, True)


def test_where_most_of_it_may_be_something_else_it_is_that_at_most() -> None:
    assert worked(took(1.1, held_up=0.6)) == (1.0, False)
    assert worked(took(1.1, others_bytes=500_000)) == (1.0, False)
    # A link is never known so well that what is left of a long transfer must be work.
    assert worked(took(5.3, crossed_bytes=5_000_000)) == (0.2, False)


BATCHES = cast("Batches", object())
"""That say nothing of how they were asked for."""


def test_what_was_copied_after_few_rows_were_asked_for_took_the_round_trips_of_both() -> None:
    connector = registry.create("postgres", "shop", {"uri": "postgresql://shop.example/shop"})
    own = connector.capabilities.round_trips
    assert own.few is not None
    query = SqlQuery("SELECT 1", None, Few("SELECT 1", 10))
    fragment = Fragment(query, pa.schema([]))
    planned = PlannedFragment("f1", "shop", fragment, (), (), Estimate(), None)
    assert round_trips_taken(planned, connector, BATCHES, 10) == own.few
    assert round_trips_taken(planned, connector, BATCHES, 11) == own.few + own.rows


@pytest.fixture(scope="module")
def sources(postgres_server: PostgresServer) -> Iterator[dict[str, dict[str, object]]]:
    """A database that can join only by looking at all pairs."""
    with postgres_server.database("working") as uri:
        made = f"AS SELECT g AS id, g % {ROWS} AS k FROM generate_series(1, {ROWS}) g"
        postgres_server.execute(
            f"CREATE TABLE ones {made}",
            f"CREATE TABLE others {made}",
            "ANALYZE ones",
            "ANALYZE others",
            *(
                f"ALTER DATABASE working SET enable_{way} = off"
                for way in ("hashjoin", "mergejoin")
            ),
            database="working",
        )
        yield {"shop": {"connector": "postgres", "uri": uri, "max_connections": 2}}


def test_how_long_keys_were_waited_for_is_remembered() -> None:
    few = pa.table({"id": pa.array([1, 2], pa.int64())})
    many = pa.table({"id": pa.array(range(1_000), pa.int64())})
    sources = [
        Source(name, MemoryConnector(name, {name: rows}))
        for name, rows in (("few", few), ("many", many))
    ]
    options = PlanningOptions(reductions="all")
    sql = "SELECT m.id FROM many.many m JOIN few.few f ON f.id = m.id"
    with Placement.of_catalog(Catalog(sources)) as placement:
        placement = replace(placement, options=options)
        plan = placement.plan(sql)
        (stage,) = plan.stages
        assert stage.work is not None
        assert placement.run(plan).num_rows == 2
        seen = placement.catalog.seen.work.expected_seconds(stage.work.shape, 1e6)
    assert seen is not None
    assert seen < 1e6


@contextlib.contextmanager
def opened(sources: dict[str, dict[str, object]]) -> Iterator[Placement]:
    """A placement that remembers what it has seen."""
    with (
        Placement.of_sources(sources) as plain,
        Placement.of_catalog(
            Catalog(plain.catalog.sources.values()), EngineSettings(target_partitions=2)
        ) as placement,
    ):
        yield placement


def test_a_statement_settles_on_the_cut_that_its_source_is_not_slow_at(
    sources: dict[str, dict[str, object]],
) -> None:
    with opened(sources) as placement:
        plans: list[Plan] = []
        plan = placement.plan(SQL)
        for _ in range(10):
            if placement.catalog.seen.refutes(plan):
                plan = placement.plan(SQL)
            plans.append(plan)
            rows = placement.run(plan).num_rows
            assert rows == ROWS // 3
    fragments = [len(plan.fragments) for plan in plans]
    assert fragments[0] == 1
    assert set(fragments[4:]) == {2}
