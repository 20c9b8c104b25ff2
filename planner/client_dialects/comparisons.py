"""Comparisons and conditions, and values that must be of one kind to be compared.

Owns what a number is beside a text, beside a truth value, and a decimal number beside double
precision.
"""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import (
    Node,
    bracketed,
    cast,
    constant_text,
    whole_number,
)
from planner.client_dialects.kind_tables import MOMENTS, NUMBERS
from planner.client_dialects.numbers import is_number
from planner.client_dialects.reading import Reading


def alike(node: Node, reading: Reading) -> Node:
    """Values of which some are decimal and some double precision are double precision.

    The engine would make decimal numbers of them, which hold no infinity and no NaN.
    """
    if isinstance(node, exp.Case):
        values = [branch.args.get("true") for branch in node.args["ifs"]]
        values.append(node.args.get("default"))
    else:
        values = [node.this, *node.expressions, node.args.get("expression")]
    if "float" not in {reading.kind(value) for value in values}:
        return node
    for value in values:
        if isinstance(value, exp.Expr) and reading.kind(value) == "decimal":
            value.replace(cast(value.copy(), "double"))
    return node


def condition(node: Node, reading: Reading) -> Node:
    """`WHERE n`: a number is a condition where true is 1."""
    if not reading.speaks(traits.NUMBERS_ARE_TRUTHS):
        return node
    if isinstance(node, exp.If) and isinstance(node.parent, exp.Case) and node.parent.this:
        return node  # a value that is compared, and no condition
    operands = [node.this, node.args.get("expression")]
    for operand in operands:
        if isinstance(operand, exp.Expr) and reading.kind(operand) in NUMBERS:
            operand.replace(
                reading.kinds.known(
                    exp.NEQ(this=bracketed(operand.copy()), expression=exp.Literal.number(0)),
                    "bool",
                )
            )
    return node


# --- comparisons ---------------------------------------------------------------------------------


def compared(node: exp.Binary, reading: Reading) -> Node:
    """A comparison of a truth value with 1, or of a number with a text."""
    for this, other in ((node.this, node.expression), (node.expression, node.this)):
        if reading.kind(this) == "bool" and whole_number(other) in (0, 1):
            if not reading.speaks(traits.NUMBERS_ARE_TRUTHS | {"snowflake", "duckdb"}):
                continue
            other.replace(exp.Boolean(this=whole_number(other) == 1))
        elif reading.kind(this) in NUMBERS and reading.kind(other) == "text":
            other.replace(_as_number(this, other, node, reading))
    _refuse_times_beside_numbers(node, [node.this, node.expression], reading)
    _exactly(node, reading)
    _note_case([node.this, node.expression], node, reading)
    return node


def one_of(node: exp.In, reading: Reading) -> Node:
    """`x IN (…)` of numbers and texts; `x IN UNNEST([…])` of a list that is written out."""
    unnest = node.args.get("unnest")
    if unnest is not None:
        listed = unnest.expressions[0] if isinstance(unnest, exp.Unnest) else unnest
        if not isinstance(listed, exp.Array):
            reading.refuse(node, "IN UNNEST of a list that is not written out")
        node.set("unnest", None)
        node.set("expressions", listed.expressions)
    if reading.kind(node.this) in NUMBERS:
        for value in node.expressions:
            if reading.kind(value) == "text":
                value.replace(_as_number(node.this, value, node, reading))
    elif (
        reading.dialect == "sqlite"
        and reading.kind(node.this) == "text"
        and any(reading.kind(value) in NUMBERS for value in node.expressions)
    ):
        reading.refuse(node, "a comparison of a text with a number")
    _refuse_times_beside_numbers(node, [node.this, *node.expressions], reading)
    _note_case([node.this, *node.expressions], node, reading)
    return node


def between(node: exp.Between, reading: Reading) -> Node:
    """`x BETWEEN a AND b` of numbers and texts."""
    _refuse_times_beside_numbers(node, [node.this, node.args["low"], node.args["high"]], reading)
    if reading.kind(node.this) in NUMBERS:
        for value in (node.args["low"], node.args["high"]):
            if reading.kind(value) == "text":
                value.replace(_as_number(node.this, value, node, reading))
    return node


def _refuse_times_beside_numbers(node: Node, values: list[Node], reading: Reading) -> None:
    # The engine counts days or nanoseconds; the dialects fail, or take other numbers for a time.
    kinds = {reading.kind(value) for value in values}
    if kinds & {"date", *MOMENTS} and kinds & NUMBERS and reading.dialect != "clickhouse":
        reading.refuse(node, "a comparison of a time with a number", "Write DATE '2024-01-31'.")


def _as_number(number: Node, text: Node, node: Node, reading: Reading) -> Node:
    known = constant_text(text)
    plain = isinstance(number.unnest(), exp.Column)
    if reading.dialect == "sqlite" and (known is None or not plain):
        reading.refuse(node, "a comparison of a number with a text")
    if known is None:
        return cast(text.copy(), "double")
    if not is_number(known):
        reading.refuse(node, f"a comparison of a number with {known[:40]!r}")
    return exp.Literal.number(known.strip().removeprefix("+"))


def _exactly(node: exp.Binary, reading: Reading) -> None:
    """A decimal number beside double precision is compared as that; here it would be reversed."""
    for this, other in ((node.this, node.expression), (node.expression, node.this)):
        exact = reading.kind(this) == "decimal" and not isinstance(this, exp.Literal)
        if exact and reading.kind(other) == "float":
            this.replace(cast(this.copy(), "double"))


def _note_case(parts: list[Node], node: Node, reading: Reading) -> None:
    if not reading.speaks(traits.FOLDED_TEXTS):
        return
    kinds = {reading.kind(part) for part in parts}
    if "text" in kinds and kinds <= {"text", "unknown", "null"}:
        reading.best_effort(node, "texts are compared here with regard to case")
