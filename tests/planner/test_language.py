"""What of SQL is refused: each with the construct's name and its place, nowhere as a defect."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from connectors.errors import InvalidValueError, UnsupportedError
from connectors.memory import MemoryConnector
from planner.catalog import Source
from tests.placements import Placement


@pytest.fixture(scope="module")
def placement() -> Iterator[Placement]:
    people = pa.table({"id": [1, 2], "boss": [None, 1], "name": ["a", "b"]})
    solid = pa.table({"k": [1, 3]})
    shop = MemoryConnector("shop", {"people": people})
    lake = MemoryConnector("lake", {"solid": solid})
    with Placement.opened([Source("shop", shop), Source("lake", lake)]) as placement:
        yield placement


@pytest.mark.parametrize(
    ("sql", "column", "construct"),
    [
        ("SELECT id FROM people WHERE row_number() OVER () = 1", 42, "window function"),
        ("SELECT id FROM people LIMIT (SELECT 2)", 23, "LIMIT"),
        ("SELECT * FROM people MATCH_RECOGNIZE (PATTERN (a) DEFINE a AS id > 0)", 22, "MATCH"),
        ('SELECT name COLLATE "C" FROM people', 13, "COLLATE"),
        ("SELECT * FROM people p ASOF JOIN solid s MATCH_CONDITION (p.id >= s.k)", 24, "ASOF"),
        ("SELECT TOP 2 id FROM people", 8, "TOP"),
        ("SELECT id FROM people CLUSTER BY id", 23, "CLUSTER BY"),
        ("SELECT * FROM people TABLESAMPLE BERNOULLI (10)", 22, "TABLESAMPLE"),
        ("SELECT id FROM people CONNECT BY PRIOR id = boss", 23, "CONNECT BY"),
        ("SELECT id FROM people FOR UPDATE", 23, "FOR UPDATE"),
        ("SELECT * ILIKE 'i%' FROM people", 8, r"\\* ILIKE"),
        ("SELECT count(DISTINCT *) FROM people", 13, "DISTINCT"),
        ("SELECT id, (SELECT k + random() FROM solid WHERE k = id) FROM people", 20, "random"),
        ("SELECT id, random() IN (SELECT k FROM solid) FROM people", 12, "read again"),
        ("SELECT id FROM people WHERE (random(), 1) < (1, 2)", 30, "random"),
        ("SELECT id FROM people WHERE (id, 1) < (1, 2, 3)", 30, "different lengths"),
        (
            "SELECT id, EXISTS (SELECT 1 FROM solid WHERE k > id)"
            " FROM (SELECT id FROM people LIMIT 1) p",
            34,
            "others when read again",
        ),
        (
            "SELECT * FROM generate_series(1, 3) EXCEPT ALL SELECT 1",
            8,
            "columns that are not known",
        ),
        (
            "SELECT id FROM people UNION SELECT k FROM solid ORDER BY 1"
            " FETCH FIRST 1 ROW WITH TIES",
            72,
            "TIES",
        ),
        ("SELECT id FROM people FETCH FIRST 1 ROW WITH TIES", 35, "TIES"),
        ("SELECT * FROM people PIVOT (sum(id) FOR boss IN (SELECT 1))", 29, "PIVOT"),
        ("SELECT * FROM people PIVOT (sum(id) FOR boss IN (1, NULL))", 29, "PIVOT"),
        ("SELECT * FROM people UNPIVOT (v FOR n IN (nope))", 31, "UNPIVOT"),
    ],
)
def test_what_cannot_be_planned_is_named_with_its_place(
    sql: str, column: int, construct: str, placement: Placement
) -> None:
    with pytest.raises(UnsupportedError, match=construct) as failure:
        placement.query(sql)
    assert str(failure.value).startswith(f"[request.unsupported] line 1, column {column}: ")


def test_a_scalar_subquery_of_several_rows_is_an_error_of_the_value(placement: Placement) -> None:
    with pytest.raises(InvalidValueError, match="more than one row"):
        placement.query("SELECT (SELECT k FROM solid)")


def test_names_and_texts_are_no_constructs(placement: Placement) -> None:
    answer = placement.query("SELECT 'FOR UPDATE' AS \"CONNECT\", id AS top FROM people")
    assert answer.column_names == ["CONNECT", "top"]
