"""Links as people read them: the rows of `crosswind.links`, and of `crosswind check`.

Owns the units.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from execution.links import KnownLink
from planner.quantities import mbps, rate_text


def link_rows(known: Sequence[KnownLink], pace: Callable[[str], float]) -> list[tuple[object, ...]]:
    """In the order of `connectors.system.SCHEMAS`: milliseconds, and 10^6 bits per second.

    Args:
        pace: of a source; see `planner.seen_work`.
    """
    return [
        (
            link.source,
            None if link.rtt_seconds is None else link.rtt_seconds * 1e3,
            mbps(link.bytes_per_second),
            mbps(link.connection_bytes_per_second),
            link.connections,
            pace(link.source),
            link.origin,
            link.samples,
            None if link.seen_at is None else datetime.fromtimestamp(link.seen_at, UTC),
        )
        for link in known
    ]


def link_words(link: KnownLink) -> tuple[str, str, str, str, str]:
    """Round trip, rate, where these are from, samples, and how long ago the last one was."""
    return (
        "" if link.rtt_seconds is None else f"{link.rtt_seconds * 1e3:.3g} ms",
        _rate_words(link),
        link.origin,
        f"{link.samples:,}" if link.samples else "",
        "" if link.seen_at is None else _ago(time.time() - link.seen_at),
    )


def _rate_words(link: KnownLink) -> str:
    """The rate, and that of one connection, where more of them help.

    >>> known = KnownLink("shop", 0.1, 12.5e6, 2.5e6, 5, "measured", 40, None)
    >>> _rate_words(known)
    '100 Mbit/s by 5 connections, 20 Mbit/s by one'
    """
    if link.bytes_per_second is None:
        return ""
    rate, alone = rate_text(link.bytes_per_second), link.connection_bytes_per_second
    if alone is None or link.connections is None or link.connections == 1:
        return rate
    return f"{rate} by {link.connections} connections, {rate_text(alone)} by one"


def _ago(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return "now" if seconds < 2 else f"{seconds:.0f} seconds ago"
