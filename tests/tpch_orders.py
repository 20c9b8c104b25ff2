"""TPC-H's queries with their joins written in other orders: the same seed gives the same statement.

Owns the rewriting of each FROM, subqueries included: as a list, or as a chain of joins with each
condition where all that it is about has been named. Outer joins keep their shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import sqlglot
from sqlglot import exp

_DIALECT = "postgres"

_TABLES = {
    "c": "customer",
    "l": "lineitem",
    "n": "nation",
    "o": "orders",
    "p": "part",
    "ps": "partsupp",
    "r": "region",
    "s": "supplier",
}
"""The table of a column, by what stands before its name's first underscore."""


def reordered(sql: str, seed: int) -> str:
    """A query of TPC-H with every list of tables in another order, and conditions in another too.

    >>> print(reordered("SELECT 1 FROM nation, region WHERE n_regionkey = r_regionkey", 3))
    SELECT 1 FROM region INNER JOIN nation ON r_regionkey = n_regionkey
    """
    random = Random(seed)
    tree = sqlglot.parse_one(sql, read=_DIALECT)
    for select in list(tree.find_all(exp.Select)):
        _reorder(select, random)
    return tree.sql(dialect=_DIALECT)


@dataclass(frozen=True, slots=True)
class _Input:
    """A table or a subquery of a FROM.

    Attributes:
        outputs: the names of its columns, of a subquery or a CTE.
        table: of which it is all columns, or empty.
    """

    alias: str
    tree: exp.Expression
    table: str
    outputs: frozenset[str]

    def has(self, column: exp.Column) -> bool:
        """Whether a column is of this input."""
        if column.table:
            return bool(column.table == self.alias)
        table = _TABLES.get(column.name.partition("_")[0])
        return column.name in self.outputs or (table is not None and table == self.table)


def _reorder(select: exp.Select, random: Random) -> None:
    joins = select.args.get("joins") or []
    if not joins or any(join.side for join in joins):
        return
    inputs = [_input(t, select) for t in (select.args["from_"].this, *(j.this for j in joins))]
    where = select.args.get("where")
    conditions = [*_conjuncts(where.this if where else None)]
    for join in joins:
        conditions += _conjuncts(join.args.get("on"))
    random.shuffle(inputs)
    random.shuffle(conditions)
    conditions = [_turned(condition, random) for condition in conditions]
    chain = random.random() < 0.5
    select.set("joins", None)
    select.set("where", None)
    select.from_(inputs[0].tree, copy=False)
    named = [inputs[0]]
    for each in inputs[1:]:
        named.append(each)
        if not chain:
            select.join(each.tree, copy=False)  # A join without a condition is a comma.
            continue
        here = [c for c in conditions if _may_stand(c, each, named)]
        conditions = [c for c in conditions if not any(c is used for used in here)]
        if here:
            select.join(each.tree, on=exp.and_(*here, copy=False), join_type="inner", copy=False)
        else:
            select.join(each.tree, join_type="cross", copy=False)
    if conditions:
        select.where(*conditions, copy=False)


def _input(tree: exp.Expression, select: exp.Select) -> _Input:
    if isinstance(tree, exp.Table):
        made = _cte(tree.name, select)
        outputs = () if made is None else _outputs(made)
        return _Input(tree.alias_or_name, tree, "" if made else tree.name, frozenset(outputs))
    assert isinstance(tree, exp.Subquery)
    return _Input(tree.alias, tree, "", frozenset(tree.this.named_selects))


def _cte(name: str, select: exp.Select) -> exp.CTE | None:
    root = select.root()
    return next((cte for cte in root.find_all(exp.CTE) if cte.alias == name), None)


def _outputs(cte: exp.CTE) -> list[str]:
    return cte.alias_column_names or cte.this.named_selects


def _conjuncts(condition: exp.Expression | None) -> Iterator[exp.Expression]:
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    elif condition is not None:
        yield condition


def _turned(condition: exp.Expression, random: Random) -> exp.Expression:
    """The same, and an equality of two columns now and then the other way round."""
    if not isinstance(condition, exp.EQ) or random.random() < 0.5:
        return condition
    sides = condition.left, condition.right
    if not all(isinstance(side, exp.Column) for side in sides):
        return condition
    return exp.EQ(this=sides[1], expression=sides[0])


def _may_stand(condition: exp.Expression, last: _Input, named: list[_Input]) -> bool:
    """Whether a condition is about the last input and another, and about none that is to come."""
    if condition.find(exp.Query):
        return False
    columns = list(condition.find_all(exp.Column))
    if not all(any(each.has(column) for each in named) for column in columns):
        return False
    return any(last.has(c) for c in columns) and not all(last.has(c) for c in columns)
