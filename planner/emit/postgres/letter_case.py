"""lower(x) and upper(x) where they are compared with ASCII constants.

What a letter is depends on the locale there, so a changed text cannot be had. Whether it equals or
matches a constant of ASCII can: few characters beyond ASCII become ones of it, and all others stay
beyond it under either rule. Owns those few, and the rules of such comparisons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.postgres.text_functions import in_ascii, refuse_pattern
from planner.emit.postgres.types import function_call, is_text, text
from planner.relations import Call, Expression, InList, Literal

LOWERED = {"\u212a": "k", "\u0130": "i\u0307"}
"""What in lower case has a character of ASCII."""

UPPERED = {
    "\u0131": "I", "\u017f": "S", "\u00df": "SS", "\u0149": "\u02bcN", "\u01f0": "J\u030c",
    "\u1e96": "H\u0331", "\u1e97": "T\u0308", "\u1e98": "W\u030a", "\u1e99": "Y\u030a",
    "\u1e9a": "A\u02be", "\ufb00": "FF", "\ufb01": "FI", "\ufb02": "FL", "\ufb03": "FFI",
    "\ufb04": "FFL", "\ufb05": "ST", "\ufb06": "ST",
}  # fmt: skip
"""What in upper case has a character of ASCII."""

_BECOME = {"lower": LOWERED, "upper": UPPERED}
_COMPARED = {"equal": exp.EQ, "not_equal": exp.NEQ}
_WILDCARDS = re.compile(r"\\(.)|(%)|(_)", re.DOTALL)


def reshape(expression: Expression) -> Expression:
    """The comparison of lower(x) or upper(x) with constants as one call, which has its own rule."""
    match expression:
        case InList():
            return _of_constants(expression.value, "in", expression.options) or expression
        case Call(function="equal" | "not_equal", arguments=(one, other)):
            name = expression.function
            found = _of_constants(one, name, (other,)) or _of_constants(other, name, (one,))
            return found or expression
        case Call(function="like", arguments=(value, pattern, *escape)):
            found = _of_constants(value, "like", (pattern,))
            return replace(found, arguments=(*found.arguments, *escape)) if found else expression
        case Call(function="is_null" | "is_not_null", arguments=(Call() as changed,)):
            # What LIKE '%' is.
            if changed.function in _BECOME:
                return replace(expression, arguments=changed.arguments)
    return expression


def _of_constants(value: Expression, name: str, constants: tuple[Expression, ...]) -> Call | None:
    if not isinstance(value, Call) or value.function not in _BECOME:
        return None
    if not all(map(_is_ascii, constants)):
        return None
    return Call(f"{value.function}_{name}", (*value.arguments, *constants), pa.bool_())


def _is_ascii(expression: Expression) -> bool:
    if not isinstance(expression, Literal) or not is_text(expression.type):
        return False
    return expression.value is None or str(expression.value).isascii()


def _refuse(call: Call) -> str | None:
    return None if is_text(call.arguments[0].type) else f"{call.function} of other than text"


def _refuse_like(call: Call) -> str | None:
    reason = refuse_pattern(call)
    if reason is None and call.function == "upper_like" and "_" in _pattern(call):
        return "a pattern with _ for one letter, which may become several"
    return reason


def _pattern(call: Call) -> str:
    return str(cast(Literal, call.arguments[1]).value)


def _changed(name: str, value: Sql, needed: Iterable[str]) -> Sql:
    """lower(x) or upper(x) by ASCII alone, of a text whose few other letters were replaced."""
    become = _BECOME[name]
    singles = [letter for letter in needed if len(become[letter]) == 1]
    if singles:
        others = "".join(become[letter] for letter in singles)
        value = function_call("translate", value, text("".join(singles)), text(others))
    for letter in needed:
        if letter not in singles:
            value = function_call("replace", value, text(letter), text(become[letter]))
    return in_ascii(name, value)


def _of_equality(name: str, constants: Iterable[Expression]) -> list[str]:
    """The letters that can be part of a text that equals one of the constants."""
    values = [str(c.value) for c in constants if isinstance(c, Literal) and c.value is not None]
    return [
        letter
        for letter, found in _BECOME[name].items()
        if found.isascii() and any(found in value for value in values)
    ]


def _of_pattern(name: str, pattern: str) -> list[str]:
    """The letters that can be part of a match, or that are several for one _."""
    parts = [""]
    single = False
    for plain, escaped, any_, one in _pieces(pattern):
        parts[-1] += plain + escaped
        single = single or bool(one)
        if any_ or one:
            parts.append("")
    return [
        letter
        for letter, found in _BECOME[name].items()
        if (single and len(found) > 1) or any(_meet(found, part) for part in parts)
    ]


def _pieces(pattern: str) -> Iterable[tuple[str, str, str, str]]:
    start = 0
    for found in _WILDCARDS.finditer(pattern):
        yield pattern[start : found.start()], found[1] or "", found[2] or "", found[3] or ""
        start = found.end()
    yield pattern[start:], "", "", ""


def _meet(found: str, part: str) -> bool:
    """Whether what a letter becomes can hold some of a part of the pattern."""
    if not part:
        return False
    overlaps = (
        part.startswith(found[-size:]) or part.endswith(found[:size])
        for size in range(1, min(len(found), len(part)) + 1)
    )
    return found in part or part in found or any(overlaps)


def _compare(name: str, function: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        needed = _of_equality(name, call.arguments[1:])
        changed = _changed(name, arguments[0], needed)
        return cast(Sql, _COMPARED[function](this=changed, expression=arguments[1]))

    symbol = "=" if function == "equal" else "<>"
    return _rule(write, _refuse, f'{name}(x COLLATE "C") {symbol} y')


def _in(name: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        value, *options = arguments
        changed = _changed(name, value, _of_equality(name, call.arguments[1:]))
        return exp.In(this=changed, expressions=options)

    return _rule(write, _refuse, f'{name}(x COLLATE "C") IN (y, …)', "text, ASCII constants")


def _like(name: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        needed = _of_pattern(name, _pattern(call))
        return exp.Like(this=_changed(name, arguments[0], needed), expression=arguments[1])

    when = "each backslash in the pattern is before \\, % or _"
    if name == "upper":
        when += "; no _ in it"
    return _rule(write, _refuse_like, f'{name}(x COLLATE "C") LIKE y', when=when)


def _rule(
    write: Callable[[Call, list[Sql]], Sql],
    refuse: Callable[[Call], str | None],
    written: str,
    takes: str = "text, ASCII constant",
    when: str = "",
) -> FunctionRule:
    return FunctionRule(
        write,
        refuse,
        "few letters beyond ASCII become ones of it; those that could matter are replaced in x",
        takes=takes,
        when=when,
        written=written,
    )


CASE_FUNCTIONS: dict[str, FunctionRule] = {
    f"{name}_{function}": rule
    for name in _BECOME
    for function, rule in (
        *((function, _compare(name, function)) for function in _COMPARED),
        ("in", _in(name)),
        ("like", _like(name)),
    )
}
