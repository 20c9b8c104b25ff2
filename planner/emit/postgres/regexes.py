"""Regular expressions that mean the same to PostgreSQL and to the engine, and how they are written.

Owns the part of the language that both have: characters, ranges of letters and digits, groups,
alternatives, repetition, the two ends. Whatever else (words, digits of all scripts, flags) stays.
"""

from __future__ import annotations

import re
from typing import cast

from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.postgres.text_functions import by_code_point, without_folds
from planner.emit.postgres.types import is_text, text
from planner.relations import Call, Literal

_PARTS = re.compile(
    r"""
    (?P<any>\.)
    | (?P<open>\((?:\?:)?)
    | (?P<close>\))
    | (?P<or>\|)
    | (?P<end>[\^$])
    | (?P<class>\[\^?(?:-(?=[\w\\]))?
        (?:[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]
          |\\[-.+*?()|{}\[\]^$\\/]|[\w .,;:!@#%/=+*?(){}<>'"$|])+
      -?\])
    | (?P<escaped>\\[-.+*?()|{}\[\]^$\\/])
    | (?P<plain>[^\\^$.\[\]|()*+?{}])
    | (?P<times>(?:[*+?]|\{\d{1,2}(?:,\d{0,2})?\})\??)
    """,
    re.VERBOSE,
)
_REPEATED = ("any", "close", "class", "escaped", "plain")


def written(pattern: str) -> str | None:
    """The pattern for PostgreSQL, or None where it may mean something else.

    >>> written("^a.b[0-9]{3}$") == "^a[^\\n]b[0-9]{3}$", written(r"\\d+")
    (True, None)
    """
    result: list[str] = []
    position, depth, before = 0, 0, ""
    while position < len(pattern):
        found = _PARTS.match(pattern, position)
        if found is None or found.lastgroup is None:
            return None
        kind, piece = found.lastgroup, found[0]
        depth += (kind == "open") - (kind == "close")
        if depth < 0 or not _fits(kind, piece, before):
            return None
        # A line's end is no character to the engine's dot.
        result.append("[^\n]" if kind == "any" else piece)
        position, before = found.end(), kind
    return None if depth or before in ("or", "open") else "".join(result)


def _fits(kind: str, piece: str, before: str) -> bool:
    if kind == "times":
        return before in _REPEATED
    if kind in ("or", "close"):
        # Nothing to match is written in no common way.
        return before not in ("", "or", "open")
    if kind == "class":
        ranges = re.findall(r"(\w)-(\w)", piece)
        return all(low <= high for low, high in ranges)
    return True


def _refuse(call: Call) -> str | None:
    value, pattern = call.arguments
    if not is_text(value.type):
        return f"{call.function} of {value.type}"
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        return "only a constant pattern is pushed"
    if call.function.endswith("imatch") and not pattern.value.isascii():
        return "a pattern with letters beyond ASCII"
    return None if written(pattern.value) is not None else "a pattern that may mean another there"


def _rule(name: str, node: type[exp.RegexpLike | exp.RegexpILike], symbol: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        pattern = str(cast(Literal, call.arguments[1]).value)
        value = arguments[0]
        if node is exp.RegexpILike:
            # A class has the letters of its range, which are not seen in it.
            value = without_folds(value, "ks" if "[" in pattern else pattern.lower())
        sql = node(this=by_code_point(value), expression=text(written(pattern) or ""))
        return exp.Not(this=sql) if "not" in name else sql

    return FunctionRule(
        write,
        _refuse,
        "characters and ranges of ASCII, by code point; a dot is no line's end",
        takes="text, text constant",
        when="of the pattern only characters, ranges as a-z, groups, |, ., *, +, ?, {m,n}, ^ and $",
        written=f'x COLLATE "C" {symbol} y',
    )


REGEX_FUNCTIONS: dict[str, FunctionRule] = {
    name: _rule(name, node, symbol)
    for name, node, symbol in (
        ("regex_match", exp.RegexpLike, "~"),
        ("regex_not_match", exp.RegexpLike, "!~"),
        ("regex_imatch", exp.RegexpILike, "~*"),
        ("regex_not_imatch", exp.RegexpILike, "!~*"),
    )
}
