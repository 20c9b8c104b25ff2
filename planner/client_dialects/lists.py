"""Lists, and aggregates that make or compare them: as the client's dialect means them."""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import Node, binary, call, case, is_null, whole_number
from planner.client_dialects.reading import Reading


def array(node: exp.Array, reading: Reading) -> Node:
    """`[1, 2]`, `ARRAY[1, 2]`."""
    if any(isinstance(part, exp.Query) for part in node.expressions):
        reading.refuse(node, "a list made of a query", "Use array_agg in a subquery.")
    return exp.Array(expressions=node.expressions)


def element(node: exp.Bracket, reading: Reading) -> Node:
    """`l[1]`, whose first number depends on the dialect; sqlglot has made it 0."""
    if len(node.expressions) != 1:
        reading.refuse(node, "an element by several numbers")
    index = node.expressions[0]
    kind = reading.kind(node.this)
    if kind in ("other", "text") and not isinstance(index, exp.Slice):
        if kind == "text" and reading.dialect == "duckdb":
            reading.refuse(node, "a letter of a text by its number", "Use substr().")
        reading.refuse(node, "an element of what is no list")
    if isinstance(index, exp.Slice):
        return _slice(node, index, reading)
    if reading.kind(index) == "text":
        reading.refuse(node, "a field by its name")
    known = whole_number(index)
    if known is None or known < -1:
        if reading.dialect in ("postgres", "redshift") and known is not None:
            return exp.Null()
        if not reading.speaks(_FROM_THE_END):
            reading.translated(node, "a negative number of an element counts from the end here")
    return node


_FROM_THE_END = frozenset({"duckdb", "clickhouse"})


def _slice(node: exp.Bracket, part: exp.Slice, reading: Reading) -> Node:
    start, end = part.this, part.expression
    if part.args.get("step") is not None or reading.kind(node.this) != "list":
        reading.refuse(node, "a part of what may be no list", "Use substr() for a text.")
    if start is None or end is None:
        reading.refuse(node, "a part of a list without both of its ends")
    bounds = [whole_number(bound) for bound in (start, end)]
    if reading.dialect == "duckdb" and any(bound is None or bound < 1 for bound in bounds):
        reading.refuse(node, "a part of a list from these ends")
    return call("array_slice", node.this, start, end)


def collected(node: exp.ArrayAgg | exp.ArrayUniqueAgg, reading: Reading) -> Node:
    """`array_agg`; some dialects leave NULLs out, and have an empty list where nothing is left."""
    unique = isinstance(node, exp.ArrayUniqueAgg)
    without_nulls = unique or node.args.get("nulls_excluded")
    if not without_nulls:
        return exp.ArrayAgg(this=node.this)
    if isinstance(node.parent, exp.WithinGroup) and not unique:
        return node  # read together with its order
    if isinstance(node.parent, exp.Window | exp.Filter | exp.WithinGroup):
        reading.refuse(node, "a list of values without their NULLs in this place")
    value = _value(node.this)
    this = exp.Distinct(expressions=[node.this]) if unique else node.this
    return _without_nulls(this, value)


def within_order(node: exp.WithinGroup, reading: Reading) -> Node:
    """`ARRAY_AGG(x) WITHIN GROUP (ORDER BY y)`, which leaves NULLs out in Snowflake."""
    listed = node.this
    if not isinstance(listed, exp.ArrayAgg) or not listed.args.get("nulls_excluded"):
        return node
    if isinstance(node.parent, exp.Window | exp.Filter):
        reading.refuse(node, "a list of values without their NULLs in this place")
    order = exp.Order(this=listed.this, expressions=node.expression.expressions)
    return _without_nulls(order, _value(listed.this))


def _without_nulls(this: Node, value: Node) -> Node:
    given = exp.Filter(
        this=exp.ArrayAgg(this=this),
        expression=exp.Where(this=exp.Not(this=exp.Paren(this=is_null(value)))),
    )
    return call("coalesce", given, exp.Array(expressions=[]))


def _value(node: Node) -> Node:
    while isinstance(node, exp.Order | exp.Distinct):
        node = node.this if isinstance(node, exp.Order) else node.expressions[0]
    return node


def ignoring_nulls(node: exp.IgnoreNulls, _: Reading) -> Node:
    """DuckDB's any_value() is the first value that is not NULL."""
    inner = node.this
    if not isinstance(inner, exp.AnyValue):
        return node
    present = exp.Not(this=exp.Paren(this=is_null(_value(inner.this))))
    first = exp.FirstValue(this=inner.this)
    return exp.Filter(this=first, expression=exp.Where(this=present))


def by_extreme(node: exp.ArgMax | exp.ArgMin, reading: Reading) -> Node:
    """`max_by(x, y)`: of several equal ones any."""
    if node.args.get("count") is not None:
        reading.refuse(node, "the values of several extremes", "Ask for one of them.")
    if isinstance(node.parent, exp.Window | exp.Filter):
        reading.refuse(node, "the value of an extreme beside OVER or FILTER")
    return node


def contains(node: exp.ArrayContains, reading: Reading) -> Node:
    """`array_contains(l, x)`."""
    if reading.speaks(traits.TRINO | traits.HIVE):
        reading.translated(node, "a list with NULLs that lacks a value gives false here")
    return call("array_has", node.this, _unwrapped(node.expression))


def _unwrapped(node: Node) -> Node:
    # Snowflake wants a VARIANT there, and sqlglot has a note of it in the arguments.
    return node


def distinct(node: exp.ArrayDistinct, reading: Reading) -> Node:
    """The elements of a list once each."""
    reading.translated(node, "the distinct elements of a list have another order here")
    return call("array_distinct", node.this)


def size(node: exp.ArraySize, reading: Reading) -> Node:
    """`cardinality(l)`, of one dimension."""
    if node.expression is not None and whole_number(node.expression) != 1:
        reading.refuse(node, "the size of another dimension")
    found = call("array_length", node.this)
    if reading.dialect == "postgres" and node.expression is not None:
        return exp.Nullif(this=found, expression=exp.Literal.number(0))
    if reading.dialect == "hive":
        return case([(is_null(node.this), -1)], found)
    if reading.speaks(traits.SPARK):
        reading.translated(node, "the size of NULL is NULL here, and -1 there before version 4")
    return found


def appended(node: exp.ArrayConcat, _: Reading) -> Node:
    """`list_concat(a, b)`."""
    parts = [node.this, *node.expressions]
    if not node.args.get("null_propagation"):
        # NULL is no element there; of NULLs alone the engine's would be NULL.
        empty = [call("coalesce", part, exp.Array(expressions=[])) for part in parts]
        return call("array_concat", *empty)
    found = call("array_concat", *parts)
    return case([(exp.or_(*(is_null(part) for part in parts)), exp.Null())], found)


def joined_list(node: exp.ArrayToString, reading: Reading) -> Node:
    """`array_to_string(l, separator)`: NULLs are left out."""
    if node.args.get("null") is not None or node.args.get("null_is_empty"):
        reading.refuse(node, "a list as a text with its NULLs")
    return call("array_to_string", node.this, node.expression)


def series(node: Node, reading: Reading) -> Node:
    """`generate_series(a, b, step)`: a table in FROM, a list elsewhere."""
    step = node.args.get("step")
    name = "range" if node.args.get("is_end_exclusive") else "generate_series"
    bounds = [node.args["start"], node.args["end"], *([] if step is None else [step])]
    if any(reading.kind(bound) not in ("int", "unknown") for bound in bounds):
        reading.refuse(node, "a series of what is no whole number")
    found = call(name, *bounds)
    if isinstance(node.parent, exp.Table):
        _name_series(node.parent, node, reading)
        return found
    if isinstance(node.parent, exp.Unnest):
        return found
    if isinstance(node, exp.ExplodingGenerateSeries):
        if reading.speaks(traits.POSTGRES):
            return call("unnest", found)
        reading.refuse(node, "a series in this place")
    return found


def _name_series(table: exp.Table, node: Node, reading: Reading) -> None:
    """Its column is named like the function, or in Postgres like the table's other name."""
    alias = table.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        return
    own = reading.word(node) or "generate_series"
    named = alias.this if alias is not None and alias.this is not None else exp.to_identifier(own)
    column = named.copy() if reading.dialect == "postgres" else exp.to_identifier(own)
    table.set("alias", exp.TableAlias(this=named.copy(), columns=[column]))


def distinct_rows(node: exp.Max | exp.Min, reading: Reading) -> Node:
    """`max(s)` of texts, whose order is by code point here."""
    if node.expressions:
        reading.refuse(node, "an extreme of several values as an aggregate")
    if reading.speaks(traits.FOLDED_TEXTS) and reading.kind(node.this) == "text":
        reading.best_effort(node, "texts are compared here with regard to case")
    return node


def never_both(left: Node, right: Node) -> Node:
    return binary(exp.And, left, right)
