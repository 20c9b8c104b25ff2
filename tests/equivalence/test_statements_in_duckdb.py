"""The statements of every kind over a DuckDB file: the answers are those of the engine alone."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from tests.equivalence import statements_data
from tests.equivalence.test_statements import STATEMENTS
from tests.planner.twins import Twins

# Its columns differ in case alone, which DuckDB refuses.
_NOT_THERE = '"order"'


def _here(statement: str) -> str | None:
    """A statement of PostgreSQL as DuckDB takes it; None for what it has not."""
    if statements_data.NEAR in statement or _NOT_THERE in statement:
        return None
    series = "generate_series(1, 5000)"
    return statement.replace("i::int8", "i::int8 AS i").replace(f"{series} i", f"{series} r(i)")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    path = str(tmp_path_factory.mktemp("duckdb") / "statements.duckdb")
    with duckdb.connect(path) as connection:
        for statement in filter(None, map(_here, statements_data.STATEMENTS)):
            connection.execute(statement)
    tables = [name for name in statements_data.TABLES if name != "order"]
    with Twins.over({"connector": "duckdb", "uri": path, "max_connections": 2}, tables) as twins:
        yield twins


@pytest.mark.parametrize("sql", [p for p in STATEMENTS if _NOT_THERE not in str(p.values[0])])
def test_the_answer_is_that_of_the_engine_alone(sql: str, twins: Twins) -> None:
    twins.check(sql)
