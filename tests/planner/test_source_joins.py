"""Joins of several tables at one source: how they are written, and what they should take."""

from __future__ import annotations

from itertools import permutations

import pyarrow as pa
import pytest

from planner.catalog import Catalog
from planner.cost import Link
from planner.options import Cuts, PlanningOptions
from planner.parse import parse
from planner.plan import Plan, PlannedFragment
from planner.planning import plan_query
from tests.planner.paper import PaperTable, paper, paper_catalog

KEY, TEXT = (pa.int64(),), (pa.string(),)

TABLES = {
    "regions": PaperTable({"r_id": KEY, "r_name": TEXT}, 5.0, {"r_id": 5.0, "r_name": 5.0}),
    "nations": PaperTable({"n_id": KEY, "n_region": KEY}, 25.0, {"n_id": 25.0, "n_region": 5.0}),
    "customers": PaperTable(
        {"c_id": KEY, "c_nation": KEY}, 150_000.0, {"c_id": 150_000.0, "c_nation": 25.0}
    ),
    "orders": PaperTable(
        {"o_id": KEY, "o_customer": KEY}, 1_500_000.0, {"o_id": 1_500_000.0, "o_customer": 1e5}
    ),
}
JOINS = ("r_id = n_region", "n_id = c_nation", "c_id = o_customer", "r_name = 'ASIA'")
WRITTEN = ("orders", "customers", "nations", "regions")
SMALL_FIRST = ["regions", "nations", "customers", "orders"]

LINES = PaperTable({"l_order": KEY, "l_price": KEY}, 6e6, {"l_order": 1_500_000.0})


def catalog(link: Link | None = None) -> Catalog:
    return paper_catalog(
        shop=paper("postgres", TABLES, "shop"), lake=paper("native", {"lines": LINES})
    ).linked({"shop": link or Link()})


def plan(sql: str, known: Catalog | None = None) -> Plan:
    return plan_query(parse(sql), known or catalog(), PlanningOptions(reductions="none"))


def only(found: Plan) -> PlannedFragment:
    (fragment,) = found.fragments
    return fragment


def over_the_shop(order: tuple[str, ...]) -> str:
    tables = ", ".join(f"shop.{name}" for name in order)
    return f"SELECT o_id FROM {tables} WHERE {' AND '.join(JOINS)}"


def with_the_lake(order: tuple[str, ...]) -> str:
    tables = ", ".join(f"shop.{name}" for name in order)
    return (
        f"SELECT sum(l_price) FROM lake.lines, {tables}"
        f" WHERE {' AND '.join(JOINS)} AND l_order = o_id"
    )


@pytest.mark.parametrize("order", list(permutations(WRITTEN))[::5])
def test_tables_that_meet_at_a_source_are_written_small_joins_first(order: tuple[str, ...]) -> None:
    fragment = only(plan(with_the_lake(order)))
    assert [table.removeprefix("main.") for table in fragment.tables] == SMALL_FIRST


def test_what_was_seen_changes_no_statement() -> None:
    known = catalog()
    first = only(plan(with_the_lake(WRITTEN), known))
    assert first.shape is not None
    known.seen.note(first.shape, 2.0)
    again = only(plan(with_the_lake(WRITTEN), known))
    assert (again.tables, again.shape) == (first.tables, first.shape)
    assert again.estimate.rows == 2.0


def test_the_order_of_a_statement_is_no_work_of_its_source() -> None:
    works = [only(plan(over_the_shop(order))).work for order in permutations(WRITTEN)]
    seconds = [work.seconds for work in works if work is not None]
    assert len(seconds) == len(works)
    assert max(seconds) == pytest.approx(min(seconds), rel=0.01)


@pytest.mark.parametrize("cuts", ["costed", "push"])
def test_work_is_that_of_a_good_order_with_any_cuts(cuts: Cuts) -> None:
    options = PlanningOptions(reductions="none", cuts=cuts)
    works = [
        only(plan_query(parse(over_the_shop(order)), catalog(), options)).work
        for order in (WRITTEN, WRITTEN[::-1])
    ]
    one, other = (work.seconds for work in works if work is not None)
    assert one == pytest.approx(other, rel=0.01)


def test_rows_that_were_seen_count_in_the_work_of_joins_in_another_order() -> None:
    sql = f"SELECT DISTINCT o_id FROM ({over_the_shop(WRITTEN)}) t"
    known = catalog()
    before = only(plan(sql, known))
    assert before.shape is not None and before.work is not None
    known.seen.note(before.shape, 3.0)
    after = only(plan(sql, known))
    assert after.work is not None
    assert after.work.constant_seconds < before.work.constant_seconds


def test_what_one_source_runs_whole_is_sent_as_it_was_written() -> None:
    fragment = only(plan(over_the_shop(WRITTEN)))
    assert [table.removeprefix("main.") for table in fragment.tables] == list(WRITTEN)


def test_opening_has_to_save_what_more_it_takes_of_the_link() -> None:
    """A source that is slow at joining, of which little crosses when it does."""
    counted = (
        "SELECT count(*) FROM shop.orders JOIN shop.customers ON c_id = o_customer"
        " GROUP BY c_nation"
    )

    pushing = PlanningOptions(reductions="none", cuts="push")

    def planned(megabits: float, join_seconds: float) -> Plan:
        known = catalog(Link.of(0.5, megabits))
        work = only(plan_query(parse(counted), known, pushing)).work
        assert work is not None
        for _ in range(3):
            known.seen.worked("shop", work, join_seconds, 0.0, sure=True, sized=True)
        return plan(counted, known)

    assert len(planned(1000, 0.9).fragments) == 2
    kept = planned(1000, 0.7)
    assert len(kept.fragments) == 1
    (reason,) = (cut.reason for cut in kept.rejected)
    assert reason.endswith("MB more over the link")
    opened_seconds, whole_seconds = (float(part.split()[0]) for part in reason.split(", ")[:2])
    assert opened_seconds < whole_seconds, "by time alone it would be opened"
    assert len(planned(100_000, 0.7).fragments) == 2
