"""The 22 TPC-H queries: the same rows and types, wherever the tables are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import datafusion
import pyarrow as pa
import pytest

import flight_server
from flight_server.config import Config
from tests.comparison import assert_same
from tests.placements import PLACEMENTS, Placement, pushed
from tests.tpch import QUERIES

STAYS = {
    # `sum(…) * 0.0001`: the engine reads the constant as a float, and rounds to a decimal again.
    "q11": {
        ("project", "the conversion of double to decimal128(38, 15)"),
        ("filter", "its subquery is finished here"),
    },
    # `100.00 * sum(…) / sum(…)`: a constant with a point is a float, and so is all of it.
    "q14": {("project", "a float division by zero fails there and is infinite here")},
    # `0.2 * avg(…)`: as in q11.
    "q17": {("project", "the conversion of double to decimal128(30, 15)")},
}
"""What stays here when everything is in Postgres: operators with their reasons."""

STAYS_IN = {
    "postgres": STAYS,
    "duckdb": {
        **STAYS,
        "q14": {("project", "which NaN a float computation gives is not proven")},
    },
}
"""The same by placement."""


@pytest.fixture(scope="module")
def answers(tpch_alone: datafusion.SessionContext) -> dict[str, pa.Table]:
    return {name: tpch_alone.sql(sql).to_arrow_table() for name, sql in QUERIES.items()}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("where", PLACEMENTS)
def test_the_engine_answers_as_datafusion_alone(
    query: str, where: str, tpch_placements: dict[str, Placement], answers: dict[str, pa.Table]
) -> None:
    got = tpch_placements[where].query(QUERIES[query])
    assert_same(got, answers[query], QUERIES[query])


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("where", STAYS_IN)
def test_in_one_database_a_query_is_one_fragment_or_says_what_stays(
    query: str, where: str, tpch_placements: dict[str, Placement]
) -> None:
    plan = tpch_placements[where].plan(QUERIES[query])
    stays = STAYS_IN[where].get(query, set())
    assert {(kept.operator, kept.reason) for kept in plan.kept} == stays
    assert pushed(plan) == ("cut" if stays else "whole")
    assert len(plan.fragments) == 1 or stays
    assert not plan.natives


@pytest.fixture(scope="module", params=PLACEMENTS)
def client(
    request: pytest.FixtureRequest, tpch_sources: dict[str, dict[str, dict[str, object]]]
) -> Iterator[Any]:
    """An ADBC connection to a server of one placement."""
    sources = tpch_sources[request.param]
    config = Config.from_mapping({"server": {"listen": "grpc://127.0.0.1:0"}, "sources": sources})
    with (
        flight_server.serve(config) as server,
        flightsql.connect(server.url.replace("grpc://", "grpc+tcp://"), autocommit=True) as client,
    ):
        yield client


@pytest.mark.parametrize("query", QUERIES)
def test_a_client_gets_the_same(query: str, client: Any, answers: dict[str, pa.Table]) -> None:
    with client.cursor() as cursor:
        cursor.execute(QUERIES[query])
        assert_same(cursor.fetch_arrow_table(), answers[query], QUERIES[query])
