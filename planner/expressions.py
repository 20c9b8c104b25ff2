"""Expressions of the relation tree: typed, positional, immutable; how they are walked and changed.

Knows neither protobuf nor SQL text, and of relations only that subqueries hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from operator import is_not
from typing import TYPE_CHECKING, Any, TypeAlias
from typing import Literal as Literals

import pyarrow as pa

if TYPE_CHECKING:
    from planner.relations import Relation


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
class InKeys:
    """Whether a value is among the keys that a stage of the same statement finds as it runs.

    It says that rows without such a key are not wanted, so that it may be left out anywhere.

    Attributes:
        stage: the stage's name.
        column: which of its columns holds the keys.
        count: how many different keys are expected.
        origin: the shape of what they are found in, where it has one.
    """

    value: Expression
    stage: str
    column: int
    count: float
    origin: bytes | None = None
    type: pa.DataType = field(default_factory=pa.bool_)
    nullable: bool = True


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
    FieldRef
    | Literal
    | Call
    | Cast
    | IfThen
    | InList
    | ScalarSubquery
    | ExistsSubquery
    | InKeys
    | Opaque
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


def arguments_of(expression: Expression) -> tuple[Expression, ...]:
    """The direct operands, in order; a subquery's relation is not one."""
    match expression:
        case FieldRef() | Literal():
            return ()
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
        case InKeys():
            return (expression.value,)
        case _:
            return ()


def with_arguments(expression: Expression, arguments: tuple[Expression, ...]) -> Expression:
    """The same expression over other operands, in the order of `arguments_of`."""
    match expression:
        case Call():
            return Call(expression.function, arguments, expression.type, expression.nullable)
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
        case InKeys():
            return replace(expression, value=arguments[0])
        case _:
            return expression


def walk_expression(expression: Expression) -> Iterator[Expression]:
    """The expression and its operands, outermost first; does not enter subqueries."""
    waiting = [expression]
    while waiting:
        yield (part := waiting.pop())
        # Most are of three kinds, and trees are walked often.
        if type(part) is Call:
            waiting += part.arguments[::-1]
        elif type(part) is not FieldRef and type(part) is not Literal:
            waiting += arguments_of(part)[::-1]


def transform_expression(
    expression: Expression, change: Callable[[Expression], Expression]
) -> Expression:
    """Rebuild bottom-up: `change` sees each node after its operands were changed."""
    arguments = arguments_of(expression)
    if arguments:
        changed = tuple([transform_expression(argument, change) for argument in arguments])
        if any(map(is_not, changed, arguments)):
            expression = with_arguments(expression, changed)
    return change(expression)


def references(expression: Expression) -> set[int] | None:
    """The positions of the input's fields that it reads; None when that cannot be known."""
    found: set[int] = set()
    waiting = [expression]
    while waiting:  # `walk_expression` in place: this is asked more often than all else.
        part = waiting.pop()
        if type(part) is FieldRef:
            found.add(part.index)
        elif type(part) is Call:
            waiting += part.arguments
        elif type(part) is Opaque:
            return None
        elif type(part) is not Literal:
            waiting += arguments_of(part)
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
