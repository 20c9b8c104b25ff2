"""The least that each kind of source can be asked, over a link whose round trip is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flight_server
from benchmarks.links.emulator import emulated
from connectors import registry
from connectors.contract import Connector, Pings
from connectors.errors import SourceError
from execution.links import Links
from execution.source_link import Configured
from flight_server.config import Config
from flight_server.link_watch import ANSWER_BYTES, measure
from tests.postgres_server import HOST, PostgresServer
from tests.s3_server import s3_server

RTT_MS = 30.0

Made = Callable[[str], Connector]


@pytest.fixture
def far(postgres_server: PostgresServer) -> Iterator[Made]:
    """Makes a source at the end of a link."""
    with ExitStack() as opened:

        def linked(target: str) -> str:
            return f"{HOST}:{opened.enter_context(emulated(target, rtt_ms=RTT_MS)).port}"

        def make(kind: str) -> Connector:
            match kind:
                case "postgres":
                    address = linked(f"{HOST}:{postgres_server.port}")
                    options: dict[str, object] = {
                        "uri": f"postgresql://postgres@{address}/postgres"
                    }
                case "flightsql":
                    config = {"server": {"listen": "grpc://127.0.0.1:0"}}
                    served = opened.enter_context(flight_server.serve(Config.from_mapping(config)))
                    options = {"uri": f"grpc://{linked(f'{HOST}:{served.port}')}"}
                case _:
                    server = opened.enter_context(s3_server("lake"))
                    table = pa.table({"i": pa.array(range(100_000), pa.int64())})
                    with server.filesystem().open("lake/numbers.parquet", "wb") as file:
                        pq.write_table(table, file)
                    through = f"http://{linked(server.url.removeprefix('http://'))}"
                    storage = server.storage_options | {"endpoint_url": through}
                    options = {"root": "s3://lake", "storage_options": storage}
            connector = registry.create(kind, "far", options)
            opened.callback(connector.close)
            return connector

        yield make


@pytest.mark.parametrize("kind", ["postgres", "flightsql", "files"])
def test_a_round_trip_and_an_answer_of_some_size_can_be_timed(far: Made, kind: str) -> None:
    connector = far(kind)
    assert isinstance(connector, Pings)
    assert not connector.capabilities.local
    links = Links({"far": Configured()})
    measure("far", connector, links)
    (found,) = links.known()
    assert found.origin == "measured"
    assert found.rtt_seconds is not None
    # The S3 server of the tests ends its connections, and a new one takes a round trip of its own.
    assert RTT_MS / 1e3 <= found.rtt_seconds < 5 * RTT_MS / 1e3
    large = connector.ping(ANSWER_BYTES)
    assert large is not None
    assert large.answer_bytes == ANSWER_BYTES


def test_what_is_here_has_no_link(tmp_path: Path) -> None:
    options: dict[str, dict[str, object]] = {
        "memory": {},
        "sqlite": {"uri": str(tmp_path / "a.db")},
        "duckdb": {"uri": str(tmp_path / "a.duckdb")},
        "files": {"root": str(tmp_path)},
    }
    for kind, given in options.items():
        connector = registry.create(kind, "here", given)
        assert connector.capabilities.local
        connector.close()


def test_a_source_that_does_not_answer_is_left_alone() -> None:
    with emulated(f"{HOST}:1") as link:
        uri = f"postgresql://postgres@{HOST}:{link.port}/postgres"
        connector = registry.create("postgres", "far", {"uri": uri})
        assert isinstance(connector, Pings)
        with pytest.raises(SourceError):
            connector.ping()
        links = Links({"far": Configured()})
        measure("far", connector, links)
        assert links.known()[0].origin == "assumed"
        connector.close()
