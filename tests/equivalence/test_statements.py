"""Statements of every shape, over NULLs, repeats and odd names: the same answer, wherever it runs.

`statements/NAME.sql` has one statement a line. Each is answered four times: with every table in
Postgres, with every table in memory, with some in each, and by DataFusion alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import RequestError
from tests.equivalence import statements_data
from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

FOLDER = Path(__file__).parent / "statements"
STATEMENTS = [
    pytest.param(line.rstrip(";"), id=f"{path.stem}-{number}")
    for path in sorted(FOLDER.glob("*.sql"))
    for number, line in enumerate(path.read_text().splitlines(), start=1)
]


@pytest.fixture(scope="module")
def twins(postgres_server: PostgresServer, postgres_uri: str) -> Iterator[Twins]:
    database = __name__.replace(".", "_")
    postgres_server.execute(*statements_data.STATEMENTS, database=database)
    with Twins.of(postgres_uri, statements_data.TABLES, statements_data.NEAR) as twins:
        yield twins


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_answer_is_that_of_the_engine_alone(sql: str, twins: Twins) -> None:
    twins.check(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM people WHERE pay > 50 AND name <> 'Bob' ORDER BY id",
        "SELECT p.name, d.title FROM people p FULL JOIN depts d ON p.dept = d.id",
        "SELECT * FROM nums WHERE a NOT IN (SELECT k FROM gaps)",
        "SELECT * FROM nums WHERE a IN (SELECT k FROM gaps) OR b IN (SELECT k FROM solid)",
        "SELECT a FROM nums INTERSECT SELECT k FROM solid",
        "SELECT a FROM nums UNION ALL SELECT k FROM gaps",
        "SELECT dept, sum(pay) AS s FROM people GROUP BY 1 HAVING count(*) > 1 ORDER BY s LIMIT 2",
        "SELECT name FROM people WHERE pay > (SELECT min(pay) FROM people)",
        "SELECT count(*) FROM (SELECT * FROM many ORDER BY i LIMIT 10 OFFSET 4995)",
        "SELECT title, (SELECT count(*) FROM people WHERE dept = depts.id) AS n FROM depts",
    ],
)
def test_one_source_answers_alone_where_it_can(sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("word", ["INTERSECT", "EXCEPT"])
def test_what_a_source_would_compare_row_by_row_is_compared_here(word: str, twins: Twins) -> None:
    """Both columns may be NULL, and NULLs are equal: PostgreSQL hashes nothing by that."""
    twins.check(f"SELECT a FROM nums {word} SELECT k FROM gaps", "cut")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM people WHERE name LIKE 'a!_b!' ESCAPE '!'",
        "SELECT id FROM people WHERE name LIKE id || '!_b' ESCAPE '!'",
        "SELECT id, (SELECT k FROM solid WHERE k >= id) FROM people",
        "SELECT id FROM people WHERE id = (SELECT k FROM solid WHERE k = id)",
    ],
)
def test_what_the_engine_cannot_do_is_an_error_of_the_statement(sql: str, twins: Twins) -> None:
    for error in twins.check_failure(sql):
        assert isinstance(error, RequestError), repr(error)
