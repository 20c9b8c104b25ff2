"""Plans by what was asked, kept for a time, and when one of them is made again.

A plan is kept until what ran refutes it. It is looked at again when it was used once, and each time
that it was used four times as often, if something was learned since it was made: of two plans of
one statement the better is often known only after one of them ran. Owns that schedule and the
bounds. Must not know how statements are planned.
"""

from __future__ import annotations

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
"""The time that it is asked for at which a plan is looked at first: who runs a statement asks when
he prepares it, and when he runs it."""

SELDOM = 4
"""So many times as often it was asked for at the next look."""

_K = TypeVar("_K", bound=Hashable)


@dataclass(slots=True)
class _Kept:
    """A plan that is kept.

    Attributes:
        learned: what had been learned when it was made; see `SeenRows.learned`.
        uses: how often it was asked for. Threads that count at once may lose one, which moves a
            look.
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
        self._short: Expiring[_K, _Kept] = Expiring(most, ttl_seconds, clock, renews=False)
        self._long: Expiring[_K, _Kept] = Expiring(
            min(MAX_LONG_PLANS, most), ttl_seconds, clock, renews=False
        )

    def get(self, key: _K, characters: int) -> Answer | None:
        """The plan, or None where none is kept that may still be used.

        Args:
            characters: of the statement.
        """
        kept = self._of(characters).get(key)
        if kept is None:
            return None
        kept.uses += 1
        plan = kept.answer.plan
        if self._seen.refutes(plan):
            return None
        looks = kept.uses >= kept.look_at and has_choices(plan)
        return None if looks and kept.learned != self._seen.learned else kept.answer

    def put(self, key: _K, characters: int, answer: Answer, learned: int) -> None:
        """Keep a plan.

        Args:
            learned: what had been learned before it was made.
        """
        plans = self._of(characters)
        before = plans.get(key)
        kept = _Kept(answer, learned)
        if before is not None:
            kept.uses, kept.look_at = before.uses, SELDOM * max(before.uses, before.look_at)
        plans.put(key, kept)

    def clear(self) -> None:
        """Drop all of them."""
        self._short.clear()
        self._long.clear()

    def _of(self, characters: int) -> Expiring[_K, _Kept]:
        return self._short if characters <= LONG_CHARACTERS else self._long
