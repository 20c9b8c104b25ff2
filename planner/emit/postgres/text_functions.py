"""Functions of text: when PostgreSQL's result is the engine's, and how each is written there.

Both count code points. Case and padding depend on what a letter is, so they go only for texts that
are ASCII by their expression; the engine pads by what people see as one character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.postgres.columns import C
from planner.emit.postgres.conditions import is_ascii, is_integer_there
from planner.emit.postgres.types import (
    BIGINT,
    INTEGER,
    cases,
    cast_to,
    function_call,
    grouped,
    is_text,
    number,
    text,
)
from planner.relations import Call, Expression, Literal

_MOST = 2**31 - 1

_ESCAPES = re.compile(r"(?:[^\\]|\\[\\%_])*", re.DOTALL)


def _texts(call: Call) -> str | None:
    if all(is_text(a.type) for a in call.arguments):
        return None
    return f"{call.function} of other than text"


def _counts(call: Call) -> str | None:
    """Texts, and numbers that an integer there holds."""
    for argument in call.arguments:
        if is_text(argument.type):
            continue
        if not pa.types.is_integer(argument.type):
            return f"{call.function} of {argument.type}"
        if not is_integer_there(argument):
            return "a position that is not an integer there"
    return None


def _integer(argument: Expression, sql: Sql) -> Sql:
    if isinstance(argument, Literal) and argument.value is not None:
        value = cast(int, argument.value)
        return exp.Paren(this=exp.Neg(this=number(-value))) if value < 0 else number(value)
    return sql if argument.type == pa.int32() else cast_to(sql, INTEGER)


def _counted(name: str, call: Call, arguments: list[Sql]) -> Sql:
    """A call whose numbers are integers there."""
    pairs = zip(call.arguments, arguments, strict=True)
    return function_call(name, *(s if is_text(a.type) else _integer(a, s) for a, s in pairs))


def refuse_pattern(call: Call) -> str | None:
    """Why LIKE may differ there for its pattern, or for what is not text."""
    pattern, *escape = call.arguments[1:]
    default = all(isinstance(e, Literal) and e.value in ("", "\\", None) for e in escape)
    if not default or not isinstance(pattern, Literal):
        return "only a constant pattern without an escape character is pushed"
    if pattern.value is None or not _ESCAPES.fullmatch(pattern.value):
        return "a pattern with a stray backslash"
    return _texts(Call(call.function, call.arguments[:1], call.type))


def _ilike(call: Call) -> str | None:
    reason = refuse_pattern(call)
    if reason is None and not cast(Literal, call.arguments[1]).value.isascii():
        return "a pattern with letters beyond ASCII"
    return reason


def _write_like(_: Call, arguments: list[Sql]) -> Sql:
    return exp.Like(this=grouped(arguments[0]), expression=arguments[1])


_FOLDED = {"k": "\u212a", "s": "\u017f"}
"""The letters beyond ASCII that are one of ASCII without case: the kelvin sign and the long s."""


def _write_ilike(call: Call, arguments: list[Sql]) -> Sql:
    value = without_folds(arguments[0], cast(Literal, call.arguments[1]).value.lower())
    return exp.ILike(this=by_code_point(value), expression=arguments[1])


def without_folds(value: Sql, letters: str) -> Sql:
    """A text without the letters beyond ASCII that match one of these letters without case."""
    found = [letter for letter in _FOLDED if letter in letters]
    if not found:
        return value
    others = text("".join(_FOLDED[letter] for letter in found))
    return function_call("translate", value, others, text("".join(found)))


def by_code_point(sql: Sql) -> Sql:
    """Text whose letters are those of ASCII only, whatever the locale."""
    return exp.Collate(this=grouped(sql), expression=C.copy())


def in_ascii(name: str, sql: Sql) -> Sql:
    """lower(x) or upper(x) of the letters of ASCII alone."""
    return function_call(name, by_code_point(sql))


def _substring(call: Call) -> str | None:
    length = call.arguments[2:]
    if length and isinstance(length[0], Literal) and (length[0].value or 0) < 0:
        return "a negative length"
    return _counts(call)


def _ascii(call: Call) -> str | None:
    if not all(is_ascii(a) for a in call.arguments if is_text(a.type)):
        return "letters beyond ASCII are known by their locale there"
    return _counts(call)


def _padded(call: Call) -> str | None:
    length = call.arguments[1]
    if not isinstance(length, Literal) or not isinstance(length.value, int):
        return "only a constant length is pushed"
    return _ascii(call) if 0 <= length.value <= _MOST else "a negative length"


def _write_right(call: Call, arguments: list[Sql]) -> Sql:
    count = _integer(call.arguments[1], arguments[1])
    if not isinstance(call.arguments[1], Literal):
        # Of the lowest integer PostgreSQL takes the negative, which is itself.
        least = exp.Paren(this=exp.Neg(this=number(_MOST)))
        below = exp.LT(this=grouped(count.copy()), expression=least)
        count = cases((below, least.copy()), default=count)
    return function_call("right", arguments[0], count)


def _write_ends_with(_: Call, arguments: list[Sql]) -> Sql:
    whole, end = arguments
    length = function_call("char_length", end.copy())
    same = exp.EQ(this=function_call("right", whole, length), expression=grouped(end))
    return exp.Paren(this=same)


def _write_contains(_: Call, arguments: list[Sql]) -> Sql:
    return exp.Paren(this=exp.GT(this=function_call("strpos", *arguments), expression=number(0)))


def _write_concatenation(_: Call, arguments: list[Sql]) -> Sql:
    first, *rest = arguments
    result = grouped(first)
    for argument in rest:
        result = exp.DPipe(this=result, expression=grouped(argument))
    return result


def _bytes_of(argument: Expression, sql: Sql) -> Sql:
    """Its bytes, whatever the encoding of the database."""
    return (
        sql if pa.types.is_binary(argument.type) else function_call("convert_to", sql, text("UTF8"))
    )


def _digested(call: Call) -> str | None:
    known = is_text(call.arguments[0].type) or pa.types.is_binary(call.arguments[0].type)
    return None if known else f"{call.function} of {call.arguments[0].type}"


def _digest(name: str) -> FunctionRule:
    return FunctionRule(
        lambda c, a: function_call(name, _bytes_of(c.arguments[0], a[0])),
        _digested,
        "of the bytes of UTF-8",
        takes="text or bytes",
        written=f"{name}(convert_to(x, 'UTF8'))",
    )


def _write_octet_length(call: Call, arguments: list[Sql]) -> Sql:
    return function_call("octet_length", _bytes_of(call.arguments[0], arguments[0]))


def _write_bit_length(call: Call, arguments: list[Sql]) -> Sql:
    return exp.Mul(this=_write_octet_length(call, arguments), expression=number(8))


def _encoded(call: Call) -> str | None:
    value, form = call.arguments
    if not isinstance(form, Literal) or form.value != "hex":
        return "only the form hex is pushed"
    return None if pa.types.is_binary(value.type) else f"encode of {value.type}"


def _hexadecimal(call: Call) -> str | None:
    signed = call.arguments[0].type in (pa.int16(), pa.int32(), pa.int64())
    return None if signed else f"to_hex of {call.arguments[0].type}"


def _int32_of_texts(call: Call) -> str | None:
    return _texts(call) if call.type == pa.int32() else f"{call.function} as {call.type}"


def _named(
    name: str, refuse: Callable[[Call], str | None], takes: str, shown: str = "", when: str = ""
) -> FunctionRule:
    letters = ", ".join("xyzw"[: takes.count(",") + 1])
    return FunctionRule(
        lambda c, a: _counted(name, c, a),
        refuse,
        shown or "code points in both",
        takes=takes,
        when=when,
        written=f"{name}({letters})",
    )


def _cased(name: str) -> FunctionRule:
    return FunctionRule(
        lambda _, a: in_ascii(name, a[0]),
        _ascii,
        "letters of ASCII only, in every locale",
        takes="text",
        when="ASCII, by the expression alone",
        written=f'{name}(x COLLATE "C")',
    )


_PADDED = "ASCII, by the expression alone; a constant length, not negative"

TEXT_FUNCTIONS: dict[str, FunctionRule] = {
    "like": FunctionRule(
        _write_like,
        refuse_pattern,
        takes="text, text constant",
        when="each backslash in the pattern is before \\, % or _",
        written="x LIKE y",
    ),
    "ilike": FunctionRule(
        _write_ilike,
        _ilike,
        "of the letters beyond ASCII two match one of ASCII: the kelvin sign and the long s",
        takes="text, ASCII text constant",
        when="each backslash in the pattern is before \\, % or _",
        written="x COLLATE \"C\" ILIKE y; with k or s in y: translate(x, '\u212aſ', 'ks') for x",
    ),
    "substring": _named(
        "substr",
        _substring,
        "text, integer, integer",
        "code points in both; both fail for a negative length",
        "the positions are integers there",
    ),
    "left": _named("left", _counts, "text, integer", when="integers there"),
    "right": FunctionRule(
        _write_right,
        _counts,
        "code points in both",
        takes="text, integer",
        when="integers there",
        written="right(x, y), of -2147483648 as of -2147483647",
    ),
    "character_length": _named("char_length", _int32_of_texts, "text"),
    "octet_length": FunctionRule(
        _write_octet_length,
        _digested,
        "of the bytes of UTF-8",
        takes="text or bytes",
        written="octet_length(convert_to(x, 'UTF8'))",
    ),
    "bit_length": FunctionRule(
        _write_bit_length,
        _digested,
        "of the bytes of UTF-8",
        takes="text or bytes",
        written="octet_length(convert_to(x, 'UTF8')) * 8",
    ),
    "ascii": _named("ascii", _int32_of_texts, "text"),
    "strpos": _named("strpos", _int32_of_texts, "text, text"),
    "contains": FunctionRule(
        _write_contains,
        _texts,
        "every text has the empty one",
        takes="text, text",
        written="strpos(x, y) > 0",
    ),
    "starts_with": _named("starts_with", _texts, "text, text"),
    "ends_with": FunctionRule(
        _write_ends_with,
        _texts,
        "code points in both",
        takes="text, text",
        written="right(x, char_length(y)) = y",
    ),
    "str_concat": FunctionRule(
        _write_concatenation, _texts, "NULL of NULL", takes="text, …", written="x || y || …"
    ),
    "concat": _named("concat", _texts, "text, …", "NULL is empty in both"),
    "concat_ws": _named("concat_ws", _texts, "text, text, …", "NULLs are left out in both"),
    "replace": _named("replace", _texts, "text, text, text", "nothing is changed for an empty y"),
    "reverse": _named("reverse", _texts, "text"),
    "repeat": _named("repeat", _counts, "text, integer", "empty below 1", "integers there"),
    "split_part": _named(
        "split_part",
        _counts,
        "text, text, integer",
        "counted from the end below 0; both fail for 0",
        "integers there",
    ),
    "overlay": _named(
        "overlay",
        _counts,
        "text, text, integer, integer",
        "both fail for a start below 1",
        "integers there",
    ),
    "btrim": _named("btrim", _texts, "text, text", "a set of characters in both; else the space"),
    "ltrim": _named("ltrim", _texts, "text, text", "a set of characters in both; else the space"),
    "rtrim": _named("rtrim", _texts, "text, text", "a set of characters in both; else the space"),
    "upper": _cased("upper"),
    "lower": _cased("lower"),
    "lpad": _named("lpad", _padded, "text, integer constant, text", "ASCII only", _PADDED),
    "rpad": _named("rpad", _padded, "text, integer constant, text", "ASCII only", _PADDED),
    "to_hex": FunctionRule(
        lambda _, a: function_call("to_hex", cast_to(a[0], BIGINT)),
        _hexadecimal,
        "of 64 bits in both",
        takes="integer",
        written="to_hex(CAST(x AS bigint))",
    ),
    "encode": FunctionRule(
        lambda _, a: function_call("encode", *a),
        _encoded,
        "small letters in both",
        takes="bytes, 'hex'",
        written="encode(x, y)",
    ),
    "md5": _digest("md5"),
    "sha224": _digest("sha224"),
    "sha256": _digest("sha256"),
    "sha384": _digest("sha384"),
    "sha512": _digest("sha512"),
}
