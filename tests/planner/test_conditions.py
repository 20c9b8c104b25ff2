"""Conditions are asked by what they drop and what they take, and written in one way."""

from __future__ import annotations

import pytest

from planner.bind import bind
from planner.catalog import Catalog
from planner.conditions import order_conditions
from planner.parse import parse
from planner.passes import merge_filters
from planner.placing import Places
from planner.residual_text import residual_text
from tests.planner.paper_shop import shop_catalog


@pytest.fixture
def catalog() -> Catalog:
    return shop_catalog()


def tree(sql: str, catalog: Catalog) -> list[str]:
    bound = bind(parse(sql), catalog)
    assert bound.relation is not None
    places = Places(bound)
    found = order_conditions(merge_filters(bound.relation, places), places)
    return [line.strip() for line in residual_text(found, {}).splitlines()]


def asked(where: str, catalog: Catalog, table: str = "notes.main.remarks") -> str:
    """The filter of one table, as it is asked."""
    lines = tree(f"SELECT nation FROM {table} WHERE {where}", catalog)
    return next(line for line in lines if line.startswith("filter")).removeprefix("filter ")


def test_what_drops_the_most_for_its_time_is_asked_first(catalog: Catalog) -> None:
    found = asked("name LIKE '%x%' AND name <> 'y' AND nation > 3 AND small = 7", catalog)
    assert found == "(small = 7) AND (nation > 3) AND (name LIKE '%x%') AND (name <> 'y')"


def test_what_a_source_says_of_its_values_counts(catalog: Catalog) -> None:
    # One in 1,000 rows has that name, one in 25 that nation: the text takes three times as long.
    assert asked("name = 'y' AND nation = 3", catalog) == "(nation = 3) AND (name = 'y')"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("small > 5 AND nation = 3", "nation = 3 AND 5 < small"),
        ("id < nation", "nation > id"),
        ("id <= nation AND small >= 0", "0 <= small AND nation >= id"),
        ("id = nation", "nation = id"),
        ("nation <> 3 AND name IN ('a', 'b')", "name IN ('a', 'b') AND 3 <> nation"),
    ],
)
def test_the_writer_decides_nothing(one: str, other: str, catalog: Catalog) -> None:
    assert asked(one, catalog) == asked(other, catalog)


def test_what_could_fail_is_asked_last_and_in_its_order(catalog: Catalog) -> None:
    found = asked("10 / small > 1 AND random() < 0.5 AND small <> 0 AND nation = 3", catalog)
    assert found.startswith("(nation = 3) AND (small <> 0) AND ")
    assert found.index("10") < found.index("random()")


def test_a_join_names_its_left_side_first(catalog: Catalog) -> None:
    sql = "SELECT i.price FROM lake.main.items AS i JOIN notes.main.remarks AS r ON {} WHERE true"
    one = tree(sql.format("i.customer = r.id AND i.supplier = r.nation"), catalog)
    other = tree(sql.format("r.nation = i.supplier AND r.id = i.customer"), catalog)
    assert one == other


def test_a_join_keeps_what_is_not_the_same_the_other_way_round(catalog: Catalog) -> None:
    sql = "SELECT i.price FROM lake.main.items AS i LEFT JOIN notes.main.remarks AS r ON {}"
    one = tree(sql.format("i.customer = r.id AND r.nation > i.supplier"), catalog)
    other = tree(sql.format("i.customer = r.id AND r.nation < i.supplier"), catalog)
    assert one != other
