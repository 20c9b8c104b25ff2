"""What the option `cuts` makes of subtrees that one source can run, over sources on paper."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.contract import Statistics, TableName
from connectors.errors import UnknownNameError, UnsupportedError
from planner.catalog import Catalog
from planner.options import Cuts, PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from tests.placements import pushed
from tests.planner.paper import PaperConnector, paper_catalog
from tests.planner.paper_shop import ORDERS, shop, shop_catalog

GROWING = "SELECT c.id, s.id FROM shop.customers c JOIN shop.suppliers s ON s.nation = c.nation"
"""Its result is larger than its inputs."""

SHRINKING = "SELECT o.id, s.id FROM shop.orders o JOIN shop.suppliers s ON s.id = o.id"

BETWEEN = (
    "SELECT o.id, s.id FROM shop.customers o JOIN lake.items i ON i.customer = o.id"
    " JOIN shop.suppliers s ON s.id = i.supplier AND s.nation = o.nation"
)
"""The tables of the shop meet in a join that makes rows more."""

BY_ORDER = (
    "SELECT r.name, sum(o.total) FROM shop.orders o JOIN notes.remarks r ON r.id = o.id"
    " GROUP BY r.name"
)
"""There are as many groups as rows."""


@pytest.fixture
def catalog() -> Catalog:
    return shop_catalog()


def plan(sql: str, catalog: Catalog, cuts: Cuts) -> Plan:
    return plan_query(parse(sql), catalog, PlanningOptions(reductions="none", cuts=cuts))


def operators(found: Plan) -> list[tuple[str, ...]]:
    return [fragment.operators for fragment in found.fragments if fragment.source == "shop"]


def test_what_one_source_runs_is_costed_unless_said_otherwise(catalog: Catalog) -> None:
    assert pushed(plan(GROWING, catalog, "costed")) == "cut"
    assert pushed(plan(SHRINKING, catalog, "costed")) == "whole"


@pytest.mark.parametrize("sql", [GROWING, SHRINKING])
def test_push_opens_nothing(sql: str, catalog: Catalog) -> None:
    assert pushed(plan(sql, catalog, "push")) == "whole"


@pytest.mark.parametrize("sql", [GROWING, SHRINKING])
def test_open_runs_every_join_here(sql: str, catalog: Catalog) -> None:
    found = plan(sql, catalog, "open")
    assert operators(found) == [(), ()]
    assert [kept.operator for kept in found.kept] == ["join"]


def test_open_leaves_filters_and_what_stands_below_a_join_at_the_source(catalog: Catalog) -> None:
    sql = (
        "SELECT count(*) FROM (SELECT customer, count(*) AS n FROM shop.orders GROUP BY customer) o"
        " JOIN shop.customers c ON c.id = o.customer WHERE c.nation = 3 AND o.n > 5"
    )
    assert sorted(operators(plan(sql, catalog, "open"))) == [("filter",), ("filter", "aggregate")]
    assert pushed(plan(sql, catalog, "push")) == "whole"


def test_push_has_tables_of_one_source_meet_although_that_moves_more(catalog: Catalog) -> None:
    assert len(operators(plan(BETWEEN, catalog, "costed"))) == 2
    assert operators(plan(BETWEEN, catalog, "push")) == [("join",)]
    assert operators(plan(BETWEEN, catalog, "open")) == [(), ()]


def test_push_crosses_nothing_that_was_not_crossed(catalog: Catalog) -> None:
    sql = (
        "SELECT o.day, c.name FROM shop.orders o JOIN lake.items i ON i.order_id = o.id"
        " JOIN shop.customers c ON c.id = i.customer"
    )
    assert len(operators(plan(sql, catalog, "push"))) == 2


def test_push_has_first_steps_at_the_source_although_groups_are_many(catalog: Catalog) -> None:
    assert operators(plan(BY_ORDER, catalog, "costed")) == [()]
    assert operators(plan(BY_ORDER, catalog, "push")) == [("aggregate",)]


def test_open_cannot_be_had_where_all_is_required_at_the_source(catalog: Catalog) -> None:
    options = PlanningOptions("required", reductions="none", cuts="open")
    with pytest.raises(UnsupportedError, match="cuts = open"):
        plan_query(parse(SHRINKING), catalog, options)


class _Silent(PaperConnector):
    """Answers no question until it is told to."""

    asked, told = threading.Event(), threading.Event()

    def statistics(self, table: TableName) -> Statistics:
        self.asked.set()
        self.told.wait(60)
        return super().statistics(table)


class _Unasked(PaperConnector):
    """Must not be asked what it has."""

    def tables(self) -> Any:
        raise AssertionError("it was asked")


def test_the_error_of_a_full_name_asks_no_other_source() -> None:
    other = _Unasked("other", {"orders": ORDERS}, shop().capabilities)
    catalog = paper_catalog(other=other, shop=shop())
    with pytest.raises(UnknownNameError, match=r"Nearest: shop\.main\.orders,"):
        plan("SELECT * FROM shop.main.ordres", catalog, "costed")
    with pytest.raises(UnknownNameError, match=r"Known sources: other, shop\."):
        plan("SELECT * FROM shop.qqqqqqqqqq", catalog, "costed")


def test_while_one_source_is_asked_other_statements_are_planned() -> None:
    silent = _Silent("silent", {"orders": ORDERS}, shop().capabilities)
    catalog = paper_catalog(silent=silent, shop=shop())
    with ThreadPoolExecutor(2) as threads:
        try:
            waiting = threads.submit(plan, "SELECT sum(id) FROM silent.orders", catalog, "costed")
            assert silent.asked.wait(60)
            other = threads.submit(plan, "SELECT sum(id) FROM shop.orders", catalog, "costed")
            assert other.result(timeout=30).fragments
            assert not waiting.done()
        finally:
            silent.told.set()
        assert waiting.result(timeout=60).fragments
