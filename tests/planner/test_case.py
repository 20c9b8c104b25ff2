"""CASE with an operand: evaluated once, planned in linear time, compared as the engine compares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from planner.bind import bind
from planner.parse import parse
from planner.relations import IfThen, Project, walk_expression
from tests.placements import pushed
from tests.planner.real_sources import REAL, real_sources
from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

WHOLE = [
    "SELECT id, CASE i4 WHEN 1 THEN 'a' WHEN 42 THEN 'b' ELSE 'c' END FROM odd",
    "SELECT id, CASE i8 WHEN i4 THEN 1 WHEN 9007199254740993 THEN 2 END FROM odd",
    "SELECT id, CASE t WHEN 'a' THEN 1 WHEN 'A' THEN 2 WHEN NULL THEN 3 END FROM texts",
    "SELECT id, CASE d WHEN date '2000-02-29' THEN 'x' END FROM odd",
    "SELECT id, CASE b WHEN true THEN 'a' WHEN false THEN 'b' END FROM odd",
    "SELECT id, CASE i4 > 3 WHEN b THEN 'a' WHEN i2 > 0 THEN 'b' END FROM odd",
    "SELECT count(*) FROM odd WHERE CASE i4 WHEN 1 THEN b WHEN 42 THEN NOT b END",
    "SELECT CASE b WHEN true THEN i4 END, count(*) FROM odd GROUP BY 1",
    "SELECT CASE WHEN b THEN CASE i4 WHEN 1 THEN 2 END ELSE CASE i2 WHEN 7 THEN 8 END END FROM odd",
]

STAYS = {
    "SELECT id, CASE f8 WHEN 1.5 THEN 'a' WHEN 0 THEN 'b' END FROM odd": "CASE of a float",
    "SELECT id, CASE i2 WHEN 1 THEN 'a' WHEN f8 THEN 'b' END FROM odd": "float",
    "SELECT id, CASE CASE i4 WHEN 1 THEN 2 ELSE 3 END WHEN 2 THEN 'z' END FROM odd": (
        "CASE of a CASE"
    ),
}


@pytest.fixture(scope="module")
def sources(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Twins]]:
    with real_sources(postgres_server, tmp_path_factory.mktemp("case"), "cases") as made:
        yield made


@pytest.mark.parametrize("source", REAL)
@pytest.mark.parametrize("sql", WHOLE)
def test_it_goes_where_its_equalities_go(source: str, sql: str, sources: dict[str, Twins]) -> None:
    plan = sources[source].check(sql, "whole")
    (fragment,) = plan.fragments
    assert "WHEN" in str(fragment.fragment.query)


@pytest.mark.parametrize("source", REAL)
@pytest.mark.parametrize("sql", STAYS)
def test_it_stays_where_it_compares_otherwise(
    source: str, sql: str, sources: dict[str, Twins]
) -> None:
    plan = sources[source].check(sql, "cut")
    assert source != "postgres" or any(STAYS[sql] in kept.reason for kept in plan.kept)


@pytest.mark.parametrize("source", REAL)
def test_a_random_operand_is_evaluated_once(source: str, sources: dict[str, Twins]) -> None:
    operand = "CAST(floor(random() * 2) AS int)"
    found = f"CASE {operand} WHEN 0 THEN 'a' WHEN 1 THEN 'b' END IS NULL"
    twins = sources[source]
    sql = f"SELECT {found} AS missed, count(*) AS n FROM texts, pairs GROUP BY 1"
    plan = twins.pushing.plan(sql)
    assert pushed(plan) == "cut"
    assert twins.pushing.run(plan)["missed"].to_pylist() == [False]


def test_one_in_another_is_planned_in_linear_time(sources: dict[str, Twins]) -> None:
    sizes = []
    for depth in (4, 8, 16):
        expression = "id"
        for _ in range(depth):
            expression = f"CASE {expression} WHEN 1 THEN 2 WHEN 2 THEN 3 WHEN 3 THEN 4 ELSE id END"
        sql = f"SELECT {expression} AS x FROM texts"
        relation = bind(parse(sql), sources["duckdb"].pushing.catalog).relation
        assert isinstance(relation, Project)
        parts = list(walk_expression(relation.expressions[0]))
        assert sum(isinstance(part, IfThen) for part in parts) == depth
        sizes.append(len(parts))
        sources["duckdb"].check(sql)
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])
