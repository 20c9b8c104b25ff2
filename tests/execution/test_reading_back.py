"""Residuals that the engine did not read back, and what runs in place of one that it does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from connectors.errors import UnsupportedError
from connectors.memory import MemoryConnector
from planner.catalog import Source
from planner.options import PlanningOptions, Pushdown
from planner.parse import parse
from planner.plan import Plan, SubstraitResidual
from planner.planning import plan_query
from tests.placements import Placement


@pytest.fixture(scope="module")
def placement() -> Iterator[Placement]:
    left = {
        "a": pa.table({"x": [1, 2]}),
        "few": pa.table({"k": ["x", "y"], "n": [5, 1]}),
        "none": pa.table({"z": pa.array([], pa.int32())}),
        "turned": pa.table({"m": [8], "n": [7]}),
    }
    many = pa.table({"k": ["x", "y", "z"], "n": [0, 9, 9], "m": [3, 3, 3]})
    right = pa.table({"x": [2, 3], "y": ["two", "three"], "mark": [True, False]})
    sources = [
        Source("left", MemoryConnector("left", left)),
        Source("right", MemoryConnector("right", {"b": right, "many": many})),
    ]
    with Placement.opened(sources) as placement:
        yield placement


def _planned(placement: Placement, sql: str, pushdown: Pushdown) -> Plan:
    return plan_query(parse(sql), placement.catalog, PlanningOptions(pushdown))


def _unreadable(placement: Placement, pushdown: Pushdown) -> Plan:
    """A plan with a function in its residual that the engine does not have."""
    plan = _planned(placement, "SELECT a.x, b.y FROM a JOIN b ON a.x = b.x", pushdown)
    residual = plan.residual
    assert isinstance(residual, SubstraitResidual)
    message = residual.substrait.replace(b"equal", b"eqall")
    assert message != residual.substrait
    return replace(plan, residual=replace(residual, substrait=message))


def test_what_cannot_be_read_runs_uncut(placement: Placement) -> None:
    assert placement.run(_unreadable(placement, "proven")).to_pylist() == [{"x": 2, "y": "two"}]


def test_where_nothing_may_run_uncut_it_is_refused(placement: Placement) -> None:
    with pytest.raises(UnsupportedError):
        placement.run(_unreadable(placement, "required"))


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        # Constants, of a join that gives nothing, in columns of one name.
        (
            "SELECT sum(b.x) AS s, max(a.x) AS m FROM a JOIN b ON a.x = b.x WHERE NULL",
            [(None, None)],
        ),
        # Marks of several joins, and a column of that name.
        ("SELECT y FROM b WHERE x IN (SELECT x FROM a) OR x + 1 IN (SELECT x FROM a)", [("two",)]),
        ("SELECT y, mark FROM b WHERE mark OR x IN (SELECT x FROM a)", [("two", True)]),
        # Columns of a union's input under names of the union's other columns, or of none.
        (
            "SELECT m, n FROM (SELECT n, m FROM many UNION ALL SELECT m, n FROM turned) u"
            " UNION ALL SELECT n, n FROM few WHERE n = 1",
            [(3, 0), (3, 9), (3, 9), (7, 8), (1, 1)],
        ),
        (
            "SELECT m + 1 FROM (SELECT m FROM many UNION ALL SELECT x FROM a) u"
            " UNION ALL SELECT n FROM few WHERE n = 1",
            [(4,), (4,), (4,), (2,), (3,), (1,)],
        ),
    ],
)
def test_names_that_meet_are_kept_apart(
    sql: str, answer: list[tuple[object, ...]], placement: Placement
) -> None:
    plan = replace(_planned(placement, sql, "proven"), uncut=None)
    got = [tuple(row.values()) for row in placement.run(plan).to_pylist()]
    assert sorted(got, key=repr) == sorted(answer, key=repr)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT m.n FROM few f RIGHT JOIN many m ON f.k = m.k"
        " WHERE m.m % 2 = 1 AND m.m <= coalesce(f.n, f.n)",
        "SELECT m.n FROM many m LEFT JOIN few f ON f.k = m.k"
        " WHERE m.m % 2 = 1 AND m.m <= coalesce(f.n, f.n)",
        "SELECT m.n FROM (SELECT * FROM many WHERE m % 2 = 1) m LEFT JOIN few f ON f.k = m.k"
        " JOIN a ON a.x < m.m - 1 WHERE m.m <= coalesce(f.n, f.n)",
    ],
)
def test_a_filter_keeps_its_column_where_both_sides_have_one_of_its_name(
    sql: str, placement: Placement
) -> None:
    """The engine alone takes the other side's, and answers 9 twice."""
    assert placement.query(sql)["n"].to_pylist() == [0]


def test_an_order_above_a_union_is_sorted_whole_where_the_engine_loses_count(
    placement: Placement, caplog: pytest.LogCaptureFixture
) -> None:
    """DataFusion 55 makes a plan of it, and refuses that plan."""
    first = "SELECT y AS p, x AS q, x AS r, x AS s FROM b UNION ALL"
    sql = f"{first} SELECT b.y, b.x, z, b.x FROM b CROSS JOIN none ORDER BY 1, 2, 3, 4"
    with caplog.at_level(logging.WARNING):
        assert placement.query(sql)["p"].to_pylist() == ["three", "two"]
    assert "ran uncut" in caplog.text
