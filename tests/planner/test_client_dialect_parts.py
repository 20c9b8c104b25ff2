"""The allow-list of constructs: each part that is accepted is written, and nothing else passes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from sqlglot import exp

from connectors.errors import UnsupportedError
from planner.client_dialect import translate
from planner.client_dialects.accepted import ACCEPTED, refuse_unknown
from planner.client_dialects.build import Call, JoinedTexts
from planner.client_dialects.kinds import Kinds
from planner.client_dialects.reading import Reading
from planner.client_dialects.written import written

ONE_SQL: dict[str, str] = {
    # queries and clauses, in a text that has every accepted part of them
    "Select": "WITH w AS (SELECT 1 AS a) SELECT DISTINCT a FROM w JOIN t ON 1 = 1 WHERE a > 1"
    " GROUP BY a HAVING count(*) > 1 QUALIFY rank() OVER v = 1 WINDOW v AS (ORDER BY a) ORDER BY a"
    " LIMIT 3 OFFSET 4",
    "Star": "SELECT * EXCLUDE (b) REPLACE (1 AS a) FROM t",
    "Window": "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND 2"
    " FOLLOWING) AS s FROM t",
    "Distinct": "SELECT DISTINCT ON (a) a FROM t",
    "Lateral": "SELECT a FROM t CROSS JOIN LATERAL (SELECT 1 AS x) AS y",
    "Unnest": "SELECT x FROM UNNEST([1, 2]) AS u(x)",
    "Values": "SELECT * FROM (VALUES (1, 2)) AS v(a, b)",
    "Union": "SELECT 1 AS a UNION ALL SELECT 2 AS a ORDER BY a LIMIT 1 OFFSET 1",
    "In": "SELECT a IN (1, 2) AS x FROM t WHERE a IN (SELECT b FROM t)",
    "Group": "SELECT a FROM t GROUP BY GROUPING SETS ((a), (b))",
    "Fetch": "SELECT a FROM t FETCH FIRST 3 ROWS ONLY",
}
KEPT_WORDS = {
    "Select": "WITH;DISTINCT;FROM;JOIN;WHERE;GROUP BY;HAVING;QUALIFY;WINDOW;ORDER BY;LIMIT;OFFSET",
    "Star": "EXCLUDE;REPLACE",
    "Window": "PARTITION BY;ORDER BY;ROWS;1 PRECEDING;2 FOLLOWING",
    "Distinct": "DISTINCT ON",
    "Lateral": "LATERAL",
    "Unnest": "UNNEST;u(x)",
    "Values": "VALUES;v(a, b)",
    "Union": "UNION ALL;ORDER BY;LIMIT;OFFSET",
    "In": "IN (1, 2);IN (SELECT",
    "Group": "GROUPING SETS",
    "Fetch": "LIMIT 3",
}

BY_MARKS = [
    kind
    for kind in ACCEPTED
    if issubclass(kind, exp.Func | exp.Binary | exp.Predicate | exp.Unary)
    and kind not in (Call, JoinedTexts, exp.Case, exp.DecodeCase, exp.Exists, exp.In, exp.Unnest,
                     exp.Array, exp.Anonymous)
]  # fmt: skip


def _value(part: str) -> object:
    if part == "to":
        return exp.DataType.build("int")
    if part == "expressions":
        return [exp.column(f"zz_{part}")]
    if part in ("negate", "symmetric"):
        return True
    return exp.column(f"zz_{part}")


@pytest.mark.parametrize("kind", BY_MARKS, ids=lambda kind: kind.__name__)
def test_each_accepted_part_is_written(kind: type[exp.Expr]) -> None:
    required = [part for part, needed in kind.arg_types.items() if needed]
    least = written(kind(**{part: _value(part) for part in required}), "")
    for part in ACCEPTED[kind]:
        node = kind(**{name: _value(name) for name in dict.fromkeys([*required, part])})
        text = written(node, "")
        assert f"zz_{part}" in text or text != least or part == "to", text


@pytest.mark.parametrize("name", ONE_SQL)
def test_each_clause_is_written(name: str) -> None:
    text = translate(ONE_SQL[name], "duckdb").statement.sql
    for words in KEPT_WORDS[name].split(";"):
        assert words in text, text


def _kinds() -> Iterator[type[exp.Expr]]:
    for _, kind in sorted(vars(exp).items()):
        if inspect.isclass(kind) and issubclass(kind, exp.Expression):
            yield kind


def test_the_allow_list_names_parts_that_there_are() -> None:
    for kind, parts in ACCEPTED.items():
        assert parts <= set(kind.arg_types), (kind.__name__, parts - set(kind.arg_types))


@pytest.mark.parametrize(
    ("dialect", "sql", "line", "column", "word"),
    [
        ("clickhouse", "select id from t final", 1, 16, "FINAL"),
        ("clickhouse", "select id from t settings a = 1", 1, 31, "SETTINGS"),
        ("clickhouse", "select id from t limit 1 by a", 1, 29, "LIMIT"),
        ("snowflake", "select * ilike '%d%' from t", 1, 8, "ILIKE"),
        ("snowflake", "select * rename (a as b) from t", 1, 23, "RENAME"),
        ("snowflake", "select max_by(a, b, 2) from t", 1, 8, "extreme"),
        ("postgres", "select id from only t", 1, 21, "ONLY"),
        (
            "postgres",
            "select x from generate_series(1, 2) with ordinality as t(x, o)",
            1,
            31,
            "ORD",
        ),
        ("oracle", "select a.x from a, b where a.x = b.x(+)", 1, 36, "join mark"),
        ("duckdb", "select a from t positional join u", 1, 17, "POSITIONAL"),
        ("duckdb", "select a from t asof join u on t.x >= u.x", 1, 27, "ASOF"),
        ("bigquery", "select format_timestamp('%Y', t, 'Asia/Tokyo') from x", 1, 8, "zone"),
        ("mysql", "select from_unixtime(0, '%Y') from t", 1, 8, "format"),
        ("oracle", "select instr(s, 'b', 1, 2) from t", 1, 8, "occurrence"),
        ("snowflake", "select array_agg(a) over () from t", 1, 8, "NULL"),
        ("tsql", "select a from t for json path", 1, 8, "FOR"),
        ("spark", "select * from t lateral view outer explode(l) x as y", 1, 36, "LATERAL VIEW"),
        ("postgres", "select to_char(t, 'Q') from x", 1, 8, "format"),
        ("spark", "select date_format(t, 'w') from x", 1, 8, "format"),
    ],
)
def test_what_nothing_writes_is_refused_at_its_place(
    dialect: str, sql: str, line: int, column: int, word: str
) -> None:
    with pytest.raises(UnsupportedError) as refused:
        translate(sql, dialect)
    found = refused.value
    assert word in found.message, found
    assert found.position is not None, found
    assert (found.position.line, found.position.column) == (line, column), found


def test_no_construct_of_sqlglot_is_written_by_chance() -> None:
    """Each kind of node is in the allow-list, or is refused: none ends in another error."""
    others = [kind for kind in _kinds() if kind not in ACCEPTED]
    assert len(others) > 800
    for kind in others:
        try:
            node = kind()
            node.args.get("this")
        except (NotImplementedError, TypeError):
            continue  # a family of kinds, of which there are no nodes
        with pytest.raises(UnsupportedError):
            refuse_unknown(node, Reading("duckdb", "", Kinds()))
