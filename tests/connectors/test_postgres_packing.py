"""Columns that PostgreSQL sends as one text for each row are what they are one by one."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from connectors.adbc.postgres import PostgresConnector, gathering, packing, ranges
from connectors.adbc.postgres.columns import Columns
from connectors.adbc.postgres.gathering import gathered
from connectors.adbc.postgres.packing import Packing, packed
from connectors.adbc.postgres.ranges import Extent
from connectors.contract import SqlQuery
from connectors.errors import SourceRejectedError, SourceSchemaChangedError
from tests.placements import Placement
from tests.postgres_server import PostgresServer

DATABASE = __name__.replace(".", "_")

TEXTS = (
    "",
    " ",
    "NULL",
    "null",
    "\\N",
    "a,b",
    "(a)",
    '"',
    '""',
    "\\",
    '\\"',
    '"\\',
    "a\nb",
    "\n",
    "\r\n",
    "\r",
    "a\\nb",
    ",)\n(,",
    "\t",
    "\x01\x0b\x0c\x7f",
    " nbsp ",
    "é€😀",
    "  both  ",
    "'",
    "E'\\n'",
    "é" * 300,
)

COLUMNS = """
id int NOT NULL, small smallint, large bigint, money numeric(9, 2), any_number numeric,
longest numeric(38, 0), shortest numeric(38, 38), thousands numeric(2, -3), huge numeric(60, 3),
note text, name varchar(400), "a,""(b" char(5), real double precision, day date, yes boolean,
bytes bytea, kind uuid, "(" int, ")" text
"""

EXTREMES = (
    "1, 32767, 9223372036854775807, 9999999.99, 99999999999999999999.999999999999999999,"
    f" {'9' * 38}, 0.{'9' * 38}, 99000, {'9' * 57}.999, '', '', 'x', 'NaN', '0001-01-01', true,"
    r" '\x00', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 2147483647, 't'",
    "2, -32768, -9223372036854775808, -9999999.99, -99999999999999999999.999999999999999999,"
    f" -{'9' * 38}, -0.{'9' * 38}, -99000, -{'9' * 57}.999, ',', '\"', 'a b', '-Infinity',"
    " '9999-12-31', false, '', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', -2147483648, 'f'",
    "3, 0, 0, 0, 0.000000000000000001, 0, 0, 0, 0, 'NULL', '', '', '-0', '2000-01-01', NULL,"
    r" '\x5c22', NULL, 0, ''",
    "4" + ", NULL" * 18,
)


@pytest.fixture(scope="module")
def placement(postgres_server: PostgresServer, postgres_uri: str) -> Iterator[Placement]:
    postgres_server.execute(
        f"CREATE TABLE mixed ({COLUMNS})",
        *(f"INSERT INTO mixed VALUES ({values})" for values in EXTREMES),
        *(
            f'INSERT INTO mixed (id, note, name, ")") VALUES ({i}, {text}, {text}, {text})'
            for i, text in enumerate(map(quoted, TEXTS), 10)
        ),
        f"CREATE TABLE widest AS SELECT {', '.join(f'i + {n} AS c{n}' for n in range(1600))}"
        " FROM generate_series(1, 3) i",
        "CREATE TABLE odd (id int, a numeric(9, 2), b numeric, c bigint, note text)",
        "ANALYZE",
        database=DATABASE,
    )
    shop = {"connector": "postgres", "uri": postgres_uri, "max_connections": 8}
    with Placement.of_sources({"shop": shop}) as placement:
        yield placement


def quoted(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.fixture(autouse=True, params=["row by row", "by columns"])
def every_table_is_large(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(packing, "WORTH_BYTES", 0)
    monkeypatch.setattr(gathering, "WORTH_BYTES", 0)
    if request.param == "row by row":
        monkeypatch.setattr(gathering, "_MOST_COLUMNS", 0)
    packed.cache_clear()
    gathered.cache_clear()
    yield
    packed.cache_clear()
    gathered.cache_clear()


def packing_of(placement: Placement, sql: str) -> Packing | None:
    """What is made of a statement that is one fragment."""
    (planned,) = placement.plan(sql).fragments
    query = planned.fragment.query
    shop = placement.catalog.sources["shop"].connector
    assert isinstance(query, SqlQuery) and query.whole is not None
    assert isinstance(shop, PostgresConnector)
    extent = shop._statistics.extent(query.whole)
    assert extent is not None
    return packed(query.text, planned.fragment.schema, extent)


def test_values_are_the_same_as_one_by_one(placement: Placement) -> None:
    found = packing_of(placement, "SELECT * FROM mixed")
    assert found is not None
    names = [found.schema.field(place).name for place in found.places]
    assert {"id", "small", "large", "money", "any_number", "longest", "note", ")"} <= set(names)
    assert not {"huge", "real", "day", "yes", "bytes"} & set(names)

    answer = placement.query("SELECT * FROM mixed")
    one_by_one = placement.query("SELECT * FROM mixed ORDER BY id")
    assert answer.schema == one_by_one.schema
    by_id = {row["id"]: repr(row) for row in answer.to_pylist()}
    assert by_id == {row["id"]: repr(row) for row in one_by_one.to_pylist()}
    notes = dict(zip(answer["id"].to_pylist(), answer["note"].to_pylist(), strict=True))
    assert tuple(notes[i] for i in range(10, 10 + len(TEXTS))) == TEXTS


def test_columns_may_be_chosen_twice_and_in_any_order(placement: Placement) -> None:
    sql = 'SELECT ")", large, day, "(", large AS again, note, id FROM mixed'
    assert packing_of(placement, sql) is not None
    answer = placement.query(sql)
    assert answer.column_names == [")", "large", "day", "(", "again", "note", "id"]
    one_by_one = placement.query(f"{sql} ORDER BY id").to_pylist()
    assert sorted(answer.to_pylist(), key=lambda row: row["id"]) == one_by_one


def test_the_widest_table_fits(placement: Placement) -> None:
    found = packing_of(placement, "SELECT * FROM widest")
    assert found is not None and len(found.places) == 1600
    answer = placement.query("SELECT * FROM widest")
    assert sorted(answer["c1599"].to_pylist()) == [1600, 1601, 1602]
    assert answer.num_columns == 1600


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ("1, 'NaN', 1, 1, ''", "a"),
        ("1, 1, 'NaN', 1, ''", "b"),
        ("1, 1, '-Infinity', 1, ''", "b"),
        ("1, 1, 1e20 + 0.5, 1, ''", "b"),
        ("1, 1, 1e-19, 1, ''", "b"),
    ],
)
def test_a_value_that_does_not_fit_fails_and_its_column_is_named(
    placement: Placement, postgres_server: PostgresServer, values: str, column: str
) -> None:
    postgres_server.execute(f"INSERT INTO odd VALUES ({values})", database=DATABASE)
    try:
        assert packing_of(placement, "SELECT * FROM odd") is not None
        with pytest.raises(SourceRejectedError, match=f"column '{column}' holds") as raised:
            placement.query("SELECT * FROM odd")
        with pytest.raises(SourceRejectedError) as one_by_one:
            placement.query("SELECT * FROM odd ORDER BY id")
        assert str(raised.value) == str(one_by_one.value)
    finally:
        postgres_server.execute("TRUNCATE odd", database=DATABASE)


@pytest.mark.parametrize(
    ("column", "type_"),
    [
        ("id", "text"),
        ("id", "numeric"),
        ("c", "numeric"),
        ("note", "bytea"),
        ("id", "bigint"),
        ("a", "text"),
        ("b", "double precision"),
    ],
)
def test_a_column_of_another_type_by_now_is_noticed_without_a_row(
    placement: Placement, postgres_server: PostgresServer, column: str, type_: str
) -> None:
    changing = "CREATE TABLE changing AS SELECT * FROM odd"
    cast = f"{column}::text::{type_}"
    postgres_server.execute(changing, "ANALYZE changing", database=DATABASE)
    try:
        plan = placement.plan("SELECT id, a, b, c, note FROM changing")
        postgres_server.execute(
            f"ALTER TABLE changing ALTER {column} TYPE {type_} USING {cast}", database=DATABASE
        )
        with pytest.raises(SourceSchemaChangedError):
            placement.run(plan)
    finally:
        postgres_server.execute("DROP TABLE changing", database=DATABASE)


def test_a_function_of_the_same_name_is_not_taken_for_the_servers(
    placement: Placement, postgres_server: PostgresServer
) -> None:
    postgres_server.execute(
        "CREATE TABLE shadowed AS SELECT * FROM odd",
        "INSERT INTO shadowed VALUES (1, 1, 1, 1, '')",
        "ANALYZE shadowed",
        "CREATE FUNCTION public.int4send(text) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'",
        database=DATABASE,
    )
    try:
        plan = placement.plan("SELECT id, a, b, c, note FROM shadowed")
        postgres_server.execute("ALTER TABLE shadowed ALTER id TYPE text", database=DATABASE)
        with pytest.raises(SourceSchemaChangedError):
            placement.run(plan)
    finally:
        postgres_server.execute(
            "DROP TABLE shadowed", "DROP FUNCTION public.int4send(text)", database=DATABASE
        )


@pytest.mark.parametrize("type_", ["date", "timestamp", "timestamptz"])
@pytest.mark.parametrize("connections", [1, 4])
def test_infinity_beside_packed_columns_is_refused(
    placement: Placement,
    postgres_server: PostgresServer,
    monkeypatch: pytest.MonkeyPatch,
    type_: str,
    connections: int,
) -> None:
    monkeypatch.setattr(ranges, "RANGE_BYTES", 4 * 8192 if connections > 1 else 1 << 30)
    # What is known of a table is kept for a while.
    table = f"endless_{type_}_{connections}"
    postgres_server.execute(
        f"CREATE TABLE {table} AS SELECT n, n AS a, n AS b, n AS c, 'long ' || n AS note,"
        f" {type_} '2020-02-29' AS moment FROM generate_series(1, 2000) n",
        f"INSERT INTO {table} VALUES (0, 0, 0, 0, '', 'infinity')",
        f"ANALYZE {table}",
        database=DATABASE,
    )
    try:
        sql = f"SELECT n, a, b, c, note, moment FROM {table}"
        found = packing_of(placement, sql)
        assert found is not None and len(found.places) == 5
        with pytest.raises(SourceRejectedError, match="column 'moment' holds infinity"):
            placement.query(sql)
        postgres_server.execute(f"DELETE FROM {table} WHERE n = 0", database=DATABASE)
        moments = placement.query(sql)["moment"]
        assert len(moments) == 2000 and len(moments.unique()) == 1
    finally:
        postgres_server.execute(f"DROP TABLE {table}", database=DATABASE)


def test_only_of_a_decimal_is_it_said_that_it_cannot_be_nan() -> None:
    found = pa.schema([("n", pa.opaque(pa.string(), "numeric", "PostgreSQL"))])
    batch = pa.record_batch(
        [pa.ExtensionArray.from_storage(found[0].type, pa.array(["NaN"]))], found
    )
    for type_, said in ((pa.decimal128(9, 2), "holds NaN"), (pa.int64(), "does not fit int64")):
        columns = Columns("shop", found, pa.schema([("n", type_)]))
        with pytest.raises(SourceRejectedError, match=said):
            columns.convert(batch)


def test_a_decimal_of_more_digits_by_now_fails(
    placement: Placement, postgres_server: PostgresServer
) -> None:
    postgres_server.execute(
        "CREATE TABLE growing AS SELECT * FROM odd",
        "INSERT INTO growing VALUES (1, 1, 1, 1, '')",
        "ANALYZE growing",
        database=DATABASE,
    )
    try:
        plan = placement.plan("SELECT id, a, b, c, note FROM growing")
        postgres_server.execute(
            "ALTER TABLE growing ALTER a TYPE numeric(9, 0)",
            "UPDATE growing SET a = 123456789",
            database=DATABASE,
        )
        with pytest.raises(SourceRejectedError, match=r"does not fit decimal128\(9, 2\)"):
            placement.run(plan)
    finally:
        postgres_server.execute("DROP TABLE growing", database=DATABASE)


def test_only_large_tables_and_short_values_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = pa.schema([(name, pa.int32()) for name in "abc"] + [("t", pa.string())])
    text = 'SELECT "a" AS "a", "b" AS "b", "c" AS "c", "t" AS "t" FROM "s"."x"'
    large, short = Extent(1 << 10, 8192), frozenset({"t"})
    assert packed(text, schema, Extent(1 << 10, 8192, short)) is not None
    assert packed(text, schema, large) is None, "three columns are too few"
    assert packed(f"{text} LIMIT 1", schema, Extent(1 << 10, 8192, short)) is None
    monkeypatch.undo()
    packed.cache_clear()
    assert packed(text, schema, Extent(1 << 8, 8192, short)) is None, "two MB"
