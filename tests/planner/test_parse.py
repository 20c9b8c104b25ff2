"""What is let through as one query, and what is refused, with the place in the text."""

from __future__ import annotations

import pytest

from connectors.errors import Position, SizeLimitError, SqlSyntaxError, UnsupportedError
from planner.parse import MAX_SQL_CHARACTERS, parse, tokenize


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select 1;;",
        "  \n SELECT ';' AS a -- x; y\n",
        "SELECT /* ; /* nested */ ; */ 1",
        "WITH x AS (SELECT 1) SELECT * FROM x",
        "VALUES (1), (2)",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT 'drop table x; insert into y'",
        'SELECT "delete" FROM "update"',
    ],
)
def test_one_query_is_taken(sql: str) -> None:
    statement = parse(sql)
    assert statement.mode == "query"
    assert statement.sql.strip() == sql.split("--")[0].strip().rstrip(";")


@pytest.mark.parametrize(
    ("sql", "mode"),
    [
        ("EXPLAIN SELECT 1", "explain"),
        ("explain verbose select 1", "explain"),
        ("EXPLAIN ANALYZE SELECT 1;", "analyze"),
        ("Explain Analyze Verbose\nSELECT 1", "analyze"),
        ("EXPLAIN WITH x AS (SELECT 1) SELECT * FROM x", "explain"),
    ],
)
def test_explain_has_its_modes(sql: str, mode: str) -> None:
    assert parse(sql).mode == mode


def test_places_in_the_query_are_those_in_the_clients_text() -> None:
    sql = "EXPLAIN ANALYZE -- why\n  SELECT a\n  FROM b"
    lines = parse(sql).sql.split("\n")
    assert lines == [" " * 22, "  SELECT a", "  FROM b"]


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("", 1, 1),
        (" \n ", 1, 1),
        ("-- nothing\n", 1, 1),
        ("/* nothing */", 1, 1),
        (" ;; ", 1, 1),
        ("SELECT 'abc", 1, 12),
        ('SELECT 1,\n "abc', 2, 6),
        ("SELECT 1 /* never", 1, 18),
        ("SELECT 1;\n SELECT 2", 2, 2),
        ("SELECT * FROM a; DROP TABLE a", 1, 18),
        ("SELEC 1", 1, 1),
        ("\n  foo bar", 2, 3),
        ("EXPLAIN", 1, 1),
        ("EXPLAIN EXPLAIN SELECT 1", 1, 9),
    ],
)
def test_what_is_no_statement_is_refused_where_it_stands(sql: str, line: int, column: int) -> None:
    with pytest.raises(SqlSyntaxError) as failure:
        parse(sql)
    assert failure.value.position == Position(line, column)
    assert f"line {line}, column {column}" in str(failure.value)


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO a VALUES (1)",
        "update a set b = 1",
        "/* c */ DELETE FROM a",
        "DROP TABLE a",
        "CREATE TABLE a AS SELECT 1",
        "ALTER TABLE a ADD b int",
        "TRUNCATE a",
        "COPY a TO 'b'",
        "SET a = 1",
        "SHOW TABLES",
        "BEGIN",
        "GRANT SELECT ON a TO b",
        "DESCRIBE a",
        "EXPLAIN DROP TABLE a",
        "EXPLAIN FORMAT YAML SELECT 1",
    ],
)
def test_what_only_writes_or_administers_is_unsupported(sql: str) -> None:
    with pytest.raises(UnsupportedError) as failure:
        parse(sql)
    assert failure.value.position is not None
    assert failure.value.hint


def test_a_text_may_not_be_endless() -> None:
    parse("SELECT 1" + " " * (MAX_SQL_CHARACTERS - 8))
    with pytest.raises(SizeLimitError, match="1,000,001 characters"):
        parse("SELECT 1" + " " * (MAX_SQL_CHARACTERS - 7))


@pytest.mark.parametrize(
    ("sql", "volatile"),
    [
        ("SELECT now()", True),
        ("SELECT current_date - 1", True),
        ("SELECT random() FROM a", True),
        ("SELECT 1 FROM a", False),
        ("SELECT 'now'", True),
    ],
)
def test_what_is_fixed_when_planned_is_known(sql: str, volatile: bool) -> None:
    """A constant of that name costs a plan, and nothing else."""
    assert parse(sql).volatile is volatile


def test_a_chain_of_operators_too_long_for_the_stack_is_refused() -> None:
    for operator, parts in (("+", 3_000), ("||", 3_000), ("OR", 30_000), ("AND", 30_000)):
        sql = "SELECT " + f" {operator} ".join(["a"] * parts)
        with pytest.raises(SizeLimitError, match="operators; the limit"):
            parse(sql)
    for dialect in ("postgres", "snowflake"):
        sql = "SELECT 1 WHERE " + " OR ".join(f"(1 = {i} AND 2 = {i})" for i in range(3_000))
        if dialect == "postgres":
            parse(sql)
        else:
            with pytest.raises(SizeLimitError, match="operators; the limit"):
                parse(sql, dialect)


@pytest.mark.parametrize("sql", ["SELECT $1", "SELECT * FROM t WHERE a = ?"])
def test_parameters_are_refused_at_their_place(sql: str) -> None:
    with pytest.raises(UnsupportedError, match="parameters") as failure:
        parse(sql)
    assert failure.value.position is not None


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("(1 + ", ")"),
        ("NOT (", ")"),
        ("f(", ")"),
        ("[", "]"),
        ("CASE WHEN ", " THEN 1 END"),
        ("- ", ""),
    ],
)
def test_what_is_nested_too_deep_is_refused_where_it_is(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return f"SELECT {opening * depth}1{closing * depth}"

    parse(nested(20))
    with pytest.raises(SizeLimitError, match="levels of nesting") as raised:
        parse(nested(100))
    assert raised.value.position is not None


@pytest.mark.parametrize(
    ("sql", "without"),
    [
        ("SELECT " + "(" * 30 + "1" + ")" * 30, "SELECT ((1))"),
        ("SELECT f" + "(" * 30 + "1" + ")" * 30, "SELECT f((1))"),
        ("SELECT " + "(" * 30 + "a" + " OR b)" * 30, "SELECT (a" + " OR b" * 30 + ")"),
        ("SELECT " + "(" * 30 + "a" + " - b)" * 30, "SELECT (a" + " - b" * 30 + ")"),
        ("SELECT " + "(" * 30 + "a" + " * b)" * 30 + " + 1", "SELECT a" + " * b" * 30 + " + 1"),
    ],
)
def test_brackets_that_change_nothing_are_taken_out_of_what_is_deep(sql: str, without: str) -> None:
    statement = parse(sql)
    assert len(statement.sql) == len(sql)
    assert statement.sql.replace(" ", "") == without.replace(" ", "")
    assert [t.text for t in statement.tokens] == [t.text for t in tokenize(statement.sql)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a - (b - c)",
        "SELECT (a OR b) AND c",
        "SELECT (a + b) * c",
        "SELECT (a = b) + c",
        "SELECT (a AND b BETWEEN 1 AND 2) AND c",
        "SELECT NOT (a OR b) OR c",
        "SELECT f(a + b) + c",
        "SELECT a IN (b + c) + 1",
        "SELECT (a || b) + c",
        "SELECT (SELECT a OR b) OR c",
        "SELECT (a < b) OR c",
        "SELECT x IN ((SELECT 1))",
    ],
)
def test_brackets_that_mean_something_stay(sql: str) -> None:
    deep = f"{sql}, [{'f(' * 25}1{')' * 25}]"
    assert parse(deep).sql == deep


def test_brackets_beside_one_another_are_not_nested() -> None:
    beside = ["((1))", "NOT (true)", "(SELECT 1)", "CASE WHEN 1 = 1 THEN 1 END"] * 40
    parse(f"SELECT {', '.join(beside)}")


def test_queries_nested_too_deep_are_refused() -> None:
    parse("SELECT " + "(SELECT " * 10 + "1" + ")" * 10)
    with pytest.raises(SizeLimitError, match="queries inside one another"):
        parse("SELECT " + "(SELECT " * 13 + "1" + ")" * 13)
