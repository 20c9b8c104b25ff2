"""What sources say of their tables is unknown or wrong: the rows are right, and few more are moved.

The measure is a plan that knows nothing and needs to know nothing: every table is read, as few
columns of it as the statement names, and all else runs here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import datafusion
import pyarrow as pa
import pytest

from connectors import registry
from planner.catalog import Source
from planner.options import PlanningOptions
from planner.seen import SeenRows
from tests.comparison import assert_same
from tests.misled import WAYS, Misled, misled
from tests.placements import Placement
from tests.tpch import QUERIES

MOST = 2.0
"""So many times the bytes of reading all tables."""

FEW_BYTES = 64 * 1024
"""What crosses any link in the time of a round trip or two."""


TRIED = ("withheld", "100 times, and a hundredth", "a hundredth, and 100 times", "stale")
"""`python -m benchmarks.run --only misled` times all ways."""


@pytest.fixture(scope="module", params=TRIED)
def placement(
    request: pytest.FixtureRequest, tpch_sources: dict[str, dict[str, dict[str, object]]]
) -> Iterator[Placement]:
    """TPC-H in a database and in files, which are wrong about their tables."""
    ways = dict(zip(("shop", "lake"), WAYS[request.param], strict=True))
    with ExitStack() as stack:
        sources = []
        for name, options in tpch_sources["split"].items():
            rest = {key: value for key, value in options.items() if key != "connector"}
            connector: Misled = misled(
                registry.create(str(options["connector"]), name, rest), ways[name]
            )
            sources.append(Source(name, connector))
        yield stack.enter_context(Placement.opened(sources))


@pytest.fixture(scope="module")
def pulled(tpch_placements: dict[str, Placement]) -> dict[str, int]:
    """What reading all tables moves, by query."""
    placement = replace(tpch_placements["split"], options=PlanningOptions(pushdown="none"))
    return {name: ran(placement, sql)[1] for name, sql in QUERIES.items()}


@pytest.mark.parametrize("query", QUERIES)
def test_wrong_statistics_cost_no_answer_and_few_bytes(
    query: str,
    placement: Placement,
    pulled: dict[str, int],
    tpch_alone: datafusion.SessionContext,
) -> None:
    answer, moved_bytes = ran(placement, QUERIES[query])
    assert_same(answer, tpch_alone.sql(QUERIES[query]).to_arrow_table(), QUERIES[query])
    assert moved_bytes <= MOST * pulled[query] + FEW_BYTES


def ran(placement: Placement, sql: str) -> tuple[pa.Table, int]:
    """A statement's answer, and the bytes that its fragments sent."""
    placement.catalog.seen = SeenRows()
    plan = placement.plan(sql)
    execution = placement.engine.start(plan, again=placement.again(sql))
    answer = pa.Table.from_batches(list(execution.batches()), schema=plan.schema)
    return answer, sum(fragment.size_bytes for fragment in execution.account().fragments)
