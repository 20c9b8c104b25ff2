"""Columns that PostgreSQL gathers from the rows of some pages are what they are one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from connectors.adbc.postgres import PostgresConnector, gathering, packing, ranges
from connectors.adbc.postgres import gathered as gathered_row
from connectors.adbc.postgres.gathered import Layout, Row
from connectors.adbc.postgres.gathering import Gathering, gathered
from connectors.adbc.postgres.packing import packed
from connectors.adbc.postgres.pieces import Piece, pieces_of
from connectors.adbc.postgres.ranges import Extent
from connectors.contract import SqlQuery
from connectors.errors import SourceRejectedError, SourceSchemaChangedError
from planner.plan import Plan
from tests.placements import Placement
from tests.postgres_server import PostgresServer

DATABASE = __name__.replace(".", "_")

COLUMNS = """
id int NOT NULL, small smallint, large bigint, money numeric(9, 2), any_number numeric,
longest numeric(38, 0), huge numeric(60, 3), thousands numeric(2, -3),
note text, name varchar(400), padded char(5), bytes bytea, kind uuid, document jsonb,
single real, double double precision, yes boolean,
day date, at timestamp, moment timestamptz, hour time, span interval, pair pair
"""

ROWS = (
    "1, 32767, 9223372036854775807, 9999999.99, 99999999999999999999.999999999999999999,"
    f" {'9' * 38}, {'9' * 57}.999, 99000, '', 'é€😀', 'x', '\\x00ff0a', gen_random_uuid(), '[]',"
    " 'NaN', 'Infinity', true, '9999-12-31', '9999-12-31 23:59:59.999999',"
    " '9999-12-31 23:59:59.999999', '23:59:59.999999', '1 day', (1, NULL)",
    "2, -32768, -9223372036854775808, -9999999.99, -99999999999999999999.999999999999999999,"
    f" -{'9' * 38}, -{'9' * 57}.999, -99000,"
    r""" E'a,\n\x1f"''\\\r', ',', 'a b', '', NULL, '{}',"""
    " '-Infinity', '-0', false, '0001-01-01', '0001-01-01', '0001-01-01 UTC', '00:00', '-1 month',"
    " (NULL, NULL)",
    "3" + ", NULL" * 22,
    "4, 0, 0, 0, 0.000000000000000001, 0, 0, 0, 'NULL', 't', '', '\\x74', NULL, NULL,"
    " '-0', 'NaN', NULL, '1970-01-01', '2000-01-01', NULL, '12:00', NULL, (NULL, NULL)",
    "5" + ", NULL" * 22,
)


@pytest.fixture(scope="module")
def placement(postgres_server: PostgresServer, postgres_uri: str) -> Iterator[Placement]:
    postgres_server.execute(
        "CREATE TYPE pair AS (x int, y int)",
        f"CREATE TABLE mixed ({COLUMNS})",
        *(f"INSERT INTO mixed VALUES ({values})" for values in ROWS),
        "CREATE TABLE plain AS SELECT g AS id, g / 4.0::numeric(9, 2) AS price, 'n' || g AS note"
        " FROM generate_series(1, 3000) g",
        "ANALYZE",
        database=DATABASE,
    )
    shop = {"connector": "postgres", "uri": postgres_uri, "max_connections": 8}
    with Placement.of_sources({"shop": shop}) as placement:
        yield placement


@pytest.fixture(autouse=True)
def every_table_is_large(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(packing, "WORTH_BYTES", 0)
    monkeypatch.setattr(gathering, "WORTH_BYTES", 0)
    # Few pages each, so that there are several.
    monkeypatch.setattr(gathering, "BATCH_BYTES", 20_000)
    packed.cache_clear()
    gathered.cache_clear()
    yield
    packed.cache_clear()
    gathered.cache_clear()


def query_of(plan: Plan) -> SqlQuery:
    (planned,) = plan.fragments
    query = planned.fragment.query
    assert isinstance(query, SqlQuery) and query.whole is not None
    return query


def gathering_of(placement: Placement, sql: str) -> Gathering | None:
    """What is made of a statement that is one fragment."""
    plan = placement.plan(sql)
    query = query_of(plan)
    shop = placement.catalog.sources["shop"].connector
    assert isinstance(shop, PostgresConnector) and query.whole is not None
    extent = shop._statistics.extent(query.whole)
    assert extent is not None
    return gathered(query.text, plan.fragments[0].fragment.schema, extent)


def forget(placement: Placement) -> None:
    """All that is known of tables."""
    shop = placement.catalog.sources["shop"].connector
    assert isinstance(shop, PostgresConnector)
    shop._forget()


def sorted_rows(table: pa.Table) -> list[str]:
    """As texts, because NaN is not equal to itself."""
    return sorted(map(repr, table.to_pylist()))


@pytest.mark.parametrize("columns", ["*", "id", "note, id, note AS again", "money", "hour, yes"])
def test_values_are_the_same_as_one_by_one(
    placement: Placement, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    seen: list[int] = []

    def row(batch: pa.RecordBatch, layout: Layout, *, texts: bool) -> Row:
        seen.append(batch.num_rows)
        return Row(batch, layout, texts=texts)

    monkeypatch.setattr(gathering, "Row", row)
    sql = f"SELECT {columns} FROM mixed"
    assert gathering_of(placement, sql) is not None
    answer = placement.query(sql)
    assert seen == [1]
    one_by_one = placement.query(f"SELECT {columns} FROM mixed ORDER BY id")
    assert answer.schema == one_by_one.schema
    assert sorted_rows(answer) == sorted_rows(one_by_one)
    for column in answer.columns:
        column.validate(full=True)


@pytest.mark.parametrize("range_pages", [2, 1 << 20])
def test_what_was_added_since_the_table_was_measured_is_read_once(
    placement: Placement,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    range_pages: int,
) -> None:
    monkeypatch.setattr(ranges, "RANGE_BYTES", range_pages * 8192)
    table = f"growing_{range_pages}"
    postgres_server.execute(
        f"CREATE TABLE {table} AS SELECT * FROM plain", f"ANALYZE {table}", database=DATABASE
    )
    found = gathering_of(placement, f"SELECT * FROM {table}")
    assert found is not None and found.extent.pages > found.step
    postgres_server.execute(
        f"INSERT INTO {table} SELECT id + 3000, price, note FROM plain",
        f"DELETE FROM {table} WHERE id BETWEEN 100 AND 1500",
        database=DATABASE,
    )
    ids = placement.query(f"SELECT * FROM {table}")["id"].to_pylist()
    assert sorted(ids) == [*range(1, 100), *range(1501, 6001)]


def test_what_is_added_belongs_to_the_same_moment(
    placement: Placement, postgres_server: PostgresServer
) -> None:
    postgres_server.execute(
        "CREATE TABLE moved AS SELECT * FROM plain", "ANALYZE moved", database=DATABASE
    )
    plan = placement.plan("SELECT * FROM moved")
    assert gathering_of(placement, "SELECT * FROM moved") is not None
    postgres_server.execute("INSERT INTO moved SELECT * FROM plain", database=DATABASE)
    shop = placement.catalog.sources["shop"].connector
    assert isinstance(shop, PostgresConnector)
    moment = shop.moment(1, 1, _NoTurns())
    batches = moment.execute(plan.fragments[0].fragment, None)
    try:
        rows = iter(batches)
        found = [next(rows)]
        # Each row moves behind those that are there.
        postgres_server.execute("UPDATE moved SET id = -id", database=DATABASE)
        found += rows
    finally:
        batches.close()
        moment.close()
    ids = pa.Table.from_batches(found)["id"].to_pylist()
    assert sorted(ids) == sorted([*range(1, 3001)] * 2)


class _NoTurns:
    def take(self) -> bool:
        return False

    def give(self) -> None:
        raise AssertionError


def test_long_values_are_read_otherwise(
    placement: Placement, postgres_server: PostgresServer
) -> None:
    postgres_server.execute(
        "CREATE TABLE lengthy (id int, note text)",
        "ALTER TABLE lengthy ALTER note SET STORAGE EXTERNAL",
        "INSERT INTO lengthy SELECT g, 'long' FROM generate_series(1, 1999) g",
        "ANALYZE lengthy",
        database=DATABASE,
    )
    assert gathering_of(placement, "SELECT id, note FROM lengthy") is not None
    postgres_server.execute(
        "INSERT INTO lengthy VALUES (2000, repeat('long', 10000))", database=DATABASE
    )
    answer = placement.query("SELECT id, note FROM lengthy")
    assert sorted(map(len, answer["note"].to_pylist())) == [4] * 1999 + [40_000]
    # Where it is known, the server is not asked to look.
    postgres_server.execute("VACUUM ANALYZE lengthy", database=DATABASE)
    forget(placement)
    assert gathering_of(placement, "SELECT id, note FROM lengthy") is None


@pytest.mark.parametrize(
    ("odd", "column"),
    [
        ("chr(22)", "text"),
        ("'a' || chr(22) || 'b'", "text NOT NULL"),
        ("repeat('x', 600)", "text"),
        ("repeat('x', 600)", "varchar(900) NOT NULL"),
    ],
)
def test_texts_that_need_their_lengths_are_gathered_again_with_them(
    placement: Placement,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    odd: str,
    column: str,
) -> None:
    postgres_server.execute(
        "DROP TABLE IF EXISTS parted",
        f"CREATE TABLE parted (id int NOT NULL, note {column}, other text)",
        f"INSERT INTO parted SELECT g, CASE WHEN g = 1500 THEN {odd} ELSE 'n' || g % 9 END,"
        " NULLIF('o' || g % 5, 'o1') FROM generate_series(1, 3000) g",
        "ANALYZE parted",
        database=DATABASE,
    )
    forget(placement)
    read: list[tuple[bool, int]] = []

    def row(batch: pa.RecordBatch, layout: Layout, *, texts: bool) -> Row:
        read.append((bool(layout.separated), batch.column(gathered_row.ROWS)[0].as_py()))
        return Row(batch, layout, texts=texts)

    monkeypatch.setattr(gathering, "Row", row)
    sql = "SELECT id, note, other FROM parted"
    assert gathering_of(placement, sql) is not None
    answer = placement.query(sql)
    assert sorted_rows(answer) == sorted_rows(placement.query(f"{sql} ORDER BY id"))
    carefully = sum(rows for separated, rows in read if not separated)
    assert 0 < carefully < 1000, "only the pages beside it"


def test_values_that_are_compressed_in_their_page_are_cut_into_more_batches(
    placement: Placement,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postgres_server.execute(
        "CREATE TABLE zip (id int NOT NULL, note text)",
        "INSERT INTO zip SELECT g, CASE WHEN g > 500 THEN g || repeat('x', 50000)"
        " WHEN g % 2 = 0 THEN 'short' END FROM generate_series(1, 800) g",
        "ANALYZE zip",
        database=DATABASE,
    )
    monkeypatch.setattr(gathering, "BATCH_BYTES", 1 << 20)
    seen: list[int] = []

    def row(batch: pa.RecordBatch, layout: Layout, *, texts: bool) -> Row:
        seen.append(batch.nbytes)
        return Row(batch, layout, texts=texts)

    monkeypatch.setattr(gathering, "Row", row)
    sql = "SELECT * FROM zip"
    found = gathering_of(placement, sql)
    assert found is not None and found.step >= found.extent.pages, "one batch, but for the cut"
    answer = placement.query(sql)
    assert sorted_rows(answer) == sorted_rows(placement.query(f"{sql} ORDER BY id"))
    assert sum(seen) > 14 << 20 and max(seen) < 3 << 20


@pytest.mark.parametrize(
    ("column", "is_summed"),
    [
        ("text", True),
        ("bytea", True),
        ("jsonb", True),
        ("varchar(200)", True),
        ("varchar(100)", False),
        ("char(9)", False),
        ("uuid", False),
        ("int", False),
    ],
)
def test_lengths_are_summed_where_values_may_be_compressed(
    placement: Placement, postgres_server: PostgresServer, column: str, is_summed: bool
) -> None:
    table = "summed_" + re.sub(r"\W+", "", column)
    postgres_server.execute(
        f"CREATE TABLE {table} (value {column}, other text)",
        f"INSERT INTO {table} VALUES (NULL, NULL)",
        f"ANALYZE {table}",
        database=DATABASE,
    )
    found = gathering_of(placement, f"SELECT value FROM {table}")
    assert found is not None and found.extent.narrow == {"value", "other"}
    query = query_of(placement.plan(f"SELECT value FROM {table}"))
    wide = replace(found.extent, narrow=frozenset())
    for extent, carefully in ((wide, False), (wide, True), (found.extent, True)):
        found = gathered(query.text, found.schema, extent, carefully=carefully)
        assert found is not None
        assert ("crosswind_step" in found.statement(0, None)) == is_summed


def test_who_may_read_some_columns_only_reads_them_as_one_statement(
    placement: Placement, postgres_server: PostgresServer
) -> None:
    """Where a row is may be asked by those who may read all columns."""
    postgres_server.execute(
        "CREATE TABLE guarded AS SELECT g AS id, 's' AS secret FROM generate_series(1, 99) g",
        "ANALYZE guarded",
        "CREATE ROLE limited LOGIN",
        "GRANT SELECT (id) ON guarded TO limited",
        database=DATABASE,
    )
    uri = postgres_server.uri(DATABASE, user="limited")
    try:
        with Placement.of_sources({"shop": {"connector": "postgres", "uri": uri}}) as limited:
            assert limited.query("SELECT id FROM guarded").num_rows == 99
    finally:
        postgres_server.execute(
            "DROP TABLE guarded", "DROP OWNED BY limited", "DROP ROLE limited", database=DATABASE
        )


@pytest.mark.parametrize(
    ("column", "type_", "value", "said"),
    [
        ("number", "numeric(9, 2)", "'NaN'", "holds NaN"),
        ("number", "numeric", "'Infinity'", "holds NaN or Infinity"),
        ("number", "numeric", "1e20 + 0.5", "does not fit"),
        ("day", "date", "'infinity'", "holds infinity"),
        ("day", "date", "'-infinity'", "holds infinity"),
        ("at", "timestamp", "'infinity'", "holds infinity"),
        ("at", "timestamptz", "'-infinity'", "holds infinity"),
        ("hour", "time", "'24:00'", "holds infinity or a time"),
    ],
)
def test_a_value_that_does_not_fit_fails_as_one_by_one(
    placement: Placement,
    postgres_server: PostgresServer,
    column: str,
    type_: str,
    value: str,
    said: str,
) -> None:
    postgres_server.execute(
        "DROP TABLE IF EXISTS odd",
        f"CREATE TABLE odd (id int, note text, {column} {type_})",
        f"INSERT INTO odd VALUES (1, 'a', {value})",
        "ANALYZE odd",
        database=DATABASE,
    )
    sql = f"SELECT id, note, {column} FROM odd"
    forget(placement)
    assert gathering_of(placement, sql) is not None
    with pytest.raises(SourceRejectedError, match=said) as raised:
        placement.query(sql)
    with pytest.raises(SourceRejectedError) as one_by_one:
        placement.query(f"{sql} ORDER BY id")
    assert str(raised.value) == str(one_by_one.value)


@pytest.mark.parametrize(
    ("type_", "another"),
    [
        ("int", "text"),
        ("int", "bigint"),
        ("double precision", "numeric"),
        ("double precision", "bigint"),
        ("real", "int"),
        ("timestamp", "date"),
        ("timestamptz", "timestamp"),
        ("timestamp", "timestamptz"),
        ("date", "text"),
        ("boolean", "text"),
        ("time", "text"),
        ("bytea", "text"),
        ("text", "bytea"),
        ("text", "int"),
        ("numeric(9, 2)", "text"),
        ("numeric(9, 2)", "double precision"),
    ],
)
def test_a_column_of_another_type_by_now_is_noticed(
    placement: Placement, postgres_server: PostgresServer, type_: str, another: str
) -> None:
    table = re.sub(r"\W+", "_", f"of_{type_}_to_{another}")
    postgres_server.execute(
        f"CREATE TABLE {table} (id int, value {type_})",
        f"INSERT INTO {table} VALUES (1, NULL)",
        f"ANALYZE {table}",
        database=DATABASE,
    )
    sql = f"SELECT id, value FROM {table}"
    assert gathering_of(placement, sql) is not None
    plan = placement.plan(sql)
    postgres_server.execute(
        f"ALTER TABLE {table} ALTER value TYPE {another} USING NULL::{another}", database=DATABASE
    )
    with pytest.raises(SourceSchemaChangedError):
        placement.run(plan)


@pytest.mark.parametrize("type_", ["int", "text", "numeric(9, 2)", "boolean"])
def test_null_where_there_was_to_be_none_is_noticed(
    placement: Placement, postgres_server: PostgresServer, type_: str
) -> None:
    table = "strict_" + type_.split("(")[0]
    postgres_server.execute(
        f"CREATE TABLE {table} (id int NOT NULL, price numeric(9, 2) NOT NULL,"
        f" value {type_} NOT NULL)",
        f"INSERT INTO {table} SELECT g, g, g::text::{'text' if type_ == 'boolean' else type_}"
        f"{'::int::boolean' if type_ == 'boolean' else ''} FROM generate_series(1, 9) g",
        f"ANALYZE {table}",
        database=DATABASE,
    )
    sql = f"SELECT id, price, value FROM {table}"
    assert gathering_of(placement, sql) is not None
    plan = placement.plan(sql)
    postgres_server.execute(
        f"ALTER TABLE {table} ALTER value DROP NOT NULL",
        f"UPDATE {table} SET value = NULL WHERE id = 5",
        database=DATABASE,
    )
    with pytest.raises(SourceSchemaChangedError):
        placement.run(plan)


def test_only_plain_columns_of_tables_that_fit_are_gathered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schema = pa.schema([("a", pa.int32()), ("b", pa.float64())])
    text = 'SELECT "a" AS "a", "b" AS "b" FROM "s"."x"'
    own = frozenset({"b"})
    extent = Extent(1 << 10, 8192, rows=1e5, own=own, long_values=0)
    assert gathered(text, schema, extent) is not None
    domain = Extent(1 << 10, 8192, rows=1e5, long_values=0)
    assert gathered(text, schema, domain) is None, "its type may be a domain"
    elsewhere = Extent(1 << 10, 8192, rows=1e5, own=own)
    assert gathered(text, schema, elsewhere) is None, "texts are in another encoding"
    assert gathered(f"{text} LIMIT 1", schema, extent) is None
    assert gathered('SELECT "a" + 1 AS "a", "b" FROM "s"."x"', schema, extent) is None
    lists = pa.schema([("a", pa.int32()), ("b", pa.list_(pa.int32()))])
    assert gathered(text, lists, extent) is None
    many = pa.schema([(f"c{n}", pa.int32()) for n in range(65)])
    columns = ", ".join(f'"c{n}" AS "c{n}"' for n in range(65))
    assert gathered(f'SELECT {columns} FROM "s"."x"', many, extent) is None
    monkeypatch.undo()
    gathered.cache_clear()
    small = Extent(1 << 8, 8192, rows=1e5, own=own, long_values=0)
    assert gathered(text, schema, small) is None, "two MB"


def test_without_one_moment_a_table_is_one_statement() -> None:
    schema = pa.schema([("a", pa.int32())])
    text = 'SELECT "a" AS "a" FROM "s"."x"'
    whole = pieces_of(text, schema, Extent(1 << 10, 8192, rows=1e5, long_values=0)).whole
    assert whole.beyond == Piece(f"{text} WHERE ctid >= CAST('(1024,0)' AS tid)")
    assert whole.where(True) is whole
    assert whole.where(False) == Piece(text)
