"""Numbers: quotients, remainders, rounding, the greatest of several, averages.

Owns where a number of the client's dialect is another one than the engine's would be. What compares
numbers is `comparisons`'.
"""

from __future__ import annotations

import re

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import (
    Call,
    Node,
    binary,
    call,
    case,
    cast,
    constant_text,
    is_null,
    joined,
    null_if_zero,
    whole_number,
)
from planner.client_dialects.casts import half_even
from planner.client_dialects.kind_tables import NUMBERS
from planner.client_dialects.places import spelled
from planner.client_dialects.reading import Reading


def quotient(node: exp.Div, reading: Reading) -> Node:
    """`/`: what it is of whole and of decimal numbers."""
    kinds = {reading.kind(node.this), reading.kind(node.expression)}
    typed, safe = node.args.get("typed"), node.args.get("safe")
    if reading.dialect == "sqlite" and "decimal" in kinds:
        # A number with a fraction is double precision there, whatever its declared type.
        node.set("this", cast(node.this, "double"))
        reading.translated(node, "a decimal number without a fraction is divided as a whole there")
        return node
    if typed:
        if kinds <= {"int"} or "float" in kinds:
            return node
        if reading.dialect == "postgres" and _has_part(node):
            # EXTRACT gives a whole number here, whose quotient would be whole.
            node.set("this", cast(node.this, "double"))
        if "decimal" in kinds or "unknown" in kinds:
            reading.translated(node, "a quotient of decimal numbers may have other digits here")
        return node
    by_zero = (
        ""
        if safe or reading.dialect in ("duckdb", "clickhouse")
        else "; by zero that is infinity or NaN"
    )
    exact = "float" not in kinds and (
        reading.speaks(traits.DECIMAL_QUOTIENTS) or kinds - {"int", "float"}
    )
    if reading.dialect == "duckdb" or (reading.dialect == "bigquery" and kinds <= {"int", "float"}):
        exact = False
    if exact:
        message = "/ divides as double precision here, decimals too"
        reading.translated(node, message + by_zero)
    elif by_zero and whole_number(node.expression) in (None, 0):
        reading.translated(node, "a quotient by zero is infinity or NaN here, and fails there")
    return node


def _has_part(node: Node) -> bool:
    return any(called.name == "date_part" for called in node.find_all(Call))


def stepped(node: exp.Ceil | exp.Floor, reading: Reading) -> Node:
    """`ceil(9.5)`: the engine's has the digits of its argument, which may be one too few.

    Of a whole number the engine's is double precision, and in most dialects it is whole.
    """
    if node.args.get("decimals") is not None:
        return _stepped_behind_the_point(node, reading)
    if reading.kind(node.this) == "int":
        if not reading.speaks(traits.POSTGRES | {"duckdb"}):
            return exp.Paren(this=node.this)
        reading.kinds.known(node, "float")
    if reading.kind(node.this) != "decimal" or node.find(exp.Column) is not None:
        return node
    return type(node)(this=cast(node.this, "decimal(38, 10)"))


def _stepped_behind_the_point(node: exp.Ceil | exp.Floor, reading: Reading) -> Node:
    """`ceil(2.345, 2)`, which the engine has for whole numbers only."""
    digits = whole_number(node.args["decimals"])
    exact = reading.kind(node.this) in ("int", "decimal")
    if not reading.speaks(traits.STEPS_BEHIND_THE_POINT) or not exact or digits is None:
        reading.refuse(node, f"{spelled(node, reading.sql)} with a number of digits")
    if not 0 <= digits <= 9:
        reading.refuse(node, f"{spelled(node, reading.sql)} with this number of digits")
    scale = cast(exp.Literal.string(str(10**digits)), f"decimal({digits + 1}, 0)")
    step = cast(exp.Literal.string(f"{10**-digits:.{digits}f}"), f"decimal({digits + 1}, {digits})")
    whole = type(node)(this=binary(exp.Mul, node.this, scale))
    return binary(exp.Mul, cast(whole, f"decimal({38 - digits - 1}, 0)"), step)


def whole_quotient(node: exp.IntDiv, reading: Reading) -> Node:
    """`//` and DIV: the engine's quotient of two whole numbers is whole."""
    kinds = {reading.kind(node.this), reading.kind(node.expression)}
    if kinds & {"float", "decimal"}:
        reading.refuse(node, "a whole quotient of numbers with a fraction", "Write floor(a / b).")
    left, right = node.this, node.expression
    if reading.speaks(traits.ZERO_GIVES_NULL):
        right = null_if_zero(right)
    if "unknown" in kinds:
        return cast(exp.Paren(this=exp.Div(this=left, expression=right, typed=True)), "bigint")
    return binary(exp.IntDiv, left, right)


def remainder(node: exp.Mod, reading: Reading) -> Node:
    """`%`: by zero it is NULL in some dialects, and fails in the engine."""
    right = node.expression
    if reading.dialect == "sqlite":
        return _whole_remainder(node, reading)
    known = whole_number(right)
    if reading.speaks(traits.ZERO_GIVES_NULL) and known in (None, 0):
        node.set("expression", null_if_zero(right))
    return node


def _whole_remainder(node: exp.Mod, reading: Reading) -> Node:
    """SQLite's remainder is one of whole numbers, also of fractions."""
    kinds = {reading.kind(node.this), reading.kind(node.expression)}
    right = null_if_zero(node.expression)
    if kinds == {"int"}:
        return exp.Mod(this=node.this, expression=right)
    if not kinds <= NUMBERS:
        reading.refuse(node, "a remainder of what may be no number")
    left = exp.Cast(this=node.this, to=exp.DataType.build("bigint"))
    whole = exp.Cast(this=node.expression, to=exp.DataType.build("bigint"))
    return cast(exp.Paren(this=exp.Mod(this=left, expression=null_if_zero(whole))), "double")


def rounded(node: exp.Round, reading: Reading) -> Node:
    """`round(x, digits)`; T-SQL's third argument cuts."""
    kind, digits = reading.kind(node.this), node.args.get("decimals")
    truncate = node.args.get("truncate")
    arguments = [node.this, *([] if digits is None else [digits])]
    if truncate is not None:
        how = whole_number(truncate)
        if how is None:
            reading.refuse(node, "ROUND with this third argument")
        return call("trunc" if how else "round", *arguments)
    if kind == "float" and reading.speaks(traits.EVEN_ROUND):
        if digits is None or whole_number(digits) == 0:
            return half_even(node.this)
        if reading.dialect == "mysql":
            reading.translated(node, "x.5 is rounded away from zero here")
    if reading.dialect == "sqlite" and kind == "int":
        return cast(call("round", *arguments), "double")
    if reading.speaks(traits.POSTGRES) and kind == "int":
        exact = digits is not None
        wider = cast(node.this, "decimal(20, 0)" if exact else "double")
        found = call("round", wider, *arguments[1:])
        return reading.kinds.known(found, "decimal" if exact else "float")
    return call("round", *arguments)


def extreme(node: exp.Greatest | exp.Least, reading: Reading) -> Node:
    """The greatest of several: in some dialects NULL when one of them is."""
    parts = [node.this, *node.expressions]
    name = "greatest" if isinstance(node, exp.Greatest) else "least"
    found = call(name, *parts)
    # sqlglot's own mark says that Oracle's does, which it does not.
    skips = "ignore_nulls" in reading.word(node)
    if reading.speaks(traits.NULL_WINS) and not skips:
        missing = exp.or_(*(is_null(part) for part in parts))
        return case([(missing, exp.Null())], found)
    return found


def average(node: exp.Avg, reading: Reading) -> Node:
    """T-SQL's and Redshift's average of whole numbers is a whole number."""
    this, kind = _counted(node.this, reading), reading.kind(node.this)
    node.set("this", this)
    if kind == "decimal" and reading.dialect in ("duckdb", "sqlite"):
        node.set("this", cast(this, "double"))
    elif kind == "decimal" and not isinstance(this, exp.Distinct):
        reading.translated(node, "an average of decimal numbers is cut after four more digits here")
    elif kind in ("int", "unknown") and reading.dialect in ("snowflake", "mysql"):
        reading.translated(node, "an average of whole numbers is double precision here")
    if not reading.speaks(traits.WHOLE_AVERAGES) or kind not in ("int", "unknown"):
        return node
    plain = not isinstance(this, exp.Distinct) and not isinstance(
        node.parent, exp.Window | exp.Filter
    )
    if kind == "int" and plain:
        total = exp.Sum(this=this)
        return binary(exp.IntDiv, total, exp.Count(this=this.copy()))
    reading.translated(node, "an average of whole numbers has a fraction here, and none there")
    return node


def total(node: exp.Sum, reading: Reading) -> Node:
    """`sum(a > 1)` counts, where true is 1.

    T-SQL's users widen what they add up, which the engine does itself. It calls both sums by one
    name, and refuses them beside each other, as in a quotient that is an average.
    """
    this = node.this
    widened = isinstance(this, exp.Cast) and this.to.this is exp.DType.BIGINT
    if reading.dialect == "tsql" and widened and reading.kind(this.this) == "int":
        node.set("this", this.this)
    else:
        node.set("this", _counted(this, reading))
    return node


def _counted(node: Node, reading: Reading) -> Node:
    truths = traits.NUMBERS_ARE_TRUTHS | {"duckdb"}
    if reading.speaks(truths) and reading.kind(node) == "bool":
        return cast(exp.Paren(this=node), "bigint")
    return node


def power(node: exp.Pow, reading: Reading) -> Node:
    """T-SQL's power of whole numbers is whole."""
    if reading.dialect == "tsql" and {reading.kind(node.this), reading.kind(node.expression)} == {
        "int"
    }:
        return cast(node.copy(), "bigint")
    return node


def sign(node: exp.Sign, reading: Reading) -> Node:
    """The sign of a whole number is whole; DuckDB's of NaN is 0."""
    if reading.kind(node.this) == "int" and not reading.speaks(traits.POSTGRES):
        return cast(node.copy(), "bigint")
    if reading.dialect == "duckdb" and reading.kind(node.this) in ("float", "unknown"):
        reading.translated(node, "the sign of NaN is NaN here, and 0 there")
    return node


def inside(node: exp.Sqrt | exp.Ln | exp.Log, reading: Reading) -> Node:
    """Roots and logarithms where they have no value."""
    if not reading.speaks(traits.NULL_OUTSIDE):
        return node
    this = node.expression if isinstance(node, exp.Log) and node.expression else node.this
    zero = exp.Literal.number(0)
    kind = exp.GTE if isinstance(node, exp.Sqrt) else exp.GT
    return case([(kind(this=exp.Paren(this=this.copy()), expression=zero), node.copy())])


def shifted(node: exp.BitwiseLeftShift | exp.BitwiseRightShift, reading: Reading) -> Node:
    """`<<` and `>>` by fewer bits than a number has."""
    by = whole_number(node.expression)
    if by is None or not 0 <= by < 63:
        reading.refuse(node, "a shift by these bits", "Shift by a number from 0 to 62.")
    return node


def complement(node: exp.BitwiseNot, _: Reading) -> Node:
    """`~n`, which the engine has not."""
    negative = exp.Neg(this=exp.Paren(this=node.this))
    return binary(exp.Sub, negative, 1)


def summed(node: exp.Add, reading: Reading) -> Node:
    """T-SQL's `+` of texts."""
    if reading.dialect != "tsql":
        return node
    kinds = [reading.kind(node.this), reading.kind(node.expression)]
    if kinds == ["text", "text"]:
        return _texts_in_a_row(node, reading)
    if "text" not in kinds:
        return node
    other = kinds[1] if kinds[0] == "text" else kinds[0]
    if other == "null":
        return _texts_in_a_row(node, reading)
    text = node.this if kinds[0] == "text" else node.expression
    known = constant_text(text)
    if known is not None and not is_number(known) and other == "unknown":
        return _texts_in_a_row(node, reading)  # as a number it would fail there
    if other in NUMBERS and known is not None and is_number(known):
        text.replace(exp.Literal.number(known.strip()))
        return node
    if other in NUMBERS:
        text.replace(cast(text.copy(), "bigint" if other == "int" else "double"))
        return node
    return reading.refuse(
        node, "+ of a text and of something that may be a number", "Use CONCAT or a CAST."
    )


def _texts_in_a_row(node: exp.Add, reading: Reading) -> Node:
    return reading.kinds.known(joined(node.this, node.expression), "text")


def is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[+-]?\d+(\.\d+)?\s*", text) is not None
