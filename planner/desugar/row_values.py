"""Comparisons of row values, `(a, b) < (c, d)`, as comparisons of their parts.

The engine compares structures, in which a NULL is a value that equals itself and stands last. By
SQL the comparison of two rows is that of their parts, and unknown where the parts do not decide.
"""

from __future__ import annotations

from sqlglot import exp

from planner.desugar.engine_functions import is_stable
from planner.desugar.tree import NoRewriteError, all_of, any_of

_STRICT: dict[type[exp.Expr], type[exp.Binary]] = {
    exp.LT: exp.LT, exp.LTE: exp.LT, exp.GT: exp.GT, exp.GTE: exp.GT
}  # fmt: skip
_EQUALITY = exp.EQ | exp.NEQ | exp.NullSafeEQ | exp.NullSafeNEQ


def compare_by_parts(root: exp.Expr) -> bool:
    """Each comparison of two rows of one length as SQL defines it.

    `=` is AND of the parts, `<>` is OR, both with SQL's three values. `(a, b) < (c, d)` is
    `a < c OR a = c AND b < d`: where a = c is unknown, so is the whole, unless a < c cannot be.
    IN is an OR of `=`, BETWEEN is `>=` and `<=`, and IS DISTINCT FROM an OR over the parts.
    """
    changed = False
    for node in list(root.find_all(exp.Predicate)):
        written = _written(node)
        if written is not None:
            node.replace(exp.Paren(this=written))
            changed = True
    return changed


def parts_of(node: exp.Expr | None) -> list[exp.Expr] | None:
    """The parts of a row value; None for what is none."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    if isinstance(node, exp.Anonymous) and node.name.upper() == "ROW":
        return list(node.expressions)
    return None


def _written(node: exp.Expr) -> exp.Expr | None:
    left = parts_of(node.this)
    if left is None:
        return None
    if isinstance(node, exp.In):
        if node.args.get("query") is not None or not node.expressions:
            return None
        if len(node.expressions) > 1:
            _refuse_random(node.this)
        return any_of([_compared(exp.EQ, left, o, node) for o in node.expressions])
    if isinstance(node, exp.Between):
        low, high = node.args["low"], node.args["high"]
        _refuse_random(node)
        return all_of([_compared(exp.GTE, left, low, node), _compared(exp.LTE, left, high, node)])
    if isinstance(node, _EQUALITY) or type(node) in _STRICT:
        if parts_of(node.expression) is None:
            return None
        if type(node) in _STRICT:
            _refuse_random(node)
        return _compared(type(node), left, node.expression, node)
    return None


def _refuse_random(node: exp.Expr) -> None:
    """What would be written twice must be the same twice."""
    if not is_stable(node):
        raise NoRewriteError("a comparison of rows with a random value", node)


def _compared(
    kind: type[exp.Expr], left: list[exp.Expr], other: exp.Expr, node: exp.Expr
) -> exp.Expr:
    right = parts_of(other)
    if right is None or len(left) != len(right):
        raise NoRewriteError("a comparison of rows of different lengths", node)
    if kind in _STRICT:
        return _ordered(kind, left, right)
    pairs = [kind(this=a.copy(), expression=b.copy()) for a, b in zip(left, right, strict=True)]
    return any_of(pairs) if kind in (exp.NEQ, exp.NullSafeNEQ) else all_of(pairs)


def _ordered(kind: type[exp.Expr], left: list[exp.Expr], right: list[exp.Expr]) -> exp.Expr:
    this, other = left[0].copy(), right[0].copy()
    if len(left) == 1:
        return kind(this=this, expression=other)
    before = _STRICT[kind](this=this, expression=other)
    equal = exp.EQ(this=this.copy(), expression=other.copy())
    return any_of([before, all_of([equal, _ordered(kind, left[1:], right[1:])])])
