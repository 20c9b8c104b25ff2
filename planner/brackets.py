"""Brackets that change nothing in a deep statement: `((((1))))`, `((a OR b) OR c) OR d`.

The engine's parser counts them as levels, of which it takes 50. They are overwritten with spaces,
so that every other sign stays where the client wrote it. Reads tokens; what it cannot be sure of
stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import Token, TokenType

DEEP = 20
"""From so many brackets inside one another on it is worth the while."""

_CONNECTIVES = frozenset({TokenType.AND, TokenType.OR})
_SUMS = frozenset({TokenType.PLUS, TokenType.DASH})
_PRODUCTS = frozenset({TokenType.STAR, TokenType.SLASH, TokenType.MOD})
_PLAIN = frozenset(
    {TokenType.NUMBER, TokenType.STRING, TokenType.VAR, TokenType.IDENTIFIER, TokenType.DOT}
)
_STARTS = frozenset(
    {
        *(TokenType.SELECT, TokenType.WHERE, TokenType.HAVING, TokenType.ON, TokenType.WHEN),
        *(TokenType.THEN, TokenType.ELSE, TokenType.COMMA, TokenType.L_PAREN),
    }
)
_CONDITIONS = frozenset(
    {
        *(TokenType.EQ, TokenType.NEQ, TokenType.LT, TokenType.LTE, TokenType.GT, TokenType.GTE),
        *(TokenType.IS, TokenType.NULL, TokenType.NOT, TokenType.LIKE, TokenType.ILIKE),
        *(TokenType.IN, TokenType.TRUE, TokenType.FALSE),
    }
)
"""What stands between AND and OR and binds tighter; BETWEEN has an AND of its own."""


@dataclass(slots=True)
class _Open:
    """An opening bracket, and what was seen on its own level since."""

    at: int
    operators: set[TokenType]
    is_plain: bool = True
    has_conditions: bool = False


def depth(tokens: Sequence[Token]) -> int:
    """How many round brackets there are inside one another."""
    deepest = now = 0
    for token in tokens:
        if token.token_type is TokenType.L_PAREN:
            now += 1
            deepest = max(deepest, now)
        elif token.token_type is TokenType.R_PAREN:
            now -= 1
    return deepest


def without_idle_brackets(sql: str, tokens: Sequence[Token]) -> tuple[str, list[Token]]:
    """The text and its tokens without them.

    Of brackets that hold only brackets, two remain: a call's, and those that make a query a value.
    """
    idle = _idle(tokens)
    if not idle:
        return sql, list(tokens)
    signs = list(sql)
    for at in idle:
        signs[tokens[at].start] = " "
    return "".join(signs), [token for at, token in enumerate(tokens) if at not in idle]


def _idle(tokens: Sequence[Token]) -> set[int]:
    closing: dict[int, int] = {}
    idle: set[int] = set()
    opened: list[_Open] = []
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.L_PAREN:
            opened.append(_Open(at, set()))
        elif kind is TokenType.R_PAREN and opened:
            inner = opened.pop()
            closing[inner.at] = at
            if _joins_outside(inner, at, tokens):
                idle |= {inner.at, at}
                if opened:
                    opened[-1].operators |= inner.operators
                    opened[-1].is_plain &= inner.is_plain
                    opened[-1].has_conditions |= inner.has_conditions
        elif opened:
            _see(opened[-1], kind)
    for start, end in closing.items():
        # One that holds only another, which holds only a third: the third is idle.
        if closing.get(start + 1) == end - 1 and closing.get(start + 2) == end - 2:
            idle |= {start + 2, end - 2}
    return idle


def _see(level: _Open, kind: TokenType) -> None:
    if kind in _CONNECTIVES or kind in _SUMS or kind in _PRODUCTS:
        level.operators.add(kind)
    elif kind in _CONDITIONS:
        level.has_conditions = True
    elif kind not in _PLAIN:
        level.is_plain = False


def _joins_outside(inner: _Open, end: int, tokens: Sequence[Token]) -> bool:
    """Whether what is in the brackets is the first part of a longer chain of the same operators."""
    before = tokens[inner.at - 1].token_type if inner.at else None
    after = tokens[end + 1].token_type if end + 1 < len(tokens) else None
    if not inner.is_plain or not inner.operators or before not in _STARTS:
        return False
    if inner.at > 1 and before is TokenType.L_PAREN and _is_name(tokens[inner.at - 2]):
        return False  # a call, or IN: what its brackets hold may be more than a value
    if len(inner.operators & _CONNECTIVES) == 1 and len(inner.operators) == 1:
        return after in inner.operators
    if inner.has_conditions or inner.operators & _CONNECTIVES:
        return False
    if inner.operators <= _PRODUCTS:
        return after in _PRODUCTS or after in _SUMS
    return after in _SUMS


def _is_name(token: Token) -> bool:
    return token.token_type in (TokenType.VAR, TokenType.IDENTIFIER, TokenType.IN)
