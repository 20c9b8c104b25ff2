"""Where a node stands in the client's text, and how the client spelled it. Knows no dialect."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from connectors.errors import Position


def place_of(node: exp.Expr) -> Position | None:
    """Where a node starts in the text that it was read from: its own place, or its first part's."""
    return next(_places(node), None)


def nearest_place(node: exp.Expr | None) -> Position | None:
    """The node's place, or that of the smallest part around it that has one."""
    while node is not None:
        place = place_of(node)
        if place is not None:
            return place
        node = node.parent
    return None


def _places(node: exp.Expr) -> Iterator[Position]:
    for part in node.walk():
        meta = part.meta
        if "line" in meta and "col" in meta:
            width = meta.get("end", 0) - meta.get("start", 0)
            yield Position(meta["line"], max(1, meta["col"] - width))


def called_at(node: exp.Expr, sql: str) -> Position | None:
    """Where a function is called that was read without a place of its own; None for others."""
    start = None if "start" in node.meta else _word_before(node, sql)
    if start is None:
        return None
    line_start = sql.rfind("\n", 0, start.start()) + 1
    return Position(sql.count("\n", 0, start.start()) + 1, start.start() - line_start + 1)


def word_before(node: exp.Expr, sql: str) -> str:
    """The name, in lower case, of a function without a place of its own; empty where unknown."""
    found = _word_before(node, sql)
    return "" if found is None else found[1].lower()


_CALL = re.compile(r"([A-Za-z_][\w$]*)\s*\(\s*(?:distinct\s+)?\Z", re.IGNORECASE)
_NO_CALLS = frozenset({"and", "or", "not", "in", "on", "when", "then", "else", "case", "select",
                       "by", "where", "having", "using", "values", "as", "over", "from", "join",
                       "like", "between", "is", "with", "any", "all", "exists",
                       "distinct"})  # fmt: skip
"""Words that may stand before a bracket that is no call's."""


def _word_before(node: exp.Expr, sql: str) -> re.Match[str] | None:
    """The function's name as it stands before its first argument."""
    if not _is_call(node):
        return None
    placed = [part for part in node.walk() if "start" in part.meta]
    if not placed:
        return None
    first = min(placed, key=lambda part: int(part.meta["start"]))
    start, found = int(first.meta["start"]), None
    step: exp.Expr | None = first
    while step is not None and step is not node:
        # Functions between the two stand between the names, each before the next one.
        step = step.parent
        found = None
        if step is not None and _is_call(step):
            found = _CALL.search(sql, max(0, start - 200), start)
            if found is None or not _may_be(step, found[1].lower()):
                found = None
            else:
                start = found.start()
    return found


def _is_call(node: exp.Expr) -> bool:
    return isinstance(node, exp.Func) and not isinstance(node, exp.Binary | exp.Connector)


def _may_be(node: exp.Expr, word: str) -> bool:
    if isinstance(node, exp.Cast):
        return word.endswith(("cast", "convert"))  # and not `x::int`
    return word not in _NO_CALLS and not isinstance(node, exp.Case)


def spelled(node: exp.Expr, sql: str) -> str:
    """What the client calls the construct: its own word, or the name of the kind of node."""
    meta = node.meta
    if "start" in meta and "end" in meta and isinstance(node, exp.Func):
        word = sql[meta["start"] : meta["end"] + 1]
        if re.fullmatch(r"[A-Za-z_][\w$.]*", word):
            return f"function {word}"
    called = None if type(node) in _SPELLED else _word_before(node, sql)
    if called is not None:
        return f"function {called[1]}"
    words = _SPELLED.get(type(node))
    if words is not None:
        return words
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        return f"function {node.name}"
    if isinstance(node, exp.Func):
        return f"function {node.sql_name().lower()}"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


_SPELLED: dict[type[exp.Expr], str] = {
    exp.Into: "SELECT INTO",
    exp.Pivot: "PIVOT or UNPIVOT",
    exp.Connect: "CONNECT BY",
    exp.MatchRecognize: "MATCH_RECOGNIZE",
    exp.TableSample: "a sample of a table",
    exp.Lock: "a lock such as FOR UPDATE",
    exp.Command: "a command",
    exp.Parameter: "a parameter or a variable",
    exp.SessionParameter: "a variable",
    exp.Placeholder: "a parameter",
    exp.Kwarg: "an argument with a name",
    exp.JSONExtract: "a path into JSON",
    exp.JSONExtractScalar: "a path into JSON",
    exp.JSONBExtract: "a path into JSON",
    exp.JSONBExtractScalar: "a path into JSON",
    exp.Collate: "COLLATE",
    exp.ByteString: "a text of bytes",
    exp.HexString: "a text of bytes",
    exp.BitString: "a text of bits",
    exp.StructExtract: "a field of a structure",
    exp.Dot: "a field of a structure",
    exp.Struct: "a structure",
    exp.Prior: "PRIOR",
    exp.Final: "FINAL",
    exp.Lambda: "a function written with ->",
    exp.DataType: "a type",
    exp.SetOperation: "a set operation",
}
"""What a client calls a construct, where the name of sqlglot's class is not it."""
