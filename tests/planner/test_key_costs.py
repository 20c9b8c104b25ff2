"""What keys are expected to cost and to save, and which joins of one source are taken apart."""

from __future__ import annotations

import pyarrow as pa
import pytest

from connectors.contract import Capabilities, ColumnStatistics, Framing, RoundTrips
from planner.catalog import Catalog, Source
from planner.cost import Link, source_seconds
from planner.key_cost import WORTH_SECONDS, text_bytes, worth_seconds
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from planner.relations import Call, FieldRef, Literal
from planner.seen import SeenRows
from planner.selectivity import HAVING, kept_by
from planner.sized import Sized, SizedColumn, made_column
from tests.planner.paper import EVERYTHING, PaperConnector, PaperTable, paper
from tests.planner.paper_shop import INT, TEXT

WIDE = {f"text{number}": TEXT for number in range(8)}
CUSTOMERS = PaperTable(
    {"id": (INT,), "nation": INT, **WIDE},
    rows=45_000,
    distinct={"id": 45_000, "nation": 25},
)
ORDERS = PaperTable(
    {"id": (INT,), "customer": INT, "quarter": INT},
    rows=450_000,
    distinct={"id": 450_000, "customer": 30_000, "quarter": 26},
)
NATIONS = PaperTable({"id": (INT,), "name": TEXT}, rows=25, distinct={"id": 25, "name": 25})
ITEMS = PaperTable({"order_id": INT, "price": INT}, rows=1_800_000, distinct={"order_id": 450_000})

WIDE_JOIN = (
    "SELECT o.id, i.price, " + ", ".join(f"c.{name}" for name in WIDE) + " FROM shop.orders o"
    " JOIN shop.customers c ON c.id = o.customer JOIN lake.items i ON i.order_id = o.id"
    " WHERE o.quarter = 7"
)


def _catalog(link: Link, seen: SeenRows | None = None) -> Catalog:
    tables = {"customers": CUSTOMERS, "orders": ORDERS, "nations": NATIONS}
    capabilities = Capabilities(
        "postgres",
        EVERYTHING,
        round_trips=RoundTrips(rows=3.0, few=1.0, moment=3.0, texts=2.0),
        framing=Framing(row_bytes=7.0, whole_value_bytes=-4.0),
    )
    shop = PaperConnector("shop", tables, capabilities)
    till = PaperConnector("till", {"members": CUSTOMERS}, capabilities)
    lake = paper("native", {"items": ITEMS})
    sources = [Source("shop", shop, link), Source("till", till, link), Source("lake", lake)]
    return Catalog(sources, seen=seen)


def _plan(sql: str, catalog: Catalog) -> Plan:
    return plan_query(parse(sql), catalog)


def test_wide_rows_that_several_rows_meet_cross_a_slow_link_once() -> None:
    found = _plan(WIDE_JOIN, _catalog(Link.of(5, 10)))
    assert [(f.tables, f.reduction is not None) for f in found.fragments] == [
        (("main.orders",), False),
        (("main.customers",), True),
    ]
    assert [stage.name for stage in found.stages] == ["k1"]


@pytest.mark.parametrize("link", [Link.of(100, 1000), Link.of(200, 100)])
def test_they_are_joined_at_their_source_where_waiting_takes_longer(link: Link) -> None:
    (fragment,) = _plan(WIDE_JOIN, _catalog(link)).fragments
    assert set(fragment.tables) == {"main.orders", "main.customers"}


def test_a_join_is_not_taken_apart_that_makes_rows_narrow() -> None:
    sql = (
        "SELECT o.id, n.name, i.price FROM shop.orders o JOIN shop.customers c"
        " ON c.id = o.customer JOIN shop.nations n ON n.id = c.nation"
        " JOIN lake.items i ON i.order_id = o.id WHERE n.name = 'FRANCE'"
    )
    found = _plan(sql, _catalog(Link.of(5, 10)))
    assert len(found.fragments) == 1


def test_more_keys_than_rows_may_be_worth_sending() -> None:
    """What else is filtered there leaves few rows without keys; with them hardly any are left."""
    sql = (
        "SELECT o.id, c.text0, c.text1, c.text2, c.text3, i.price FROM shop.orders o"
        " JOIN shop.customers c ON c.id = o.customer"
        " JOIN (SELECT order_id, price FROM lake.items WHERE price = 3) i ON i.order_id = o.id"
        " WHERE c.nation = 7"
    )
    found = _plan(sql, _catalog(Link.of(5, 10)))
    (reduction,) = [f.reduction for f in found.fragments if f.reduction is not None]
    assert reduction.estimate.rows is not None
    # 120 bytes of each row weigh more than twice the 8 of a key.
    assert reduction.most > reduction.estimate.rows


def test_a_statement_that_is_sent_twice_makes_keys_twice_as_dear() -> None:
    most = []
    for texts in (1.0, 2.0):
        round_trips = RoundTrips(texts=texts)
        capabilities = Capabilities("postgres", EVERYTHING, round_trips=round_trips)
        shop = PaperConnector("shop", {"orders": ORDERS}, capabilities)
        lake = paper("native", {"items": ITEMS})
        catalog = Catalog([Source("shop", shop, Link.of(5, 10)), Source("lake", lake)])
        sql = (
            "SELECT o.customer FROM shop.orders o JOIN lake.items i ON i.order_id = o.id"
            " WHERE i.price = 3"
        )
        (reduction,) = [f.reduction for f in _plan(sql, catalog).fragments if f.reduction]
        most.append(reduction.most)
    assert most[0] > 1.2 * most[1]


def test_fewer_bytes_need_not_be_sooner_by_a_tenth() -> None:
    assert worth_seconds(5.0, 2.0, crossing=0.4) == WORTH_SECONDS - 0.2
    assert worth_seconds(5.0, 2.0, crossing=0.9) == WORTH_SECONDS
    assert worth_seconds(5.0, 2.0, crossing=1.0) == 0.5


def test_keys_are_as_wide_as_their_digits() -> None:
    assert text_bytes(INT, ColumnStatistics(minimum=-5, maximum=99_999), 12.0) == 5.0
    assert text_bytes(TEXT, ColumnStatistics(minimum="a", maximum="b"), 20.0) == 20.0


def test_a_table_that_is_read_through_is_narrower_than_its_rows() -> None:
    seconds = {}
    catalog = _catalog(Link.of(5, 10))
    for name, where in (
        ("whole", ""),
        ("many", " WHERE quarter <> 100"),
        ("few", " WHERE quarter = 100"),
    ):
        (fragment,) = _plan(f"SELECT id, customer FROM shop.orders{where}", catalog).fragments
        assert fragment.cost is not None
        assert fragment.estimate.rows is not None
        seconds[name] = fragment.cost.transfer_seconds / fragment.estimate.rows
    # 8 bytes for each of two integers and no more; and 4 less of each, by columns.
    assert seconds["few"] * 1.25e6 == pytest.approx(16 + 7)
    assert seconds["whole"] * 1.25e6 == seconds["many"] * 1.25e6 == pytest.approx(16 - 8)


def test_a_stage_that_waits_for_keys_of_another_is_remembered() -> None:
    sql = (
        "SELECT c.text0 FROM till.members c JOIN (SELECT o.customer FROM shop.orders o"
        " JOIN lake.items i ON i.order_id = o.id WHERE i.price = 3) x ON x.customer = c.id"
    )
    seen = SeenRows()
    catalog = _catalog(Link.of(5, 10), seen)
    first = _plan(sql, catalog)
    stage = first.stages[-1]
    assert stage.after
    assert stage.shape is not None
    seen.note(stage.shape, 7)
    assert _plan(sql, catalog).stages[-1].estimate.rows == 7


def test_some_rows_have_the_values_that_any_of_them_has() -> None:
    column = SizedColumn(8.0, distinct=1_000, keys=1_000)
    sized = Sized(10_000, (column,))
    kept = sized.filtered(0.1)
    assert kept.rows == 1_000
    # 1 - 0.9^10 of the values are in a tenth of the rows, if each is in ten.
    assert kept.columns[0].distinct == pytest.approx(651, abs=1)
    assert sized.filtered(0.0).columns[0].distinct == 1.0
    unique = Sized(10_000, (SizedColumn(8.0, distinct=10_000),)).filtered(0.1)
    assert unique.columns[0].distinct == pytest.approx(1_000)


def test_more_rows_than_were_expected_have_more_values() -> None:
    sized = Sized(100, (SizedColumn(8.0, distinct=50, keys=400), made_column(pa.int64())))
    assert [column.distinct for column in sized.corrected(300).columns] == [150, None]
    assert sized.corrected(1e6).columns[0].distinct == 400
    assert sized.corrected(10).columns[0].distinct == 10


def test_a_range_of_what_was_aggregated_keeps_few_groups() -> None:
    sized = Sized(1_000, (SizedColumn(8.0, gathered=True), SizedColumn(8.0)))
    over = Literal(300, pa.int64())
    kept = [
        kept_by(Call("gt", (FieldRef(i, pa.int64(), True), over), pa.bool_(), True), sized)
        for i in (0, 1)
    ]
    assert kept == [HAVING, pytest.approx(1 / 3)]


FEW_ITEMS = (
    "SELECT order_id FROM lake.items GROUP BY order_id HAVING sum(price) > 300 AND max(price) > 30"
    " AND min(price) > 3"
)
FEW_ORDERS = (
    "SELECT o.id, c.text0 FROM shop.orders o JOIN shop.customers c ON c.id = o.customer"
    f" WHERE o.id IN ({FEW_ITEMS})"
)


@pytest.mark.parametrize(
    ("sql", "stages"),
    [
        (FEW_ORDERS, 1),
        # In a stage, too.
        (f"SELECT m.text0 FROM till.members m JOIN ({FEW_ORDERS}) x ON x.text0 = m.text1", 2),
    ],
)
def test_a_table_is_joined_at_its_source_with_what_is_sent_keys_there(
    sql: str, stages: int
) -> None:
    """Its own keys would be a round trip more."""
    found = _plan(sql, _catalog(Link.of(100, 10)))
    (shop,) = [fragment for fragment in found.fragments if fragment.source == "shop"]
    assert set(shop.tables) == {"main.orders", "main.customers"}
    assert shop.reduction is not None
    assert len(found.stages) == stages


def test_of_a_join_that_is_sent_keys_its_source_joins_what_these_leave() -> None:
    # Joined before anybody thinks of keys: these stand above the join.
    options = PlanningOptions(cuts="push")
    (keyed,) = plan_query(parse(FEW_ORDERS), _catalog(Link.of(100, 10)), options).fragments
    assert keyed.work is not None
    # Each customer is made and taken in, and a few of ten times as many orders.
    customers_seconds = source_seconds(made=45_000, taken=45_000, row_seconds=1e-7)
    assert keyed.work.seconds == pytest.approx(customers_seconds, rel=0.5)
