"""Relations of the same rows but for their columns, and one that has the columns of all of them.

    Aggregate sum(a) by k      Aggregate sum(b) by k             Aggregate sum(a), sum(b) by k
      read t (k, a)              read t (k, b)           ->        read t (k, a, b)

What its rows are is said of a relation by numbers. Tables, conditions, groups, orders and limits
make that of its rows, in which a column goes by the number of what it is computed of, and not by
its position; a projection changes none. So relations of one number have the same rows, as often,
and columns of one number in them the same values. Knows neither places nor costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from hashlib import blake2b

from planner.relations import (
    Aggregate,
    Expression,
    Field,
    FieldRef,
    Join,
    JoinKind,
    Opaque,
    Project,
    Read,
    Relation,
    Union,
    Values,
    Window,
    expressions_of,
    inputs_of,
    walk_expression,
    with_inputs,
)
from planner.rewrite import moved, picked, with_expressions

_ONLY_LEFT = (JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI, JoinKind.LEFT_MARK)
_ONLY_RIGHT = (JoinKind.RIGHT_SEMI, JoinKind.RIGHT_ANTI, JoinKind.RIGHT_MARK)
_MADE = frozenset(("input", "inputs", "left", "right", "fields", "measures", "calls"))
"""What a relation is over, and the columns that it gives: all else tells what its rows are."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a relation's rows are.

    Attributes:
        number: of the rows, whichever columns they have.
        columns: the number of each; means something only beside the same `number`.
    """

    number: int
    columns: tuple[int, ...]


class SameRows:
    """Looks at each relation of a statement once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Relation, Rows | None]] = {}

    def of(self, relation: Relation) -> Rows | None:
        """What its rows are; None of what reads a stage, or has what only the engine reads."""
        if id(relation) not in self._known:
            self._known[id(relation)] = relation, self._rows(relation)
        return self._known[id(relation)][1]

    def united(self, relations: Sequence[Relation]) -> Relation | None:
        """One with the columns of all of these, which have the same rows; None where a column
        would have another type there, or may be NULL where it may not."""
        wide = reduce(self._both, relations)
        for relation in relations:
            at = self.positions(relation, wide)
            if at is None or any(
                (field.type, field.nullable) != (wide.fields[i].type, wide.fields[i].nullable)
                for field, i in zip(relation.fields, at, strict=True)
            ):
                return None
        return wide

    def positions(self, relation: Relation, wide: Relation) -> tuple[int, ...] | None:
        """Where a relation's columns are in one of the same rows; None where they are not."""
        own, other = self.of(relation), self.of(wide)
        if own is None or other is None or own.number != other.number:
            return None
        at = {column: index for index, column in enumerate(other.columns)}
        return tuple(at[c] for c in own.columns) if at.keys() >= {*own.columns} else None

    def _rows(self, relation: Relation) -> Rows | None:
        parts = (p for e in expressions_of(relation) for p in walk_expression(e))
        if relation.shape is None or any(isinstance(part, Opaque) for part in parts):
            return None
        below = [self.of(source) for source in inputs_of(relation)]
        known = [rows for rows in below if rows is not None]
        if len(known) < len(below):
            return None
        given = self._given(inputs_of(relation))
        own = with_expressions(relation, lambda e: moved(e, given.__getitem__))
        if isinstance(own, Project):
            refs = (e.index if isinstance(e, FieldRef) else _number(e) for e in own.expressions)
            return Rows(known[0].number, tuple(refs))
        if isinstance(own, Read):
            columns = [_number(i, own.base[i]) for i in own.columns]
            return Rows(_number("Read", own.path), tuple(columns))
        if isinstance(own, Values):
            number = _number("Values", own.rows, own.fields)
            return Rows(number, tuple(range(len(own.fields))))
        made: Sequence[object] = ()
        match own:
            case Aggregate():
                groups = range(len(own.fields) - len(own.measures))
                given, made = (), (*groups, *own.measures)
            case Window():
                made = own.calls
            case Union():
                given, made = (), [*zip(*(rows.columns for rows in known), strict=True)]
            case Join():
                width = len(own.left.fields)
                given = given[:width] if own.kind in _ONLY_LEFT else given
                given = given[width:] if own.kind in _ONLY_RIGHT else given
                made = own.fields[len(given) :]
        told = [getattr(own, part.name) for part in fields(own) if part.name not in _MADE]
        if isinstance(own, Aggregate) and len(own.sets) > 1:
            # The engine does not read every plan with more of them back.
            told.append(own.measures)
        number = _number(type(own).__name__, [rows.number for rows in known], told)
        return Rows(number, (*given, *map(_number, made)))

    def _columns(self, relation: Relation) -> tuple[int, ...]:
        rows = self.of(relation)
        return () if rows is None else rows.columns

    def _given(self, inputs: Sequence[Relation]) -> tuple[int, ...]:
        """The columns that a relation's own expressions read, of all of its inputs."""
        if len(inputs) == 1:
            return self._columns(inputs[0])
        sides = enumerate(map(self._columns, inputs))
        return tuple(_number(side, column) for side, columns in sides for column in columns)

    def _at(self, inputs: Sequence[Relation], wide: Sequence[Relation]) -> Callable[[int], int]:
        """Where the columns of inputs are in others, each of the same rows with more columns."""
        given = self._given(inputs)
        at = {column: index for index, column in enumerate(self._given(wide))}
        return lambda index: at[given[index]]

    def _both(self, first: Relation, second: Relation) -> Relation:
        """Two of the same rows as one."""
        two = (first, second)
        if any(isinstance(relation, Project) for relation in two):
            return self._projected(two)
        pairs = zip(inputs_of(first), inputs_of(second), strict=True)
        below = tuple(self._both(one, other) for one, other in pairs)
        one, other = (self._over(relation, below) for relation in two)
        match one, other:
            case Read(), Read():
                return replace(one, columns=tuple(dict.fromkeys(one.columns + other.columns)))
            case Aggregate(), Aggregate():
                groups = len(one.fields) - len(one.measures)
                found = [*zip(one.measures, one.fields[groups:], strict=True)]
                found += zip(other.measures, other.fields[groups:], strict=True)
                made = {_number(measure): (measure, field) for measure, field in found}
                measures = tuple(measure for measure, _ in made.values())
                named = (*one.fields[:groups], *(field for _, field in made.values()))
                return replace(one, measures=measures, fields=named)
            case Window(), Window():
                calls = {_number(call): call for call in one.calls + other.calls}
                return replace(one, calls=tuple(calls.values()))
            case Union(), Union():
                return self._union(two, below)
        return one

    def _over(self, relation: Relation, below: tuple[Relation, ...]) -> Relation:
        at = self._at(inputs_of(relation), below)
        return with_inputs(with_expressions(relation, lambda e: moved(e, at)), below)

    def _projected(self, two: Sequence[Relation]) -> Relation:
        opened = [_opened(relation) for relation in two]
        below = self._both(opened[0][0], opened[1][0])
        made: dict[int, tuple[Expression, Field]] = {}
        for relation, (core, expressions) in zip(two, opened, strict=True):
            at = self._at((core,), (below,))
            found = (moved(expression, at) for expression in expressions)
            columns = zip(self._columns(relation), found, relation.fields, strict=True)
            made |= {column: (expression, field) for column, expression, field in columns}
        named = tuple(field for _, field in made.values())
        return Project(below, tuple(expression for expression, _ in made.values()), named)

    def _union(self, two: Sequence[Relation], below: Sequence[Relation]) -> Relation:
        made: dict[int, tuple[list[int], Field]] = {}
        for relation in two:
            pairs = zip(inputs_of(relation), below, strict=True)
            at = [self._at((source,), (wide,)) for source, wide in pairs]
            columns = zip(self._columns(relation), relation.fields, strict=True)
            made |= {c: ([a(i) for a in at], field) for i, (c, field) in enumerate(columns)}
        positions = [[at[side] for at, _ in made.values()] for side in range(len(below))]
        return Union(tuple(map(picked, below, positions)), tuple(f for _, f in made.values()))


def _opened(relation: Relation) -> tuple[Relation, tuple[Expression, ...]]:
    """What a projection is over, and its columns; any other as a projection of itself."""
    if isinstance(relation, Project):
        return relation.input, relation.expressions
    return relation, tuple(FieldRef(i, f.type, f.nullable) for i, f in enumerate(relation.fields))


def _number(*parts: object) -> int:
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=16).digest())
