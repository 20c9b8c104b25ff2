"""Values that a statement's literals make large: refused before the engine computes them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from connectors.errors import SizeLimitError
from connectors.memory import MemoryConnector
from planner.catalog import Source
from tests.placements import Placement


@pytest.fixture(scope="module")
def placement() -> Iterator[Placement]:
    items = pa.table({"id": [1, 2], "name": ["a", "b"], "day": pa.array([1, 2], pa.date32())})
    with Placement.opened([Source("shop", MemoryConnector("shop", {"items": items}))]) as placement:
        yield placement


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT range(1, 100000000000)", "line 1, column 8"),
        ("SELECT 1,\n  range(1, 10 * 1000000000)", "line 2, column 3"),
        ("SELECT generate_series(0, power(10, 11)::bigint)", "line 1, column 8"),
        ("SELECT range(0, (SELECT 100000000000))", "line 1, column 8"),
        ("SELECT range(1000000000, 1, -1)", "line 1, column 8"),
        (
            "SELECT range(timestamp '2000-01-01', timestamp '2030-01-01', interval '1 second')",
            "line 1, column 8",
        ),
        ("SELECT repeat('a', 1e9::bigint)", "line 1, column 8"),
        ("SELECT length(repeat(repeat('a', 10000), 10000))", "line 1, column 15"),
        ("SELECT length(repeat('a', 60000000) || repeat('b', 60000000))", "line 1, column 15"),
        ("SELECT replace(repeat('a', 1000000), 'a', repeat('b', 100000))", "line 1, column 8"),
        ("SELECT lpad('a', 3000000000), 1", "line 1, column 8"),
        ("SELECT rpad('a', 100000000, 'b')", "line 1, column 8"),
        ("SELECT array_repeat(1, 1000000000000)", "line 1, column 8"),
        ("SELECT array_resize([1], 1000000000)", "line 1, column 8"),
        ("SELECT * FROM unnest(range(1, 1000000000)) u(n)", "line 1, column 22"),
        ("WITH r AS (SELECT range(1, 1000000000) AS l) SELECT 1 FROM r", "line 1, column 19"),
        ("SELECT 1 FROM items WHERE array_has(range(1, 1000000000), id)", "line 1, column 37"),
        ("EXPLAIN SELECT range(1, 100000000000)", "line 1, column 16"),
        ("SELECT range(1, n) FROM (SELECT 100000000000 AS n) x", "line 1, column 8"),
        ("SELECT range(1, x.n) FROM (VALUES (1), (100000000000)) x(n)", "line 1, column 8"),
        ("WITH x(n) AS (SELECT 100000000000) SELECT range(1, n) FROM x", "line 1, column 43"),
        (
            "WITH a AS (SELECT 1000000 AS n), b AS (SELECT n * n AS m FROM a) "
            "SELECT range(0, m) FROM b",
            "line 1, column 73",
        ),
        (
            "WITH a AS (SELECT repeat('a', 100000) AS s), b AS (SELECT repeat(s, 100000) AS t "
            "FROM a) SELECT length(repeat(t, 10)) FROM b",
            "line 1, column 59",
        ),
    ],
)
def test_a_value_beyond_the_limit_is_refused_with_its_place(
    sql: str, place: str, placement: Placement
) -> None:
    with pytest.raises(SizeLimitError) as failure:
        placement.plan(sql)
    assert f"[limit.size] {place}: " in str(failure.value)
    assert "the limit is 64 MiB" in str(failure.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT range(1, 100000) FROM items",
        "SELECT repeat(name, 1000000) FROM items",
        "SELECT id FROM items WHERE name = repeat('x', 200000)",
        "SELECT range(id, 1000000) FROM items",
    ],
)
def test_what_each_row_of_a_table_would_have_is_bounded_lower(
    sql: str, placement: Placement
) -> None:
    with pytest.raises(SizeLimitError, match=r"in each row of a query; the limit is 128 KiB"):
        placement.plan(sql)


def test_calls_are_counted(placement: Placement) -> None:
    calls = ", ".join(f"lpad('a', {n}) AS c{n}" for n in range(2_001))
    with pytest.raises(SizeLimitError, match="2,001 times; the limit is 2,000"):
        placement.plan(f"SELECT {calls}")


def test_two_texts_of_a_long_statement_are_not_multiplied(placement: Placement) -> None:
    with pytest.raises(SizeLimitError, match="replace would make"):
        placement.plan(f"SELECT length(replace('{'a' * 50_000}', 'a', '{'b' * 50_000}'))")


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("SELECT count(*) FROM generate_series(1, 300000)", 300_000),
        ("SELECT count(*) FROM (SELECT unnest(range(0, 1000000)) AS n)", 1_000_000),
        ("SELECT length(repeat('a', 1000000))", 1_000_000),
        ("SELECT array_length(range(0, n)) FROM (SELECT 1000000 AS n) x", 1_000_000),
        ("SELECT array_length(range(0, max(id), 1)) FROM items", 2),
        (
            "SELECT cardinality(range(date '2000-01-01', date '2030-01-01', interval '1 day'))",
            10958,
        ),
        ("SELECT sum(array_length(range(id, 10))) FROM items", 17),
        ("SELECT sum(length(lpad(name, 20, '.') || replace(name, 'a', 'bb'))) FROM items", 43),
        ("SELECT array_length(range(10000000000, 1))", 0),
    ],
)
def test_what_is_below_the_limit_is_answered(sql: str, answer: int, placement: Placement) -> None:
    assert placement.query(sql).column(0).to_pylist() in ([answer], [answer or None])
