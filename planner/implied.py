"""Filters that follow from a join's equalities: what holds for one side holds for the other.

    Join a.k = b.k                         Join a.k = b.k
      Filter k < 10                ->        Filter k < 10
        a                                      a
      b                                      Filter k < 10
                                               b

The engine's optimiser does this for conditions that stand in WHERE above a single join. Here they
come out of subqueries too, and pass through any number of joins. Only conditions on one column
with constants travel, between columns of exactly one type, and never between floats: −0.0 equals
0.0 in a join, and is another value in a list. An outer join lets them pass from the side that it
preserves to the other one only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pyarrow as pa

from planner.placing import Places
from planner.relations import (
    Aggregate,
    Call,
    Cross,
    Expression,
    Field,
    FieldRef,
    Filter,
    InList,
    Join,
    JoinKind,
    Literal,
    Project,
    Read,
    Relation,
    Sort,
    Union,
    Window,
    conjunction,
    conjuncts,
    inputs_of,
    references,
    transform_expression,
    walk_expression,
)
from planner.rewrite import over

_ONE_VALUE_ONE_FORM = (
    pa.types.is_integer,
    pa.types.is_decimal,
    pa.types.is_boolean,
    pa.types.is_string,
    pa.types.is_binary,
    pa.types.is_date,
    pa.types.is_timestamp,
)
"""Types whose equal values are the same in every condition; floats and intervals are not."""

_COMPARISONS = ("equal", "lt", "lte", "gt", "gte")
_CONNECTIVES = ("and", "or")

_BOTH = (JoinKind.INNER, JoinKind.LEFT_SEMI, JoinKind.RIGHT_SEMI)
_TO_THE_RIGHT = (JoinKind.LEFT, JoinKind.LEFT_ANTI, JoinKind.LEFT_MARK)
_TO_THE_LEFT = (JoinKind.RIGHT, JoinKind.RIGHT_ANTI, JoinKind.RIGHT_MARK)


@dataclass(frozen=True, slots=True)
class _Fact:
    """What is true of a field in every row; the condition's references are to position 0."""

    index: int
    condition: Expression

    def at(self, index: int) -> _Fact:
        return _Fact(index, self.condition)

    def over(self, fields: tuple[Field, ...]) -> Expression:
        """The condition as a filter of a relation with these fields."""
        field = fields[self.index]
        ref = FieldRef(self.index, field.type, field.nullable)
        return _with_nullable(_substituted(self.condition, ref))


def imply_filters(relation: Relation, places: Places) -> Relation:
    """The tree with the filters that its joins imply, at the tables that they are about."""
    if not _has_join(relation):
        return relation
    return _Implication(places).imposed(relation, ())


class _Implication:
    """One walk; what holds of a relation is found out once."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._facts: dict[int, tuple[_Fact, ...]] = {}

    # --- downwards: rows for which `wanted` is not true may be dropped ---

    def imposed(self, relation: Relation, wanted: tuple[_Fact, ...]) -> Relation:
        match relation:
            case Read():
                return self._at_leaf(relation, wanted)
            case Filter():
                own = set(_facts_of(conjuncts(relation.condition)))
                wanted = tuple(fact for fact in wanted if fact not in own)
                return self._filtered(relation, self.imposed(relation.input, wanted))
            case Sort():
                return over(relation, (self.imposed(relation.input, wanted),))
            case Project():
                passed = _through(relation.expressions, wanted)
                return over(relation, (self.imposed(relation.input, passed),))
            case Aggregate() if len(relation.sets) <= 1:
                passed = _through(relation.groups, wanted)
                return over(relation, (self.imposed(relation.input, passed),))
            case Window():
                # Partitions that no row of the answer comes from may go, whole.
                passed = tuple(f for f in wanted if _partitions(relation, f.index))
                return over(relation, (self.imposed(relation.input, passed),))
            case Union():
                return over(relation, tuple(self.imposed(i, wanted) for i in relation.inputs))
            case Cross():
                width = len(relation.left.fields)
                left, right = _split(wanted, width)
                sides = (self.imposed(relation.left, left), self.imposed(relation.right, right))
                return over(relation, sides)
            case Join():
                return self._join(relation, wanted)
        return over(relation, tuple(self.imposed(i, ()) for i in inputs_of(relation)))

    def _filtered(self, relation: Filter, source: Relation) -> Relation:
        """The filter above its new input; two filters of one table become one."""
        if source is relation.input:
            return relation
        if isinstance(source, Filter) and isinstance(source.input, Read):
            parts = (*conjuncts(relation.condition), *conjuncts(source.condition))
            return Filter(source.input, conjunction(parts))
        return Filter(source, relation.condition)

    def _at_leaf(self, relation: Read, wanted: tuple[_Fact, ...]) -> Relation:
        place = self._places.of(relation)
        parts = [fact.over(relation.fields) for fact in dict.fromkeys(wanted)]
        if place is not None:
            refusal = self._places.part_refusal
            parts = [part for part in parts if refusal(relation, part, place) is None]
        return Filter(relation, conjunction(tuple(parts))) if parts else relation

    def _join(self, relation: Join, wanted: tuple[_Fact, ...]) -> Relation:
        kind, width = relation.kind, len(relation.left.fields)
        left, right = self._split_wanted(relation, wanted)
        parts = conjuncts(relation.condition)
        equal = equalities(parts, relation.left.fields + relation.right.fields)
        if equal:
            own = _facts_of(parts)
            on_left = (*self._of(relation.left), *left, *(f for f in own if f.index < width))
            on_right = (
                *(f.at(f.index + width) for f in (*self._of(relation.right), *right)),
                *(f for f in own if f.index >= width),
            )
            known: tuple[_Fact, ...] = ()
            if kind in _BOTH:
                known = (*on_left, *on_right)
            elif kind in _TO_THE_RIGHT:
                known = on_left
            elif kind in _TO_THE_LEFT:
                known = on_right
            more_left, more_right = _split(_closed(known, equal), width)
            if kind in _BOTH or kind in _TO_THE_LEFT:
                left = _new((*left, *more_left), self._of(relation.left))
            if kind in _BOTH or kind in _TO_THE_RIGHT:
                right = _new((*right, *more_right), self._of(relation.right))
        return over(
            relation, (self.imposed(relation.left, left), self.imposed(relation.right, right))
        )

    def _split_wanted(
        self, relation: Join, wanted: tuple[_Fact, ...]
    ) -> tuple[tuple[_Fact, ...], tuple[_Fact, ...]]:
        """What is wanted of a join's rows, as far as it may be asked of its inputs."""
        width = len(relation.left.fields)
        match relation.kind:
            case JoinKind.INNER:
                return _split(wanted, width)
            case JoinKind.LEFT | JoinKind.LEFT_SEMI | JoinKind.LEFT_ANTI | JoinKind.LEFT_MARK:
                return tuple(f for f in wanted if f.index < width), ()
            case JoinKind.RIGHT:
                return (), _split(wanted, width)[1]
            case JoinKind.RIGHT_SEMI | JoinKind.RIGHT_ANTI | JoinKind.RIGHT_MARK:
                return (), tuple(f for f in wanted if f.index < len(relation.right.fields))
        return (), ()

    # --- upwards: what is true of every row ---

    def _of(self, relation: Relation) -> tuple[_Fact, ...]:
        known = self._facts.get(id(relation))
        if known is None:
            known = self._facts[id(relation)] = tuple(dict.fromkeys(self._found(relation)))
        return known

    def _found(self, relation: Relation) -> Iterable[_Fact]:
        match relation:
            case Filter():
                return (*self._of(relation.input), *_facts_of(conjuncts(relation.condition)))
            case Sort() | Window():
                return self._of(relation.input)
            case Project():
                return _up(relation.expressions, self._of(relation.input))
            case Aggregate() if len(relation.sets) <= 1:
                return _up(relation.groups, self._of(relation.input))
            case Cross() | Join(kind=JoinKind.INNER):
                width = len(relation.left.fields)
                right = (f.at(f.index + width) for f in self._of(relation.right))
                facts = (*self._of(relation.left), *right)
                if isinstance(relation, Cross):
                    return facts
                parts = conjuncts(relation.condition)
                return _closed((*facts, *_facts_of(parts)), equalities(parts, relation.fields))
            case Join(kind=JoinKind.LEFT_SEMI):
                width = len(relation.left.fields)
                right = (f.at(f.index + width) for f in self._of(relation.right))
                parts = conjuncts(relation.condition)
                facts = (*self._of(relation.left), *right, *_facts_of(parts))
                equal = equalities(parts, relation.left.fields + relation.right.fields)
                return _split(_closed(facts, equal), width)[0]
            case Join(kind=JoinKind.LEFT | JoinKind.LEFT_ANTI | JoinKind.LEFT_MARK):
                return self._of(relation.left)
            case Join(kind=JoinKind.RIGHT):
                width = len(relation.left.fields)
                return tuple(f.at(f.index + width) for f in self._of(relation.right))
        return ()


def _partitions(relation: Window, index: int) -> bool:
    """Whether every function of a window is computed apart for each value of a field."""
    return all(
        any(isinstance(key, FieldRef) and key.index == index for key in call.partition)
        for call in relation.calls
    )


def _has_join(relation: Relation) -> bool:
    return isinstance(relation, Join) or any(_has_join(i) for i in inputs_of(relation))


def _split(facts: Iterable[_Fact], width: int) -> tuple[tuple[_Fact, ...], tuple[_Fact, ...]]:
    facts = tuple(facts)
    left = tuple(f for f in facts if f.index < width)
    return left, tuple(f.at(f.index - width) for f in facts if f.index >= width)


def _new(wanted: Iterable[_Fact], known: tuple[_Fact, ...]) -> tuple[_Fact, ...]:
    return tuple(fact for fact in dict.fromkeys(wanted) if fact not in known)


def _through(expressions: tuple[Expression, ...], wanted: Iterable[_Fact]) -> tuple[_Fact, ...]:
    """Facts about picked columns, as facts about where they were picked from."""
    found = []
    for fact in wanted:
        picked = expressions[fact.index] if fact.index < len(expressions) else None
        if isinstance(picked, FieldRef):
            found.append(fact.at(picked.index))
    return tuple(found)


def _up(expressions: tuple[Expression, ...], facts: tuple[_Fact, ...]) -> Iterable[_Fact]:
    for position, expression in enumerate(expressions):
        if isinstance(expression, FieldRef):
            yield from (f.at(position) for f in facts if f.index == expression.index)


def _closed(facts: Iterable[_Fact], equal: tuple[tuple[int, int], ...]) -> tuple[_Fact, ...]:
    """The facts, and those about the fields that equal theirs."""
    found = dict.fromkeys(facts)
    waiting = list(found)
    while waiting:
        fact = waiting.pop()
        for left, right in equal:
            if fact.index in (left, right):
                other = fact.at(right if fact.index == left else left)
                if other not in found:
                    found[other] = None
                    waiting.append(other)
    return tuple(found)


def equalities(
    parts: tuple[Expression, ...], fields: tuple[Field, ...]
) -> tuple[tuple[int, int], ...]:
    """The pairs of fields, of exactly one type, that conditions want equal."""
    found = []
    for part in parts:
        match part:
            case Call(function="equal", arguments=(FieldRef() as left, FieldRef() as right)):
                if fields[left.index].type == fields[right.index].type:
                    found.append((left.index, right.index))
    return tuple(found)


def _facts_of(parts: tuple[Expression, ...]) -> tuple[_Fact, ...]:
    """The conditions that are about one column and constants."""
    found = []
    for part in parts:
        used = references(part)
        if used is not None and len(used) == 1 and _travels(part):
            (index,) = used
            ref = next(p for p in walk_expression(part) if isinstance(p, FieldRef))
            plain = _substituted(part, FieldRef(0, ref.type, False))
            found.append(_Fact(index, _with_nullable(plain)))
    return tuple(found)


def _travels(part: Expression) -> bool:
    match part:
        case Call() if part.function in _CONNECTIVES:
            return all(_travels(a) for a in part.arguments)
        case Call(arguments=(first, second)) if part.function in _COMPARISONS:
            return _is_operand(first) and _is_operand(second) and first.type == second.type
        case InList():
            return _is_operand(part.value) and all(
                isinstance(o, Literal) and o.value is not None and o.type == part.value.type
                for o in part.options
            )
    return False


def _is_operand(part: Expression) -> bool:
    if not any(test(part.type) for test in _ONE_VALUE_ONE_FORM):
        return False
    return isinstance(part, FieldRef) or (isinstance(part, Literal) and part.value is not None)


def _substituted(condition: Expression, ref: FieldRef) -> Expression:
    return transform_expression(condition, lambda p: ref if isinstance(p, FieldRef) else p)


def _with_nullable(condition: Expression) -> Expression:
    """The condition NULL where its column may be."""

    def change(part: Expression) -> Expression:
        match part:
            case Call():
                return replace(part, nullable=any(a.nullable for a in part.arguments))
            case InList():
                return replace(part, nullable=part.value.nullable)
        return part

    return transform_expression(condition, change)
