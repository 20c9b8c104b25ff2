"""ROLLUP, CUBE and GROUPING SETS give the engine's rows at each source; what stays here says why.

Each statement runs where the source does all of it, where it only hands out rows, and in DataFusion
alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from planner.emit.dialects import DIALECTS
from tests.planner.real_sources import REAL, real_sources
from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

SOURCES = ("postgres", "duckdb", "datafusion")
"""Those that have grouping sets."""

_TYPES = ("i2", "i4", "i8", "n", "b", "d")

CASES: dict[str, list[str]] = {
    "sets": [
        *(f"SELECT {x}, count(*) FROM odd GROUP BY ROLLUP ({x})" for x in _TYPES),
        "SELECT t, count(*) FROM texts GROUP BY ROLLUP (t)",
        "SELECT b, i4, count(*), sum(i2), min(d), max(n) FROM odd GROUP BY ROLLUP (b, i4)",
        "SELECT b, i4, d, count(i8) FROM odd GROUP BY CUBE (b, i4, d)",
        "SELECT a, b, avg(x) FROM pairs GROUP BY GROUPING SETS ((a, b), (b), ())",
        "SELECT a, b, count(*) FROM pairs GROUP BY GROUPING SETS ((b), (a), (b, a))",
        "SELECT a, b, count(*) FROM pairs GROUP BY GROUPING SETS ((b), (a))",
        "SELECT b, count(DISTINCT i4), sum(i2) FILTER (WHERE i4 > 0) FROM odd GROUP BY ROLLUP (b)",
        "SELECT a > 0, b, count(*) FROM pairs GROUP BY ROLLUP ((a > 0), b)",
        "SELECT coalesce(a, 5), count(*) FROM pairs GROUP BY CUBE (coalesce(a, 5), (b IS NULL))",
        "SELECT a, b, count(*) FROM pairs GROUP BY a, ROLLUP (b)",
        "SELECT i4, count(*) FROM nothing GROUP BY ROLLUP (i4)",
        "SELECT i4, t, count(*) FROM nothing GROUP BY CUBE (i4, t)",
        "SELECT count(*) FROM nothing GROUP BY GROUPING SETS ((i4), ())",
        "SELECT count(*) FROM pairs GROUP BY ROLLUP (a, b)",
        "SELECT k, a, count(*) FROM (SELECT 7 AS k, a FROM pairs) s GROUP BY CUBE (k, a)",
        "SELECT k, l, count(*) FROM (SELECT a AS k, a AS l FROM pairs) s GROUP BY ROLLUP (k, l)",
    ],
    "grouping": [
        "SELECT a, b, grouping(a), grouping(b), count(*) FROM pairs GROUP BY ROLLUP (a, b)",
        "SELECT a, b, grouping(a, b), grouping(b, a), count(*) FROM pairs GROUP BY CUBE (a, b)",
        "SELECT b, grouping(d, b, i4), count(*) FROM odd GROUP BY CUBE (b, i4, d)",
        "SELECT a, count(*) FROM pairs GROUP BY ROLLUP (a) HAVING grouping(a) = 0",
        "SELECT a, b, count(*) FROM pairs GROUP BY CUBE (a, b) HAVING grouping(a) < grouping(b)",
        "SELECT a, count(*) FROM pairs GROUP BY ROLLUP (a) HAVING grouping(a) = 1 OR a > 2",
        "SELECT a, b, count(*) FROM pairs GROUP BY ROLLUP (a, b) ORDER BY grouping(a), a, b",
        "SELECT CASE WHEN grouping(a) = 1 THEN 'all' ELSE 'one' END, count(*) FROM pairs"
        " GROUP BY ROLLUP (a)",
        "SELECT grouping(a > 0), a > 0, count(*) FROM pairs GROUP BY ROLLUP ((a > 0))",
        "SELECT grouping(i4), grouping(t), count(*) FROM nothing GROUP BY CUBE (i4, t)",
        "SELECT a, rank() OVER (PARTITION BY grouping(a) ORDER BY count(*), a) FROM pairs"
        " GROUP BY ROLLUP (a)",
        "SELECT a, b, c, d, e, f, g, h, grouping(h, a), count(*) FROM (SELECT a, b, a AS c, b AS d,"
        " a AS e, b AS f, a AS g, b AS h FROM pairs) p"
        " GROUP BY GROUPING SETS ((a, b, c, d, e, f, g, h), (h), (a))",
        "SELECT c1, c9, grouping(c9, c1, c5), count(*) FROM (SELECT a AS c1, b AS c2, x AS c3,"
        " y AS c4, a AS c5, b AS c6, x AS c7, y AS c8, a AS c9 FROM pairs) p"
        " GROUP BY ROLLUP (c1, c2, c3, c4, c5, c6, c7, c8, c9)",
    ],
    "shapes": [
        "SELECT a, b, count(*) k FROM pairs GROUP BY ROLLUP (a, b) ORDER BY k DESC, a, b LIMIT 7",
        "SELECT k, count(*) FROM (SELECT count(*) AS k FROM pairs GROUP BY ROLLUP (a)) GROUP BY k",
        "SELECT a + 1::bigint FROM (SELECT a FROM pairs GROUP BY ROLLUP (a)) s WHERE a > 0",
        "SELECT s.a, p.b FROM (SELECT a, count(*) AS k FROM pairs GROUP BY ROLLUP (a)) s"
        " JOIN pairs p ON p.a = s.a AND p.b < s.k",
        "SELECT a FROM pairs WHERE b IN (SELECT b FROM pairs GROUP BY ROLLUP (b))",
        "SELECT a, count(*) FROM pairs GROUP BY ROLLUP (a) UNION ALL SELECT b, 0 FROM pairs",
        "SELECT DISTINCT b FROM (SELECT a, b, count(*) FROM pairs GROUP BY CUBE (a, b)) s",
        "SELECT p.a, count(q.t) FROM pairs p LEFT JOIN texts q ON p.a = q.id GROUP BY ROLLUP (p.a)",
        "SELECT a, b FROM (SELECT a, b, count(*) FROM pairs GROUP BY ROLLUP (a, b)) s"
        " QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1",
    ],
}
"""What every source that has grouping sets runs whole."""

_TWICE = "a grouping set twice, which the engine numbers"
_CONSTANT = "a constant in grouping sets"
STAYS: dict[str, str] = {
    "SELECT a, count(*) FROM pairs GROUP BY GROUPING SETS ((a), (a), ())": _TWICE,
    "SELECT a, grouping(a), count(*) FROM pairs GROUP BY GROUPING SETS ((a), (), ())": _TWICE,
    "SELECT a, b, count(*) FROM pairs GROUP BY ROLLUP (a, b), ROLLUP (a)": _TWICE,
    "SELECT a, b, count(*) FROM pairs GROUP BY GROUPING SETS ((a, b), (b, a))": _TWICE,
    "SELECT a, count(*) FROM pairs GROUP BY ROLLUP (a, 7)": _CONSTANT,
    "SELECT count(*) FROM pairs GROUP BY GROUPING SETS ((), ())": _TWICE,
}
"""What stays above its rows, and the reason that EXPLAIN gives."""

OF_A_SOURCE: dict[str, dict[str, str]] = {
    "postgres": {
        "SELECT f8, count(*) FROM odd GROUP BY ROLLUP (f8)": "NaN and -0.0 compare differently",
        # Of two functions the engine makes a common part, which is no GROUPING any more.
        "SELECT grouping(d, b, i4), grouping(i4, d) FROM odd GROUP BY CUBE (b, i4, d)": "bitwise",
    },
    "duckdb": {
        "SELECT f8, count(*) FROM odd GROUP BY CUBE (f8, b)": "NaN and -0.0 compare differently",
        "SELECT grouping(d, b, i4), grouping(i4, d) FROM odd GROUP BY CUBE (b, i4, d)": "bitwise",
    },
    "sqlite": {
        "SELECT a, count(*) FROM pairs GROUP BY ROLLUP (a)": "grouping sets are not proven there",
        "SELECT a, b, grouping(a) FROM pairs GROUP BY GROUPING SETS ((a), (b), ())": (
            "grouping sets are not proven there"
        ),
    },
}
"""The same, of one source."""

UNCUT = [
    "SELECT a, count(*) FROM pairs GROUP BY GROUPING SETS ((a))",
    "SELECT a, grouping(a), count(*) FROM pairs GROUP BY GROUPING SETS ((a))",
    "SELECT count(*) FROM pairs GROUP BY GROUPING SETS (())",
]
"""What the engine's plans do not carry."""


@pytest.fixture(scope="module")
def sources(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Twins]]:
    folder = tmp_path_factory.mktemp("grouping")
    with real_sources(postgres_server, folder, "grouping") as made:
        yield made


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("sql", [sql for cases in CASES.values() for sql in cases])
def test_grouping_sets_are_the_engines(source: str, sql: str, sources: dict[str, Twins]) -> None:
    sources[source].check(sql, "whole")


@pytest.mark.parametrize(
    ("source", "sql", "reason"),
    [
        *((source, sql, reason) for source in SOURCES for sql, reason in STAYS.items()),
        *(
            (source, sql, reason)
            for source in OF_A_SOURCE
            for sql, reason in OF_A_SOURCE[source].items()
        ),
    ],
)
def test_what_is_not_proven_stays_with_a_reason(
    source: str, sql: str, reason: str, sources: dict[str, Twins]
) -> None:
    plan = sources[source].check(sql, "cut")
    assert any(reason in kept.reason for kept in plan.kept), [k.reason for k in plan.kept]


@pytest.mark.parametrize("source", REAL)
@pytest.mark.parametrize("sql", UNCUT)
def test_what_plans_do_not_carry_runs_here(
    source: str, sql: str, sources: dict[str, Twins]
) -> None:
    plan = sources[source].check(sql, "tables")
    assert any("a single grouping set" in k.reason for k in plan.kept), [
        k.reason for k in plan.kept
    ]


@pytest.mark.parametrize("source", SOURCES)
def test_more_columns_than_the_number_of_a_set_has_bits_stay(
    source: str, sources: dict[str, Twins]
) -> None:
    columns = [f"c{i}" for i in range(33)]
    table = f"(SELECT {', '.join(f'a AS {c}' for c in columns)} FROM pairs) p"
    sets = f"({', '.join(columns)}), (c0)"
    sql = f"SELECT c0, grouping(c0, c32), count(*) FROM {table} GROUP BY GROUPING SETS ({sets})"
    plan = sources[source].check(sql, "cut")
    assert any("more than 31 columns" in k.reason for k in plan.kept), [k.reason for k in plan.kept]


def test_every_dialect_with_grouping_sets_is_tried() -> None:
    proven = {n for n, d in DIALECTS.items() if d.proven and d.grouping_id is not None}
    assert proven == set(SOURCES)
