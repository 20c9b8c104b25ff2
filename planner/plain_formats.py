"""Formats that name no field: `to_char(d, 'YYYY-MM')` is the text YYYY-MM in each row.

Owns which calls of the engine's own language look so. PostgreSQL's formats have no `%`; the
engine's have one before each field, and what has none it takes for a text, without an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType

from planner.explain_options import position_of
from planner.parse import Statement, tokenize
from planner.warnings import PlanWarning

_FORMATTING = frozenset({"to_char", "date_format"})


def plain_formats(statement: Statement) -> Iterator[PlanWarning]:
    """A warning for each format that is written out and names no field, at its place."""
    tokens = statement.tokens or tuple(tokenize(statement.sql))
    for at, token in enumerate(tokens):
        if token.text.lower() not in _FORMATTING or token.token_type is TokenType.STRING:
            continue
        given = _last_argument(tokens, at + 1)
        if given is None or "%" in given.text or not any(map(str.isalpha, given.text)):
            continue
        yield PlanWarning(
            "format.without_fields",
            f"the format {given.text[:40]!r} names no field, and is the text of each row: fields"
            " are written as %Y-%m-%d here, or as PostgreSQL writes them with the session option"
            " dialect = postgres",
            position=position_of(given),
        )


def _last_argument(tokens: Sequence[Token], at: int) -> Token | None:
    """The last of several arguments, where it is a text; None for anything else."""
    if at >= len(tokens) or tokens[at].token_type is not TokenType.L_PAREN:
        return None
    depth = 0
    for index in range(at, len(tokens)):
        kind = tokens[index].token_type
        depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
        if depth == 0:
            last, before = tokens[index - 1], tokens[index - 2]
            alone = before.token_type is TokenType.COMMA
            return last if alone and last.token_type is TokenType.STRING else None
    return None
