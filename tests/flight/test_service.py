"""From a configuration to a running server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flight_server
from connectors.errors import ConfigurationError
from flight_server.config import Config
from flight_server.service import open_catalog


def configured(**server: object) -> Config:
    return Config.from_mapping(
        {
            "server": {"listen": "grpc://127.0.0.1:0", **server},
            "sources": {
                "one": {"connector": "memory", "link": {"rtt_ms": 20, "mbps": 80}},
                "two": {"connector": "memory"},
            },
        }
    )


def test_a_configuration_is_served_and_leaves_nothing(tmp_path: Path) -> None:
    before = {thread.name for thread in threading.enumerate()}
    with flight_server.serve(configured(temp_directory=str(tmp_path))) as server:
        with (
            flightsql.connect(server.url, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1 + 1")
            assert cursor.fetchone() == (2,)
            listed = connection.adbc_get_objects(depth="catalogs").read_all()
        assert listed["catalog_name"].to_pylist() == ["one", "two"]
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    after = {thread.name for thread in threading.enumerate()}
    assert not [name for name in after - before if name.startswith("crosswind")]


def test_links_come_from_the_configuration() -> None:
    catalog = open_catalog(configured())
    link = catalog.sources["one"].link
    assert (link.rtt_seconds, link.bytes_per_second) == (0.02, 10_000_000.0)


def test_a_connector_that_does_not_exist_starts_no_server() -> None:
    before = threading.active_count()
    config = Config.from_mapping({"sources": {"x": {"connector": "memry"}}})
    with pytest.raises(ConfigurationError, match="memory"):
        flight_server.serve(config)
    assert threading.active_count() == before


def test_an_address_in_use_closes_what_was_opened(tmp_path: Path) -> None:
    with flight_server.serve(configured()) as server:
        taken = configured(listen=server.url, temp_directory=str(tmp_path))
        with pytest.raises(ConfigurationError, match="cannot listen"):
            flight_server.serve(taken)
    assert not list(tmp_path.iterdir())


def test_two_servers_run_side_by_side() -> None:
    with flight_server.serve(configured()) as first, flight_server.serve(configured()) as second:
        assert first.url != second.url
        for server in (first, second):
            with (
                flightsql.connect(server.url, autocommit=True) as connection,
                connection.cursor() as cursor,
            ):
                cursor.execute("SELECT 'here'")
                assert cursor.fetchone() == ("here",)


# --- tables that cannot be read ---

BROKEN = {
    "corrupt.parquet": "PAR1 and nothing more PAR1",
    "garbled.csv.gz": "no gzip",
    "ragged.csv": "a,b\n1,2\n1,2,3\n",
    "twice.csv": "a\n1\n",
    "twice.json": '{"a": 1}\n',
}


@pytest.fixture(scope="module")
def with_broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of a server over a folder with unreadable files, and of one over that."""
    root = tmp_path_factory.mktemp("lake")
    for name, text in BROKEN.items():
        (root / name).write_text(text)
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), root / "good.parquet")
    free = {"listen": "grpc://127.0.0.1:0"}
    lake = {"connector": "files", "root": str(root)}
    with flight_server.serve(
        Config.from_mapping({"server": free, "sources": {"lake": lake}})
    ) as far:
        hub = {"connector": "flightsql", "uri": far.url, "default_schema": "main"}
        near = Config.from_mapping({"server": free, "sources": {"lake": hub}})
        with flight_server.serve(near) as server:
            yield {"itself": far.url, "through a hub": server.url}


@pytest.fixture(params=["itself", "through a hub"])
def connection(with_broken: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Any]:
    with flightsql.connect(with_broken[request.param], autocommit=True) as opened:
        yield opened


def answers(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def test_a_table_that_cannot_be_read_hides_no_other(
    connection: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def listed(depth: Any) -> dict[str, Any]:
        ((lake,),) = (
            source["catalog_db_schemas"]
            for source in connection.adbc_get_objects(depth=depth).read_all().to_pylist()
        )
        return {table["table_name"]: table for table in lake["db_schema_tables"]}

    names = ["corrupt", "garbled", "good", "ragged", "twice"]
    assert list(listed("tables")) == names
    assert not caplog.text, "names need no look into files"
    everything = listed("all")
    assert list(everything) == names
    assert [len(everything[name]["table_columns"]) for name in names] == [0, 0, 2, 0, 0]
    assert "table 'main.ragged' of source 'lake' cannot be looked at: " in caplog.text
    assert "row 3: expected 2 columns, got 3" in caplog.text


def test_the_information_schema_lists_beside_tables_that_cannot_be_read(connection: Any) -> None:
    listed = answers(connection, "SELECT * FROM information_schema.tables ORDER BY table_name")
    assert listed == [
        ("lake", "main", name, "TABLE")
        for name in ("corrupt", "garbled", "good", "ragged", "twice")
    ]
    columns = "SELECT table_name, column_name FROM information_schema.columns ORDER BY 2"
    assert answers(connection, columns) == [("good", "a"), ("good", "b")]
    assert answers(connection, "SELECT count(*) FROM information_schema.columns") == [(2,)]
    assert answers(connection, "SELECT sum(a) FROM good") == [(3,)]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("corrupt", "'corrupt.parquet' cannot be read: "),
        ("ragged", "'ragged.csv': row 3: expected 2 columns, got 3"),
        ("twice", "'twice.csv' and 'twice.json' have this name"),
    ],
)
def test_who_asks_for_a_table_that_cannot_be_read_is_told_why(
    connection: Any, table: str, says: str
) -> None:
    with pytest.raises(flightsql.Error, match=says):
        connection.adbc_get_table_schema(table)
    for sql in (f"SELECT * FROM {table}", f"DESCRIBE lake.{table}"):
        with pytest.raises(flightsql.Error, match=says):
            answers(connection, sql)
