"""GROUPING() as dialects share it: bits of the number of a grouping set. No dialect's content."""

from __future__ import annotations

from typing import cast

from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.windows import Typed
from planner.relations import Call, Literal


def grouping_rule(typed: Typed) -> FunctionRule:
    """The rule of the call `grouping(number, bit, …)`.

    Args:
        typed: makes an integer of 32 bits of a whole number.
    """

    def write(call: Call, arguments: list[Sql]) -> Sql:
        bits = [cast(Literal, bit).value for bit in reversed(call.arguments[1:])]
        parts = [_one_bit(arguments[0], bit, to) for to, bit in enumerate(bits)]
        whole = parts[0]
        for part in parts[1:]:
            whole = exp.Paren(this=exp.BitwiseOr(this=part, expression=whole))
        return typed(whole, call.type)

    return FunctionRule(
        write,
        shown="bits of the same number",
        takes="columns of grouping sets",
        written="the bits of GROUPING(x, y, …)",
    )


def _one_bit(number: Sql, bit: int, to: int) -> Sql:
    """The number's bit as one of the result."""
    shifted: Sql = number.copy()
    if bit:
        shifted = exp.Paren(this=exp.BitwiseRightShift(this=shifted, expression=_number(bit)))
    found = exp.Paren(this=exp.BitwiseAnd(this=shifted, expression=_number(1)))
    return exp.Paren(this=exp.BitwiseLeftShift(this=found, expression=_number(to))) if to else found


def _number(value: int) -> Sql:
    return cast(Sql, exp.Literal.number(str(value)))
