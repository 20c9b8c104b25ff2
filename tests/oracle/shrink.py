"""A statement that shows a difference -> a smaller one that shows one still.

Owns the edits: clauses are dropped, operators replaced by an operand. An edit that leads to no
statement, or to one without a difference, is taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

_CLAUSES = ("where", "having", "order", "limit", "offset", "distinct", "joins", "with_", "group")


def shrunk(tree: exp.Query, fails: Callable[[exp.Query], bool], attempts: int = 600) -> exp.Query:
    """The smallest that is found within a number of attempts.

    Args:
        fails: whether a statement shows the difference still.
    """
    left = attempts
    smaller = True
    while smaller and left > 0:
        smaller = False
        for candidate in _edits(tree):
            left -= 1
            if left <= 0:
                break
            if len(candidate.sql()) < len(tree.sql()) and fails(candidate):
                tree, smaller = candidate, True
                break
    return tree


def _edits(tree: exp.Query) -> Iterator[exp.Query]:
    nodes = list(tree.walk())
    if isinstance(tree, exp.SetOperation):
        yield tree.this.copy()
        yield tree.expression.copy()
    for number, node in enumerate(nodes):
        for clause in _CLAUSES:
            if node.args.get(clause) and not (clause == "order" and _determines(node)):
                yield _edited(tree, number, lambda n, c=clause: n.set(c, None))
        if isinstance(node, exp.Select):
            for index in range(len(node.expressions) if len(node.expressions) > 1 else 0):
                yield _edited(tree, number, lambda n, i=index: n.expressions.pop(i))
            for index in range(len(node.args.get("joins") or ())):
                yield _edited(tree, number, lambda n, i=index: n.args["joins"].pop(i))
        elif not isinstance(node, exp.Query | exp.Table | exp.Alias | exp.From | exp.Column):
            for operand in range(len(list(_operands(node)))):
                yield _edited(tree, number, lambda n, i=operand: n.replace(list(_operands(n))[i]))


def _determines(node: exp.Expression) -> bool:
    """Whether the order of this decides which rows are answered, or what a window sees."""
    return isinstance(node, exp.Window) or bool(node.args.get("limit") or node.args.get("offset"))


def _operands(node: exp.Expression) -> Iterator[exp.Expression]:
    for child in node.iter_expressions():
        if isinstance(child, exp.Where | exp.If | exp.Distinct | exp.Order):
            yield from _operands(child)
        elif not isinstance(child, exp.DataType | exp.Identifier | exp.Query | exp.Ordered):
            yield child


def _edited(tree: exp.Query, number: int, change: Callable[[exp.Expression], object]) -> exp.Query:
    copy = tree.copy()
    change(list(copy.walk())[number])
    return copy
