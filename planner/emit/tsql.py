"""SQL Server's T-SQL, 2022 or newer, by its documentation; never run here.

A comparison is a condition and never a value there, and a BIT is a value and never a condition.
Known to differ: `=` takes no notice of spaces at the end of text, under any collation. LEN and
SUBSTRING count UTF-16 units and have no rule.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from planner.emit.common_sql import Description, dialect_of
from planner.relations import (
    Aggregate,
    Call,
    Cast,
    Expression,
    FieldRef,
    Filter,
    IfThen,
    InList,
    Join,
    JoinKind,
    Literal,
    Project,
    Relation,
    ScalarSubquery,
    Sort,
    expressions_of,
    walk_expression,
)

_CONNECTIVES = frozenset(("and", "or", "not", "is_true", "is_not_true", "is_false", "is_not_false"))


def _refuse_relation(relation: Relation) -> str | None:
    """Why a truth value has no form where a relation has it."""
    if isinstance(relation, Join) and relation.kind in (JoinKind.LEFT_MARK, JoinKind.RIGHT_MARK):
        return "a condition is no value there"
    for expression in _values(relation):
        if pa.types.is_boolean(expression.type) and not isinstance(expression, FieldRef):
            return "a condition is no value there"
    for expression in _conditions(relation):
        if isinstance(expression, FieldRef | IfThen | Cast | ScalarSubquery):
            return "a BIT is no condition there"
        if isinstance(expression, Literal) and expression.value is None:
            return "NULL is no condition there"
    return None


def _values(relation: Relation) -> Iterator[Expression]:
    """The expressions of a relation that stand where a value stands."""
    match relation:
        case Project():
            yield from relation.expressions
        case Aggregate():
            yield from relation.groups
            for measure in relation.measures:
                yield from measure.arguments
        case Sort():
            yield from (key.expression for key in relation.keys)
    for part in _parts(relation):
        match part:
            case IfThen():
                yield from (value for _, value in part.clauses)
                if part.operand is not None:
                    yield from (part.operand, *(first for first, _ in part.clauses))
                if part.otherwise is not None:
                    yield part.otherwise
            case InList():
                yield part.value
            case Call() if part.function not in _CONNECTIVES:
                yield from part.arguments


def _conditions(relation: Relation) -> Iterator[Expression]:
    """The expressions of a relation that stand where a condition stands."""
    if isinstance(relation, Filter | Join):
        yield relation.condition
    if isinstance(relation, Aggregate):
        yield from (m.filter for m in relation.measures if m.filter is not None)
    for part in _parts(relation):
        if isinstance(part, IfThen) and part.operand is None:
            yield from (condition for condition, _ in part.clauses)
        if isinstance(part, Call) and part.function in _CONNECTIVES:
            yield from part.arguments


def _parts(relation: Relation) -> Iterator[Expression]:
    for expression in expressions_of(relation):
        yield from walk_expression(expression)


DESCRIPTION = Description(
    name="tsql",
    generator="tsql",
    types={
        pa.bool_(): "BIT",
        pa.uint8(): "TINYINT",
        pa.int16(): "SMALLINT",
        pa.int32(): "INTEGER",
        pa.int64(): "BIGINT",
        pa.float64(): "FLOAT",
        pa.string(): "NVARCHAR(MAX)",
        pa.binary(): "VARBINARY(MAX)",
        pa.date32(): "DATE",
        pa.time64("us"): "TIME(6)",
        pa.timestamp("us"): "DATETIME2(6)",
        pa.timestamp("us", "UTC"): "DATETIMEOFFSET(6)",
    },
    decimal="NUMERIC({p}, {s})",
    collation="Latin1_General_100_BIN2",
    # A backslash at the end of a line continues the text on the next, without either.
    replaced=("\\\n", "\\\r"),
    national=True,
    truth_values=False,
    length="",
    substring="",
    refuse_relation=_refuse_relation,
)

TSQL = dialect_of(DESCRIPTION)
