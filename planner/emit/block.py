"""A SELECT under construction, and the statement that it is. Knows no relation and no dialect."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.names import ONE
from planner.relations import Field


@dataclass(frozen=True, slots=True)
class Block:
    """A SELECT under construction; `columns` are its output as SQL over its FROM.

    Attributes:
        sets: positions in `groups`, for each of several grouping sets: a group in an expression is
            then not what it is in the list of groups, so that nothing is computed beside them.
        windowed: a column is a window function's, which no clause but SELECT and ORDER BY takes.
    """

    source: Sql
    columns: tuple[Sql, ...]
    fields: tuple[Field, ...]
    joins: tuple[exp.Join, ...] = ()
    where: tuple[Sql, ...] = ()
    groups: tuple[Sql, ...] | None = None
    having: tuple[Sql, ...] = ()
    order: tuple[Sql, ...] = ()
    limit: int | None = None
    offset: int = 0
    sets: tuple[tuple[int, ...], ...] = ()
    windowed: bool = False

    @property
    def sliced(self) -> bool:
        return self.limit is not None or self.offset > 0

    @property
    def simple(self) -> bool:
        """Nothing but FROM, WHERE and columns: more of these may be added."""
        return self.groups is None and not self.sliced and not self.windowed

    @property
    def bare(self) -> bool:
        """One table with its own columns: it may stand on the nullable side of a join."""
        plain = all(isinstance(column, exp.Column) for column in self.columns)
        return self.simple and not self.joins and plain


def sliced(block: Block, offset: int, count: int | None) -> Block:
    """A slice of the block's rows; a slice of a slice is one slice."""
    limit = count
    if block.limit is not None:
        left = max(0, block.limit - offset)
        limit = left if count is None else min(left, count)
    return replace(block, limit=limit, offset=block.offset + offset)


def select(
    block: Block, columns: list[Sql], names: tuple[str, ...], *, bare: bool = False
) -> exp.Select:
    """The block as a statement; `bare` leaves the column names out."""
    if not columns:
        columns, names = [exp.Literal.number(1)], (ONE.name,)
    made = exp.Select(
        expressions=[
            column if bare else exp.Alias(this=column, alias=quoted(name))
            for column, name in zip(columns, names, strict=True)
        ],
        from_=exp.From(this=block.source),
        joins=list(block.joins),
    )
    if block.where:
        made.set("where", exp.Where(this=conjunction(block.where)))
    if block.sets:
        made.set("group", exp.Group(expressions=[_grouping_sets(block)]))
    elif block.groups:
        made.set("group", exp.Group(expressions=[group.copy() for group in block.groups]))
    if block.having:
        made.set("having", exp.Having(this=conjunction(block.having)))
    if block.order:
        made.set("order", exp.Order(expressions=list(block.order)))
    if block.limit is not None:
        made.set("limit", exp.Limit(expression=exp.Literal.number(block.limit)))
    if block.offset:
        made.set("offset", exp.Offset(expression=exp.Literal.number(block.offset)))
    return made


def _grouping_sets(block: Block) -> exp.GroupingSets:
    groups = block.groups or ()
    sets = [exp.Tuple(expressions=[groups[i].copy() for i in s]) for s in block.sets]
    return exp.GroupingSets(expressions=sets)


def quoted(name: str) -> exp.Identifier:
    """An identifier from outside: always quoted."""
    return exp.to_identifier(name, quoted=True)


def conjunction(conditions: tuple[Sql, ...]) -> Sql:
    """AND of the conditions; at least one."""
    result = conditions[0]
    for condition in conditions[1:]:
        result = exp.And(this=result, expression=condition)
    return result
