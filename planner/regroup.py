"""Inner joins regrouped so that tables of one place meet, and go there as one fragment.

    Join                                  Project            columns back in order
      Join                                  Join
        orders     (shop)        ->           Join  ────────►  shop: orders JOIN customer
        lineitem   (lake)                       orders
      customer     (shop)                       customer
                                              lineitem

The inner and cross joins that stand together are taken apart into their inputs and conditions.
Two inputs of one place that an equality joins become one, best first, where the estimate does not
say that this moves more bytes, or under `cuts = push` anyway; what is left is joined in the order
that `planner.join_order` finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from planner.followed import tables_of
from planner.join_order import in_order, one_after_another, rounded
from planner.joints import Group, Parts, is_equality, is_joint, joined, links, narrowed, without
from planner.placing import Places
from planner.purity import is_pure
from planner.relations import (
    Aggregate,
    Expression,
    FieldRef,
    Filter,
    Join,
    JoinKind,
    Project,
    Relation,
    conjunction,
    conjuncts,
    expressions_of,
    inputs_of,
    references,
)
from planner.rewrite import moved, over, picked, with_expressions


def regroup_joins(relation: Relation, places: Places) -> Relation:
    """The tree with the tables of one place joined first, and the rest in a good order."""
    return _Regrouping(places).of(relation)


class _Regrouping:
    """One walk. What became of a relation is kept: an input may be come to in two ways."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._known: dict[int, tuple[Relation, Relation]] = {}

    def of(self, relation: Relation) -> Relation:
        known = self._known.get(id(relation))
        if known is None:
            known = self._known[id(relation)] = (relation, self._changed(relation))
        return known[1]

    def _changed(self, relation: Relation) -> Relation:
        if self.places.whole(relation) is not None:
            return relation
        if isinstance(relation, Join) and relation.kind is JoinKind.INNER:
            held = tuple(p for p in conjuncts(relation.condition) if not is_pure(p))
            moves = tuple(p for p in conjuncts(relation.condition) if is_pure(p))
            if held and moves:
                # Where the last inputs meet they may be asked after the join as well as in it.
                changed = self.of(replace(relation, condition=conjunction(moves)))
                if isinstance(changed, Join):
                    return replace(changed, condition=relation.condition)
                return Filter(changed, conjunction(held))
        if is_joint(relation):
            parts = Parts(self.places, self.of)
            mapping = parts.gather(relation)
            regrouped = _regrouped(parts, mapping, self.places)
            if regrouped is not None:
                at = {number: index for index, number in enumerate(regrouped.columns)}
                fields = zip((at[n] for n in mapping), relation.fields, strict=True)
                picks = tuple(FieldRef(i, f.type, f.nullable) for i, f in fields)
                return Project(regrouped.relation, picks, relation.fields)
        elif isinstance(relation, Project | Aggregate) and is_joint(relation.input):
            narrow = _reading_less(relation)
            source = self.of(narrow.input)
            return relation if source is narrow.input else replace(narrow, input=source)
        return over(relation, [self.of(i) for i in inputs_of(relation)])


def _reading_less(relation: Project | Aggregate) -> Project | Aggregate:
    """The same over no more columns than it reads: a join's own keys may then end below."""
    used = [references(e) for e in expressions_of(relation)]
    wanted = sorted({i for refs in used for i in refs or ()})
    fields = relation.input.fields
    if not wanted or len(wanted) == len(fields) or any(refs is None for refs in used):
        return relation
    changed = with_expressions(relation, lambda e: moved(e, wanted.index))
    assert isinstance(changed, Project | Aggregate)
    return replace(changed, input=picked(relation.input, wanted))


def _regrouped(parts: Parts, mapping: tuple[int, ...], places: Places) -> Group | None:
    """All inputs joined; None where that takes more cross products than the statement has."""
    groups, left = parts.inputs, parts.conditions
    members: dict[int, _Members] = {}
    tried: dict[tuple[int, int], _Meeting | None] = {}
    while True:
        for position, first in enumerate(groups):
            for second in groups[position + 1 :]:
                if (id(first), id(second)) not in tried:
                    meeting = _meeting(first, second, left, mapping, places)
                    tried[id(first), id(second)] = meeting
        here = {id(group) for group in groups}
        possible = [m for (a, b), m in tried.items() if m and a in here and b in here]
        if not possible:
            break
        best = min(possible, key=lambda meeting: meeting.rank)
        members[id(best.both)] = _together(members, best)
        groups = [best.both if g is best.first else g for g in groups if g is not best.second]
        left = without(left, best.conditions)
    groups = [_in_good_order(group, members.get(id(group)), places) for group in groups]
    result, crosses = in_order(groups, left, mapping, places)
    return result if crosses <= parts.crosses else None


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Two groups of one place, and the group that their join is."""

    first: Group
    second: Group
    both: Group
    conditions: list[Expression]
    saved_bytes: float

    @property
    def rank(self) -> tuple[float, tuple[str, ...]]:
        """The best has the lowest. Of equal ones names decide, never the order of the statement."""
        return -rounded(self.saved_bytes), tuple(sorted(tables_of(self.both.relation)))


@dataclass(frozen=True, slots=True)
class _Members:
    """All inputs that have met in a group, and what they are joined by."""

    inputs: tuple[Group, ...]
    conditions: tuple[Expression, ...]


def _together(members: Mapping[int, _Members], meeting: _Meeting) -> _Members:
    first, second = (
        members.get(id(group), _Members((group,), ())) for group in (meeting.first, meeting.second)
    )
    conditions = (*first.conditions, *second.conditions, *meeting.conditions)
    return _Members(first.inputs + second.inputs, conditions)


def _in_good_order(group: Group, members: _Members | None, places: Places) -> Group:
    """A group of three or more tables, small joins first. Its source has an order of its own, most
    often a better one; its work is estimated by this one, and people read it.

    Not by what was seen: the shapes of parts, by which things are remembered, stay the same.
    """
    if members is None or len(members.inputs) <= 2:
        return group
    ordered = one_after_another(members.inputs, members.conditions, places.told)
    place = None if ordered is None else places.whole(ordered.relation)
    if ordered is None or place is None or group.place is None or place.key != group.place.key:
        return group
    return replace(ordered, first=group.first, place=group.place)


def _meeting(
    first: Group,
    second: Group,
    conditions: list[Expression],
    mapping: tuple[int, ...],
    places: Places,
) -> _Meeting | None:
    """The join of two groups, where one place runs it and it is wanted there."""
    if first.place is None or second.place is None or first.place.key != second.place.key:
        return None
    used = [c for c in conditions if links(c, first.numbers, second.numbers)]
    if not used:
        return None
    equal = any(is_equality(c, first, second) for c in used)
    left, right = sorted((first, second), key=_side)
    both = joined(left, right, used)
    place = places.whole(both.relation)
    if place is None:
        return None
    ways = ((first, conditions), (second, conditions), (both, without(conditions, used)))
    apart, other, together = (
        places.estimate(narrowed(group, wanted, mapping).relation).size_bytes
        for group, wanted in ways
    )
    if apart is None or other is None or together is None:
        saved = 0.0
    else:
        saved = apart + other - together
    if (saved < 0 and places.cuts != "push") or (saved <= 0 and not equal):
        return None
    return _Meeting(first, second, replace(both, place=place), used, saved)


def _side(group: Group) -> tuple[bool, tuple[str, ...]]:
    """One table after another makes a flat FROM; names decide, never the order of the statement."""
    return not isinstance(group.relation, Join), tuple(sorted(tables_of(group.relation)))
