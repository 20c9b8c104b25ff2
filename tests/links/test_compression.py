"""A Crosswind at the end of a link: what it sends is compressed where the link is slow, and only
there, and what is known of the link is what crosses it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flight_server
from benchmarks.links.emulator import EmulatedLink, emulated
from execution.links import Links
from execution.metering import Metering
from execution.source_link import Configured
from flight_server import link_watch
from flight_server.config import Config
from tests.connectors.far import configured, port_of

ROWS = 50_000
ROWS_BYTES = 24 * ROWS
BOUND_SECONDS = 120.0
SLOW = {"rtt_ms": 5.0, "mbps": 20.0}
FAST: dict[str, float | None] = {"rtt_ms": 0.0, "mbps": None}


@dataclass
class Near:
    """A client of the near server, and the link between that and the far one."""

    link: EmulatedLink
    cursor: Any
    statements: Iterator[int]

    def sql(self) -> str:
        """A statement that no plan is kept of."""
        return f"SELECT i, t, {next(self.statements)} AS n FROM west.main.wide"

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        self.cursor.execute(sql)
        rows: list[tuple[Any, ...]] = self.cursor.fetchall()
        return rows

    def explain(self) -> str:
        return "\n".join(row[0] for row in self.ask(f"EXPLAIN {self.sql()}"))

    def read(self) -> int:
        """All rows; how many bytes have crossed the link for them."""
        before = self.link.crossed()
        self.cursor.execute(self.sql())
        assert self.cursor.fetch_arrow_table().num_rows == ROWS
        return self.link.crossed().since(before).down_bytes

    def until(self, holds: Callable[[], bool]) -> None:
        """Read until something holds."""
        until = time.monotonic() + BOUND_SECONDS
        while not holds():
            assert time.monotonic() < until
            self.read()


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Near]:
    folder = tmp_path_factory.mktemp("far")
    text = [f"item {i % 1000:06}" for i in range(ROWS)]
    pq.write_table(pa.table({"i": pa.array(range(ROWS)), "t": text}), folder / "wide.parquet")
    lake = {"lake": {"connector": "files", "root": str(folder)}}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(link_watch, "PATIENCE_SECONDS", (0.1, 1.0))
        with (
            flight_server.serve(Config.from_mapping(configured(lake))) as far,
            emulated(f"127.0.0.1:{port_of(far.url)}", **SLOW) as link,
        ):
            uri = f"grpc://127.0.0.1:{link.port}"
            west = {"west": {"connector": "flightsql", "uri": uri}}
            with (
                flight_server.serve(Config.from_mapping(configured(west))) as server,
                flightsql.connect(server.url, autocommit=True) as client,
                client.cursor() as cursor,
            ):
                yield Near(link, cursor, count())


def test_on_a_slow_link_rows_are_compressed_and_stay_so(near: Near) -> None:
    near.link.change(**SLOW)
    near.until(lambda: "sent compressed with zstd" in near.explain())
    for _ in range(5):
        assert near.read() < ROWS_BYTES / 2
        assert "sent compressed with zstd" in near.explain()


def test_analyze_says_how_much_crossed(near: Near) -> None:
    near.link.change(**SLOW)
    near.until(lambda: "sent compressed with zstd" in near.explain())
    before = near.link.crossed()
    ((text,),) = near.ask(f"EXPLAIN (ANALYZE, FORMAT JSON) {near.sql()}")
    crossed_bytes = near.link.crossed().since(before).down_bytes
    (part,) = json.loads(text)["parts"]
    assert part["compression"] == "zstd"
    # What times the link crosses it too.
    assert 0.9 * part["ran"]["crossed_bytes"] < crossed_bytes
    assert part["ran"]["crossed_bytes"] < ROWS_BYTES / 2 < part["ran"]["bytes"]
    assert " over the link), " in "\n".join(
        row[0] for row in near.ask(f"EXPLAIN ANALYZE {near.sql()}")
    )


def test_a_link_that_becomes_fast_is_found_out_and_rows_are_sent_as_they_are(near: Near) -> None:
    near.link.change(**SLOW)
    near.until(lambda: "sent compressed with zstd" in near.explain())
    near.link.change(**FAST)
    near.until(lambda: "sent compressed" not in near.explain())
    assert near.read() > ROWS_BYTES
    near.link.change(**SLOW)
    near.until(lambda: "sent compressed with zstd" in near.explain())


def test_what_is_supposed_of_a_link_decides_as_what_is_known(near: Near) -> None:
    near.link.change(**SLOW)
    near.until(lambda: "sent compressed with zstd" in near.explain())
    header = "adbc.flight.sql.rpc.call_header.x-crosswind-link.west.mbps"
    with near.cursor.connection.cursor() as other:
        other.adbc_statement.set_options(**{header: "400"})
        assert "sent compressed with lz4" in replace(near, cursor=other).explain()
    assert "sent compressed with zstd" in near.explain()


@pytest.mark.parametrize(("seconds", "asked"), [(0.02, ["west"]), (0.5, [])])
def test_rows_that_come_as_fast_as_a_codec_makes_them_have_the_link_asked(
    seconds: float, asked: list[str]
) -> None:
    links, doubts = Links({"west": Configured()}), list[str]()
    links.doubted(doubts.append, ["west"])
    reading = Metering(links, {"west": lambda: 0}).reading("west", 0.0, compression="zstd")
    assert reading is not None
    reading.came(1_000_000, 1.0, 4_000_000)
    reading.came(1_000_000, 1.0 + seconds, 4_000_000)
    reading.ended(1.0 + seconds, complete=True)
    assert doubts == asked
    ((known),) = links.known()
    assert known.bytes_per_second == pytest.approx(1_000_000 / seconds)
