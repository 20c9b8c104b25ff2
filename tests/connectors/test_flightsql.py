"""The flightsql connector over another Crosswind: catalog, types, statistics, pushdown."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flight_server
from connectors import looked_up, registry
from connectors.adbc.flightsql import FlightsqlConnector, create
from connectors.adbc.flightsql.options import FlightsqlOptions, TlsOptions
from connectors.adbc.flightsql.product import Product
from connectors.contract import Connector, Fragment, TableName, TableScan
from connectors.errors import ConfigurationError
from flight_server.config import Config
from tests.child_server import ChildServer, child_server
from tests.comparison import assert_same
from tests.connectors.far import NESTED, configured
from tests.connectors.foreign_server import foreign_server
from tests.placements import Placement, pushed
from tests.planner.twins import answer_alone, engine_alone

PAGE = Path(__file__).parents[2] / "docs" / "connectors" / "flightsql.md"


@pytest.fixture(scope="module")
def placement(far: ChildServer) -> Iterator[Placement]:
    west = {"connector": "flightsql", "uri": far.url, "default_schema": "duck.main"}
    with Placement.of_sources({"west": west}) as opened:
        yield opened


# --- the contract ---


def test_it_is_a_connector_and_registered() -> None:
    connector = registry.create("flightsql", "west", {"uri": "grpc://127.0.0.1:1"})
    assert isinstance(connector, Connector)
    assert connector.capabilities.dialect is None
    connector.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "'uri'"),
        ({"uri": "http://h:1"}, "expected grpc://HOST:PORT"),
        ({"uri": "grpc://h"}, "with host and port"),
        ({"uri": "grpc://h:99999"}, "a port from 0 to 65535"),
        ({"uri": "grpc://ann:secret@h:1"}, "a login has its own keys"),
        ({"uri": "grpc://h:1", "user": "ann"}, "did you mean 'username'"),
        ({"uri": "grpc://h:1", "username": "ann"}, "belong together"),
        ({"uri": "grpc://h:1", "username": "a", "password": "b", "token": "c"}, "either token"),
        ({"uri": "grpc://h:1", "tls": {}}, "grpc\\+tls://"),
        ({"uri": "grpc+tls://h:1", "tls": {"client_key": "k"}}, "belong together"),
        ({"uri": "grpc://h:1", "dialect": "mysql"}, "'dialect'"),
        ({"uri": "grpc://h:1", "max_connections": 0}, "'max_connections'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as refused:
        registry.create("flightsql", "west", options)
    assert "secret" not in str(refused.value)


def test_two_sources_of_one_server_and_user_are_one_place() -> None:
    def identity(**options: object) -> str:
        return create("any", {"uri": "grpc://h:1", **options}).identity

    login = {"username": "ann", "password": "open-sesame"}
    assert identity() == identity(schemas=["a"], max_connections=2)
    assert identity(**login) == identity(**login)
    different = [
        identity(),
        identity(**login),
        identity(**{**login, "password": "other"}),
        identity(token="open-sesame"),
        identity(headers={"tenant": "a"}),
        identity(uri="grpc://h:2"),
        identity(uri="grpc+tls://h:1"),
        identity(dialect="none"),
    ]
    assert len(set(different)) == len(different)
    assert not any("open-sesame" in text for text in different)


def test_tables_of_one_server_are_joined_there_also_over_two_sources(far: ChildServer) -> None:
    west = {"connector": "flightsql", "uri": far.url, "schemas": ["main"]}
    with Placement.of_sources({"west": west, "east": {**west, "max_connections": 2}}) as both:
        plan = both.plan(
            'SELECT count(*) FROM west."duck.main".orders o'
            ' JOIN east."duck.main".customers c ON o.customer = c.id'
        )
        assert pushed(plan) == "whole"
        assert both.run(plan).to_pylist() == [{"count(*)": 10_000}]


# --- catalog and types ---


def test_schemas_of_several_catalogs_have_their_names(west: FlightsqlConnector) -> None:
    assert [str(name) for name in west.tables().names()] == [
        "duck.main.big",
        "duck.main.customers",
        "duck.main.orders",
        "duck.other.a_b",
        "duck.other.a_view",
        "duck.other.axb",
        "lake.main.nested",
        "lake.main.nothing",
    ]


@pytest.mark.parametrize("listed", [False, True])
def test_a_name_means_one_table_or_none(
    listed: bool, connect_far: Callable[..., FlightsqlConnector]
) -> None:
    tables = connect_far().tables()
    if listed:
        tables.names()
    for schema, name, meant in [
        ("duck.main", "orders", "duck.main"),
        ("duck", "orders", "duck.main"),
        ("", "nested", "lake.main"),
        ("lake.main", "orders", None),
        ("duck.main", "ORDERS", None),
        ("west", "orders", None),
        ("duck.main", "nowhere", None),
        ("duck.main", "%", None),
        ("duck.information_schema", "tables", None),
    ]:
        found = tables.find(TableName(schema, name))
        assert (None if found is None else found.name.schema) == meant, (schema, name)


def test_one_catalog_alone_is_left_out_of_the_names(
    connect_far: Callable[..., FlightsqlConnector],
) -> None:
    tables = connect_far(catalog="duck", schemas=["other"], default_schema="other").tables()
    assert [str(name) for name in tables.names()] == ["other.a_b", "other.a_view", "other.axb"]
    assert tables.find(TableName("main", "orders")) is None
    found = tables.find(TableName("other", "a_view"))
    assert found is not None
    assert (found.kind, found.path) == ("VIEW", ("duck", "other", "a_view"))


def test_a_name_is_no_pattern(west: FlightsqlConnector) -> None:
    found = west.tables().find(TableName("duck.other", "a_b"))
    assert found is not None
    expected = pa.schema([pa.field("i", pa.int32(), nullable=False), ('Odd "name" é', pa.string())])
    assert found.schema == expected


def test_nested_values_arrive_as_they_are(placement: Placement) -> None:
    got = placement.query('SELECT * FROM "lake.main".nested')
    assert got.schema.types == [
        *(NESTED.schema.field(name).type for name in ("i", "list", "struct", "map")),
        *(pa.string(), pa.decimal256(50, 3), pa.float16(), pa.timestamp("ns", "UTC"), pa.binary()),
    ]
    assert got.to_pylist() == NESTED.to_pylist()


def test_parts_of_nested_values_are_the_engines_own(placement: Placement) -> None:
    sql = """SELECT list[1] AS first, "struct"['x'] AS x, cardinality("map") AS entries, category
             FROM {} WHERE i < 3 ORDER BY i"""
    plain = NESTED.set_column(4, "category", NESTED["category"].cast(pa.string()))
    want = answer_alone(engine_alone({"nested": plain}), sql.format("nested"))
    assert_same(placement.query(sql.format('"lake.main".nested')), want, sql)


def test_a_view_is_one_once_tables_are_listed(
    connect_far: Callable[..., FlightsqlConnector],
) -> None:
    tables = connect_far().tables()
    name = TableName("duck.other", "a_view")
    assert tables.find(name) is not None
    assert name in tables.names()
    found = tables.find(name)
    assert found is not None
    assert found.kind == "VIEW"


# --- statistics ---


def test_another_crosswind_says_what_it_expects(west: FlightsqlConnector) -> None:
    statistics = west.statistics(TableName("duck.main", "orders"))
    assert statistics.rows == 10_000
    assert statistics.size_bytes is not None
    assert statistics.size_bytes > 10_000
    assert west.statistics(TableName("duck.main", "nowhere")).rows is None


# --- pushdown ---


WHOLE = [
    "SELECT id, note FROM orders WHERE customer = 7 AND price > 0.5 AND note LIKE '%9%'",
    "SELECT customer, sum(price), avg(price), count(*) FROM orders GROUP BY customer",
    """SELECT c.name, count(*) FROM orders o JOIN customers c ON o.customer = c.id
       WHERE c.id < 10 GROUP BY c.name HAVING count(*) > 10 ORDER BY c.name""",
    "SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = o.id)",
    "SELECT id FROM orders ORDER BY price DESC, id LIMIT 10 OFFSET 3",
    """SELECT id, row_number() OVER (PARTITION BY customer ORDER BY id DESC) AS r,
              sum(id) OVER (PARTITION BY customer) AS s FROM orders WHERE id < 1000""",
    "SELECT id FROM customers UNION ALL SELECT customer FROM orders WHERE id < 5",
]


@pytest.mark.parametrize("sql", WHOLE)
def test_a_crosswind_with_the_same_engine_runs_all_of_it(
    sql: str, placement: Placement, alone: Callable[[str], pa.Table]
) -> None:
    plan = placement.plan(sql)
    assert pushed(plan) == "whole", [kept.reason for kept in plan.kept]
    assert_same(placement.run(plan), alone(sql), sql)


@pytest.fixture(scope="module")
def alone(far_sources: dict[str, dict[str, object]]) -> Callable[[str], pa.Table]:
    """The engine by itself over the same tables."""
    with duckdb.connect(str(far_sources["duck"]["uri"]), read_only=True) as connection:
        tables = {name: connection.table(name).to_arrow_table() for name in ("orders", "customers")}
    not_null = tables["customers"].schema.field("id").with_nullable(False)
    tables["customers"] = tables["customers"].cast(tables["customers"].schema.set(0, not_null))
    context = engine_alone(tables)
    return lambda sql: answer_alone(context, sql)


@pytest.mark.parametrize("sql", WHOLE)
def test_what_speaks_no_known_dialect_is_only_scanned(
    sql: str, far: ChildServer, alone: Callable[[str], pa.Table]
) -> None:
    west = {"connector": "flightsql", "uri": far.url, "default_schema": "duck.main"}
    with Placement.of_sources({"west": {**west, "dialect": "none"}}) as scanning:
        plan = scanning.plan(sql)
        assert all(isinstance(f.fragment.query, TableScan) for f in plan.fragments)
        assert_same(scanning.run(plan), alone(sql), sql)


def test_another_engine_may_mean_something_else(west: FlightsqlConnector) -> None:
    assert west._server.product.same_engine
    assert west.capabilities.dialect == "datafusion"
    west._server._product = Product(True, "Apache DataFusion 54.0.0, x86_64 on linux")
    assert west.capabilities.dialect is None


def test_what_one_server_is_is_not_believed_of_the_next(west: FlightsqlConnector) -> None:
    assert west.capabilities.dialect == "datafusion"
    with foreign_server("CREATE TABLE t AS SELECT 1 AS i") as server:
        foreign = create("foreign", {"uri": f"grpc://127.0.0.1:{server.port}"})
        assert foreign.tables().find(TableName("main", "t")) is not None
        assert foreign.capabilities.dialect is None
        foreign.close()


@pytest.mark.parametrize("dialect", ["auto", "none"])
@pytest.mark.parametrize(
    ("sql", "want"),
    [
        ("SELECT count(*) AS n FROM orders", [{"n": 10_000}]),
        ('SELECT count(*) AS n FROM "lake.main".nothing', [{"n": 0}]),
        ('SELECT * FROM "lake.main".nothing', []),
        ("SELECT 1 AS n FROM customers LIMIT 2", [{"n": 1}, {"n": 1}]),
        ("SELECT id FROM orders WHERE FALSE", []),
    ],
)
def test_rows_without_columns_and_columns_without_rows(
    sql: str, want: list[dict[str, int]], dialect: str, far: ChildServer
) -> None:
    west = {"connector": "flightsql", "uri": far.url, "default_schema": "duck.main"}
    with Placement.of_sources({"west": {**west, "dialect": dialect}}) as opened:
        assert opened.query(sql).to_pylist() == want


# --- EXPLAIN ---


@pytest.fixture(scope="module")
def near(far: ChildServer) -> Iterator[Any]:
    """A cursor at a server that has the far one as its source."""
    west = {"connector": "flightsql", "uri": far.url}
    with (
        flight_server.serve(Config.from_mapping(configured({"west": west}))) as server,
        flightsql.connect(server.url, autocommit=True) as client,
        client.cursor() as cursor,
    ):
        yield cursor


def explained(cursor: Any, how: str) -> str:
    cursor.execute(f'EXPLAIN {how} SELECT sum(sqrt(id)) FROM west."duck.main".orders WHERE id < 9')
    return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("how", ["", "ANALYZE"])
def test_what_the_other_server_does_shows_through(how: str, near: Any) -> None:
    here, there = explained(near, how).split("\n  there:\n")
    assert "f1 at west: filter of duck.main.orders" in here
    assert there.startswith("    plan: one fragment, answered by duck; nothing is left here\n")
    assert "    f1 at duck: filter of main.orders" in there
    assert "residual, run by the engine here:" in there


def test_what_the_other_server_does_shows_through_for_programs(near: Any) -> None:
    (part,) = json.loads(explained(near, "(FORMAT JSON)"))["parts"]
    assert part["source"] == "west"
    assert [inner["source"] for inner in part["there"]["parts"]] == ["duck"]
    assert part["there"]["parts"][0]["there"] is None
    assert "west" in explained(near, "(FORMAT MERMAID)")


def test_a_scan_is_explained_too_and_a_foreign_server_says_nothing(far: ChildServer) -> None:
    scan = TableScan(TableName("duck.main", "orders"), ("id",), limit=3)
    connector = create("west", {"uri": far.url, "dialect": "none"})
    assert connector.tables().find(scan.table) is not None
    fragment = Fragment(scan, pa.schema([("id", pa.int64())]))
    assert "answered by duck" in connector.explain(fragment, False)
    connector.close()
    with foreign_server("CREATE TABLE t AS SELECT 1::BIGINT AS id") as server:
        foreign = create("foreign", {"uri": f"grpc://127.0.0.1:{server.port}"})
        assert foreign.tables().names() == [TableName("main", "t")]
        assert foreign.explain(fragment, True) == ""
        foreign.close()


# --- the page ---


def test_the_page_has_every_key_and_no_other() -> None:
    rows = re.findall(r"^\| (`.*?`) \|", PAGE.read_text(), re.MULTILINE)
    said = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    assert said == set(FlightsqlOptions.model_fields)
    assert all(f"{key}" in PAGE.read_text() for key in TlsOptions.model_fields)


def test_the_pages_examples_are_taken() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for options in tomllib.loads(example)["sources"].values():
        options.pop("connector")
        if "token" in options:
            options["token"] = "t0ken"
        registry.create("flightsql", "any", options).close()


def test_a_column_that_was_added_there_is_seen_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked_up, "KNOWN_SECONDS", 0.0)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    with child_server({"lake": {"connector": "files", "root": str(tmp_path)}}) as far:
        connector = create("west", {"uri": far.url})
        tables, name = connector.tables(), TableName("main", "t")
        try:
            found = tables.find(name)
            assert found is not None
            assert found.schema.names == ["a"]
            pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "t.parquet")
            found = tables.find(name)
            assert found is not None
            assert found.schema.names == ["a", "b"]
        finally:
            connector.close()
