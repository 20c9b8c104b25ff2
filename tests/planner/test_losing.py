"""What EXPLAIN says of the cuts that lost: each in seconds for the whole statement."""

from __future__ import annotations

import pyarrow as pa
import pytest

from connectors.memory import MemoryConnector
from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.explain import explain_text
from planner.explain_json import explain_value
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from tests.planner.paper import PaperTable, paper, paper_catalog
from tests.planner.paper_shop import CUSTOMERS, ITEMS, ORDERS, shop, shop_catalog

FAR = Link.of(20.0, 10.0)

GROWING = "SELECT c.id, s.id FROM shop.customers c JOIN shop.suppliers s ON s.nation = c.nation"

FEW_KEYS = (
    "SELECT o.total, r.name FROM shop.orders o JOIN till.members r ON r.id = o.customer"
    " WHERE r.name = 'x'"
)

BY_NAME = (
    "SELECT r.name, sum(o.total) FROM shop.orders o JOIN notes.remarks r ON r.id = o.customer"
    " GROUP BY r.name"
)


def far_catalog() -> Catalog:
    """The shop and the till at the end of a slow link."""
    return Catalog(
        [
            Source("shop", shop(), FAR),
            Source("till", paper("postgres", {"members": CUSTOMERS}, "till"), FAR),
            Source("lake", paper("native", {"items": ITEMS})),
            Source("notes", paper("scan", {"remarks": CUSTOMERS})),
        ]
    )


def explained(sql: str, catalog: Catalog, options: PlanningOptions | None = None) -> Plan:
    return plan_query(parse(f"EXPLAIN {sql}"), catalog, options)


def losing(sql: str, options: PlanningOptions | None = None) -> list[str]:
    return [cut.description for cut in explained(sql, far_catalog(), options).losing]


@pytest.mark.parametrize(
    ("sql", "lost"),
    [
        (GROWING, "all that one source can run, there (cuts = push)"),
        (FEW_KEYS, "no keys sent (reductions = none)"),
        (BY_NAME, "aggregates in one step"),
    ],
)
def test_a_cut_of_every_kind_is_among_those_that_lost(sql: str, lost: str) -> None:
    plan = explained(sql, far_catalog())
    assert lost in [cut.description for cut in plan.losing]
    assert plan.seconds is not None
    assert all(cut.seconds > plan.seconds for cut in plan.losing if cut.description == lost)


def test_the_least_time_comes_first_and_two_are_shown() -> None:
    for sql in (FEW_KEYS, BY_NAME):
        seconds = [cut.seconds for cut in explained(sql, far_catalog()).losing]
        assert len(seconds) == 2
        assert seconds == sorted(seconds)


def test_another_way_to_the_same_cut_is_no_other() -> None:
    only_here = "SELECT count(*) FROM lake.items"
    plan = explained(only_here, far_catalog())
    assert plan.losing == ()
    assert plan.seconds is not None


def test_what_was_chosen_without_the_sessions_option_is_another() -> None:
    pushed = losing(GROWING, PlanningOptions(cuts="push"))
    assert "joins of one source where that is cheaper (cuts = costed)" in pushed


def test_a_copy_of_a_table_is_another_cut() -> None:
    orders = PaperTable(ORDERS.columns, ORDERS.rows, ORDERS.distinct)
    sources = [
        Source("shop", paper("postgres", {"orders": orders}), FAR),
        Source("near", paper("postgres", {"orders": orders})),
    ]
    copies = {("shop", "main", "orders"): (("near", "main", "orders"),)}
    plan = explained("SELECT total FROM shop.orders", Catalog(sources, replicas=copies))
    assert plan.fragments[0].source == "near"
    assert [cut.description for cut in plan.losing] == ["shop.main.orders read where it is"]


def test_it_is_not_said_where_a_part_is_not_known() -> None:
    unknown = paper_catalog(shop=paper("postgres", {"orders": PaperTable(ORDERS.columns)}))
    plan = explained("SELECT o.id FROM shop.orders o", unknown)
    assert (plan.seconds, plan.losing) == (None, ())
    assert "expected time" not in explain_text(plan)
    assert explain_value(plan)["expected_seconds"] is None


def test_a_query_that_nobody_wants_explained_is_not_planned_again() -> None:
    plan = plan_query(parse(GROWING), shop_catalog())
    assert (plan.seconds, plan.losing) == (None, ())


def test_the_text_and_the_json_show_them() -> None:
    plan = explained(GROWING, far_catalog())
    lines = explain_text(plan).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("expected time of this cut"))
    shown = [line.strip() for line in lines[start + 1 : start + 3]]
    assert shown == [f"{cut.description}: {cut.seconds:.3g} s" for cut in plan.losing]
    value = explain_value(plan)
    assert [each["cut"] for each in value["losing"]] == [cut.description for cut in plan.losing]
    assert value["expected_seconds"] == round(plan.seconds or 0.0, 6)


def test_the_links_that_it_was_costed_by_are_shown() -> None:
    plan = explained(FEW_KEYS, far_catalog())
    assert "links: shop 20 ms, 10 Mbit/s; till 20 ms, 10 Mbit/s" in explain_text(plan).splitlines()
    links = explain_value(plan)["links"]
    assert [link["source"] for link in links] == ["shop", "till"]
    assert links[0] == {"source": "shop", "rtt_ms": 20.0, "mbps": 10.0, "connection_mbps": None}


def test_a_source_on_this_machine_has_no_link() -> None:
    here = Catalog([Source("here", MemoryConnector("here", {"items": pa.table({"id": [1]})}))])
    plan = explained("SELECT i.id FROM here.items i", here)
    assert plan.links == ()
    assert "links:" not in explain_text(plan)
    assert explain_value(plan)["links"] == []
