"""How long the smallest query takes for an ADBC client, from each server in turn.

Owns the query, the calls and their order. What each server is, `peers` knows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import peers
from benchmarks.report import Comparison, Measured

SQL = "SELECT 1"
WARM_UP_CALLS = 50


def measure(calls: int, say: Callable[[str], None]) -> list[Comparison]:
    """Compare Crosswind with ROAPI, call by call in turn, on one connection each.

    Args:
        calls: to each server.
        say: told what happens now.
    """
    say("starting the servers")
    with ExitStack() as running:
        lake = Path(running.enter_context(tempfile.TemporaryDirectory()))
        # ROAPI does not start without a table.
        pq.write_table(pa.table({"n": [1]}), lake / "one.parquet")
        contenders = [
            running.enter_context(peers.roapi(one=lake / "one.parquet")),
            running.enter_context(peers.crosswind(lake)),
        ]
        connections = [
            running.enter_context(flightsql.connect(peer.url, autocommit=True))
            for peer in contenders
        ]
        say(f"{SQL}: {calls} calls to each server")
        milliseconds: list[list[float]] = [[] for _ in contenders]
        for _ in range(WARM_UP_CALLS + calls):
            for connection, taken in zip(connections, milliseconds, strict=True):
                taken.append(_call(connection))
    measured = []
    for peer, taken in zip(contenders, milliseconds, strict=True):
        counted = sorted(taken[WARM_UP_CALLS:])
        p99 = counted[min(len(counted) - 1, len(counted) * 99 // 100)]
        measured.append(Measured(peer.name, counted, f"p99 {p99:.2f} ms"))
    return [
        Comparison(
            title=f"{SQL}: {calls} calls, p50 (min–max)",
            unit="ms",
            more_is_better=False,
            baseline=contenders[0].name,
            measured=measured,
        )
    ]


def _call(connection: Any) -> float:
    """One query as an application runs it: a new cursor, execute, fetch, close; in milliseconds."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(SQL)
        rows = cursor.fetchall()
    assert rows == [(1,)]
    return (time.perf_counter() - started) * 1e3
