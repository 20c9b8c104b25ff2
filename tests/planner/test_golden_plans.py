"""EXPLAIN of the 22 TPC-H queries against golden files; `pytest --regen` rewrites them.

Reduced to what matters: cuts, fragment SQL, why something stayed or lost. Estimates keep one
significant digit, and times of costs are left out: they are for the tests of `cost`.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from planner.explain import explain_text
from tests.placements import Placement
from tests.tpch import QUERIES

GOLDEN = Path(__file__).parent / "golden"
_TIMES = re.compile(r", [\d.]+ s \(.* work\)$", re.MULTILINE)
_ESTIMATE = re.compile(r"^(  (?:expected:|of)) ([\d,]+) (rows?), ([\d.,e+]+) (B|kB|MB|GB)", re.M)
_MOVED = re.compile(
    r"(joined\s+here;\s+(?:about|at\s+least))\s+([\d,]+)\s+(rows?),\s+([\d.,]+)\s+(\w?B)"
)
_SECONDS = re.compile(r"\b[\d.]+(?:e-?\d+)? s\b")


def reduced(text: str) -> str:
    """The text of EXPLAIN without what may change when nothing that matters does.

    >>> reduced("  expected: 1,234 rows, 67.8 kB, 0.0100 s (0.01 latency + 0 transfer + 0 work)")
    '  expected: about 1,000 rows, 70 kB'
    """
    text = _ESTIMATE.sub(
        lambda m: f"{m[1]} about {_rough(m[2])} {m[3]}, {_rough(m[4])} {m[5]}",
        _TIMES.sub("", text),
    )
    text = _MOVED.sub(lambda m: f"{m[1]} {_rough(m[2])} {m[3]}, {_rough(m[4])} {m[5]}", text)
    return _SECONDS.sub(lambda m: f"about {_rough(m[0][:-2])} s", text)


def _rough(number: str) -> str:
    one_digit = float(f"{float(number.replace(',', '')):.1g}")
    return f"{one_digit:,.15g}"


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("where", ["split", "postgres"])
def test_the_plan_is_the_golden_one(
    query: str, where: str, tpch_placements: dict[str, Placement], pytestconfig: pytest.Config
) -> None:
    path = GOLDEN / where / f"{query}.txt"
    plan = reduced(explain_text(tpch_placements[where].plan(QUERIES[query]))) + "\n"
    if pytestconfig.getoption("--regen"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(plan)
    golden = path.read_text() if path.exists() else ""
    difference = difflib.unified_diff(
        golden.splitlines(), plan.splitlines(), str(path.name), "this plan", lineterm="", n=3
    )
    assert plan == golden, "\n".join(["the plan has changed; --regen accepts it", *difference])


def test_every_golden_file_belongs_to_a_query() -> None:
    assert {path.stem for path in GOLDEN.rglob("*.txt")} == set(QUERIES)
