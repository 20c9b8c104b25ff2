"""Times of day that are written out, in the unit of the columns that they are compared with.

To the engine `TIME '12:00'` has nanoseconds, and it does not compare those with the microseconds
that a `time` of Postgres or DuckDB has. So when it says so of a text, the statement is written once
more with the literals in the other unit. Owns that rewriting of the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import Token, TokenType

from planner.parse import tokenize

OWN_UNIT = "Time64(ns)"
"""The type of a literal, as messages name it."""

_OTHERS = {
    "Time64(µs)": ("Time64(Microsecond)", 6),
    "Time32(ms)": ("Time32(Millisecond)", 3),
    "Time32(s)": ("Time32(Second)", 0),
}
"""As messages name a type: as the engine's `arrow_cast` does, and its digits of a second."""

_FRACTION = re.compile(r"\.(\d+)\s*$")

_AS_TYPE = (TokenType.STRING, TokenType.DCOLON, TokenType.TIME)
_PREFIXED = (TokenType.TIME, TokenType.STRING)


def in_the_columns_unit(sql: str, message: str) -> str | None:
    """The statement with its literals in the unit that the engine found them beside.

    Args:
        sql: as the engine was given it.
        message: what the engine says of it.

    Returns:
        The text, or None when the message is another, or a literal has more digits than the unit.

    >>> in_the_columns_unit("SELECT t = TIME '12:00'", "… operation Time64(µs) = Time64(ns)")
    "SELECT t = arrow_cast('12:00', 'Time64(Microsecond)')"
    """
    if OWN_UNIT not in message:
        return None
    wanted = next((other for name, other in _OTHERS.items() if name in message), None)
    if wanted is None:
        return None
    type_, digits = wanted
    tokens = tokenize(sql)
    literals = list(_literals(tokens))
    if any(_digits(text) > digits for _, text, _ in literals):
        return None
    for first, text, last in reversed(literals):
        literal = sql[text.start : text.end + 1]
        written = f"arrow_cast({literal}, '{type_}')"
        sql = sql[: first.start] + written + sql[last.end + 1 :]
    return sql if literals else None


def _literals(tokens: Sequence[Token]) -> list[tuple[Token, Token, Token]]:
    """Of each literal its first token, that of its text, and its last."""
    kinds = tuple(token.token_type for token in tokens)
    found = []
    for at, token in enumerate(tokens):
        if kinds[at : at + 2] == _PREFIXED:
            found.append((token, tokens[at + 1], tokens[at + 1]))
        elif kinds[at : at + 3] == _AS_TYPE:
            found.append((token, token, tokens[at + 2]))
    return found


def _digits(text: Token) -> int:
    fraction = _FRACTION.search(text.text)
    return len(fraction[1].rstrip("0")) if fraction is not None else 0
