"""In whatever order TPC-H's joins are written: the same plan, and the same rows."""

from __future__ import annotations

import re
from collections.abc import Mapping

import datafusion
import pytest

from planner.plan import Plan
from tests.comparison import assert_same
from tests.placements import Placement
from tests.tpch import QUERIES
from tests.tpch_orders import reordered

WHERE = ("split", "files")
ORDERS = range(1, 6)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("query", QUERIES)
def test_the_order_of_the_statement_changes_no_plan(
    query: str, where: str, tpch_placements: dict[str, Placement]
) -> None:
    placement = tpch_placements[where]
    written = shape_of(placement.plan(QUERIES[query]))
    for seed in ORDERS:
        sql = reordered(QUERIES[query], seed)
        assert shape_of(placement.plan(sql)) == written, sql


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("query", QUERIES)
def test_the_order_of_the_statement_changes_no_row(
    query: str,
    where: str,
    tpch_placements: dict[str, Placement],
    tpch_alone: datafusion.SessionContext,
) -> None:
    sql = reordered(QUERIES[query], int(query[1:]))
    want = tpch_alone.sql(QUERIES[query]).to_arrow_table()
    assert_same(tpch_placements[where].query(sql), want, sql)


def shape_of(plan: Plan) -> list[str]:
    """What a plan does, without what two statements of one meaning may write otherwise.

    Fragments by what they read and are sent, and the trees of stages and residual with their joins'
    sides in order; of each operator the words, in any order.
    """
    read = {f.name: f"{f.source}: {', '.join(sorted(f.tables))}" for f in plan.fragments}
    fragments = (
        f"{read[f.name]} {' '.join(f.operators)} {sorted(f.fragment.schema.names)}"
        f" keys {f.reduction.columns if f.reduction else ()}"
        for f in plan.fragments
    )
    trees = [*(stage.text for stage in plan.stages), plan.residual_text]
    lines = (_operator(line, read) for tree in trees for line in tree.splitlines())
    return [*sorted(fragments), *lines]


def _operator(line: str, read: Mapping[str, str]) -> str:
    """An operator's depth and words."""
    words = re.sub(r"\bn\d+\b", "n", line).replace(",", " ").replace("(", " ").replace(")", " ")
    depth = " " * (len(line) - len(line.lstrip()))
    return depth + " ".join(sorted(read.get(word, word) for word in words.split()))
