"""Functions of text: when DuckDB's result is the engine's, and how each is written there.

Both count code points. Case, order and padding depend on what a letter is, so they go only for
texts that are ASCII by their expression: DuckDB maps each letter to one, the engine may make two
of it (ß); DuckDB turns around what people see as one character, the engine code points.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.duckdb.conditions import is_ascii, signed_width
from planner.emit.duckdb.types import (
    BIGINT,
    INTEGER,
    cast_to,
    function_call,
    grouped,
    is_text,
    number,
    text,
)
from planner.relations import Call, Literal

# The largest length that DuckDB's substring takes is beyond this.
_LONGEST = 2**31 - 1

_ESCAPES = re.compile(r"(?:[^\\]|\\[\\%_])*", re.DOTALL)


def _texts(call: Call) -> str | None:
    if all(is_text(a.type) for a in call.arguments):
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


def _counts(call: Call) -> str | None:
    """Texts, and numbers that a bigint there holds."""
    for argument in call.arguments:
        if not is_text(argument.type) and signed_width(argument.type) is None:
            return f"{call.function} of {argument.type}"
    return None


def _ascii(call: Call) -> str | None:
    if not all(is_ascii(a) for a in call.arguments if is_text(a.type)):
        return "only ASCII is changed in one way everywhere"
    return _counts(call)


def _padded(call: Call) -> str | None:
    length, *fill = call.arguments[1:]
    if not isinstance(length, Literal) or not isinstance(length.value, int):
        return "only a constant length is pushed"
    if not 0 <= length.value <= _LONGEST:
        return "a negative length"
    if not all(isinstance(f, Literal) and f.value for f in fill):
        return "only constants fill up"
    return _ascii(call)


def _write_padded(call: Call, arguments: list[Sql]) -> Sql:
    value, length, *fill = arguments
    return function_call(call.function, value, cast_to(length, INTEGER), *(fill or [text(" ")]))


def _ilike(call: Call) -> str | None:
    reason = _like(call)
    if reason is None and not cast(Literal, call.arguments[1]).value.isascii():
        return "a pattern with letters beyond ASCII"
    return reason


def _write_ilike(call: Call, arguments: list[Sql]) -> Sql:
    """In the engine the long s is an s, and no letter beyond ASCII but it and the kelvin sign is
    one of ASCII; in DuckDB the I with a dot is an i, and the long s no s."""
    value = function_call("translate", arguments[0], text("\u017f\u0130"), text("s\u0131"))
    result = exp.ILike(this=value, expression=arguments[1])
    if "\\" in cast(Literal, call.arguments[1]).value:
        return exp.Escape(this=result, expression=text("\\"))
    return result


def _overlaid(call: Call) -> str | None:
    places = call.arguments[2:]
    if not all(isinstance(p, Literal) and isinstance(p.value, int) for p in places):
        return "only constant positions are pushed"
    start, *length = (cast(Literal, p).value for p in places)
    if not 1 <= start <= _LONGEST // 2 or not all(0 <= x <= _LONGEST // 2 for x in length):
        return "a position before the first, or a negative length"
    return _texts(Call(call.function, call.arguments[:2], call.type))


def _write_overlay(call: Call, arguments: list[Sql]) -> Sql:
    value, by = arguments[:2]
    start, *length = (cast(Literal, p).value for p in call.arguments[2:])
    rest: Sql = (
        number(start + length[0])
        if length
        else exp.Add(this=number(start), expression=function_call("length", by.copy()))
    )
    before = function_call("left", value, number(start - 1))
    after = function_call("substr", value.copy(), rest)
    return exp.DPipe(this=exp.DPipe(this=before, expression=grouped(by)), expression=after)


def _split(call: Call) -> str | None:
    part = call.arguments[2]
    if not isinstance(part, Literal) or not isinstance(part.value, int) or part.value == 0:
        return "only a constant part is pushed"
    return _constant_text(1)(Call(call.function, call.arguments[:2], call.type))


def _digested(call: Call) -> str | None:
    type_ = call.arguments[0].type
    known = is_text(type_) or pa.types.is_binary(type_)
    return None if known else f"{call.function} of {type_}"


def _encoded(call: Call) -> str | None:
    value, form = call.arguments
    if not isinstance(form, Literal) or form.value not in ("hex", "base64"):
        return "only the forms hex and base64 are pushed"
    return None if pa.types.is_binary(value.type) else f"encode of {value.type}"


def _write_encode(call: Call, arguments: list[Sql]) -> Sql:
    if cast(Literal, call.arguments[1]).value == "hex":
        return function_call("lower", function_call("hex", arguments[0]))
    # The engine's has nothing at its end.
    return function_call("rtrim", function_call("to_base64", arguments[0]), text("="))


def _hexadecimal(call: Call) -> str | None:
    type_ = call.arguments[0].type
    return None if signed_width(type_) is not None else f"to_hex of {type_}"


def _trim(name: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        # Without characters DuckDB takes off every kind of space, the engine the one only.
        characters = arguments[1:] or [text(" ")]
        return function_call(name, arguments[0], *characters)

    return FunctionRule(
        write,
        _texts,
        "a set of characters in both; else the space",
        takes="text, text",
        written=f"{name}(x, y)",
    )


def _named(
    name: str, takes: str, refuse: Callable[[Call], str | None] = _texts, *, when: str = ""
) -> FunctionRule:
    letters = ", ".join("xyzw"[: takes.count(",") + 1])
    return FunctionRule(
        lambda _, a: function_call(name, *a),
        refuse,
        "code points in both",
        takes=takes,
        when=when,
        written=f"{name}({letters})",
    )


def _counted(name: str, takes: str = "text") -> FunctionRule:
    letters = ", ".join("xyzw"[: takes.count(",") + 1])
    return FunctionRule(
        lambda _, a: cast_to(function_call(name, *a), INTEGER),
        _int32_of_texts,
        "code points in both" if name in ("length", "strpos", "ascii") else "bytes of UTF-8",
        takes=takes,
        written=f"CAST({name}({letters}) AS INT)",
    )


def _int32_of_texts(call: Call) -> str | None:
    return _texts(call) if call.type == pa.int32() else f"{call.function} as {call.type}"


def _write_concat(_: Call, arguments: list[Sql]) -> Sql:
    result = arguments[0]
    for argument in arguments[1:]:
        result = exp.DPipe(this=grouped(result), expression=grouped(argument))
    return result


_ASCII = "ASCII, by the expression alone"
_PADDED = f"{_ASCII}; a constant length, not negative"

TEXT_FUNCTIONS: dict[str, FunctionRule] = {
    "like": FunctionRule(
        _write_like,
        _like,
        takes="text, text constant",
        when="each backslash in the pattern is before \\, % or _",
        written="x LIKE y; with a backslash in y: x LIKE y ESCAPE '\\'",
    ),
    "ilike": FunctionRule(
        _write_ilike,
        _ilike,
        "of the letters beyond ASCII two match one of ASCII: the kelvin sign and the long s",
        takes="text, ASCII text constant",
        when="each backslash in the pattern is before \\, % or _",
        written="translate(x, '\u017f\u0130', 's\u0131') ILIKE y",
    ),
    "substring": FunctionRule(
        _write_substring,
        _substring,
        "code points in both",
        takes="text, integer constant, integer constant",
        when="the positions are integers there, and the length is not negative",
        written="substr(x, y, z), from the first on",
    ),
    "left": _named("left", "text, integer", _counts),
    "right": _named("right", "text, integer", _counts),
    "character_length": _counted("length"),
    "octet_length": _counted("strlen"),
    "bit_length": _counted("bit_length"),
    "ascii": _counted("ascii"),
    "strpos": _counted("strpos", "text, text"),
    "str_concat": FunctionRule(
        _write_concat, _texts, "NULL of NULL", takes="text, …", written="x || y || …"
    ),
    "concat": FunctionRule(
        lambda _, a: function_call("concat", *a),
        _texts,
        "NULL is empty in both",
        takes="text, …",
        written="concat(x, y, …)",
    ),
    "concat_ws": FunctionRule(
        lambda _, a: function_call("concat_ws", *a),
        _texts,
        "NULL is left out in both",
        takes="text, text, …",
        written="concat_ws(x, y, z, …)",
    ),
    "replace": _named("replace", "text, text, text"),
    "translate": _named("translate", "text, text, text"),
    "repeat": _named("repeat", "text, integer", _counts),
    "split_part": _named(
        "split_part", "text, text constant, integer constant", _split, when="neither empty nor 0"
    ),
    "overlay": FunctionRule(
        _write_overlay,
        _overlaid,
        "code points in both",
        takes="text, text, integer constant, integer constant",
        when="from the first on, and no negative length",
        written="left(x, z - 1) || y || substr(x, z + w)",
    ),
    "starts_with": _named("starts_with", "text, text"),
    "ends_with": _named("ends_with", "text, text"),
    "contains": _named("contains", "text, text"),
    "btrim": _trim("trim"),
    "ltrim": _trim("ltrim"),
    "rtrim": _trim("rtrim"),
    "upper": _named("upper", "text", _ascii, when=_ASCII),
    "lower": _named("lower", "text", _ascii, when=_ASCII),
    "reverse": _named("reverse", "text", _ascii, when=_ASCII),
    "lpad": FunctionRule(
        _write_padded,
        _padded,
        "ASCII only",
        takes="text, integer constant, text constant",
        when=_PADDED,
        written="lpad(x, y, z)",
    ),
    "rpad": FunctionRule(
        _write_padded,
        _padded,
        "ASCII only",
        takes="text, integer constant, text constant",
        when=_PADDED,
        written="rpad(x, y, z)",
    ),
    "to_hex": FunctionRule(
        lambda _, a: function_call("lower", function_call("to_hex", cast_to(a[0], BIGINT))),
        _hexadecimal,
        "of 64 bits in both",
        takes="integer",
        written="lower(to_hex(CAST(x AS BIGINT)))",
    ),
    "encode": FunctionRule(
        _write_encode,
        _encoded,
        "small letters in both",
        takes="bytes, 'hex' or 'base64'",
        written="lower(hex(x)), rtrim(to_base64(x), '=')",
    ),
    "md5": FunctionRule(
        lambda _, a: function_call("md5", *a),
        _digested,
        "of the bytes of UTF-8",
        takes="text or bytes",
        written="md5(x)",
    ),
    "sha256": FunctionRule(
        lambda _, a: function_call("unhex", function_call("sha256", *a)),
        _digested,
        "of the bytes of UTF-8",
        takes="text or bytes",
        written="unhex(sha256(x))",
    ),
}
