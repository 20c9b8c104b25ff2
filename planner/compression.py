"""Whether what a source sends is compressed on its way: by how fast its link is.

    link         100 Mbit/s   200 Mbit/s   300 Mbit/s   500 Mbit/s   600 Mbit/s
    sent           zstd         zstd          lz4          lz4        as it is

A codec that takes B bytes of rows a second, and makes them K times smaller, is worth its work as
long as what it makes still waits for the link: `rate * K < WAITS * B`. Then the rate that is seen
is the link's, whatever is chosen, and no choice refutes itself. Owns that formula and its figures.
Pure arithmetic: knows no codec's code, no statistics and no source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from connectors.contract import Compression
from planner.cost import Link

WAITS = 0.6
"""Of a codec's own speed: so near to it a link is no longer what holds the rows up, on a machine
that has other things to do."""


@dataclass(frozen=True, slots=True)
class Codec:
    """What a codec does to rows, as measured with TPC-H's; see docs/decisions/0018.

    Attributes:
        name: Arrow's.
        bytes_per_second: of rows, compressed there and decompressed here, one stream.
        ratio: how many times fewer bytes cross.
    """

    name: Compression
    bytes_per_second: float
    ratio: float


CODECS = (Codec("zstd", 160e6, 3.8), Codec("lz4", 260e6, 2.3))
"""The one that makes the fewest bytes first."""


def compression_over(link: Link, compressions: Sequence[Compression | None]) -> Compression | None:
    """How a source sends rows over a link: of the ways that it has, the one that is soonest here.

    >>> slow, fast = Link(bytes_per_second=1e6), Link(bytes_per_second=1e9)
    >>> [compression_over(link, (None, "lz4", "zstd")) for link in (slow, fast)]
    ['zstd', None]
    """
    if None not in compressions:
        return compressions[0]
    for codec in CODECS:
        waits = link.over(1) * codec.ratio < WAITS * codec.bytes_per_second
        if waits and codec.name in compressions:
            return codec.name
    return None


def link_of_rows(link: Link, compression: Compression | None) -> Link:
    """The link as rows see it that are compressed: wider by as much as they become smaller.

    >>> link_of_rows(Link(bytes_per_second=1e6), "zstd").bytes_per_second
    3800000.0
    """
    for codec in CODECS:
        if codec.name == compression:
            rate = min(link.bytes_per_second * codec.ratio, codec.bytes_per_second)
            one = link.connection_bytes_per_second
            one = None if one is None else min(one * codec.ratio, codec.bytes_per_second)
            return replace(link, bytes_per_second=rate, connection_bytes_per_second=one)
    return link


def may_hold_up(compression: Compression, bytes_per_second: float) -> bool:
    """Whether rows that come so fast may have waited for the codec and not for the link.

    A machine that does other work as well may have half of a codec's speed.
    """
    return any(
        codec.name == compression and bytes_per_second > codec.bytes_per_second / 2
        for codec in CODECS
    )
