"""Links as people read them: the rows of `crosswind.links`, and of `crosswind check`.

Owns the units.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from execution.links import KnownLink


def link_rows(known: Sequence[KnownLink]) -> list[tuple[object, ...]]:
    """In the order of `connectors.system.SCHEMAS`: milliseconds, and 10^6 bits per second."""
    return [
        (
            link.source,
            None if link.rtt_seconds is None else link.rtt_seconds * 1e3,
            mbps(link.bytes_per_second),
            mbps(link.connection_bytes_per_second),
            link.connections,
            link.origin,
            link.samples,
            None if link.seen_at is None else datetime.fromtimestamp(link.seen_at, UTC),
        )
        for link in known
    ]


def mbps(bytes_per_second: float | None) -> float | None:
    """10^6 bits per second.

    >>> mbps(125_000_000.0)
    1000.0
    """
    return None if bytes_per_second is None else bytes_per_second * 8 / 1e6


def link_words(link: KnownLink) -> tuple[str, str, str, str, str]:
    """Round trip, rate, where these are from, samples, and how long ago the last one was."""
    rate = mbps(link.bytes_per_second)
    return (
        "" if link.rtt_seconds is None else f"{link.rtt_seconds * 1e3:.3g} ms",
        "" if rate is None else f"{rate:.3g} Mbit/s" if rate < 1e3 else f"{rate / 1e3:.3g} Gbit/s",
        link.origin,
        f"{link.samples:,}" if link.samples else "",
        "" if link.seen_at is None else _ago(time.time() - link.seen_at),
    )


def _ago(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return "now" if seconds < 2 else f"{seconds:.0f} seconds ago"
