"""What goes where when tables are at several sources: trees and plans over sources on paper.

Each pass is also left out once, to show that it is what makes the difference.
"""

from __future__ import annotations

import pytest

from planner.bind import bind
from planner.catalog import Catalog, Source
from planner.conditions import order_conditions
from planner.decompose import Cut, decompose
from planner.implied import imply_filters
from planner.limits import push_limits
from planner.options import Pushdown
from planner.parse import parse
from planner.partial import push_aggregates
from planner.passes import PASSES, Pass, merge_filters, rearranged
from planner.placing import Places
from planner.reductions import Reduced
from planner.regroup import regroup_joins
from planner.relations import Relation
from planner.residual_text import residual_text
from tests.equivalence import statements_data
from tests.placements import Placement, pushed
from tests.planner.paper import PaperTable, paper, paper_catalog
from tests.planner.paper_shop import CUSTOMERS, ORDERS, plan, shop, shop_catalog
from tests.postgres_server import PostgresServer

JOINS_ALONE = (regroup_joins, order_conditions)


@pytest.fixture
def catalog() -> Catalog:
    return shop_catalog()


def tree(sql: str, catalog: Catalog, passes: tuple[Pass, ...] = PASSES) -> str:
    bound = bind(parse(sql), catalog)
    assert bound.relation is not None
    return residual_text(rearranged(bound.relation, Places(bound), passes), {})


def cut(sql: str, catalog: Catalog, without: Pass | None = None) -> Cut:
    bound = bind(parse(sql), catalog)
    assert bound.relation is not None
    places = Places(bound)
    passes = tuple(p for p in PASSES if p is not without)
    return decompose(Reduced(rearranged(bound.relation, places, passes)), places)


def sent(found: Cut) -> list[str]:
    """What each source is asked, on one line."""
    return [_line(f.relation) for f in found.fragments]


def _line(relation: Relation) -> str:
    return " | ".join(line.strip() for line in residual_text(relation, {}).splitlines())


def moved_bytes(found: Cut) -> float:
    return sum(f.estimate.size_bytes or 0.0 for f in found.fragments)


# --- joins of one source meet ---

HIDDEN = (
    "SELECT o.day, i.price, c.name FROM shop.orders o JOIN lake.items i ON i.order_id = o.id"
    " JOIN shop.customers c ON c.id = o.customer WHERE c.nation = 3"
)


def test_tables_of_one_source_meet_although_another_stands_between_them(catalog: Catalog) -> None:
    together, apart = cut(HIDDEN, catalog), cut(HIDDEN, catalog, without=regroup_joins)
    assert len(together.fragments) == 1
    assert sent(together)[0].startswith("inner join (customers.id = customer)") or (
        "inner join (customer = customers.id)" in sent(together)[0]
    )
    assert len(apart.fragments) == 2
    assert moved_bytes(together) < moved_bytes(apart) / 5


def test_a_join_that_would_move_more_bytes_stays_apart(catalog: Catalog) -> None:
    sql = (
        "SELECT o.id, s.id FROM shop.customers o JOIN lake.items i ON i.customer = o.id"
        " JOIN shop.suppliers s ON s.id = i.supplier AND s.nation = o.nation"
    )
    assert len(cut(sql, catalog).fragments) == 2


def test_tables_that_no_equality_joins_are_not_crossed(catalog: Catalog) -> None:
    sql = (
        "SELECT o.day, c.name FROM shop.orders o JOIN lake.items i ON i.order_id = o.id"
        " JOIN shop.customers c ON c.id = i.customer"
    )
    assert len(cut(sql, catalog).fragments) == 2
    less = sql.replace("c.id = i.customer", "c.id = i.customer AND c.id < o.id")
    assert len(cut(less, catalog).fragments) == 2
    assert "cross" not in tree(sql, catalog)


def test_outer_joins_are_not_taken_apart(catalog: Catalog) -> None:
    sql = (
        "SELECT o.day, i.price, c.name FROM shop.orders o LEFT JOIN lake.items i"
        " ON i.order_id = o.id JOIN shop.customers c ON c.id = o.customer"
    )
    assert "left join" in tree(sql, catalog)
    assert len(cut(sql, catalog).fragments) == 2


def test_an_input_that_is_itself_a_join_of_one_source_stays_as_it_is(catalog: Catalog) -> None:
    sql = (
        "SELECT i.price, c.name FROM lake.items i JOIN (SELECT o.id, c.name FROM shop.orders o"
        " JOIN shop.customers c ON c.id = o.customer) c ON c.id = i.order_id"
    )
    assert tree(sql, catalog) == tree(sql, catalog, JOINS_ALONE)


def test_the_answer_keeps_its_columns_in_order(catalog: Catalog) -> None:
    sql = HIDDEN.replace("o.day, i.price, c.name", "*")
    bound = bind(parse(sql), catalog)
    assert bound.relation is not None
    changed = rearranged(bound.relation, Places(bound))
    assert changed.fields == bound.relation.fields


def test_a_condition_that_can_fail_waits_for_the_last_join(catalog: Catalog) -> None:
    sql = HIDDEN + " AND 10 / (o.customer + i.supplier - c.nation) > 1"
    fails, *rest = tree(sql, catalog).splitlines()
    assert fails.startswith("filter ((10 / ")
    assert "inner join" in rest[0]
    assert len(cut(sql, catalog).fragments) == 1


def test_a_filter_that_must_stay_does_not_keep_its_table_from_meeting_another(
    catalog: Catalog,
) -> None:
    found = cut(HIDDEN + " AND o.weight IN (1.5, 2.5, 3.5, 4.5, 5.5)", catalog)
    assert len(found.fragments) == 1
    assert "weight" in _line(found.residual)


def test_a_random_condition_stays_at_its_table(catalog: Catalog) -> None:
    sql = HIDDEN + " AND c.small > random()"
    assert tree(sql, catalog) == tree(sql, catalog, (merge_filters, *JOINS_ALONE))
    shown = tree(sql, catalog).splitlines()
    assert (
        "random()" in shown[shown.index(next(x for x in shown if "shop.main.customers" in x)) - 1]
    )


# --- filters that joins imply ---


@pytest.mark.parametrize(
    "condition",
    ["id < 10", "id = 7", "id IN (1, 2, 3, 5)", "id BETWEEN 3 AND 9", "id < 3 OR id > 12"],
)
def test_a_filter_of_a_subquery_reaches_the_other_source(condition: str, catalog: Catalog) -> None:
    sql = (
        f"SELECT * FROM (SELECT id, name FROM shop.customers WHERE {condition}) c"
        " JOIN till.members m ON m.id = c.id"
    )
    assert [text.startswith("filter") for text in sent(cut(sql, catalog))] == [True, True]
    without = sent(cut(sql, catalog, without=imply_filters))
    assert [text.startswith("filter") for text in without] == [True, False]


def test_it_passes_through_several_joins(catalog: Catalog) -> None:
    sql = (
        "SELECT c.name FROM shop.customers c JOIN till.members m ON m.id = c.id"
        " JOIN lake.items i ON i.customer = m.id JOIN notes.remarks r ON r.id = i.customer"
        " WHERE c.id < 10"
    )
    assert tree(sql, catalog).count("filter") == 4
    assert tree(sql, catalog, ()).count("filter") == 2


@pytest.mark.parametrize(
    ("join", "reaches"),
    [
        ("a JOIN b", "ab"),
        ("a LEFT JOIN b", "ab"),
        ("b LEFT JOIN a", "a"),
        ("a RIGHT JOIN b", "a"),
        ("b RIGHT JOIN a", "ab"),
        ("a FULL JOIN b", "a"),
        ("b LEFT SEMI JOIN a", "ab"),
        ("b LEFT ANTI JOIN a", "a"),
        ("a LEFT ANTI JOIN b", "ab"),
        ("a RIGHT SEMI JOIN b", "ab"),
        ("a RIGHT ANTI JOIN b", "a"),
        ("b RIGHT ANTI JOIN a", "ab"),
    ],
)
def test_an_outer_join_lets_it_pass_one_way(join: str, reaches: str, catalog: Catalog) -> None:
    """The filter stands on `a`, in a subquery."""
    first, kind = join[0], join[2:-2]
    sides = {
        "a": "(SELECT id FROM shop.customers WHERE id < 10) a",
        "b": "(SELECT id FROM till.members) b",
    }
    second = "b" if first == "a" else "a"
    column = second if "RIGHT" in kind and ("SEMI" in kind or "ANTI" in kind) else first
    sql = f"SELECT {column}.id FROM {sides[first]} {kind} {sides[second]} ON a.id = b.id"
    # A LIMIT keeps the engine's own inference out: it pushes nothing through it.
    assert tree(sql, catalog).count("filter") == len(reaches), tree(sql, catalog)


@pytest.mark.parametrize(
    ("condition", "join"),
    [
        ("weight < 1.5", "i.weight = o.weight"),  # −0.0 equals 0.0, and NaN has its own order
        ("day < DATE '2020-01-01'", "CAST(i.order_id AS text) = CAST(o.day AS text)"),
        ("id + 1 < 10", "i.order_id = o.id"),
        ("id < customer", "i.order_id = o.id"),
        ("customer IS NULL", "i.customer = o.customer"),
    ],
)
def test_what_is_not_about_one_column_and_constants_stays(
    condition: str, join: str, catalog: Catalog
) -> None:
    sql = (
        f"SELECT * FROM (SELECT * FROM shop.orders WHERE {condition}) o JOIN lake.items i ON {join}"
    )
    assert tree(sql, catalog) == tree(sql, catalog, ())


def test_a_column_of_another_type_gets_no_filter(catalog: Catalog) -> None:
    sql = (
        "SELECT * FROM (SELECT id FROM shop.customers WHERE id < 10) c"
        " JOIN till.members m ON m.small = c.id"
    )
    assert tree(sql, catalog) == tree(sql, catalog, ())


def test_nothing_passes_a_limit(catalog: Catalog) -> None:
    sql = (
        "SELECT * FROM (SELECT id FROM shop.customers WHERE id < 10) c"
        " JOIN (SELECT id FROM till.members LIMIT 5) m ON m.id = c.id"
    )
    assert tree(sql, catalog) == tree(sql, catalog, JOINS_ALONE)


# --- aggregates in two steps ---

BY_NAME = (
    "SELECT r.name, sum(o.total) AS s, count(*) AS n, avg(o.total) AS a, min(o.day) AS d"
    " FROM shop.orders o JOIN notes.remarks r ON r.id = o.customer GROUP BY r.name"
)


def test_groups_are_sent_instead_of_rows(catalog: Catalog) -> None:
    two, one = cut(BY_NAME, catalog), cut(BY_NAME, catalog, without=push_aggregates)
    assert (
        "aggregate sum(total), count(1), count(total), min(day) by customer | read shop.main.orders"
        in sent(two)
    )
    assert moved_bytes(two) < moved_bytes(one) / 10


@pytest.mark.parametrize(
    "measure",
    [
        "sum(o.weight)",  # the order of a float sum's rows matters
        "min(o.weight)",
        "count(DISTINCT o.day)",
        "sum(CAST(o.total AS decimal(30, 2)))",  # a sum of rows could leave 38 digits
        "avg(CAST(o.total AS decimal(26, 2)))",
        "sum(o.total * random())",
        "first_value(o.day ORDER BY o.id)",
        "sum(o.id + r.id)",  # of both sides
    ],
)
def test_what_two_steps_could_change_is_done_in_one(measure: str, catalog: Catalog) -> None:
    sql = (
        f"SELECT r.name, {measure} FROM shop.orders o JOIN notes.remarks r ON r.id = o.customer"
        " GROUP BY r.name"
    )
    assert tree(sql, catalog) == tree(sql, catalog, JOINS_ALONE)


def test_groups_that_are_not_few_are_not_made(catalog: Catalog) -> None:
    many = BY_NAME.replace("o.customer", "o.id")
    assert tree(many, catalog) == tree(many, catalog, JOINS_ALONE)


def test_groups_of_unknown_number_are_not_made() -> None:
    unknown = PaperTable(ORDERS.columns, rows=100_000)
    catalog = paper_catalog(
        shop=paper("postgres", {"orders": unknown}), notes=paper("scan", {"remarks": CUSTOMERS})
    )
    assert tree(BY_NAME, catalog) == tree(BY_NAME, catalog, JOINS_ALONE)


@pytest.mark.parametrize(
    ("join", "two_steps"),
    [
        ("shop.orders o LEFT JOIN notes.remarks r", True),
        ("notes.remarks r LEFT JOIN shop.orders o", False),
        ("notes.remarks r RIGHT JOIN shop.orders o", True),
        ("shop.orders o RIGHT JOIN notes.remarks r", False),
        ("shop.orders o FULL JOIN notes.remarks r", False),
    ],
)
def test_an_outer_join_takes_groups_on_the_side_that_it_keeps(
    join: str, two_steps: bool, catalog: Catalog
) -> None:
    sql = f"SELECT r.name, sum(o.total) FROM {join} ON r.id = o.customer GROUP BY r.name"
    assert (tree(sql, catalog) != tree(sql, catalog, ())) == two_steps


@pytest.mark.parametrize("word", ["", "NOT "])
def test_so_do_semi_and_anti_joins(word: str, catalog: Catalog) -> None:
    sql = (
        f"SELECT o.day, sum(o.id) FROM shop.orders o WHERE {word}EXISTS"
        " (SELECT 1 FROM notes.remarks r WHERE r.small = o.day - DATE '2020-01-01')"
        " GROUP BY o.day"
    )
    sql = sql.replace("r.small = o.day - DATE '2020-01-01'", "r.id = o.customer")
    fewer = PaperTable(ORDERS.columns, 10_000_000, ORDERS.distinct)
    catalog = paper_catalog(
        shop=paper("postgres", {"orders": fewer}), notes=paper("scan", {"remarks": CUSTOMERS})
    )
    assert "aggregate sum(id) by customer, day" in tree(sql, catalog)


def test_each_input_of_a_union_sends_groups(catalog: Catalog) -> None:
    sql = (
        "SELECT customer, sum(total) FROM (SELECT * FROM shop.orders"
        " UNION ALL SELECT * FROM till.sales) o GROUP BY customer"
    )
    assert [text.split(" |")[0] for text in sent(cut(sql, catalog))] == [
        "aggregate sum(total) by customer"
    ] * 2
    without = cut(sql, catalog, without=push_aggregates)
    assert moved_bytes(without) > 10 * moved_bytes(cut(sql, catalog))


# --- limits ---

UNION = "(SELECT * FROM shop.orders UNION ALL SELECT * FROM till.sales) o"


def test_each_input_of_a_union_sends_its_first_rows(catalog: Catalog) -> None:
    sql = f"SELECT id, day FROM {UNION} ORDER BY day DESC, id LIMIT 10 OFFSET 5"
    assert [text.split(" | ")[0] for text in sent(cut(sql, catalog))] == ["fetch 15"] * 2
    assert sum(f.estimate.rows or 0 for f in cut(sql, catalog).fragments) == 30
    without = cut(sql, catalog, without=push_limits)
    assert sum(f.estimate.rows or 0 for f in without.fragments) == 200_000


def test_a_limit_without_an_order_goes_below_a_union_too(catalog: Catalog) -> None:
    sql = f"SELECT id, day FROM {UNION} LIMIT 10"
    assert [text.split(" | ")[0] for text in sent(cut(sql, catalog))] == ["fetch 10"] * 2


@pytest.mark.parametrize(
    ("join", "order", "first"),
    [
        ("shop.orders o LEFT JOIN notes.remarks r", "o.day", True),
        ("notes.remarks r RIGHT JOIN shop.orders o", "o.day", True),
        ("shop.orders o LEFT JOIN notes.remarks r", "r.id", False),
        ("shop.orders o LEFT JOIN notes.remarks r", "o.day, r.id", False),
        ("notes.remarks r LEFT JOIN shop.orders o", "o.day", False),
        ("shop.orders o FULL JOIN notes.remarks r", "o.day", False),
        ("shop.orders o JOIN notes.remarks r", "o.day", False),
    ],
)
def test_the_first_rows_are_those_of_the_side_that_a_join_preserves(
    join: str, order: str, first: bool, catalog: Catalog
) -> None:
    sql = f"SELECT o.day, r.id FROM {join} ON r.id = o.customer ORDER BY {order} LIMIT 7"
    assert any(text.startswith("fetch 7") for text in sent(cut(sql, catalog))) == first


def test_a_projection_that_stays_does_not_keep_the_limit_here(catalog: Catalog) -> None:
    sql = "SELECT weight / 2.0 AS half, id FROM shop.orders ORDER BY id LIMIT 3"
    assert sent(cut(sql, catalog))[0].startswith("fetch 3 | sort id")
    assert sent(cut(sql, catalog, without=push_limits))[0].startswith("read")


def test_a_random_order_is_made_once(catalog: Catalog) -> None:
    sql = f"SELECT id FROM {UNION} ORDER BY random() LIMIT 3"
    assert tree(sql, catalog) == tree(sql, catalog, (merge_filters, *JOINS_ALONE))


def test_no_first_rows_of_an_order_that_is_refused(catalog: Catalog) -> None:
    sql = "SELECT weight / 2.0 AS half, id FROM shop.orders ORDER BY exp(weight) LIMIT 3"
    assert sent(cut(sql, catalog))[0].startswith("read")


# --- one identity is one place ---


def test_two_sources_of_one_database_answer_a_join_together(
    postgres_server: PostgresServer, postgres_uri: str
) -> None:
    database = __name__.replace(".", "_")
    postgres_server.execute(*statements_data.STATEMENTS, database=database)
    one = {"connector": "postgres", "uri": postgres_uri}
    near = {**one, "schemas": ["near"], "default_schema": "near"}
    sql = (
        "SELECT p.name, d.title FROM close.people p JOIN shop.depts d ON d.id = p.dept"
        " ORDER BY p.id"
    )
    with Placement.of_sources({"shop": one, "close": near}) as placement:
        found = placement.plan(sql)
        assert pushed(found) == "whole"
        assert found.fragments[0].tables == ("near.people", "public.depts")
        assert placement.run(found).to_pylist()[0] == {"name": "Ann", "title": "Ops"}


@pytest.mark.parametrize(("other", "answers"), [("proven", 1), ("none", 2)])
def test_two_sources_that_are_asked_differently_are_two_places(
    other: Pushdown, answers: int
) -> None:
    sources = [Source("a", shop()), Source("b", shop(), pushdown=other)]
    sql = "SELECT * FROM a.orders o JOIN b.customers c ON c.id = o.customer WHERE o.id = 3"
    assert len(plan(sql, Catalog(sources)).fragments) == answers


@pytest.mark.parametrize("tables", range(12, 25))
def test_a_pass_does_not_make_a_tree_too_deep_to_be_carried(tables: int, catalog: Catalog) -> None:
    joins = " ".join(
        f"LEFT JOIN {('till.members', 'notes.remarks')[i % 2]} t{i} ON t{i}.id = t{i - 1}.id"
        for i in range(2, tables)
    )
    sql = (
        "SELECT t1.name, count(*), avg(t0.total) FROM shop.orders t0"
        f" LEFT JOIN notes.remarks t1 ON t1.id = t0.customer {joins} GROUP BY t1.name"
    )
    carried = bind(parse(sql), catalog).relation is not None
    assert (pushed(plan(sql, catalog)) == "cut") == carried
