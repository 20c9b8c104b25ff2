"""How long sources worked on fragments, by the shapes of these, and how slow each source is.

What is measured is the most that a fragment takes: whatever else its source does meanwhile makes it
slower. So the least of the last few counts, and more than was expected has to be seen twice. Owns
the memory, which is bounded and lives as long as the server. Knows no clock: its time is that of
the latest that was noted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from planner.plan import PlannedFragment, PlannedStage, Work

MOST_SHAPES = 10_000

LATEST = 5
"""Of so many that were seen the least counts: a moment at which the source was busy passes."""

CONFIRMED = 2
"""So often more than was expected has to be seen."""

LEAST_SECONDS = 0.005
"""Of what is expected to take less, and took less, no plan changes."""

HALF_LIFE_SECONDS = 3600.0
"""After so long half of what was seen is left, the guess is the other half: a cut that is not made
any more because its source was busy for a while is tried again."""

FORGOTTEN_HALF_LIVES = 24

NOTICED_SECONDS = 0.02
"""Of fragments that should take less it does not show how slow a source is."""

SHAPES_OF_A_PACE = 32
FEWEST_OF_A_PACE = 5
"""A source's pace is the median of so many fragments, at most and at least, none of them older than
the half-life; each was seen as often as what took longer than was expected."""

MOST_OF_A_PACE = 10.0

CHANGED = 1.25
"""A pace that differs by less is the same."""

WRONG = 1.5
WRONG_SECONDS = 0.02
"""A plan is made again where a part of it takes so many times what was expected, and so much
longer."""


@dataclass(frozen=True, slots=True)
class _Kept:
    seconds: tuple[float, ...]
    seen_at: float


@dataclass(slots=True)
class _Pace:
    """How many times what the constants say a source takes, by shape and over all of them.

    Attributes:
        ratios: of each shape, and when it was seen; the latest last.
    """

    ratios: OrderedDict[bytes, tuple[float, float]] = field(default_factory=OrderedDict)
    value: float = 1.0
    noted_at: float = 0.0

    def now(self, now: float) -> float:
        """As it counts now: what was long not seen falls back to what the constants say."""
        return float(self.value**0.5 ** (max(0.0, now - self.noted_at) / HALF_LIFE_SECONDS))

    def note(self, shape: bytes, ratio: float, now: float) -> None:
        self.ratios[shape] = min(MOST_OF_A_PACE, max(1 / MOST_OF_A_PACE, ratio)), now
        self.ratios.move_to_end(shape)
        while len(self.ratios) > SHAPES_OF_A_PACE or self._oldest() < now - HALF_LIFE_SECONDS:
            self.ratios.popitem(last=False)
        if len(self.ratios) >= FEWEST_OF_A_PACE:
            self.noted_at = now
            found = median(ratio for ratio, _ in self.ratios.values())
            if not self.value / CHANGED <= found <= self.value * CHANGED:
                self.value = found

    def _oldest(self) -> float:
        return next(iter(self.ratios.values()))[1]


class SeenWork:
    """Seconds by shape and source; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._paces: dict[str, _Pace] = {}
        self._now = 0.0
        self._learned = 0

    @property
    def learned(self) -> int:
        """How often something was seen that was not known."""
        return self._learned

    def note(
        self, source: str, work: Work, seconds: float, now: float, *, sure: bool, sized: bool
    ) -> None:
        """A source worked so long on a fragment.

        Args:
            work: that was expected of it.
            seconds: without round trips, the transfer, and the time that nobody read.
            now: in seconds, from whenever.
            sure: else it is the most that it can have been.
            sized: it had about as many rows as were expected: the guess was one of its work.
        """
        if work.shape is None or not (sure or seconds < work.seconds):
            return
        with self._lock:
            self._now = max(self._now, now)
            # It is never missing: readers take no lock.
            before = self._kept.get(work.shape)
            latest = (seconds,) if before is None else (*before.seconds, seconds)[-LATEST:]
            self._learned += _says_more(before, latest)
            self._kept[work.shape] = _Kept(latest, self._now)
            self._kept.move_to_end(work.shape)
            if len(self._kept) > MOST_SHAPES:
                self._kept.popitem(last=False)
            noticed = sure and sized and work.guess_seconds(1.0) >= NOTICED_SECONDS
            if noticed and len(latest) >= CONFIRMED:
                pace = self._paces.setdefault(source, _Pace())
                pace.note(work.shape, work.pace_of(min(latest)), self._now)

    def note_stage(self, work: Work, seconds: float, now: float) -> None:
        """A stage was complete after so long, its fragments and their links included."""
        self.note("", work, seconds, now, sure=True, sized=False)

    def expected_seconds(self, shape: bytes | None, guess_seconds: float) -> float | None:
        """How long a source will work on a fragment, as far as one of its shape was seen.

        Args:
            guess_seconds: how long it is where nothing was seen.

        Returns:
            None where the guess is as good.
        """
        kept = None if shape is None else self._kept.get(shape)
        if kept is None:
            return None
        least = min(kept.seconds)
        if max(least, guess_seconds) < LEAST_SECONDS:
            return None
        if least > guess_seconds and len(kept.seconds) < CONFIRMED:
            return None
        lives = max(0.0, self._now - kept.seen_at) / HALF_LIFE_SECONDS
        if lives >= FORGOTTEN_HALF_LIVES:
            return None
        left = 0.5**lives
        return float(max(least, 1e-6) ** left * max(guess_seconds, 1e-6) ** (1 - left))

    def has(self, shape: Callable[[], bytes | None]) -> bool:
        """Whether anything of this shape was seen."""
        return bool(self._kept) and shape() in self._kept

    def pace(self, source: str) -> float:
        """How many times what the constants say a source takes for what it was not seen to do."""
        pace = self._paces.get(source)
        return 1.0 if pace is None else pace.now(self._now)

    def refutes(
        self, fragments: Iterable[PlannedFragment], stages: Iterable[PlannedStage] = ()
    ) -> bool:
        """Whether one of these took very long, or very short."""
        if not self._kept:
            return False
        works = [(f.work, self.pace(f.source)) for f in fragments]
        works += [(stage.work, 1.0) for stage in stages]
        return any(work is not None and self._is_wrong(work, pace) for work, pace in works)

    def _is_wrong(self, work: Work, pace: float) -> bool:
        seen = self.expected_seconds(work.shape, work.guess_seconds(pace))
        if seen is None:
            return False
        short, long = sorted((seen, work.seconds))
        return long - short > WRONG_SECONDS and long > WRONG * short


def _says_more(before: _Kept | None, latest: tuple[float, ...]) -> bool:
    """Whether a fragment was never seen, is sure now, or is known to take another time."""
    if before is None or len(latest) == CONFIRMED > len(before.seconds):
        return True
    short, long = sorted((min(before.seconds), min(latest)))
    return long - short > WRONG_SECONDS and long > WRONG * short
