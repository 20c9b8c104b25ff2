"""What the engine parses and cannot plan, or would leave out: the construct's name and its place.

Reads the client's text by its tokens and the engine's message by the names of its nodes, those of
DataFusion 55. Of several constructs of one kind the first is named. Knows no plans.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType

from connectors.errors import UnsupportedError
from planner.explain_options import position_of

_QUERY = ("(", "SELECT")
_CORRELATED = "a correlated subquery of this form"
_JOIN_HINT = "Write it as a join, or with the outer columns only in equalities of its WHERE."
_CONSTRUCTS: tuple[tuple[str, str, tuple[tuple[str, ...], ...], str], ...] = (
    # a part of the engine's message, the construct, its words in the text, what to do
    ("logical expression Exists", f"EXISTS with {_CORRELATED}", (("EXISTS",),), _JOIN_HINT),
    ("logical expression InSubquery", f"IN with {_CORRELATED}", (("IN", *_QUERY),), _JOIN_HINT),
    ("logical expression ScalarSubquery", _CORRELATED, (_QUERY,), _JOIN_HINT),
    ("logical expression OuterReferenceColumn", _CORRELATED, (("LATERAL",), _QUERY), _JOIN_HINT),
    (
        "logical expression WindowFunction",
        "a window function here",
        (("OVER",),),
        "Name it in a subquery's SELECT list, and filter outside.",
    ),
    ("LIMIT expression", "a LIMIT that is not a constant", (("LIMIT",),), "Write a number."),
    ("ast node Pivot", "PIVOT", (("PIVOT",),), "Write an aggregate with FILTER for each column."),
    ("ast node Unpivot", "UNPIVOT", (("UNPIVOT",),), "Write a UNION ALL of the columns."),
    ("ast node MatchRecognize", "MATCH_RECOGNIZE", (("MATCH_RECOGNIZE",),), ""),
    ("Collate", "COLLATE", (("COLLATE",),), "Text is compared by its code points."),
    ("operator AsOf", "ASOF JOIN", (("ASOF",),), ""),
    ("operator CrossApply", "CROSS APPLY", (("APPLY",),), "Write CROSS JOIN LATERAL."),
    ("operator OuterApply", "OUTER APPLY", (("APPLY",),), "Write LEFT JOIN LATERAL … ON true."),
    ("FETCH clause", "FETCH", (("FETCH",),), "Write LIMIT."),
    ("TOP", "TOP", (("TOP",),), "Write LIMIT."),
    ("CLUSTER BY", "CLUSTER BY", (("CLUSTER",),), "Write ORDER BY."),
    ("Empty tuple", "an empty grouping ()", (("(", ")"),), "Leave GROUP BY out."),
)
_LOST_COLUMN = re.compile(r"No field named .*__correlated_sq_", re.DOTALL)

_LEFT_OUT = {
    ("TABLESAMPLE",): "TABLESAMPLE",
    ("POSITIONAL", "JOIN"): "POSITIONAL JOIN",
    ("CONNECT", "BY"): "CONNECT BY",
    ("FOR", "UPDATE"): "FOR UPDATE, a lock on rows,",
    ("FOR", "SHARE"): "FOR SHARE, a lock on rows,",
    ("*", "ILIKE"): "* ILIKE, a choice of columns by their names,",
    ("*", "LIKE"): "* LIKE, a choice of columns by their names,",
    ("(", "DISTINCT", "*", ")"): "DISTINCT * in an aggregate",
}


def unplanned(message: str, tokens: Sequence[Token]) -> UnsupportedError | None:
    """The error for a construct that the engine cannot plan; None when it says something else.

    Args:
        message: the engine's text.
        tokens: the client's text.
    """
    words = list(_words(tokens))
    for mark, construct, patterns, hint in _CONSTRUCTS:
        if mark in message:
            place = next((p for pattern in patterns if (p := _find(words, pattern))), None)
            return _error(f"{construct} is not supported", place, hint)
    if _LOST_COLUMN.search(message):
        place = _find(words, ("EXISTS",)) or _find(words, _QUERY)
        return _error(f"{_CORRELATED} is not supported", place, _JOIN_HINT)
    return None


def refuse_left_out(tokens: Sequence[Token]) -> None:
    """Refuse clauses that the engine would read and then leave out: its rows would be wrong.

    Raises:
        UnsupportedError: for the first of them, with its position.
    """
    for number, after in itertools.pairwise(tokens):
        beside = number.token_type is TokenType.NUMBER and after.start == number.end + 1
        if beside and after.text.startswith("_"):
            what = f"a number with _ in it, {number.text}{after.text},"
            raise _error(f"{what} is not supported", number, "Leave the _ out.")
    words = list(_words(tokens))
    present = {word for word, _ in words}
    for pattern, construct in _LEFT_OUT.items():
        if present.issuperset(pattern) and (place := _find(words, pattern)):
            raise _error(f"{construct} is not supported", place, "")


def _words(tokens: Sequence[Token]) -> Iterator[tuple[str, Token]]:
    """Keywords and signs, upper case; a token of two words counts twice, text and names as ''."""
    for token in tokens:
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            yield "", token
            continue
        for word in token.text.upper().split():
            yield word, token


def _find(words: Sequence[tuple[str, Token]], pattern: tuple[str, ...]) -> Token | None:
    length = len(pattern)
    for start in range(len(words) - length + 1):
        if tuple(word for word, _ in words[start : start + length]) == pattern:
            return words[start][1]
    return None


def _error(message: str, place: Token | None, hint: str) -> UnsupportedError:
    position = None if place is None else position_of(place)
    return UnsupportedError(message, position=position, hint=hint or None)
