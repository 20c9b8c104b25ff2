"""Rows, bytes and links as people read them."""

from __future__ import annotations

from planner.cost import Link


def rows_text(rows: float) -> str:
    """A number of rows.

    >>> rows_text(1), rows_text(12345.6)
    ('1 row', '12,346 rows')
    """
    return f"{rows:,.0f} row{'' if round(rows) == 1 else 's'}"


def size_text(size_bytes: float) -> str:
    """A number of bytes in the unit that suits it; 1 kB is 1,000 B.

    >>> size_text(120), size_text(5130), size_text(2.5e9)
    ('120 B', '5.13 kB', '2.5 GB')
    """
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.3g} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:,.1f} GB"


def mbps(bytes_per_second: float | None) -> float | None:
    """10^6 bits per second.

    >>> mbps(125_000_000.0)
    1000.0
    """
    return None if bytes_per_second is None else _mbps(bytes_per_second)


def _mbps(bytes_per_second: float) -> float:
    return bytes_per_second * 8 / 1e6


def rate_text(bytes_per_second: float) -> str:
    """A rate in 10^6 or 10^9 bits per second.

    >>> rate_text(2.5e6), rate_text(125e6)
    ('20 Mbit/s', '1 Gbit/s')
    """
    rate = _mbps(bytes_per_second)
    return f"{rate:.3g} Mbit/s" if rate < 1e3 else f"{rate / 1e3:.3g} Gbit/s"


def link_text(link: Link) -> str:
    """A link's round trip and rate.

    >>> link_text(Link(0.02, 12.5e6)), link_text(Link(0.1, 12.5e6, 2.5e6))
    ('20 ms, 100 Mbit/s', '100 ms, 100 Mbit/s (one connection 20 Mbit/s)')
    """
    alone = link.connection_bytes_per_second
    one = "" if alone is None else f" (one connection {rate_text(alone)})"
    return f"{link.rtt_seconds * 1e3:.3g} ms, {rate_text(link.bytes_per_second)}{one}"
