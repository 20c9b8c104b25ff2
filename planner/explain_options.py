"""What stands between EXPLAIN and its query, as PostgreSQL, DuckDB and Trino write it.

Owns the options and their spellings: `ANALYZE VERBOSE FORMAT json`, and the same in brackets with
commas. Knows no query.
"""

from __future__ import annotations

import difflib
from typing import Literal, NamedTuple, get_args

from sqlglot import Token, TokenType

from connectors.errors import Position, SqlSyntaxError, UnsupportedError

Mode = Literal["query", "explain", "analyze"]
Form = Literal["text", "json", "mermaid", "verbose"]
"""How a plan is shown; `verbose` is text with nothing left out."""

FORMS: tuple[Form, ...] = tuple(form for form in get_args(Form) if form != "verbose")

_ON = frozenset({"TRUE", "ON", "1"})
_OFF = frozenset({"FALSE", "OFF", "0"})
_OPTIONS = ("ANALYZE", "VERBOSE", "ESTIMATES", "FORMAT")


class Shown(NamedTuple):
    """What EXPLAIN is asked for.

    Attributes:
        mode: whether the query runs.
        form: how the plan is shown.
        estimates: with what each source expects of its part, which is asked for that.
        start: the index of the query's first token.
    """

    mode: Mode
    form: Form
    estimates: bool
    start: int


def position_of(token: Token) -> Position:
    """Where a token starts. sqlglot gives the column of its last character."""
    return Position(token.line, max(1, token.col - (token.end - token.start)))


def read_options(tokens: list[Token]) -> Shown:
    """The options, and where the query starts.

    Args:
        tokens: what follows EXPLAIN.

    Raises:
        UnsupportedError: for an option or a format that there is not, with the nearest one.
        SqlSyntaxError: for an option without its value.
    """
    if _bracketed(tokens):
        return _read_bracketed(tokens)
    mode: Mode = "explain"
    form: Form = "text"
    verbose = estimates = False
    index = 0
    while index < len(tokens):
        match tokens[index].text.upper():
            case "ANALYZE":
                mode = "analyze"
            case "VERBOSE":
                verbose = True
            case "ESTIMATES":
                estimates = True
            case "FORMAT":
                index += 1
                if index < len(tokens) and tokens[index].token_type is TokenType.EQ:
                    index += 1
                form = _form(tokens, index)
            case _:
                break
        index += 1
    return Shown(mode, _shown(form, verbose), estimates, index)


def _shown(form: Form, verbose: bool) -> Form:
    """JSON and Mermaid leave nothing out that they have a place for."""
    return "verbose" if verbose and form == "text" else form


def _bracketed(tokens: list[Token]) -> bool:
    """Whether an option, and not a query in brackets, follows an opening bracket."""
    if len(tokens) < 2 or tokens[0].token_type is not TokenType.L_PAREN:
        return False
    return tokens[1].text.upper() not in ("SELECT", "WITH", "VALUES", "FROM", "(")


def _read_bracketed(tokens: list[Token]) -> Shown:
    mode: Mode = "explain"
    form: Form = "text"
    verbose = estimates = False
    index = 1
    while True:
        option = _at(tokens, index)
        name = option.text.upper()
        index += 1
        value = _at(tokens, index)
        given = value.token_type not in (TokenType.COMMA, TokenType.R_PAREN)
        match name:
            case "FORMAT":
                form = _form(tokens, index)
            case "ANALYZE":
                on = _switch(value) if given else True
                mode = "analyze" if on else "explain"
            case "VERBOSE":
                verbose = _switch(value) if given else True
            case "ESTIMATES":
                estimates = _switch(value) if given else True
            case _:
                raise UnsupportedError(
                    f"EXPLAIN has no option {name}",
                    position=position_of(option),
                    hint=f"{_nearest(name, _OPTIONS)} There are: {', '.join(_OPTIONS)}.".strip(),
                )
        index += given
        separator = _at(tokens, index)
        index += 1
        if separator.token_type is TokenType.R_PAREN:
            return Shown(mode, _shown(form, verbose), estimates, index)
        if separator.token_type is not TokenType.COMMA:
            raise SqlSyntaxError(
                "options of EXPLAIN are separated by commas", position=position_of(separator)
            )


def _at(tokens: list[Token], index: int) -> Token:
    if index >= len(tokens):
        raise SqlSyntaxError(
            "the options of EXPLAIN do not end", position=position_of(tokens[-1]), hint="Write )."
        )
    return tokens[index]


def _switch(token: Token) -> bool:
    word = token.text.upper()
    if word in _ON or word in _OFF:
        return word in _ON
    raise SqlSyntaxError(
        f"{token.text!r} is neither on nor off", position=position_of(token), hint="Write ON."
    )


def _form(tokens: list[Token], index: int) -> Form:
    if index >= len(tokens):
        raise SqlSyntaxError("FORMAT needs a format after it", position=position_of(tokens[-1]))
    wanted = tokens[index].text.lower()
    if wanted in FORMS:
        return wanted
    raise UnsupportedError(
        f"EXPLAIN has no format {wanted!r}",
        position=position_of(tokens[index]),
        hint=f"{_nearest(wanted, FORMS)} There are: {', '.join(FORMS)}.".strip(),
    )


def _nearest(word: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"Nearest: {close[0]}." if close else ""
