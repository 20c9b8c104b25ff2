"""Functions of text: when DuckDB's result is the engine's, and how each is written there.

Both count code points. Upper and lower case stay here: DuckDB maps each character to one, the
engine may make two of it (ß).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.duckdb.types import INTEGER, cast_to, function_call, grouped, number, text
from planner.relations import Call, Literal

# The largest length that DuckDB's substring takes is beyond this.
_LONGEST = 2**31 - 1

_ESCAPES = re.compile(r"(?:[^\\]|\\[\\%_])*", re.DOTALL)


def _texts(call: Call) -> str | None:
    if all(pa.types.is_string(a.type) for a in call.arguments):
        return None
    return f"{call.function} of other than text"


def _constant_text(position: int) -> Callable[[Call], str | None]:
    """The argument at `position`, if there is one, is a constant with characters in it."""

    def refuse(call: Call) -> str | None:
        for argument in call.arguments[position : position + 1]:
            if not isinstance(argument, Literal) or not argument.value:
                return f"only a constant argument of {call.function} is pushed"
        return _texts(call)

    return refuse


def _like(call: Call) -> str | None:
    pattern, *escape = call.arguments[1:]
    default = all(isinstance(e, Literal) and e.value in ("", "\\", None) for e in escape)
    if not default or not isinstance(pattern, Literal):
        return "only a constant pattern without an escape character is pushed"
    if pattern.value is None or not _ESCAPES.fullmatch(pattern.value):
        return "a pattern with a stray backslash"
    return None


def _write_like(call: Call, arguments: list[Sql]) -> Sql:
    result = exp.Like(this=grouped(arguments[0]), expression=arguments[1])
    if "\\" in cast(Literal, call.arguments[1]).value:
        return exp.Escape(this=result, expression=text("\\"))
    return result


def _substring(call: Call) -> str | None:
    bounds = call.arguments[1:]
    if not all(isinstance(b, Literal) and isinstance(b.value, int) for b in bounds):
        return "only constant positions are pushed"
    if any(abs(cast(Literal, b).value) > _LONGEST for b in bounds):
        return "a position that is no integer there"
    if len(bounds) == 2 and cast(Literal, bounds[1]).value < 0:
        return "a negative length"
    return _texts(Call(call.function, call.arguments[:1], call.type))


def _write_substring(call: Call, arguments: list[Sql]) -> Sql:
    """Positions before the first count from the end there; here they are empty."""
    start, *length = (cast(Literal, b).value for b in call.arguments[1:])
    first = max(start, 1)
    bounds = [number(first)]
    if length:
        bounds.append(number(min(max(length[0] - (first - start), 0), _LONGEST)))
    return function_call("substr", arguments[0], *bounds)


def _trim(name: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        # Without characters DuckDB takes off every kind of space, the engine the one only.
        characters = arguments[1:] or [text(" ")]
        return function_call(name, arguments[0], *characters)

    return FunctionRule(write, _constant_text(1), "of a set of characters in both")


def _named(name: str, refuse: Callable[[Call], str | None] = _texts) -> FunctionRule:
    return FunctionRule(lambda _, a: function_call(name, *a), refuse)


def _counted(name: str) -> FunctionRule:
    return FunctionRule(lambda _, a: cast_to(function_call(name, *a), INTEGER), _int32_of_texts)


def _int32_of_texts(call: Call) -> str | None:
    return _texts(call) if call.type == pa.int32() else f"{call.function} as {call.type}"


def _write_concat(_: Call, arguments: list[Sql]) -> Sql:
    result = arguments[0]
    for argument in arguments[1:]:
        result = exp.DPipe(this=grouped(result), expression=grouped(argument))
    return result


TEXT_FUNCTIONS: dict[str, FunctionRule] = {
    "like": FunctionRule(_write_like, _like),
    "substring": FunctionRule(_write_substring, _substring, "constant positions, from the first"),
    "character_length": _counted("length"),
    "strpos": _counted("strpos"),
    "str_concat": FunctionRule(_write_concat, _texts),
    "concat": _named("concat"),
    "replace": _named("replace", _constant_text(1)),
    "starts_with": _named("starts_with"),
    "ends_with": _named("ends_with"),
    "contains": _named("contains"),
    "btrim": _trim("trim"),
    "ltrim": _trim("ltrim"),
    "rtrim": _trim("rtrim"),
}
