"""Texts that are joined: `||`, concat() and the aggregates of texts.

Owns what NULL, a list and what is no text are between texts.
"""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects.build import (
    Node,
    call,
    case,
    is_null,
    joined,
)
from planner.client_dialects.casts import as_text
from planner.client_dialects.reading import Reading


def concat(node: exp.Concat, reading: Reading) -> Node:
    """`concat(a, b)`: in some dialects NULL counts as an empty text."""
    kinds = {reading.kind(part) for part in node.expressions}
    if "list" in kinds:
        if kinds != {"list"}:
            reading.refuse(node, "a list joined to what may be none")
        if reading.dialect == "duckdb":
            none = exp.Array(expressions=[])
            whole = [call("coalesce", part, none.copy()) for part in node.expressions]
            return call("array_concat", *whole)
        missing = exp.or_(*(is_null(part) for part in node.expressions))
        return case([(missing, exp.Null())], call("array_concat", *node.expressions))
    parts = [_printed(part, reading) for part in node.expressions]
    skips = node.args.get("coalesce") and reading.dialect != "redshift"
    if skips or reading.dialect == "oracle":
        return call("concat", *parts)
    return _in_a_row(parts)


def _printed(node: Node, reading: Reading) -> Node:
    """A value as concat() writes it: Postgres has `t` and `f` for truth values there."""
    if reading.dialect == "postgres" and reading.kind(node) == "bool":
        return case([(node, "t"), (exp.Not(this=exp.Paren(this=node.copy())), "f")])
    return as_text(node, reading)


def _in_a_row(parts: list[Node]) -> Node:
    first, *rest = parts
    for part in rest:
        first = joined(first, part)
    return first


def concat_ws(node: exp.ConcatWs, reading: Reading) -> Node:
    """`concat_ws(separator, a, b)` leaves NULLs out; in Snowflake and Hive's likes it may not."""
    separator, *parts = node.expressions
    if any(reading.kind(part) == "list" for part in parts):
        reading.refuse(node, "a list joined to a text")
    texts = [_printed(part, reading) for part in parts]
    texts_joined = call("concat_ws", separator, *texts)
    if reading.dialect in ("snowflake", "bigquery"):
        missing = exp.or_(*(is_null(part) for part in parts))
        return case([(missing, exp.Null())], texts_joined)
    return texts_joined


def pipe(node: exp.DPipe, reading: Reading) -> Node:
    """`a || b` of texts or of lists."""
    kinds = {reading.kind(node.this), reading.kind(node.expression)}
    if "list" in kinds:
        return _pipe_of_lists(node, reading)
    left, right = as_text(node.this, reading), as_text(node.expression, reading)
    if reading.dialect == "oracle":
        return call("concat", left, right)
    return _in_a_row([left, right])


def _pipe_of_lists(node: exp.DPipe, reading: Reading) -> Node:
    left, right = node.this, node.expression
    kinds = (reading.kind(left), reading.kind(right))
    if kinds == ("list", "list"):
        both = call("array_concat", left, right)
        if reading.dialect in ("postgres", "redshift"):
            return both
        return case([(exp.or_(is_null(left), is_null(right)), exp.Null())], both)
    if reading.dialect != "postgres" or "unknown" in kinds:
        reading.refuse(node, "|| of a list and a value")
    if kinds[0] == "list":
        return call("array_append", left, right)
    return call("array_prepend", left, right)


def ordered_texts(node: exp.GroupConcat, reading: Reading) -> Node:
    """`string_agg`: the separator that the dialect has by default, and texts of what is none."""
    if node.args.get("on_overflow") is not None:
        reading.refuse(node, "ON OVERFLOW")
    if node.args.get("separator") is None:
        none = reading.dialect in ("oracle", "redshift", "databricks", "snowflake")
        node.set("separator", exp.Literal.string("" if none else ","))
    holder: Node = node
    inner = node.this
    while isinstance(inner, exp.Order | exp.Distinct):
        holder = inner
        inner = inner.this if isinstance(inner, exp.Order) else inner.expressions[0]
    if isinstance(inner, exp.Limit | exp.HavingMax):
        word = "LIMIT" if isinstance(inner, exp.Limit) else "HAVING"
        reading.refuse(node, f"{word} within an aggregate of texts")
    text = as_text(inner, reading)
    if text is not inner:
        if isinstance(holder, exp.Distinct):
            holder.set("expressions", [text])
        else:
            holder.set("this", text)
    return node if isinstance(node.parent, exp.WithinGroup) else of_none_is_empty(node, reading)


def of_none_is_empty(node: exp.GroupConcat | exp.WithinGroup, reading: Reading) -> Node:
    """Snowflake's LISTAGG of no value is an empty text; elsewhere it is NULL."""
    texts = node.this if isinstance(node, exp.WithinGroup) else node
    if reading.dialect != "snowflake" or not isinstance(texts, exp.GroupConcat):
        return node
    if isinstance(node.parent, exp.Window | exp.Filter):
        reading.translated(node, "LISTAGG of no value is NULL here, and an empty text there")
        return node
    return call("coalesce", node.copy(), "")


def national(node: exp.National, _: Reading) -> Node:
    """`N'text'` is a text."""
    return exp.Literal.string(node.name)


def escaped_text(node: exp.ByteString, reading: Reading) -> Node:
    """Postgres' `E'…'` is a text, whose escapes were read already."""
    if reading.dialect not in ("postgres", "redshift"):
        reading.refuse(node, "a text of bytes")
    return exp.Literal.string(node.name)
