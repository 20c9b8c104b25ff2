"""The first rows of a UNION ALL are those of all its inputs, whichever comes first."""

from __future__ import annotations

import pyarrow as pa
import pytest

from connectors.memory import MemoryConnector
from planner.catalog import Source
from tests.placements import Placement

TIMES = 100
"""The engine by itself loses rows in one of some thirty: in which, its threads decide."""


@pytest.mark.parametrize("query", ["{union}", "SELECT kind, n FROM ({union}) AS u"])
def test_a_key_that_each_input_has_one_value_of_still_counts(query: str) -> None:
    near, far = pa.table({"n": [0.0] * 50}), pa.table({"n": [9.0] * 50})
    union = "SELECT 100 AS kind, n FROM near UNION ALL SELECT 65, n FROM far WHERE n > 1"
    sql = f"{query.format(union=union)} ORDER BY 1 DESC, 2 DESC LIMIT 3"
    sources = [Source(n, MemoryConnector(n, {n: t})) for n, t in (("near", near), ("far", far))]
    with Placement.opened(sources) as placement:
        plan = placement.plan(sql)
        answers = [placement.run(plan).to_pylist() for _ in range(TIMES)]
    assert answers == [[{"kind": 100, "n": 0.0}] * 3] * TIMES
