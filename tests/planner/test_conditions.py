"""Conditions are asked by what they drop and what they take, and written in one way."""

from __future__ import annotations

import pytest

from planner.bind import bind
from planner.catalog import Catalog
from planner.conditions import order_conditions
from planner.parse import parse
from planner.passes import merge_filters
from planner.placing import Places
from planner.relations import Filter, Project
from planner.residual_text import residual_text
from tests.planner.paper import PaperTable, paper, paper_catalog
from tests.planner.paper_shop import INT, MONEY, TEXT, plan, shop_catalog


@pytest.fixture
def catalog() -> Catalog:
    return shop_catalog()


def tree(sql: str, catalog: Catalog) -> list[str]:
    bound = bind(parse(sql), catalog)
    assert bound.relation is not None
    places = Places(bound, seen=catalog.seen)
    found = order_conditions(merge_filters(bound.relation, places), places)
    return [line.strip() for line in residual_text(found, {}).splitlines()]


def priced() -> Catalog:
    """A table with texts and decimals, of which nothing is known but its rows."""
    prices = PaperTable({"nation": INT, "kind": TEXT, "total": MONEY}, rows=1_000)
    return paper_catalog(notes=paper("scan", {"prices": prices}))


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


def test_the_ends_of_a_range_are_asked_together(catalog: Catalog) -> None:
    found = asked("small <= 9 AND nation <> 3 AND small >= 4", catalog)
    assert found == "(small >= 4) AND (small <= 9) AND (nation <> 3)"


def test_a_decimal_is_compared_as_soon_as_a_number(catalog: Catalog) -> None:
    found = asked("kind <> 'a' AND total <> 3.50", priced(), "notes.main.prices")
    assert found == "(total <> 3.50) AND (kind <> 'a')"


def test_the_beginning_of_a_text_is_compared_as_soon_as_a_text(catalog: Catalog) -> None:
    assert asked("name LIKE '%b%' AND name LIKE 'a%'", catalog).startswith("(name LIKE 'a%')")


def test_what_was_seen_changes_no_order(catalog: Catalog) -> None:
    sql = "SELECT nation FROM notes.main.remarks WHERE {}"
    before = tree(sql.format("small = 7 AND nation = 3"), catalog)
    first = bind(parse(sql.format("small = 7")), catalog).relation
    while not isinstance(first, Filter):
        assert isinstance(first, Project)
        first = first.input
    assert first.shape is not None
    catalog.seen.note(first.shape, 999.0)
    assert (
        Places(bind(parse(sql.format("small = 7")), catalog), seen=catalog.seen)
        .estimate(first)
        .rows
        == 999.0
    )
    assert tree(sql.format("small = 7 AND nation = 3"), catalog) == before


def test_what_one_source_runs_is_written_in_one_way_with_its_subqueries(catalog: Catalog) -> None:
    sql = (
        "SELECT id FROM shop.main.customers AS c WHERE {} AND EXISTS (SELECT 1"
        " FROM shop.main.suppliers AS s WHERE s.id = c.id AND {})"
    )
    one = plan(sql.format("nation = 3 AND small > 5", "s.nation < 9"), catalog)
    other = plan(sql.format("5 < small AND 3 = nation", "9 > s.nation"), catalog)
    assert [f.shape for f in one.fragments] == [f.shape for f in other.fragments]


def test_equal_joins_are_computed_once_whoever_wrote_them(catalog: Catalog) -> None:
    sql = "SELECT sum(i.price) AS price FROM {} WHERE r.small = 7 AND r.nation = 3"
    one = sql.format("lake.main.items AS i JOIN notes.main.remarks AS r ON i.customer = r.id")
    other = sql.format("notes.main.remarks AS r JOIN lake.main.items AS i ON r.id = i.customer")
    again = f"{one} HAVING sum(i.price) >= ({other})"
    found = plan(again, catalog)
    assert [stage.reads for stage in found.stages] == [2]
    assert "inner join" in found.stages[0].text


def test_a_join_that_a_cte_names_twice_stays_one_part(catalog: Catalog) -> None:
    cte = (
        "WITH v AS (SELECT i.order_id, i.price FROM lake.main.items AS i"
        " JOIN notes.main.remarks AS r ON r.id = i.customer WHERE r.small = 7)"
    )
    sql = f"{cte} SELECT count(*) FROM v AS a JOIN v AS b ON a.order_id = b.order_id"
    assert [stage.reads for stage in plan(sql, catalog).stages if stage.reads > 1] == [2]


def test_one_source_joins_in_one_order_whoever_wrote_it(catalog: Catalog) -> None:
    sql = (
        "SELECT sum(i.price) AS price FROM {}, lake.main.items AS i WHERE i.customer = c.id"
        " AND o.customer = c.id AND o.day = DATE '2024-01-01' AND c.nation = 3"
    )
    orders = (
        "shop.main.orders AS o, shop.main.customers AS c",
        "shop.main.customers AS c, shop.main.orders AS o",
    )
    found = [plan(sql.format(order), catalog).fragments for order in orders]
    assert [f.shape for f in found[0]] == [f.shape for f in found[1]]
    assert len(found[0]) == 1
