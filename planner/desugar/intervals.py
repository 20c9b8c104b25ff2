"""Constant intervals that are compared, in one unit.

    shipped - placed > interval '1 day'    shipped - placed > interval '86400000000000 nanoseconds'

An interval is months, days and nanoseconds, which DataFusion 55 compares in this order, as three
numbers: to it 25 hours are less than 1 day. In a comparison a month is 30 days and a day 24 hours,
as in Postgres and DuckDB; and what times differ by has nanoseconds alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import datafusion
import pyarrow as pa
from sqlglot import Token, TokenType, exp

from planner.desugar.text import text_of

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ)
_OF_PARTS = (exp.Interval, exp.Literal, exp.Neg, exp.Paren, exp.Add, exp.Sub, exp.Var)
_ONE_OF_ITS_ARGUMENTS = frozenset({"coalesce", "nvl", "ifnull"})
_LONGEST = 2**63 - 1
_NANOSECONDS_OF_A_DAY = 86_400 * 10**9


def may_compare(tokens: Sequence[Token]) -> bool:
    """Whether a constant interval may be compared: not where each is added to a written time."""
    return any(
        token.token_type is TokenType.INTERVAL and not _moves_a_time(tokens[max(0, at - 3) : at])
        for at, token in enumerate(tokens)
    )


def _moves_a_time(before: Sequence[Token]) -> bool:
    """Whether what stands before an interval is `DATE '…' +`, or the like."""
    kinds = [token.token_type for token in before]
    return (
        len(kinds) == 3
        and kinds[0] in (TokenType.DATE, TokenType.TIMESTAMP)
        and kinds[1] is TokenType.STRING
        and kinds[2] in (TokenType.PLUS, TokenType.DASH)
    )


def compare_in_one_unit(root: exp.Expr) -> bool:
    """Write the constant intervals that are compared in nanoseconds; whether there was one."""
    changed = False
    for node in list(root.find_all(*_COMPARISONS, exp.Between, exp.In)):
        for operand in list(_operands(node)):
            length = _length(operand)
            if length is not None:
                text = exp.Literal.string(f"{length} nanoseconds")
                operand.replace(exp.Interval(this=text))
                changed = True
    return changed


def _operands(node: exp.Expr) -> Iterator[exp.Expr]:
    parts = [node.this, node.args.get("expression"), node.args.get("low"), node.args.get("high")]
    waiting = [part for part in (*parts, *node.expressions) if part is not None]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, exp.Anonymous) and part.name.lower() in _ONE_OF_ITS_ARGUMENTS:
            waiting += part.expressions


def _length(operand: exp.Expr) -> int | None:
    """The nanoseconds of a constant interval; None for all else, and for more than 292 years."""
    nodes = list(operand.walk())
    if not all(isinstance(n, _OF_PARTS) for n in nodes):
        return None
    if not any(isinstance(n, exp.Interval) for n in nodes):
        return None
    try:
        value = _value(text_of(operand.copy()))
    except Exception:
        return None  # the engine says what is wrong
    if value is None:
        return None
    length = (value.months * 30 + value.days) * _NANOSECONDS_OF_A_DAY + value.nanoseconds
    return int(length) if abs(length) <= _LONGEST else None


@functools.lru_cache(1_000)
def _value(text: str) -> pa.MonthDayNano | None:
    found = datafusion.SessionContext().sql(f"SELECT {text} AS v").to_arrow_table()["v"][0]
    return found.as_py() if pa.types.is_interval(found.type) else None
