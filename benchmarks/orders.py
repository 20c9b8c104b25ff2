"""TPC-H with the joins of each query written in ten orders: how much the order costs.

Owns the orders, what is timed and in which turn. Tables are files, and split over PostgreSQL and
files, on this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import adbc_driver_flightsql.dbapi as flightsql
import psutil

from benchmarks import peers
from benchmarks.links.placement import placed
from benchmarks.links.run import QUERIES
from benchmarks.report import Comparison, Measured
from tests.tpch_orders import reordered

ORDERS = 10

FASTEST = "the fastest order"


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer: seconds until its last row, and of the server's processors."""

    seconds: float
    cpu_seconds: float


def measure(scale: float, cache: Path, rounds: int, say: Callable[[str], None]) -> list[Comparison]:
    """Time each query in each order; of an order its quickest round counts.

    Args:
        scale: of TPC-H.
        cache: where the data is kept.
        rounds: in each, every order of a query is asked once; one more before them warms up.
        say: told what happens now.
    """
    with placed("local", scale, cache, say) as placement:
        files = {"lake": {"connector": "files", "root": str(placement.folder.parent / "files")}}
        found = {"Parquet files": files, "PostgreSQL and Parquet": placement.sources(None)}
        return [_compare(title, scale, each, rounds, say) for title, each in found.items()]


def _compare(
    title: str,
    scale: float,
    sources: Mapping[str, Mapping[str, object]],
    rounds: int,
    say: Callable[[str], None],
) -> Comparison:
    measured = [Measured(FASTEST, [1.0])]
    of_seeds = [0.0] * ORDERS
    with (
        peers.crosswind_over(sources) as server,
        flightsql.connect(server.url, autocommit=True) as connection,
    ):
        for name, sql in QUERIES.items():
            of_seed = [reordered(sql, seed) for seed in range(ORDERS)]
            orders = list(dict.fromkeys(of_seed))
            timed: list[list[Timed]] = [[] for _ in orders]
            for round_ in range(rounds + 1):
                say(f"{title}: {name}, round {round_} of {rounds}")
                for order, answers in zip(orders, timed, strict=True):
                    answer = _timed(connection, server.process, order)
                    answers += [answer] if round_ else []
            measured.append(_measured(name, timed))
            least = dict(zip(orders, map(_least_seconds, timed), strict=True))
            seconds = [least[order] for order in of_seed]
            of_seeds = [sum(each) for each in zip(of_seeds, seconds, strict=True)]
    of_all = [each / min(of_seeds) for each in of_seeds]
    note = f"{min(of_seeds):.2f}–{max(of_seeds):.2f} s, {max(of_all):.2f}×"
    measured.append(Measured("all 22", of_all, note))
    return Comparison(
        title=f"TPC-H at scale {scale:g}, {title}: {ORDERS} orders of each query's joins",
        unit="times the fastest",
        more_is_better=False,
        baseline=FASTEST,
        measured=measured,
    )


def _timed(connection: flightsql.Connection, process: psutil.Process, sql: str) -> Timed:
    before = process.cpu_times()
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetch_arrow_table()
    seconds = time.perf_counter() - started
    after = process.cpu_times()
    return Timed(seconds, after.user + after.system - before.user - before.system)


def _least_seconds(answers: Sequence[Timed]) -> float:
    return min(answer.seconds for answer in answers)


def _measured(name: str, timed: Sequence[Sequence[Timed]]) -> Measured:
    seconds = [_least_seconds(answers) for answers in timed]
    # Processor time comes in hundredths of a second: its mean is finer.
    cpu = [fmean(answer.cpu_seconds for answer in answers) for answers in timed]
    note = (
        f"{min(seconds):.3f}–{max(seconds):.3f} s, {max(seconds) / min(seconds):.2f}×;"
        f" processors {min(cpu):.3f}–{max(cpu):.3f} s"
    )
    return Measured(name, [each / min(seconds) for each in seconds], note)
