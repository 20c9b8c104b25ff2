"""Statements of which few rows are expected, cut off where they turn out to be many.

Owns how few that is. Knows no source.
"""

from __future__ import annotations

from sqlglot import exp

from connectors.contract import Few
from planner.plan import Estimate

EXPECTED_ROWS = 1_000.0
"""Of no more than these a source is asked for few. Widths are those of stored values, which may be
many times as wide when they are sent, so that rows are the safer bound."""

TIMES, FEWEST_ROWS = 4.0, 1_000.0
"""So many times the rows that are expected it may hold, and so many in any case."""

MOST_BYTES = 8 << 20
"""So many bytes it may hold, by the width of a row that is expected."""


def most_rows(expected: Estimate, *, flows: bool = False) -> int | None:
    """So many rows a statement for few may have; None where more are expected, or wide ones.

    Args:
        flows: its rows come as its table is read. Cut off, it takes little more than its rows, so
            that it is worth asking where nobody knows how many there are.

    >>> most_rows(Estimate(5.0, 50.0)), most_rows(Estimate(5_000.0, 50_000.0))
    (1000, None)
    >>> most_rows(Estimate()), most_rows(Estimate(), flows=True)
    (None, 1000)
    """
    if expected.rows is None and flows:
        return int(FEWEST_ROWS)
    if expected.rows is None or expected.size_bytes is None or expected.rows > EXPECTED_ROWS:
        return None
    width_bytes = expected.size_bytes / expected.rows if expected.rows else expected.size_bytes
    most = int(min(max(FEWEST_ROWS, TIMES * expected.rows), MOST_BYTES / max(1.0, width_bytes)))
    return None if most < expected.rows else most


def few_of(
    statement: exp.Select, expected: Estimate, generator: str, *, flows: bool = False
) -> Few | None:
    """The statement for few rows; None where more are expected, or wide ones.

    Args:
        statement: is not changed.
        expected: of its result.
        generator: sqlglot's name of its dialect.
        flows: see `most_rows`; else None also where nobody knows how many there are.
    """
    most = most_rows(expected, flows=flows)
    if most is None:
        return None
    sized = expected.rows is not None
    limit = statement.args.get("limit")
    if limit is not None:
        count = limit.expression
        bounded = isinstance(count, exp.Literal) and int(count.this) <= most
        return Few(statement.sql(generator), most, sized) if bounded else None
    cut = statement.copy()
    cut.set("limit", exp.Limit(expression=exp.Literal.number(most + 1)))
    return Few(cut.sql(generator), most, sized)
