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

APART = 1.5
"""One connection is slower than several where these carry so many times as much: what is read over
one may have been made as slowly."""

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
        slower: the last rates, one after another, that were clearly lower than what is known, and
            over how many connections.
        slower_in_a_row: how many there have been.
        late: how many first batches, one after another, took clearly longer than the round trip.
        asked: whoever was in doubt can ask the source, and has not been prevented.
        readings: fragments that are read now.
        begun: those whose reading has begun so far.
    """

    def __init__(self, configured: Configured) -> None:
        self.configured = configured
        self.rtt = Smoothed()
        self.rates: dict[int, Smoothed] = {}
        self.slower: deque[tuple[float, int]] = deque(maxlen=AGREEING)
        self.slower_in_a_row = 0
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
            self._slower_alone(now),
        )

    def _slower_alone(self, now: float) -> float | None:
        """The rate of one connection, where it has been seen to be clearly less than the link's.

        A configured rate is that of every connection: what was seen beside it is a lower bound.
        """
        best = None if self.configured.whole else self.best(now)
        if best is None or self.configured.bytes_per_second is not None or 1 not in self.rates:
            return None
        alone = self.rates[1].known(ASSUMED.bytes_per_second, now)
        return alone if alone is not None and APART * alone < best[0] else None

    def delivered(self, rate: float, connections: int, now: float, *, whole: bool) -> bool:
        """Something came at a rate, its source's work included: the link's is that at least.

        Args:
            whole: from the request on. What streams may have waited in buffers, and come faster
                than over any link: where something is known, it must be seen twice in a row.

        Returns:
            Whether the link is clearly faster than it was known to be.
        """
        n = max(1, min(MAX_CONNECTIONS, connections))
        fewer = [known.value for m, known in self.rates.items() if m <= n and known.value]
        before = max(fewer, default=None)
        if before is not None and rate < before / SLOWER:
            self.slower.append((rate, n))
            self.slower_in_a_row += 1
            self._faster.pop(n, None)
            return False
        self._no_longer_slower()
        known = self.rates.setdefault(n, Smoothed())
        if whole or before is None or rate <= before:
            self._faster.pop(n, None)
        else:
            rate, self._faster[n] = min(rate, self._faster.get(n, before)), rate
        known.raise_to(rate, now)
        return before is not None and rate > CHANGE * before

    def told(self, rate: float, now: float, *, sure: bool) -> None:
        """The rate of an answer that was asked for to know it: over one connection, without work.

        Args:
            sure: nothing else crossed the link, and the answer took long enough to tell.
        """
        before = self.rates[1].value if 1 in self.rates else None
        slower = list(self.slower) if len(self.slower) >= DOUBTS else []
        self.asked = self.asked or sure
        if self.slower and rate > SLOWER * max(carried for carried, _ in self.slower):
            # Those were their source's work.
            self.asked = True
            self._no_longer_slower()
        elif sure and slower:
            # The link carries no more than they had, however many connections there are.
            most = SLOWER * max(rate, *(carried for carried, _ in slower))
            self.forget_rates(above=most)
            for carried, n in slower:
                self.rates.setdefault(n, Smoothed()).raise_to(carried, now)
        if sure and not slower and before is not None and rate < before / CHANGE:
            self.forget_rates()
        self.rates.setdefault(1, Smoothed()).raise_to(rate, now)

    def agree(self, now: float) -> None:
        """What came is believed by itself: the link is as slow as the best of it."""
        rate, n = max(self.slower)
        self.forget_rates()
        self.rates[n] = Smoothed(rate, 1, now)

    def forget_rates(self, above: float = 0.0) -> None:
        """The link is another one than when they were seen."""
        self._no_longer_slower()
        self._faster.clear()
        self.rates = {n: r for n, r in self.rates.items() if r.value and r.value <= above}

    def _no_longer_slower(self) -> None:
        self.slower.clear()
        self.slower_in_a_row = 0
