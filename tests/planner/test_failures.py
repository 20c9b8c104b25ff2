"""Statements at fault: which error, where, and what was meant."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from connectors.errors import (
    CrosswindError,
    RequestError,
    SqlSyntaxError,
    TypeMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from connectors.memory import MemoryConnector
from planner.catalog import Source
from tests.placements import Placement


@pytest.fixture(scope="module")
def placement() -> Iterator[Placement]:
    people = pa.table({"id": [1], "name": ["a"], "Pay": [1]})
    places = pa.table({"id": [1]})
    shop = MemoryConnector("shop", {"people": people, "places": places})
    lake = MemoryConnector("lake", {"places": places})
    with Placement.opened([Source("shop", shop), Source("lake", lake)]) as placement:
        yield placement


def failure_of(placement: Placement, sql: str) -> CrosswindError:
    with pytest.raises(CrosswindError) as failure:
        placement.plan(sql)
    return failure.value


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("SELECT 1 FROM", 1, 14),
        ("SELECT *\nFROM people\nWHERE id = = 1", 3, 12),
        ("SELECT (1", 1, 10),
        ("EXPLAIN SELECT 1 +", 1, 19),
        ("SELECT SELECT 1", 1, 15),
        ("SELECT 'é', = 1", 1, 13),
    ],
)
def test_a_syntax_error_names_its_place(
    sql: str, line: int, column: int, placement: Placement
) -> None:
    failure = failure_of(placement, sql)
    assert isinstance(failure, SqlSyntaxError)
    assert str(failure).startswith(f"[request.syntax] line {line}, column {column}: ")


@pytest.mark.parametrize(
    ("sql", "place", "hint"),
    [
        ("SELECT nme FROM people", "line 1, column 8", "people.name"),
        ("SELECT 1\nFROM people\nWHERE idd = 1", "line 3, column 7", "people.id"),
        ("SELECT p.nme FROM people p", "line 1, column 10", "p.name"),
        ("SELECT pay FROM people", "line 1, column 8", 'people."Pay"'),
        ("SELECT éé FROM people", "line 1, column 8", "Columns here: people.id"),
        ("SELECT * FROM peopel", "line 1, column 15", "shop.main.people"),
        ("SELECT * FROM shop.peopel", "line 1, column 20", "shop.main.people"),
        ("SELECT * FROM shop.man.people", "line 1, column 24", "shop.main.people"),
        ("SELECT * FROM shp.people", "line 1, column 19", "shop.main.people"),
        ("SELECT * FROM wholly_other", "line 1, column 15", "Known sources: lake, shop"),
        ("SELECT * FROM places", "line 1, column 15", "shop.main.places, lake.main.places"),
        ("SELECT * FROM '/etc/passwd'", "line 1, column 15", "Known sources: lake, shop"),
        ("SELECT substrr('a', 1)", "line 1, column 8", "substr"),
        ("SELECT id FROM people a, people b", "line 1, column 8", "the table's name before it"),
        ("SELECT sign(id) FROM people", "line 1, column 8", "Nearest: signum."),
        (
            "SELECT * FROM peopel FOR VERSION AS OF 'x'",
            "column 15: table 'peopel'",
            "shop.main.people",
        ),
        (
            "SELECT 1 FROM shop.peopel FOR TIMESTAMP AS OF '2026-01-01'",
            "column 20: table 'shop.peopel'",
            "shop.main.people",
        ),
        ("SELECT 1 FROM shp.a.peopel FOR VERSION AS OF 'x'", "'shp.a.peopel'", "lake, shop"),
        ('SELECT * FROM "it\'s"', 'column 15: table "it\'s"', "Known sources: lake, shop"),
        ("SELECT id FROM peopel EXCEPT ALL SELECT 1", "column 16: table 'peopel'", "people"),
        ("SELECT * FROM peopel INTERSECT ALL SELECT 1", "column 15: table 'peopel'", "people"),
    ],
)
def test_an_unknown_name_has_its_place_and_the_nearest(
    sql: str, place: str, hint: str, placement: Placement
) -> None:
    failure = failure_of(placement, sql)
    assert isinstance(failure, UnknownNameError)
    assert place in str(failure)
    assert hint in str(failure)


@pytest.mark.parametrize("sql", ["SET cuts = push", "RESET cuts"])
def test_who_sets_an_option_in_sql_is_told_how_to(sql: str, placement: Placement) -> None:
    failure = failure_of(placement, sql)
    assert isinstance(failure, UnsupportedError)
    assert "the header x-crosswind-OPTION" in str(failure)
    assert "adbc.flight.sql.rpc.call_header.x-crosswind-OPTION" in str(failure)


@pytest.mark.parametrize(
    "sql",
    ["SELECT sum(name) FROM people", "SELECT name + 1 FROM people"],
)
def test_types_that_do_not_fit_are_a_type_error(sql: str, placement: Placement) -> None:
    assert isinstance(failure_of(placement, sql), TypeMismatchError)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH x AS (SELECT 1) INSERT INTO people SELECT * FROM x",
        "SELECT * INTO x FROM people",
        "SELECT U&'x'",
    ],
)
def test_what_the_engine_would_write_or_lacks_is_unsupported(
    sql: str, placement: Placement
) -> None:
    assert isinstance(failure_of(placement, sql), UnsupportedError)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT id FROM people GROUP BY name", "GROUP BY"),
        ("SELECT * FROM people WHERE sum(id) > 1", "HAVING"),
        ("SELECT 1 UNION SELECT 1, 2", "different number of columns"),
        ("SELECT 1 ORDER BY 2", "ORDER BY 2: the answer has 1 columns"),
        ("SELECT * FROM people LIMIT -1", "LIMIT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "read_csv"),
    ],
)
def test_any_other_fault_is_the_statements_and_says_what(
    sql: str, says: str, placement: Placement
) -> None:
    failure = failure_of(placement, sql)
    assert isinstance(failure, RequestError)
    assert says in str(failure)
    assert "DataFusion" not in str(failure)
