"""`FOR TIMESTAMP AS OF` and `FOR VERSION AS OF` behind a table -> the name of that version.

Owns the clause. The engine has none, so the table is named otherwise (`connectors.as_of`), and by
its own name as an alias where the statement gives it no other. Reads tokens; knows no tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import Token, TokenType

from connectors.as_of import AsOf, moment_of
from connectors.errors import UnsupportedError
from planner.explain_options import position_of

_MOMENTS = ("TIMESTAMP", "SYSTEM_TIME")
_VERSIONS = ("VERSION", "SYSTEM_VERSION")
_TYPES = ("TIMESTAMP", "TIMESTAMPTZ", "DATE")
_NAMES = (TokenType.VAR, TokenType.IDENTIFIER)


@dataclass(frozen=True, slots=True)
class _Clause:
    """One of them: the table's token, which version, and the number of the token behind it."""

    table: Token
    as_of: AsOf
    after: int


def with_versions_named(sql: str, tokens: Sequence[Token]) -> str | None:
    """The text with each clause made part of its table's name; None for a text without one.

    Where it is no longer for that, what follows keeps its place in its line.

    Raises:
        UnsupportedError: for a version that is no constant, with its position.
    """
    parts, done = [], 0
    for clause in _clauses(tokens):
        table, last = clause.table, tokens[clause.after - 1]
        own = sql[table.start : table.end + 1]
        # The engine has names in small letters that are not quoted.
        name = table.text if table.token_type is TokenType.IDENTIFIER else table.text.lower()
        quoted = '"' + clause.as_of.named(name).replace('"', '""') + '"'
        written = quoted if _has_alias(tokens, clause.after) else f"{quoted} AS {own}"
        before = sql[table.start : last.end + 1]
        if "\n" in before:
            written += "\n" * before.count("\n") + " " * (len(before) - before.rfind("\n") - 1)
        parts.append(sql[done : table.start] + written.ljust(len(before)))
        done = last.end + 1
    return "".join([*parts, sql[done:]]) if parts else None


def _clauses(tokens: Sequence[Token]) -> Iterator[_Clause]:
    words = [token.text.upper() for token in tokens]
    for at in range(1, len(tokens) - 3):
        if words[at] != "FOR" or words[at + 2 : at + 4] != ["AS", "OF"]:
            continue
        if words[at + 1] in (*_MOMENTS, *_VERSIONS):
            as_of, after = _constant(tokens, at + 4, moment=words[at + 1] in _MOMENTS)
            if as_of is None or tokens[at - 1].token_type not in _NAMES:
                wanted = "'2026-01-31 12:00:00+00'" if words[at + 1] in _MOMENTS else "42"
                raise UnsupportedError(
                    f"FOR {words[at + 1]} AS OF takes a constant, after the name of a table",
                    position=position_of(tokens[at]),
                    hint=f"Write NAME FOR {words[at + 1]} AS OF {wanted}.",
                )
            yield _Clause(tokens[at - 1], as_of, after)


def _constant(tokens: Sequence[Token], at: int, *, moment: bool) -> tuple[AsOf | None, int]:
    """What the tokens from `at` on say, and the number of the one behind them."""
    if moment and at < len(tokens) and tokens[at].text.upper() in _TYPES:
        at += 1
    if at == len(tokens):
        return None, at
    token = tokens[at]
    if token.token_type is TokenType.STRING:
        if not moment:
            return (AsOf(ref=token.text) if token.text else None), at + 1
        timestamp = moment_of(token.text)
        return (AsOf(timestamp=timestamp) if timestamp else None), at + 1
    if not moment and token.token_type is TokenType.NUMBER and token.text.isdecimal():
        return AsOf(version=int(token.text)), at + 1
    return None, at


def _has_alias(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].token_type in (*_NAMES, TokenType.ALIAS)
