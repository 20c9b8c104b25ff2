"""What whole plans are expected to cost: the passes, EXPLAIN and the choice of copies agree."""

from __future__ import annotations

import pytest

from connectors.contract import Capabilities, ColumnStatistics, Statistics, TableName
from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from tests.planner.paper import SCAN, PaperConnector, PaperTable, paper
from tests.planner.paper_shop import INT, ITEMS, TEXT, shop

FEW = PaperTable({"id": (INT,), "name": TEXT}, rows=6, distinct={"id": 6})
ITEM_BYTES = 60


class _Sorted(PaperConnector):
    """Files whose tables are sorted by `order_id`: a key is in one part of a hundred."""

    def statistics(self, table: TableName) -> Statistics:
        rows = super().statistics(table).rows
        assert rows is not None
        column = ColumnStatistics(distinct=100_000, minimum=0, maximum=100_000, spread=0.01)
        return Statistics(rows, rows * ITEM_BYTES, {"order_id": column})


def _lake() -> Source:
    capabilities = Capabilities(None, SCAN, native=True, local=False)
    return Source("lake", _Sorted("lake", {"items": ITEMS}, capabilities), Link.of(20, 100))


def _explained(sql: str, catalog: Catalog) -> Plan:
    return plan_query(parse(f"EXPLAIN {sql}"), catalog)


def test_files_that_are_read_by_keys_cost_what_is_read_of_them() -> None:
    catalog = Catalog([Source("shop", paper("postgres", {"few": FEW}, "shop")), _lake()])
    sql = "SELECT f.name, i.price FROM shop.few f JOIN lake.items i ON i.order_id = f.id"
    found = _explained(sql, catalog)
    assert found.natives[0].keys
    assert found.seconds is not None
    without = next(o.seconds for o in found.losing if "reductions = none" in o.description)
    assert found.seconds < without / 5


def test_files_cost_what_they_have_and_not_what_becomes_of_it_here() -> None:
    class Compressed(PaperConnector):
        def statistics(self, table: TableName) -> Statistics:
            rows = super().statistics(table).rows
            columns = {"price": ColumnStatistics(width_bytes=16.0, stored_bytes=1.0)}
            return Statistics(rows, None, columns)

    class Plain(PaperConnector):
        def statistics(self, table: TableName) -> Statistics:
            rows = super().statistics(table).rows
            return Statistics(rows, None, {"price": ColumnStatistics(width_bytes=16.0)})

    capabilities = Capabilities(None, SCAN, native=True, local=False)
    seconds = []
    for connector in (Plain, Compressed):
        lake = Source("lake", connector("lake", {"items": ITEMS}, capabilities), Link.of(0, 0.1))
        found = _explained("SELECT sum(price) AS s FROM lake.items", Catalog([lake]))
        assert found.seconds is not None
        seconds.append(found.seconds)
    assert seconds[0] > 10 * seconds[1]


def test_a_copy_in_files_is_chosen_for_what_keys_leave_out() -> None:
    far = paper("postgres", {"few": FEW, "items": ITEMS}, "shop")
    copies = {("shop", "main", "items"): (("lake", "main", "items"),)}
    catalog = Catalog([Source("shop", far, Link.of(200, 1)), _lake()], replicas=copies)
    sql = "SELECT f.name, i.price FROM shop.few f JOIN shop.items i ON i.order_id = f.id"
    assert [str(native.table) for native in _explained(sql, catalog).natives] == ["main.items"]


def test_keys_are_compared_with_the_best_way_without_them() -> None:
    """What is joined at the source moves much more than its inputs: those are cheaper still."""
    few = PaperTable({"id": (INT,), "n": INT}, rows=300, distinct={"id": 300})
    catalog = Catalog(
        [Source("shop", shop(), Link.of(1, 10)), Source("till", paper("postgres", {"few": few}))]
    )
    sql = (
        "SELECT f.n, x.id, x.sid FROM till.few f LEFT JOIN (SELECT c.id, s.id AS sid FROM"
        " shop.customers c JOIN shop.suppliers s ON s.nation = c.nation) x ON x.id = f.id"
    )
    found = _explained(sql, catalog)
    assert len(found.fragments) == 3
    assert not found.stages
    assert found.seconds is not None
    assert all(found.seconds <= other.seconds for other in found.losing)


def test_a_stage_begins_when_the_keys_are_there_that_its_fragments_wait_for() -> None:
    ints = {"j": INT, "k": INT}
    large = PaperTable(ints, rows=10_000_000, distinct={"j": 10_000_000})
    scanned = PaperTable(ints, rows=1_000_000, distinct={"j": 1_000, "k": 1_000_000})
    catalog = Catalog(
        [
            Source("shop", paper("postgres", {"large": large}, "shop")),
            Source("till", paper("postgres", {"few": FEW}, "till")),
            Source("notes", paper("scan", {"scanned": scanned}, "notes")),
        ]
    )
    sql = (
        "SELECT f.name, x.k, x.w FROM till.few f LEFT JOIN (SELECT a.k, b.k AS w"
        " FROM notes.scanned a LEFT JOIN shop.large b ON a.j = b.j) x ON x.k = f.id"
    )
    assert [(s.name, s.after) for s in _explained(sql, catalog).stages] == [
        ("k1", ()),
        ("k2", ("k1",)),
    ]


def test_of_files_of_which_nothing_is_known_no_time_is_told() -> None:
    unknown = PaperTable({"id": (INT,), "n": INT})
    catalog = Catalog(
        [Source("shop", shop()), Source("lake", paper("native", {"unknown": unknown}))]
    )
    sql = "SELECT o.id, u.n FROM shop.orders o JOIN lake.unknown u ON u.id = o.id"
    assert _explained(sql, catalog).seconds is None


NATIONS = PaperTable({"id": (INT,), "region": INT}, rows=25, distinct={"id": 25, "region": 5})
SUPPLIERS = PaperTable(
    {"id": (INT,), "nation": INT}, rows=10_000, distinct={"id": 10_000, "nation": 25}
)


@pytest.mark.parametrize(
    ("joined", "groups"),
    [
        ("shop.suppliers s JOIN few n ON s.nation = n.id", 5),
        ("few n JOIN shop.suppliers s ON s.nation = n.id", 5),
        ("few n LEFT JOIN shop.suppliers s ON s.nation = n.id", 5),
        ("shop.suppliers s LEFT JOIN few n ON s.nation = n.id", 25),
        ("few n RIGHT JOIN shop.suppliers s ON s.nation = n.id", 25),
        ("shop.suppliers s FULL JOIN few n ON s.nation = n.id", 25),
        ("shop.suppliers s LEFT SEMI JOIN few n ON s.nation = n.id", 5),
        ("shop.suppliers s LEFT ANTI JOIN few n ON s.nation = n.id", 25),
    ],
)
def test_a_column_has_no_other_values_than_what_it_was_joined_with(
    joined: str, groups: int
) -> None:
    shop = paper("postgres", {"nations": NATIONS, "suppliers": SUPPLIERS}, "shop")
    few = "few AS (SELECT id FROM shop.nations WHERE region = 3)"
    sql = f"WITH {few} SELECT s.nation, count(*) AS c FROM {joined} GROUP BY s.nation"
    pushed = PlanningOptions(cuts="push")
    (fragment,) = plan_query(parse(sql), Catalog([Source("shop", shop)]), pushed).fragments
    assert fragment.estimate.rows == pytest.approx(groups)
