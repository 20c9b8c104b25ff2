"""One figure that is measured again and again: smoothed, aged, and replaced when it has changed.

Owns how much a new sample counts. Knows neither links nor clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WEIGHT = 0.3
"""Of a new sample, where the last one is fresh."""

FRESH_SECONDS = 600.0
"""After so long without a sample, a new one counts for about two thirds of what is missing to 1."""

HALF_LIFE_SECONDS = 86_400.0
"""After so long without a sample, half of what was known is left."""

FORGOTTEN_HALF_LIVES = 7
"""After so many half-lives nothing is known."""

CHANGE = 2.0
"""A sample that is so many times as large, or as small, speaks of a change."""

CONFIRMED = 2
"""So many of these in a row are a change."""


@dataclass(slots=True)
class Smoothed:
    """A positive figure.

    Attributes:
        value: what it is held to be; None when nothing is known.
        samples: how many there have been.
        seen_at: when the last one was, in seconds.
    """

    value: float | None = None
    samples: int = 0
    seen_at: float = 0.0
    _odd: list[float] = field(default_factory=list)

    def add(self, sample: float, now: float) -> bool:
        """Take a sample; whether it has replaced a figure that was clearly another.

        >>> rate = Smoothed()
        >>> [rate.add(sample, 0.0) for sample in (100, 110, 30, 28)]
        [False, False, False, True]
        >>> rate.value
        28
        """
        age = max(0.0, now - self.seen_at)
        self.samples += 1
        self.seen_at = now
        if self.value is None:
            self.value = sample
            return False
        if self.value / CHANGE <= sample <= self.value * CHANGE:
            self._odd.clear()
            weight = 1 - (1 - WEIGHT) * 0.37 ** (age / FRESH_SECONDS)
            self.value += weight * (sample - self.value)
            return False
        if self._odd and (self._odd[-1] > self.value) != (sample > self.value):
            self._odd.clear()
        self._odd.append(sample)
        if len(self._odd) < CONFIRMED:
            return False
        # Nothing before the change is told by it: the last sample has the most of it.
        self.value = sample
        self._odd.clear()
        return True

    def replace(self, value: float, now: float) -> bool:
        """Take a figure that needs no confirmation; whether it is clearly another."""
        changed = self.value is not None and not (
            self.value / CHANGE <= value <= self.value * CHANGE
        )
        if changed:
            self.value = None
        self.add(value, now)
        return changed

    def raise_to(self, value: float, now: float) -> None:
        """It is that at least."""
        self.value = value if self.value is None else max(self.value, value)
        self.samples += 1
        self.seen_at = now

    def known(self, default: float, now: float) -> float | None:
        """What is still known: it goes towards `default` with time, and is forgotten at last."""
        if self.value is None:
            return None
        lives = max(0.0, now - self.seen_at) / HALF_LIFE_SECONDS
        if lives >= FORGOTTEN_HALF_LIVES:
            return None
        left = 0.5**lives
        return float(self.value**left * default ** (1 - left))
