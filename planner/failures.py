"""The engine's planning failures as errors of the tree, with positions in the client's text.

DataFusion hands errors to Python as text; the patterns here are those of version 55. What matches
none stays a request error with the engine's own first sentence, never an internal one.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import itertools
import re
from collections.abc import Iterator, Sequence

from sqlglot import Token, TokenType

from connectors.errors import (
    CrosswindError,
    InvalidValueError,
    Position,
    RequestError,
    SizeLimitError,
    SqlSyntaxError,
    TypeMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from planner.engine_forms import NAMES_AND_FORMS
from planner.engine_messages import VALUES_AND_TYPES
from planner.engine_words import readable, sentence_of, shortened, type_name, type_parts
from planner.parse import position_of, tokenize
from planner.unplanned import unplanned

_AT = re.compile(r" at Line: (\d+), Column: (\d+)")
_PARSER = re.compile(r'SQL error: (?:ParserError|TokenizerError)\("(.*)"\)', re.DOTALL)
_NO_FIELD = re.compile(r"No field named (.+?)\.(?:\s|$)")
_VALID_FIELDS = re.compile(r"Valid fields are (.+?)\.?$", re.DOTALL)
_FIELD = re.compile(r'(?:"(?:[^"]|"")*"|[^\s",.]+)(?:\.(?:"(?:[^"]|"")*"|[^\s",.]+))*')
_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')
_AMBIGUOUS = re.compile(r"Ambiguous reference to unqualified field (\S+)")
_NO_FUNCTION = re.compile(r"Invalid function '([^']+)'(?:\.\s*Did you mean '([^']+)')?")
_NO_TABLE = re.compile(r"table '(.+?)' not found", re.DOTALL)
_UNSUPPORTED = ("This feature is not implemented", "Unsupported", "not supported")
_TYPES = ("failed to match any signature", "coerce", "Cannot cast", "type mismatch", "data type")
_CALL = re.compile(
    r"argument types '(?P<name>\w+)\((?P<types>.*?)\)'\. You might"
    r"|call to '(?P<other>\w+)' function: coercion from (?P<given>.*?) to the signature",
    re.DOTALL,
)
_CANDIDATE = re.compile(r"^\s+(\w+\([^\n]*\))$", re.MULTILINE)
_MAX_CANDIDATES = 3
_UNREADABLE = ("Any", "UserDefined", "VariadicAny", "Nullary", "Comparable", "Coercible")
_SPELLED = {
    "strpos": ("position",),
    "date_part": ("extract",),
    "btrim": ("trim",),
    "array_element": ("?[",),
    "substr": ("substring",),
}
"""How else a function of the engine may stand in a statement."""

_UNNAMED = {
    "field position must not be zero": "split_part",
    "negative count not allowed": "substr",
    "invalid Unicode scalar value": "chr",
    "decode value": "decode",
    "map key": "map",
    "square root of a negative": "sqrt",
    "Month value": "make_date",
    "Day value": "make_date",
    "Year value": "make_date",
}
"""Messages that do not name their function."""


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
        return _unknown_function(found.group(1), found.group(2), sql)
    if found := _NO_TABLE.search(message):
        name = found.group(1)
        return UnknownNameError(f"table {name!r} does not exist", position=_position(name, sql))
    tokens = tokenize(sql)
    if construct := unplanned(message, tokens):
        return construct
    if failure := worded(message, tokens):
        return failure
    place = place_of_call(message, tokens)
    sentence = sentence_of(message)
    if any(mark in message for mark in _TYPES):
        return TypeMismatchError(sentence, position=place)
    if any(mark in message for mark in _UNSUPPORTED):
        return UnsupportedError(sentence, position=place)
    if "Execution error" in message or "Arrow error" in message:
        return InvalidValueError(sentence, position=place)
    return RequestError(sentence, position=place)


def worded(
    message: str, tokens: Sequence[Token], *, running: bool = False
) -> CrosswindError | None:
    """The error for a message that the table has; None for any other.

    Args:
        message: the engine's text.
        tokens: of the client's statement, for the place.
        running: a value in the message may be one of the data, which has no place in the text.
    """
    if call := _CALL.search(message):
        return _refused_call(call, message, tokens)
    for rule in (*VALUES_AND_TYPES, *NAMES_AND_FORMS):
        if found := rule.pattern.search(message):
            groups = {name: _written(name, text) for name, text in found.groupdict().items()}
            groups["other_name"] = _other_name(groups.get("name", ""))
            hint = rule.hint.format_map(groups) if rule.hint else None
            text = rule.text.format_map(groups)
            at = [word for word in rule.at if not (running and "{value" in word)]
            return rule.kind(shortened(text), position=_place(at, groups, tokens), hint=hint)
    return None


def _other_name(name: str) -> str:
    """Functions on lists have two names, of which the engine says the first."""
    return name.replace("array_", "list_") if name.startswith("array_") else f"array_{name}"


def place_of_call(message: str, tokens: Sequence[Token]) -> Position | None:
    """Where the function stands that a message names, if the statement calls just one of these."""
    said = set(re.findall(r"\w+", message.lower()))
    for mark, name in _UNNAMED.items():
        if mark in message:
            said |= {name, *_SPELLED.get(name, ())}
    calls = [
        token
        for token, after in itertools.pairwise(tokens)
        if after.token_type is TokenType.L_PAREN and token.text.lower() in said
    ]
    return position_of(calls[0]) if len({c.text.lower() for c in calls}) == 1 else None


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
    # As they are written in SQL: quoted where they must be.
    fields = list(dict.fromkeys(_FIELD.findall(valid.group(1)))) if valid else []
    path = _path(name)
    by_last = {_path(field)[-1]: field for field in fields}
    close = difflib.get_close_matches(path[-1], by_last, n=3, cutoff=0.5)
    hint = f"Nearest: {', '.join(by_last[c] for c in close)}." if close else None
    if hint is None and fields:
        hint = f"Columns here: {', '.join(fields[:8])}{', …' if len(fields) > 8 else ''}."
    return UnknownNameError(
        f"column {'.'.join(path)!r} does not exist", position=_place_of(path, sql), hint=hint
    )


def _path(name: str) -> list[str]:
    """The parts of a dotted name, without the quotes."""
    return [
        quoted.replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(name)
    ] or [name]


def _unknown_function(name: str, nearest: str | None, sql: str) -> RequestError:
    position = _position(name, sql)
    if name.lower() in _WINDOW_FUNCTIONS:
        return RequestError(
            f"{name} is a window function", position=position, hint="Write OVER (…) after it."
        )
    alike = nearest and difflib.SequenceMatcher(None, name.lower(), nearest).ratio() >= _ALIKE
    if name.lower() in _OTHER_NAMES:
        nearest, alike = _OTHER_NAMES[name.lower()], True
    hint = f"Nearest: {nearest}." if alike else None
    return UnknownNameError(f"function {name!r} does not exist", position=position, hint=hint)


_WINDOW_FUNCTIONS = frozenset(
    {
        *("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"),
        *("lag", "lead", "nth_value", "first_value", "last_value"),
    }
)
_ALIKE = 0.6
_OTHER_NAMES = {"sign": "signum", "sgn": "signum"}
"""What functions of other systems are called here, where another name is spelled more alike."""


def _position(name: str, sql: str) -> Position | None:
    """The first place where the last part of a dotted name stands in the text."""
    return _place_of(_path(name), sql)


def _place_of(path: Sequence[str], sql: str) -> Position | None:
    """The first place of the whole name, or else of its last part alone."""
    tokens = tokenize(sql)
    words = [token.text.lower() for token in tokens]
    wanted = ".".join(part.lower() for part in path)
    for at, token in enumerate(tokens):
        if "".join(words[max(0, at + 2 - 2 * len(path)) : at + 1]) == wanted:
            return position_of(token)
    last = path[-1].lower()
    return next((position_of(t) for t in tokens if t.text.lower() == last), None)


def _written(name: str, text: str | None) -> str:
    if text is None:
        return "name"
    if name.startswith("type"):
        return ", ".join(type_name(part) for part in type_parts(text))
    return readable(text).strip() if name.startswith("expr") else text.strip()


def _refused_call(call: re.Match[str], message: str, tokens: Sequence[Token]) -> TypeMismatchError:
    name = call["name"] or call["other"]
    given = call["given"] if call["types"] is None else call["types"]
    types = [type_name(part) for part in type_parts(given)]
    takes = [
        found
        for found in dict.fromkeys(_candidate(text) for text in _CANDIDATE.findall(message))
        if found and not any(mark in found for mark in _UNREADABLE)
    ]
    counts = sorted(set(map(int, re.findall(r"expects (\d+) argument", message))))
    hint = None
    if 0 < len(takes) <= _MAX_CANDIDATES:
        hint = f"It takes {' or '.join(takes)}."
    elif counts and len(types) not in counts:
        plural = "s" if counts != [1] else ""
        hint = f"It takes {' or '.join(map(str, counts))} argument{plural}."
    else:
        wanted = dict.fromkeys(re.findall(r"requires (\w+), but received", message))
        if wanted:
            hint = f"It takes {', '.join(type_name(t).lower() for t in wanted)}."
    called = _called((name, _other_name(name)), tokens)
    words = _SPELLED.get(name, ())
    return TypeMismatchError(
        shortened(f"{called.text if called else name} does not take ({', '.join(types)})"),
        position=position_of(called) if called else _place(words, {}, tokens),
        hint=hint,
    )


_NO_CALLS = frozenset(
    {
        *("OVER", "FILTER", "GROUP", "IN", "VALUES", "AS", "AND", "OR", "NOT", "WHERE", "SELECT"),
        *("CAST", "TRY_CAST", "LIMIT", "OFFSET", "LATERAL", "UNNEST", "JOIN", "SETS", "ROLLUP"),
        *("EXISTS", "ON", "USING", "BY", "FROM", "HAVING", "WHEN", "THEN", "ELSE", "ALL", "ANY"),
    }
)
"""Words that may stand before a bracket and are no function."""


def _called(names: Sequence[str], tokens: Sequence[Token]) -> Token | None:
    """The call of a function; by another of its names, if it is the only call there is."""
    calls = [
        token
        for token, after in itertools.pairwise(tokens)
        if after.token_type is TokenType.L_PAREN
        and token.text.replace("_", "a").isalnum()
        and token.text.upper() not in _NO_CALLS
    ]
    named = [token for token in calls if token.text.lower() in names]
    if named or _FROM_OPERATORS.intersection(names):
        return named[0] if named else None
    return calls[0] if len(calls) == 1 else None


_FROM_OPERATORS = frozenset(
    {
        *("array_element", "array_slice", "array_has", "array_max", "array_min", "cardinality"),
        *("array_append", "array_prepend", "array_concat", "array_position", "strpos"),
    }
)
"""Functions that an operator stands for as well."""


def _candidate(text: str) -> str:
    """A signature with the types of SQL."""
    name, _, inner = text.partition("(")
    parts = ["/".join(dict.fromkeys(map(type_name, p.split("/")))) for p in type_parts(inner[:-1])]
    return f"{name}({', '.join(parts)})"


def _place(at: Sequence[str], groups: dict[str, str], tokens: Sequence[Token]) -> Position | None:
    for template in at:
        wanted = template.format_map(groups) if groups else template
        if wanted.startswith("'"):
            found = [t for t in tokens if _is_text(t) and t.text.startswith(wanted.lstrip("'"))]
        else:
            words = wanted.removeprefix("?").replace('"', "").lower()
            last = words if words in _SIGNS else words.rsplit(".", 1)[-1]
            same = _SAME_WORDS.get(last, (last,))
            found = [t for t in tokens if not _is_text(t) and t.text.lower() in same]
        if found and (len(found) == 1 or not wanted.startswith("?")):
            return position_of(found[0])
    return None


_SIGNS = frozenset({"...", "."})
_SAME_WORDS = {
    "!=": ("!=", "<>"),
    "is distinct from": ("distinct",),
    "is not distinct from": ("distinct",),
    "similar to": ("similar", "similar to"),
}

_TEXTS = frozenset(
    {
        TokenType.STRING,
        TokenType.NATIONAL_STRING,
        TokenType.BIT_STRING,
        TokenType.HEX_STRING,
        TokenType.BYTE_STRING,
        TokenType.RAW_STRING,
        TokenType.UNICODE_STRING,
        TokenType.HEREDOC_STRING,
    }
)


def _is_text(token: Token) -> bool:
    return token.token_type in _TEXTS


def position_of_name(name: str, sql: str) -> Position | None:
    """Where a name of the client's text stands, which is one whatever is in it, or None."""
    return _place_of((name,), sql)


def missing_table(message: str) -> str | None:
    """The engine's name of the table that one of its messages says is not there, if it does.

    >>> missing_table("Error during planning: table 'a.b.c' not found")
    'a.b.c'
    """
    found = _NO_TABLE.search(message)
    return found.group(1) if found else None
