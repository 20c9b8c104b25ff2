"""Which copy of a table is read: plans over sources on paper, near ones and far ones."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pytest

from connectors.errors import SourceUnavailableError, UnknownNameError, UnsupportedError
from planner import replicas
from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.cut_cost import CutCost
from planner.explain import explain_text
from planner.plan import Plan, SqlResidual
from planner.replicas import MOST_PLANS, _best, unknown_tables
from tests.planner.paper import PaperTable, paper
from tests.planner.paper_shop import CUSTOMERS, FLOAT, INT, ITEMS, MONEY, ORDERS, TEXT, plan

NEAR, FAR = Link(), Link.of(100, 10)

COPY = PaperTable(
    {"day": pa.date32(), "note": TEXT, "total": MONEY, "id": INT, "weight": FLOAT, "customer": INT}
)
"""The orders with their columns in another order, and one more. Nothing is known of its rows."""

ORDERS_COPIES = {("shop", "main", "orders"): (("lake", "main", "orders"),)}


def catalog(
    link: Link,
    copies: Mapping[tuple[str, str, str], tuple[tuple[str, str, str], ...]] | None = None,
    absent: Mapping[str, str] | None = None,
    **more: Source,
) -> Catalog:
    """A shop at the end of a link, and a lake that is near and has its orders too."""
    copies = ORDERS_COPIES if copies is None else copies
    shop = paper("postgres", {"orders": ORDERS, "customers": CUSTOMERS}, "shop")
    lake = paper("native", {"items": ITEMS, "orders": COPY, "customers": CUSTOMERS})
    sources = {"shop": Source("shop", shop, link), "lake": Source("lake", lake), **more}
    answering = [source for name, source in sources.items() if name not in (absent or {})]
    return Catalog(answering, absent, replicas=copies)


def read_from(planned: Plan) -> list[str]:
    """Each table that is read, as its source has it."""
    fragments = [f"{f.source}.{table}" for f in planned.fragments for table in f.tables]
    return sorted(fragments + [f"{n.source}.{n.table}" for n in planned.natives])


# --- the choice ---


@pytest.mark.parametrize(
    ("sql", "near", "far"),
    [
        ("SELECT id FROM shop.orders WHERE id = 3", "shop", "lake"),
        ("SELECT sum(total) FROM shop.orders", "shop", "lake"),
        ("SELECT * FROM shop.orders", "shop", "lake"),  # Nearly the same: it stays where it is.
        ("SELECT id, total FROM shop.orders ORDER BY total", "lake", "lake"),
        ("SELECT * FROM shop.orders o JOIN lake.items i ON i.order_id = o.id", "lake", "lake"),
        (
            "SELECT c.name FROM shop.orders o JOIN shop.customers c ON c.id = o.customer"
            " WHERE o.id = 3",
            "shop",
            "shop",
        ),
    ],
)
def test_a_table_is_read_where_the_whole_plan_is_cheapest(sql: str, near: str, far: str) -> None:
    assert f"{near}.main.orders" in read_from(plan(sql, catalog(NEAR)))
    assert f"{far}.main.orders" in read_from(plan(sql, catalog(FAR)))


def test_explain_says_what_the_other_copy_would_have_cost() -> None:
    sql = "SELECT sum(total) FROM shop.orders"
    (rejected,) = plan(sql, catalog(FAR)).rejected
    assert rejected.description == "shop.main.orders read where it is"
    assert rejected.reason == "0.21 s for the statement, 0.0146 s from lake.main.orders"
    near = explain_text(plan(sql, catalog(NEAR)))
    assert "shop.main.orders read from lake.main.orders: 0.0146 s for the statement" in near


def test_the_only_difference_between_copies_is_the_way_to_them() -> None:
    """Nothing is known of the lake's rows but that they are the shop's."""
    far = plan("SELECT id FROM shop.orders WHERE customer = 7", catalog(FAR))
    assert read_from(far) == ["lake.main.orders"]


def test_of_copies_of_which_nothing_is_known_the_nearer_one_is_read() -> None:
    blank = PaperTable(COPY.columns)
    sources = [
        Source("shop", paper("postgres", {"orders": blank}, "shop"), FAR),
        Source("west", paper("postgres", {"orders": blank}, "west"), Link.of(20, 100)),
    ]
    copies = {("shop", "main", "orders"): (("west", "main", "orders"),)}
    planned = plan("SELECT day FROM shop.orders WHERE id < 9", Catalog(sources, replicas=copies))
    assert read_from(planned) == ["west.main.orders"]


def test_a_statement_reads_one_copy_however_often_it_names_the_table() -> None:
    sql = (
        "SELECT count(*) FROM shop.orders WHERE total > (SELECT avg(total) FROM shop.orders)"
        " AND customer IN (SELECT o.customer FROM shop.orders o WHERE o.day > DATE '2024-01-01')"
    )
    for link, source in ((NEAR, "shop"), (FAR, "lake")):
        assert set(read_from(plan(sql, catalog(link)))) == {f"{source}.main.orders"}


def test_without_copies_nothing_is_chosen_and_nothing_said() -> None:
    sql = "SELECT sum(total) FROM shop.orders"
    alone, others = plan(sql, catalog(FAR, {})), plan("SELECT 1 FROM lake.items", catalog(FAR))
    assert read_from(alone) == ["shop.main.orders"]
    assert (alone.rejected, alone.warnings) == ((), ())
    assert (others.rejected, others.warnings) == ((), ())


def test_tables_move_together_and_few_plans_are_costed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each table alone is best where it is: only all of them together are worth another source."""
    names = ("a", "b", "c", "d", "e")
    wide = PaperTable({"k": INT, "v": TEXT}, rows=1e6, distinct={"k": 1e6})
    tables = dict.fromkeys(names, wide)
    sources = [Source("shop", paper("postgres", tables, "shop"), Link.of(200, 10))]
    sources += [
        Source(name, paper("postgres", tables, name), Link.of(rtt, 100))
        for name, rtt in (("east", 50), ("west", 20))
    ]
    copies = {("shop", "main", n): (("east", "main", n), ("west", "main", n)) for n in names}
    costed: list[object] = []
    cost = replicas.cut_cost
    monkeypatch.setattr(replicas, "cut_cost", lambda *of: costed.append(of) or cost(*of))
    joins = " ".join(f"JOIN shop.{n} ON {n}.k = a.k" for n in names[1:])
    planned = plan(f"SELECT count(*) FROM shop.a {joins}", Catalog(sources, replicas=copies))
    assert {fragment.source for fragment in planned.fragments} == {"west"}
    assert planned.residual is None
    assert 4 <= len(costed) <= MOST_PLANS


def test_what_a_source_must_run_itself_may_be_read_elsewhere() -> None:
    sql = "SELECT sum(weight) FROM shop.orders"  # The order of rows decides sums of floats.
    with pytest.raises(UnsupportedError):
        plan(sql, catalog(NEAR, {}), "required")
    assert read_from(plan(sql, catalog(NEAR), "required")) == ["lake.main.orders"]


def test_a_statement_that_is_not_cut_reads_the_tables_that_it_names() -> None:
    sql = (
        "WITH RECURSIVE r AS (SELECT id FROM shop.orders WHERE id = 1"
        " UNION ALL SELECT id + 1 FROM r WHERE id < 3) SELECT * FROM r"
    )
    planned = plan(sql, catalog(FAR))
    assert isinstance(planned.residual, SqlResidual)
    assert [source for _, source, _ in planned.residual.tables] == ["shop"]
    assert planned.rejected == ()


# --- the columns of a copy ---


def test_columns_are_matched_by_name_and_the_promised_schema_stays() -> None:
    sql = "SELECT o.*, i.price FROM shop.orders o JOIN lake.items i ON i.order_id = o.id"
    far, alone = plan(sql, catalog(FAR)), plan(sql, catalog(FAR, {}))
    assert read_from(far) == ["lake.main.items", "lake.main.orders"]
    assert far.schema == alone.schema
    assert not far.schema.field("id").nullable
    assert set(far.natives[0].columns) == {"id", "customer", "day", "total", "weight"}


def test_a_fragment_of_a_copy_promises_what_the_table_does() -> None:
    west = paper("postgres", {"orders": COPY}, "west")
    copies = {("shop", "main", "orders"): (("west", "main", "orders"),)}
    planned = plan(
        "SELECT id, day FROM shop.orders WHERE customer = 7",
        catalog(FAR, copies, west=Source("west", west)),
    )
    (fragment,) = planned.fragments
    assert fragment.source == "west"
    assert fragment.fragment.schema == planned.schema
    assert not planned.schema.field("id").nullable


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (
            {**COPY.columns, "total": FLOAT},
            "its column 'total' is double and not decimal128(15, 2)",
        ),
        (
            {name: type_ for name, type_ in COPY.columns.items() if name != "weight"},
            "it has no column 'weight'",
        ),
        ({**COPY.columns, "id": pa.int32()}, "its column 'id' is int32 and not int64"),
    ],
)
def test_a_table_with_other_columns_is_no_copy(
    columns: Mapping[str, pa.DataType], reason: str
) -> None:
    other = Source("other", paper("native", {"orders": PaperTable(columns)}))
    copies = {("shop", "main", "orders"): (("other", "main", "orders"),)}
    planned = plan("SELECT sum(total) FROM shop.orders", catalog(FAR, copies, other=other))
    assert read_from(planned) == ["shop.main.orders"]
    (warning,) = planned.warnings
    assert (warning.code, warning.source) == ("replica.not_read", "other")
    assert warning.message.startswith("other.main.orders, a replica of shop.main.orders, is not")
    assert warning.message.endswith(reason)
    assert reason in " ".join(explain_text(planned).split())


# --- names ---


def test_a_copy_that_does_not_exist_is_told_with_the_nearest_name() -> None:
    copies = {("shop", "main", "orders"): (("lake", "main", "ordrs"),)}
    missing = catalog(FAR, copies)
    ((named, problem),) = unknown_tables(missing)
    assert named == ("shop", "main", "orders")
    assert problem.startswith("table 'lake.main.ordrs' in [replicas] does not exist. Nearest:")
    assert "lake.main.orders" in problem
    planned = plan("SELECT sum(total) FROM shop.orders", missing)
    assert read_from(planned) == ["shop.main.orders"]
    (warning,) = planned.warnings
    assert "it does not exist. Nearest: " in warning.message


def test_a_statement_that_names_a_copy_reads_that() -> None:
    assert read_from(plan("SELECT id FROM lake.orders WHERE id = 3", catalog(NEAR))) == [
        "lake.main.orders"
    ]


def test_copies_may_stand_for_each_other() -> None:
    shop, lake = ("shop", "main", "customers"), ("lake", "main", "customers")
    both = {shop: (lake,), lake: (shop,)}
    sql = "SELECT * FROM shop.customers s JOIN lake.customers l ON l.id = s.id WHERE s.id = 3"
    assert set(read_from(plan(sql, catalog(NEAR, both)))) == {"shop.main.customers"}
    assert set(read_from(plan(sql, catalog(FAR, both)))) == {"lake.main.customers"}


def test_a_name_that_only_copies_have_means_the_table() -> None:
    sql = "SELECT id FROM orders WHERE id = 3"
    assert read_from(plan(sql, catalog(NEAR))) == ["shop.main.orders"]
    assert read_from(plan(sql, catalog(FAR))) == ["lake.main.orders"]
    with pytest.raises(UnknownNameError, match="ambiguous"):
        plan("SELECT id FROM customers", catalog(NEAR))


@pytest.mark.parametrize("name", ["shop.orders", "shop.main.orders", "orders"])
def test_a_copy_answers_for_a_source_that_was_left_out(name: str) -> None:
    planned = plan(f"SELECT sum(total) FROM {name}", catalog(NEAR, absent={"shop": "refused"}))
    assert read_from(planned) == ["lake.main.orders"]


def test_of_the_copies_that_are_left_the_cheapest_one_is_read() -> None:
    known = PaperTable(COPY.columns, rows=100_000, distinct={"id": 100_000})
    west = Source("west", paper("postgres", {"orders": known}, "west"))
    copies = {
        ("shop", "main", "orders"): (
            ("gone", "main", "orders"),
            ("lake", "main", "orders"),
            ("west", "main", "orders"),
        )
    }
    left = catalog(FAR, copies, {"shop": "refused", "gone": "refused"}, west=west)
    planned = plan("SELECT id FROM shop.main.orders WHERE id = 3", left)
    assert read_from(planned) == ["west.main.orders"]
    assert planned.warnings == ()


def test_a_table_without_a_copy_is_not_there_without_its_source() -> None:
    with pytest.raises(SourceUnavailableError, match="left out when the server started: refused"):
        plan("SELECT id FROM shop.main.customers", catalog(NEAR, absent={"shop": "refused"}))


@pytest.mark.parametrize(("seconds", "read"), [(1.2, (1,)), (1.3, (0,))])
def test_what_one_place_answers_may_seem_a_little_slower(
    seconds: float, read: tuple[int, ...]
) -> None:
    tried = {(0,): CutCost(1.0, 1.0), (1,): CutCost(seconds, 2.0, whole=True)}
    assert _best(dict(tried)) == read
    # Among several places that do, the faster one.
    assert _best({**tried, (2,): CutCost(0.9, 0.9, whole=True)}) == (2,)
