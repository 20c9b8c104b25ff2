"""What a dialect is to the planner: tables of functions, aggregates and casts, with conditions.

A rule's condition says when the source's result is identical to the engine's; what no rule covers
stays here, with the reason. A rule tells people the same in its texts, from which the pages of the
documentation are made. Owns the shape of the tables, no dialect's content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.emit.keys import KeyForm
from planner.emit.rows import RowForm
from planner.relations import Call, Cast, Expression, Literal, Measure, Relation, WindowCall

Sql = exp.Expression


def as_it_is(expression: Expression) -> Expression:
    """The shape of expressions where a dialect has no rule for several nodes at once."""
    return expression


def always(_: object) -> str | None:
    """The condition of a rule that has none."""
    return None


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """How a scalar function is written there.

    Attributes:
        write: from the call and its written arguments to SQL.
        refuse: why this call may not go, or None when it may.
        shown: why the results are identical, in a few words. The proof is in the test that
            `Dialect.shown_by` names, which has cases by the name of each rule.
        proven: it was compared with the engine by running; else it goes only when asked for.
        takes: the types of the arguments, for people: `text, integer constant`.
        when: the condition that `refuse` checks, for people; empty for always.
        written: how it is written there, for people: `div(x * 10^s, y)`; `x`, `y`, … are its
            arguments, in order.
    """

    write: Callable[[Call, list[Sql]], Sql]
    refuse: Callable[[Call], str | None] = always
    shown: str = "SQL standard"
    proven: bool = True
    takes: str = "any"
    when: str = ""
    written: str = ""


@dataclass(frozen=True, slots=True)
class AggregateRule:
    """How an aggregate is written there; `write` gets the arguments, DISTINCT already applied.

    Attributes: as those of `FunctionRule`, and:
        ordered: it may have an order of its rows, which stands after its last argument.
    """

    write: Callable[[Measure, list[Sql]], Sql]
    refuse: Callable[[Measure], str | None] = always
    shown: str = "SQL standard"
    proven: bool = True
    takes: str = "any"
    when: str = ""
    written: str = ""
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """What follows OVER: the partition, the order in it, and the frame where it matters."""

    partition: tuple[Sql, ...]
    order: tuple[Sql, ...]
    frame: exp.WindowSpec | None = None

    def of(self, function: Sql) -> Sql:
        """A function that looks at the order and not at the frame."""
        return self._window(function, self.order, None)

    def of_frame(self, function: Sql) -> Sql:
        """A function over the rows of the frame."""
        return self._window(function, self.order, self.frame)

    def of_partition(self, function: Sql) -> Sql:
        """A function over all rows of the partition."""
        return self._window(function, (), None)

    def _window(
        self, function: Sql, order: tuple[Sql, ...], frame: exp.WindowSpec | None
    ) -> exp.Window:
        keys = [key.copy() for key in order]
        return exp.Window(
            this=function,
            partition_by=[part.copy() for part in self.partition],
            order=exp.Order(expressions=keys) if keys else None,
            spec=None if frame is None else frame.copy(),
            over="OVER",
        )


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How a function over a window is written there; `write` adds the window by itself.

    Attributes: as those of `FunctionRule`.
    """

    write: Callable[[WindowCall, list[Sql], Over], Sql]
    refuse: Callable[[WindowCall], str | None] = always
    shown: str = "SQL standard"
    proven: bool = True
    takes: str = "any"
    when: str = ""
    written: str = ""


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
        sort_keys: the keys that sort as an expression does in the engine, of all the values that
            `refuse_sort` passes; None where `order` is the only one.
        refuse_sort: why values of an expression may not be sorted there; None where that is as
            `refuse_order` says.
        output: a fragment's output column, in the form that its connector reads fastest; a tuple
            is so many columns, which its connector makes one of.
        reshape: several nodes as one call that has a rule of its own, before rules are asked; what
            it makes of an expression depends on its functions, texts and constants alone.
        windows: functions over a window; none where nothing is said.
        grouping_id: the number of a row's grouping set, of this type, from the groups: a bit for
            each, the first the most significant, set where the row is not grouped by it. None
            where grouping sets do not go.
        refuse_relation: why a relation, taken without its inputs, has no form there, or None.
        filters: its aggregates have FILTER (WHERE …); else it becomes a CASE in the argument.
        computes_sides: the sides of its joins are derived tables that it computes first, once:
            with a LIMIT of none, without which it would put them into the outer statement.
        semi_joins: it has LEFT SEMI JOIN and LEFT ANTI JOIN; else they are written as EXISTS.
        keys: how it takes keys that are known only when it runs; None where it does not.
        rows: how it takes rows that are known only then, as a table; None where it does not.
        few: its connector answers few rows in fewer round trips (`connectors.contract.Few`).
        safe_name: a name that may come from the client, so that quoting holds it there.
        proven: it runs where the tests run, and was compared there with the engine; of a dialect
            that was not, nothing goes to a source unless it is asked for.
        shown_by: the test that compares each rule, or that reads back what is emitted.
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
    sort_keys: Callable[[Expression, Sql], tuple[Sql, ...]] | None = None
    refuse_sort: Callable[[Expression], str | None] | None = None
    reshape: Callable[[Expression], Expression] = as_it_is
    windows: Mapping[str, WindowRule] = field(default_factory=dict)
    grouping_id: Callable[[list[Sql], pa.DataType], Sql] | None = None
    filters: bool = False
    computes_sides: bool = False
    semi_joins: bool = False
    refuse_relation: Callable[[Relation], str | None] = always
    keys: KeyForm | None = None
    rows: RowForm | None = None
    few: bool = False
    safe_name: Callable[[str], str] = str
    proven: bool = True
    shown_by: str = ""
