"""What a dialect is to the planner: tables of functions, aggregates and casts, with conditions.

A rule's condition says when the source's result is identical to the engine's; what no rule covers
stays here, with the reason. Owns the shape of the tables, no dialect's content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.relations import Call, Cast, Expression, Literal, Measure

Sql = exp.Expression


def always(_: object) -> str | None:
    """The condition of a rule that has none."""
    return None


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """How a scalar function is written there.

    Attributes:
        write: from the call and its written arguments to SQL.
        refuse: why this call may not go, or None when it may.
        shown: what shows that the results are identical.
    """

    write: Callable[[Call, list[Sql]], Sql]
    refuse: Callable[[Call], str | None] = always
    shown: str = "SQL standard"


@dataclass(frozen=True, slots=True)
class AggregateRule:
    """How an aggregate is written there; `write` gets the arguments, DISTINCT already applied."""

    write: Callable[[Measure, list[Sql]], Sql]
    refuse: Callable[[Measure], str | None] = always
    shown: str = "SQL standard"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Everything that emission asks of a dialect.

    Attributes:
        name: what connectors call it.
        generator: sqlglot's name of it.
        type_sql: an Arrow type's name there, or None when it has no form.
        read_column: a table's column as an expression that means the same as its Arrow type.
        write_literal: a constant of a type that `type_sql` knows.
        refuse_cast, write_cast: conversions.
        order: an expression so written that it sorts and compares as in the engine.
        refuse_order: why values of an expression may not be compared or sorted there, or None.
        output: a fragment's output column, in the form that its connector reads fastest.
    """

    name: str
    generator: str
    functions: Mapping[str, FunctionRule]
    aggregates: Mapping[str, AggregateRule]
    type_sql: Callable[[pa.DataType], exp.DataType | None]
    read_column: Callable[[Column, Sql], Sql]
    refuse_literal: Callable[[Literal], str | None]
    write_literal: Callable[[Literal], Sql]
    refuse_cast: Callable[[Cast], str | None]
    write_cast: Callable[[Cast, Sql], Sql]
    order: Callable[[Sql, pa.DataType], Sql]
    refuse_order: Callable[[Expression], str | None]
    output: Callable[[Sql, pa.DataType], Sql]
