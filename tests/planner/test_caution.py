"""What the running of a statement has shown not to pay changes how it is planned once more."""

from __future__ import annotations

import pyarrow as pa
import pytest

from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.options import Caution, PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query

from .paper import PaperTable, paper

KEY = (pa.int64(),)

PICKED = PaperTable({"id": KEY, "label": (pa.string(),)}, 1_000.0, {"id": 1_000.0})
SELLERS = PaperTable({"id": KEY, "nation": KEY}, 5_000.0, {"id": 5_000.0, "nation": 5_000.0})
BUYERS = PaperTable({"id": KEY, "nation": KEY}, 6_000.0, {"id": 6_000.0, "nation": 6_000.0})
FACTS = PaperTable(
    {"picked": KEY, "seller": KEY, "v": KEY},
    6_000_000.0,
    {"picked": 1_000_000.0, "seller": 10_000.0},
)


def planned(sql: str, caution: Caution | None = None, lake_is: str = "native") -> Plan:
    shop = paper("postgres", {"picked": PICKED, "sellers": SELLERS, "buyers": BUYERS}, "shop")
    lake = paper(lake_is, {"facts": FACTS}, "lake")
    link = Link.of(20.0, 100.0)
    catalog = Catalog([Source("shop", shop, link), Source("lake", lake, link)])
    return plan_query(parse(sql), catalog, PlanningOptions(caution=caution))


def joins_of(plan: Plan) -> list[str]:
    """The conditions of a residual's joins, the first that is computed first."""
    lines = [line.strip() for line in plan.residual_text.splitlines() if "inner join" in line]
    return lines[::-1]


def shape_of(plan: Plan, table: str) -> bytes:
    (shape,) = [f.shape for f in plan.fragments if f.tables == (table,)]
    assert shape is not None
    return shape


def test_what_is_doubted_leaves_out_no_rows() -> None:
    sql = (
        "SELECT f.v, p.label, s.nation FROM lake.facts f JOIN shop.picked p ON p.id = f.picked"
        " JOIN shop.sellers s ON s.id = f.seller"
    )
    plan = planned(sql)
    assert "picked" in joins_of(plan)[0], "it keeps one row in a thousand"
    caution = Caution(doubted=frozenset((shape_of(plan, "main.picked"),)))
    assert "seller" in joins_of(planned(sql, caution))[0], "it keeps half"


def test_keys_of_what_is_doubted_are_not_waited_for() -> None:
    sql = "SELECT f.v, p.label FROM lake.facts f JOIN shop.picked p ON p.id = f.picked"
    plan = planned(sql, lake_is="postgres")
    assert [f.tables for f in plan.fragments if f.reduction is not None] == [("main.facts",)]
    caution = Caution(doubted=frozenset((shape_of(plan, "main.picked"),)))
    again = planned(sql, caution, lake_is="postgres")
    assert [f.reduction for f in again.fragments] == [None, None]


@pytest.mark.parametrize("source", ["shop", "other"])
def test_tables_are_kept_apart_at_one_source(source: str) -> None:
    sql = (
        "SELECT f.v FROM lake.facts f JOIN shop.sellers s ON s.id = f.seller"
        " JOIN shop.buyers b ON b.nation = s.nation"
    )
    together = [("main.buyers", "main.sellers")]
    assert [tuple(sorted(f.tables)) for f in planned(sql).fragments] == together
    apart = frozenset(((source, frozenset(("main.buyers", "main.sellers"))),))
    again = [tuple(sorted(f.tables)) for f in planned(sql, Caution(apart=apart)).fragments]
    if source == "other":
        assert again == together
    else:
        assert sorted(again) == [("main.buyers",), ("main.sellers",)]


def test_what_runs_is_planned_again_with_its_seconds() -> None:
    sql = "SELECT f.v FROM lake.facts f JOIN shop.sellers s ON s.id = f.seller"
    assert planned(sql).seconds is None
    assert (planned(sql, Caution()).seconds or 0.0) > 0.0
