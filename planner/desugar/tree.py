"""Small things that the rewrites share: names, places in the client's text, conditions.

Knows no construct.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
from sqlglot import exp

from connectors.errors import Position

TableSchema = Callable[[tuple[str, ...]], pa.Schema | None]
"""A table's columns by the parts of its name in SQL; None for what is no table."""


CORRELATED = "a correlated subquery of this form"
"""What is named where a subquery's form has no exact rewrite."""


class NoRewriteError(Exception):
    """A construct of a form for which there is no exact rewrite.

    Args:
        what: the construct, as the subject of "… is not supported".
        node: the part of the tree, for its place.
        wrong: whether the engine would answer the statement as it is, and wrongly.
    """

    def __init__(self, what: str, node: exp.Expr, *, wrong: bool = True, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.position = place_of(node)
        self.wrong = wrong
        self.hint = hint


_FRESH = re.compile(r"\b__q\d*_[a-z]\d", re.ASCII)


class FreshNames:
    """Names that a statement's own text does not have."""

    def __init__(self, taken: str) -> None:
        self._numbers = itertools.count(1)
        self._prefix = next(
            p for n in itertools.count() if (p := f"__q{n or ''}_") not in taken.lower()
        )

    def next(self, stem: str) -> str:
        """A name that no other has."""
        return f"{self._prefix}{stem}{next(self._numbers)}"


def has_fresh_names(message: str, sql: str) -> bool:
    """Whether the engine's message speaks of names that the client's statement does not have."""
    return any(name not in sql.lower() for name in _FRESH.findall(message))


def place_of(node: exp.Expr) -> Position | None:
    """Where the first word of a node that has a place stands in the text."""
    found = [
        (meta["line"], max(1, meta["col"] - (meta.get("end", 0) - meta.get("start", 0))))
        for part in nodes_of(node)
        if "line" in (meta := part.meta) and "col" in meta
    ]
    return Position(*min(found)) if found else None


def named(identifier: exp.Expr) -> str:
    """An identifier's name as the engine looks it up: in lower case, unless it is quoted."""
    name = str(identifier.name)
    quoted = isinstance(identifier, exp.Identifier) and identifier.args.get("quoted")
    return name if quoted else name.lower()


def quoted(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)


def column(name: str, table: str | None = None) -> exp.Column:
    return exp.Column(this=quoted(name), table=quoted(table) if table else None)


def aliased(expression: exp.Expr, name: str) -> exp.Alias:
    return exp.Alias(this=expression, alias=quoted(name))


def bracketed(expression: exp.Expr) -> exp.Expr:
    """The expression in brackets, where it could be torn apart by what stands beside it."""
    whole = (exp.Column, exp.Literal, exp.Paren, exp.Anonymous, exp.Boolean, exp.Null, exp.Tuple)
    return expression if isinstance(expression, whole) else exp.Paren(this=expression)


def all_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    return _joined(exp.And, conditions)


def any_of(conditions: Sequence[exp.Expr]) -> exp.Expr:
    return _joined(exp.Or, conditions)


def _joined(kind: type[exp.Connector], conditions: Sequence[exp.Expr]) -> exp.Expr:
    first, *rest = [bracketed(c) if isinstance(c, exp.Connector) else c for c in conditions]
    for condition in rest:
        first = kind(this=first, expression=condition)
    return first


def conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    """The parts of a condition that must all be true."""
    if condition is None:
        return []
    parts: list[exp.Expr] = []
    waiting = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, exp.And):
            waiting += [part.expression, part.this]
        elif isinstance(part, exp.Paren) and isinstance(part.this, exp.And):
            waiting.append(part.this)
        else:
            parts.append(part)
    return parts


def children_of(node: exp.Expr) -> list[exp.Expr]:
    """The nodes right below one, in their order."""
    found: list[exp.Expr] = []
    for value in node.args.values():
        if isinstance(value, exp.Expr):
            found.append(value)
        elif isinstance(value, list):
            found += [part for part in value if isinstance(part, exp.Expr)]
    return found


def nodes_of(root: exp.Expr) -> list[exp.Expr]:
    """All nodes of a tree, those of a level before those below: `walk()`, in half its time."""
    found = [root]
    for node in found:  # It grows as it is walked.
        found += children_of(node)
    return found


def own_nodes(root: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of an expression or a query, without those of the queries in it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        if node is root or not isinstance(node, exp.Query):
            waiting += children_of(node)[::-1]


def output_of(select: exp.Select, key: exp.Expr) -> exp.Expr:
    """What a key of ORDER BY sorts by, where it is the number or the name of an output column."""
    outputs = select.expressions
    if isinstance(key, exp.Literal) and not key.is_string and key.name.isdigit():
        number = int(key.name)
        if 0 < number <= len(outputs) and not any(o.is_star for o in outputs[:number]):
            return bare(outputs[number - 1]).copy()
        raise NoRewriteError("ORDER BY a column's number", key, wrong=False)
    if isinstance(key, exp.Column) and not key.table:
        for output in outputs:
            if isinstance(output, exp.Alias) and named(output.args["alias"]) == named(key.this):
                return bare(output).copy()
    return key


def bare(output: exp.Expr) -> exp.Expr:
    """An output column without its alias."""
    inner: exp.Expr = output.this if isinstance(output, exp.Alias) else output
    return inner
