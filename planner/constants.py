"""Which columns of a statement may be constants: of subqueries, WITH and VALUES, by name alone.

A name stands for each constant that has it anywhere in the statement, so that this finds too many
rather than too few. Changes nothing.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping

from sqlglot import exp

from planner.desugar.tree import bare, named

MAX_NODES = 2_000
"""Of an expression with constants for its columns, which may be defined by one another."""

MAX_FORMS = 16
"""In how many ways an expression's columns are replaced by constants that have their names."""


class Constants:
    """The columns that are constants, by their names; each is worked out once."""

    def __init__(self, root: exp.Expr) -> None:
        self._definitions = _definitions(root)
        self._known: dict[str, list[exp.Expr]] = {}

    def closed(self, expression: exp.Expr) -> list[exp.Expr]:
        """An expression with constants for its columns, in each way; none where that cannot be."""
        columns = [named(column.this) for column in expression.find_all(exp.Column)]
        names = sorted(set(columns))
        ways = [self._of(name) for name in names]
        found: list[exp.Expr] = []
        for values in itertools.islice(itertools.product(*ways), MAX_FORMS):
            by_name = dict(zip(names, values, strict=True))
            if _nodes(expression) + sum(_nodes(by_name[c]) for c in columns) <= MAX_NODES:
                found.append(_with_columns(expression, by_name))
        return found

    def _of(self, name: str) -> list[exp.Expr]:
        if name not in self._known:
            self._known[name] = []  # one that is defined by itself is none
            ways = [self.closed(d) for d in self._definitions.get(name, ())[:MAX_FORMS]]
            self._known[name] = [way for closed in ways for way in closed][:MAX_FORMS]
        return self._known[name]


def _nodes(expression: exp.Expr) -> int:
    return sum(1 for _ in expression.walk())


def _with_columns(expression: exp.Expr, values: Mapping[str, exp.Expr]) -> exp.Expr:
    def change(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return exp.Paren(this=values[named(node.this)].copy())
        return node

    return expression.copy().transform(change, copy=False)


def _definitions(root: exp.Expr) -> dict[str, list[exp.Expr]]:
    """What the columns of subqueries, WITH and VALUES may be, by their names alone."""
    found: defaultdict[str, list[exp.Expr]] = defaultdict(list)
    for alias in root.find_all(exp.Alias):
        found[named(alias.args["alias"])].append(alias.this)
    for columns in root.find_all(exp.TableAlias):
        query = columns.parent
        inner = query if isinstance(query, exp.Values) else query.this if query else None
        rows = [r.expressions for r in inner.expressions] if isinstance(inner, exp.Values) else []
        if isinstance(inner, exp.Select):
            rows = [[bare(output) for output in inner.expressions]]
        for row in rows[:MAX_FORMS]:
            for name, value in zip(columns.columns, row, strict=False):
                found[named(name)].append(value)
    return found
