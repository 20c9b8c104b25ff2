"""EXCEPT and INTERSECT over sources on paper: by `=` where no operand pairs NULL with NULL."""

from __future__ import annotations

import pytest

from planner.catalog import Catalog
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from tests.planner.paper import PaperTable, paper, paper_catalog
from tests.planner.paper_shop import INT, shop_catalog

WORDS = pytest.mark.parametrize("word", ["EXCEPT", "INTERSECT"])


@pytest.fixture
def catalog() -> Catalog:
    return shop_catalog()


def planned(sql: str, catalog: Catalog) -> Plan:
    """Whatever it takes there, if it may run there."""
    return plan_query(parse(sql), catalog, PlanningOptions(cuts="push"))


@WORDS
def test_what_is_never_null_is_compared_by_equality_there(word: str, catalog: Catalog) -> None:
    sql = f"SELECT id FROM shop.orders {word} SELECT id FROM shop.customers"
    plan = planned(sql, catalog)
    assert plan.residual is None
    (fragment,) = plan.fragments
    assert "DISTINCT FROM" not in str(fragment.fragment.query)


@WORDS
def test_one_side_that_is_never_null_is_enough(word: str, catalog: Catalog) -> None:
    sql = f"SELECT customer FROM shop.orders {word} SELECT id FROM shop.customers"
    assert planned(sql, catalog).residual is None


@WORDS
def test_what_may_be_null_on_both_sides_is_compared_here(word: str, catalog: Catalog) -> None:
    sql = f"SELECT customer FROM shop.orders {word} SELECT nation FROM shop.customers"
    plan = planned(sql, catalog)
    assert "IS NOT DISTINCT FROM" in plan.residual_text
    reasons = [kept.reason for kept in plan.kept]
    assert "PostgreSQL compares each row with each where NULLs are equal" in reasons


@WORDS
def test_all_columns_of_a_join_are_compared_in_one_way(word: str, catalog: Catalog) -> None:
    """The engine takes NULLs to be equal for all keys of a join, or for none."""
    sql = f"SELECT id, nation FROM shop.customers {word} SELECT id, nation FROM shop.suppliers"
    assert planned(sql, catalog).residual_text.count("IS NOT DISTINCT FROM") == 2


def test_beside_an_equality_null_safe_ones_go_there() -> None:
    columns = {"k": INT, "v": INT}
    catalog = paper_catalog(
        shop=paper("postgres", {"a": PaperTable(columns), "b": PaperTable(columns)})
    )
    sql = (
        "SELECT a.k FROM shop.a LEFT SEMI JOIN shop.b ON a.k = b.k AND a.v IS NOT DISTINCT FROM b.v"
    )
    assert planned(sql, catalog).residual is None
