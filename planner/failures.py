"""The engine's planning failures as errors of the tree, with positions in the client's text.

DataFusion hands errors to Python as text; the patterns here are those of version 55. What matches
none stays a request error with the engine's own first sentence, never an internal one.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import re
from collections.abc import Iterator

from connectors.errors import (
    CrosswindError,
    Position,
    RequestError,
    SizeLimitError,
    SqlSyntaxError,
    TypeMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from planner.parse import position_of, tokenize
from planner.unplanned import unplanned

_AT = re.compile(r" at Line: (\d+), Column: (\d+)")
_PARSER = re.compile(r'SQL error: (?:ParserError|TokenizerError)\("(.*)"\)', re.DOTALL)
_NO_FIELD = re.compile(r"No field named (.+?)\.(?:\s|$)")
_VALID_FIELDS = re.compile(r"Valid fields are (.+?)\.?$", re.DOTALL)
_AMBIGUOUS = re.compile(r"Ambiguous reference to unqualified field (\S+)")
_NO_FUNCTION = re.compile(r"Invalid function '([^']+)'(?:\.\s*Did you mean '([^']+)')?")
_NO_TABLE = re.compile(r"table '([^']+)' not found")
_UNSUPPORTED = ("This feature is not implemented", "Unsupported", "not supported")
_TYPES = ("failed to match any signature", "coerce", "Cannot cast", "type mismatch", "data type")
_PREFIX = re.compile(
    r"^(?:(?:DataFusion error|Error during planning|Internal error|Schema error|SQL error|"
    r"Arrow error|Cast error|This feature is not implemented|Execution error|"
    r"Optimizer rule '[^']*' failed|Invalid argument error|type_coercion|caused by)[:\s]*)+"
)


@contextlib.contextmanager
def panics_as_errors() -> Iterator[None]:
    """Turn a panic of the engine, which is a BaseException, into a RuntimeError."""
    try:
        yield
    except (Exception, GeneratorExit, KeyboardInterrupt, SystemExit, asyncio.CancelledError):
        raise
    except BaseException as panic:
        raise RuntimeError(f"the engine panicked: {panic}") from panic


def planning_failure(message: str, sql: str) -> CrosswindError:
    """The error that a planning failure of the engine is to its client.

    Args:
        message: the engine's text.
        sql: the client's text, in which names are looked for.
    """
    if found := _PARSER.search(message):
        return _syntax(found.group(1).replace('\\"', '"'), sql)
    if "RecursionLimitExceeded" in message:
        return SizeLimitError("the statement is nested too deep", hint="Name its parts with WITH.")
    if found := _NO_FIELD.search(message):
        return _unknown_field(found.group(1), message, sql)
    if found := _AMBIGUOUS.search(message):
        name = found.group(1).rstrip(".,")
        return UnknownNameError(
            f"column {name} is in more than one table",
            position=_position(name, sql),
            hint="Write the table's name before it.",
        )
    if found := _NO_FUNCTION.search(message):
        hint = f"Nearest: {found.group(2)}." if found.group(2) else None
        name = found.group(1)
        return UnknownNameError(
            f"function {name!r} does not exist", position=_position(name, sql), hint=hint
        )
    if found := _NO_TABLE.search(message):
        name = found.group(1)
        return UnknownNameError(f"table {name!r} does not exist", position=_position(name, sql))
    if failure := unplanned(message, tokenize(sql)):
        return failure
    sentence = _sentence(message)
    if any(mark in message for mark in _TYPES):
        return TypeMismatchError(sentence)
    if any(mark in message for mark in _UNSUPPORTED):
        return UnsupportedError(sentence)
    return RequestError(sentence)


def _syntax(text: str, sql: str) -> SqlSyntaxError:
    place = _AT.search(text)
    if place:
        position = Position(int(place.group(1)), max(1, int(place.group(2))))
    else:
        line = sql.rstrip().count("\n") + 1
        position = Position(line, len(sql.rstrip()) - (sql.rstrip().rfind("\n") + 1) + 1)
    return SqlSyntaxError(_AT.sub("", text).strip(), position=position)


def _unknown_field(name: str, message: str, sql: str) -> UnknownNameError:
    valid = _VALID_FIELDS.search(message)
    fields = [f.strip().replace('"', "") for f in valid.group(1).split(",")] if valid else []
    plain = name.replace('"', "")
    last = plain.rsplit(".", 1)[-1]
    by_last = {field.rsplit(".", 1)[-1]: field for field in fields}
    close = difflib.get_close_matches(last, by_last, n=3, cutoff=0.5)
    hint = f"Nearest: {', '.join(by_last[c] for c in close)}." if close else None
    if hint is None and fields:
        hint = f"Columns here: {', '.join(fields[:8])}{', …' if len(fields) > 8 else ''}."
    return UnknownNameError(
        f"column {plain!r} does not exist", position=_position(plain, sql), hint=hint
    )


def _position(name: str, sql: str) -> Position | None:
    """The first place where the last part of a dotted name stands in the text."""
    last = name.replace('"', "").rsplit(".", 1)[-1].lower()
    for token in tokenize(sql):
        if token.text.lower() == last:
            return position_of(token)
    return None


def _sentence(message: str) -> str:
    innermost = message.rsplit("caused by\n", 1)[-1]
    text = _PREFIX.sub("", innermost.strip()).split("\n")[0]
    return text[:300].strip() or "the engine cannot plan this statement"


def position_of_name(name: str, sql: str) -> Position | None:
    """Where a name of the client's text stands, or None."""
    return _position(name, sql)
