"""Whether each source answers, how fast, and how many tables it has.

Owns what counts as reachable. Prints nothing; serves nothing.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa

from connectors.contract import Connector, Fragment, SqlQuery
from connectors.errors import CrosswindError
from planner.catalog import Source

REQUESTS = 5
"""Round trips measured; the median of so few is steady enough to plan by."""

_ONE = Fragment(SqlQuery("SELECT 1 AS one"), pa.schema([pa.field("one", pa.int32())]))


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """What was found.

    Attributes:
        name: the source's.
        tables: how many, None when it cannot be reached.
        round_trip_seconds: of the smallest request that the source takes; None when not measured.
        error: why it cannot be reached, or None.
    """

    name: str
    tables: int | None = None
    round_trip_seconds: float | None = None
    error: CrosswindError | None = None


def check_sources(sources: Iterable[Source], *, measure: bool = False) -> list[SourceCheck]:
    """Ask every source for its tables, all at once; with `measure`, time its smallest request."""
    asked = list(sources)
    if not asked:
        return []
    with ThreadPoolExecutor(len(asked), thread_name_prefix="crosswind-check") as pool:
        return list(pool.map(lambda source: _check(source, measure), asked))


def _check(source: Source, measure: bool) -> SourceCheck:
    try:
        tables = len(source.connector.tables().names())
        seconds = _round_trip_seconds(source.connector) if measure else None
    except CrosswindError as error:
        return SourceCheck(source.name, error=error)
    return SourceCheck(source.name, tables, seconds)


def _round_trip_seconds(connector: Connector) -> float:
    request = _list if connector.capabilities.dialect is None else _select
    return statistics.median(_timed(lambda: request(connector)) for _ in range(REQUESTS))


def _select(connector: Connector) -> None:
    with closing(connector.execute(_ONE, None)) as batches:
        for _ in batches:
            pass


def _list(connector: Connector) -> None:
    tables = connector.tables()
    tables.refresh()
    tables.names()


def _timed(request: Callable[[], None]) -> float:
    started = time.perf_counter()
    request()
    return time.perf_counter() - started
