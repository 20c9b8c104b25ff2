"""Plans by what was asked, kept for a time, and when one of them is made again.

A plan is made again where what ran refutes it. One that leaves a choice is looked at once more when
it ran once, and each time that it was used four times as often, if something was learned since it
was made: of two plans of one statement the better is often known only after one of them ran. Owns
that schedule and the bounds. Must not know how statements are planned.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from flight_server.parts import Answer, Limits
from flight_server.sessions import Clock, Expiring
from planner.seen import SeenRows, has_choices

LONG_CHARACTERS = 20_000
MAX_LONG_PLANS = 16
"""Plans of longer statements take megabytes. Most of them are made by a program, with keys in them
that no other statement has: they shall not fill the memory, nor put the others out."""

FIRST_LOOK = 3
"""The use at which a plan is looked at first: a statement is planned when it is prepared, and its
plan is used again when it runs."""

SELDOM = 4
"""After so many times as many uses comes the next look."""

_K = TypeVar("_K", bound=Hashable)


@dataclass(slots=True)
class _Kept:
    """A plan that is kept.

    Attributes:
        learned: what had been learned when it was made; see `SeenRows.learned`.
        uses: how often it, or one in its place before, was asked for.
        look_at: the use at which it is looked at again.
    """

    answer: Answer
    learned: int
    uses: int = 1
    look_at: int = FIRST_LOOK


class KeptPlans(Generic[_K]):
    """Planned statements by what was asked; for any number of threads.

    Args:
        limits: how many plans are kept, and how long.
        clock: seconds.
        seen: what ran.
    """

    def __init__(self, limits: Limits, clock: Clock, seen: SeenRows) -> None:
        ttl_seconds, most = limits.plan_ttl_seconds, limits.max_cached_plans
        self._seen = seen
        self._lock = threading.Lock()
        self._short: Expiring[_K, _Kept] = Expiring(most, ttl_seconds, clock, renews=False)
        self._long: Expiring[_K, _Kept] = Expiring(
            min(MAX_LONG_PLANS, most), ttl_seconds, clock, renews=False
        )

    def use(self, key: _K, characters: int) -> Answer | None:
        """The plan; None where none is kept that may be used, or this use is to make it again.

        Of several that ask at once one makes it again, and the others use what there is.

        Args:
            characters: of the statement.
        """
        kept = self._of(characters).get(key)
        if kept is None:
            return None
        plan = kept.answer.plan
        with self._lock:
            kept.uses += 1
            looks = kept.uses >= kept.look_at and kept.learned != self._seen.learned
            if looks and has_choices(plan):
                kept.look_at = SELDOM * kept.uses
                return None
        return None if self._seen.refutes(plan) else kept.answer

    def put(self, key: _K, characters: int, answer: Answer, learned: int) -> None:
        """Keep a plan, in the place of another.

        Args:
            learned: `SeenRows.learned` before it was made.
        """
        plans = self._of(characters)
        with self._lock:
            kept, before = _Kept(answer, learned), plans.get(key)
            if before is not None:
                kept.uses, kept.look_at = before.uses, before.look_at
            plans.put(key, kept)

    def clear(self) -> None:
        """Drop all of them."""
        self._short.clear()
        self._long.clear()

    def _of(self, characters: int) -> Expiring[_K, _Kept]:
        return self._short if characters <= LONG_CHARACTERS else self._long
