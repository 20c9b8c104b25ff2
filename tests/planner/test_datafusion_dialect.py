"""Every rule of `planner.emit.datafusion` against the engine, on unpleasant values.

A source that runs DataFusion gets each statement in DataFusion's own SQL; the answer is that of the
engine over the same rows, where the source only hands them out, and of DataFusion alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import datafusion
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.contract import Capabilities, Fragment, SqlQuery, Statistics, TableName
from connectors.errors import SourceRejectedError
from connectors.memory import MemoryConnector
from planner.catalog import Source
from planner.emit.datafusion import AGGREGATES, FUNCTIONS
from tests.comparison import assert_same
from tests.placements import Placement, pushed
from tests.planner import unpleasant_duckdb as unpleasant
from tests.planner.twins import SOURCE, Twins, answer_alone, engine_alone
from tests.tpch import QUERIES

_RELATIONS = frozenset(
    ("read", "filter", "project", "fetch", "sort", "aggregate", "window", "join", "cross", "union")
)


class DataFusionSource(MemoryConnector):
    """A memory source that runs statements, by a DataFusion of its own."""

    capabilities = Capabilities("datafusion", _RELATIONS, max_connections=2)

    def __init__(self, name: str, tables: dict[str, pa.Table]) -> None:
        super().__init__(name, tables)
        self._context = engine_alone(tables)
        self._context.sql("CREATE SCHEMA main").collect()
        for table in tables:
            self._context.sql(f'CREATE VIEW main."{table}" AS SELECT * FROM public."{table}"')

    def statistics(self, table: TableName) -> Statistics:
        """Unknown, so that a join that makes many rows is not cut for their number."""
        return Statistics()

    def execute(self, fragment: Fragment, deadline: float | None) -> Answer:
        assert isinstance(fragment.query, SqlQuery)
        return Answer(self._context, fragment)


class Answer:
    """A statement's batches; of another type than was planned is an error of the dialect."""

    def __init__(self, context: datafusion.SessionContext, fragment: Fragment) -> None:
        self._context, self._fragment = context, fragment

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        wanted = self._fragment.schema
        assert isinstance(self._fragment.query, SqlQuery)
        try:
            found = self._context.sql(self._fragment.query.text).to_arrow_table()
        except Exception as error:
            raise SourceRejectedError(str(error), source=SOURCE) from None
        if len(wanted):
            assert [_plain(t) for t in found.schema.types] == wanted.types, self._fragment.query
            found = pa.table([c.cast(t) for c, t in zip(found, wanted.types, strict=True)], wanted)
            yield from found.to_batches()
        else:
            empty = pa.StructArray.from_buffers(pa.struct([]), found.num_rows, [None])
            yield pa.RecordBatch.from_struct_array(empty)

    def cancel(self) -> None:
        """The statement is short."""

    close = cancel


def _plain(type_: pa.DataType) -> pa.DataType:
    return {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}.get(type_, type_)


_INTEGERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
_DECIMALS = ("n", "m", "w", "big")
_FLOATS = ("f4", "f8")
_TIMES = ("d", "ts", "ts_s", "ts_ms", "tstz", "tm")
_EVERY = (*_INTEGERS, *_DECIMALS, *_FLOATS, *_TIMES, "b", "raw")
_TEXTS = tuple(t for t in unpleasant.TEXTS if t is not None and "\0" not in t)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    path = unpleasant.make(tmp_path_factory.mktemp("datafusion") / "odd.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET timezone = 'UTC'")
        tables = {
            name: connection.sql(sql).to_arrow_table()
            for name, sql in {
                "odd": f"SELECT id, {', '.join(_EVERY)} FROM odd",
                "texts": "SELECT * FROM texts",
                "pairs": "SELECT * FROM pairs",
                "early": "SELECT * FROM early",
                "nothing": "SELECT * FROM nothing",
            }.items()
        }
    with ExitStack() as stack:
        source = Source(SOURCE, DataFusionSource(SOURCE, tables))
        pushing = stack.enter_context(Placement.opened([source]))
        memory = Source(SOURCE, MemoryConnector(SOURCE, tables))
        local = stack.enter_context(Placement.opened([memory]))
        yield Twins(pushing, local, None, engine_alone(tables))


def _constant(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _compared(operator: str) -> list[str]:
    return [
        f"SELECT a.id, b.id FROM texts a, texts b WHERE a.t {operator} b.t",
        *(f"SELECT a.id, b.id FROM odd a, odd b WHERE a.{x} {operator} b.{x}" for x in _EVERY),
        *(f"SELECT id FROM texts WHERE t {operator} {_constant(text)}" for text in _TEXTS),
        f"SELECT id FROM odd WHERE i8 {operator} -9223372036854775808",
        f"SELECT id FROM odd WHERE (i2 {operator} i8) OR (n {operator} w)",
        f"SELECT id FROM odd WHERE f8 {operator} arrow_cast('NaN', 'Float64')",
        f"SELECT id FROM odd WHERE (f8 {operator} 1.5) OR (f4 {operator} 1.5)",
        f"SELECT id FROM odd WHERE w {operator} 0.0000000001",
        f"SELECT id FROM odd WHERE d {operator} date '0001-01-01'",
        f"SELECT id FROM odd WHERE ts {operator} timestamp '2024-02-29 12:34:56.789012'",
        f"SELECT id FROM odd WHERE tstz {operator} '2024-10-27T02:30:00+01:00'",
        f"SELECT id FROM odd WHERE raw {operator} X'61'",
        f"SELECT id, b {operator} (i4 > 0), n {operator} 3 FROM odd",
    ]


def _calculated(operator: str) -> list[str]:
    return [
        f"SELECT a {operator} b, x {operator} y FROM pairs WHERE b <> 0",
        f"SELECT id, i4 {operator} 7, 7 {operator} i2, i8 {operator} 3 FROM odd WHERE i2 <> 0",
        f"SELECT id, f8 {operator} 0.5, f4 {operator} f8 FROM odd",
        f"SELECT id, n {operator} 3, n {operator} i2 FROM odd WHERE i2 <> 0",
        f"SELECT id FROM odd WHERE i2 {operator} 7 > 1",
    ]


def _bits(operator: str) -> list[str]:
    return [f"SELECT id, i4 {operator} 5, i8 {operator} 3 FROM odd"]


def _of_texts(*calls: str) -> list[str]:
    return [f"SELECT id, {', '.join(calls)} FROM texts"]


_PATTERNS = (
    "",
    "_",
    "a%",
    "%b",
    "%a%",
    "a_b",
    "x\\%y",
    "x\\_y",
    "(a|b)*",
    "%é",
    "A%",
    "%'%",
    "  %",
)

FUNCTION_CASES: dict[str, list[str]] = {
    "and": ["SELECT id, b AND i4 > 0, b AND i4 > 0 AND n < 1 FROM odd"],
    "or": [
        "SELECT id, b OR i4 > 0 FROM odd",
        "SELECT id FROM odd WHERE b OR i4 > 0 AND n < 1 OR NOT (b OR i2 = 1)",
    ],
    "not": ["SELECT id, NOT (b OR i4 > 0 AND n < 1) FROM odd", "SELECT id FROM odd WHERE NOT b"],
    "equal": _compared("="),
    "not_equal": _compared("<>"),
    "lt": _compared("<"),
    "lte": _compared("<="),
    "gt": _compared(">"),
    "gte": _compared(">="),
    "is_not_distinct_from": _compared("IS NOT DISTINCT FROM"),
    "is_distinct_from": _compared("IS DISTINCT FROM"),
    "is_null": [f"SELECT id, {', '.join(f'{x} IS NULL' for x in _EVERY)} FROM odd"],
    "is_not_null": [
        "SELECT coalesce(i4, i8), coalesce(n, w), coalesce(f4, f8), coalesce(d, d) FROM odd",
        "SELECT t IS NOT NULL, coalesce(t, 'none') FROM texts",
    ],
    "is_true": ["SELECT id, b IS TRUE, (i4 > 0) IS TRUE FROM odd"],
    "is_not_true": ["SELECT id FROM odd WHERE (i4 > 0) IS NOT TRUE"],
    "is_false": ["SELECT id, b IS FALSE FROM odd"],
    "is_not_false": ["SELECT id, b IS NOT FALSE FROM odd"],
    "add": [*_calculated("+"), "SELECT id, i4 + i4, i8 + 1 FROM odd"],
    "subtract": [*_calculated("-"), "SELECT id, i4 - i8, i8 - 5 - i8 FROM odd"],
    "multiply": [*_calculated("*"), "SELECT id, i4 * i4, i8 * i8, (n + 1) * (n - 1) FROM odd"],
    "divide": _calculated("/"),
    "modulus": _calculated("%"),
    "bitwise_and": _bits("&"),
    "bitwise_or": _bits("|"),
    "bitwise_shift_left": _bits("<<"),
    "bitwise_shift_right": _bits(">>"),
    "negate": ["SELECT id, -i4, -i8, -n, -f8, -(i2 - 3) FROM odd WHERE i4 > -5 AND i8 > -5"],
    "str_concat": _of_texts("t || 'x'", "'x' || t || t", "t || '\\'"),
    "like": [
        *(f"SELECT id, t LIKE {_constant(p)} FROM texts" for p in _PATTERNS),
        *(f"SELECT id FROM texts WHERE t NOT LIKE {_constant(p)}" for p in _PATTERNS),
        "SELECT a.id, b.id FROM texts a, texts b WHERE a.t LIKE b.t || '%'",
    ],
    "ilike": [f"SELECT id, t ILIKE {_constant(p)} FROM texts" for p in _PATTERNS],
    "substring": [
        f"SELECT id, substr(t, {start}), substr(t, {start}, 2) FROM texts"
        for start in (-5, -1, 0, 1, 2, 100, 2147483647)
    ],
    "lower": _of_texts("lower(t)"),
    "upper": _of_texts("upper(t)"),
    "initcap": _of_texts("initcap(t)"),
    "btrim": _of_texts("trim(t)", "btrim(t, 'a ')"),
    "ltrim": _of_texts("ltrim(t)", "ltrim(t, 'a')"),
    "rtrim": _of_texts("rtrim(t)", "rtrim(t, 'b')"),
    "replace": _of_texts("replace(t, 'a', 'b')", "replace(t, '', 'x')"),
    "translate": _of_texts("translate(t, 'ab', 'xy')"),
    "left": _of_texts("left(t, 2)", "left(t, -1)"),
    "right": _of_texts("right(t, 2)", "right(t, -1)"),
    "lpad": _of_texts("lpad(t, 5)", "lpad(t, 5, 'é')"),
    "rpad": _of_texts("rpad(t, 5)", "rpad(t, 5, 'é')"),
    "repeat": _of_texts("repeat(t, 2)", "repeat(t, -1)"),
    "reverse": _of_texts("reverse(t)"),
    "strpos": _of_texts("strpos(t, 'a')", "position('b' IN t)", "strpos(t, '')"),
    "ends_with": _of_texts("ends_with(t, 'b')"),
    "contains": _of_texts("contains(t, 'a')"),
    "concat": _of_texts("concat(t, 'a', t)"),
    "concat_ws": _of_texts("concat_ws('-', t, t, 'a')"),
    "split_part": _of_texts("split_part(t, 'a', 1)", "split_part(t, ' ', -1)"),
    "ascii": _of_texts("ascii(t)"),
    "chr": ["SELECT id, chr(id + 65) FROM texts"],
    "bit_length": _of_texts("bit_length(t)"),
    "octet_length": _of_texts("octet_length(t)"),
    "character_length": _of_texts("character_length(t)", "length(t)"),
    "levenshtein": _of_texts("levenshtein(t, 'abc')"),
    "to_hex": ["SELECT id, to_hex(i8), to_hex(i4) FROM odd"],
    "regexp_replace": _of_texts("regexp_replace(t, 'a.', 'x')"),
    "regexp_count": _of_texts("regexp_count(t, '[ab]')"),
    "abs": ["SELECT id, abs(n), abs(f8), abs(f4), abs(w) FROM odd", "SELECT abs(a) FROM pairs"],
    "ceil": ["SELECT id, ceil(f8), ceil(f4), ceil(i4), ceil(n) FROM odd WHERE n < 9"],
    "floor": ["SELECT id, floor(f8), floor(f4), floor(i4), floor(n) FROM odd WHERE n > -9"],
    "trunc": ["SELECT id, trunc(f8), trunc(f4), trunc(i4) FROM odd"],
    "signum": ["SELECT id, signum(f8), signum(f4), signum(i4) FROM odd"],
    "sqrt": ["SELECT id, sqrt(abs(f8)), sqrt(f4 * f4) FROM odd"],
    "gcd": ["SELECT gcd(a, b) FROM pairs"],
    "is_nan": ["SELECT id, isnan(f8), isnan(f4) FROM odd"],
    "iszero": ["SELECT id, iszero(f8), iszero(f4) FROM odd"],
    "nanvl": ["SELECT id, nanvl(f8, 1.5), nanvl(f4, f4) FROM odd"],
    "nullif": ["SELECT id, nullif(i4, 1), nullif(n, 3), nullif(d, date '0001-01-01') FROM odd"],
    "greatest": ["SELECT greatest(a, b), greatest(x, y), greatest(a, 2) FROM pairs"],
    "least": ["SELECT least(a, b), least(x, y), least(a, 2) FROM pairs"],
    "date_part": [
        f"SELECT id, date_part('{part}', ts), date_part('{part}', tstz) FROM odd"
        for part in ("year", "quarter", "month", "week", "day", "dow", "doy", "hour", "second")
    ]
    + ["SELECT EXTRACT(YEAR FROM d), EXTRACT(DOW FROM d) FROM odd"],
    "date_trunc": [
        f"SELECT date_trunc('{unit}', ts) FROM odd WHERE ts BETWEEN '1900-01-01' AND '2200-01-01'"
        for unit in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
    ],
}

_EXTREMES = [x for x in _EVERY if x not in ("b", "raw")]

AGGREGATE_CASES: dict[str, list[str]] = {
    "count": [
        "SELECT count(*), count(i4), count(f8), count(1) FROM odd",
        *(f"SELECT count(DISTINCT {x}) FROM odd" for x in _EVERY),
        "SELECT i2, count(*), count(n) FILTER (WHERE b) FROM odd GROUP BY i2",
        "SELECT count(*), count(t) FROM nothing",
    ],
    "sum": [
        "SELECT sum(i2), sum(i4), sum(i8), sum(u4), sum(n) FROM odd",
        "SELECT i2, sum(i8), sum(m), sum(DISTINCT i4) FROM odd GROUP BY i2",
        "SELECT sum(i4), sum(n) FROM nothing",
    ],
    "avg": ["SELECT avg(n), avg(m) FROM odd", "SELECT a, avg(x), avg(x * y) FROM pairs GROUP BY a"],
    "min": [f"SELECT min({x}), min(id) FROM odd" for x in _EXTREMES] + ["SELECT min(t) FROM texts"],
    "max": [f"SELECT max({x}), max(id) FROM odd" for x in _EXTREMES] + ["SELECT max(t) FROM texts"],
    "bool_and": ["SELECT i2, bool_and(b), bool_and(n > 1) FROM odd GROUP BY i2"],
    "bool_or": ["SELECT i2, bool_or(b) FROM odd GROUP BY i2"],
}

OTHER_CASES = [
    "SELECT * FROM odd",
    "SELECT * FROM early",
    """SELECT id AS "a""b'; --", t AS "é.`x`" FROM texts""",
    "SELECT count(*) FROM odd a JOIN odd b ON a.i2 = b.i2",
    "SELECT a.id, b.id FROM odd a LEFT JOIN odd b ON a.i4 = b.i2 AND b.n > 1",
    "SELECT a.id, b.id FROM odd a FULL JOIN odd b ON a.i4 = b.i2",
    "SELECT id FROM odd WHERE i4 IN (SELECT i2 FROM odd WHERE b)",
    "SELECT id FROM odd a WHERE NOT EXISTS (SELECT 1 FROM odd b WHERE b.i2 = a.i4)",
    "SELECT id FROM odd a WHERE NOT EXISTS (SELECT 1 FROM odd b WHERE b.i2 = a.i4 AND b.n > 1)",
    "SELECT id FROM odd a WHERE EXISTS (SELECT 1 FROM odd b, odd c WHERE b.i2 = a.i4 AND c.b)",
    "SELECT id FROM odd WHERE EXISTS (SELECT 1 FROM texts WHERE t LIKE 'a%') AND i4 > 0",
    """SELECT id FROM odd a JOIN pairs p ON p.a = a.i2 WHERE EXISTS (SELECT 1 FROM odd b
       WHERE b.i4 = p.b AND EXISTS (SELECT 1 FROM texts c WHERE c.id = b.id)) AND p.x > 0""",
    "SELECT a, b FROM pairs INTERSECT SELECT i2, i4 FROM odd",
    "SELECT a, b FROM pairs EXCEPT SELECT i2, i4 FROM odd",
    """SELECT id FROM odd a LEFT JOIN (SELECT t, i FROM (SELECT t, id AS i FROM texts) z
       WHERE EXISTS (SELECT 1 FROM pairs p WHERE p.a = z.i)) y ON y.i = a.id""",
    "SELECT id FROM odd WHERE n > (SELECT avg(n) FROM odd)",
    "SELECT i4 FROM odd UNION ALL SELECT i2 FROM odd",
    "SELECT i4 FROM odd UNION SELECT i2 FROM odd",
    "SELECT t, count(*) FROM texts GROUP BY t ORDER BY t",
    "SELECT f8, count(*) FROM odd GROUP BY f8",
    *(
        f"SELECT id FROM odd ORDER BY {x}{direction}, id"
        for x in _EVERY
        for direction in ("", " DESC", " NULLS FIRST", " DESC NULLS LAST")
    ),
    "SELECT id, t FROM texts ORDER BY t DESC NULLS LAST, id LIMIT 7 OFFSET 3",
    "SELECT id FROM texts WHERE t IN ('a', 'a\\b', 'it''s', '', '\"q\"', '--')",
    "SELECT id FROM odd WHERE i8 IN (1, 9223372036854775807, -9223372036854775808)",
    "SELECT CASE WHEN i4 > 0 THEN 'p' WHEN i4 < 0 THEN 'n' END, 1.5, X'00ff' FROM odd",
    "SELECT i2::int, i4::bigint, i8::double, n::double, w::decimal(38,2), i1::text FROM odd",
    "SELECT ts::date, n::bigint, b::int, f4::double, tstz::text FROM odd",
    "SELECT d::timestamp FROM odd WHERE d > date '1900-01-01' AND d < date '2100-01-01'",
    "SELECT arrow_cast(i4, 'Int8') FROM odd WHERE i4 BETWEEN -100 AND 100",
]

STAYS = {
    "SELECT sum(f8) FROM odd WHERE id < 2": "may depend on the order of its rows",
    "SELECT avg(i4) FROM odd WHERE id < 2": "may depend on the order of its rows",
    "SELECT sin(f8) FROM odd WHERE id < 2": "function sin is not proven there",
    "SELECT id, try_cast(t AS int) FROM texts": "where it may be impossible",
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
def test_relations_orders_constants_and_conversions_are_the_engines(sql: str, twins: Twins) -> None:
    twins.check(sql, "whole")


@pytest.mark.parametrize("sql", STAYS)
def test_what_is_not_proven_stays_with_a_reason(sql: str, twins: Twins) -> None:
    plan = twins.check(sql, "cut")
    assert any(STAYS[sql] in kept.reason for kept in plan.kept), [k.reason for k in plan.kept]


def test_tpch_is_one_statement_each_with_the_engines_answer(tpch_files: Path) -> None:
    tables = {path.stem: _plain_table(pq.read_table(path)) for path in tpch_files.glob("*.parquet")}
    alone = engine_alone(tables)
    with Placement.opened([Source(SOURCE, DataFusionSource(SOURCE, tables))]) as placement:
        for sql in QUERIES.values():
            plan = placement.plan(sql)
            assert pushed(plan) == "whole", [kept.reason for kept in plan.kept]
            assert_same(placement.run(plan), answer_alone(alone, sql), sql)


def _plain_table(table: pa.Table) -> pa.Table:
    fields = [field.with_type(_plain(field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))
