"""The relation tree: a typed, positional, immutable view of a bound query.

Owns the vocabulary of relations and expressions that every pass of the planner reads and rewrites.
Knows neither protobuf nor SQL text. Fields are referred to by position in the input (for joins: the
left input's fields, then the right's), as in Substrait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias
from typing import Literal as Literals

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Field:
    """One output column of a relation. The name is for people; references are by position."""

    name: str
    type: pa.DataType
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class FieldRef:
    """The input's field at `index`."""

    index: int
    type: pa.DataType
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `value` is the Python value of `type`; None is NULL."""

    value: Any
    type: pa.DataType

    @property
    def nullable(self) -> bool:
        return self.value is None


@dataclass(frozen=True, slots=True)
class Call:
    """A scalar function by its Substrait name (`equal`, `add`, `date_part`)."""

    function: str
    arguments: tuple[Expression, ...]
    type: pa.DataType
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class Cast:
    """A conversion; `strict` fails on a value that does not fit, else it becomes NULL."""

    input: Expression
    type: pa.DataType
    nullable: bool = True
    strict: bool = True


@dataclass(frozen=True, slots=True)
class IfThen:
    """CASE WHEN … THEN …: the first clause whose condition is true, else `otherwise` or NULL.

    With an `operand`, CASE x WHEN …: the first clause whose first part equals it, evaluated once.
    """

    clauses: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None
    type: pa.DataType
    nullable: bool = True
    operand: Expression | None = None


@dataclass(frozen=True, slots=True)
class InList:
    """`value IN (options)`."""

    value: Expression
    options: tuple[Expression, ...]
    type: pa.DataType = field(default_factory=pa.bool_)
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class ScalarSubquery:
    """The single value of an uncorrelated one-column relation; NULL when it has no row."""

    input: Relation
    type: pa.DataType
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class ExistsSubquery:
    """Whether an uncorrelated relation has a row."""

    input: Relation
    type: pa.DataType = field(default_factory=pa.bool_)
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """An expression that only the engine reads: kept as it came, so it always stays here.

    `message` is the Substrait form; `kind` names it for people (`window function`).
    """

    message: Any
    kind: str
    type: pa.DataType
    nullable: bool = True


FrameUnit: TypeAlias = Literals["rows", "range"]

Expression: TypeAlias = (
    FieldRef | Literal | Call | Cast | IfThen | InList | ScalarSubquery | ExistsSubquery | Opaque
)


@dataclass(frozen=True, slots=True)
class SortKey:
    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """One aggregate of an `Aggregate`."""

    function: str
    arguments: tuple[Expression, ...]
    type: pa.DataType
    nullable: bool = True
    distinct: bool = False
    filter: Expression | None = None
    sorts: tuple[SortKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """The rows of a partition that a window function is computed over.

    Attributes:
        unit: whether edges are counted in rows or by the values of the order; of values, an edge
            is the row's own, with its peers, or there is none.
        start, end: the edges, from the row: below zero before it, zero itself; None is the end of
            the partition on that side.
    """

    unit: FrameUnit
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class WindowCall:
    """One function of a `Window`. With DISTINCT, FILTER or IGNORE NULLS there is none."""

    function: str
    arguments: tuple[Expression, ...]
    type: pa.DataType
    nullable: bool
    partition: tuple[Expression, ...]
    order: tuple[SortKey, ...]
    frame: Frame


@dataclass(frozen=True, slots=True)
class Read:
    """A table, or a fragment's result: the columns of `base` at the positions `columns`.

    Attributes:
        path: `(source, schema, table)` of a source's table; one name for a fragment's result.
    """

    path: tuple[str, ...]
    base: tuple[Field, ...]
    columns: tuple[int, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(self.base[index] for index in self.columns)


@dataclass(frozen=True, slots=True)
class Values:
    """Constant rows; `VALUES`, and a `SELECT` without a table (one row, no field)."""

    rows: tuple[tuple[Expression, ...], ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    input: Relation
    condition: Expression

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.input.fields


@dataclass(frozen=True, slots=True)
class Project:
    """Exactly `expressions`, in order; nothing of the input passes by itself."""

    input: Relation
    expressions: tuple[Expression, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
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


@dataclass(frozen=True, slots=True)
class Window:
    """The input's rows, each with the values of window functions after its own."""

    input: Relation
    calls: tuple[WindowCall, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        made = tuple(Field(c.function, c.type, c.nullable) for c in self.calls)
        return self.input.fields + made


@dataclass(frozen=True, slots=True)
class Sort:
    input: Relation
    keys: tuple[SortKey, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.input.fields


@dataclass(frozen=True, slots=True)
class Fetch:
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


@dataclass(frozen=True, slots=True)
class Join:
    left: Relation
    right: Relation
    kind: JoinKind
    condition: Expression

    @property
    def fields(self) -> tuple[Field, ...]:
        return join_fields(self.left.fields, self.right.fields, self.kind)


@dataclass(frozen=True, slots=True)
class Cross:
    left: Relation
    right: Relation

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.left.fields + self.right.fields


@dataclass(frozen=True, slots=True)
class Union:
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
    match relation:
        case Read() | Values():
            return ()
        case Join() | Cross():
            return (relation.left, relation.right)
        case Union():
            return relation.inputs
        case _:
            return (relation.input,)


def with_inputs(relation: Relation, inputs: tuple[Relation, ...]) -> Relation:
    """The same relation over other inputs, which have the same fields."""
    match relation:
        case Read() | Values():
            return relation
        case Join() | Cross():
            return replace(relation, left=inputs[0], right=inputs[1])
        case Union():
            return replace(relation, inputs=inputs)
        case _:
            return replace(relation, input=inputs[0])


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


def subqueries_of(relation: Relation) -> Iterator[Relation]:
    """The relations of the subqueries in a relation's own expressions."""
    for expression in expressions_of(relation):
        for part in walk_expression(expression):
            if isinstance(part, ScalarSubquery | ExistsSubquery):
                yield part.input


def arguments_of(expression: Expression) -> tuple[Expression, ...]:
    """The direct operands, in order; a subquery's relation is not one."""
    match expression:
        case Call():
            return expression.arguments
        case Cast():
            return (expression.input,)
        case IfThen():
            flat = [part for clause in expression.clauses for part in clause]
            ends = (*flat, expression.otherwise, expression.operand)
            return tuple(part for part in ends if part is not None)
        case InList():
            return (expression.value, *expression.options)
        case _:
            return ()


def with_arguments(expression: Expression, arguments: tuple[Expression, ...]) -> Expression:
    """The same expression over other operands, in the order of `arguments_of`."""
    match expression:
        case Call():
            return replace(expression, arguments=arguments)
        case Cast():
            return replace(expression, input=arguments[0])
        case IfThen():
            pairs = len(expression.clauses) * 2
            clauses = tuple(zip(arguments[0:pairs:2], arguments[1:pairs:2], strict=True))
            rest = iter(arguments[pairs:])
            otherwise = None if expression.otherwise is None else next(rest)
            return replace(
                expression, clauses=clauses, otherwise=otherwise, operand=next(rest, None)
            )
        case InList():
            return replace(expression, value=arguments[0], options=arguments[1:])
        case _:
            return expression


def walk_expression(expression: Expression) -> Iterator[Expression]:
    """The expression and its operands, outermost first; does not enter subqueries."""
    waiting = [expression]
    while waiting:
        yield (part := waiting.pop())
        if type(part) not in (FieldRef, Literal):  # Most are, and trees are walked often.
            waiting.extend(reversed(arguments_of(part)))


def transform_expression(
    expression: Expression, change: Callable[[Expression], Expression]
) -> Expression:
    """Rebuild bottom-up: `change` sees each node after its operands were changed."""
    arguments = arguments_of(expression)
    changed = tuple(transform_expression(argument, change) for argument in arguments)
    if any(new is not old for new, old in zip(changed, arguments, strict=True)):
        expression = with_arguments(expression, changed)
    return change(expression)


def references(expression: Expression) -> set[int] | None:
    """The positions of the input's fields that it reads; None when that cannot be known."""
    found: set[int] = set()
    for part in walk_expression(expression):
        if isinstance(part, FieldRef):
            found.add(part.index)
        elif isinstance(part, Opaque):
            return None
    return found


def conjuncts(condition: Expression) -> tuple[Expression, ...]:
    """The parts of a condition that AND joins."""
    if isinstance(condition, Call) and condition.function == "and":
        return tuple(part for argument in condition.arguments for part in conjuncts(argument))
    return (condition,)


def conjunction(parts: tuple[Expression, ...]) -> Expression:
    """AND of the parts; at least one."""
    if len(parts) == 1:
        return parts[0]
    return Call("and", parts, pa.bool_(), any(part.nullable for part in parts))
