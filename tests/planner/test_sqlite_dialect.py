"""SQLite's rules give the engine's results, each on unpleasant values; what stays says why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from planner.emit.sqlite import AGGREGATES, FUNCTIONS
from tests.planner import cases_sqlite
from tests.planner import unpleasant_sqlite as unpleasant
from tests.planner.twins import Twins


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    path = unpleasant.make(tmp_path_factory.mktemp("sqlite") / "odd.db")
    source = {"connector": "sqlite", "uri": str(path)}
    with Twins.over(source, unpleasant.TABLES) as twins:
        yield twins


def _constant(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _compared(operator: str) -> list[str]:
    return [
        f"SELECT a_id, b_id, a_t {operator} b_t FROM text_pairs",
        f"SELECT a_id, b_id, a_i8 {operator} b_i8 FROM odd_pairs",
        f"SELECT a_id, b_id, a_i2 {operator} b_i4 FROM odd_pairs",
        f"SELECT a_id, b_id, a_n {operator} b_n FROM odd_pairs",
        f"SELECT a_id, b_id, a_m {operator} b_m FROM odd_pairs",
        f"SELECT a_id, b_id, a_d {operator} b_d FROM odd_pairs",
        f"SELECT a_id, b_id, a_b {operator} b_b FROM odd_pairs",
        f"SELECT a_id, b_id, a_folded {operator} b_v FROM odd_pairs",
        f"SELECT a_id, b_id, a_folded {operator} b_t FROM odd_texts",
        f"SELECT id, x, y FROM (SELECT a AS id, x, x AS y FROM pairs) p WHERE x {operator} y",
        f"SELECT id FROM odd WHERE folded {operator} 'a'",
        f"SELECT id FROM odd WHERE ts {operator} '5'",
        f"SELECT id FROM odd WHERE i1 {operator} -128",
        f"SELECT id FROM odd WHERE i4 {operator} 2147483648",
        f"SELECT id FROM odd WHERE i8 {operator} 9223372036854775807",
        f"SELECT id FROM odd WHERE n {operator} -0.01",
        f"SELECT id FROM odd WHERE n {operator} 1.10",
        f"SELECT id FROM odd WHERE d {operator} date '2024-02-29'",
        f"SELECT id FROM odd WHERE d {operator} date '0001-01-01'",
        f"SELECT id, i4 {operator} 1, b {operator} true FROM odd",
        *(
            f"SELECT id FROM texts WHERE t {operator} {_constant(text)}"
            for text in unpleasant.TEXTS_COMPARED
        ),
    ]


FUNCTION_CASES: dict[str, list[str]] = {
    "and": ["SELECT id, b AND i4 > 0, b AND i4 > 0 AND n < 1.00 FROM odd"],
    "or": ["SELECT id, b OR i4 > 0 FROM odd", "SELECT id FROM odd WHERE b OR i4 > 0 AND n < 1.00"],
    "not": [
        "SELECT id FROM odd WHERE NOT b",
        "SELECT id, NOT (b OR i4 > 0 AND d IS NULL) FROM odd",
    ],
    "equal": _compared("="),
    "not_equal": _compared("<>"),
    "lt": _compared("<"),
    "lte": _compared("<="),
    "gt": _compared(">"),
    "gte": _compared(">="),
    "is_distinct_from": _compared("IS DISTINCT FROM"),
    "is_not_distinct_from": _compared("IS NOT DISTINCT FROM"),
    "is_null": [
        f"SELECT id FROM odd WHERE {c} IS NULL" for c in ("i8", "n", "v", "raw", "f8", "d")
    ],
    "is_not_null": [f"SELECT id, {c} IS NOT NULL FROM odd" for c in ("i8", "n", "v", "raw", "f8")],
    "is_true": ["SELECT id FROM odd WHERE (i4 > 0) IS TRUE", "SELECT id, b IS TRUE FROM odd"],
    "is_not_true": ["SELECT id FROM odd WHERE b IS NOT TRUE", "SELECT id, b IS NOT TRUE FROM odd"],
    "is_false": ["SELECT id FROM odd WHERE (i4 > 0) IS FALSE", "SELECT id, b IS FALSE FROM odd"],
    "is_not_false": ["SELECT id, (n > 0.00) IS NOT FALSE FROM odd"],
    **cases_sqlite.ANY,
    **cases_sqlite.NUMBERS,
    **cases_sqlite.TEXTS,
    **cases_sqlite.TIMES,
}

AGGREGATE_CASES: dict[str, list[str]] = {
    "count": [
        "SELECT count(*), count(i4), count(DISTINCT folded), count(DISTINCT n) FROM odd",
        "SELECT folded, count(*), count(raw) FROM odd GROUP BY folded",
        "SELECT count(*), count(t) FROM nothing",
        "SELECT count(i4, i8), count(v, n, b), count(raw, f8) FROM odd",
    ],
    "sum": [
        "SELECT sum(i1), sum(i2), sum(i4) FROM odd",
        "SELECT b, sum(i4) FROM odd GROUP BY b",
        "SELECT sum(i4) FROM nothing",
        "SELECT sum(DISTINCT i2), sum(i4) FILTER (WHERE b) FROM odd",
    ],
    "avg": [
        "SELECT avg(i4), avg(i2), avg(i1), avg(i2 + 1) FROM odd",
        "SELECT b, avg(i4), avg(i2) FILTER (WHERE i4 > 0) FROM odd GROUP BY b",
        "SELECT avg(i4) FROM nothing",
    ],
    "min": [
        "SELECT min(i8), min(n), min(v), min(folded), min(d) FROM odd",
        "SELECT min(t) FROM texts",
    ],
    "max": [
        "SELECT b, max(i8), max(n), max(v), max(d) FROM odd GROUP BY b",
        "SELECT max(t) FROM nothing",
    ],
    "bool_and": [
        "SELECT d, bool_and(b) FROM odd GROUP BY d",
        "SELECT bool_and(i4 > 0) FROM nothing",
    ],
    "bool_or": ["SELECT d, bool_or(b) FROM odd GROUP BY d"],
}

OTHER_CASES = [
    "SELECT * FROM odd",
    "SELECT * FROM texts ORDER BY t DESC NULLS FIRST",
    "SELECT id, n FROM odd ORDER BY n NULLS FIRST, id LIMIT 7 OFFSET 3",
    "SELECT id FROM odd ORDER BY d DESC, id OFFSET 40",
    "SELECT id FROM odd WHERE i4 IN (1, 42, NULL) OR v IN ('a', 'ä')",
    "SELECT id, CASE WHEN b THEN n END, coalesce(v, 'none') FROM odd",
    "SELECT DISTINCT folded, b FROM odd",
    "SELECT ts, count(*) FROM odd WHERE ts <> 'b' GROUP BY ts",
    "SELECT id FROM odd WHERE ts = 'A' OR ts || 'x' = 'ax' ORDER BY ts DESC, id",
    "SELECT a.id, b.b FROM odd a LEFT JOIN pairs b ON a.i4 = b.a AND a.i2 > b.b",
    "SELECT a.id, b.b FROM odd a JOIN pairs b ON a.i4 = b.a AND a.i2 > b.b WHERE b.x > 0",
    "SELECT a.id, b.id FROM texts a JOIN texts b ON a.t = b.t",
    "SELECT a.id, b.id FROM odd a JOIN odd b ON a.n = b.n AND a.d IS NOT DISTINCT FROM b.d",
    "SELECT a.id, b.id, c.id FROM odd a JOIN odd b ON a.v = b.v JOIN texts c ON b.folded = c.t",
    "SELECT a.id, count(*) FROM odd a JOIN odd b ON a.i2 = b.i4 GROUP BY a.id ORDER BY a.id",
    "SELECT a.id FROM odd a RIGHT JOIN pairs b ON a.i4 = b.a",
    "SELECT id FROM odd WHERE i4 NOT IN (SELECT a FROM pairs WHERE a IS NOT NULL)",
    "SELECT id FROM odd WHERE EXISTS (SELECT 1 FROM pairs WHERE pairs.a = odd.i4)",
    "SELECT i8 FROM odd UNION ALL SELECT a FROM pairs",
    "SELECT v FROM odd UNION SELECT t FROM texts",
    "SELECT x FROM pairs WHERE x > (SELECT min(x) FROM pairs)",
    "SELECT 1, 'a', NULL::bigint, true, date '2024-02-29', 1.5::decimal(3,1) FROM texts",
    "SELECT i4::varchar, i8::varchar, b::varchar, n::varchar, m::varchar, d::varchar FROM odd",
    "SELECT i4::double AS y, i8::double, i1::double, b::int AS x, b::bigint, i4::boolean FROM odd",
    "SELECT i4::decimal(15,2), i1::decimal(5,1), i2::decimal(5,0) FROM odd",
    "SELECT id FROM odd WHERE i4::decimal(15,2) = 42 OR i4::varchar = '-1' OR d::varchar = ''",
    "SELECT x::decimal(15,2), y FROM pairs WHERE y::decimal(15,4) = 0.3750::decimal(15,4)",
]

STAYS = {
    "SELECT a.id, b.b FROM odd a FULL JOIN pairs b ON a.i4 = b.a": "of a full join with each",
    "SELECT a.id, b.b FROM odd a JOIN pairs b ON a.i4 < b.a": "where no columns are equal",
    "SELECT a.id FROM odd a LEFT JOIN pairs b ON a.i4 = b.a + 1": "where no columns are equal",
    "SELECT id, n + 1::decimal(15,2) FROM odd": "add of decimal128(16, 2) is not exact there",
    "SELECT id, i8 + 1 FROM odd": "an overflow is a float there and wraps here",
    "SELECT id FROM odd WHERE f8 > 1.5": "a constant of type double has no form there",
    "SELECT id FROM odd ORDER BY f8": "-0.0 compares differently there",
    "SELECT id FROM odd ORDER BY raw": "comparisons of binary",
    "SELECT sum(n) FROM odd": "a sum of decimal128",
    "SELECT sum(i8) FROM odd": "an overflow fails there and wraps here",
    "SELECT id FROM texts WHERE t LIKE 'a_'": "only a pattern with texts at its ends",
    "SELECT id FROM texts WHERE t LIKE '%a%b%'": "only a pattern with texts at its ends",
    "SELECT id FROM texts WHERE t LIKE t": "only a constant pattern",
    "SELECT id FROM texts WHERE t ILIKE 'a%'": "function ilike is not proven there",
    "SELECT id, substr(t, 1, 2) FROM texts": "function substring is not proven there",
    "SELECT id, upper(t) FROM texts": "only letters of ASCII have a case there",
    "SELECT id, replace(t, '', 'x') FROM texts": "only a constant argument of replace",
    "SELECT id, repeat(t, 5000) FROM texts": "only a constant number of repetitions",
    "SELECT id, i8 / i2 FROM odd WHERE i2 > 1": "only a division by a constant integer",
    "SELECT id, -i8 FROM odd": "an overflow is a float there and wraps here",
    "SELECT id, abs(i4) FROM odd WHERE i4 > 0": "the lowest integer fails here",
    "SELECT id, i4::double * i2::double FROM odd": "multiply of double is not exact there",
    "SELECT avg(i8) FROM odd": "a float average depends on the order of its rows",
    "SELECT avg(n) FROM odd": "an average of decimal128",
    "SELECT id, i8::int FROM odd WHERE i8 < 5 AND i8 > -5": "the conversion of int64 to int32",
    "SELECT a, x::decimal(18,4) FROM pairs": "the conversion of decimal128",
}


def _cases(rules: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(rule, sql) for rule, statements in rules.items() for sql in statements]


@pytest.mark.parametrize(("rule", "sql"), _cases(FUNCTION_CASES) + _cases(AGGREGATE_CASES))
def test_a_rule_gives_the_engines_result(rule: str, sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("rule", sorted({*FUNCTION_CASES, *AGGREGATE_CASES}))
def test_the_cases_of_a_rule_try_it(rule: str, twins: Twins) -> None:
    cases = (FUNCTION_CASES | AGGREGATE_CASES)[rule]
    assert any(rule in twins.operations(sql) for sql in cases)


def test_every_rule_has_cases() -> None:
    assert set(FUNCTION_CASES) == set(FUNCTIONS)
    assert set(AGGREGATE_CASES) == set(AGGREGATES)


@pytest.mark.parametrize("sql", OTHER_CASES)
def test_the_rest_of_a_statement_gives_the_engines_result(sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("sql", ["SELECT abs(i8) FROM odd"])
def test_what_fails_here_fails_there(sql: str, twins: Twins) -> None:
    twins.check_failure(sql)


@pytest.mark.parametrize("sql", STAYS)
def test_what_is_not_proven_stays_and_says_why(sql: str, twins: Twins) -> None:
    plan = twins.check(sql)
    assert any(STAYS[sql] in kept.reason for kept in plan.kept), [k.reason for k in plan.kept]
