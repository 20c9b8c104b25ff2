"""What moving rows over a link costs, in seconds. Pure arithmetic: no statistics, no plans."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """The network path to a source.

    Attributes:
        rtt_seconds: round-trip time.
        bytes_per_second: bandwidth available to one query.
    """

    rtt_seconds: float = 0.0005
    bytes_per_second: float = 125_000_000.0

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
    """Estimated seconds, by cause. `seconds` is their sum."""

    latency_seconds: float
    transfer_seconds: float
    work_seconds: float

    @property
    def seconds(self) -> float:
        return self.latency_seconds + self.transfer_seconds + self.work_seconds


ROUND_TRIPS = 2.0
"""A statement over an open connection: begin with the statement, then its rows."""

ROW_SECONDS = 2e-7
"""A source's and a driver's work to hand out one row: 5 M rows a second, seen with Postgres."""


KEY_SECONDS = 1e-6
"""A source's work for one key that it is sent: it is read, looked at by its planner, and hashed."""

RESIDUAL_SECONDS = 0.002
"""The engine's work before a residual's first row: it reads its plan, and plans and starts it. A
point query of PostgreSQL takes 1.6 ms, the same of a Parquet file 4.6 ms."""

SOURCE_ROW_SECONDS = 1e-7
"""A source's work for a row that an operator there makes: Postgres counts 6 M rows in 0.5 s."""

LOCAL_ROW_SECONDS = 2e-8
"""The engine's work for a row that an operator here makes: scanned, filtered or joined."""


def keys_cost(count: float, width_bytes: float, link: Link) -> Cost:
    """Seconds until `count` keys have crossed `link` with a statement that is sent anyway."""
    return Cost(
        latency_seconds=0.0,
        transfer_seconds=count * (width_bytes + 1.0) / link.bytes_per_second,
        work_seconds=count * KEY_SECONDS,
    )


def source_seconds(rows: float) -> float:
    """Seconds until the operators of a fragment have made `rows` rows at their source."""
    return rows * SOURCE_ROW_SECONDS


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


def transfer_cost(rows: float, size_bytes: float, link: Link) -> Cost:
    """Seconds until `rows` rows of `size_bytes` bytes in all have crossed `link`."""
    return Cost(
        latency_seconds=ROUND_TRIPS * link.rtt_seconds,
        transfer_seconds=size_bytes / link.bytes_per_second,
        work_seconds=rows * ROW_SECONDS,
    )
