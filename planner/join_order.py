"""In which order groups are joined: whichever it was written in, small results first.

The engine joins in the order that it is given. Each step joins the two groups whose join has the
fewest rows by estimate, of those that an equality joins (Fegaras, 1998: greedy operator ordering),
so that the tree may be bushy, and a statement's own order decides nothing. The smaller side comes
first: the engine keeps it in memory, and looks each row of the other up in it. Of several that the
same rows are looked up in, the one comes first that drops most of them for the time that it takes:
2,000 suppliers that keep a fifth before 200,000 orders that keep a seventh. Where rows are not
known, the order is the statement's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from planner.cost import looked_up_seconds
from planner.followed import tables_of
from planner.joints import (
    Group,
    is_equality,
    joined,
    links,
    narrowed,
    numbers_of,
    placed,
    without,
)
from planner.placing import Places
from planner.plan import Estimate
from planner.relations import Expression, Filter, Relation, conjunction


def in_order(
    groups: list[Group], conditions: list[Expression], mapping: tuple[int, ...], places: Places
) -> tuple[Group, int]:
    """All groups joined, and how many cross products that took.

    Args:
        conditions: over the numbers of the groups' fields; each is asked once.
        mapping: the numbers that are wanted of the result.
    """
    groups = [narrowed(group, conditions, mapping) for group in groups]
    if any(places.estimate(group.relation).rows is None for group in groups):
        return _as_written(groups, conditions)
    order = _Order(groups, conditions, mapping, places)
    return order.joined(), order.crosses


def one_after_another(
    groups: Sequence[Group],
    conditions: Sequence[Expression],
    estimate: Callable[[Relation], Estimate],
) -> Group | None:
    """All groups joined in a left-deep tree, as a statement for a source is written: the smallest
    join first, and then what makes the smallest. None where rows are not known, or one step would
    be a cross product."""
    if any(estimate(group.relation).rows is None for group in groups):
        return None
    if not _are_connected(groups, conditions):
        return None

    def cost(group: Group) -> tuple[float, tuple[str, ...]]:
        # Of equal sizes, names decide: never the order of the statement.
        return rounded(estimate(group.relation).rows or 0.0), tuple(
            sorted(tables_of(group.relation))
        )

    waiting, left = sorted(groups, key=cost), list(conditions)
    current: Group | None = None
    while waiting:
        if current is None:
            pairs = [(a, b) for a, b in combinations(waiting, 2) if _joins_any(left, a, b)]
        else:
            pairs = [(current, group) for group in waiting if _joins_any(left, current, group)]
        steps = [(pair, joined(*pair, _between(left, *pair))) for pair in pairs]
        (first, second), current = min(steps, key=lambda step: cost(step[1]))
        waiting = [g for g in waiting if g is not first and g is not second]
        left = [c for c in left if not numbers_of(c) <= current.numbers]
    return current


def _are_connected(groups: Sequence[Group], conditions: Iterable[Expression]) -> bool:
    """Whether equalities lead from each group to all others."""
    conditions = list(conditions)
    reached, waiting = [groups[0]], list(groups[1:])
    for group in reached:
        found = [other for other in waiting if _joins_any(conditions, group, other)]
        waiting = [other for other in waiting if not any(other is each for each in found)]
        reached += found
    return not waiting


def _joins_any(conditions: Iterable[Expression], first: Group, second: Group) -> bool:
    return any(is_equality(condition, first, second) for condition in conditions)


def _between(conditions: Iterable[Expression], first: Group, second: Group) -> list[Expression]:
    return [c for c in conditions if numbers_of(c) <= first.numbers | second.numbers]


_Joins = Callable[[Expression, Group, Group], bool]
"""Whether a condition joins two groups in some way."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Two groups, and their join. The cost is compared, and has no unit beyond its first rows."""

    first: Group
    second: Group
    both: Group
    cost: tuple[float, float, tuple[str, ...]]


class _Order:
    """One search; each pair is looked at once."""

    def __init__(
        self,
        groups: list[Group],
        conditions: list[Expression],
        mapping: tuple[int, ...],
        places: Places,
    ) -> None:
        self._groups = groups
        self._left = list(conditions)
        self._mapping = mapping
        self._places = places
        self._tried: dict[tuple[int, int], _Step] = {}
        # By how pairs are linked; what links two groups does so for as long as there are both.
        self._linked: dict[tuple[_Joins, int, int], bool] = {}
        self._rows = {id(g): rounded(places.estimate(g.relation).rows or 0.0) for g in groups}
        self._tables = {id(g): tuple(sorted(tables_of(g.relation))) for g in groups}
        self.crosses = 0

    def joined(self) -> Group:
        while len(self._groups) > 1:
            step = self._best()
            kept = [g for g in self._groups if g is not step.first and g is not step.second]
            self._left = [c for c in self._left if not numbers_of(c) <= step.both.numbers]
            both = narrowed(step.both, self._left, self._mapping)
            self._rows[id(both)] = step.cost[0]
            self._tables[id(both)] = step.cost[2]
            self._groups = [*kept, both]
        return _filtered(self._groups[0], self._left)

    def _best(self) -> _Step:
        pairs = list(combinations(self._groups, 2))
        for joins in (is_equality, _links):
            linked = [pair for pair in pairs if self._are_linked(joins, *pair)]
            if linked:
                break
        else:
            linked = pairs
            self.crosses += 1
        steps = [self._step(*pair) for pair in linked]
        best = min(steps, key=lambda step: step.cost)
        beside = (step for step in steps if step.second is best.second)
        return min(beside, key=lambda step: (self._rank(step), step.cost))

    def _rank(self, step: _Step) -> float:
        """Rows that a look into the kept side adds, by what that takes (Krishnamurthy, Boral and
        Zaniolo, 1986): in this order looks of the same rows into several kept sides take least."""
        looking, kept = self._rows[id(step.second)], self._rows[id(step.first)]
        return rounded((step.cost[0] / max(1.0, looking) - 1.0) / looked_up_seconds(kept))

    def _are_linked(self, joins: _Joins, one: Group, other: Group) -> bool:
        key = (joins, id(one), id(other))
        if key not in self._linked:
            self._linked[key] = any(joins(condition, one, other) for condition in self._left)
        return self._linked[key]

    def _step(self, one: Group, other: Group) -> _Step:
        key = (id(one), id(other))
        known = self._tried.get(key)
        if known is None:
            known = self._tried[key] = self._made(one, other)
        return known

    def _made(self, one: Group, other: Group) -> _Step:
        # Of equal sizes, names decide: never the order of the statement.
        by_size = sorted((one, other), key=lambda g: (self._rows[id(g)], self._tables[id(g)]))
        first, second = by_size
        both = joined(first, second, _between(self._left, first, second))
        rows = rounded(self._places.estimate(both.relation).rows or 0.0)
        tables = tuple(sorted(self._tables[id(first)] + self._tables[id(second)]))
        size = rounded(self._rows[id(first)] + self._rows[id(second)])
        return _Step(first, second, both, (rows, size, tables))


def rounded(value: float) -> float:
    """Without the last digits, which depend on the order in which factors were multiplied."""
    return float(f"{value:.9g}")


def _links(condition: Expression, first: Group, second: Group) -> bool:
    """Whether a condition is about both groups, and about nothing else."""
    return links(condition, first.numbers, second.numbers)


def _as_written(groups: list[Group], conditions: list[Expression]) -> tuple[Group, int]:
    """All groups in their order, but none before one that it is joined with; and the crosses."""
    waiting = sorted(groups, key=lambda group: group.first)
    current, left, crosses = waiting.pop(0), list(conditions), 0
    while waiting:
        linked = [g for g in waiting if any(_links(c, current, g) for c in left)]
        equal = [g for g in linked if any(is_equality(c, current, g) for c in left)]
        group = (equal or linked or waiting)[0]
        crosses += not linked
        waiting = [g for g in waiting if g is not group]
        numbers = current.numbers | group.numbers
        used = [c for c in left if numbers_of(c) <= numbers]
        left = without(left, used)
        current = joined(current, group, used)
    return _filtered(current, left), crosses


def _filtered(group: Group, left: list[Expression]) -> Group:
    if not left:
        return group
    parts = tuple(placed(condition, group) for condition in left)
    return replace(group, relation=Filter(group.relation, conjunction(parts)))
