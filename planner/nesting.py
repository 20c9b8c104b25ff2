"""How deep and how long a statement may be, by its tokens, before anything recurses over it.

The engine's parser stops at 50 levels, where it gives wrong reasons or tries every way again, which
takes time exponential in the depth; its planner takes time exponential in the depth of subqueries,
and its stack ends with chains of some 6,000 operators. Owns these bounds. Knows no grammar.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import Token, TokenType

from connectors.errors import SizeLimitError
from planner.explain_options import position_of

MAX_OPERATORS = 2_000
"""Arithmetic in one statement, and AND and OR where the chain is not rewritten as a tree of little
depth (`desugar.chains`). Seen: 6,000 end the process, 3,000 run."""

MAX_CONNECTIVES = 20_000
"""AND and OR in one statement. Seen: 10,000 of unlike parts take 2 s."""

MAX_LEVELS = 40
"""Brackets, CASE, NOT and signs inside one another. Seen: from 46 on, seconds to hours."""

MAX_SUBQUERIES = 12
"""Queries inside one another. Seen: 14 take 0.04 s to plan, and each one more doubles that."""

_SUBQUERY_LEVELS = 2
"""What a query in brackets takes of the parser's levels, besides the bracket."""

CONNECTIVES = frozenset({TokenType.AND, TokenType.OR})
_OPERATORS = frozenset(
    {
        TokenType.PLUS,
        TokenType.DASH,
        TokenType.STAR,
        TokenType.SLASH,
        TokenType.MOD,
        TokenType.DPIPE,
        TokenType.NOT,
    }
)
_PREFIXES = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE})
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
_CLOSING = {
    TokenType.R_PAREN: TokenType.L_PAREN,
    TokenType.R_BRACKET: TokenType.L_BRACKET,
    TokenType.R_BRACE: TokenType.L_BRACE,
    TokenType.END: TokenType.CASE,
}
_QUERIES = frozenset({TokenType.SELECT, TokenType.WITH, TokenType.VALUES})


def refuse_deep(tokens: Sequence[Token], *, rewritten: bool) -> None:
    """Refuse what is nested too deep or chained too long.

    Args:
        tokens: of one statement.
        rewritten: whether chains of AND and OR will be rewritten.

    Raises:
        SizeLimitError: with the position of the first token beyond the limit, and the limit.
    """
    operators = sum(token.token_type in _OPERATORS for token in tokens)
    connectives = sum(token.token_type in CONNECTIVES for token in tokens)
    if operators > MAX_OPERATORS:
        raise too_long(operators)
    if connectives > (MAX_CONNECTIVES if rewritten else MAX_OPERATORS):
        raise too_long(connectives, MAX_CONNECTIVES if rewritten else MAX_OPERATORS)
    opened: list[tuple[TokenType, int, bool]] = []  # what, its levels, whether it holds a query
    levels = prefixes = queries = 0
    for index, token in enumerate(tokens):
        kind = token.token_type
        if kind in _PREFIXES:
            prefixes += 1
        elif kind in _OPENING:
            query = index + 1 < len(tokens) and tokens[index + 1].token_type in _QUERIES
            own = 1 + prefixes + (_SUBQUERY_LEVELS if query else 0)
            opened.append((kind, own, query))
            levels, prefixes = levels + own, 0
            queries += query
            if queries > MAX_SUBQUERIES:
                raise _too_deep(token, f"queries inside one another; the limit is {MAX_SUBQUERIES}")
        else:
            prefixes = 0
            if opened and _CLOSING.get(kind) == opened[-1][0]:
                _, own, query = opened.pop()
                levels, queries = levels - own, queries - query
        if levels + prefixes > MAX_LEVELS:
            raise _too_deep(token, f"levels of nesting; the limit is {MAX_LEVELS}")


def too_long(operators: int, limit: int = MAX_OPERATORS) -> SizeLimitError:
    """The error of a chain beyond a limit."""
    return SizeLimitError(
        f"the statement has {operators:,} operators; the limit is {limit:,}",
        hint="Use IN with a list, or join with VALUES.",
    )


def _too_deep(token: Token, what: str) -> SizeLimitError:
    return SizeLimitError(
        f"the statement has more {what}",
        position=position_of(token),
        hint="Name its parts with WITH, and leave out brackets that change nothing.",
    )
