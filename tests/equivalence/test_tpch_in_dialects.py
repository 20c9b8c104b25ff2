"""TPC-H in clients' dialects: each query in two of them has the rows of the engine's own SQL."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from flight_server.service import SqlPlanning
from flight_server.session_options import SessionOptions
from tests import tpch
from tests.placements import Placement

DIALECTS = ("postgres", "snowflake", "duckdb", "spark", "trino", "mysql", "redshift", "bigquery",
            "databricks", "oracle")  # fmt: skip


@pytest.fixture(scope="module")
def placement(tpch_files: Path) -> Iterator[Placement]:
    lake = {"connector": "files", "root": str(tpch_files)}
    with Placement.of_sources({"lake": lake}) as placement:
        yield placement


def answer(placement: Placement, sql: str, dialect: str | None) -> list[tuple[object, ...]]:
    planned = SqlPlanning().plan(sql, placement.catalog, SessionOptions(dialect=dialect))
    return rows_of(placement.run(planned.plan))


def rows_of(table: pa.Table) -> list[tuple[object, ...]]:
    """The rows, each column's values as they are but for the kind of number, in one order."""
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return sorted((tuple(map(_plain, row)) for row in rows), key=repr)


def _plain(value: object) -> object:
    if isinstance(value, int | float | Decimal):
        # Two roundings of one sum must not differ in how they are sorted.
        return float(f"{float(value):.9g}") if math.isfinite(value) else value
    return str(value)[:10]


def _same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6)
    return one == other


@pytest.mark.parametrize(("number", "name"), list(enumerate(tpch.QUERIES)))
def test_a_query_in_a_dialect_has_the_engines_rows(
    placement: Placement, number: int, name: str
) -> None:
    sql = tpch.QUERIES[name]
    want = answer(placement, sql, None)
    for dialect in (DIALECTS[number % len(DIALECTS)], DIALECTS[(number + 4) % len(DIALECTS)]):
        got = answer(placement, sql, dialect)
        assert len(got) == len(want), dialect
        for mine, other in zip(got, want, strict=True):
            for one, two in zip(mine, other, strict=True):
                assert _same(one, two), (dialect, mine, other)
