"""What is known of each source's link: round trip and rates, learned from what crosses it.

Owns the figures, which of them holds (the configured, the measured or the assumed one), and when
they have changed so much that plans should be made anew. Knows no source, socket or file: samples
come from `execution.metering` and from whoever asks for a round trip.

A rate at which anything came is a lower bound of the link's: the source may have been the slower
one. So the highest that was seen is the link's, as BBR takes the largest delivery rate of a window
(Cardwell et al., CACM 2017). Several in a row that are clearly lower put it in doubt, and whoever
can ask the source does: where an answer that takes no work comes as slowly, the link has become
slower. Where nobody can ask, they are believed when there are more of them.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from execution.smoothed import CHANGE, Smoothed
from execution.source_link import AGREEING, ASSUMED, DOUBTS, Configured, SourceLink
from planner.cost import Link

SLOW_TRIPS = 4.0
SLOW_SECONDS = 0.005
"""A first batch that takes more round trips, and more beside them, puts the round trip in doubt."""

NOTED = 1.15
"""New plans are made with another figure when it differs by so much."""

SLACK_SECONDS = 0.0005
"""Of round trips that take next to nothing, twice as much is nothing too."""


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A source's link as it is known now; None is not known, or does not apply.

    Attributes:
        connection_bytes_per_second: of one connection.
        connections: after which more do not help.
        origin: `configured`, `measured`, `assumed` or `local`; of the round trip and of the rate,
            where they differ.
        samples: how many figures were taken from traffic and probes.
        seen_at: when the last one was, in seconds since 1970.
    """

    source: str
    rtt_seconds: float | None
    bytes_per_second: float | None
    connection_bytes_per_second: float | None
    connections: int | None
    origin: str
    samples: int
    seen_at: float | None


class Links:
    """The links of a server's sources. Any thread may use it.

    Args:
        configured: by source; others have no link.
        clock: seconds since 1970; replaced only by tests.

    Attributes:
        version: another number when some link has changed by a factor of two since the last.
    """

    def __init__(
        self, configured: Mapping[str, Configured], clock: Callable[[], float] = time.time
    ) -> None:
        self._sources = {name: SourceLink(each) for name, each in configured.items()}
        self._clock = clock
        self._lock = threading.Lock()
        self._doubt: Callable[[str], None] | None = None
        self.version = 0
        self._published = self._now()
        self._anchors = self._published

    def doubted(self, ask: Callable[[str], None], sources: Iterable[str]) -> None:
        """Have `ask` called, with a source's name, when traffic does not fit what is known.

        It must return at once, and leads to `trip` and `probed`.

        Args:
            ask: from any thread.
            sources: those that can be asked.
        """
        self._doubt = ask
        for name in sources:
            self._sources[name].asked = True

    def reads(self, source: str, change: int) -> None:
        """A fragment's reading begins (1), or has ended (-1)."""
        with self._lock:
            found = self._sources.get(source)
            if found is not None:
                found.readings += change
                found.begun += max(0, change)

    def quiet_since(self, source: str) -> int | None:
        """How many readings have begun; None while there are any."""
        with self._lock:
            found = self._sources[source]
            return None if found.readings else found.begun

    def not_quiet(self, source: str) -> None:
        """A doubt could not be settled, for the traffic: what comes is believed by itself."""
        with self._lock:
            found = self._sources[source]
            found.asked = not found.slower

    def links(self) -> Mapping[str, Link]:
        """What to plan with now, by source. The same object, as long as nothing changes by much."""
        links = self._now()
        with self._lock:
            if any(differ(link, self._published[name], NOTED) for name, link in links.items()):
                self._published = links
            return self._published

    def _now(self) -> dict[str, Link]:
        now = self._clock()
        with self._lock:
            return {name: source.link(now) for name, source in self._sources.items()}

    def link(self, source: str) -> Link:
        """One of them, exactly as it is known now."""
        with self._lock:
            return self._sources[source].link(self._clock())

    def known(self) -> list[KnownLink]:
        """All that is known now, by the names of the sources."""
        now = self._clock()
        with self._lock:
            return [_known(name, self._sources[name], now) for name in sorted(self._sources)]

    def wanting(self) -> list[str]:
        """The sources whose links are not all configured."""
        return [name for name, source in self._sources.items() if not source.configured.whole]

    def rtt_seconds(self, source: str) -> float:
        """What a round trip is held to take now."""
        with self._lock:
            found = self._sources.get(source)
            return 0.0 if found is None else found.link(self._clock()).rtt_seconds

    def unseen_seconds(self, source: str) -> float:
        """How long ago the last sample was."""
        with self._lock:
            return self._clock() - max(_seen(self._sources[source]), default=0.0)

    def trip(self, source: str, seconds: float) -> None:
        """A round trip that was made to be timed, the fastest of a few."""
        with self._lock:
            found, now = self._sources[source], self._clock()
            found.late = 0
            before = found.rtt.value
            found.rtt.replace(seconds, now)
            if before is not None and _far_apart(before + SLACK_SECONDS, seconds + SLACK_SECONDS):
                # Another way there: it has another rate, too.
                found.forget_rates()
        self._compare()

    def probed(self, source: str, bytes_per_second: float, *, sure: bool) -> None:
        """A rate that was measured to know it: over one connection, with nothing to be done.

        Args:
            sure: unless it may as well be higher: the answer shared the link, or took little more
                than a round trip.
        """
        with self._lock:
            self._sources[source].told(bytes_per_second, self._clock(), sure=sure)
        self._compare()

    def streamed(self, source: str, bytes_per_second: float, connections: int) -> None:
        """A rate at which batches came that nobody held up, of all connections together."""
        self._delivered(source, bytes_per_second, connections, whole=False)

    def came(self, source: str, bytes_per_second: float, connections: int) -> None:
        """A rate at which a whole fragment came, from its request on."""
        self._delivered(source, bytes_per_second, connections, whole=True)

    def _delivered(self, source: str, rate: float, connections: int, *, whole: bool) -> None:
        with self._lock:
            found, now = self._sources.get(source), self._clock()
            if found is None or found.configured.local:
                return
            faster = found.delivered(rate, connections, now, whole=whole)
            slower = found.slower_in_a_row
            if slower >= AGREEING and not found.asked:
                found.agree(now)
        self._compare()
        # Where it is another link, its round trip may be another, too.
        if faster or (slower >= DOUBTS and (slower - DOUBTS) % AGREEING == 0):
            self._ask(source)

    def first_batch(self, source: str, seconds: float, round_trips: float) -> None:
        """How long a fragment's first batch took: at least so many round trips, and work."""
        with self._lock:
            found, now = self._sources.get(source), self._clock()
            if found is None or found.configured.local:
                return
            bound = max(seconds / round_trips, 1e-6)
            rtt = found.rtt.value
            if rtt is None or bound < rtt / CHANGE:
                found.rtt.replace(bound, now)
            late = seconds > SLOW_TRIPS * (rtt or 0.0) + SLOW_SECONDS
            found.late = found.late + 1 if late and rtt is not None else 0
            doubt = found.late == DOUBTS
            if doubt:
                found.late = 0
        self._compare()
        if doubt:
            self._ask(source)

    def doubt(self, source: str) -> None:
        """Have a source asked, for a reason that the figures do not tell."""
        self._ask(source)

    def _ask(self, source: str) -> None:
        if self._doubt is not None:
            self._doubt(source)

    def _compare(self) -> None:
        links = self._now()
        with self._lock:
            if any(differ(link, self._anchors[name], CHANGE) for name, link in links.items()):
                self._anchors = self._published = links
                self.version += 1

    def state(self) -> dict[str, Any]:
        """What to keep for the next start, as JSON can have it."""
        with self._lock:
            return {
                name: {
                    "rtt": _figure(source.rtt),
                    "rates": {str(n): _figure(rate) for n, rate in source.rates.items()},
                }
                for name, source in self._sources.items()
                if source.rtt.samples or source.rates
            }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Begin with what `state` said before.

        Raises:
            LookupError, TypeError, ValueError, AttributeError: it is not of that form; nothing has
                changed then.
        """
        read = {
            name: (
                _smoothed(each["rtt"]),
                {_connections(n): _smoothed(r) for n, r in each["rates"].items()},
            )
            for name, each in state.items()
            if name in self._sources
        }
        with self._lock:
            for name, (rtt, rates) in read.items():
                self._sources[name].rtt, self._sources[name].rates = rtt, rates
        self._compare()


def _known(name: str, source: SourceLink, now: float) -> KnownLink:
    seen = max(_seen(source), default=None)
    samples = source.rtt.samples + sum(rate.samples for rate in source.rates.values())
    rtt, rate = source.configured.rtt_seconds, source.configured.bytes_per_second
    if source.configured.local and rtt is None and rate is None:
        return KnownLink(name, None, None, None, None, "local", 0, None)
    link, best = source.link(now), source.best(now)
    of_rtt = _origin(rtt, source.rtt.known(ASSUMED.rtt_seconds, now))
    of_rate = _origin(rate, None if best is None else best[0])
    return KnownLink(
        name,
        link.rtt_seconds,
        link.bytes_per_second,
        source.one_connection(now),
        # One number of connections says nothing of others.
        best[1] if best is not None and len(source.rates) > 1 else None,
        of_rtt if of_rtt == of_rate else f"{of_rtt}, {of_rate}",
        samples,
        seen,
    )


def _origin(configured: float | None, measured: float | None) -> str:
    if configured is not None:
        return "configured"
    return "assumed" if measured is None else "measured"


def _seen(source: SourceLink) -> list[float]:
    return [each.seen_at for each in (source.rtt, *source.rates.values()) if each.samples]


def differ(one: Link, other: Link, factor: float) -> bool:
    """Whether a figure of a link is so many times another's."""
    pairs = (
        (one.rtt_seconds + SLACK_SECONDS, other.rtt_seconds + SLACK_SECONDS),
        (one.bytes_per_second, other.bytes_per_second),
        (one.over(1), other.over(1)),
    )
    return any(_far_apart(*pair, factor) for pair in pairs)


def _far_apart(one: float, other: float, factor: float = CHANGE) -> bool:
    return max(one, other) > factor * min(one, other)


def _figure(smoothed: Smoothed) -> list[float | None]:
    return [smoothed.value, smoothed.samples, smoothed.seen_at]


def _connections(number: str) -> int:
    if not 1 <= int(number) <= 10_000:
        raise ValueError("that is no number of connections")
    return int(number)


def _smoothed(figure: Any) -> Smoothed:
    value, samples, seen_at = figure
    if value is not None and not 0 < float(value) < math.inf:
        raise ValueError("a figure of a link is positive")
    if not 0 <= float(seen_at) <= 2**40 or int(samples) < 0:
        raise ValueError("that is no time, or no number of samples")
    return Smoothed(None if value is None else float(value), int(samples), float(seen_at))
