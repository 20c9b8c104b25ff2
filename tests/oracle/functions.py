"""Functions that random expressions call, by the kind of their results.

Owns which arguments make a call worth trying: constants where a rule wants one, small counts, texts
that match. Knows no statement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sqlglot import exp

from tests.oracle.scope import Kind
from tests.planner.unpleasant import FOLDS

Sql = exp.Expression

_WORDS = ("a", "A", "abc", "ABC", "k", "s", "STRASSE", "strasse", "true", "fi", "FI", "mist", "")
_CASELESS = ("a%", "%b", "%A%", "_", "a_b", "%k%", "%s", "abc", "%ST%", "%")
_REGEXES = ("^a", "[a-c]+", "a.b", "^.$", "(a|s)k?", "[^a-z]", "k$", "^[0-9]{1,3}$", "[A-Z]x?")
_FORMATS = ("%Y-%m", "%Y-%m-%d %H:%M:%S", "%d. %B %Y", "%j %a %p")
_BITWISE = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor)
_SPANS = ("1 day", "-3 days", "1 month", "-1 year", "13 months 2 days")
_OF_DATES = ("year", "quarter", "month", "week", "day", "doy", "dow", "isodow", "isoyear")
_OF_TIMES = ("hour", "minute", "second", "millisecond", "microsecond")


class Choosing(Protocol):
    """What a call's arguments come from; see `tests.oracle.expressions`."""

    def of(self, kind: Kind, depth: int = 3) -> Sql: ...

    def operand(self, kind: Kind, depth: int) -> Sql: ...

    def pick(self, options: Sequence[object]) -> object: ...

    def number(self, low: int, high: int) -> Sql: ...


Maker = Callable[[Choosing, Kind, int], Sql]


def _call(name: str, *kinds: Kind) -> Maker:
    return lambda these, _, depth: _named(name, *(these.of(kind, depth) for kind in kinds))


def _named(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _text(value: object) -> Sql:
    return exp.Literal.string(str(value))


def _counted(name: str, low: int, high: int, kind: Kind = "text") -> Maker:
    return lambda these, _, depth: _named(name, these.of(kind, depth), these.number(low, high))


def _with_words(name: str, count: int) -> Maker:
    def make(these: Choosing, _: Kind, depth: int) -> Sql:
        words = [_text(these.pick(_WORDS)) for _ in range(count)]
        return _named(name, these.of("text", depth), *words)

    return make


def _same_kind(name: str) -> Maker:
    return lambda these, kind, depth: _named(name, these.of(kind, depth), these.of(kind, depth))


def _negated(these: Choosing, kind: Kind, depth: int) -> Sql:
    return exp.Paren(this=exp.Neg(this=exp.Paren(this=these.operand(kind, depth))))


def _split(these: Choosing, _: Kind, depth: int) -> Sql:
    part = these.number(1, 3) if these.pick((True, False)) else these.number(-2, -1)
    return _named("split_part", these.of("text", depth), _text(these.pick(("a", " ", "é"))), part)


def _padded(these: Choosing, _: Kind, depth: int) -> Sql:
    value = exp.cast(these.operand("int", depth), "varchar")
    return _named(str(these.pick(("lpad", "rpad"))), value, these.number(0, 12), _text("0"))


def _bits(these: Choosing, _: Kind, depth: int) -> Sql:
    node = these.pick(_BITWISE)
    left, right = these.operand("int", depth), these.operand("int", depth)
    return exp.Paren(this=node(this=left, expression=right))  # type: ignore[operator]


def _quotient(these: Choosing, kind: Kind, depth: int) -> Sql:
    return exp.Div(this=these.operand(kind, depth), expression=these.number(2, 9), typed=True)


def _remainder(these: Choosing, kind: Kind, depth: int) -> Sql:
    return exp.Mod(this=these.operand(kind, depth), expression=these.number(2, 9))


def _moved_float(these: Choosing, _: Kind, depth: int) -> Sql:
    by = exp.cast(exp.Literal.number(str(these.pick(("1.5", "0.25", "100.0")))), "double")
    node = these.pick((exp.Add, exp.Sub))
    return node(this=these.operand("float", depth), expression=by)  # type: ignore[operator]


def _part(these: Choosing, _: Kind, depth: int) -> Sql:
    of: Kind = "date" if these.pick((True, False)) else "timestamp"
    parts = _OF_DATES if of == "date" else (*_OF_DATES, *_OF_TIMES)
    return _named("date_part", _text(these.pick(parts)), these.of(of, depth))


def _shifted(these: Choosing, kind: Kind, depth: int) -> Sql:
    span = exp.Interval(this=_text(these.pick(_SPANS)))
    return exp.Add(this=these.operand(kind, depth), expression=span)


def _cased_word(these: Choosing, _: Kind, depth: int) -> Sql:
    """lower(x) or upper(x) beside constants."""
    changed = _named(str(these.pick(("lower", "upper"))), these.of("text", depth))
    words = [_text(these.pick(_WORDS)) for _ in range(int(str(these.pick((1, 1, 2, 5)))))]
    if len(words) > 1:
        return exp.Paren(this=exp.In(this=changed, expressions=words))
    node = these.pick((exp.EQ, exp.NEQ))
    return exp.Paren(this=node(this=changed, expression=words[0]))  # type: ignore[operator]


def _cased_pattern(these: Choosing, _: Kind, depth: int) -> Sql:
    changed = _named(str(these.pick(("lower", "upper"))), these.of("text", depth))
    return exp.Paren(this=exp.Like(this=changed, expression=_text(these.pick(_CASELESS))))


def _caseless(these: Choosing, _: Kind, depth: int) -> Sql:
    pattern = _text(these.pick(_CASELESS))
    return exp.Paren(this=exp.ILike(this=these.operand("text", depth), expression=pattern))


def _matched(these: Choosing, _: Kind, depth: int) -> Sql:
    node = these.pick((exp.RegexpLike, exp.RegexpILike))
    value, pattern = these.operand("text", depth), _text(these.pick(_REGEXES))
    return exp.Paren(this=node(this=value, expression=pattern))  # type: ignore[operator]


def _formatted(these: Choosing, _: Kind, depth: int) -> Sql:
    of: Kind = "date" if these.pick((True, False)) else "timestamp"
    return _named("to_char", these.of(of, depth), _text(these.pick(_FORMATS)))


def _binned(these: Choosing, kind: Kind, depth: int) -> Sql:
    span = exp.Interval(this=_text(these.pick(("15 minutes", "1 day", "7 days"))))
    return _named("date_bin", span, these.of(kind, depth))


def _found(these: Choosing, _: Kind, depth: int) -> Sql:
    name = str(these.pick(("starts_with", "ends_with", "contains")))
    word = _text(these.pick((*_WORDS, *(t for t in FOLDS if t is not None))))
    return _named(name, these.of("text", depth), word)


SHARED: tuple[Maker, ...] = (_same_kind("greatest"), _same_kind("least"))
"""Of any kind, and of one meaning in all engines."""

MAKERS: Mapping[Kind, tuple[Maker, ...]] = {
    "int": (
        _call("strpos", "text", "text"),
        _call("octet_length", "text"),
        _call("ascii", "text"),
        _same_kind("greatest"),
        _same_kind("least"),
        _negated,
        _bits,
        _quotient,
        _part,
    ),
    "decimal": (
        _call("abs", "decimal"),
        _counted("round", -2, 3, "decimal"),
        _counted("trunc", -1, 2, "decimal"),
        _same_kind("greatest"),
        _negated,
        _quotient,
        _remainder,
    ),
    "float": (
        *(_call(name, "float") for name in ("abs", "floor", "ceil", "trunc", "signum")),
        _call("nanvl", "float", "float"),
        _negated,
        _moved_float,
    ),
    "text": (
        *(_counted(name, -2, 4) for name in ("left", "right", "repeat")),
        *(_with_words(name, 1) for name in ("btrim", "ltrim", "rtrim")),
        _with_words("replace", 2),
        _call("reverse", "text"),
        _call("concat", "text", "text"),
        _call("md5", "text"),
        _same_kind("greatest"),
        _same_kind("least"),
        _formatted,
        _split,
        _padded,
    ),
    "bool": (_cased_word, _cased_pattern, _caseless, _matched, _found, _call("isnan", "float")),
    "date": (_shifted, _same_kind("greatest")),
    "timestamp": (_same_kind("least"), _binned),
}
