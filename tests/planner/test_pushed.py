"""No TPC-H query may push less than it did: what stays here, and the bytes that are to be moved.

`golden/pushed.tsv` holds the least of both that was reached. `pytest --regen` only ever lowers
these numbers, unlike the golden plans: a change that pushes less fails until its author raises
them by hand, which says so in the diff.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from planner.plan import Plan
from tests.placements import Placement
from tests.tpch import QUERIES

FILE = Path(__file__).parent / "golden" / "pushed.tsv"
COLUMNS = ("placement", "query", "operators_here", "moved_bytes")
TOLERANCE = 1.02
"""Statistics come from every row; their rounding is the database's."""

Left = tuple[int, int]


def left_here(plan: Plan) -> Left:
    """The residual's operators, reads apart, and the bytes that its fragments are to send."""
    lines = (line.strip() for line in plan.residual_text.splitlines())
    operators = sum(not line.startswith(("read ", "subquery")) for line in lines)
    moved = sum(f.estimate.size_bytes or 0.0 for f in plan.fragments)
    return operators, round(moved)


def _known() -> dict[tuple[str, str], Left]:
    with FILE.open(newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {
            (r["placement"], r["query"]): (int(r["operators_here"]), int(r["moved_bytes"]))
            for r in rows
        }


def _lowered(found: dict[tuple[str, str], Left]) -> None:
    known = _known() if FILE.exists() else {}
    with FILE.open("w", newline="") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow(COLUMNS)
        for key, left in sorted(found.items()):
            rows.writerow((*key, *map(min, left, known.get(key, left))))


@pytest.mark.parametrize("where", ["split", "postgres"])
def test_no_query_pushes_less_than_before(
    where: str, tpch_placements: dict[str, Placement], pytestconfig: pytest.Config
) -> None:
    found = {
        (where, name): left_here(tpch_placements[where].plan(sql)) for name, sql in QUERIES.items()
    }
    if pytestconfig.getoption("--regen"):
        others = {k: v for k, v in (_known() if FILE.exists() else {}).items() if k[0] != where}
        _lowered(others | found)
    known = _known()
    worse = [
        f"{name}: {operators} operators stay here instead of {known[where, name][0]}, about"
        f" {moved:,} bytes are moved instead of {known[where, name][1]:,}"
        for (_, name), (operators, moved) in found.items()
        if operators > known[where, name][0] or moved > known[where, name][1] * TOLERANCE
    ]
    assert not worse, "\n".join(worse)


def test_every_query_has_its_numbers() -> None:
    assert set(_known()) == {(where, name) for where in ("split", "postgres") for name in QUERIES}
