"""From a configuration to a running server."""

from __future__ import annotations

import threading
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
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
