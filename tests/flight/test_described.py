"""SHOW, DESCRIBE and the information schema: what there is to query, through a real client."""

from __future__ import annotations

from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from connectors.memory import MemoryConnector
from connectors.system import SCHEMAS
from planner.catalog import Source

from .conftest import Running, Start
from .wire import statement

ODD = pa.table({"Day": pa.array([1], pa.date32()), "n": pa.array([1], pa.int32())})


@pytest.fixture
def lake(start: Start) -> Running:
    """Two sources; `tables` is also the name of a table of one."""
    lake = Source("lake", MemoryConnector("lake", {"visits": ODD, "Odd One": ODD, "tables": ODD}))
    return start(others=(lake,))


def rows(running: Running, sql: str, **options: Any) -> list[tuple[Any, ...]]:
    with running.connect(**options) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


@pytest.mark.parametrize("dialect", [None, "snowflake", "tsql"])
def test_tables_are_shown_by_source_and_schema(lake: Running, dialect: str | None) -> None:
    header = {"adbc.flight.sql.rpc.call_header.x-crosswind-dialect": dialect} if dialect else {}
    assert rows(lake, "show tables;", db_kwargs=header) == [
        ("lake", "main", "Odd One"),
        ("lake", "main", "tables"),
        ("lake", "main", "visits"),
        ("shop", "main", "items"),
        ("shop", "main", "one"),
    ]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SHOW TABLES FROM lake LIKE '%i%'", [("lake", "main", "visits")]),
        ("SHOW TABLES IN shop.main", [("shop", "main", "items"), ("shop", "main", "one")]),
        ("SHOW TABLES FROM nowhere", []),
        ("SHOW CATALOGS", [("lake",), ("shop",)]),
        ("SHOW DATABASES", [("lake",), ("shop",)]),
        ("SHOW SCHEMAS FROM lake", [("lake", "main")]),
        ("SHOW SCHEMAS", [("lake", "main"), ("shop", "main")]),
    ],
)
def test_what_is_shown_can_be_narrowed(
    lake: Running, sql: str, found: list[tuple[str, ...]]
) -> None:
    assert rows(lake, sql) == found


@pytest.mark.parametrize(
    "sql",
    [
        'DESCRIBE lake."Odd One"',
        '\n desc table "Odd One"',
        'SHOW COLUMNS FROM lake.main."Odd One"',
    ],
)
def test_a_table_is_described_by_any_of_its_names(lake: Running, sql: str) -> None:
    assert rows(lake, sql) == [("Day", "date32[day]", "YES", ""), ("n", "int32", "YES", "")]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DESCRIBE vissits", "line 1, column 10: table 'vissits' does not exist. Nearest: lake"),
        ("DESCRIBE shop.one two", "line 1, column 19: this form of SHOW or DESCRIBE"),
        ("SHOW search_path", "line 1, column 6: .*There are SHOW TABLES"),
        ("SHOW", "There are SHOW TABLES"),
        ("DESCRIBE SELECT 1", "this form of SHOW or DESCRIBE"),
        ("SHOW TABLES LIKE visits", "line 1, column 18"),
        ("SHOW TABLES; DROP TABLE x", "this form of SHOW or DESCRIBE"),
    ],
)
def test_other_forms_are_refused_with_the_place_and_what_there_is(
    lake: Running, sql: str, says: str
) -> None:
    with pytest.raises(flightsql.Error, match=says):
        rows(lake, sql)


def test_the_information_schema_is_tables_like_others(lake: Running) -> None:
    assert rows(
        lake,
        "SELECT t.table_name, count(*) FROM information_schema.tables t "
        "JOIN information_schema.columns c ON c.table_name = t.table_name "
        "WHERE t.table_type = 'TABLE' AND t.table_catalog = 'lake' AND c.table_catalog = 'lake' "
        "GROUP BY 1 ORDER BY 1",
    ) == [("Odd One", 2), ("tables", 2), ("visits", 2)]
    assert rows(
        lake,
        "SELECT column_name, ordinal_position, is_nullable FROM information_schema.columns "
        "WHERE table_name = 'items' AND ordinal_position < 3 ORDER BY 2",
    ) == [("id", 1, "YES"), ("name", 2, "YES")]
    assert rows(lake, "SELECT count(*) FROM information_schema.columns") == [(11,)]
    assert len(rows(lake, "SELECT table_name FROM information_schema.tables LIMIT 4")) == 4


def test_only_what_a_filter_names_is_looked_up(lake: Running) -> None:
    asked: list[str] = []
    tables = lake.connector.tables()
    find = type(tables).find

    def spied(self: Any, name: Any) -> Any:
        asked.append(name.name)
        return find(self, name)

    type(tables).find = spied  # type: ignore[method-assign]
    try:
        rows(lake, "DESCRIBE shop.one")
        rows(lake, "SELECT table_name FROM information_schema.tables")
    finally:
        type(tables).find = find  # type: ignore[method-assign]
    assert set(asked) == {"one"}


@pytest.mark.parametrize("sql", ["DESCRIBE crosswind.links", "SHOW COLUMNS FROM crosswind.links"])
def test_a_table_of_the_servers_own_is_described(lake: Running, sql: str) -> None:
    found = rows(lake, sql)
    assert found[:2] == [("source", "string", "NO", ""), ("rtt_ms", "double", "YES", "")]
    assert [name for name, *_ in found] == SCHEMAS["links"].names


def test_the_information_schema_describes_itself(lake: Running) -> None:
    assert rows(lake, "DESCRIBE information_schema.schemata") == [
        ("catalog_name", "string", "NO", ""),
        ("schema_name", "string", "NO", ""),
    ]


@pytest.mark.parametrize(
    "options", ["", "ANALYZE", "VERBOSE", "ESTIMATES", "FORMAT json", "ANALYZE FORMAT mermaid"]
)
def test_queries_of_the_servers_own_tables_are_explained(lake: Running, options: str) -> None:
    joined = (
        "SELECT l.source, i.id FROM crosswind.links l LEFT JOIN shop.items i ON i.name = l.source"
    )
    counted = (
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) "
        "SELECT n, source FROM r LEFT JOIN crosswind.links ON rtt_ms = n"
    )
    for sql in ("SELECT source FROM crosswind.links", joined, counted):
        assert any("crosswind" in str(row) for row in rows(lake, f"EXPLAIN {options} {sql}"))
    assert sorted(rows(lake, counted)) == [(1, None), (2, None), (3, None)]


def test_a_bare_name_is_that_of_the_only_schema_that_has_it(start: Start) -> None:
    lake = Source("lake", MemoryConnector("lake", {"items": ODD}))
    running = start({"sales.recent": ODD, "sales.items": ODD, "b.many": ODD, "a.many": ODD})
    assert rows(running, "SELECT n FROM recent") == rows(running, "SELECT n FROM sales.recent")
    # Before those of other schemas come the tables of the default ones.
    assert rows(running, "SELECT count(*) FROM items") == [(1000,)]
    with pytest.raises(flightsql.Error, match=r"'many' is ambiguous: shop\.a\.many, shop\.b\.many"):
        rows(running, "SELECT n FROM many")
    two = start({"sales.recent": ODD}, others=(lake,))
    with pytest.raises(
        flightsql.Error, match=r"'items' is ambiguous: shop\.main.items, lake\.main"
    ):
        rows(two, "SELECT n FROM items")
    assert rows(two, "DESCRIBE recent") == [
        ("Day", "date32[day]", "YES", ""),
        ("n", "int32", "YES", ""),
    ]


def test_the_information_schema_is_in_nobodys_way(lake: Running) -> None:
    assert rows(lake, "SELECT n FROM tables") == [(1,)]
    with lake.connect() as connection:
        found = connection.adbc_get_objects(depth="catalogs").read_all()
    assert found["catalog_name"].to_pylist() == ["lake", "shop"]


def test_showing_scans_no_table_of_a_source(lake: Running) -> None:
    with lake.flight() as client:
        info = client.get_flight_info(statement("SHOW TABLES"))
        assert info.schema.names == ["table_catalog", "table_schema", "table_name"]
        assert isinstance(info, fl.FlightInfo)
    (plan,) = (lake.planning.plan("DESCRIBE items", lake.queries.catalog).plan,)
    assert {fragment.source for fragment in plan.fragments} == {"information_schema"}
