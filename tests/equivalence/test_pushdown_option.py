"""Whatever is asked of pushdown or of cuts, and wherever the tables are, the answer is the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from planner.options import PlanningOptions
from planner.parse import parse
from planner.planning import plan_query
from tests.comparison import assert_same
from tests.equivalence import statements_data
from tests.equivalence.test_statements import FOLDER
from tests.planner.twins import Twins, answer_alone
from tests.postgres_server import PostgresServer

STATEMENTS = [
    line.rstrip(";")
    for path in sorted(FOLDER.glob("*.sql"))
    for line in path.read_text().splitlines()[::4]
]


@pytest.fixture(scope="module")
def twins(postgres_server: PostgresServer, postgres_uri: str) -> Iterator[Twins]:
    database = __name__.replace(".", "_")
    postgres_server.execute(*statements_data.STATEMENTS, database=database)
    with Twins.of(postgres_uri, statements_data.TABLES, statements_data.NEAR) as twins:
        yield twins


@pytest.mark.parametrize(
    "options",
    [
        PlanningOptions(pushdown="none"),
        PlanningOptions(pushdown="all"),
        PlanningOptions(cuts="push"),
        PlanningOptions(cuts="open"),
    ],
    ids=["none", "all", "push", "open"],
)
def test_the_option_changes_no_answer(options: PlanningOptions, twins: Twins) -> None:
    for sql in STATEMENTS:
        want = answer_alone(twins.alone, sql)
        for placement in (twins.pushing, twins.mixed):
            assert placement is not None
            plan = plan_query(parse(sql), placement.catalog, options)
            assert_same(placement.run(plan), want, sql)
