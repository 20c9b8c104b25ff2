"""Every rule of `planner.emit.duckdb` against the engine, on unpleasant values.

Each statement runs where DuckDB does all of it, where it does nothing but hand out rows, and in
DataFusion alone; the three answers are the same, or the rule does not belong in the tables. What
is not proven stays here, with a reason, and is answered all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from planner.emit.duckdb import AGGREGATES, FUNCTIONS
from tests.planner import cases_duckdb
from tests.planner import unpleasant_duckdb as unpleasant
from tests.planner.twins import Twins

_SIGNED = ("i1", "i2", "i4", "i8")
_UNSIGNED = ("u1", "u2", "u4", "u8")
_NUMBERS = (*_SIGNED, *_UNSIGNED, "n", "m", "w", "big", "h")
_TIMES = ("d", "ts", "ts_s", "ts_ms", "ts_ns", "tstz", "tm")
_EVERY = (*_NUMBERS, "b", *_TIMES, "raw")
_TEXTS = ("e", "uid", "j", "folded", "list", "span")


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    path = unpleasant.make(tmp_path_factory.mktemp("duckdb") / "odd.duckdb")
    source: dict[str, object] = {"connector": "duckdb", "uri": str(path), "max_connections": 2}
    with Twins.over(source, unpleasant.TABLES) as twins:
        yield twins


def _compared(operator: str) -> list[str]:
    """Statements that compare every type with a column and with constants."""
    return [
        f"SELECT a.id, b.id FROM words a, words b WHERE a.t {operator} b.t",
        f"SELECT a.id, b.id FROM many a, many b WHERE a.folded {operator} b.folded",
        f"SELECT a.id, b.id FROM seen a, words b WHERE a.t {operator} b.t",
        *(
            f"SELECT a.id, b.id FROM many a, many b WHERE a.{x} {operator} b.{x}"
            for x in (*_EVERY, *_TEXTS)
        ),
        f"SELECT id FROM odd WHERE e {operator} 'ok'",
        f"SELECT id FROM odd WHERE uid {operator} 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        f"SELECT id FROM odd WHERE j {operator} '[]'",
        f"SELECT id FROM odd WHERE folded {operator} 'a'",
        f"SELECT id FROM odd WHERE i1 {operator} -128",
        f"SELECT id FROM odd WHERE i2 {operator} -32768",
        f"SELECT id FROM odd WHERE i4 {operator} 2147483648",
        f"SELECT id FROM odd WHERE i8 {operator} -9223372036854775808",
        f"SELECT id FROM odd WHERE u4 {operator} 4294967294",
        f"SELECT id FROM odd WHERE u8 {operator} arrow_cast(18446744073709551615, 'UInt64')",
        f"SELECT id FROM odd WHERE u1 {operator} 255",
        f"SELECT id FROM odd WHERE i2 {operator} i8",
        f"SELECT id FROM odd WHERE i4 {operator} u4",
        f"SELECT id FROM odd WHERE n {operator} w",
        f"SELECT id FROM odd WHERE n {operator} m",
        f"SELECT id FROM odd WHERE n {operator} i4",
        f"SELECT id FROM odd WHERE n {operator} -0.01",
        f"SELECT id FROM odd WHERE n {operator} 1.105",
        f"SELECT id FROM odd WHERE w {operator} 0.0000000001",
        f"SELECT id FROM odd WHERE h {operator} 7",
        f"SELECT id FROM odd WHERE d {operator} date '2024-02-29'",
        f"SELECT id FROM odd WHERE d {operator} date '0001-01-01'",
        f"SELECT id FROM odd WHERE ts {operator} timestamp '2024-02-29 12:34:56.789012'",
        f"SELECT id FROM odd WHERE tstz {operator} '2024-10-27T02:30:00+01:00'",
        f"SELECT id FROM odd WHERE raw {operator} X'61'",
        f"SELECT id FROM odd WHERE b {operator} (i4 > 0)",
        f"SELECT id FROM odd WHERE i4::double {operator} 0.5",
        f"SELECT id FROM odd WHERE n::double * 0.1 {operator} 0.11",
        *(
            f"SELECT id FROM odd WHERE {column} {operator} {constant}"
            for column in ("f4", "f8")
            for constant in ("1.5", "-7", "1e30", "-1.5e-3")
        ),
        f"SELECT id FROM odd WHERE 1.5 {operator} f8",
        f"SELECT id FROM odd WHERE NOT (f8 {operator} 1.5)",
        f"SELECT id, n {operator} 3, f8 {operator} 0.1 FROM odd",
        *(
            f"SELECT id FROM texts WHERE t {operator} {_constant(text)}"
            for text in unpleasant.TEXTS
            if text is not None and "\0" not in text
        ),
    ]


def _constant(text: str) -> str:
    """A text constant of the engine, which knows no escapes in it."""
    return "'" + text.replace("'", "''") + "'"


_PATTERNS = (
    *("", "_", "__", "a%", "%b", "%a%", "a_b", "x%y", "x_y", "_%_", "(a|b)*", "a.%", "%.%", "A%"),
    *("%é", "\U0001f600", "%\U0001f600%", "_\u0301", "  %", "% ", "%'%", '%"%', "a\tb", "[a-z]"),
    *("^a", "a\\%b", "a\\_b", "a\\\\b", "%\\%%", "\\_", "%\\\\"),
)

FUNCTION_CASES: dict[str, list[str]] = {
    "and": [
        "SELECT id, b AND i4 > 0, b AND i4 > 0 AND n < 1 FROM odd",
        "SELECT id FROM odd WHERE b AND (i4 > 0 OR n < 1) AND NOT (d > date '2000-01-01' AND b)",
    ],
    "or": [
        "SELECT id, b OR i4 > 0, b OR i4 > 0 OR n < 1 FROM odd",
        "SELECT id FROM odd WHERE b OR i4 > 0 AND n < 1 OR NOT (b OR i2 = 1)",
    ],
    "not": [
        "SELECT id FROM odd WHERE NOT b",
        "SELECT id, NOT (b OR i4 > 0 AND n < 1) FROM odd",
        "SELECT id FROM texts WHERE NOT (t LIKE 'a%' OR t = 'b')",
        "SELECT id FROM odd WHERE NOT (i4 IN (1, 42, NULL) AND b)",
    ],
    "equal": _compared("="),
    "not_equal": _compared("<>"),
    "lt": _compared("<"),
    "lte": _compared("<="),
    "gt": _compared(">"),
    "gte": _compared(">="),
    "is_not_distinct_from": _compared("IS NOT DISTINCT FROM"),
    "is_distinct_from": _compared("IS DISTINCT FROM"),
    "is_null": [
        f"SELECT id, {', '.join(f'{x} IS NULL' for x in (*_EVERY, *_TEXTS, 'f4', 'f8'))} FROM odd",
        "SELECT id FROM texts WHERE t IS NULL",
        "SELECT id FROM odd WHERE (i4 > 0) IS NULL",
    ],
    "is_not_null": [
        "SELECT id FROM odd WHERE f8 IS NOT NULL",
        "SELECT t IS NOT NULL FROM texts",
        # The engine writes coalesce as a CASE with IS NOT NULL.
        "SELECT id, coalesce(t, 'none') FROM texts",
        "SELECT coalesce(i4, i8), coalesce(n, w), coalesce(i2, 5), coalesce(n, 0) FROM odd",
        "SELECT coalesce(f4, f8), coalesce(d, date '2000-01-01'), coalesce(b, false) FROM odd",
        "SELECT coalesce(e, folded, 'x'), coalesce(tstz, tstz), coalesce(i1, i4, i8) FROM odd",
    ],
    "is_true": ["SELECT id, b IS TRUE, (i4 > 0) IS TRUE FROM odd"],
    "is_not_true": [
        "SELECT id, b IS NOT TRUE FROM odd",
        "SELECT id FROM odd WHERE (i4 > 0) IS NOT TRUE",
    ],
    "is_false": ["SELECT id, b IS FALSE FROM odd", "SELECT id FROM odd WHERE (i4 > 0) IS FALSE"],
    "is_not_false": ["SELECT id, b IS NOT FALSE, (i4 > 0 OR b) IS NOT FALSE FROM odd"],
    "like": [f"SELECT id FROM texts WHERE t LIKE {_constant(p)}" for p in _PATTERNS]
    + [f"SELECT id FROM texts WHERE t NOT LIKE {_constant(p)}" for p in _PATTERNS]
    + [
        f"SELECT id, {column} LIKE {_constant(p)} FROM odd"
        for column in ("folded", "e", "uid")
        for p in ("a%", "a_%", "%b", "% ", "____%")
    ],
    **cases_duckdb.ANY,
    **cases_duckdb.NUMBERS,
    **cases_duckdb.TEXTS,
    **cases_duckdb.TIMES,
}
"""For each function of the dialect, statements that DuckDB answers whole."""

AGGREGATE_CASES: dict[str, list[str]] = {
    "count": [
        "SELECT count(*), count(i4), count(f8), count(e), count(1) FROM odd",
        *(f"SELECT count(DISTINCT {x}) FROM odd" for x in (*_EVERY, *_TEXTS)),
        "SELECT count(DISTINCT t), count(*), count(t) FROM texts",
        "SELECT count(*), count(t) FROM nothing",
        "SELECT i2, count(*), count(n) FROM odd GROUP BY i2",
        "SELECT count(*) FILTER (WHERE i4 > 0), count(n) FILTER (WHERE b) FROM odd",
        "SELECT count(i4, i8), count(e, n, b) FROM odd",
    ],
    "sum": [
        "SELECT sum(i1), sum(i2), sum(i4), sum(n), sum(m) FROM odd",
        "SELECT sum(i2 + 1), sum(i4 * 2) FROM odd",
        "SELECT sum(i8) FROM odd",
        "SELECT i2, sum(i8), sum(i4) FROM odd GROUP BY i2",
        "SELECT sum(i8) FROM odd WHERE i8 < -1",
        "SELECT sum(w), sum(big) FROM odd WHERE id < 12",
        "SELECT sum(DISTINCT i8), sum(DISTINCT i4) FROM odd",
        "SELECT sum(DISTINCT n) FROM odd",
        "SELECT sum(i4), sum(n) FROM nothing",
        "SELECT sum(x * (1 - y)), sum(CASE WHEN y <> 0 THEN x / y END) FROM pairs",
        "SELECT sum(n) FILTER (WHERE i4 > 0), sum(i8) FILTER (WHERE b) FROM odd",
        "SELECT i2, sum(n) * 2, sum(n) / 3 FROM odd GROUP BY i2 HAVING sum(n) <> 0",
    ],
    "avg": [
        "SELECT avg(n), avg(m) FROM odd",
        "SELECT i2, avg(n) FROM odd GROUP BY i2",
        "SELECT avg(x), avg(y), avg(a::decimal(10,0)), avg(x * y) FROM pairs",
        "SELECT a, avg(y), avg(x - y) FROM pairs GROUP BY a",
        "SELECT avg(w / 3), sum(w) / sum(n) FROM odd WHERE w < 1000 AND w > -1000",
        "SELECT avg(w) FROM odd WHERE w < 1000 AND w > -1000",
        "SELECT avg(n) FROM nothing",
        "SELECT avg(DISTINCT n) FROM odd",
        "SELECT avg(n) FILTER (WHERE i4 < 0) FROM odd",
        "SELECT avg(i4), avg(i2), avg(i1), avg(i2 + 1) FROM odd",
        "SELECT i2, avg(i4), avg(i1) FILTER (WHERE b) FROM odd GROUP BY i2",
        "SELECT avg(i4) FROM nothing",
    ],
    "min": [
        *(f"SELECT min({x}) FROM odd" for x in (*_EVERY, *_TEXTS)),
        "SELECT min(t) FROM texts",
        "SELECT i2, min(d), min(e), min(folded) FROM odd GROUP BY i2",
        "SELECT min(t), min(n) FROM nothing",
        "SELECT min(t) FILTER (WHERE id > 3) FROM texts",
    ],
    "max": [
        *(f"SELECT max({x}) FROM odd" for x in (*_EVERY, *_TEXTS)),
        "SELECT max(t) FROM texts",
        "SELECT i2, max(tstz), max(folded), max(n::double) FROM odd GROUP BY i2",
    ],
    "bool_and": [
        "SELECT bool_and(b), bool_and(i4 > 0) FROM odd",
        "SELECT i2, bool_and(b) FROM odd GROUP BY i2",
        "SELECT bool_and(n > 1) FROM nothing",
    ],
    "bool_or": ["SELECT bool_or(b) FROM odd", "SELECT i2, bool_or(n > 1) FROM odd GROUP BY i2"],
    **{
        name: [
            f"SELECT {name}(i8), {name}(i4), {name}(i2), {name}(i1) FROM odd",
            f"SELECT i2, {name}(i8) FROM odd GROUP BY i2",
            f"SELECT {name}(i4) FROM nothing",
        ]
        for name in ("bit_and", "bit_or", "bit_xor")
    },
}

CAST_CASES = [
    "SELECT i2::int, i4::bigint AS x, i2::bigint AS y, u4::bigint, u1::int FROM odd",
    "SELECT i2::double, i4::double, i8::double, u8::double, n::double, m::double FROM odd",
    "SELECT f4::double, w::double, big::double, h::double FROM odd",
    "SELECT n::double, m::double FROM odd WHERE m::double > 0.5 OR w::double < -1.5",
    "SELECT i4::decimal(12,2), i2::decimal(5,0), i8::decimal(38,10), u8::decimal(20,0) FROM odd",
    "SELECT i8::varchar, i1::varchar, u8::varchar, n::varchar, w::varchar, b::varchar FROM odd",
    "SELECT id, n::decimal(20,4) FROM odd",
    "SELECT id, n::decimal(15,1) FROM odd",
    "SELECT id, n::decimal(14,0) FROM odd WHERE n < 1000",
    "SELECT id, w::decimal(38,9) FROM odd",
    "SELECT id, w::decimal(38,2) FROM odd",
    "SELECT x::decimal(15,1), y::decimal(9,1) FROM pairs",
    "SELECT id, try_cast(i8 AS int), try_cast(i4 AS smallint), try_cast(i2 AS tinyint) FROM odd",
    "SELECT id, try_cast(n AS decimal(5,2)), try_cast(i8 AS decimal(5,2)) FROM odd",
    "SELECT id, arrow_cast(d, 'Timestamp(Microsecond, None)') FROM odd",
    "SELECT ts::date FROM odd",
    "SELECT ts::date FROM early",
    "SELECT n::double, count(*) FROM odd GROUP BY n::double",
    "SELECT n::bigint, m::bigint FROM odd",
    "SELECT x::int AS i, y::int, x::smallint FROM pairs",
    "SELECT try_cast(n AS int), try_cast(w AS bigint), try_cast(big AS bigint) FROM odd",
    "SELECT try_cast(f8 AS bigint) AS a, try_cast(f8 AS int), try_cast(f4 AS smallint) FROM odd",
    "SELECT (y::double * 4.5)::int, (x::double)::bigint FROM pairs",
    "SELECT i4::float, i8::float, i1::float, u8::float FROM odd",
    "SELECT b::int AS i, b::bigint AS l, b::smallint, i4::boolean, i8::boolean FROM odd",
    "SELECT tstz::date, arrow_cast(tstz, 'Timestamp(Microsecond, None)') FROM odd",
    "SELECT arrow_cast(ts, 'Timestamp(Microsecond, Some(\"UTC\"))') FROM odd",
]

ORDER_CASES = [
    f"SELECT id, {column} FROM odd ORDER BY {column}{direction}, id"
    for column in (*_EVERY, *_TEXTS, "n::double")
    for direction in ("", " DESC", " NULLS FIRST", " DESC NULLS LAST")
] + [
    "SELECT id, t FROM texts ORDER BY t, id",
    "SELECT id, t FROM texts ORDER BY t DESC NULLS LAST, id LIMIT 7 OFFSET 3",
    "SELECT t, count(*) FROM texts GROUP BY t ORDER BY t",
    "SELECT t, count(*) FROM seen GROUP BY t ORDER BY t",
    "SELECT id FROM texts ORDER BY substr(t, 2), id",
    "SELECT id FROM texts WHERE t BETWEEN 'A' AND 'b' ORDER BY id",
    "SELECT id FROM texts WHERE t IN ('a', 'ä', 'a\\b', 'it''s', '', '\"q\"') ORDER BY id",
    "SELECT id FROM texts WHERE t IN ('a', NULL) ORDER BY id",
    "SELECT id FROM odd WHERE folded IN ('a', 'ä') ORDER BY id",
    "SELECT id FROM odd WHERE i8 IN (1, 9223372036854775807, -9223372036854775808) ORDER BY id",
    "SELECT id FROM odd WHERE n IN (1.1, 3, -7.5) AND i4 NOT IN (1, 42) ORDER BY id",
    "SELECT id, (b IS NOT TRUE) IN (false, NULL), (NOT b) IN (true, NULL) FROM odd ORDER BY id",
    "SELECT id, (i4 NOT IN (1, 42, 7, 8)) NOT IN (false, NULL) FROM odd ORDER BY id",
    "SELECT id, b = (i4 IN (1, 42, 7, 8)), (i4 IN (1, 42, 7, 8)) < b FROM odd ORDER BY id",
    "SELECT id FROM odd WHERE w IN (0.0000000001, 1, 7) ORDER BY id",
    "SELECT id FROM odd WHERE d IN (date '0001-01-01', date '9999-12-31') ORDER BY id",
]

COLUMN_CASES = [
    "SELECT * FROM odd",
    *(f"SELECT {x}, count(*) FROM odd GROUP BY {x}" for x in (*_EVERY, *_TEXTS)),
    *(f"SELECT DISTINCT {x} FROM odd" for x in (*_EVERY, *_TEXTS)),
    "SELECT true AS a, 1.5 AS b, 2 AS c, 'it''s \\ \"q\"' AS d, date '2000-02-29' AS e FROM odd",
    "SELECT arrow_cast(5, 'Int16') AS a, arrow_cast(-5, 'Int8') AS b, X'00ff' AS c FROM odd",
    "SELECT arrow_cast('2000-01-01T00:00:00.123456', 'Timestamp(Microsecond, None)') FROM odd",
    "SELECT CASE WHEN i4 > 0 THEN 'p' WHEN i4 < 0 THEN 'n' END FROM odd",
    "SELECT CASE WHEN i4 > 0 THEN n ELSE w END FROM odd",
    'SELECT x AS a, y AS "A" FROM pairs ORDER BY 1, 2 LIMIT 5',
    'SELECT a, "A" FROM (SELECT x AS a, y AS "A" FROM pairs ORDER BY 1, 2 LIMIT 5) WHERE "A" > a',
    'SELECT a, "A" FROM (SELECT x + 1 AS a, y + 1 AS "A" FROM pairs LIMIT 99) WHERE "A" > a',
    'SELECT "A", count(a) FROM (SELECT x + 1 AS a, y + 1 AS "A" FROM pairs) GROUP BY "A"',
    "SELECT d, ts FROM early",
    "SELECT min(d), max(d), min(ts), max(ts) FROM early",
    "SELECT d FROM early WHERE d < date '0001-01-01' OR ts > timestamp '2200-01-01'",
]

_FLOATS = "NaN and -0.0 compare differently there"
_LETTERS = "only ASCII is changed in one way everywhere"
STAYS = {
    "SELECT avg(i8) FROM odd": "a float average depends on the order of its rows",
    "SELECT id, u4 + u4 FROM odd": "add of uint32",
    "SELECT gcd(i8, 12) FROM odd WHERE i8 > 0": "of the lowest integer it fails there",
    "SELECT id, round(f8, 1) FROM odd": "a float is rounded at another digit there",
    "SELECT id, round(i2, -1) FROM odd WHERE i2 < 1000 AND i2 > -1000": "round of int16",
    "SELECT id, i8 << i1 FROM odd WHERE i1 = 1": "only a shift by a constant is pushed",
    "SELECT id FROM texts WHERE t ILIKE 'ä%'": "a pattern with letters beyond ASCII",
    "SELECT id, lower(t) FROM texts": _LETTERS,
    "SELECT id, upper(t) FROM texts": _LETTERS,
    "SELECT id, reverse(t) FROM texts": _LETTERS,
    "SELECT id, lpad(t, 5) FROM texts": _LETTERS,
    "SELECT id, lpad(i4::varchar, 5, '') FROM odd": "only constants fill up",
    "SELECT id, split_part(t, '', 1) FROM texts": "only a constant argument of split_part",
    "SELECT id, overlay(t placing t from id::int) FROM texts WHERE id > 0": "only constant posit",
    "SELECT date_part('year', ts_ns) FROM odd": "a part of timestamp[ns]",
    "SELECT date_trunc('month', ts_ns) FROM odd": "date_trunc of timestamp[ns]",
    "SELECT ts_ns::date FROM odd": "the conversion of timestamp[ns] to date32[day]",
    "SELECT power(i4::double, 2) FROM odd": "function power is not proven there",
    "SELECT sum(f8) FROM odd WHERE id < 2": "a float sum depends on the order of its rows",
    "SELECT avg(f8) FROM odd WHERE id < 2": "a float average depends on the order of its rows",
    "SELECT id FROM odd WHERE f8 = 0": _FLOATS,
    "SELECT a.id FROM many a JOIN many b ON a.f8 = b.f8": _FLOATS,
    "SELECT id FROM odd WHERE f8 IN (0, 1.5, 7, 8, 9)": _FLOATS,
    "SELECT id, f8 FROM odd ORDER BY f8, id": _FLOATS,
    "SELECT f8, count(*) FROM odd GROUP BY f8": _FLOATS,
    "SELECT min(f8), max(f8) FROM odd": _FLOATS,
    "SELECT count(DISTINCT f8) FROM odd": _FLOATS,
    "SELECT id, f8 / 0 FROM odd": "which NaN a float computation gives",
    "SELECT id, f8 * 2 FROM odd": "which NaN a float computation gives",
    "SELECT id, nullif(f8, 0) FROM odd": _FLOATS,
    "SELECT sum(u4) FROM odd": "sum of uint",
    "SELECT id FROM texts WHERE t ~ '^a.b$'": "function regex_match is not proven there",
    "SELECT id FROM texts WHERE t LIKE 'a\\b'": "a pattern with a stray backslash",
    "SELECT id FROM texts WHERE t LIKE t": "only a constant pattern",
    "SELECT id, substr(t, 1, 2147483648) FROM texts": "a position that is no integer there",
    "SELECT id, substr(t, id) FROM texts": "only constant positions are pushed",
    "SELECT id, d::varchar FROM odd": "the conversion of date32[day] to string",
    "SELECT id, f8::float FROM odd": "the conversion of double to float",
    "SELECT id, try_cast(t AS int) FROM texts": "the conversion of string to int32",
    "SELECT stddev(n) FROM odd WHERE id < 3": "aggregate stddev is not proven there",
    "SELECT string_agg(t, '-' ORDER BY id) FROM texts": "aggregate string_agg is not proven there",
    "SELECT a.id FROM odd a LEFT JOIN odd b ON a.i4 = b.i4 AND a.id > (SELECT min(id) FROM odd)": (
        "an outer join's condition takes no subquery there"
    ),
    "SELECT id FROM odd a WHERE b OR EXISTS (SELECT 1 FROM odd WHERE i4 = a.id AND n <> a.n)": (
        "EXISTS as a value takes <> for IS DISTINCT FROM there"
    ),
}
"""Statements with a part that must stay here, and the reason that EXPLAIN gives."""


def _cases(rules: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(rule, sql) for rule, statements in rules.items() for sql in statements]


@pytest.mark.parametrize(("rule", "sql"), _cases(FUNCTION_CASES) + _cases(AGGREGATE_CASES))
def test_a_rule_gives_the_engines_result(rule: str, sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("rule", sorted({*FUNCTION_CASES, *AGGREGATE_CASES}))
def test_the_cases_of_a_rule_try_it(rule: str, twins: Twins) -> None:
    """The engine rewrites much: LIKE without a wildcard is an equality, NOT LIKE no negation."""
    cases = (FUNCTION_CASES | AGGREGATE_CASES)[rule]
    assert any(rule in twins.operations(sql) for sql in cases)


def test_every_rule_has_cases() -> None:
    assert set(FUNCTION_CASES) == set(FUNCTIONS)
    assert set(AGGREGATE_CASES) == set(AGGREGATES)


@pytest.mark.parametrize("sql", CAST_CASES)
def test_a_conversion_gives_the_engines_result(sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("sql", ORDER_CASES)
def test_an_order_is_the_engines(sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("sql", COLUMN_CASES)
def test_columns_and_constants_keep_their_values(sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("sql", STAYS)
def test_what_is_not_proven_stays_with_a_reason(sql: str, twins: Twins) -> None:
    plan = twins.check(sql, "cut")
    assert any(STAYS[sql] in kept.reason for kept in plan.kept), [k.reason for k in plan.kept]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT x / 0 FROM pairs",
        "SELECT x / y FROM pairs",
        "SELECT i8::int FROM odd",
        "SELECT i8::decimal(5,2) FROM odd",
        "SELECT n::decimal(5,2) FROM odd",
        "SELECT a / b FROM pairs",
        "SELECT i8 / -1 FROM odd",
        "SELECT i8 % i2 FROM odd",
        "SELECT n % 0::decimal(5,0) FROM odd",
        "SELECT x % y FROM pairs",
        "SELECT n::int FROM odd",
        "SELECT f8::bigint FROM odd",
        "SELECT abs(i8) FROM odd",
        "SELECT abs(i4) FROM odd",
        "SELECT lcm(i4::bigint * 2147483646, i4::bigint + 5) FROM odd",
        "SELECT factorial(21) FROM odd",
        "SELECT factorial(a) FROM pairs",
        "SELECT make_date(2023, 2, a + 29) FROM pairs",
        "SELECT sha256(raw), floor(n) FROM odd",
    ],
)
def test_what_fails_here_fails_there(sql: str, twins: Twins) -> None:
    twins.check_failure(sql)
