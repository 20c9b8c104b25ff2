"""The benchmark of planning: what it counts as costing. Its figures are not looked at here."""

from __future__ import annotations

from benchmarks.planning import _COSTING, _costing
from planner import planning
from planner.parse import parse
from tests.planner.paper_shop import shop_catalog

QUERY = "SELECT c.id, i.price FROM shop.customers c JOIN lake.items i ON i.customer = c.id"


def test_costing_is_timed_while_a_query_is_planned_and_left_as_it_was() -> None:
    catalog, ways = shop_catalog(), []
    before = costing()
    during = []

    def work(sql: str) -> None:
        during.append(costing())
        ways.append(planning.plan_query(parse(sql), catalog))

    assert _costing(work, QUERY) > 0
    assert not set(before) & set(during[0])
    assert costing() == before
    assert ways == [planning.plan_query(parse(QUERY), catalog)]


def costing() -> list[object]:
    """What costs, as it is called now."""
    return [getattr(module, name) for module, name in _COSTING]


def test_nothing_is_costed_where_nothing_is_planned() -> None:
    assert _costing(parse, QUERY) == 0
