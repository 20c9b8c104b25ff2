"""Statements that the engine cannot plan or answers wrongly, against PostgreSQL and DuckDB.

`desugar/postgres.sql` and `desugar/duckdb.sql` have one statement a line, whose rows the database
of that name decides. Each is answered with every table in Postgres, with every table in memory, and
with some in each, over NULLs, repeats and empty tables.
"""

from __future__ import annotations

import decimal
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import duckdb
import pyarrow as pa
import pytest

from connectors.errors import (
    InvalidValueError,
    Position,
    RequestError,
    SizeLimitError,
    UnsupportedError,
)
from connectors.memory import MemoryConnector
from planner.bind import bind
from planner.catalog import Source
from planner.parse import parse
from tests.equivalence import statements_data
from tests.placements import Placement
from tests.planner.twins import Twins
from tests.postgres_server import PostgresServer

FOLDER = Path(__file__).parent / "desugar"
Truth = Callable[[str], pa.Table]


def _statements(of: str) -> list[object]:
    lines = (FOLDER / f"{of}.sql").read_text().splitlines()
    return [pytest.param(line, id=f"{of}-{n}") for n, line in enumerate(lines, start=1)]


@pytest.fixture(scope="module")
def uri(postgres_server: PostgresServer, postgres_uri: str) -> str:
    database = __name__.replace(".", "_")
    postgres_server.execute(*statements_data.STATEMENTS, database=database)
    return postgres_uri


@pytest.fixture(scope="module")
def twins(uri: str) -> Iterator[Twins]:
    with Twins.of(uri, statements_data.TABLES, statements_data.NEAR) as twins:
        yield twins


@pytest.fixture(scope="module")
def in_postgres(uri: str) -> Iterator[Truth]:
    with postgres.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:

        def answer(sql: str) -> pa.Table:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

        yield answer


@pytest.fixture(scope="module")
def in_duckdb(twins: Twins) -> Iterator[Truth]:
    with duckdb.connect() as connection:
        for name in ("people", "depts", "nums", "gaps", "solid", "unknown", "void", "floats"):
            rows = twins.local.query(f"SELECT * FROM {name}")  # noqa: F841
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows")
        yield lambda sql: connection.execute(sql).to_arrow_table()


@pytest.mark.parametrize("sql", _statements("postgres"))
def test_the_rows_are_those_of_postgres(sql: str, twins: Twins, in_postgres: Truth) -> None:
    _check(sql, twins, in_postgres(sql))


@pytest.mark.parametrize("sql", _statements("duckdb"))
def test_the_rows_are_those_of_duckdb(sql: str, twins: Twins, in_duckdb: Truth) -> None:
    _check(sql, twins, in_duckdb(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, (SELECT title FROM depts d WHERE d.id > p.dept) FROM people p",
        "SELECT id FROM people p WHERE id = (SELECT k FROM solid s WHERE s.k = p.id)",
        "SELECT id, (SELECT k FROM unknown u WHERE u.k IS NULL AND p.id = 1) FROM people p",
    ],
)
def test_more_than_one_row_for_a_value_is_an_error(sql: str, twins: Twins) -> None:
    assert twins.mixed is not None
    for placement in (twins.local, twins.pushing, twins.mixed):
        with pytest.raises(InvalidValueError, match="more than one row"):
            placement.query(sql)


def test_a_value_of_several_rows_that_is_not_asked_for_is_none(twins: Twins) -> None:
    sql = "SELECT CASE WHEN id > 9 THEN (SELECT k FROM solid WHERE k >= id) END AS x FROM people"
    assert twins.local.query(sql)["x"].null_count == 7


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT id, id FROM people", ["id", "id"]),
        ("SELECT d.*, id FROM depts d", ["id", "title", "id"]),
        ("SELECT id, d.* FROM depts d", ["id", "id", "title"]),
        ("SELECT *, * FROM depts", ["id", "title", "id", "title"]),
        ("SELECT count(*), count(*) FROM depts", ["count(*)", "count(*)"]),
        ("SELECT 1, 1", ["Int64(1)", "Int64(1)"]),
        ("SELECT id AS x, title AS x FROM depts", ["x", "x"]),
        ("SELECT id, id FROM depts UNION SELECT k, k FROM gaps", ["id", "id"]),
        ("SELECT id, EXISTS (SELECT 1 FROM gaps WHERE k > id) FROM depts", ["id", "exists"]),
        ("SELECT (SELECT max(k) FROM gaps WHERE k > id) FROM depts", ["max"]),
        ("SELECT id, id IN (SELECT k FROM gaps) AS x FROM depts", ["id", "x"]),
        ("SELECT * FROM depts WHERE id IN (SELECT k FROM gaps) IS NULL", ["id", "title"]),
        (
            "SELECT * FROM depts d, LATERAL (SELECT k FROM gaps WHERE k > d.id LIMIT 1) x",
            ["id", "title", "k"],
        ),
        ("SELECT k + 1, k AS x FROM gaps EXCEPT ALL SELECT 1, 2", ["k + 1", "x"]),
        ("SELECT * FROM nums PIVOT (sum(b) FOR a IN (1, 2 AS two))", ["1", "two"]),
        ("SELECT * FROM nums UNPIVOT (v FOR n IN (a, b))", ["n", "v"]),
    ],
)
def test_the_names_are_the_clients(sql: str, names: list[str], twins: Twins) -> None:
    assert twins.mixed is not None
    for placement in (twins.local, twins.pushing, twins.mixed):
        assert placement.query(sql).column_names == names


def test_a_column_named_like_the_engines_flag_is_none(twins: Twins) -> None:
    sql = (
        "SELECT count(*) AS n FROM nums x WHERE NOT EXISTS"
        ' (SELECT 1 FROM (SELECT k AS "k null_aware" FROM gaps) s WHERE x.a = s."k null_aware")'
    )
    assert twins.mixed is not None
    for placement in (twins.local, twins.pushing, twins.mixed):
        assert placement.query(sql)["n"].to_pylist() == [3]


def test_what_no_rewrite_is_called_for_stays_as_it_is(twins: Twins) -> None:
    sql = "SELECT p.id  FROM people p\nWHERE p.id IN (SELECT k FROM solid) -- as written"
    bound = bind(parse(sql), twins.local.catalog)
    assert bound.sql == parse(sql).sql


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT id, EXISTS (SELECT 1 FROM solid WHERE k > people.idd) FROM people", 57),
        ("SELECT id, EXISTS (SELECT 1 FROM solid WHERE k > id) FROM people WHERE nope = 1", 72),
        ("SELECT id, EXISTS (SELECT 1 FROM solid WHERE k > id) FROM people WHERE id = = 1", 77),
        ("SELECT id FROM people EXCEPT ALL SELECT nope FROM solid", 41),
        ("SELECT row_number() OVER () IN (SELECT k FROM solid) FROM people", 8),
    ],
)
def test_an_error_has_its_place_in_the_clients_text(sql: str, place: int, twins: Twins) -> None:
    with pytest.raises(RequestError) as failure:
        twins.local.plan(sql)
    assert failure.value.position == Position(1, place)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT (SELECT max(p.dept) FROM gaps) FROM people p", "an aggregate of columns"),
        ("SELECT * FROM (people p FULL JOIN depts d USING (id))", "FULL JOIN with USING"),
        ("SELECT 1 FROM people a RIGHT JOIN generate_series(1, 3) b USING (id)", "RIGHT JOIN"),
        ("SELECT 'a' SIMILAR TO name FROM people", "SIMILAR TO with a pattern that is computed"),
        ("SELECT name SIMILAR TO 'a!%' ESCAPE '!' FROM people", "SIMILAR TO with ESCAPE"),
        (
            "SELECT id, (SELECT count(*) FROM gaps WHERE k = p.id OFFSET 1) FROM people p",
            "a correlated subquery",
        ),
    ],
)
def test_what_has_no_exact_rewrite_is_refused(sql: str, what: str, twins: Twins) -> None:
    with pytest.raises(UnsupportedError, match=what) as failure:
        twins.local.plan(sql)
    assert failure.value.position is not None


@pytest.mark.parametrize(("pattern", "escape"), [("%", "%"), ("ab!", "!"), ("a!!!", "!")])
def test_a_pattern_that_ends_in_its_escape_is_an_error(
    pattern: str, escape: str, twins: Twins
) -> None:
    sql = f"SELECT id FROM people WHERE name LIKE '{pattern}' ESCAPE '{escape}'"
    with pytest.raises(InvalidValueError, match="ends in its escape character") as failure:
        twins.local.plan(sql)
    assert failure.value.position == Position(1, sql.index("'") + 1)


def test_names_that_a_rewrite_made_reach_no_client(twins: Twins) -> None:
    sql = (
        "SELECT id, (SELECT sum(k) OVER (ORDER BY k) FROM solid WHERE k > p.id ORDER BY 1 LIMIT 1)"
        " AS v FROM people p"
    )
    with pytest.raises(UnsupportedError, match="a correlated subquery of this form") as failure:
        twins.local.plan(sql)
    assert failure.value.position == Position(1, 12)


def _in_is_not_true(levels: int) -> str:
    sql = "SELECT k FROM gaps"
    for level in range(levels):
        name = f"x{level}"
        sql = f"SELECT {name}.k FROM gaps {name} WHERE ({name}.k IN ({sql})) IS NOT TRUE"
    return sql


def _counts_over_from(levels: int) -> str:
    source = "gaps"
    for level in range(levels):
        count = f"(SELECT count(*) FROM gaps y WHERE y.k < x.k) AS c{level}"
        source = f"(SELECT k, {count} FROM {source} x)"
    return f"SELECT * FROM {source} z"


def _lateral_chain(levels: int) -> str:
    sql, before = "SELECT count(*) FROM people p", "p.id"
    for level in range(levels):
        sql += f", LATERAL (SELECT max(k) AS m FROM gaps WHERE k < {before}) t{level}"
        before = f"t{level}.m"
    return sql


@pytest.mark.parametrize("nested", [_in_is_not_true, _counts_over_from, _lateral_chain])
def test_what_grows_with_each_level_has_a_limit(nested: Callable[[int], str], twins: Twins) -> None:
    twins.local.plan(nested(3))
    with pytest.raises(SizeLimitError, match="to be written as joins") as failure:
        twins.local.plan(nested(9))
    assert failure.value.position is not None


@pytest.fixture(scope="module")
def namesakes() -> Iterator[tuple[Placement, Truth]]:
    """Two sources with a table t each, and the same in DuckDB."""
    a = {"t": pa.table({"id": [1, 5]}), "g": pa.table({"k": [1, 2, 3, 4]})}
    b = {"t": pa.table({"id": [2, 4], "v": [20, 40]})}
    sources = [Source("a", MemoryConnector("a", a)), Source("b", MemoryConnector("b", b))]
    with duckdb.connect() as connection, Placement.opened(sources) as placement:
        for schema, tables in (("a", a), ("b", b)):
            connection.execute(f"CREATE SCHEMA {schema}")
            for name in tables:
                rows = tables[name]  # noqa: F841
                connection.execute(f"CREATE TABLE {schema}.{name} AS SELECT * FROM rows")
        yield placement, lambda sql: connection.execute(sql).to_arrow_table()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT (SELECT count(*) FROM a.g WHERE g.k < a.t.id AND g.k > b.t.id) AS n FROM a.t, b.t",
        "SELECT a.t.id, (SELECT count(*) FROM b.t WHERE b.t.id < a.t.id) AS n FROM a.t",
        "SELECT a.t.id AS x, (SELECT max(k) FROM a.g WHERE g.k = b.t.id) AS n FROM a.t, b.t",
        "SELECT a.t.id AS x, v IN (SELECT k * 20 FROM a.g WHERE k < a.t.id) AS n FROM a.t, b.t",
        "SELECT a.t.id AS x FROM a.t, b.t"
        " WHERE EXISTS (SELECT 1 FROM a.g WHERE g.k < a.t.id AND g.k > b.t.id)",
        "SELECT a.t.id AS x, l.n FROM a.t, b.t,"
        " LATERAL (SELECT count(*) AS n FROM a.g WHERE k < a.t.id AND k > b.t.id) l",
        "SELECT b.t.id IN (SELECT k FROM a.g WHERE k <> a.t.id) AS n, count(*) FROM a.t, b.t"
        " GROUP BY a.t.id, b.t.id",
    ],
)
def test_tables_of_one_name_are_told_apart_by_their_sources(
    sql: str, namesakes: tuple[Placement, Truth]
) -> None:
    placement, truth = namesakes
    assert _rows(placement.query(sql)) == _rows(truth(sql))


def test_a_name_of_two_tables_beside_a_subquery_is_refused(
    namesakes: tuple[Placement, Truth],
) -> None:
    sql = "SELECT (SELECT count(*) FROM a.g WHERE g.k < t.id) AS n FROM a.t, b.t"
    with pytest.raises(UnsupportedError, match="name t of several tables") as failure:
        namesakes[0].plan(sql)
    assert failure.value.position == Position(1, 46)


def _check(sql: str, twins: Twins, want: pa.Table) -> None:
    assert twins.mixed is not None
    for placement in (twins.local, twins.pushing, twins.mixed):
        assert _rows(placement.query(sql)) == _rows(want), sql


def _rows(table: pa.Table) -> Counter[tuple[object, ...]]:
    columns = [[_plain(value) for value in column.to_pylist()] for column in table.columns]
    return Counter(zip(*columns, strict=True)) if columns else Counter({(): table.num_rows})


def _plain(value: object) -> object:
    """One form for numbers: databases differ in their types, and Postgres' numerics are texts."""
    if isinstance(value, str):
        try:
            return float(decimal.Decimal(value))
        except decimal.InvalidOperation:
            return value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | decimal.Decimal):
        number = float(value)
        return "NaN" if math.isnan(number) else round(number, 9) + 0.0
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return tuple(map(_plain, value.values())) if isinstance(value, dict) else value
