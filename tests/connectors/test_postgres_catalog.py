"""What the postgres connector says of tables, and of what is in them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from connectors import looked_up, registry
from connectors.adbc.postgres import PostgresConnector
from connectors.adbc.postgres.pool import Pool
from connectors.contract import TableName
from connectors.errors import (
    SourceRejectedError,
)
from connectors.listed import listed
from tests.connectors.shop import DATABASE, TEXT, read
from tests.postgres_server import PostgresServer


def test_names_are_all_tables_and_views_sorted_without_system_ones(shop: PostgresConnector) -> None:
    assert [str(name) for name in shop.tables().names()] == [
        'public.Odd "name" é',
        "public.a_matview",
        "public.a_view",
        "public.abroad",
        "public.everything",
        "public.no_columns",
        "public.parts",
        "public.parts_eu",
        "public.parts_us",
        "sales.orders",
    ]


def test_tables_that_are_looked_at_together_are_what_each_is_by_itself(
    shop: PostgresConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = shop.tables()
    names, missing = list(tables.names()), TableName("public", "nope")
    alone = [tables.find(name) for name in names]
    tables.refresh()
    tables.look_ahead([*names, missing])
    monkeypatch.setattr(Pool, "rows", _not_asked)
    assert [tables.find(name) for name in names] == alone
    assert tables.find(missing) is None
    tables.look_ahead([*names, missing])


def _not_asked(*_arguments: object, **_options: object) -> list[dict[str, object]]:
    raise AssertionError("the server is asked")


def test_kinds_and_nullability(shop: PostgresConnector) -> None:
    def found(schema: str, name: str) -> tuple[str, list[tuple[str, bool]]]:
        table = shop.tables().find(TableName(schema, name))
        assert table is not None
        assert shop.tables().kinds()[table.name] == table.kind
        return table.kind, [(c.name, c.nullable) for c in table.columns]

    assert found("public", "a_view") == ("VIEW", [("a_int4", True), ("a_numeric", True)])
    assert found("public", "a_matview") == ("MATERIALIZED VIEW", [("a_int4", True)])
    assert found("public", "abroad") == ("FOREIGN TABLE", [("a", True)])
    assert found("public", "parts") == ("TABLE", [("id", True), ("region", False)])
    assert found("public", 'Odd "name" é') == ("TABLE", [("a b", False), ("Ü", True)])
    assert found("public", "no_columns") == ("TABLE", [])


def test_a_not_null_that_was_never_validated_is_no_promise(
    shop: PostgresConnector, postgres_server: PostgresServer
) -> None:
    version = postgres_server.execute("SELECT current_setting('server_version_num')")[0][0]
    if int(str(version)) < 180000:
        pytest.skip("PostgreSQL 18 brought NOT NULL constraints that are not validated")
    postgres_server.execute(
        "CREATE TABLE unsure (a int)",
        "INSERT INTO unsure VALUES (NULL)",
        "ALTER TABLE unsure ADD CONSTRAINT later NOT NULL a NOT VALID",
        database=DATABASE,
    )
    try:
        table = shop.tables().find(TableName("public", "unsure"))
    finally:
        postgres_server.execute("DROP TABLE unsure", database=DATABASE)
    assert table is not None
    assert table.columns[0].nullable


def test_missing_names_are_none_whatever_they_hold(shop: PostgresConnector) -> None:
    for schema, name in (("public", "nope"), ("pg_catalogue", "x"), ("'; DROP", '"\\$1')):
        assert shop.tables().find(TableName(schema, name)) is None


def test_names_that_no_server_has_are_missing_without_a_question(
    shop: PostgresConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = shop.tables()
    names = [TableName("public", "a\0b"), TableName("a\0b", "c"), TableName("public", "a\ud800b")]
    monkeypatch.setattr(Pool, "rows", _not_asked)
    tables.look_ahead(names)
    assert [tables.find(name) for name in names] == [None] * 3


@pytest.fixture(params=["SQL_ASCII", "LATIN1"])
def encoded(
    postgres_server: PostgresServer, request: pytest.FixtureRequest
) -> Iterator[PostgresConnector]:
    """A database in another encoding than UTF-8, with a table that has a name of its characters."""
    name = f"catalog_in_{request.param.lower()}"
    postgres_server.execute(
        f"CREATE DATABASE {name} ENCODING '{request.param}' TEMPLATE template0"
        " LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    try:
        postgres_server.execute(
            "SET client_encoding TO 'UTF8'",
            'CREATE TABLE "café" (a int)',
            "CREATE TABLE plain (a int)",
            database=name,
        )
        connector = registry.create("postgres", "shop", {"uri": postgres_server.uri(name)})
        assert isinstance(connector, PostgresConnector)
        yield connector
        connector.close()
    finally:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_name_in_another_encoding_is_found(encoded: PostgresConnector) -> None:
    tables = encoded.tables()
    names = [TableName("public", "café"), TableName("public", "plain")]
    assert list(tables.names()) == sorted(names)
    assert all(tables.find(name) for name in names)
    tables.refresh()
    assert [found.table is not None for found in listed("shop", tables, names, columns=True)] == [
        True,
        True,
    ]


def test_a_character_that_the_server_lacks_is_in_no_name(
    encoded: PostgresConnector, caplog: pytest.LogCaptureFixture
) -> None:
    tables = encoded.tables()
    plain, lacking = TableName("public", "plain"), TableName("public", "日本")
    assert tables.find(lacking) is None
    tables.refresh()
    with caplog.at_level(logging.DEBUG, "connectors.listed"):
        found = list(listed("shop", tables, [plain, lacking], columns=True))
    assert [(each.name, each.problem) for each in found] == [(plain, None)]
    refused = tables.encoding == "LATIN1"
    assert [record.levelname for record in caplog.records] == ["DEBUG"] * refused


def test_a_column_that_was_added_is_seen_after_a_while(
    shop: PostgresConnector, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = TableName("public", "growing")
    postgres_server.execute("CREATE TABLE growing (a int)", database=DATABASE)
    try:
        monkeypatch.setattr(looked_up, "KNOWN_SECONDS", 0.0)
        assert name in shop.tables().names()
        found = shop.tables().find(name)
        assert found is not None
        assert [column.name for column in found.columns] == ["a"]
        postgres_server.execute("ALTER TABLE growing ADD COLUMN b int", database=DATABASE)
        found = shop.tables().find(name)
        assert found is not None
        assert [column.name for column in found.columns] == ["a", "b"]
    finally:
        postgres_server.execute("DROP TABLE growing", database=DATABASE)
    assert name not in shop.tables().names()
    assert shop.tables().find(name) is None


def test_schemas_limits_what_exists(connect: Callable[..., PostgresConnector]) -> None:
    tables = connect(schemas=["sales"], default_schema="sales").tables()
    assert tables.default_schema == "sales"
    assert tables.names() == (TableName("sales", "orders"),)
    assert tables.find(TableName("public", "everything")) is None
    assert tables.find(TableName("sales", "orders")) is not None


def test_schemas_that_are_not_there_are_noted(connect: Callable[..., PostgresConnector]) -> None:
    def notes(**options: object) -> list[str]:
        connector = connect(**options)
        return list(map(str, connector.notes()))

    assert notes() == notes(schemas=["sales"], default_schema="sales") == []
    assert notes(schemas=["salez", "public"]) == ["there is no schema 'salez'; nearest: 'sales'"]
    assert notes(default_schema="zz") == ["there is no schema 'zz'"]


def test_what_a_role_may_not_read_is_not_listed(
    connect: Callable[..., PostgresConnector], postgres_server: PostgresServer
) -> None:
    postgres_server.execute("CREATE ROLE guest LOGIN", database=DATABASE)
    postgres_server.execute("GRANT SELECT ON parts TO guest", database=DATABASE)
    try:
        guest = connect(postgres_server.uri(DATABASE, user="guest"))
        assert guest.tables().names() == (TableName("public", "parts"),)
        with pytest.raises(SourceRejectedError, match="permission denied"):
            read(guest, "SELECT a_text FROM everything", TEXT)
        guest.close()
    finally:
        postgres_server.execute("DROP OWNED BY guest", "DROP ROLE guest", database=DATABASE)


def test_statistics_are_in_the_units_of_the_contract(shop: PostgresConnector) -> None:
    found = shop.statistics(TableName("sales", "orders"))
    assert found.rows == 10000
    assert found.columns["id"].distinct == 10000
    assert found.columns["customer"].distinct == 100
    assert found.columns["note"].null_fraction == pytest.approx(0.25, abs=0.01)
    assert found.columns["id"].width_bytes == 8
    assert found.size_bytes == pytest.approx(10000 * (2 + 8 + 8 + 4 + 0.75 * 9), rel=0.05)


def test_statistics_of_a_partitioned_table_count_its_partitions(shop: PostgresConnector) -> None:
    found = shop.statistics(TableName("public", "parts"))
    assert found.rows == 1000
    assert found.columns["region"].distinct == 2


def test_statistics_that_are_not_there_are_unknown(shop: PostgresConnector) -> None:
    for name in ("everything", "a_view", "nope"):
        found = shop.statistics(TableName("public", name))
        assert (found.rows, found.size_bytes, dict(found.columns)) == (None, None, {})
