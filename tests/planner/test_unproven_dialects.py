"""The dialects that do not run here: what is emitted is read back by sqlglot, as that dialect.

Each rule's SQL is parsed without an error and generates the same text again; and no text from a
user leaves its quotes, which the tokens of the dialect show.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as Grammar
from sqlglot.errors import ErrorLevel
from sqlglot.tokens import TokenType

from connectors.contract import Capabilities, Fragment, SqlQuery, Statistics, TableName
from connectors.memory import MemoryBatches, MemoryConnector
from planner.catalog import Catalog, Source
from planner.emit.dialect import Dialect
from planner.emit.dialects import DIALECTS, UNPROVEN
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query
from planner.relations import Literal
from tests.placements import pushed
from tests.tpch import QUERIES

_RELATIONS = frozenset(
    ("read", "filter", "project", "fetch", "sort", "aggregate", "join", "cross", "union")
)
_ALL = PlanningOptions(pushdown="all")

_TABLE = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("i4", pa.int32()),
        pa.field("i8", pa.int64()),
        pa.field("n", pa.decimal128(15, 2)),
        pa.field("m", pa.decimal128(9, 4)),
        pa.field("f8", pa.float64()),
        pa.field("t", pa.string()),
        pa.field("d", pa.date32()),
        pa.field("ts", pa.timestamp("us")),
        pa.field("b", pa.bool_()),
        pa.field("a`b]\"c'\\ --", pa.int32()),
    ]
)


class Pretended(MemoryConnector):
    """A source of a dialect that is planned for and never asked."""

    def __init__(self, dialect: str, schemas: dict[str, pa.Schema]) -> None:
        super().__init__(dialect, {name: s.empty_table() for name, s in schemas.items()})
        self.capabilities = Capabilities(dialect, _RELATIONS)

    def statistics(self, table: TableName) -> Statistics:
        return Statistics()

    def execute(self, fragment: Fragment, deadline: float | None) -> MemoryBatches:
        raise AssertionError("no fragment runs here")


def _plan(
    dialect: Dialect,
    sql: str,
    options: PlanningOptions | None = _ALL,
    schemas: dict[str, pa.Schema] | None = None,
) -> Plan:
    source = Source("there", Pretended(dialect.name, schemas or {"odd": _TABLE}))
    return plan_query(parse(sql), Catalog([source]), options)


def _texts(plan: Plan) -> list[str]:
    queries = [fragment.fragment.query for fragment in plan.fragments]
    assert all(isinstance(query, SqlQuery) for query in queries)
    return [query.text for query in queries if isinstance(query, SqlQuery)]


def _read_back(text: str, dialect: Dialect) -> exp.Expr:
    trees = sqlglot.parse(text, read=dialect.generator, error_level=ErrorLevel.RAISE)
    assert len(trees) == 1
    tree = trees[0]
    assert isinstance(tree, exp.Select)
    assert tree.sql(dialect.generator) == text
    return tree


_COMPARED = (
    "i4 {} 3",
    "i8 {} -9223372036854775808",
    "n {} 1.50",
    "t {} 'it''s'",
    "i4 {} id",
    "d {} date '2024-02-29'",
    "ts {} timestamp '2024-02-29 12:34:56.789012'",
    "n {} m",
    "t {} substr(t, 1, 2)",
)


def _compared(operator: str) -> list[str]:
    return [f"SELECT id FROM odd WHERE {condition.format(operator)}" for condition in _COMPARED]


CASES: dict[str, list[str]] = {
    "and": ["SELECT id FROM odd WHERE (i4 > 0 OR id = 1) AND (n < 1 OR i8 = 2)"],
    "or": ["SELECT id FROM odd WHERE i4 > 0 OR n < 1 AND i8 = 2"],
    "not": ["SELECT id FROM odd WHERE NOT (i4 > 0 AND n < 1 OR t = 'x')"],
    "equal": _compared("="),
    "not_equal": _compared("<>"),
    "lt": _compared("<"),
    "lte": _compared("<="),
    "gt": _compared(">"),
    "gte": _compared(">="),
    "is_not_distinct_from": _compared("IS NOT DISTINCT FROM"),
    "is_distinct_from": _compared("IS DISTINCT FROM"),
    "is_null": ["SELECT id FROM odd WHERE i4 IS NULL OR t IS NULL"],
    "is_not_null": ["SELECT id, coalesce(t, 'none') FROM odd WHERE n IS NOT NULL"],
    "is_true": ["SELECT id FROM odd WHERE (i4 > 0) IS TRUE"],
    "is_not_true": ["SELECT id FROM odd WHERE (i4 > 0) IS NOT TRUE"],
    "is_false": ["SELECT id FROM odd WHERE (i4 > 0) IS FALSE"],
    "is_not_false": ["SELECT id FROM odd WHERE (i4 > 0 OR id = 1) IS NOT FALSE"],
    "add": ["SELECT n + m, n + 1, i4 + 1 FROM odd", "SELECT id FROM odd WHERE i4 + 5 > 1"],
    "subtract": ["SELECT n - m, 1 - m, i4 - -5 FROM odd"],
    "multiply": ["SELECT n * m, m * (1 - m), i4 * 2 FROM odd"],
    "like": ["SELECT id FROM odd WHERE t LIKE 'a%b_' AND t NOT LIKE '%it''s%'"],
    "date_part": ["SELECT EXTRACT(YEAR FROM d), EXTRACT(MONTH FROM ts) FROM odd"],
    "substring": ["SELECT substr(t, 1, 2) FROM odd"],
    "character_length": ["SELECT character_length(t) FROM odd"],
    "count": ["SELECT count(*), count(t), count(DISTINCT t) FROM odd"],
    "sum": ["SELECT sum(i4), sum(n), sum(n * m) FROM odd GROUP BY t"],
    "min": ["SELECT min(i8), min(t), min(d) FROM odd"],
    "max": ["SELECT i4, max(n), max(ts) FROM odd GROUP BY i4"],
}

OTHERS = [
    "SELECT id, t FROM odd ORDER BY t, id DESC",
    "SELECT id FROM odd ORDER BY n NULLS FIRST, i4 DESC NULLS LAST",
    "SELECT id FROM odd ORDER BY n, id LIMIT 7",
    "SELECT id FROM odd ORDER BY n, id LIMIT 7 OFFSET 3",
    "SELECT id FROM (SELECT id, n FROM odd ORDER BY n LIMIT 5) q WHERE n > 1",
    "SELECT a.id, b.t FROM odd a LEFT JOIN odd b ON a.id = b.i4 AND b.n > 1",
    "SELECT a.id FROM odd a JOIN odd b ON a.t = b.t WHERE a.id IN (1, 2, 3)",
    "SELECT id FROM odd WHERE t IN ('a', 'b''c', '')",
    "SELECT id FROM odd a WHERE NOT EXISTS (SELECT 1 FROM odd b WHERE b.i4 = a.id)",
    "SELECT t, count(*) FROM odd GROUP BY t HAVING count(*) > 1",
    "SELECT id FROM odd UNION ALL SELECT i4 FROM odd",
    "SELECT CASE WHEN i4 > 0 THEN 'p' WHEN i4 < 0 THEN 'n' END FROM odd",
    "SELECT CASE WHEN i4 > 0 THEN n ELSE 0.00 END, 1.50, 'x', 7, date '2000-02-29' FROM odd",
    "SELECT i4::bigint, id::decimal(12,2), m::decimal(20,6) FROM odd",
    "SELECT arrow_cast(d, 'Timestamp(Microsecond, None)') FROM odd",
]

HOSTILE = (
    *("it's", "\\", "a\\", "\\'", "\\'; DROP TABLE odd; --", "'; DROP TABLE odd; --", "''", "'"),
    *('"q"', "`q`", "[q]", "/* */", "-- x", "# x", "\n", "\t", "\r\n", "\x1a", "é", "\U0001f600"),
    *("${x}", "{{ x }}", ":x", "@x", "?", "%s", "$$", "\\u0041", "\\n", "N'x'", "r'x'", "\\\\'"),
    "\\\n; --",
)

REPLACED = {"spark": ("${x}",), "tsql": ("\\\n; --",)}
"""Texts that a dialect changes even inside its quotes."""


@pytest.fixture(params=UNPROVEN, ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param  # type: ignore[no-any-return]


def test_every_rule_has_cases(dialect: Dialect) -> None:
    assert {*dialect.functions, *dialect.aggregates} <= set(CASES)


def test_no_rule_claims_to_be_proven(dialect: Dialect) -> None:
    rules = [*dialect.functions.values(), *dialect.aggregates.values()]
    assert not dialect.proven and not any(rule.proven for rule in rules)


@pytest.mark.parametrize("rule", CASES)
def test_a_rules_sql_is_read_back_as_it_was_written(rule: str, dialect: Dialect) -> None:
    known = rule in dialect.functions or rule in dialect.aggregates
    for sql in CASES[rule]:
        plan = _plan(dialect, sql)
        for text in _texts(plan):
            _read_back(text, dialect)
        # Where another rule of the statement is missing, that stays here and the case proves less.
        needed = "substr" not in sql or "substring" in dialect.functions
        assert pushed(plan) == "whole" or not (known and needed), [k.reason for k in plan.kept]


@pytest.mark.parametrize("sql", OTHERS)
def test_relations_and_constants_are_read_back(sql: str, dialect: Dialect) -> None:
    plan = _plan(dialect, sql)
    assert pushed(plan) == "whole", [k.reason for k in plan.kept]
    for text in _texts(plan):
        _read_back(text, dialect)


@pytest.mark.parametrize("sql", [*(c for cases in CASES.values() for c in cases), *OTHERS])
def test_nothing_but_columns_goes_there_unless_asked_for(sql: str, dialect: Dialect) -> None:
    for text in _texts(_plan(dialect, sql, None)):
        tree = _read_back(text, dialect)
        assert not any(tree.args.get(part) for part in ("where", "group", "order", "limit"))
        bare = (exp.Column, exp.Collate, exp.Literal)
        assert all(isinstance(column.unalias(), bare) for column in tree.expressions)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_text_constant_is_one_token_of_its_value(value: str, dialect: Dialect) -> None:
    quoted = "'" + value.replace("'", "''") + "'"
    plan = _plan(dialect, f"SELECT id FROM odd WHERE t <> {quoted}")
    (text,) = _texts(plan)
    if value in REPLACED.get(dialect.name, ()):
        assert [k.reason for k in plan.kept] == ["text with characters that are replaced there"]
        assert value not in text
        return
    assert pushed(plan) == "whole"
    _read_back(text, dialect)
    tokens = Grammar.get_or_raise(dialect.generator).tokenize(text)
    texts = (TokenType.STRING, TokenType.NATIONAL_STRING)
    assert [token.text for token in tokens if token.token_type in texts] == [value]


def test_a_text_with_a_nul_character_stays_here(dialect: Dialect) -> None:
    reason = dialect.refuse_literal(Literal("a\0b", pa.string()))
    assert reason == "text with a NUL character cannot be sent"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_from_the_client_is_one_token(name: str, dialect: Dialect) -> None:
    alias = '"' + name.replace('"', '""') + '"'
    plan = _plan(dialect, f"SELECT id AS {alias} FROM odd WHERE i4 = 1")
    (text,) = _texts(plan)
    tree = _read_back(text, dialect)
    assert len(tree.expressions) == 1
    written = tree.expressions[0].alias
    assert all(character.isalnum() or character in "_ $-" for character in written)


def test_a_tables_own_column_name_is_one_token(dialect: Dialect) -> None:
    name = _TABLE.names[-1]
    quoted = '"' + name.replace('"', '""') + '"'
    (text,) = _texts(_plan(dialect, f"SELECT {quoted} AS x FROM odd"))
    tree = _read_back(text, dialect)
    column = tree.find(exp.Column)
    assert column is not None and column.name == name


WHOLE = {"mysql": 14, "snowflake": 14, "bigquery": 14, "spark": 14, "tsql": 14}
"""How many of TPC-H's 22 queries are one fragment, where everything that has a form goes."""


def test_tpch_is_read_back(dialect: Dialect, tpch_files: Path) -> None:
    schemas = {path.stem: pq.read_schema(path) for path in tpch_files.glob("*.parquet")}
    whole = 0
    for query in QUERIES.values():
        plan = _plan(dialect, query, schemas=schemas)
        for text in _texts(plan):
            _read_back(text, dialect)
        whole += pushed(plan) == "whole"
    print(f"{dialect.name}: {whole} of {len(QUERIES)} queries are one fragment")
    assert whole >= WHOLE[dialect.name]


def test_every_dialect_says_whether_it_is_proven_and_where() -> None:
    for dialect in DIALECTS.values():
        assert dialect.proven is (dialect not in UNPROVEN)
        assert dialect.shown_by.startswith("tests/planner/test_")
