"""How often PostgreSQL is waited for, counted by the link: what the planner reckons with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from benchmarks.links.emulator import EmulatedLink, emulated
from connectors.contract import RoundTrips, SqlQuery
from execution.gate import Gate
from execution.reading import moment_of, round_trips_of
from planner.catalog import Catalog, Source
from planner.options import PlanningOptions
from tests.execution.waiting import eventually
from tests.misled import misled, times
from tests.placements import Placement
from tests.postgres_server import HOST, PostgresServer

DATABASE = "round_trips"


@pytest.fixture(scope="module")
def link(postgres_server: PostgresServer) -> Iterator[EmulatedLink]:
    with emulated(f"{HOST}:{postgres_server.port}") as link:
        yield link


@pytest.fixture(scope="module")
def far(postgres_server: PostgresServer, link: EmulatedLink) -> Iterator[Placement]:
    with postgres_server.database(DATABASE):
        postgres_server.execute(
            "CREATE TABLE small AS SELECT i, i % 7 AS g FROM generate_series(1, 50) i",
            "CREATE TABLE large AS SELECT i, i % 7 AS g FROM generate_series(1, 20000) i",
            "ANALYZE",
            database=DATABASE,
        )
        through = f"postgresql://postgres@{HOST}:{link.port}/{DATABASE}"
        with Placement.of_sources({"far": {"connector": "postgres", "uri": through}}) as placement:
            yield replace(placement, options=PlanningOptions(reductions="none", cuts="open"))


@pytest.fixture
def expected(far: Placement) -> RoundTrips:
    return far.catalog.sources["far"].connector.capabilities.round_trips


def turns(server: PostgresServer, link: EmulatedLink, far: Placement, sql: str) -> int:
    """How often anything was asked for the rows of a statement, over connections that were open."""

    def is_quiet() -> bool:
        return server.execute(_BUSY, database=DATABASE) == [(0,)]

    plan = far.plan(sql)
    far.run(plan)
    eventually(is_quiet)
    before = link.crossed()
    far.run(plan)
    eventually(is_quiet)
    crossed = link.crossed().since(before)
    assert crossed.connections == 0
    return crossed.turns


_BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
"""


def test_few_rows_take_one_round_trip(
    postgres_server: PostgresServer, link: EmulatedLink, far: Placement, expected: RoundTrips
) -> None:
    found = turns(postgres_server, link, far, "SELECT i FROM small WHERE g = 3")
    assert found == expected.few == 1


def test_rows_are_copied_in_three(
    postgres_server: PostgresServer, link: EmulatedLink, far: Placement, expected: RoundTrips
) -> None:
    found = turns(postgres_server, link, far, "SELECT i FROM large WHERE g > 0")
    assert found == expected.rows == 3


def test_a_moment_takes_three_before_the_last_one_begins(
    postgres_server: PostgresServer, link: EmulatedLink, far: Placement, expected: RoundTrips
) -> None:
    # As long as the first one waits for its rows, the other one cannot have its connection.
    link.change(rtt_ms=20.0)
    found = turns(postgres_server, link, far, "SELECT a.i FROM small a JOIN large b ON a.i = b.i")
    link.change(rtt_ms=0.0)
    assert expected.few is not None
    ends = 2  # after the rows
    assert found == expected.moment + expected.few + expected.rows + ends


def test_a_small_table_takes_one_whatever_is_expected_and_who_meters_knows(
    postgres_server: PostgresServer, link: EmulatedLink, far: Placement, expected: RoundTrips
) -> None:
    connector = far.catalog.sources["far"].connector
    catalog = Catalog([Source("far", misled(connector, times(1_000)))])
    with Placement.of_catalog(catalog) as misplanned:
        sql = "SELECT i FROM small WHERE g > 0"
        (planned,) = misplanned.plan(sql).fragments
        assert isinstance(planned.fragment.query, SqlQuery)
        assert planned.fragment.query.few is None
        assert turns(postgres_server, link, misplanned, sql) == expected.few == 1
    with closing(moment_of(connector, 1, 1, Gate("far", 8))) as moment:
        batches = moment.execute(planned.fragment, None)
        assert round_trips_of(planned, connector, batches) == expected.few
        batches.close()


def test_copied_rows_and_their_statements_cross_as_is_reckoned(
    postgres_server: PostgresServer, link: EmulatedLink, far: Placement
) -> None:
    """What `Framing` and `RoundTrips.texts` say of the bytes of a fragment."""
    capabilities = far.catalog.sources["far"].connector.capabilities
    numbers = ", ".join(str(number) for number in range(1, 4_001))
    statements = {
        "filtered": "SELECT i, g FROM large WHERE g >= 0",
        "long": f"SELECT i, g FROM large WHERE i IN ({numbers}) OR g >= 1",
    }
    crossed, texts = {}, {}
    for name, sql in statements.items():
        plan = far.plan(sql)
        query = plan.fragments[0].fragment.query
        assert isinstance(query, SqlQuery)
        texts[name] = len(query.text)
        before = link.crossed()
        far.run(plan)
        eventually(lambda: postgres_server.execute(_BUSY, database=DATABASE) == [(0,)])
        crossed[name] = link.crossed().since(before)
    values = 2 * 4  # int4 each, and a length of 4 in front of each
    framed = values + 2 * 4 + capabilities.framing.row_bytes
    assert crossed["filtered"].down_bytes == pytest.approx(20_000 * framed, rel=0.02)
    sent = crossed["long"].up_bytes / texts["long"]
    assert sent == pytest.approx(capabilities.round_trips.texts, rel=0.05)
