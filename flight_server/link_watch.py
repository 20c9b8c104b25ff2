"""The round trips that a server makes only to time them: at start, in doubt, and after a silence.

Owns when a source is asked, and how seldom. Each source has a thread of its own, so that one which
does not answer holds no other up, and nothing waits for any of them.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from connectors.contract import Connector, Pings
from connectors.errors import CrosswindError
from execution.links import Links, differ
from execution.smoothed import CHANGE
from flight_server import link_state

TRIPS = 3
"""Round trips at a time; the fastest counts."""

ANSWER_BYTES = 262_144
"""Of the answer that tells the rate, asked for once at a time."""

LARGER_ANSWERS_BYTES = (2_097_152, 2_097_152)
"""Of those that are asked for besides where the other came at once: over a wide link. The fastest
counts, because next to it the two ends' work is not nothing."""

SURE = 0.5
SURE_SECONDS = 0.01
"""An answer that takes less beyond its round trip, as part of that, and besides, tells little."""

SILENCE_SECONDS = 600.0
"""After so long without traffic a source is asked again."""

PATIENCE_SECONDS = (5.0, 60.0)
"""At least so long between two times, twice as long after each that found nothing new, and at most
the other."""

KEEP_SECONDS = 60.0
"""How often what is known is written, at most."""

LEAVE_SECONDS = 0.5
"""How long closing waits for those who ask."""


class LinkWatch:
    """Asks sources for as long as it is open, and keeps what is known in a directory.

    Args:
        links: what answers go to, and doubts come from.
        connectors: by the names of their sources.
        directory: where what is known is kept; None for nowhere.
    """

    def __init__(
        self, links: Links, connectors: Mapping[str, Connector], directory: Path | None
    ) -> None:
        self._links = links
        self._directory = directory
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        if directory is not None:
            link_state.restore(links, directory)
            self._start("crosswind-links", self._keep)
        self._watched: dict[str, _Watched] = {}
        for name in links.wanting():
            connector = connectors.get(name)
            if isinstance(connector, Pings):
                watched = _Watched(name, connector, links, self._closed)
                self._watched[name] = watched
                self._start(f"{name}-link", watched.run)
        links.doubted(self._doubt, self._watched)

    def _start(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        # Without a thread links are learned from traffic alone.
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._threads.append(thread)

    def _doubt(self, source: str) -> None:
        watched = self._watched.get(source)
        if watched is not None:
            watched.doubt()

    def _keep(self) -> None:
        assert self._directory is not None
        written = self._links.state()
        while not self._closed.wait(KEEP_SECONDS):
            if (now := self._links.state()) != written:
                link_state.keep(self._links, self._directory)
                written = now

    def close(self) -> None:
        """Ask nobody any more, and write what is known. Idempotent."""
        if self._closed.is_set():
            return
        self._closed.set()
        for watched in self._watched.values():
            watched.doubt()
        until = time.monotonic() + LEAVE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if self._directory is not None:
            link_state.keep(self._links, self._directory)


class _Watched:
    """One source that is asked."""

    def __init__(self, name: str, source: Pings, links: Links, closed: threading.Event) -> None:
        self._name = name
        self._source = source
        self._links = links
        self._closed = closed
        self._doubted = threading.Event()
        self._patience_seconds = PATIENCE_SECONDS[0]

    def doubt(self) -> None:
        """Have it asked soon."""
        self._doubted.set()

    def run(self) -> None:
        """Ask at the start, again if traffic was in the way, and then when there is a reason to."""
        quiet = measure(self._name, self._source, self._links) is not False
        while not self._closed.wait(self._patience_seconds):
            while quiet and not self._doubted.wait(SILENCE_SECONDS):
                if self._links.unseen_seconds(self._name) >= SILENCE_SECONDS:
                    break
            if self._closed.is_set():
                return
            doubted = self._doubted.is_set()
            self._doubted.clear()
            before = self._links.link(self._name)
            answered = measure(self._name, self._source, self._links)
            if doubted and not answered:
                self._links.not_quiet(self._name)
            quiet = answered is not False
            least, most = PATIENCE_SECONDS
            found = differ(before, self._links.link(self._name), CHANGE)
            self._patience_seconds = least if found else min(most, 2 * self._patience_seconds)


def measure(name: str, source: Pings, links: Links) -> bool | None:
    """Time a few round trips to a source and one answer of some size; it may fail to answer.

    Returns:
        Whether nothing else was read there meanwhile: an answer that shares the link with others
        tells no more than the least that the rate is. None where there was no answer.
    """
    begun = links.quiet_since(name)
    with contextlib.suppress(CrosswindError):
        source.ping()  # opens the connection that the next ones go over
        pings = [ping for _ in range(TRIPS) if (ping := source.ping()) is not None]
        if not pings:
            return None
        trip_seconds = max(1e-6, min(ping.seconds / ping.round_trips for ping in pings))
        links.trip(name, trip_seconds)
        rate, tells = 0.0, False
        for answer_bytes in (ANSWER_BYTES, *LARGER_ANSWERS_BYTES):
            answer = source.ping(answer_bytes)
            if answer is None or not answer.answer_bytes:
                break
            # At most half of it can have been round trips.
            trips = min(answer.round_trips * trip_seconds, answer.seconds / 2)
            took = max(answer.seconds - trips, 1e-6)
            rate = max(rate, answer.answer_bytes / took)
            tells = answer_bytes > ANSWER_BYTES or took > SURE * trip_seconds + SURE_SECONDS
            if tells and answer_bytes == ANSWER_BYTES:
                break
        quiet = begun is not None and links.quiet_since(name) == begun
        if rate:
            links.probed(name, rate, sure=quiet and tells)
        return quiet if rate else None
    return None
