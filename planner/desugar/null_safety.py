"""Equality in which NULLs are equal, as a condition that the engine keeps apart from others.

DataFusion 55 takes `a IS NOT DISTINCT FROM b` for the key of a join, and any `c = d` beside it or
in WHERE for another, and then finds NULLs equal in both: rows come that must not. Two equalities,
`coalesce(a, 0) = coalesce(b, 0)` and `(a IS NULL) = (b IS NULL)`, say the same and are keys without
that. Where no constant of the type is at hand, a condition that is no key does.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from sqlglot import exp

from planner.desugar.engine_functions import is_stable
from planner.desugar.names import Names, Scope
from planner.desugar.tree import FreshNames, NoRewriteError

Same = Callable[[exp.Expr, exp.Expr], exp.Expr]
"""Makes the condition that two expressions have one value."""


def same_values(field: pa.Field | None) -> Same:
    """The condition for values of a column, `=` where none is NULL.

    Args:
        field: its type, and whether it may be NULL; None where that is not known.
    """
    if field is not None and not field.nullable:
        return equal
    constant = None if field is None else _constant(field.type)
    return lambda left, right: _same_or_null(left, right, constant)


def equal(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """`left = right`."""
    return exp.EQ(this=left, expression=right)


def _same_or_null(left: exp.Expr, right: exp.Expr, constant: exp.Expr | None) -> exp.Expr:
    missing = [exp.Is(this=side.copy(), expression=exp.null()) for side in (left, right)]
    if constant is None:
        both = exp.And(this=missing[0], expression=missing[1])
        return exp.Anonymous(this="coalesce", expressions=[equal(left, right), both])
    filled = [
        exp.Anonymous(this="coalesce", expressions=[side, constant.copy()])
        for side in (left, right)
    ]
    nulls = [exp.Paren(this=one) for one in missing]
    return exp.And(this=equal(*filled), expression=equal(*nulls))


def _constant(type_: pa.DataType) -> exp.Expr | None:
    if pa.types.is_signed_integer(type_) or pa.types.is_floating(type_):
        return exp.Literal.number(0)
    if pa.types.is_string(type_):
        return exp.Literal.string("")
    if pa.types.is_boolean(type_):
        return exp.false()
    return None


def keep_null_safety_apart(root: exp.Expr, names: Names, fresh: FreshNames) -> bool:
    """Rewrite `a IS NOT DISTINCT FROM b` in the conditions of joins; whether there was one."""
    del fresh
    changed = False
    for found in list(root.find_all(exp.NullSafeEQ, exp.NullSafeNEQ)):
        node = found if isinstance(found, exp.NullSafeEQ) else _negation(found)
        if node is None:
            continue
        select = node.find_ancestor(exp.Select)
        if select is None or not select.args.get("joins") or not _stands_in_condition(node):
            continue
        if not is_stable(node):
            continue
        scope = names.scope(select, None, names.ctes_around(select))
        left, right = (_field(side, scope) for side in (found.this, found.expression))
        alike = left is not None and right is not None and left.type == right.type
        same = same_values(left.with_nullable(True) if left is not None and alike else None)
        node.replace(exp.Paren(this=same(found.this.copy(), found.expression.copy())))
        changed = True
    return changed


def _negation(node: exp.Expr) -> exp.Expr | None:
    """`NOT (a IS DISTINCT FROM b)`, of which the engine makes the other."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return parent if isinstance(parent, exp.Not) else None


def _stands_in_condition(node: exp.Expr) -> bool:
    """Whether it is a part of ON or of WHERE, with AND alone above it."""
    parent = node.parent
    while isinstance(parent, exp.And | exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Where | exp.Join)


def _field(side: exp.Expr, scope: Scope) -> pa.Field | None:
    while isinstance(side, exp.Paren):
        side = side.this
    if not isinstance(side, exp.Column):
        return None
    try:
        return scope.field_of(side)
    except NoRewriteError:
        return None
