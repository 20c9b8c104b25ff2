"""Rows that are picked from a table are gathered like all of them; short integers come short."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from connectors.adbc.postgres import PostgresConnector, gathering, packing, ranges
from connectors.adbc.postgres import gathered as gathered_row
from connectors.adbc.postgres.gathered import Layout, Row
from connectors.adbc.postgres.gathering import gathered
from connectors.adbc.postgres.packing import packed
from connectors.adbc.postgres.ranges import Extent, in_ranges
from connectors.contract import Fragment, SqlQuery
from connectors.errors import SourceSchemaChangedError
from tests.placements import Placement
from tests.postgres_server import PostgresServer

DATABASE = __name__.replace(".", "_")

LEAST, MOST = -(1 << 31), (1 << 31) - 1


@pytest.fixture(scope="module")
def placement(postgres_server: PostgresServer, postgres_uri: str) -> Iterator[Placement]:
    postgres_server.execute(
        "CREATE TABLE items AS SELECT g::bigint AS id, g % 2 = 0 AS even, NULLIF(g % 7, 3)::bigint"
        " AS seventh, g / 4.0::numeric(9, 2) AS price, 'n' || g AS note, g % 5 AS fifth,"
        " date '2000-01-01' + g % 400 AS day FROM generate_series(1, 6000) g",
        "ALTER TABLE items ALTER id SET NOT NULL",
        "ANALYZE items",
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


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Layout, int]]:
    """Of the rows that are gathered: how each is laid out, and of how many it is."""
    found: list[tuple[Layout, int]] = []

    def row(batch: pa.RecordBatch, layout: Layout, *, texts: bool) -> Row:
        found.append((layout, batch.column(gathered_row.ROWS)[0].as_py()))
        return Row(batch, layout, texts=texts)

    monkeypatch.setattr(gathering, "Row", row)
    return found


def connector_of(placement: Placement) -> PostgresConnector:
    shop = placement.catalog.sources["shop"].connector
    assert isinstance(shop, PostgresConnector)
    return shop


class _NoTurns:
    def take(self) -> bool:
        return False

    def give(self) -> None:
        raise AssertionError


def read(placement: Placement, fragment: Fragment) -> pa.Table:
    """Its rows, from a moment of its own."""
    moment = connector_of(placement).moment(1, 1, _NoTurns())
    batches = moment.execute(fragment, None)
    try:
        return pa.Table.from_batches(list(batches), fragment.schema)
    finally:
        batches.close()
        moment.close()


def fragment_of(placement: Placement, sql: str) -> Fragment:
    """Of a statement that is one fragment, and reads a table through."""
    (planned,) = placement.plan(sql).fragments
    fragment = planned.fragment
    assert isinstance(fragment.query, SqlQuery) and fragment.query.whole is not None
    return fragment


def sorted_rows(table: pa.Table) -> list[str]:
    return sorted(map(repr, table.to_pylist()))


@pytest.mark.parametrize(
    "condition",
    [
        "even",
        "id > 2500",
        "seventh <> 5 OR seventh IS NULL",
        "day >= DATE '2000-03-01' AND NOT (fifth = 1 AND even)",
        "note < 'n5'",
        "seventh IN (0, 1, 2, 4)",
    ],
)
@pytest.mark.parametrize("range_pages", [9, 1 << 20])
def test_picked_rows_are_the_same_as_one_by_one(
    placement: Placement,
    layouts: list[tuple[Layout, int]],
    monkeypatch: pytest.MonkeyPatch,
    condition: str,
    range_pages: int,
) -> None:
    monkeypatch.setattr(ranges, "RANGE_BYTES", range_pages * 8192)
    sql = f"SELECT note, id, seventh, price, fifth, day FROM items WHERE {condition}"
    answer = placement.query(sql)
    one_by_one = placement.query(f"{sql} ORDER BY id")
    assert answer.schema == one_by_one.schema
    assert sorted_rows(answer) == sorted_rows(one_by_one)
    assert len(layouts) > 2
    assert sum(rows for _, rows in layouts) == answer.num_rows
    for column in answer.columns:
        column.validate(full=True)


def test_rows_that_were_added_or_moved_are_picked_too(
    placement: Placement, postgres_server: PostgresServer, layouts: list[tuple[Layout, int]]
) -> None:
    postgres_server.execute(
        "CREATE TABLE growing AS SELECT * FROM items", "ANALYZE growing", database=DATABASE
    )
    fragment = fragment_of(placement, "SELECT id, note FROM growing WHERE even")
    postgres_server.execute(
        "INSERT INTO growing SELECT id + 6000, even, seventh, price, note, fifth FROM items",
        "UPDATE growing SET even = NOT even WHERE id <= 1000",
        "DELETE FROM growing WHERE id BETWEEN 2000 AND 3000",
        database=DATABASE,
    )
    ids = read(placement, fragment)["id"].to_pylist()
    kept = [i for i in range(1, 12_001) if not 2000 <= i <= 3000]
    assert sorted(ids) == [i for i in kept if (i % 2 == 0) != (i <= 1000)]
    assert layouts


def test_pages_without_any_row_that_is_picked_are_nothing(
    placement: Placement, layouts: list[tuple[Layout, int]]
) -> None:
    answer = placement.query("SELECT id, note FROM items WHERE id > 3000")
    assert sorted(answer["id"].to_pylist()) == list(range(3001, 6001))
    assert 0 in {rows for _, rows in layouts}


@pytest.mark.parametrize(
    "condition",
    [
        "yes",
        "NOT yes",
        "yes IS NULL OR yes",
        "kind <> 'b'",
        "padded = 'x'",
        "padded <> 'x' OR padded IS NULL",
        "own > 100",
        "computed < 3000",
        "real <> 7",
        "money > 10 OR money IS NULL",
    ],
)
def test_conditions_on_columns_of_other_kinds_pick_the_same_rows(
    placement: Placement,
    postgres_server: PostgresServer,
    layouts: list[tuple[Layout, int]],
    condition: str,
) -> None:
    postgres_server.execute(
        "DROP TABLE IF EXISTS kinds",
        "DROP TYPE IF EXISTS kind",
        "DROP DOMAIN IF EXISTS own",
        "CREATE TYPE kind AS ENUM ('c', 'b', 'a')",
        "CREATE DOMAIN own AS bigint CHECK (VALUE > 0)",
        "CREATE TABLE kinds (id int NOT NULL, yes boolean, kind kind, padded char(3), own own,"
        " computed bigint GENERATED ALWAYS AS (id * 2) STORED, real real, money numeric)",
        "INSERT INTO kinds (id, yes, kind, padded, own, real, money)"
        " SELECT g, NULLIF(g % 3, 2) = 1, (ARRAY['a', 'b', 'c'])[1 + g % 3]::kind,"
        " CASE g % 3 WHEN 0 THEN 'x' WHEN 1 THEN 'y ' END, g,"
        " CASE g % 4 WHEN 0 THEN 'NaN' ELSE g::real END, NULLIF(g, 7)"
        " FROM generate_series(1, 2000) g",
        "ANALYZE kinds",
        database=DATABASE,
    )
    connector_of(placement)._forget()
    sql = f"SELECT id, own FROM kinds WHERE {condition}"
    answer = placement.query(sql)
    assert sorted_rows(answer) == sorted_rows(placement.query(f"{sql} ORDER BY id"))
    assert 0 < answer.num_rows < 2000 or condition.startswith(("computed", "real", "own", "money"))


def test_where_no_row_is_picked_there_is_none(
    placement: Placement, postgres_server: PostgresServer, layouts: list[tuple[Layout, int]]
) -> None:
    postgres_server.execute(
        "CREATE TABLE emptied AS SELECT * FROM items", "ANALYZE emptied", database=DATABASE
    )
    fragment = fragment_of(placement, "SELECT id, note FROM emptied WHERE even")
    postgres_server.execute(
        "UPDATE emptied SET even = false",
        "INSERT INTO emptied (id, even) VALUES (7, false)",
        database=DATABASE,
    )
    assert read(placement, fragment).num_rows == 0
    assert {rows for _, rows in layouts} == {0}


def test_ranges_of_a_table_keep_its_conditions() -> None:
    text = """SELECT t1."a" AS "a" FROM "s"."t" AS t1 WHERE t1."b" = 'x' OR t1."b" IS NULL"""
    first, last = in_ranges(text, Extent(1 << 10, 8192)) or ()
    either = """(t1."b" = 'x' OR t1."b" IS NULL)"""
    assert first == text.split(" WHERE ")[0] + f" WHERE {either} AND ctid < CAST('(512,0)' AS tid)"
    assert last == text.split(" WHERE ")[0] + f" WHERE {either} AND ctid >= CAST('(512,0)' AS tid)"
    for other in ("""a IN (SELECT b FROM "s"."u")""", """EXISTS(SELECT FROM "s"."t")"""):
        assert in_ranges(f"""SELECT "a" AS "a" FROM "s"."t" WHERE {other}""", Extent(9, 8)) is None


# --- integers that come short ---


@pytest.fixture
def numbers(placement: Placement, postgres_server: PostgresServer) -> Placement:
    postgres_server.execute(
        "DROP TABLE IF EXISTS numbers",
        "CREATE TABLE numbers (id bigint NOT NULL, other bigint, small int, tiny smallint NOT NULL,"
        " last bigint NOT NULL)",
        f"INSERT INTO numbers SELECT g - 1000, CASE g % 4 WHEN 0 THEN NULL WHEN 1 THEN {LEAST}"
        f" WHEN 2 THEN {MOST} ELSE -g END, CASE g % 5 WHEN 0 THEN NULL WHEN 1 THEN {LEAST}"
        f" WHEN 2 THEN {MOST} ELSE -1 END, -g % 100, g FROM generate_series(1, 5000) g",
        "ANALYZE numbers",
        database=DATABASE,
    )
    connector_of(placement)._forget()
    return placement


COLUMNS = ["id", "other", "small", "tiny", "last"]


@pytest.mark.parametrize(
    ("columns", "short"),
    [
        (["id"], (0,)),
        (["other"], (0,)),
        (["id", "other"], (0, 1)),
        (["other", "small"], (0,)),
        (["small", "other", "tiny"], (1,)),
        (["id", "other", "last"], (0, 2)),
        (COLUMNS, (0, 1, 4)),
        (["last", "last", "other"], (0, 1, 2)),
    ],
)
def test_short_integers_are_what_they_are(
    numbers: Placement,
    layouts: list[tuple[Layout, int]],
    columns: list[str],
    short: tuple[int, ...],
) -> None:
    named = [f"{column} AS c{place}" for place, column in enumerate(columns)]
    sql = f"SELECT {', '.join(named)} FROM numbers WHERE tiny <= 0"
    fragment = replace(fragment_of(numbers, sql), short=short)
    answer = read(numbers, fragment)
    assert {layout.short for layout, _ in layouts} == {short}
    assert answer.schema == fragment.schema
    assert sorted_rows(answer) == sorted_rows(numbers.query(f"{sql} ORDER BY last"))
    for column in answer.columns:
        column.validate(full=True)


@pytest.mark.parametrize("long", [LEAST - 1, MOST + 1, 1 << 62, -(1 << 63)])
@pytest.mark.parametrize("column", ["id", "other"])
@pytest.mark.parametrize("columns", [["id"], ["id", "other"], ["other", "tiny"], COLUMNS])
def test_an_integer_that_is_long_all_the_same_is_read_again_as_it_is(
    numbers: Placement,
    postgres_server: PostgresServer,
    layouts: list[tuple[Layout, int]],
    long: int,
    column: str,
    columns: list[str],
) -> None:
    sql = f"SELECT {', '.join(columns)} FROM numbers"
    fragment = fragment_of(numbers, sql)
    short = [place for place, name in enumerate(columns) if name in ("id", "other", "last")]
    fragment = replace(fragment, short=tuple(short))
    postgres_server.execute(
        f"UPDATE numbers SET {column} = {long} WHERE last IN (7, 2500, 5000)", database=DATABASE
    )
    answer = read(numbers, fragment)
    assert sorted_rows(answer) == sorted_rows(numbers.query(f"{sql} ORDER BY last"))
    carefully = sum(rows for layout, rows in layouts if not layout.short)
    assert (0 < carefully < 4000) == (column in columns), "only the pages beside it"


def test_null_where_there_was_to_be_none_is_noticed(
    numbers: Placement, postgres_server: PostgresServer
) -> None:
    fragment = replace(fragment_of(numbers, "SELECT id, last FROM numbers"), short=(0, 1))
    postgres_server.execute(
        "ALTER TABLE numbers ALTER id DROP NOT NULL",
        "UPDATE numbers SET id = NULL WHERE last = 2500",
        database=DATABASE,
    )
    with pytest.raises(SourceSchemaChangedError):
        read(numbers, fragment)


@pytest.mark.parametrize("another", ["numeric", "text", "double precision"])
def test_another_type_by_now_is_noticed(
    numbers: Placement, postgres_server: PostgresServer, another: str
) -> None:
    fragment = replace(fragment_of(numbers, "SELECT id, last FROM numbers"), short=(0, 1))
    postgres_server.execute(
        f"ALTER TABLE numbers ALTER id TYPE {another} USING id::{another}", database=DATABASE
    )
    with pytest.raises(SourceSchemaChangedError):
        read(numbers, fragment)


def crossed(placement: Placement, sql: str) -> tuple[int, int | None]:
    """The bytes of a statement's one fragment: as rows have them, and as they crossed."""
    _, account = placement.run_with_account(placement.plan(sql))
    (ran,) = account.fragments
    return ran.size_bytes, ran.crossed_bytes


def test_what_crossed_is_counted_as_it_came(
    numbers: Placement, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = connector_of(numbers)
    every = replace(shop.capabilities.framing, whole_from_bytes=0.0)
    monkeypatch.setattr(shop, "_capabilities", replace(shop.capabilities, framing=every))
    rows_bytes, crossed_bytes = crossed(numbers, "SELECT id, last FROM numbers WHERE tiny <= 0")
    assert (rows_bytes, crossed_bytes) == (80_000, 40_000)
    # Nothing comes short that is not read through, nor where the table is not gathered.
    assert crossed(numbers, "SELECT id, last FROM numbers WHERE last % 2 >= 0") == (80_000, None)
    monkeypatch.setattr(gathering, "WORTH_BYTES", 1 << 40)
    gathered.cache_clear()
    assert crossed(numbers, "SELECT id, last FROM numbers") == (80_000, None)


def test_one_integer_that_is_long_ends_it_for_its_table(
    numbers: Placement, postgres_server: PostgresServer, layouts: list[tuple[Layout, int]]
) -> None:
    postgres_server.execute(
        "UPDATE numbers SET id = 1::bigint << 40 WHERE last = 1",
        "VACUUM numbers",
        database=DATABASE,
    )
    connector_of(numbers)._forget()
    sql = "SELECT id, last FROM numbers WHERE tiny <= 0"
    fragment = replace(fragment_of(numbers, sql), short=(0, 1))
    rows = sorted_rows(numbers.query(f"{sql} ORDER BY last"))
    assert sorted_rows(read(numbers, fragment)) == rows
    assert {layout.short for layout, _ in layouts} == {(), (0, 1)}
    layouts.clear()
    assert sorted_rows(read(numbers, fragment)) == rows
    assert {layout.short for layout, _ in layouts} == {()}
    layouts.clear()
    connector_of(numbers)._forget()
    numbers.plan(sql)
    assert sorted_rows(read(numbers, fragment)) == rows
    assert {layout.short for layout, _ in layouts} == {(), (0, 1)}


@pytest.mark.parametrize(("long", "separated"), [(9, 9), (9, 10), (10, 9), (9, 4500)])
def test_pages_with_a_long_integer_and_a_text_that_needs_its_length_are_read_twice_or_thrice(
    placement: Placement,
    postgres_server: PostgresServer,
    layouts: list[tuple[Layout, int]],
    long: int,
    separated: int,
) -> None:
    postgres_server.execute(
        "DROP TABLE IF EXISTS both_odd",
        "CREATE TABLE both_odd AS SELECT g::bigint AS id, 'n' || g AS note"
        " FROM generate_series(1, 5000) g",
        "ANALYZE both_odd",
        database=DATABASE,
    )
    connector_of(placement)._forget()
    sql = "SELECT id, note FROM both_odd WHERE id > 0"
    fragment = replace(fragment_of(placement, sql), short=(0,))
    postgres_server.execute(
        f"UPDATE both_odd SET note = chr(22) || 'x' WHERE id = {separated}",
        f"UPDATE both_odd SET id = id + (1::bigint << 33) WHERE id = {long}",
        database=DATABASE,
    )
    answer = read(placement, fragment)
    assert sorted_rows(answer) == sorted_rows(placement.query(f"{sql} ORDER BY id"))
    assert answer.num_rows == 5000
    assert any(layout.separated == () for layout, _ in layouts)
    assert any(layout.short == () and layout.separated for layout, _ in layouts)
