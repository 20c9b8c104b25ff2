"""Long chains of OR and AND as trees of little depth, and ORs of one column's values as IN.

The engine reads `a OR b OR c …` as a tree as deep as the chain is long: its stack ends at some
6,000 of them, and its planning takes quadratic time. AND and OR are associative also where
something is unknown, so that any bracketing of the chain means the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from planner.desugar.names import Names, Scope
from planner.desugar.tree import FreshNames, NoRewriteError, bracketed, named
from planner.nesting import MAX_OPERATORS, too_long

LONG = 100
"""From so many parts on a chain is rewritten."""

MANY_VALUES = 8
"""From so many values on they are a list."""


def balance_chains(root: exp.Expr, names: Names, fresh: FreshNames) -> bool:
    """Rewrite each chain of more than `LONG` parts; whether there was one.

    Raises:
        SizeLimitError: for one that is too long for the engine all the same.
    """
    del fresh
    found = [
        node
        for node in root.find_all(exp.And, exp.Or)
        if not isinstance(node.parent, type(node)) and len(_parts(node)) > LONG
    ]
    for node in reversed(found):
        parts = _parts(node)
        if isinstance(node, exp.Or) and (scope := _scope_of(node, names)) is not None:
            parts = _as_lists(parts, scope)
        if len(parts) > MAX_OPERATORS and not _stays_or(node):
            raise too_long(len(parts))
        node.replace(exp.Paren(this=_balanced(type(node), parts)))
    return bool(found)


def _stays_or(node: exp.Expr) -> bool:
    """Whether the engine keeps the tree: it makes one of AND, or of NOT over OR, a chain again."""
    if not isinstance(node, exp.Or):
        return False
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Connector):
        parent = parent.parent
    return isinstance(parent, exp.Where | exp.Join | exp.Having | exp.Alias | exp.Select)


def _parts(chain: exp.Expr) -> list[exp.Expr]:
    """The parts of a chain, from left to right, those of brackets with the same operator too."""
    kind, parts, waiting = type(chain), [], [chain]
    while waiting:
        node = waiting.pop()
        inner = node
        while isinstance(inner, exp.Paren):
            inner = inner.this
        if isinstance(inner, kind):
            waiting += [inner.expression, inner.this]
        else:
            parts.append(node)
    return parts


def _balanced(kind: type[exp.Expr], parts: Sequence[exp.Expr]) -> exp.Expr:
    level = [bracketed(part) if isinstance(part, exp.Connector) else part for part in parts]
    while len(level) > 1:
        pairs = [
            exp.Paren(this=kind(this=left, expression=right))
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level = [*pairs, *level[len(pairs) * 2 :]]
    (whole,) = level
    return whole


def _scope_of(node: exp.Expr, names: Names) -> Scope | None:
    select = node.find_ancestor(exp.Select)
    if select is None:
        return None
    try:
        return names.scope(select, None, names.ctes_around(select))
    except NoRewriteError:
        return None


def _as_lists(parts: Sequence[exp.Expr], scope: Scope) -> list[exp.Expr]:
    """`a = 1 OR a = 2 …` as `a IN (1, 2, …)`, where values and column are of one kind."""
    values: dict[tuple[str, str], list[exp.EQ]] = {}
    for part in parts:
        if isinstance(part, exp.EQ) and (identity := _identity(part, scope)) is not None:
            values.setdefault(identity, []).append(part)
    lists: dict[int, exp.Expr | None] = {}
    for equalities in values.values():
        if len(equalities) < MANY_VALUES:
            continue
        first = equalities[0]
        lists.update({id(equality): None for equality in equalities})
        lists[id(first)] = exp.In(
            this=first.this.copy(), expressions=[e.expression.copy() for e in equalities]
        )
    kept = [lists.get(id(part), part) for part in parts]
    return [part for part in kept if part is not None]


def _identity(part: exp.EQ, scope: Scope) -> tuple[str, str] | None:
    """The column that is compared with a literal of its own kind."""
    column, value = part.this, part.expression
    if not isinstance(column, exp.Column) or not isinstance(value, exp.Literal):
        return None
    try:
        holder, alias = scope.holder(column)
        type_ = scope.type_of(column)
    except NoRewriteError:
        return None
    if holder is not scope or type_ is None:
        return None
    if value.is_string:
        alike = pa.types.is_string(type_) or pa.types.is_large_string(type_)
    else:
        alike = pa.types.is_signed_integer(type_) and value.name.isdigit() and len(value.name) < 10
    return (alias, named(column.this)) if alike else None
