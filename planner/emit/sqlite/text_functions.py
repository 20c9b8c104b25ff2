"""Functions of text: when SQLite's result is the engine's, and how each is written there.

For LIKE, GLOB, length, substr and unicode a text ends at its first NUL character, which the
engine's does not: what they would do is done by instr and by the bytes, or stays here. Texts are in
UTF-8: the connector reads no other file.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.sqlite.columns import (
    BLOB,
    TEXT,
    as_type,
    call,
    is_text,
    number,
    text,
    unless_null,
)
from planner.emit.sqlite.conditions import is_ascii
from planner.relations import Call, Literal

_MOST_REPEATS = 1000


def _texts(call_: Call) -> str | None:
    if all(is_text(a.type) for a in call_.arguments):
        return None
    return f"{call_.function} of other than text"


def _constant_text(position: int) -> Callable[[Call], str | None]:
    """The argument at `position`, if there is one, is a constant with characters in it."""

    def refuse(call_: Call) -> str | None:
        for argument in call_.arguments[position : position + 1]:
            if not isinstance(argument, Literal) or not argument.value:
                return f"only a constant argument of {call_.function} is pushed"
        return _texts(call_)

    return refuse


def _ascii(call_: Call) -> str | None:
    if not all(map(is_ascii, call_.arguments)):
        return "only letters of ASCII have a case there"
    return _texts(call_)


def _paths(pattern: str) -> tuple[str, ...] | None:
    """The texts between the wildcards % of a pattern; None for one with another wildcard.

    >>> _paths("a%"), _paths("%a\\\\%%"), _paths("a_b")
    (('a', ''), ('', 'a%', ''), None)
    """
    parts, escaped = [""], False
    for character in pattern:
        if escaped:
            if character not in "\\%_":
                return None
            parts[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "_":
            return None
        elif character != "%":
            parts[-1] += character
        elif len(parts) == 1 or parts[-1]:
            parts.append("")
    return None if escaped else tuple(parts)


def _like(call_: Call) -> str | None:
    pattern, *escape = call_.arguments[1:]
    default = all(isinstance(e, Literal) and e.value in ("", "\\", None) for e in escape)
    if not default or not isinstance(pattern, Literal) or pattern.value is None:
        return "only a constant pattern without an escape character is pushed"
    parts = _paths(pattern.value)
    known = parts is not None and (len(parts) <= 2 or (len(parts) == 3 and not parts[0] + parts[2]))
    if not known:
        return "only a pattern with texts at its ends, or one between wildcards"
    return _texts(Call(call_.function, call_.arguments[:1], call_.type))


def _write_like(call_: Call, arguments: list[Sql]) -> Sql:
    parts = cast(tuple[str, ...], _paths(cast(Literal, call_.arguments[1]).value))
    value = arguments[0]
    if len(parts) == 1:
        return exp.Paren(this=exp.EQ(this=_closed(value), expression=text(parts[0])))
    if len(parts) == 3:
        return _contains(value, text(parts[1]))
    first, last = parts
    tests = []
    if first:
        tests.append(_starts_with(value, text(first)))
    if last:
        tests.append(_ends_with(value, text(last)))
    if first and last:
        both = exp.Add(this=_bytes_long(text(first)), expression=_bytes_long(text(last)))
        tests.append(exp.GTE(this=_bytes_long(value.copy()), expression=both))
    if not tests:
        # Every text, and not NULL.
        return exp.Paren(this=exp.EQ(this=_closed(value), expression=_closed(value.copy())))
    return exp.Paren(this=reduce(lambda x, y: exp.And(this=x, expression=y), tests))


def _closed(sql: Sql) -> Sql:
    return exp.paren(sql, copy=False) if isinstance(sql, exp.Binary | exp.Unary | exp.In) else sql


def _bytes(sql: Sql) -> Sql:
    return as_type(sql, BLOB)


def _bytes_long(sql: Sql) -> Sql:
    return call("length", _bytes(sql))


def _contains(value: Sql, part: Sql) -> Sql:
    return exp.Paren(this=exp.GT(this=call("instr", value, part), expression=number(0)))


def _starts_with(value: Sql, start: Sql) -> Sql:
    return exp.Paren(this=exp.EQ(this=call("instr", value.copy(), start), expression=number(1)))


def _ends_with(value: Sql, end: Sql) -> Sql:
    """Of an end that is not empty: the last 0 bytes are all of them there, and a part of no bytes
    is NULL."""
    last = call("substr", _bytes(value.copy()), exp.Neg(this=_bytes_long(end)))
    same = exp.EQ(this=last, expression=_bytes(end.copy()))
    some = exp.NEQ(this=_closed(value.copy()), expression=text(""))
    return exp.Paren(this=exp.And(this=some, expression=same))


def _write_concatenation(_: Call, arguments: list[Sql]) -> Sql:
    result = _closed(arguments[0])
    for argument in arguments[1:]:
        result = exp.DPipe(this=result, expression=_closed(argument))
    return result


def _trim(name: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: call(name, *a),
        _constant_text(1),
        "a set of characters in both; else the space",
        takes="text, text constant",
        when="not empty",
        written=f"{name}(x, y)",
    )


def _counted(call_: Call) -> str | None:
    return _texts(call_) if call_.type == pa.int32() else f"{call_.function} as {call_.type}"


def _write_length(_: Call, arguments: list[Sql]) -> Sql:
    """Where a byte that is in no text begins, after the text."""
    end = as_type(exp.HexString(this="FF"), TEXT)
    whole = exp.DPipe(this=_closed(arguments[0]), expression=end)
    place = call("instr", whole, end.copy())
    return exp.Paren(this=exp.Sub(this=place, expression=number(1)))


def _repeated(call_: Call) -> str | None:
    count = call_.arguments[1]
    known = isinstance(count, Literal) and isinstance(count.value, int)
    if not known or not 0 <= cast(Literal, count).value <= _MOST_REPEATS:
        return f"only a constant number of repetitions, up to {_MOST_REPEATS}, is pushed"
    return _texts(Call(call_.function, call_.arguments[:1], call_.type))


def _write_repeat(call_: Call, arguments: list[Sql]) -> Sql:
    zeros = "00" * cast(Literal, call_.arguments[1]).value
    return call("replace", text(zeros), text("00"), arguments[0])


def _encoded(call_: Call) -> str | None:
    value, form = call_.arguments
    if not isinstance(form, Literal) or form.value != "hex":
        return "only the form hex is pushed"
    return None if pa.types.is_binary(value.type) else f"encode of {value.type}"


def _write_encode(_: Call, arguments: list[Sql]) -> Sql:
    # Of NULL, hex makes the empty text.
    return unless_null(arguments[0], call("lower", call("hex", arguments[0].copy())))


def _cased(name: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: call(name, *a),
        _ascii,
        "letters of ASCII only",
        takes="text",
        when="ASCII, by the expression alone",
        written=f"{name}(x)",
    )


TEXT_FUNCTIONS: dict[str, FunctionRule] = {
    "like": FunctionRule(
        _write_like,
        _like,
        "by bytes, and by the case of letters; a NUL character ends no text",
        takes="text, text constant",
        when="of the forms a%, %a, a%b, %a%; each backslash is before \\, % or _",
        written="instr(x, y) = 1, substr(CAST(x AS BLOB), …) = y, instr(x, y) > 0",
    ),
    "starts_with": FunctionRule(
        lambda _, a: _starts_with(*a),
        _texts,
        "every text begins with the empty one",
        takes="text, text",
        written="instr(x, y) = 1",
    ),
    "ends_with": FunctionRule(
        lambda _, a: _ends_with(*a),
        _constant_text(1),
        "by bytes",
        takes="text, text constant",
        when="not empty",
        written="x <> '' AND substr(CAST(x AS BLOB), -length(CAST(y AS BLOB))) = CAST(y AS BLOB)",
    ),
    "contains": FunctionRule(
        lambda _, a: _contains(*a),
        _texts,
        "every text has the empty one",
        takes="text, text",
        written="instr(x, y) > 0",
    ),
    "strpos": FunctionRule(
        lambda _, a: call("instr", *a),
        _counted,
        "code points in both",
        takes="text, text",
        written="instr(x, y)",
    ),
    "character_length": FunctionRule(
        _write_length,
        _counted,
        "code points in both; a NUL character ends no text",
        takes="text",
        written="instr(x || CAST(x'FF' AS TEXT), CAST(x'FF' AS TEXT)) - 1",
    ),
    "octet_length": FunctionRule(
        lambda _, a: _bytes_long(a[0]),
        _counted,
        "bytes of UTF-8",
        takes="text",
        written="length(CAST(x AS BLOB))",
    ),
    "bit_length": FunctionRule(
        lambda _, a: exp.Mul(this=_bytes_long(a[0]), expression=number(8)),
        _counted,
        "bytes of UTF-8",
        takes="text",
        written="length(CAST(x AS BLOB)) * 8",
    ),
    "replace": FunctionRule(
        lambda _, a: call("replace", *a),
        _constant_text(1),
        "by bytes",
        takes="text, text constant, text",
        when="not empty",
        written="replace(x, y, z)",
    ),
    "repeat": FunctionRule(
        _write_repeat,
        _repeated,
        "by bytes",
        takes="text, integer constant",
        when=f"up to {_MOST_REPEATS}",
        written="replace('00…', '00', x)",
    ),
    "btrim": _trim("trim"),
    "ltrim": _trim("ltrim"),
    "rtrim": _trim("rtrim"),
    "str_concat": FunctionRule(
        _write_concatenation, _texts, "NULL of NULL", takes="text, …", written="x || y || …"
    ),
    "concat": FunctionRule(
        lambda _, a: call("concat", *a),
        _texts,
        "NULL is empty in both",
        takes="text, …",
        written="concat(x, y, …)",
    ),
    "concat_ws": FunctionRule(
        lambda _, a: call("concat_ws", *a),
        _texts,
        "NULL is left out in both",
        takes="text, text, …",
        written="concat_ws(x, y, z, …)",
    ),
    "encode": FunctionRule(
        _write_encode,
        _encoded,
        "small letters in both",
        takes="bytes, 'hex'",
        written="CASE WHEN NOT x IS NULL THEN lower(hex(x)) END",
    ),
    "upper": _cased("upper"),
    "lower": _cased("lower"),
}
