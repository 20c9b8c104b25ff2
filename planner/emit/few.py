"""Statements of which few rows are expected, cut off where they turn out to be many.

Owns how few that is. Knows no source.
"""

from __future__ import annotations

from sqlglot import exp

from connectors.contract import Few

EXPECTED_ROWS = 2_000.0
"""Of no more than these a source is asked for few."""

MOST_ROWS = 20_000
"""So many it may hold: estimates are off by ten now and then."""


def few_of(statement: exp.Select, rows: float | None, generator: str) -> Few | None:
    """The statement for few rows; None where more are expected, or nobody knows.

    Args:
        statement: is not changed.
        rows: how many are expected.
        generator: sqlglot's name of its dialect.
    """
    if rows is None or rows > EXPECTED_ROWS:
        return None
    limit = statement.args.get("limit")
    if limit is not None:
        count = limit.expression
        bounded = isinstance(count, exp.Literal) and int(count.this) <= MOST_ROWS
        return Few(statement.sql(generator), MOST_ROWS) if bounded else None
    cut = statement.copy()
    cut.set("limit", exp.Limit(expression=exp.Literal.number(MOST_ROWS + 1)))
    return Few(cut.sql(generator), MOST_ROWS)
