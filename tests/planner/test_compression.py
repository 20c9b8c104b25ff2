"""Which way rows are sent over a link: by the rate alone, and no way refutes itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors.contract import Compression
from planner.compression import CODECS, Codec, compression_over, link_of_rows, may_hold_up
from planner.cost import Link

EVERY: tuple[Compression | None, ...] = (None, "lz4", "zstd")


def over(mbps: float, compressions: Sequence[Compression | None] = EVERY) -> Compression | None:
    return compression_over(Link.of(None, mbps), compressions)


def test_the_slower_the_link_the_more_is_compressed() -> None:
    chosen = [over(mbps) for mbps in (1, 100, 200, 300, 500, 600, 1000, 10_000)]
    assert chosen == ["zstd", "zstd", "zstd", "lz4", "lz4", None, None, None]


def test_a_link_of_which_nothing_is_known_is_not_compressed() -> None:
    assert compression_over(Link(), EVERY) is None


def test_a_source_is_asked_only_for_what_it_can_do() -> None:
    assert over(1, (None,)) is None
    assert over(1, (None, "lz4")) == "lz4"
    assert over(10_000, ("zstd",)) == "zstd"


@pytest.mark.parametrize("codec", CODECS)
def test_where_a_codec_is_the_slower_part_what_is_seen_of_the_link_ends_it(codec: Codec) -> None:
    """Then no more crosses the link than the codec makes, where it has most of its machine."""
    seen = Link(bytes_per_second=0.7 * codec.bytes_per_second / codec.ratio)
    assert compression_over(seen, EVERY) != codec.name
    assert may_hold_up(codec.name, 0.7 * codec.bytes_per_second)


def test_rows_see_a_wider_link_but_none_that_is_faster_than_the_codec() -> None:
    slow, fast = Link(bytes_per_second=1e6), Link(bytes_per_second=1e9)
    for codec in CODECS:
        assert link_of_rows(slow, codec.name).bytes_per_second == codec.ratio * 1e6
        assert link_of_rows(fast, codec.name).bytes_per_second == codec.bytes_per_second
    assert link_of_rows(slow, None) is slow
