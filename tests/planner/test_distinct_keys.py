"""Which semi- and anti-joins look each key up once: trees and plans over sources on paper."""

from __future__ import annotations

import pyarrow as pa
import pytest

from planner.bind import bind
from planner.catalog import Catalog
from planner.distinct_keys import make_keys_distinct
from planner.options import PlanningOptions
from planner.parse import parse
from planner.passes import PASSES
from planner.placing import Places
from tests.planner.paper import PaperTable, paper, paper_catalog
from tests.planner.paper_shop import MONEY, ORDERS, shop_catalog
from tests.planner.test_placement import cut, sent, tree

INT = pa.int64()

KEY, FEW_KEYS, UNKNOWN = 1_000_000, 50, None


def lake(left: int | None, right: int | None, rows: float | None = 1_000_000.0) -> Catalog:
    """Two tables that the engine reads, `k` of which has so many values."""
    columns = {"k": INT, "x": INT, "f": pa.float64(), "m": MONEY}

    def table(values: int | None) -> PaperTable:
        known = {} if values is None else dict.fromkeys("kxf", float(values))
        return PaperTable(columns, rows, known)

    return paper_catalog(lake=paper("native", {"l": table(left), "r": table(right)}))


def is_changed(sql: str, catalog: Catalog) -> bool:
    others = tuple(p for p in PASSES if p is not make_keys_distinct)
    return tree(sql, catalog) != tree(sql, catalog, others)


TEST = "SELECT l.x FROM lake.l WHERE {} (SELECT 1 FROM lake.r WHERE r.k = l.k)"


@pytest.mark.parametrize("word", ["EXISTS", "NOT EXISTS"])
def test_what_would_make_many_pairs_is_grouped_first(word: str) -> None:
    found = tree(TEST.format(word), lake(FEW_KEYS, FEW_KEYS))
    join, left, groups, right = (line.strip() for line in found.splitlines()[-4:])
    assert join.startswith("left semi join" if word == "EXISTS" else "left anti join")
    assert (left, groups) == ("read lake.main.l", "aggregate by k")
    assert right == "read lake.main.r"


@pytest.mark.parametrize(
    ("left", "right", "grouped"),
    [
        (FEW_KEYS, FEW_KEYS, True),
        (FEW_KEYS, UNKNOWN, True),  # each is taken to be among the left side's few
        (UNKNOWN, FEW_KEYS, False),  # each of the left side's is taken to be in one row
        (KEY, FEW_KEYS, False),
        (FEW_KEYS, KEY, False),
        (UNKNOWN, UNKNOWN, False),
    ],
)
def test_keys_in_one_row_each_make_no_pairs(
    left: int | None, right: int | None, grouped: bool
) -> None:
    assert is_changed(TEST.format("EXISTS"), lake(left, right)) == grouped


def test_of_tables_of_unknown_rows_nothing_is_grouped() -> None:
    assert not is_changed(TEST.format("EXISTS"), lake(FEW_KEYS, FEW_KEYS, rows=None))


@pytest.mark.parametrize(
    ("condition", "grouped"),
    [
        ("r.k = l.k AND r.x > l.x", True),
        ("r.k > l.k", True),  # no keys: each row meets each
        ("r.k = l.k AND r.x > 3", True),
        ("r.f = l.f", False),  # -0.0 and 0.0 are one group and two values
        ("r.k = l.k AND r.f > l.x", False),
        ("r.k = l.k AND r.x > random() * l.x", False),
        ("r.k + 1 = l.k * 2", False),  # nothing is known of these values
        ("l.k = 3", False),  # nothing is read of the right side
    ],
)
def test_groups_are_made_by_all_that_is_read(condition: str, grouped: bool) -> None:
    sql = f"SELECT l.x FROM lake.l LEFT SEMI JOIN lake.r ON {condition}"
    assert is_changed(sql, lake(FEW_KEYS, FEW_KEYS)) == grouped


def test_other_joins_keep_their_rows() -> None:
    sql = "SELECT l.x FROM lake.l {} JOIN lake.r ON r.k = l.k"
    kinds = ("INNER", "LEFT", "RIGHT", "FULL")
    assert not any(is_changed(sql.format(kind), lake(FEW_KEYS, FEW_KEYS)) for kind in kinds)


KEYS = "SELECT i.price FROM lake.items i WHERE {}EXISTS (SELECT 1 FROM shop.orders o WHERE {})"


@pytest.mark.parametrize("word", ["", "NOT "])
def test_a_source_sends_each_key_once(word: str) -> None:
    sql = KEYS.format(word, "o.customer = i.customer")
    with_groups, without = cut(sql, shop_catalog()), cut(sql, shop_catalog(), make_keys_distinct)
    assert sent(with_groups) == ["aggregate by customer | read shop.main.orders"]
    assert sent(without) == ["read shop.main.orders"]
    assert [f.estimate.rows for f in with_groups.fragments] == [1_000]


def test_a_source_that_would_send_nearly_as_many_sends_rows() -> None:
    sql = KEYS.format("", "o.id = i.order_id")
    assert sent(cut(sql, shop_catalog())) == ["read shop.main.orders"]


def test_where_the_link_is_quick_the_source_is_spared() -> None:
    """Groups cost the source more than their rows cost a link that carries them in no time."""
    fifth = PaperTable(ORDERS.columns, 100_000, {"customer": 24_000})
    catalog = paper_catalog(
        shop=paper("postgres", {"orders": fifth}),
        lake=paper("native", {"items": PaperTable({"customer": INT, "price": INT}, 24_000)}),
    )
    assert sent(cut(KEYS.format("", "o.customer = i.customer"), catalog)) == [
        "read shop.main.orders"
    ]


def test_all_that_can_be_pushed_is_grouped_there() -> None:
    sql = KEYS.format("", "o.id = i.order_id")
    bound = bind(parse(sql), shop_catalog())
    assert bound.relation is not None
    pushing = Places(bound, PlanningOptions(cuts="push"))
    assert make_keys_distinct(bound.relation, pushing) is not bound.relation
    assert make_keys_distinct(bound.relation, Places(bound)) is bound.relation


def test_a_join_that_one_source_runs_is_left_to_it() -> None:
    sql = (
        "SELECT c.name FROM shop.customers c WHERE EXISTS"
        " (SELECT 1 FROM shop.orders o WHERE o.customer = c.id)"
    )
    assert not is_changed(sql, shop_catalog())
