"""Inner joins that stand together, taken apart into their inputs and conditions, and put together.

The fields of all inputs are numbered through, so that a condition is about numbers, wherever its
inputs come to stand. Owns taking apart and joining two; which two, others say. Outer joins, and
conditions that could fail or differ between runs, are inputs as they are. A semi-join whose other
side has each key once is an inner join of which one side's columns are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, replace
from functools import cached_property

from planner.implied import equalities
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
    Literal,
    Project,
    Relation,
    Sort,
    conjunction,
    conjuncts,
    references,
)
from planner.rewrite import moved, picked


@dataclass(frozen=True)
class Group:
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

    @cached_property
    def numbers(self) -> frozenset[int]:
        return frozenset(self.columns)


class Parts:
    """The inputs and conditions of joins that stand together; fields are numbered through."""

    def __init__(
        self, places: Places, changed: Callable[[Relation], Relation], *, always: bool = False
    ) -> None:
        """Args:
        changed: what becomes of an input.
        always: what one place runs is taken apart under `cuts = push` as well.
        """
        self._always = always
        self._places = places
        self._changed = changed
        self.inputs: list[Group] = []
        self.conditions: list[Expression] = []
        self.crosses = 0
        self._width = 0

    def gather(self, relation: Relation) -> tuple[int, ...]:
        """Takes a relation apart; the numbers of its fields."""
        place = self._places.whole(relation)
        if self._comes_apart(relation, place):
            match relation:
                case Join() | Cross():
                    left = self.gather(relation.left)
                    right = self.gather(relation.right)
                    conditions: tuple[Expression, ...] = ()
                    if isinstance(relation, Join):
                        conditions = self._add(conjuncts(relation.condition), left + right)
                    self.crosses += not any(links(c, set(left), set(right)) for c in conditions)
                    if isinstance(relation, Join) and relation.kind is JoinKind.LEFT_SEMI:
                        return left
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
        relation = self._changed(relation)
        self.inputs.append(Group(relation, numbers, len(self.inputs), place))
        return numbers

    def _comes_apart(self, relation: Relation, place: Place | None) -> bool:
        """Of what one place runs, as much as pays meets again: also what was not written so."""
        if place is None:
            return is_joint(relation) or _is_pick_of_filter(relation)
        if self._places.cuts == "push" and not self._always:
            return False
        return is_joint(relation) and self._places.estimate(relation).rows is not None

    def _add(
        self, parts: tuple[Expression, ...], numbers: tuple[int, ...]
    ) -> tuple[Expression, ...]:
        asked = (part for part in parts if not _is_true(part))
        added = tuple(moved(part, numbers.__getitem__) for part in asked)
        self.conditions += added
        return added


def _is_true(condition: Expression) -> bool:
    """What the engine makes of the condition of a cross product."""
    return isinstance(condition, Literal) and condition.value is True


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


def is_joint(relation: Relation) -> bool:
    """A join that may be taken apart, or a filter or a choice of columns above one."""
    match relation:
        case Join(kind=JoinKind.INNER):
            return all(map(is_pure, conjuncts(relation.condition)))
        case Join(kind=JoinKind.LEFT_SEMI):
            return all(map(is_pure, conjuncts(relation.condition))) and _meets_once(relation)
        case Cross():
            return True
        case Filter():
            return all(map(is_pure, conjuncts(relation.condition))) and is_joint(relation.input)
        case Project():
            picks = all(isinstance(e, FieldRef) for e in relation.expressions)
            return picks and is_joint(relation.input)
    return False


def _meets_once(join: Join) -> bool:
    """Whether no row of the left side has two partners: the right has each of the keys once."""
    width = len(join.left.fields)
    pairs = map(sorted, equalities(conjuncts(join.condition), join.left.fields + join.right.fields))
    return _is_key(join.right, {high - width for low, high in pairs if low < width <= high})


def _is_key(relation: Relation, positions: Set[int]) -> bool:
    """Whether no two rows have the same values, without NULL, in these fields."""
    match relation:
        case Aggregate() if len(relation.sets) <= 1:
            return set(range(len(relation.groups))) <= positions
        case Filter() | Sort():
            return _is_key(relation.input, positions)
        case Project():
            picked_ = (relation.expressions[position] for position in positions)
            return _is_key(relation.input, {e.index for e in picked_ if isinstance(e, FieldRef)})
    return False


def joined(left: Group, right: Group, conditions: list[Expression]) -> Group:
    columns, first = left.columns + right.columns, min(left.first, right.first)
    both = Group(Cross(left.relation, right.relation), columns, first, None)
    if not conditions:
        return both
    condition = conjunction(tuple(placed(c, both) for c in conditions))
    return replace(both, relation=Join(left.relation, right.relation, JoinKind.INNER, condition))


def narrowed(group: Group, conditions: Iterable[Expression], mapping: tuple[int, ...]) -> Group:
    """A group with the columns that the answer or a condition outside of it reads."""
    wanted = set(mapping).union(*(numbers_of(c) for c in conditions))
    positions = [i for i, number in enumerate(group.columns) if number in wanted]
    if not isinstance(group.relation, Join):
        return group
    columns = tuple(group.columns[i] for i in positions)
    return replace(group, relation=picked(group.relation, positions), columns=columns)


def links(condition: Expression, first: Set[int], second: Set[int]) -> bool:
    """Whether a condition is about both, and about nothing else."""
    numbers = numbers_of(condition)
    return numbers <= first | second and bool(numbers & first) and bool(numbers & second)


def without(conditions: list[Expression], used: Iterable[Expression]) -> list[Expression]:
    gone = {id(condition) for condition in used}
    return [condition for condition in conditions if id(condition) not in gone]


def is_equality(condition: Expression, first: Group, second: Group) -> bool:
    match condition:
        case Call(function="equal", arguments=(left, right)):
            sides = numbers_of(left), numbers_of(right)
            ways = ((first.numbers, second.numbers), (second.numbers, first.numbers))
            return all(sides) and any(sides[0] <= a and sides[1] <= b for a, b in ways)
    return False


def numbers_of(condition: Expression) -> set[int]:
    found = references(condition)
    assert found is not None, "an opaque condition is never taken apart"
    return found


def placed(condition: Expression, group: Group) -> Expression:
    """A condition over numbers as one over a group's fields."""
    at = {number: index for index, number in enumerate(group.columns)}
    return moved(condition, at.__getitem__)
