"""Timestamp literals of years that nanoseconds do not have, in microseconds instead.

A timestamp of the engine has nanoseconds, from 1677 to 2262, where every other engine has
microseconds: `moment < timestamp '9999-12-31'` fails. So when the engine says so of a text, the
statement is written once more with `timestamp(6)` there. Owns that rewriting of the text; changes
no literal that the engine has taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import Token, TokenType

from planner.parse import tokenize

_OVERFLOW = re.compile(r"Overflow converting (\d{4}-\d\d-\d\d) [\d:.]+ to Nanosecond")
_DAY = re.compile(r"\s*(\d{4})-\d\d-\d\d(?=$|[\sT])")
_FIRST_YEAR, _LAST_YEAR = 1678, 2261
"""The years that a timestamp of nanoseconds has whole."""

_TIMES = frozenset({TokenType.TIMESTAMP, TokenType.TIMESTAMPTZ, TokenType.TIMESTAMPNTZ})
_PRECISION = "(6)"


def in_microseconds(sql: str, message: str) -> str | None:
    """The statement with microseconds where the engine wanted nanoseconds of too wide a year.

    Args:
        sql: as the engine was given it.
        message: what the engine says of it.

    Returns:
        The text, or None when the message is another, or it cannot be told which literal it means.

    >>> in_microseconds("SELECT timestamp '9999-12-31'",
    ...     "Overflow converting 9999-12-31 00:00:00 to Nanosecond")
    "SELECT timestamp(6) '9999-12-31'"
    """
    found = _OVERFLOW.search(message)
    if found is None:
        return None
    tokens = tokenize(sql)
    wide = [at for at, token in enumerate(tokens) if _is_wide(token)]
    places = [place for at in wide if (place := _type_place(tokens, at)) is not None]
    if places:
        insertions = [(place, _PRECISION) for place in places]
    else:
        # A text beside a timestamp: which one is told by its day, if no other has that.
        said = [at for at in wide if tokens[at].text.strip()[:10] == found[1]]
        if len(said) != 1 or _typed(tokens, said[0]):
            return None
        beside = [tokens[at].start for at in _bounds(tokens, said[0])]
        insertions = [(place, f"timestamp{_PRECISION} ") for place in beside]
    for place, text in sorted(insertions, reverse=True):
        sql = sql[:place] + text + sql[place:]
    return sql


def _is_wide(token: Token) -> bool:
    if token.token_type is not TokenType.STRING:
        return False
    day = _DAY.match(token.text)
    return day is not None and not _FIRST_YEAR <= int(day[1]) <= _LAST_YEAR


def _type_place(tokens: Sequence[Token], at: int) -> int | None:
    """Where the precision goes: after the word TIMESTAMP that makes the literal one."""
    before = at - 1
    if before >= 0 and tokens[before].text.upper() == "ZONE":
        before -= 3  # WITH TIME ZONE
    after = tokens[at + 1 : at + 4]
    candidates = [tokens[before]] if before >= 0 else []
    if after and after[0].token_type in (TokenType.DCOLON, TokenType.ALIAS):
        candidates += after[1:2]
    for word in candidates:
        if word.token_type in _TIMES:
            place = word.end + 1
            following = next((t for t in tokens if t.start >= place), None)
            if following is None or following.token_type is not TokenType.L_PAREN:
                return place
    return None


def _bounds(tokens: Sequence[Token], at: int) -> list[int]:
    """The text itself, or both of BETWEEN, which the engine gives one type."""
    for first, last in ((at - 2, at), (at, at + 2)):
        if first < 1 or last >= len(tokens):
            continue
        words = [tokens[i].text.upper() for i in (first - 1, first + 1)]
        strings = all(tokens[i].token_type is TokenType.STRING for i in (first, last))
        if strings and words == ["BETWEEN", "AND"]:
            return [first, last]
    return [at]


def _typed(tokens: Sequence[Token], at: int) -> bool:
    """Whether the text is a part of a literal or of a cast of another type."""
    before = tokens[at - 1] if at else None
    after = tokens[at + 1] if at + 1 < len(tokens) else None
    casts = (TokenType.DCOLON, TokenType.ALIAS)
    if after is not None and after.token_type in casts:
        return True
    return before is not None and (
        before.token_type in (*_TIMES, TokenType.DATE, TokenType.TIME, TokenType.INTERVAL)
        or before.text.upper() == "ZONE"
    )
