"""How many parts of far files a query reads at once, and the sessions that read so many.

A read waits for its store before it has work for a processor, and DataFusion reads one row group
for each of its partitions. So a query over far files has more partitions than processors. Owns
their number, and the sessions: copies of another with its memory, its tables and its caches. Must
not know what is read.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

import datafusion

from connectors.far_reads import FarReads
from planner.catalog import Catalog
from planner.plan import NativeRead

PER_NEAR_PROCESSOR = 2
"""Reads for each processor, however short the trip: one is worked on while one arrives."""

WORKED_SECONDS = 0.005
"""A processor's work for one row group, about: 90,000 rows of five columns take 4 ms. For a round
trip that takes as long, each processor has one read more."""

PER_PROCESSOR = 4
"""At most. Twice as many read no faster at 20 ms, and what is computed over them is spread thin."""

MEMORY_BYTES = 64 << 20
"""Of the session's memory, for each partition: sorts and joins share it out among theirs."""


def reads_at_once(
    natives: Iterable[NativeRead],
    catalog: Catalog,
    rtt_seconds: Callable[[str], float],
    partitions: int,
    memory_bytes: int,
) -> int:
    """The partitions of a query.

    Args:
        rtt_seconds: of a source's link, as far as it is known.
        partitions: of a query over what is near.
        memory_bytes: what all of them share.
    """
    wanted = partitions
    for native in natives:
        connector = catalog.runnable[native.source].connector
        if not isinstance(connector, FarReads):
            continue
        for_trip = PER_NEAR_PROCESSOR + rtt_seconds(native.source) / WORKED_SECONDS
        reads = math.floor(partitions * min(PER_PROCESSOR, for_trip))
        wanted = max(wanted, min(reads, connector.most_reads(native.table)))
    return max(partitions, min(wanted, memory_bytes // MEMORY_BYTES))


class WideSessions:
    """Sessions with other settings than the one that they are made of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: WeakKeyDictionary[
            datafusion.SessionContext, dict[tuple[int, bool], datafusion.SessionContext]
        ] = WeakKeyDictionary()

    def of(
        self, session: datafusion.SessionContext, partitions: int, *, as_written: bool = False
    ) -> datafusion.SessionContext:
        """A copy of a session: what it plans runs with the memory of `session`.

        Args:
            partitions: of what it plans.
            as_written: the left side of each join is the one that is kept in memory.
        """
        settings = partitions, as_written
        with self._lock:
            made = self._made.setdefault(session, {})
            if settings not in made:
                # The one way to copy a session with its runtime, of which memory is a part. That
                # it takes URLs for tables is of no use here: plans name those that are registered.
                wide = session.enable_url_table()
                wide.sql(f"SET datafusion.execution.target_partitions = {partitions}")
                if as_written:
                    wide.sql("SET datafusion.optimizer.join_reordering = false")
                made[settings] = wide
            return made[settings]
