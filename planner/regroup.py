"""Inner joins regrouped so that tables of one place meet, and go there as one fragment.

    Join                                  Project            columns back in order
      Join                                  Join
        orders     (shop)        ->           Join  ────────►  shop: orders JOIN customer
        lineitem   (lake)                       orders
      customer     (shop)                       customer
                                              lineitem

The inner and cross joins that stand together are taken apart into their inputs and conditions.
Two inputs of one place that an equality joins become one where the estimate does not say that this
moves more bytes, best first; the rest is joined as it was, in its order. Nothing else moves: outer
joins, and conditions that could fail or differ between runs, are inputs as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace

from planner.placing import Place, Places
from planner.purity import is_pure
from planner.relations import (
    Aggregate,
    Call,
    Cross,
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


@dataclass(frozen=True, slots=True)
class _Group:
    """Inputs that are joined with each other first.

    Attributes:
        relation: their join.
        columns: for each of its fields, its number among the fields of all inputs.
        first: the position of its first input in the order of the statement.
        place: that runs all of it.
    """

    relation: Relation
    columns: tuple[int, ...]
    first: int
    place: Place | None

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(self.columns)


def regroup_joins(relation: Relation, places: Places) -> Relation:
    """The tree with the tables of one place joined first, where they are joined by equality."""
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
        if _is_joint(relation):
            parts = _Parts(self)
            mapping = parts.gather(relation)
            regrouped = _regrouped(parts, mapping, self.places)
            if regrouped is not None:
                at = {number: index for index, number in enumerate(regrouped.columns)}
                fields = zip((at[n] for n in mapping), relation.fields, strict=True)
                picks = tuple(FieldRef(i, f.type, f.nullable) for i, f in fields)
                return Project(regrouped.relation, picks, relation.fields)
        elif isinstance(relation, Project | Aggregate) and _is_joint(relation.input):
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


class _Parts:
    """The inputs and conditions of joins that stand together; fields are numbered through."""

    def __init__(self, regrouping: _Regrouping) -> None:
        self._regrouping = regrouping
        self._places = regrouping.places
        self.inputs: list[_Group] = []
        self.conditions: list[Expression] = []
        self.crosses = 0
        self._width = 0

    def gather(self, relation: Relation) -> tuple[int, ...]:
        """Takes a relation apart; the numbers of its fields."""
        place = self._places.whole(relation)
        if place is None and (_is_joint(relation) or _is_pick_of_filter(relation)):
            match relation:
                case Join() | Cross():
                    left = self.gather(relation.left)
                    right = self.gather(relation.right)
                    conditions: tuple[Expression, ...] = ()
                    if isinstance(relation, Join):
                        conditions = self._add(conjuncts(relation.condition), left + right)
                    self.crosses += not any(_links(c, set(left), set(right)) for c in conditions)
                    return left + right
                case Filter():
                    numbers = self.gather(relation.input)
                    self._add(conjuncts(relation.condition), numbers)
                    return numbers
                case Project():
                    numbers = self.gather(relation.input)
                    refs = (e for e in relation.expressions if isinstance(e, FieldRef))
                    return tuple(numbers[ref.index] for ref in refs)
        numbers = tuple(range(self._width, self._width + len(relation.fields)))
        self._width += len(numbers)
        if place is None and isinstance(relation, Filter):
            relation, stays = _without_refused(relation, self._places)
            self._add(stays, numbers)
            place = self._places.whole(relation)
        relation = self._regrouping.of(relation)
        self.inputs.append(_Group(relation, numbers, len(self.inputs), place))
        return numbers

    def _add(
        self, parts: tuple[Expression, ...], numbers: tuple[int, ...]
    ) -> tuple[Expression, ...]:
        added = tuple(moved(part, numbers.__getitem__) for part in parts)
        self.conditions += added
        return added


def _without_refused(relation: Filter, places: Places) -> tuple[Relation, tuple[Expression, ...]]:
    """What a place runs of a filter's relation, and the conditions that stay here anyway."""
    place = places.whole(relation.input)
    parts = conjuncts(relation.condition)
    if place is None:
        return relation, ()
    goes = tuple(p for p in parts if places.part_refusal(relation.input, p, place) is None)
    stays = tuple(p for p in parts if not any(p is other for other in goes))
    if not all(map(is_pure, stays)):
        return relation, ()
    return Filter(relation.input, conjunction(goes)) if goes else relation.input, stays


def _is_pick_of_filter(relation: Relation) -> bool:
    """A table's form where a filter that stays here reads a column that nothing else does."""
    if not isinstance(relation, Project) or not isinstance(relation.input, Filter):
        return False
    return all(isinstance(e, FieldRef) for e in relation.expressions)


def _is_joint(relation: Relation) -> bool:
    """A join that may be taken apart, or a filter or a choice of columns above one."""
    match relation:
        case Join(kind=JoinKind.INNER):
            return all(map(is_pure, conjuncts(relation.condition)))
        case Cross():
            return True
        case Filter():
            return all(map(is_pure, conjuncts(relation.condition))) and _is_joint(relation.input)
        case Project():
            picks = all(isinstance(e, FieldRef) for e in relation.expressions)
            return picks and _is_joint(relation.input)
    return False


def _regrouped(parts: _Parts, mapping: tuple[int, ...], places: Places) -> _Group | None:
    """The joined groups; None when no two inputs were brought together."""
    groups, left = parts.inputs, parts.conditions
    tried: dict[tuple[int, int], _Meeting | None] = {}
    while True:
        for position, first in enumerate(groups):
            for second in groups[position + 1 :]:
                if (id(first), id(second)) not in tried:
                    met = _meeting(first, second, left, mapping, places)
                    tried[id(first), id(second)] = met
        here = {id(group) for group in groups}
        possible = [m for (a, b), m in tried.items() if m and a in here and b in here]
        if not possible:
            break
        best = max(possible, key=lambda met: met.saved_bytes)
        groups = [best.both if g is best.first else g for g in groups if g is not best.second]
        left = _without(left, best.conditions)
    if len(groups) == len(parts.inputs):
        return None
    result, crosses = _joined(groups, left, mapping)
    return result if crosses <= parts.crosses else None


@dataclass(frozen=True, slots=True)
class _Meeting:
    """Two groups of one place, and the group that their join is."""

    first: _Group
    second: _Group
    both: _Group
    conditions: list[Expression]
    saved_bytes: float


def _meeting(
    first: _Group,
    second: _Group,
    conditions: list[Expression],
    mapping: tuple[int, ...],
    places: Places,
) -> _Meeting | None:
    """The join of two groups, where one place runs it and it is no larger than they are."""
    if first.place is None or second.place is None or first.place.key != second.place.key:
        return None
    used = [c for c in conditions if _links(c, first.numbers, second.numbers)]
    if not any(_is_equality(c, first, second) for c in used):
        return None
    # One table after another makes a flat FROM.
    turned = isinstance(second.relation, Join) and not isinstance(first.relation, Join)
    both = _join(second, first, used) if turned else _join(first, second, used)
    place = places.whole(both.relation)
    if place is None:
        return None
    ways = ((first, conditions), (second, conditions), (both, _without(conditions, used)))
    apart, other, together = (
        places.estimate(_narrowed(group, wanted, mapping).relation).size_bytes
        for group, wanted in ways
    )
    if apart is None or other is None or together is None:
        saved = 0.0
    else:
        saved = apart + other - together
    if saved < 0:
        return None
    return _Meeting(first, second, replace(both, place=place), used, saved)


def _joined(
    groups: list[_Group], conditions: list[Expression], mapping: tuple[int, ...]
) -> tuple[_Group, int]:
    """All groups in their order, but none before one that it is joined with; and the crosses."""
    waiting = sorted((_narrowed(g, conditions, mapping) for g in groups), key=lambda g: g.first)
    current, left, crosses = waiting.pop(0), list(conditions), 0
    while waiting:
        linked = [g for g in waiting if any(_links(c, current.numbers, g.numbers) for c in left)]
        equal = [g for g in linked if any(_is_equality(c, current, g) for c in left)]
        group = (equal or linked or waiting)[0]
        crosses += not linked
        waiting = [g for g in waiting if g is not group]
        numbers = current.numbers | group.numbers
        used = [c for c in left if _numbers(c) <= numbers]
        left = _without(left, used)
        current = _join(current, group, used)
    if left:
        parts = tuple(_placed(c, current) for c in left)
        current = replace(current, relation=Filter(current.relation, conjunction(parts)))
    return current, crosses


def _join(left: _Group, right: _Group, conditions: list[Expression]) -> _Group:
    columns, first = left.columns + right.columns, min(left.first, right.first)
    both = _Group(Cross(left.relation, right.relation), columns, first, None)
    if not conditions:
        return both
    condition = conjunction(tuple(_placed(c, both) for c in conditions))
    return replace(both, relation=Join(left.relation, right.relation, JoinKind.INNER, condition))


def _narrowed(group: _Group, conditions: Iterable[Expression], mapping: tuple[int, ...]) -> _Group:
    """A group with the columns that the answer or a condition outside of it reads."""
    wanted = set(mapping).union(*(_numbers(c) for c in conditions))
    positions = [i for i, number in enumerate(group.columns) if number in wanted]
    if not isinstance(group.relation, Join):
        return group
    columns = tuple(group.columns[i] for i in positions)
    return replace(group, relation=picked(group.relation, positions), columns=columns)


def _links(condition: Expression, first: Set[int], second: Set[int]) -> bool:
    """Whether a condition is about both, and about nothing else."""
    numbers = _numbers(condition)
    return numbers <= first | second and bool(numbers & first) and bool(numbers & second)


def _without(conditions: list[Expression], used: Iterable[Expression]) -> list[Expression]:
    gone = {id(condition) for condition in used}
    return [condition for condition in conditions if id(condition) not in gone]


def _is_equality(condition: Expression, first: _Group, second: _Group) -> bool:
    match condition:
        case Call(function="equal", arguments=(left, right)):
            sides = _numbers(left), _numbers(right)
            ways = ((first.numbers, second.numbers), (second.numbers, first.numbers))
            return all(sides) and any(sides[0] <= a and sides[1] <= b for a, b in ways)
    return False


def _numbers(condition: Expression) -> set[int]:
    found = references(condition)
    assert found is not None, "an opaque condition is never taken apart"
    return found


def _placed(condition: Expression, group: _Group) -> Expression:
    """A condition over numbers as one over a group's fields."""
    at = {number: index for index, number in enumerate(group.columns)}
    return moved(condition, at.__getitem__)
