"""A Crosswind near the data as one source: what spans several sources of that site runs there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import datafusion
import pyarrow as pa
import pytest

import flight_server
from benchmarks.links.emulator import EmulatedLink, emulated
from connectors.contract import TableName
from connectors.errors import SourceRejectedError
from flight_server.aside import Aside
from flight_server.config import Config
from flight_server.server import Server
from tests.comparison import assert_same
from tests.placements import Placement, pushed
from tests.tpch import IN_DATABASE, QUERIES

Sources = Mapping[str, Mapping[str, object]]

LINK = {"rtt_ms": 20, "mbps": 10}
FRAMES_BYTES = 20_000
"""What an answer may have on the wire besides its rows: its plan's messages, and their schemas."""

# By the names that the tables have here; both are split over the two sources of the site.
JOINED = """
SELECT o_orderpriority, count(*) AS n, sum(l_quantity) AS quantity
FROM {orders} JOIN {lineitem} ON l_orderkey = o_orderkey
WHERE o_orderdate < DATE '1993-01-01' GROUP BY o_orderpriority ORDER BY o_orderpriority
"""
AT_SITE = {"orders": 'west."shop.shop".orders', "lineitem": 'west."lake.main".lineitem'}
DIRECT = {"orders": "shop.shop.orders", "lineitem": "depot.main.lineitem"}


@contextmanager
def serving(sources: Sources, replicas: Mapping[str, list[str]] | None = None) -> Iterator[Server]:
    config = {
        "server": {"listen": "grpc://127.0.0.1:0"},
        "sources": sources,
        "replicas": replicas or {},
    }
    with flight_server.serve(Config.from_mapping(config)) as server:
        yield server


def explained(server: Server, sql: str, how: str = "") -> str:
    with flightsql.connect(server.url, autocommit=True) as client, client.cursor() as cursor:
        cursor.execute(f"EXPLAIN {how} {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.fixture(scope="module")
def far(tpch_sources: dict[str, Sources]) -> Iterator[Server]:
    """The site: five tables in PostgreSQL, and three in files."""
    with serving(tpch_sources["split"]) as server:
        yield server


@pytest.fixture(scope="module")
def link(far: Server) -> Iterator[EmulatedLink]:
    with emulated(f"127.0.0.1:{far.port}") as link:
        yield link


@pytest.fixture(scope="module")
def west(link: EmulatedLink) -> dict[str, Any]:
    """The site as the one source of another server."""
    return {"connector": "flightsql", "uri": f"grpc://127.0.0.1:{link.port}"}


@pytest.fixture(scope="module")
def here(west: dict[str, Any]) -> Iterator[Placement]:
    with Placement.of_sources({"west": west}) as placement:
        yield placement


@pytest.fixture(scope="module")
def near(west: dict[str, Any]) -> Iterator[Server]:
    with serving({"west": {**west, "link": LINK}}) as server:
        yield server


# --- what runs there ---


def test_a_site_has_the_tables_of_all_its_sources(here: Placement) -> None:
    names = here.catalog.sources["west"].connector.tables().names()
    lake = [TableName("lake.main", name) for name in ("lineitem", "part", "partsupp")]
    assert list(names) == lake + [TableName("shop.shop", name) for name in IN_DATABASE]


@pytest.mark.parametrize("query", QUERIES)
def test_what_spans_sources_of_a_site_is_one_fragment_and_only_its_answer_crosses(
    query: str, here: Placement, link: EmulatedLink, tpch_alone: datafusion.SessionContext
) -> None:
    sql = QUERIES[query]
    plan = here.plan(sql)
    assert pushed(plan) == "whole", [kept.reason for kept in plan.kept]
    before = link.crossed()
    answer = here.run(plan)
    assert link.crossed().since(before).down_bytes < 2 * answer.nbytes + FRAMES_BYTES
    assert_same(answer, tpch_alone.sql(sql).to_arrow_table(), sql)


# --- what is shown of it ---


@pytest.mark.parametrize("how", ["", "ANALYZE"])
def test_explain_shows_what_the_sources_of_the_site_do(how: str, near: Server) -> None:
    text = explained(near, JOINED.format(**AT_SITE), how)
    here, there = text.split("\n  there:\n")
    assert here.startswith("plan: one fragment, answered by west; nothing is left here")
    assert "    f1 at shop: " in there
    assert " at lake: main.lineitem, read by the engine" in there


def test_explain_in_json_has_the_plan_of_the_site_in_it(near: Server) -> None:
    plan = json.loads(explained(near, JOINED.format(**AT_SITE), "(FORMAT JSON)"))
    (part,) = plan["parts"]
    assert {p["source"] for p in part["there"]["parts"]} == {"shop", "lake"}


def test_a_site_that_does_not_answer_is_a_warning(west: dict[str, Any], far: Server) -> None:
    with emulated(f"127.0.0.1:{far.port}") as own:
        source = {**west, "uri": f"grpc://127.0.0.1:{own.port}", "link": LINK}
        with serving({"west": source}) as server:
            sql = JOINED.format(**AT_SITE)
            assert "  there:" in explained(server, sql)
            server._queries.explaining = Aside(0.2)
            own.change(rtt_ms=2_000)
            text = explained(server, sql)
            own.change(rtt_ms=0)
    assert "  there:" not in text
    assert "[source.not_explained] how west runs its part is not known: it did not answer" in text


def test_a_site_that_cannot_say_is_a_warning(near: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise SourceRejectedError("its source 'shop': cannot be reached", source="west")

    connector = near._queries.catalog.sources["west"].connector
    monkeypatch.setattr(connector, "explain", refuse)
    plan = json.loads(explained(near, JOINED.format(**AT_SITE), "(FORMAT JSON)"))
    assert [part["there"] for part in plan["parts"]] == [None]
    (warning,) = [w for w in plan["warnings"] if w["code"] == "source.not_explained"]
    assert warning["source"] == "west"
    assert "its source 'shop': cannot be reached" in warning["message"]


# --- a site and the same tables without it ---


@pytest.fixture(scope="module")
def both(
    west: dict[str, Any], tpch_sources: dict[str, Sources], tpch_flightsql: str
) -> Iterator[Server]:
    """PostgreSQL, files at a server of their own, and the site that has both; all equally far."""
    depot = {"connector": "flightsql", "uri": tpch_flightsql, "link": LINK}
    shop = {**tpch_sources["split"]["shop"], "link": LINK}
    copies = {DIRECT[table]: [AT_SITE[table]] for table in DIRECT}
    with serving({"shop": shop, "depot": depot, "west": {**west, "link": LINK}}, copies) as server:
        yield server


def test_what_the_site_can_join_is_read_there(
    both: Server, tpch_alone: datafusion.SessionContext
) -> None:
    sql = JOINED.format(**DIRECT)
    text = explained(both, sql)
    assert text.startswith("plan: one fragment, answered by west; nothing is left here")
    assert "shop.shop.orders read where it is: " in text
    with flightsql.connect(both.url, autocommit=True) as client, client.cursor() as cursor:
        cursor.execute(sql)
        answer: pa.Table = cursor.fetch_arrow_table()
    expected = JOINED.format(orders="orders", lineitem="lineitem")
    assert_same(answer, tpch_alone.sql(expected).to_arrow_table(), expected)


def test_a_site_that_is_far_away_is_passed_by(both: Server) -> None:
    header = "adbc.flight.sql.rpc.call_header.x-crosswind-link.west.rtt_ms"
    with (
        flightsql.connect(both.url, db_kwargs={header: "60000"}, autocommit=True) as client,
        client.cursor() as cursor,
    ):
        cursor.execute(f"EXPLAIN {JOINED.format(**DIRECT)}")
        text = "\n".join(row[0] for row in cursor.fetchall())
    assert "from depot, shop, the rest here" in text.splitlines()[0]
    assert "shop.shop.orders read from west.shop.shop.orders: " in text
