"""The benchmark of planning: what it counts as costing. Its figures are not looked at here."""

from __future__ import annotations

from benchmarks.planning import _COSTING, _costing
from planner import planning
from planner.parse import parse
from tests.planner.paper_shop import shop_catalog

QUERY = "SELECT c.id, i.price FROM shop.customers c JOIN lake.items i ON i.customer = c.id"


def test_costing_is_timed_while_a_query_is_planned_and_left_as_it_was() -> None:
    catalog, ways = shop_catalog(), []
    before = {name: getattr(planning, name) for name in _COSTING}
    during = []

    def work(sql: str) -> None:
        during.append({name: getattr(planning, name) for name in _COSTING})
        ways.append(planning.plan_query(parse(sql), catalog))

    assert _costing(work, QUERY) > 0
    assert not set(before.values()) & set(during[0].values())
    assert {name: getattr(planning, name) for name in _COSTING} == before
    assert ways == [planning.plan_query(parse(QUERY), catalog)]


def test_nothing_is_costed_where_nothing_is_planned() -> None:
    assert _costing(parse, QUERY) == 0
