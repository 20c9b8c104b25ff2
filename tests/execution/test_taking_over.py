"""What happens to a residual that the engine cannot read: it runs uncut, or is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from connectors.errors import UnsupportedError
from connectors.memory import MemoryConnector
from planner.catalog import Source
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan, SubstraitResidual
from planner.planning import plan_query
from tests.placements import Placement

SQL = "SELECT a.x, b.y FROM a JOIN b ON a.x = b.x"


def _unreadable(placement: Placement, pushdown: str) -> Plan:
    """A plan with a function in its residual that the engine does not have."""
    plan = plan_query(parse(SQL), placement.catalog, PlanningOptions(pushdown=pushdown))  # type: ignore[arg-type]
    residual = plan.residual
    assert isinstance(residual, SubstraitResidual)
    message = residual.substrait.replace(b"equal", b"eqall")
    assert message != residual.substrait
    return replace(plan, residual=replace(residual, substrait=message))


@pytest.fixture
def placement() -> Iterator[Placement]:
    left = MemoryConnector("left", {"a": pa.table({"x": [1, 2]})})
    right = MemoryConnector("right", {"b": pa.table({"x": [2, 3], "y": ["two", "three"]})})
    with Placement.opened([Source("left", left), Source("right", right)]) as placement:
        yield placement


def test_it_runs_uncut(placement: Placement) -> None:
    assert placement.run(_unreadable(placement, "proven")).to_pylist() == [{"x": 2, "y": "two"}]


def test_where_nothing_may_run_uncut_it_is_refused(placement: Placement) -> None:
    with pytest.raises(UnsupportedError, match="the plan of this statement cannot run"):
        placement.run(_unreadable(placement, "required"))


def test_of_no_rows_columns_may_have_one_name(placement: Placement) -> None:
    """The optimiser makes constants of a join that gives nothing."""
    sql = "SELECT sum(b.x) AS s, max(a.x) AS m FROM a JOIN b ON a.x = b.x WHERE NULL"
    options = PlanningOptions(pushdown="required")
    plan = plan_query(parse(sql), placement.catalog, options)
    assert plan.uncut is None
    assert placement.run(plan).to_pylist() == [{"s": None, "m": None}]
