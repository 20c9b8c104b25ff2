"""Every rule of `planner.emit.postgres` against the engine, on unpleasant values.

Each statement runs where Postgres does all of it, where it does nothing but hand out rows, and in
DataFusion alone; the three answers are the same, or the rule does not belong in the tables. What
is not proven stays here, with a reason, and is answered all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.contract import SqlQuery
from connectors.errors import SourceRejectedError
from planner.emit.postgres import AGGREGATES, FUNCTIONS, POSTGRES
from planner.plan import Plan
from tests.planner import cases_postgres as cases
from tests.planner import unpleasant
from tests.planner.stays_postgres import STAYS, UNREACHED, constant
from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

_EVERY = ("i2", "i4", "i8", "b", "d", "ts", "tstz", "tm", "n", "w", "big", "u")
_TEXTS = ("c", "v", "e", "uid", "j", "jb", "folded")


@pytest.fixture(scope="module")
def twins(postgres_server: PostgresServer, postgres_uri: str) -> Iterator[Twins]:
    database = __name__.replace(".", "_")
    postgres_server.execute(*unpleasant.statements(), database=database)
    with Twins.of(postgres_uri, unpleasant.TABLES) as twins:
        yield twins


def _compared(operator: str) -> list[str]:
    """Statements that compare every type with a column and with constants."""
    return [
        f"SELECT a.id, b.id FROM texts a, texts b WHERE a.t {operator} b.t",
        f"SELECT a.id, b.id FROM odd a, odd b WHERE a.folded {operator} b.folded",
        f"SELECT id FROM odd WHERE c {operator} v",
        f"SELECT id FROM odd WHERE v {operator} c",
        f"SELECT id FROM odd WHERE e {operator} 'ok'",
        f"SELECT id FROM odd WHERE uid {operator} 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        f"SELECT id FROM odd WHERE c {operator} 'a  b'",
        f"SELECT id FROM odd WHERE j {operator} '[]'",
        *(f"SELECT a.id, b.id FROM odd a, odd b WHERE a.{x} {operator} b.{x}" for x in _EVERY),
        f"SELECT id FROM odd WHERE i2 {operator} -32768",
        f"SELECT id FROM odd WHERE i4 {operator} 2147483648",
        f"SELECT id FROM odd WHERE i8 {operator} -9223372036854775808",
        f"SELECT id FROM odd WHERE i2 {operator} i8",
        f"SELECT id FROM odd WHERE n {operator} w",
        f"SELECT id FROM odd WHERE n {operator} i4",
        f"SELECT id FROM odd WHERE n {operator} -0.01",
        f"SELECT id FROM odd WHERE n {operator} 1.105",
        f"SELECT id FROM odd WHERE w {operator} 0.0000000001",
        f"SELECT id FROM odd WHERE u {operator} 7",
        f"SELECT id FROM odd WHERE d {operator} date '2024-02-29'",
        f"SELECT id FROM odd WHERE d {operator} date '0001-01-01'",
        f"SELECT id FROM odd WHERE ts {operator} timestamp '2024-02-29 12:34:56.789012'",
        f"SELECT id FROM odd WHERE tstz {operator} '2024-10-27T02:30:00+01:00'",
        f"SELECT id FROM odd WHERE raw {operator} X'61'",
        f"SELECT id FROM odd WHERE b {operator} (i4 > 0)",
        f"SELECT id FROM odd WHERE i4::double {operator} 0.5",
        f"SELECT id FROM odd WHERE n::double * 0.1 {operator} 0.11",
        f"SELECT id, n {operator} 3 FROM odd",
        *(
            f"SELECT id, {x} {operator} {constant}, {constant} {operator} {x} FROM odd"
            for x in ("f4", "f8")
            for constant in ("1.5", "0.0", "-0.0::double", "'infinity'::double", "i4::double")
        ),
        f"SELECT id FROM odd WHERE NOT (f8 {operator} 1.5)",
        f"SELECT a.id, b.id, a.f8 {operator} b.f8, NOT (a.f8 {operator} b.f4) FROM odd a, odd b",
        f"SELECT id FROM odd WHERE NOT (f4 {operator} f8) OR f8 {operator} f8 + 1",
        f"SELECT id, f8 {operator} 'NaN'::double, 'NaN'::double {operator} f4 FROM odd",
        *(
            f"SELECT id FROM texts WHERE t {operator} {constant(text)}"
            for text in unpleasant.TEXTS
            if text is not None
        ),
    ]


_PATTERNS = (
    *("", "_", "__", "a%", "%b", "%a%", "a_b", "x%y", "x_y", "_%_", "(a|b)*", "a.%", "%.%", "A%"),
    *(
        "%é",
        "\U0001f600",
        "%\U0001f600%",
        "_\u0301",
        "  %",
        "% ",
        "%'%",
        '%"%',
        "a\tb",
        "[a-z]",
        "^a",
    ),
    *("a\\%b", "a\\_b", "a\\\\b", "%\\%%", "\\_", "%\\\\"),
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
        f"SELECT id, {', '.join(f'{x} IS NULL' for x in (*_EVERY, *_TEXTS, 'f4', 'f8', 'raw'))}"
        " FROM odd",
        "SELECT id FROM texts WHERE t IS NULL",
        "SELECT id FROM odd WHERE (i4 > 0) IS NULL",
    ],
    "is_not_null": [
        "SELECT id FROM odd WHERE f8 IS NOT NULL",
        "SELECT t IS NOT NULL FROM texts",
        # The engine writes coalesce as a CASE with IS NOT NULL.
        "SELECT id, coalesce(t, 'none') FROM texts",
        "SELECT id, coalesce(t, '') FROM texts",
        "SELECT coalesce(i4, i8), coalesce(n, w), coalesce(i2, 5), coalesce(n, 0) FROM odd",
        "SELECT coalesce(f4, f8), coalesce(d, date '2000-01-01'), coalesce(b, false) FROM odd",
        "SELECT coalesce(c, v, folded, 'x'), coalesce(tstz, tstz), coalesce(i2, i4, i8) FROM odd",
    ],
    "is_true": ["SELECT id, b IS TRUE, (i4 > 0) IS TRUE FROM odd"],
    "is_not_true": [
        "SELECT id, b IS NOT TRUE FROM odd",
        "SELECT id FROM odd WHERE (i4 > 0) IS NOT TRUE",
    ],
    "is_false": ["SELECT id, b IS FALSE FROM odd", "SELECT id FROM odd WHERE (i4 > 0) IS FALSE"],
    "is_not_false": ["SELECT id, b IS NOT FALSE, (i4 > 0 OR b) IS NOT FALSE FROM odd"],
    "like": [f"SELECT id FROM texts WHERE t LIKE {constant(p)}" for p in _PATTERNS]
    + [f"SELECT id FROM texts WHERE t NOT LIKE {constant(p)}" for p in _PATTERNS]
    + [
        f"SELECT id, {column} LIKE {constant(p)} FROM odd"
        for column in ("c", "v", "folded", "e", "uid")
        for p in ("a%", "a_%", "%b", "% ", "____%")
    ],
    **cases.ANY,
    **cases.NUMBERS,
    **cases.TEXTS,
    **cases.TIMES,
}
"""For each function of the dialect, statements that Postgres answers whole."""

AGGREGATE_CASES: dict[str, list[str]] = {
    "count": [
        "SELECT count(*), count(i4), count(f8), count(c), count(1) FROM odd",
        *(f"SELECT count(DISTINCT {x}) FROM odd" for x in (*_EVERY, *_TEXTS)),
        "SELECT count(DISTINCT t), count(*), count(t) FROM texts",
        "SELECT count(*), count(t) FROM nothing",
        "SELECT i2, count(*), count(n) FROM odd GROUP BY i2",
        "SELECT count(*) FILTER (WHERE i4 > 0), count(n) FILTER (WHERE b) FROM odd",
        "SELECT count(i4, i8), count(v, n, b) FROM odd",
    ],
    "sum": [
        "SELECT sum(i2), sum(i4), sum(n) FROM odd",
        "SELECT sum(u) FROM odd WHERE u > -100",
        "SELECT sum(i2 + 1), sum(i4 * 2) FROM odd",
        "SELECT sum(i8) FROM odd",
        "SELECT i2, sum(i8), sum(i4) FROM odd GROUP BY i2",
        "SELECT sum(w), sum(big) FROM odd WHERE id < 12",
        "SELECT sum(DISTINCT i8), sum(DISTINCT i4) FROM odd",
        "SELECT sum(DISTINCT n) FROM odd",
        "SELECT sum(i4), sum(n) FROM nothing",
        "SELECT sum(x * (1 - y)), sum(CASE WHEN y <> 0 THEN x / y END) FROM pairs",
        "SELECT sum(n) FILTER (WHERE i4 > 0), sum(i8) FILTER (WHERE b) FROM odd",
    ],
    "avg": [
        "SELECT avg(n) FROM odd",
        "SELECT i2, avg(n) FROM odd GROUP BY i2",
        "SELECT avg(x), avg(y), avg(a::decimal(10,0)), avg(x * y) FROM pairs",
        "SELECT a, avg(y), avg(x - y) FROM pairs GROUP BY a",
        "SELECT avg(n) FROM nothing",
        "SELECT avg(DISTINCT n) FROM odd",
        "SELECT avg(n) FILTER (WHERE i4 < 0) FROM odd",
        "SELECT avg(i2), avg(i2 + 5), avg(i4), avg(id) FROM odd",
        "SELECT i2, avg(i4), avg(i4) FILTER (WHERE NOT b) FROM odd GROUP BY i2",
        "SELECT i4, avg(i2), avg(n), avg(i2) FILTER (WHERE b) FROM odd GROUP BY i4",
        "SELECT avg(i2) FROM odd WHERE id < 0",
    ],
    "min": [
        *(f"SELECT min({x}) FROM odd" for x in (*_EVERY, *_TEXTS)),
        "SELECT min(t) FROM texts",
        "SELECT i2, min(d), min(c), min(folded), min(b) FROM odd GROUP BY i2",
        "SELECT min(t), min(n) FROM nothing",
        "SELECT min(t) FILTER (WHERE id > 3) FROM texts",
    ],
    "max": [
        *(f"SELECT max({x}) FROM odd" for x in (*_EVERY, *_TEXTS)),
        "SELECT max(t) FROM texts",
        "SELECT i2, max(tstz), max(v), max(n::double) FROM odd GROUP BY i2",
    ],
    "bool_and": [
        "SELECT bool_and(b), bool_and(i4 > 0) FROM odd",
        "SELECT i2, bool_and(b) FROM odd GROUP BY i2",
        "SELECT bool_and(n > 1) FROM nothing",
    ],
    "bool_or": ["SELECT bool_or(b) FROM odd", "SELECT i2, bool_or(n > 1) FROM odd GROUP BY i2"],
    "string_agg": [
        "SELECT string_agg(t, ',' ORDER BY id) FROM texts",
        "SELECT string_agg(t, '' ORDER BY t DESC, id) FROM texts",
        "SELECT string_agg(v, ', ' ORDER BY n NULLS FIRST, id DESC), count(*) FROM odd GROUP BY i4",
        "SELECT string_agg(c, '-' ORDER BY id) FILTER (WHERE b) FROM odd GROUP BY i2",
        "SELECT string_agg(i4::varchar, ',' ORDER BY id) FROM odd",
        "SELECT string_agg(i4::varchar, ',' ORDER BY f8 DESC, id) FROM odd",
        "SELECT i4, string_agg(v, ';' ORDER BY v, id) AS s FROM odd GROUP BY i4 ORDER BY s, i4",
        "SELECT string_agg(t, ',' ORDER BY id) FROM nothing",
    ],
    **{
        name: [
            f"SELECT {name}(i2), {name}(i4), {name}(i8) FROM odd",
            f"SELECT i4, {name}(i8), {name}(i2) FILTER (WHERE b) FROM odd GROUP BY i4",
            f"SELECT {name}(i4) FROM nothing",
        ]
        for name in ("bit_and", "bit_or", "bit_xor")
    },
}

CAST_CASES = [
    "SELECT i2::int, i4::bigint AS x, i2::bigint AS y FROM odd",
    "SELECT i2::double, i4::double, i8::double, n::double, w::double FROM odd",
    "SELECT big::double, u::double, f4::double FROM odd",
    "SELECT i4::decimal(12,2), i2::decimal(5,0), i8::decimal(38,10) FROM odd",
    "SELECT id, n::decimal(20,4) FROM odd",
    "SELECT id, n::decimal(15,1) FROM odd",
    "SELECT id, n::decimal(14,0) FROM odd WHERE n < 1000",
    "SELECT id, w::decimal(38,9) FROM odd",
    "SELECT id, w::decimal(38,2) FROM odd",
    "SELECT x::decimal(15,1), y::decimal(9,1) FROM pairs",
    "SELECT id, arrow_cast(d, 'Timestamp(Microsecond, None)') FROM odd",
    "SELECT n::double, count(*) FROM odd GROUP BY n::double",
    "SELECT i4::varchar, i2::varchar, i8::varchar, b::varchar FROM odd",
    "SELECT n::varchar, w::varchar, big::varchar, (n * 3)::varchar, (n / 3)::varchar FROM odd",
    "SELECT n::bigint, w::decimal(38,2)::varchar, (n / 3)::bigint FROM odd",
    "SELECT i8::int AS x, i8::smallint AS y FROM odd WHERE i8 < 1000 AND i8 > -1000",
    "SELECT i4::boolean, i8::boolean, i2::boolean, b::int FROM odd",
    "SELECT b::bigint, i4::real, i8::real, i2::real FROM odd",
    "SELECT b::smallint FROM odd",
    "SELECT t::int AS a, t::bigint AS b, t::smallint AS c FROM digits",
    "SELECT id FROM digits WHERE t::int > 4",
    "SELECT id, d::varchar FROM odd",
    "SELECT d::varchar || 'x' AS x, count(*) FROM early GROUP BY x",
    "SELECT id FROM odd WHERE d::varchar LIKE '2024-%'",
    "SELECT f8::int, f4::smallint FROM odd WHERE f8 > -100.5 AND f8 < 100.5 AND f4 < 9 AND f4 > -9",
    "SELECT f8::bigint FROM odd WHERE f8 > -100.5 AND f8 < 100.5",
    "SELECT ts::date, tstz::date FROM odd",
    "SELECT ts::date FROM early",
    "SELECT arrow_cast(ts, 'Timestamp(Microsecond, Some(\"UTC\"))') FROM odd",
    "SELECT arrow_cast(tstz, 'Timestamp(Microsecond, None)') FROM odd",
    "SELECT arrow_cast(d, 'Timestamp(Microsecond, Some(\"UTC\"))') FROM odd",
    "SELECT d::timestamp FROM odd WHERE d > date '1678-01-01' AND d < date '2261-01-01'",
]

ORDER_CASES = [
    f"SELECT id, {column} FROM odd ORDER BY {column}{direction}, id"
    for column in (*_EVERY, *_TEXTS, "raw", "n::double", "f4", "f8", "i4 * -1.5")
    for direction in ("", " DESC", " NULLS FIRST", " DESC NULLS LAST")
] + [
    "SELECT id, t FROM texts ORDER BY t, id",
    "SELECT id, t FROM texts ORDER BY t DESC NULLS LAST, id LIMIT 7 OFFSET 3",
    "SELECT t, count(*) FROM texts GROUP BY t ORDER BY t",
    "SELECT id FROM odd ORDER BY f8 DESC NULLS LAST, f4, id LIMIT 9",
    "SELECT i4, avg(i2) AS x FROM odd GROUP BY i4 ORDER BY x DESC, i4 LIMIT 3",
    "SELECT id, rank() OVER (ORDER BY f8), dense_rank() OVER (ORDER BY f4 DESC) FROM odd",
    "SELECT id, count(*) OVER (PARTITION BY b ORDER BY f8) FROM odd",
    "SELECT id FROM texts ORDER BY substr(t, 2), id",
    "SELECT id FROM texts WHERE t BETWEEN 'A' AND 'b' ORDER BY id",
    "SELECT id FROM texts WHERE t IN ('a', 'ä', 'a\\b', 'it''s', '', '\"q\"') ORDER BY id",
    "SELECT id FROM texts WHERE t IN ('a', NULL) ORDER BY id",
    "SELECT id FROM odd WHERE i8 IN (1, 9223372036854775807, -9223372036854775808) ORDER BY id",
    "SELECT id FROM odd WHERE n IN (1.1, 3, -7.5) AND i4 NOT IN (1, 42) ORDER BY id",
    "SELECT id FROM odd WHERE d IN (date '0001-01-01', date '9999-12-31') ORDER BY id",
]

COLUMN_CASES = [
    "SELECT * FROM odd",
    *(f"SELECT {x}, count(*) FROM odd GROUP BY {x}" for x in (*_EVERY, *_TEXTS, "raw")),
    *(f"SELECT DISTINCT {x} FROM odd" for x in (*_EVERY, *_TEXTS, "raw")),
    "SELECT true AS a, 1.5 AS b, 2 AS c, 'it''s \\ \"q\"' AS d, date '2000-02-29' AS e FROM odd",
    "SELECT arrow_cast(5, 'Int16') AS a, arrow_cast(-5, 'Int32') AS b, X'00ff' AS c FROM odd",
    "SELECT arrow_cast('2000-01-01T00:00:00.123456', 'Timestamp(Microsecond, None)') FROM odd",
    "SELECT CASE WHEN i4 > 0 THEN 'p' WHEN i4 < 0 THEN 'n' END FROM odd",
    "SELECT CASE WHEN i4 > 0 THEN n ELSE w END FROM odd",
]


def _cases(rules: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(rule, sql) for rule, statements in rules.items() for sql in statements]


@pytest.mark.parametrize(("rule", "sql"), _cases(FUNCTION_CASES) + _cases(AGGREGATE_CASES))
def test_a_rule_gives_the_engines_result(rule: str, sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("rule", sorted({*FUNCTION_CASES, *AGGREGATE_CASES}))
def test_the_cases_of_a_rule_try_it(rule: str, twins: Twins) -> None:
    """The engine rewrites much: LIKE without a wildcard is an equality, NOT LIKE no negation."""
    cases = (FUNCTION_CASES | AGGREGATE_CASES)[rule]
    assert any(rule in twins.operations(sql, POSTGRES.reshape) for sql in cases)


def test_shared_subexpressions_do_not_hide_how_large_numbers_are(twins: Twins) -> None:
    twins.check("SELECT i4 + 1, i4::bigint + i2, i4::bigint * i2 FROM odd", "whole")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM texts WHERE lower(t) LIKE '%a%' OR lower(t) LIKE '%b%'",
        "SELECT count(*) FROM folds WHERE upper(t) = 'K' OR upper(t) = 'SMITH' AND lower(t) <> ''",
    ],
)
def test_what_conditions_share_goes_with_each_of_them(sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


def text_of(plan: Plan) -> str:
    query = plan.fragments[0].fragment.query
    assert isinstance(query, SqlQuery)
    return query.text


def test_what_conditions_share_is_computed_here_for_the_rows_that_are_left(twins: Twins) -> None:
    plan = twins.check(
        "SELECT id, lower(t) FROM texts WHERE lower(t) = 'a' OR lower(t) = 'abc'", "cut"
    )
    assert "LOWER" in text_of(plan)
    plan = twins.check(
        "SELECT id FROM folds WHERE lower(t) LIKE 's%' AND (lower(t) > 'sm' OR id < 3)", "cut"
    )
    assert "LIKE 's%'" in text_of(plan)


def test_every_rule_has_cases() -> None:
    assert set(FUNCTION_CASES) == set(FUNCTIONS)
    assert set(AGGREGATE_CASES) == set(AGGREGATES)


def test_every_condition_of_a_rule_has_a_statement_that_stays_for_it(twins: Twins) -> None:
    tried = {name for sql in STAYS for name in twins.operations(sql, POSTGRES.reshape)}
    rules = {**FUNCTIONS, **AGGREGATES}
    assert {name for name, rule in rules.items() if rule.when} - tried <= UNREACHED


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
        "SELECT i8::decimal(5,2) FROM odd",
        "SELECT n::decimal(5,2) FROM odd",
        "SELECT a / b FROM pairs",
        "SELECT i4 % 0 FROM odd",
        "SELECT abs(i4) FROM odd",
        "SELECT a.i8 / b.i2 FROM odd a, odd b WHERE b.i2 = -1",
        "SELECT round(i4, -1) FROM odd",
        "SELECT ceil(n) FROM odd",
        "SELECT gcd(i8, 0), lcm(i8, 3) FROM odd",
        "SELECT factorial(a) FROM pairs",
        "SELECT i8::int FROM odd",
        "SELECT t::int FROM texts",
        *(
            f"SELECT (t || {constant(text)})::int FROM digits"
            for text in ("_0", "x", "\v", "a", ".0")
        ),
        *(f"SELECT ({constant(text)} || t)::int FROM digits" for text in ("0x", "\v", "+-", "0b")),
        "SELECT f8::int FROM odd",
        "SELECT split_part(t, 'a', 0) FROM texts",
        "SELECT overlay(t placing 'x' from 0) FROM texts",
        "SELECT make_date(2023, 2, date_part('day', d)) FROM odd",
    ],
)
def test_what_fails_here_fails_there(sql: str, twins: Twins) -> None:
    twins.check_failure(sql)


def test_a_decimal_that_outgrows_its_type_is_an_error_and_never_another_value(
    twins: Twins,
) -> None:
    with pytest.raises(SourceRejectedError, match="does not fit decimal128"):
        twins.pushing.query("SELECT n + w FROM odd")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT d, ts FROM early",
        "SELECT EXTRACT(MONTH FROM d), EXTRACT(DAY FROM d), EXTRACT(QUARTER FROM d) FROM early",
        "SELECT EXTRACT(DOY FROM ts), EXTRACT(DOW FROM ts), EXTRACT(DOW FROM d) FROM early",
        "SELECT EXTRACT(YEAR FROM d), EXTRACT(YEAR FROM ts) FROM early",
        "SELECT d FROM early WHERE d < date '0001-01-01' OR ts > timestamp '2200-01-01'",
        "SELECT min(d), max(d), min(ts), max(ts) FROM early",
    ],
)
def test_dates_before_year_1_and_after_9999(sql: str, twins: Twins) -> None:
    twins.check(sql)


def test_text_is_compared_by_code_point_whatever_the_collation(twins: Twins) -> None:
    for sql in ("SELECT t FROM texts ORDER BY t", "SELECT max(t) FROM texts WHERE t > 'a'"):
        fragment = twins.pushing.plan(sql).fragments[0].fragment
        assert 'COLLATE "C"' in str(fragment.query)
