"""What the reading of fragments tells of their sources' links.

Owns when a stretch of reading counts: long enough, and not held up by whoever takes the batches. It
goes from one wait for the source to another, when all that had come was taken: what is made of one
of the source's messages comes here in several batches at once, and says nothing by itself. Knows no
statistics: what counts goes to `execution.links`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from connectors.contract import Compression
from execution.links import Links
from planner.compression import may_hold_up
from planner.cost import ROUND_TRIPS, Link

MIN_BYTES = 262_144
MIN_SECONDS = 0.01
"""A stretch that is shorter tells of buffers, not of the link."""

WHOLE_BYTES = 131_072
"""What a fragment must have to count although it came at once."""

STRETCH_SECONDS = 1.0
"""A stretch that goes on is counted each time it has taken so long."""

HELD_UP_SECONDS = 0.005
"""After a longer wait for whoever takes the batches, what comes next was waiting in buffers."""

WAIT_SECONDS = 0.001
"""After so long, what comes next had not been here."""

BURSTS = 8
"""At the ends of a stretch, each connection but one has part of what comes next at once: for each,
the stretch has so many times the most that came at once."""


class Meter:
    """All readings of one source that go on now.

    Args:
        spare: how many connections they use beyond one each.
    """

    def __init__(self, links: Links, source: str, spare: Callable[[], int]) -> None:
        self.links = links
        self.source = source
        self.spare = spare
        self._lock = threading.Lock()
        self._active = 0
        self._changed_at = 0.0
        self._active_seconds = 0.0
        self._bytes = 0

    def enter(self, change: int, now: float) -> None:
        """One more streams now, or one less."""
        with self._lock:
            self._active_seconds += self._active * (now - self._changed_at)
            self._changed_at = now
            self._active += change

    def add(self, size_bytes: int) -> None:
        """So many have come."""
        with self._lock:
            self._bytes += size_bytes

    def so_far(self, now: float) -> tuple[int, float]:
        """All bytes that have come, and the seconds of all that streamed, added up."""
        with self._lock:
            return self._bytes, self._active_seconds + self._active * (now - self._changed_at)


@dataclass(slots=True)
class _Stretch:
    """What has come since a wait began.

    Attributes:
        at: when it began.
        before: what all readings of the source had then; see `Meter.so_far`.
        extra: connections that were used then beyond one for each reading.
        size_bytes, rows_bytes: see `Reading.came`.
    """

    at: float
    before: tuple[int, float]
    extra: int
    size_bytes: int = 0
    rows_bytes: int = 0

    def came(self, size_bytes: int, rows_bytes: int) -> None:
        self.size_bytes += size_bytes
        self.rows_bytes += rows_bytes


class Reading:
    """One fragment's reading; used by the thread that reads it. Times are `time.monotonic`'s."""

    def __init__(
        self, meter: Meter, turn_at: float, round_trips: float, compression: Compression | None
    ) -> None:
        self._meter = meter
        self._round_trips = round_trips
        self._compression = compression
        self._turn_at = turn_at
        self._first_at: float | None = None
        self._held_up_seconds = 0.0
        self._bytes = 0
        self._counted = False
        self._free_at = turn_at
        self._stretch: _Stretch | None = None
        self._burst_bytes = 0
        self._most_at_once_bytes = 0
        meter.links.reads(meter.source, 1)

    def came(self, size_bytes: int, now: float, rows_bytes: int = 0) -> None:
        """A batch is here.

        Args:
            size_bytes: that have crossed the link for it.
            rows_bytes: of its rows, where these are others: it was compressed on its way.
        """
        meter = self._meter
        if self._first_at is None:
            self._first_at = now
            meter.enter(1, now)
            meter.links.first_batch(meter.source, now - self._turn_at, self._round_trips)
        elif now - self._free_at >= WAIT_SECONDS:
            self._waited()
        meter.add(size_bytes)
        self._bytes += size_bytes
        self._burst_bytes += size_bytes
        if self._stretch is not None:
            self._stretch.came(size_bytes, rows_bytes)
        self._free_at = now

    def held_up(self, seconds: float, now: float) -> None:
        """Handing the batch over took so long."""
        self._held_up_seconds += seconds
        self._free_at = now
        if seconds > HELD_UP_SECONDS:
            # What came since the last wait may have been in buffers, and so may what comes now.
            self._stretch = None

    def ended(self, now: float, *, complete: bool) -> None:
        """Nothing more comes; `complete` unless it failed or was stopped."""
        meter = self._meter
        meter.links.reads(meter.source, -1)
        if self._first_at is None:
            return
        self._counts(self._free_at)
        meter.enter(-1, now)
        taken = now - self._turn_at - self._held_up_seconds
        if self._counted or not complete or self._bytes < WHOLE_BYTES or taken < MIN_SECONDS:
            return
        # At most half of it can have been round trips, if the round trip is not known well.
        trips = min(self._round_trips * meter.links.rtt_seconds(meter.source), taken / 2)
        meter.links.came(meter.source, self._bytes / (taken - trips), 1 + meter.spare())

    def _waited(self) -> None:
        """All that had come was taken: a stretch may end here, and another begins."""
        now = self._free_at
        self._most_at_once_bytes = max(self._most_at_once_bytes, self._burst_bytes)
        self._burst_bytes = 0
        stretch = self._stretch
        if stretch is not None and (now - stretch.at < STRETCH_SECONDS or not self._counts(now)):
            return
        self._stretch = _Stretch(now, self._meter.so_far(now), self._meter.spare())

    def _counts(self, now: float) -> bool:
        """Whether the stretch, if it ends now, tells something; then it has been told."""
        stretch, meter = self._stretch, self._meter
        if stretch is None:
            return False
        seconds, extra = now - stretch.at, max(stretch.extra, meter.spare())
        most_at_once = max(self._most_at_once_bytes, self._burst_bytes)
        if stretch.size_bytes < max(MIN_BYTES, BURSTS * extra * most_at_once):
            return False
        if seconds < MIN_SECONDS:
            return False
        all_bytes, active_seconds = meter.so_far(now)
        came_bytes = max(stretch.size_bytes, all_bytes - stretch.before[0])
        at_once = (active_seconds - stretch.before[1]) / seconds
        meter.links.streamed(meter.source, came_bytes / seconds, max(1, round(at_once)) + extra)
        self._counted = True
        if self._compression is not None and may_hold_up(
            self._compression, stretch.rows_bytes / seconds
        ):
            # The link may carry more than was made for it.
            meter.links.doubt(meter.source)
        return True


class Metering:
    """The meters of all sources.

    Args:
        links: where samples go; None for nowhere.
        spare: by source, how many connections are used beyond one for each fragment.
    """

    def __init__(self, links: Links | None, spare: Mapping[str, Callable[[], int]]) -> None:
        self._meters = {
            source: Meter(links, source, extra)
            for source, extra in spare.items()
            if links is not None
        }

    def link(self, source: str) -> Link | None:
        """What is known of a source's link; None of the server's own, and where nobody wants to."""
        meter = self._meters.get(source)
        with suppress(KeyError):
            return None if meter is None else meter.links.link(source)
        return None

    def reading(
        self,
        source: str,
        turn_at: float,
        round_trips: float = ROUND_TRIPS,
        compression: Compression | None = None,
    ) -> Reading | None:
        """A reading that begins now; None where nobody wants to know.

        Args:
            round_trips: until its first batch is here, at least.
            compression: of what crosses the link.
        """
        meter = self._meters.get(source)
        return None if meter is None else Reading(meter, turn_at, round_trips, compression)
