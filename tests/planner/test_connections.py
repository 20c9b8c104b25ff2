"""What is planned where one connection carries less than the link: measured of long ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.contract import Parallel, Statistics, TableName
from planner.catalog import Catalog, Source
from planner.cost import Link, transfer_cost
from planner.explain import explain_text
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from tests.planner.paper import PaperConnector, PaperTable, paper
from tests.planner.paper_shop import INT

MBIT = 1e6 / 8
WIDE = Link.of(100, 10)
APART = replace(WIDE, connection_bytes_per_second=2.5 * MBIT)
"""Four connections carry what the link does."""

ROWS = 1_000_000
LARGE = PaperTable({"id": (INT,), "n": INT}, rows=ROWS, distinct={"id": ROWS, "n": ROWS})
JOINED = "SELECT a.id, a.n, b.n AS m FROM shop.a JOIN shop.b ON a.id = b.id"


def planned(sql: str, link: Link, connector: PaperConnector | None = None) -> Plan:
    connector = connector or paper("postgres", {"a": LARGE, "b": LARGE}, "shop")
    return plan_query(parse(sql), Catalog([Source("shop", connector, link)]))


def test_a_fragment_takes_as_long_as_its_one_connection() -> None:
    (one,) = planned("SELECT id FROM shop.a WHERE n < 7", WIDE).fragments
    (apart,) = planned("SELECT id FROM shop.a WHERE n < 7", APART).fragments
    assert one.cost is not None
    assert apart.cost is not None
    assert apart.cost.transfer_seconds == pytest.approx(4 * one.cost.transfer_seconds)
    assert apart.cost.link_seconds == pytest.approx(one.cost.transfer_seconds)
    assert one.cost.connections is None


def test_what_moves_over_two_connections_is_joined_here_where_one_is_slow() -> None:
    """Both tables have more bytes than their join; each of them has fewer."""
    assert len(planned(JOINED, WIDE).fragments) == 1
    assert len(planned(JOINED, APART).fragments) == 2


def test_a_table_that_is_read_through_comes_over_as_many_connections_as_its_source_takes() -> None:
    class Large(PaperConnector):
        def statistics(self, table: TableName) -> Statistics:
            return replace(super().statistics(table), size_bytes=90e6)

    known = paper("postgres", {}).capabilities
    connector = Large("shop", {"a": LARGE}, replace(known, parallel=Parallel(8, 30e6)))
    (whole,) = planned("SELECT id, n FROM shop.a", APART, connector).fragments
    (most,) = planned("SELECT id, n FROM shop.a WHERE n IS NOT NULL", APART, connector).fragments
    (part,) = planned("SELECT id, n FROM shop.a WHERE n = 7", APART, connector).fragments
    assert whole.cost is not None
    assert most.cost is not None
    assert part.cost is not None
    connections = [f.cost.connections for f in (whole, most, part) if f.cost is not None]
    assert connections == [3, 3, 1]
    # Three connections carry three times as much.
    assert most.estimate.rows is not None
    seconds = most.cost.transfer_seconds / most.estimate.rows
    assert part.cost.transfer_seconds / (part.estimate.rows or 0.0) > 2 * seconds
    (wide,) = planned("SELECT id, n FROM shop.a", WIDE, connector).fragments
    assert wide.cost is not None
    assert wide.cost.connections is None


def test_explain_says_so() -> None:
    text = explain_text(planned("SELECT id FROM shop.a WHERE n < 7", APART))
    assert " transfer over 1 connection + " in text
    assert "connection" not in explain_text(planned("SELECT id FROM shop.a WHERE n < 7", WIDE))


def test_connections_carry_no_more_than_their_link() -> None:
    one, four, many = (transfer_cost(1, 1e6, APART, connections=n) for n in (1, 4, 9))
    assert one.transfer_seconds == 4 * four.transfer_seconds
    assert four.transfer_seconds == many.transfer_seconds == 1e6 / WIDE.bytes_per_second
