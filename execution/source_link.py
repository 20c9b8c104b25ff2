"""What has been learned of one source's link, and what is configured of it.

Owns which of its figures is the link's: a rate that was seen, the least that it must be, or nothing
yet. Knows no other link, no threads and no clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from execution.smoothed import CHANGE, Smoothed
from planner.cost import Link

ASSUMED = Link()
"""Where nothing is known."""

ENOUGH = 0.9
"""More connections do not help once so much of the best rate is reached."""

SLOWER = 1.25
"""What is so many times slower than the best that was seen may speak of a slower link."""

DOUBTS = 3
"""So many of these in a row put it in doubt."""

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
        rates: the highest at which anything came, in bytes per second, by how many connections
            there were.
        slower: the last rates, one after another, that were clearly lower than what is known.
        late: how many first batches, one after another, took clearly longer than the round trip.
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
        self.asked = False
        self.readings = 0
        self.begun = 0
        self._faster: dict[int, float] = {}

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

    def delivered(self, rate: float, connections: int, now: float, *, whole: bool) -> bool:
        """Something came at a rate, its source's work included: the link's is that at least.

        Args:
            whole: from the request on. What streams may have waited in buffers, and come faster
                than over any link: it must be seen twice.

        Returns:
            Whether the link is clearly faster than it was known to be.
        """
        n = max(1, min(MAX_CONNECTIONS, connections))
        fewer = [known.value for m, known in self.rates.items() if m <= n and known.value]
        before = max(fewer, default=None)
        if before is not None and rate < before / SLOWER:
            self.slower.append(rate)
            return False
        self.slower.clear()
        known = self.rates.setdefault(n, Smoothed())
        if not whole and before is not None and rate > before:
            rate, self._faster[n] = min(rate, self._faster.get(n, before)), rate
        known.raise_to(rate, now)
        return before is not None and rate > CHANGE * before

    def told(self, rate: float, now: float, *, sure: bool) -> None:
        """The rate of an answer that was asked for to know it: over one connection, without work.

        Args:
            sure: nothing else crossed the link, and the answer took long enough to tell.
        """
        known = self.rates.setdefault(1, Smoothed())
        before = known.value
        doubted = len(self.slower) >= DOUBTS
        if sure or (self.slower and rate > SLOWER * max(self.slower)):
            # Those were their source's work; else the link carries no more than they had.
            rate, self.asked = max(rate, *self.slower) if doubted else rate, True
            self.slower.clear()
        if sure and before is not None and rate < before / (SLOWER if doubted else CHANGE):
            self.becomes(rate, 1, now)
        else:
            known.raise_to(rate, now)

    def becomes(self, rate: float, connections: int, now: float) -> None:
        """The link is another one than it was: nothing that was seen before is told of it."""
        self.slower.clear()
        self._faster.clear()
        self.rates = {max(1, min(MAX_CONNECTIONS, connections)): Smoothed(rate, 1, now)}
