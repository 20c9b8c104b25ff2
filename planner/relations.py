"""The relation tree: a typed, positional, immutable view of a bound query.

Owns the vocabulary of relations that every pass of the planner reads and rewrites; that of their
expressions is `planner.expressions`'s, and can be had from here.
Knows neither protobuf nor SQL text. Fields are referred to by position in the input (for joins: the
left input's fields, then the right's), as in Substrait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from dataclasses import fields as dataclass_fields
from enum import Enum
from functools import cached_property
from hashlib import blake2b
from operator import attrgetter
from typing import Any, TypeAlias

import pyarrow as pa

from planner.expressions import Call as Call
from planner.expressions import Cast as Cast
from planner.expressions import ExistsSubquery as ExistsSubquery
from planner.expressions import Expression as Expression
from planner.expressions import Field as Field
from planner.expressions import FieldRef as FieldRef
from planner.expressions import Frame as Frame
from planner.expressions import FrameUnit as FrameUnit
from planner.expressions import IfThen as IfThen
from planner.expressions import InKeys as InKeys
from planner.expressions import InList as InList
from planner.expressions import Literal as Literal
from planner.expressions import Measure as Measure
from planner.expressions import Opaque as Opaque
from planner.expressions import ScalarSubquery as ScalarSubquery
from planner.expressions import SortKey as SortKey
from planner.expressions import WindowCall as WindowCall
from planner.expressions import arguments_of as arguments_of
from planner.expressions import conjunction as conjunction
from planner.expressions import conjuncts as conjuncts
from planner.expressions import references as references
from planner.expressions import transform_expression as transform_expression
from planner.expressions import walk_expression as walk_expression
from planner.expressions import with_arguments as with_arguments

_BELOW = frozenset(("input", "inputs", "left", "right", "fields"))
"""The inputs of relations, and the names of what they make, which mean nothing."""


class _Relation:
    """What is asked of a relation again and again, and found once: none ever changes."""

    @cached_property
    def subqueries(self) -> tuple[Relation, ...]:
        """The relations of the subqueries in its own expressions."""
        return tuple(
            part.input
            for expression in expressions_of(self)  # type: ignore[arg-type]
            if type(expression) is not FieldRef
            for part in walk_expression(expression)
            if isinstance(part, ScalarSubquery | ExistsSubquery)
        )

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """All reads below it, and itself; those of subqueries too."""
        own = (self,) if isinstance(self, Read) else ()
        below = parts_of(self)  # type: ignore[arg-type]
        return (*own, *(read for relation in below for read in relation.reads))

    def _parts(self) -> Iterator[tuple[str, object]]:
        for part in dataclass_fields(self):  # type: ignore[arg-type]
            yield part.name, getattr(self, part.name)

    @cached_property
    def shape(self) -> bytes | None:
        """The same for equal relations; None of what reads a stage, or waits for its keys: a
        stage's name says little. What subqueries read counts."""
        if isinstance(self, Read) and len(self.path) == 1:
            return None
        shapes = tuple(relation.shape for relation in inputs_of(self))  # type: ignore[arg-type]
        if None in shapes or any(query.shape is None for query in self.subqueries):
            return None
        # Of a table's columns, those that are read: there may be hundreds of others.
        own: list[object] = (
            [self.path, self.columns, self.fields]
            if isinstance(self, Read)
            else [value for name, value in self._parts() if name not in _BELOW]
        )
        if any(isinstance(p, InKeys) for e in expressions_of(self) for p in walk_expression(e)):  # type: ignore[arg-type]
            return None
        digest = blake2b(repr((type(self).__name__, own)).encode(), digest_size=16)
        for shape in shapes:
            digest.update(shape or b"")
        return digest.digest()


@dataclass(frozen=True)
class Read(_Relation):
    """A table, or a fragment's result: the columns of `base` at the positions `columns`.

    Attributes:
        path: `(source, schema, table)` of a source's table; one name for a fragment's result.
    """

    path: tuple[str, ...]
    base: tuple[Field, ...]
    columns: tuple[int, ...]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return tuple(self.base[index] for index in self.columns)


@dataclass(frozen=True)
class Values(_Relation):
    """Constant rows; `VALUES`, and a `SELECT` without a table (one row, no field)."""

    rows: tuple[tuple[Expression, ...], ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Filter(_Relation):
    input: Relation
    condition: Expression

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.input.fields


@dataclass(frozen=True)
class Project(_Relation):
    """Exactly `expressions`, in order; nothing of the input passes by itself."""

    input: Relation
    expressions: tuple[Expression, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Aggregate(_Relation):
    """Groups, then measures.

    Attributes:
        groups: the grouping expressions.
        sets: positions in `groups`, one tuple for each grouping set.
        fields: groups, then measures; of several sets, between them the number of the set: from
            the least significant bit, a bit for each group from the last, set where the group is
            not in the row's set, and above these, which of several equal sets it is.
    """

    input: Relation
    groups: tuple[Expression, ...]
    sets: tuple[tuple[int, ...], ...]
    measures: tuple[Measure, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Window(_Relation):
    """The input's rows, each with the values of window functions after its own."""

    input: Relation
    calls: tuple[WindowCall, ...]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        made = tuple(Field(c.function, c.type, c.nullable) for c in self.calls)
        return self.input.fields + made


@dataclass(frozen=True)
class Sort(_Relation):
    input: Relation
    keys: tuple[SortKey, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.input.fields


@dataclass(frozen=True)
class Fetch(_Relation):
    """At most `count` rows (None: all) after skipping `offset`."""

    input: Relation
    offset: int
    count: int | None

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.input.fields


class JoinKind(Enum):
    """Substrait's join types; the values are its enum names after `JOIN_TYPE_`."""

    INNER = "INNER"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    OUTER = "OUTER"
    LEFT_SEMI = "LEFT_SEMI"
    RIGHT_SEMI = "RIGHT_SEMI"
    LEFT_ANTI = "LEFT_ANTI"
    RIGHT_ANTI = "RIGHT_ANTI"
    LEFT_MARK = "LEFT_MARK"
    RIGHT_MARK = "RIGHT_MARK"


@dataclass(frozen=True)
class Join(_Relation):
    left: Relation
    right: Relation
    kind: JoinKind
    condition: Expression

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return join_fields(self.left.fields, self.right.fields, self.kind)


@dataclass(frozen=True)
class Cross(_Relation):
    left: Relation
    right: Relation

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return self.left.fields + self.right.fields


@dataclass(frozen=True)
class Union(_Relation):
    """UNION ALL: the rows of all inputs, by position."""

    inputs: tuple[Relation, ...]
    fields: tuple[Field, ...]


Relation: TypeAlias = (
    Read | Values | Filter | Project | Aggregate | Window | Sort | Fetch | Join | Cross | Union
)


MARK = "mark"
"""The engine's name of the field that a mark join adds."""


def join_fields(
    left: tuple[Field, ...], right: tuple[Field, ...], kind: JoinKind
) -> tuple[Field, ...]:
    """The output of a join: outer sides become nullable, semi and anti keep one side."""
    match kind:
        case JoinKind.LEFT_SEMI | JoinKind.LEFT_ANTI:
            return left
        case JoinKind.RIGHT_SEMI | JoinKind.RIGHT_ANTI:
            return right
        case JoinKind.LEFT_MARK:
            return (*left, Field(MARK, pa.bool_(), False))
        case JoinKind.RIGHT_MARK:
            return (*right, Field(MARK, pa.bool_(), False))
    if kind in (JoinKind.RIGHT, JoinKind.OUTER):
        left = tuple(replace(f, nullable=True) for f in left)
    if kind in (JoinKind.LEFT, JoinKind.OUTER):
        right = tuple(replace(f, nullable=True) for f in right)
    return left + right


def kind_of(relation: Relation) -> str:
    """The relation's name in capabilities and in EXPLAIN: `read`, `filter`, `join`, …"""
    return type(relation).__name__.lower()


def inputs_of(relation: Relation) -> tuple[Relation, ...]:
    """The inputs, left first; subqueries in expressions are not inputs."""
    return _INPUTS_OF.get(type(relation), _only_input)(relation)


def parts_of(relation: Relation) -> tuple[Relation, ...]:
    """All that is below a relation: its inputs, then the relations of its subqueries."""
    return (*inputs_of(relation), *relation.subqueries)


def _no_inputs(_: Relation) -> tuple[Relation, ...]:
    return ()


def _only_input(relation: Any) -> tuple[Relation, ...]:
    return (relation.input,)


_INPUTS_OF: dict[type, Callable[[Any], tuple[Relation, ...]]] = {
    Read: _no_inputs,
    Values: _no_inputs,
    Join: attrgetter("left", "right"),
    Cross: attrgetter("left", "right"),
    Union: attrgetter("inputs"),
}
"""By type, and not by `match`: a statement's relations are asked some hundred times."""


def with_inputs(relation: Relation, inputs: tuple[Relation, ...]) -> Relation:
    """The same relation over other inputs, which have the same fields."""
    changed: Relation
    match relation:
        case Read() | Values():
            return relation
        case Filter():
            changed = Filter(inputs[0], relation.condition)
        case Project():
            changed = Project(inputs[0], relation.expressions, relation.fields)
        case Join() | Cross():
            changed = replace(relation, left=inputs[0], right=inputs[1])
        case Union():
            return replace(relation, inputs=inputs)
        case _:
            changed = replace(relation, input=inputs[0])
    if "subqueries" in vars(relation):  # They are of its expressions, which it keeps.
        vars(changed)["subqueries"] = relation.subqueries
    return changed


def expressions_of(relation: Relation) -> Iterator[Expression]:
    """The expressions that a relation itself holds, not those of its inputs."""
    match relation:
        case Filter() | Join():
            yield relation.condition
        case Project():
            yield from relation.expressions
        case Aggregate():
            yield from relation.groups
            for measure in relation.measures:
                yield from measure.arguments
                yield from (key.expression for key in measure.sorts)
                if measure.filter is not None:
                    yield measure.filter
        case Window():
            for call in relation.calls:
                yield from (*call.arguments, *call.partition)
                yield from (key.expression for key in call.order)
        case Sort():
            yield from (key.expression for key in relation.keys)
        case Values():
            for row in relation.rows:
                yield from row


def subqueries_of(relation: Relation) -> tuple[Relation, ...]:
    """The relations of the subqueries in a relation's own expressions."""
    return relation.subqueries
