"""How fast a whole Parquet table reaches an ADBC client, from each server in turn.

Owns the queries, the rounds and their order. What each server is, `peers` knows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql

from benchmarks import peers
from benchmarks.peers import Peer
from benchmarks.report import Comparison, Measured

NARROW = ("l_orderkey", "l_partkey", "l_suppkey", "l_quantity", "l_extendedprice")


@dataclass(frozen=True, slots=True)
class Variant:
    """One query; no columns are all columns."""

    title: str
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The query, the same for every server."""
        return f"SELECT {', '.join(self.columns) or '*'} FROM lineitem"


VARIANTS = (Variant("lineitem, 5 of 16 columns", NARROW), Variant("lineitem, all columns", ()))


@dataclass(frozen=True, slots=True)
class Drained:
    """One answer, read to its end and thrown away."""

    rows: int
    size_bytes: int
    batches: int
    seconds: float
    server_cpu_seconds: float
    client_cpu_seconds: float


def measure(lineitem: Path, rounds: int, say: Callable[[str], None]) -> list[Comparison]:
    """Compare the servers, for each variant.

    Args:
        lineitem: the table, one Parquet file; its folder is what Crosswind serves.
        rounds: in each, every server answers once; one more before them warms up.
        say: told what happens now.
    """
    return [_compare(variant, lineitem, rounds, say) for variant in VARIANTS]


def _compare(
    variant: Variant, lineitem: Path, rounds: int, say: Callable[[str], None]
) -> Comparison:
    with ExitStack() as running:
        say(f"{variant.title}: starting the servers")
        crosswind = running.enter_context(peers.crosswind(lineitem.parent))
        contenders = [
            running.enter_context(peers.flight_over_memory(crosswind, variant.sql)),
            crosswind,
            running.enter_context(peers.flight_over_datafusion(lineitem, variant.columns)),
            running.enter_context(peers.flight_over_parquet(lineitem, variant.columns)),
            running.enter_context(peers.roapi(lineitem=lineitem)),
        ]
        drained: dict[str, list[Drained]] = {peer.name: [] for peer in contenders}
        for round_ in range(rounds + 1):
            say(f"{variant.title}: round {round_} of {rounds}" if round_ else "warming up")
            for peer in contenders:
                drained[peer.name].append(drain(peer, variant.sql))
    rows = {name: {each.rows for each in found} for name, found in drained.items()}
    if len(set().union(*rows.values())) != 1:
        raise RuntimeError(f"the servers do not agree on the number of rows: {rows}")
    measured = [_measured(name, found[1:]) for name, found in drained.items()]
    sent = drained[crosswind.name][0]
    return Comparison(
        title=f"{variant.title}: {sent.rows:,} rows, {sent.size_bytes / 1e6:,.0f} MB",
        unit="M rows/s",
        more_is_better=True,
        baseline=contenders[0].name,
        measured=measured,
    )


def _measured(name: str, found: list[Drained]) -> Measured:
    server = statistics.median(each.server_cpu_seconds for each in found)
    client = statistics.median(each.client_cpu_seconds for each in found)
    note = (
        f"{found[0].batches:,} batches, {server:.2f} s of processor in the server,"
        f" {client:.2f} s in the client"
    )
    return Measured(name, [each.rows / each.seconds / 1e6 for each in found], note)


def drain(peer: Peer, sql: str) -> Drained:
    """Run a query on a connection of its own, and read the answer batch by batch."""
    with flightsql.connect(peer.url, autocommit=True) as connection, connection.cursor() as cursor:
        cpu_before, client_cpu_before = peer.cpu_seconds(), time.process_time()
        started = time.perf_counter()
        cursor.execute(sql)
        rows = size_bytes = batches = 0
        for batch in cursor.fetch_record_batch():
            rows += batch.num_rows
            size_bytes += batch.nbytes
            batches += 1
        seconds = time.perf_counter() - started
        return Drained(
            rows,
            size_bytes,
            batches,
            seconds,
            peer.cpu_seconds() - cpu_before,
            time.process_time() - client_cpu_before,
        )
