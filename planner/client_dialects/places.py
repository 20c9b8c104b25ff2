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


def spelled(node: exp.Expr, sql: str) -> str:
    """What the client calls the construct: its own word, or the name of the kind of node."""
    meta = node.meta
    if "start" in meta and "end" in meta and isinstance(node, exp.Func):
        word = sql[meta["start"] : meta["end"] + 1]
        if re.fullmatch(r"[A-Za-z_][\w$.]*", word):
            return f"function {word}"
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
