"""What has been learned of one source's link, and what is configured of it.

Owns which of its figures is the link's: a rate that was seen, the least that it must be, or nothing
yet. Knows no other link, no threads and no clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from execution.smoothed import Smoothed
from planner.cost import Link

ASSUMED = Link()
"""Where nothing is known."""

ENOUGH = 0.9
"""More connections do not help once so much of the best rate is reached."""

AGREEING = 6
"""So many in a row are believed where nobody can ask the source."""

MAX_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Configured:
    """What the configuration says of a source's link; None is measured.

    Attributes:
        local: the source is on this machine: there is no link.
    """

    rtt_seconds: float | None = None
    bytes_per_second: float | None = None
    local: bool = False

    @property
    def whole(self) -> bool:
        """Whether there is nothing to be found out."""
        return self.local or (self.rtt_seconds is not None and self.bytes_per_second is not None)


class SourceLink:
    """What has been learned of one link.

    Attributes:
        rtt: in seconds.
        rates: bytes per second, by how many connections there were.
        slower: the last rates, one after another, that were clearly lower than what is known.
        late: how many first batches, one after another, took clearly longer than the round trip.
        bounded: nothing is known of the rate but what it is at least.
        asked: whoever was in doubt can ask the source, and has not been prevented.
        readings: fragments that are read now.
        begun: those whose reading has begun so far.
    """

    def __init__(self, configured: Configured) -> None:
        self.configured = configured
        self.rtt = Smoothed()
        self.rates: dict[int, Smoothed] = {}
        self.slower: deque[float] = deque(maxlen=AGREEING)
        self.late = 0
        self.bounded = False
        self.asked = False
        self.readings = 0
        self.begun = 0

    def best(self, now: float) -> tuple[float, int] | None:
        """The highest rate that is known, and the fewest connections that nearly reach it."""
        known = {n: r.known(ASSUMED.bytes_per_second, now) for n, r in self.rates.items()}
        rates = {n: rate for n, rate in sorted(known.items()) if rate is not None}
        if not rates:
            return None
        most = max(rates.values())
        return most, next(n for n, rate in rates.items() if rate >= ENOUGH * most)

    def one_connection(self, now: float) -> float | None:
        """The rate of one connection, as far as the fewest that were seen tell."""
        if not self.rates:
            return None
        fewest = min(self.rates)
        rate = self.rates[fewest].known(ASSUMED.bytes_per_second, now)
        return None if rate is None else rate / fewest

    def link(self, now: float) -> Link:
        """What plans are made with."""
        rtt, rate = self.configured.rtt_seconds, self.configured.bytes_per_second
        if rtt is None and not self.configured.local:
            rtt = self.rtt.known(ASSUMED.rtt_seconds, now)
        if rate is None and not self.configured.local:
            best = self.best(now)
            rate = None if best is None else best[0]
        return Link(
            ASSUMED.rtt_seconds if rtt is None else rtt,
            ASSUMED.bytes_per_second if rate is None else rate,
        )

    def takes_rate(self, rate: float, connections: int, now: float) -> bool:
        """A rate that is the link's own; whether it is another one than it was."""
        self.slower.clear()
        n = max(1, min(MAX_CONNECTIONS, connections))
        if self.bounded:
            self.rates.clear()
        self.bounded = False
        changed = self.rates.setdefault(n, Smoothed()).add(rate, now)
        if changed:
            # What was seen with other numbers of connections was seen of another link.
            self.rates = {n: self.rates[n]}
        return changed

    def takes_bound(self, rate: float, connections: int, now: float) -> None:
        """The least that the link's rate is, when nothing better is known."""
        self.slower.clear()
        best = self.best(now)
        if best is not None and rate <= best[0]:
            return
        if best is not None and not self.bounded:
            self.takes_rate(rate, connections, now)
            return
        samples = 1 + sum(known.samples for known in self.rates.values())
        n = max(1, min(MAX_CONNECTIONS, connections))
        self.rates, self.bounded = {n: Smoothed(rate, samples, now)}, True
