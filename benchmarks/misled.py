"""TPC-H where sources know nothing of their tables, or the wrong things: how much that costs.

Owns what is compared, and in which turn. The measure is pull-all: every table is read, as few
columns of it as the query names, and all else runs here. PostgreSQL is behind a link of 20 ms and
100 Mbit/s. Each query is asked as if nothing had been asked before; what is seen while it runs, it
may use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.links.cells import Cell
from benchmarks.links.placement import Placement as Placed
from benchmarks.links.placement import placed
from benchmarks.links.run import QUERIES, WARM_UP
from benchmarks.report import Comparison, Measured
from connectors import registry
from connectors.contract import Statistics
from execution.engine import EngineSettings
from flight_server.config import ServerConfig
from planner.catalog import Source
from planner.cost import Link
from planner.options import PlanningOptions
from planner.seen import SeenRows
from tests.misled import WAYS, Misleading, misled
from tests.placements import Placement

LINK = Cell(20, 100)
PULL_ALL = "pull all"


@dataclass(frozen=True, slots=True)
class Timed:
    """One answer: seconds until its last row, and what PostgreSQL sent for it."""

    seconds: float
    size_bytes: int


def measure(scale: float, cache: Path, rounds: int, say: Callable[[str], None]) -> list[Comparison]:
    """Time each query, pulled and in every way of being misled; the quickest round counts.

    Args:
        scale: of TPC-H.
        cache: where the data is kept.
        rounds: in each, every query is asked once in each way.
        say: told what happens now.
    """
    with placed("local", scale, cache, say) as tables:
        tables.becomes(LINK)
        pulled = _timed(tables, (_right, _right), PlanningOptions("none"), rounds, say)
        measured = [Measured(PULL_ALL, [1.0], _sums(pulled))]
        for name, ways in {"right": (_right, _right), **WAYS}.items():
            say(f"statistics: {name}")
            found = _timed(tables, ways, PlanningOptions(), rounds, say)
            ratios = {query: found[query].seconds / pulled[query].seconds for query in QUERIES}
            worst = max(ratios, key=lambda query: ratios[query])
            note = f"{_sums(found)}; at most {ratios[worst]:.2f}×, {worst}"
            measured.append(Measured(name, list(ratios.values()), note))
    return [
        Comparison(
            title=f"TPC-H at scale {scale:g}, {LINK}: statistics of the database, and of files",
            unit="times pull all",
            more_is_better=False,
            baseline=PULL_ALL,
            measured=measured,
        )
    ]


def _right(known: Statistics) -> Statistics:
    return known


def _timed(
    tables: Placed,
    ways: tuple[Misleading, Misleading],
    options: PlanningOptions,
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, Timed]:
    found: dict[str, Timed] = {}
    with _opened(tables, ways, options) as placement:
        for sql in WARM_UP:
            placement.query(sql)
        for round_ in range(rounds):
            for name, sql in QUERIES.items():
                say(f"{name}, round {round_ + 1} of {rounds}")
                placement.catalog.seen = SeenRows()
                before, _ = tables.received_bytes()
                started = time.perf_counter()
                placement.query(sql)
                seconds = time.perf_counter() - started
                after, _ = tables.received_bytes()
                if name not in found or seconds < found[name].seconds:
                    found[name] = Timed(seconds, after - before)
    return found


@contextmanager
def _opened(
    tables: Placed, ways: tuple[Misleading, Misleading], options: PlanningOptions
) -> Iterator[Placement]:
    link = Link.of(LINK.rtt_ms, LINK.mbps)
    sources = []
    for (name, configured), way in zip(tables.sources(None).items(), ways, strict=True):
        rest = {key: value for key, value in configured.items() if key != "connector"}
        connector = misled(registry.create(str(configured["connector"]), name, rest), way)
        sources.append(Source(name, connector, link if name == "shop" else Link()))
    settings = EngineSettings(target_partitions=2, memory_limit_bytes=ServerConfig().memory_limit)
    with Placement.opened(sources, settings) as placement:
        yield Placement(placement.catalog, placement.engine, options)


def _sums(found: dict[str, Timed]) -> str:
    seconds = sum(each.seconds for each in found.values())
    size = sum(each.size_bytes for each in found.values())
    return f"{seconds:.1f} s and {size / 1e6:.1f} MB in all"
