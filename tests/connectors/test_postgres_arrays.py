"""Arrays are lists: of every element, exact, and never flattened; little of them goes there."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
import pytest

from connectors.adbc.postgres.ranges import Extent, in_ranges
from connectors.contract import SqlQuery, TableName
from connectors.errors import SourceRejectedError
from planner.emit.dialect import AggregateRule, FunctionRule
from planner.emit.postgres import POSTGRES
from planner.emit.postgres.arrays import TAKE_ARRAYS
from planner.relations import Call, Frame, Literal, Measure, WindowCall
from tests.placements import Placement
from tests.postgres_server import PostgresServer

_UTC = datetime.UTC

LISTS: dict[str, tuple[str, pa.DataType, list[object]]] = {
    "bool[]": ("'{t,f,NULL}'", pa.bool_(), [True, False, None]),
    "int2[]": ("'{-32768}'", pa.int16(), [-(2**15)]),
    "int4[]": ("'{1,NULL,3}'", pa.int32(), [1, None, 3]),
    "int8[]": ("'{9223372036854775807}'", pa.int64(), [2**63 - 1]),
    "float4[]": ("'{1.5,Infinity}'", pa.float32(), [1.5, float("inf")]),
    "float8[]": ("'{-0.1,NULL}'", pa.float64(), [-0.1, None]),
    "numeric(5,2)[]": ("'{1.1,NULL,-999.99}'", pa.decimal128(5, 2), ["1.10", None, "-999.99"]),
    "numeric[]": ("'{0.5}'", pa.decimal128(38, 18), ["0.500000000000000000"]),
    "numeric(50,10)[]": ("'{1}'", pa.decimal256(50, 10), ["1.0000000000"]),
    "numeric(90,10)[]": ("'{1}'", pa.string(), ["1.0000000000"]),
    "text[]": ("""'{"a,b","",NULL,"NULL",é}'""", pa.string(), ["a,b", "", None, "NULL", "é"]),
    "varchar(3)[]": ("'{abc}'", pa.string(), ["abc"]),
    "bpchar(3)[]": ("'{a}'", pa.string(), ["a"]),
    "name[]": ("'{a}'", pa.string(), ["a"]),
    "date[]": ("'{0001-01-01}'", pa.date32(), [datetime.date(1, 1, 1)]),
    "time[]": ("'{23:59:59.5}'", pa.time64("us"), [datetime.time(23, 59, 59, 500_000)]),
    "timestamp[]": ("'{2024-02-29}'", pa.timestamp("us"), [datetime.datetime(2024, 2, 29)]),
    "timestamptz[]": (
        "'{2024-07-01 02:00:00+02,NULL}'",
        pa.timestamp("us", "UTC"),
        [datetime.datetime(2024, 7, 1, tzinfo=_UTC), None],
    ),
    "bytea[]": (r"""'{"\\x00ff",""}'""", pa.binary(), [b"\x00\xff", b""]),
    "uuid[]": (
        "'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'",
        pa.string(),
        ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    ),
    "jsonb[]": ("""ARRAY['{"a":1}'::jsonb]""", pa.string(), ['{"a": 1}']),
    "interval[]": ("'{1 day}'", pa.string(), ["1 day"]),
    "feeling[]": ("'{ok,NULL}'", pa.string(), ["ok", None]),
    "cents[]": ("'{1.5}'", pa.decimal128(9, 2), ["1.50"]),
    "positive[]": ("'{7}'", pa.int32(), [7]),
    "few": ("'{1,2}'", pa.int32(), [1, 2]),
}
"""Types of arrays: a value as it is written, the Arrow type of its elements, and what is read."""

_STATEMENTS = (
    "CREATE TYPE feeling AS ENUM ('sad', 'ok')",
    "CREATE DOMAIN cents AS numeric(9, 2)",
    "CREATE DOMAIN positive AS int4 CHECK (VALUE > 0)",
    "CREATE DOMAIN few AS int4[]",
    "CREATE TABLE tagged (id int, tags text[], short varchar(5)[], sizes int4[])",
    "INSERT INTO tagged VALUES (1, '{b,NULL,a}', '{x}', '{1,2}'), (2, '{}', '{}', '{}'),"
    " (3, NULL, NULL, NULL), (4, '[5:6]={c,d}', '[0:0]={y}', '[-1:1]={7,8,9}')",
    "CREATE TABLE grids (id int, g int4[], w timestamp[], n numeric(5,2)[])",
    "INSERT INTO grids VALUES (1, '{{1,2},{3,4}}', NULL, NULL), (2, NULL, '{infinity}', NULL),"
    " (3, NULL, NULL, '{NaN}'), (4, '{1}', NULL, NULL)",
    "CREATE TABLE declared (g int4[][], cube text[][][])",
    "INSERT INTO declared VALUES ('{{1,2},{3,4}}', '{flat}')",
)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    columns = ", ".join(f"c{i} {type_}" for i, type_ in enumerate(LISTS))
    name = "tests_postgres_arrays"
    with postgres_server.database(name) as uri:
        values = ", ".join(value for value, _, _ in LISTS.values())
        postgres_server.execute(
            *_STATEMENTS,
            f"CREATE TABLE lists (id int, {columns})",
            f"INSERT INTO lists VALUES (1, {values})",
            f"INSERT INTO lists VALUES (2, {', '.join('NULL' for _ in LISTS)})",
            f"INSERT INTO lists VALUES (3, {', '.join(repr('{}') for _ in LISTS)})",
            database=name,
        )
        yield uri


@pytest.fixture(scope="module")
def placement(database: str) -> Iterator[Placement]:
    shop = {"connector": "postgres", "uri": database, "max_connections": 2}
    with Placement.of_sources({"shop": shop}) as placement:
        yield placement


def test_arrays_of_every_type_are_lists_with_nulls_and_empties_apart(placement: Placement) -> None:
    answer = placement.query("SELECT * FROM lists ORDER BY id")
    for (name, (_, type_, values)), column in zip(LISTS.items(), answer.columns[1:], strict=True):
        assert column.type == pa.list_(type_), name
        wanted = [Decimal(str(v)) if pa.types.is_decimal(type_) and v else v for v in values]
        assert column.to_pylist() == [wanted, None, []], name


def test_lists_of_every_type_go_through_the_engine(placement: Placement) -> None:
    names = [f"c{number}" for number in range(len(LISTS))]
    lengths = ", ".join(f"array_length({name}) AS l{name}" for name in names)
    plan = placement.plan(
        f"SELECT {', '.join(names)}, {lengths} FROM lists WHERE cardinality(c0) > 0"
    )
    assert plan.residual is not None
    answer = placement.run(plan)
    whole = placement.query(f"SELECT {', '.join(names)} FROM lists WHERE id = 1")
    assert answer.select(names) == whole
    wanted = [len(values) for _, _, values in LISTS.values()]
    assert [answer[f"l{name}"].to_pylist() for name in names] == [[n] for n in wanted]


def test_what_a_list_lacks_is_said(placement: Placement) -> None:
    tables = placement.catalog.sources["shop"].connector.tables()
    lists = tables.find(TableName("public", "lists"))
    assert lists is not None
    natives = {column.native_type: column.lost for column in lists.columns[1:]}
    assert all("dimensions" in lost for lost in natives.values())
    assert "sorts and compares" in natives["public.feeling[]"]
    assert "numeric(9,2)[]" in natives


def test_where_an_array_starts_is_not_kept(placement: Placement) -> None:
    answer = placement.query("SELECT tags, short, sizes FROM tagged WHERE id = 4").to_pylist()
    assert answer == [{"tags": ["c", "d"], "short": ["y"], "sizes": [7, 8, 9]}]


def test_an_array_of_several_dimensions_is_never_flattened(placement: Placement) -> None:
    with pytest.raises(SourceRejectedError, match=r"'g' holds an array of 2 dimensions") as raised:
        placement.query("SELECT id, g FROM grids")
    assert "arrays" in str(raised.value.hint)
    with pytest.raises(SourceRejectedError, match="'g' holds an array of 2 dimensions"):
        placement.query("SELECT max(e) FROM (SELECT unnest(g) AS e FROM grids)")
    assert placement.query("SELECT g FROM grids WHERE id = 4").to_pydict() == {"g": [[1]]}


def test_elements_that_their_type_does_not_hold_fail_and_name_the_column(
    placement: Placement,
) -> None:
    with pytest.raises(SourceRejectedError, match="'w' holds infinity"):
        placement.query("SELECT w FROM grids WHERE id = 2")
    with pytest.raises(SourceRejectedError, match="'n' holds NaN"):
        placement.query("SELECT n FROM grids WHERE id = 3")


def test_arrays_declared_with_several_dimensions_are_their_text(placement: Placement) -> None:
    answer = placement.query("SELECT * FROM declared")
    assert answer.to_pydict() == {"g": ["{{1,2},{3,4}}"], "cube": ["{flat}"]}


def test_all_arrays_are_texts_where_the_source_says_so(database: str) -> None:
    shop = {"connector": "postgres", "uri": database, "arrays": "text"}
    with Placement.of_sources({"shop": shop}) as placement:
        answer = placement.query("SELECT g, n FROM grids ORDER BY id")
        assert answer.to_pydict() == {
            "g": ["{{1,2},{3,4}}", None, None, "{1}"],
            "n": [None, None, "{NaN}", None],
        }
        answer = placement.query("SELECT tags, short FROM tagged WHERE short = '{x}'")
        assert answer.to_pydict() == {"tags": ["{b,NULL,a}"], "short": ["{x}"]}
        lists = (
            placement.catalog.sources["shop"].connector.tables().find(TableName("public", "lists"))
        )
        assert lists is not None
        assert {column.lost for column in lists.columns[1:]} == {
            "that it is an array; it is its text, in braces"
        }


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("SELECT id FROM tagged WHERE tags IS NULL", [(3,)]),
        ("SELECT count(tags) AS n FROM tagged WHERE sizes IS NOT NULL", [(3,)]),
        ("SELECT tags FROM tagged ORDER BY id LIMIT 1", [(["b", None, "a"],)]),
        (
            "SELECT t.id, u.sizes FROM tagged t JOIN tagged u ON t.id = u.id WHERE t.id > 3",
            [(4, [7, 8, 9])],
        ),
        (
            "SELECT id, x FROM (SELECT id, tags AS x FROM tagged UNION ALL"
            " SELECT id + 10, short FROM tagged) ORDER BY id LIMIT 1",
            [(1, ["b", None, "a"])],
        ),
    ],
)
def test_what_looks_at_no_element_runs_there(
    placement: Placement, sql: str, wanted: list[tuple[object, ...]]
) -> None:
    plan = placement.plan(sql)
    assert plan.residual is None, sql
    rows = placement.query(sql).to_pylist()
    assert [tuple(row.values()) for row in rows] == wanted


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            "SELECT id, e FROM (SELECT id, unnest(tags) AS e FROM tagged) WHERE e > 'b' ORDER BY e",
            [(4, "c"), (4, "d")],
        ),
        ("SELECT id FROM tagged WHERE array_has(tags, 'a')", [(1,)]),
        ("SELECT id, array_length(sizes) AS n FROM tagged WHERE tags[1] = 'c'", [(4, 3)]),
        (
            "SELECT DISTINCT tags FROM tagged WHERE id IN (1, 2) ORDER BY tags",
            [([],), (["b", None, "a"],)],
        ),
        ("SELECT id FROM tagged WHERE sizes = make_array(1, 2)", [(1,)]),
        ("SELECT id FROM tagged WHERE 8 = ANY(sizes)", [(4,)]),
        (
            "SELECT id, CASE WHEN id > 1 THEN tags ELSE short END AS x FROM tagged WHERE id < 3"
            " ORDER BY id",
            [(1, ["x"]), (2, [])],
        ),
        ("SELECT coalesce(tags, short) AS x FROM tagged WHERE id = 3", [(None,)]),
        (
            "SELECT id, first_value(sizes) OVER (ORDER BY id) AS x FROM tagged ORDER BY id LIMIT 1",
            [(1, [1, 2])],
        ),
    ],
)
def test_what_looks_at_elements_runs_here(
    placement: Placement, sql: str, wanted: list[tuple[object, ...]]
) -> None:
    plan = placement.plan(sql)
    assert plan.residual is not None, sql
    rows = placement.query(sql).to_pylist()
    assert [tuple(row.values()) for row in rows] == wanted
    for word in ("array_length", "CASE", "unnest", "first_value", "GROUP"):
        assert not any(word in str(fragment) for fragment in plan.fragments), sql


def test_a_large_table_of_arrays_is_read_in_pieces(placement: Placement) -> None:
    (fragment,) = placement.plan("SELECT * FROM lists").fragments
    query = fragment.fragment.query
    assert isinstance(query, SqlQuery) and query.whole is not None
    assert in_ranges(query.text, Extent(pages=8193, page_bytes=8192)) is not None


def test_no_rule_takes_an_array_but_those_that_are_named() -> None:
    tags = Literal(None, pa.list_(pa.string()))
    taken = set()
    for name, rule in {**POSTGRES.functions, **POSTGRES.aggregates}.items():
        asked: object
        if isinstance(rule, FunctionRule):
            asked = Call(name, (tags, tags), pa.bool_(), True)
        else:
            assert isinstance(rule, AggregateRule)
            asked = Measure(name, (tags,), pa.int64())
        if rule.refuse(asked) is None:  # type: ignore[arg-type]
            taken.add(name)
    assert taken == TAKE_ARRAYS
    distinct = Measure("count", (tags,), pa.int64(), distinct=True)
    assert POSTGRES.aggregates["count"].refuse(distinct) is not None
    for name, rule in POSTGRES.windows.items():
        frame = Frame("rows", None, None)
        call = WindowCall(name, (tags,), pa.int64(), True, (), (), frame)
        assert rule.refuse(call) is not None
