"""What moving rows over a link and working on them costs, in seconds. Pure arithmetic: no plans."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """The network path to a source.

    Attributes:
        rtt_seconds: round-trip time.
        bytes_per_second: bandwidth available to one query.
        connection_bytes_per_second: what one connection carries, where that is known to be less:
            of a long link a TCP window carries a part.
    """

    rtt_seconds: float = 0.0005
    bytes_per_second: float = 125_000_000.0
    connection_bytes_per_second: float | None = None

    def over(self, connections: float) -> float:
        """What so many connections carry, in bytes per second.

        >>> [Link(0.1, 10e6, 3e6).over(connections) for connections in (1, 3, 4)]
        [3000000.0, 9000000.0, 10000000.0]
        """
        if self.connection_bytes_per_second is None:
            return self.bytes_per_second
        return min(self.bytes_per_second, connections * self.connection_bytes_per_second)

    @staticmethod
    def of(rtt_ms: float | None, mbps: float | None) -> Link:
        """From the units of the configuration: milliseconds, and 10^6 bits per second."""
        default = Link()
        return Link(
            default.rtt_seconds if rtt_ms is None else rtt_ms / 1e3,
            default.bytes_per_second if mbps is None else mbps * 1e6 / 8,
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """Estimated seconds, by cause. `seconds` is their sum: work that goes on beside the transfer is
    none.

    Attributes:
        connections: that the rows come over, where these carry less than the link does.
        link_seconds: what the link takes for them then, beside which it carries others'.
    """

    latency_seconds: float
    transfer_seconds: float
    work_seconds: float
    connections: float | None = None
    link_seconds: float | None = None

    @property
    def seconds(self) -> float:
        return self.latency_seconds + self.transfer_seconds + self.work_seconds


ALL = math.inf
"""Connections, of who opens as many as help."""

ROUND_TRIPS = 2.0
"""A question over an open connection and its answer, where the source does not say how many
(`connectors.contract.RoundTrips`)."""

ROW_SECONDS = 2e-7
"""A source's and a driver's work to hand out one row: 5 M rows a second, seen with Postgres."""


KEY_SECONDS = 1e-6
"""A source's work for one key that it is sent: it is read, looked at by its planner, and hashed."""

RESIDUAL_SECONDS = 0.002
"""The engine's work before a residual's first row: it reads its plan, and plans and starts it. A
point query of PostgreSQL takes 1.6 ms, the same of a Parquet file 4.6 ms."""

TAKEN_IN = 2.0
"""What a row costs that a source joins, groups or sorts, in rows that it makes: PostgreSQL joins
450,000 orders with their customers in 0.16 s, and groups them in 0.08 s, where it scans them in
0.05 s."""

LOCAL_ROW_SECONDS = 2e-8
"""The engine's work for a row that an operator here makes: scanned, filtered or joined."""


HASHED_ROW_SECONDS = 2e-8
"""What it takes longer to hash a row for a join than to look one up: 6 M rows of Parquet are joined
with 20,000 in 0.18 s that way round, and in 0.07 s the other way."""


LOOKED_UP_SECONDS = 2.5e-9
"""The engine's work to look up a row among a join's few kept ones, which a processor's cache holds:
6 M rows among 20,000 in 16 ms."""

CACHED_ROWS = 16_384
DOUBLED_SECONDS = 4e-9
"""Beyond so many it takes so much longer among twice as many: among 50,000 14 ns, among 200,000
18 ns, among a million 25 ns (DataFusion 55, 2 cores of x86-64)."""


def looked_up_seconds(rows: float) -> float:
    """Seconds that it takes to look one row up among `rows` that a join keeps.

    >>> [round(looked_up_seconds(rows) * 1e9) for rows in (2_000, 200_000, 1_000_000)]
    [2, 17, 26]
    """
    return LOOKED_UP_SECONDS + DOUBLED_SECONDS * math.log2(max(1.0, rows / CACHED_ROWS))


def hashed_seconds(rows: float) -> float:
    """Seconds that a join takes longer for `rows` rows that it has to hash."""
    return rows * HASHED_ROW_SECONDS


def keys_cost(
    count: float,
    width_bytes: float,
    link: Link,
    key_seconds: float = KEY_SECONDS,
    texts: float = 1.0,
) -> Cost:
    """Seconds until `count` keys have crossed `link` with a statement that is sent anyway.

    Args:
        texts: how often it is.
    """
    return Cost(
        latency_seconds=0.0,
        transfer_seconds=texts * count * (width_bytes + 1.0) / link.over(1),
        work_seconds=count * key_seconds,
    )


def source_seconds(made: float, taken: float, row_seconds: float) -> float:
    """Seconds of a source's work for a fragment's operators.

    Args:
        made: the rows that they make.
        taken: the rows that they join, group or sort.
        row_seconds: see `connectors.contract.Capabilities`.
    """
    return (made + TAKEN_IN * taken) * row_seconds


STAGE_SECONDS = 0.002
"""What a stage costs whatever its rows: the engine plans and starts it by itself, and what waits
for it is written again."""

HELD_IN_MEMORY_BYTES = 16 * 1024 * 1024
"""What of a stage waits in memory; the rest waits on disk, so that nothing holds it up."""

HELD_BYTES_PER_SECOND = 400e6
"""Written to a file, and read again, by one thread."""


def held_seconds(size_bytes: float) -> float:
    """Seconds that it takes to keep a stage's rows until all of them are there."""
    return max(0.0, size_bytes - HELD_IN_MEMORY_BYTES) / HELD_BYTES_PER_SECOND


def local_seconds(rows: float) -> float:
    """Seconds until an operator of the engine has made `rows` rows."""
    return rows * LOCAL_ROW_SECONDS


def handing_seconds(rows: float) -> float:
    """Seconds until a source and its driver have handed out `rows` rows."""
    return rows * ROW_SECONDS


def handed_seconds(handing: float, carried: float, pace: float = 1.0) -> float:
    """Seconds by which handing rows out goes on longer than their transfer, which is beside it.

    Args:
        handing: seconds that it takes by the constants.
        carried: seconds in which the link carries the rows.
        pace: how many times as slow as the constants say their source is.
    """
    return max(0.0, pace * handing - carried)


def transfer_cost(
    rows: float,
    size_bytes: float,
    link: Link,
    round_trips: float = ROUND_TRIPS,
    connections: float = 1.0,
    pace: float = 1.0,
) -> Cost:
    """Seconds until `rows` rows of `size_bytes` bytes in all have crossed `link`.

    They are handed out while they are carried: what that takes longer is work.

    Args:
        connections: over so many of them.
        pace: see `handed_seconds`.

    >>> cost = transfer_cost(0.0, 6e6, Link(0.1, 10e6, 3e6), connections=2)
    >>> cost.transfer_seconds, cost.connections, cost.link_seconds
    (1.0, 2, 0.6)
    """
    rate = link.over(connections)
    transfer_seconds = size_bytes / rate
    least = rate < link.bytes_per_second
    return Cost(
        latency_seconds=round_trips * link.rtt_seconds,
        transfer_seconds=transfer_seconds,
        work_seconds=handed_seconds(handing_seconds(rows), transfer_seconds, pace),
        connections=connections if least else None,
        link_seconds=size_bytes / link.bytes_per_second if least else None,
    )
