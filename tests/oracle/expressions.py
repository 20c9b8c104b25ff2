"""Random expressions of a wanted kind, as sqlglot trees: nearly all of them bind.

Owns the operators and functions that are tried. Operands are in brackets, so that no precedence
of any dialect is relied on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from sqlglot import exp

from tests.oracle import functions
from tests.oracle.scope import KINDS, Column, Kind, constant
from tests.planner.unpleasant import TEXTS

Sql = exp.Expression

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
_PATTERNS = ("%", "a%", "%b", "%a%", "_", "__", "a_b", "%é", "A%", "%.%", "% ", "", "%'%")
_ORDERED: tuple[Kind, ...] = ("int", "decimal", "float", "text", "date", "timestamp")
_PARTS = ("year", "month", "day", "quarter", "doy", "dow")


class Expressions:
    """Expressions over the columns in scope.

    Args:
        random: where every choice comes from.
        columns: what may be named.
        shared: only what means the same in other engines too; see `tests.oracle.judge`.
    """

    def __init__(self, random: Random, columns: Sequence[Column], *, shared: bool = False) -> None:
        self._random = random
        self._columns = columns
        self._makers = _SHARED if shared else _ALL

    def any(self, depth: int = 3) -> tuple[Sql, Kind]:
        """An expression of some kind that a column has."""
        kind = self._random.choice(self._columns).kind if self._columns else "int"
        return self.of(kind, depth), kind

    def of(self, kind: Kind, depth: int = 3) -> Sql:
        """An expression of a kind; `depth` bounds its operators."""
        if depth <= 0 or self._random.random() < 0.35:
            return self._leaf(kind)
        makers = [*self._makers[kind], _case, _case_of, _coalesce, _nullif]
        return self._random.choice(makers)(self, kind, depth - 1)

    def condition(self, depth: int = 3) -> Sql:
        """A boolean expression that is not a mere constant."""
        return self._random.choice(self._makers["bool"])(self, "bool", depth - 1)

    def operand(self, kind: Kind, depth: int) -> Sql:
        """An expression of a kind, in brackets where it has an operator."""
        sql = self.of(kind, depth)
        closed = isinstance(sql, exp.Column | exp.Literal | exp.Paren | exp.Func | exp.Cast)
        return sql if closed and not isinstance(sql, exp.Connector) else exp.Paren(this=sql)

    def pick(self, options: Sequence[object]) -> object:
        """One of the options."""
        return self._random.choice(options)

    def chance(self, share: float) -> bool:
        """True as often as `share` says."""
        return self._random.random() < share

    def constant(self, kind: Kind) -> Sql:
        """A constant of a kind."""
        return constant(kind, self._random)

    def number(self, low: int, high: int) -> Sql:
        """An integer constant within bounds."""
        value = self._random.randint(low, high)
        literal = exp.Literal.number(str(abs(value)))
        return exp.Paren(this=exp.Neg(this=literal)) if value < 0 else literal

    def _leaf(self, kind: Kind) -> Sql:
        named = [column for column in self._columns if column.kind == kind]
        if named and self._random.random() < 0.8:
            return self._random.choice(named).sql()
        return self.constant(kind)


_Maker = Callable[[Expressions, Kind, int], Sql]


def _binary(*nodes: type[exp.Binary]) -> _Maker:
    def make(these: Expressions, kind: Kind, depth: int) -> Sql:
        node = these.pick(nodes)
        left, right = these.operand(kind, depth), these.operand(kind, depth)
        return node(this=left, expression=right)  # type: ignore[operator]

    return make


def _function(name: str, *kinds: Kind) -> _Maker:
    def make(these: Expressions, kind: Kind, depth: int) -> Sql:
        return exp.Anonymous(this=name, expressions=[these.of(k, depth) for k in kinds])

    return make


def _case(these: Expressions, kind: Kind, depth: int) -> Sql:
    ifs = [exp.If(this=these.condition(depth), true=these.of(kind, depth))]
    return exp.Case(ifs=ifs, default=these.of(kind, depth) if these.chance(0.7) else None)


def _case_of(these: Expressions, kind: Kind, depth: int) -> Sql:
    """CASE x WHEN y …; not of timestamps, most of which do not fit the type of their constants."""
    of: Kind = these.pick(KINDS[:-1])  # type: ignore[assignment]
    options = [these.constant(of) if these.chance(0.7) else these.of(of, depth) for _ in "12"]
    ifs = [exp.If(this=option, true=these.of(kind, depth)) for option in options]
    default = these.of(kind, depth) if these.chance(0.7) else None
    return exp.Case(this=these.operand(of, depth), ifs=ifs, default=default)


def _coalesce(these: Expressions, kind: Kind, depth: int) -> Sql:
    return exp.Anonymous(
        this="coalesce", expressions=[these.of(kind, depth), these.of(kind, depth)]
    )


def _nullif(these: Expressions, kind: Kind, depth: int) -> Sql:
    return exp.Anonymous(this="nullif", expressions=[these.of(kind, depth), these.constant(kind)])


def _cast(source: Kind, target: str) -> _Maker:
    return lambda these, _, depth: exp.cast(these.operand(source, depth), target)


def _length(these: Expressions, _: Kind, depth: int) -> Sql:
    return exp.Anonymous(this="character_length", expressions=[these.of("text", depth)])


def _part(these: Expressions, _: Kind, depth: int) -> Sql:
    of: Kind = "date" if these.chance(0.6) else "timestamp"
    name = exp.Literal.string(str(these.pick(_PARTS)))
    return exp.Anonymous(this="date_part", expressions=[name, these.of(of, depth)])


def _modulo(these: Expressions, _: Kind, depth: int) -> Sql:
    return exp.Mod(this=these.operand("int", depth), expression=these.number(1, 9))


def _substring(these: Expressions, _: Kind, depth: int) -> Sql:
    bounds = [these.number(-2, 4)] + ([these.number(0, 3)] if these.chance(0.6) else [])
    return exp.Anonymous(this="substr", expressions=[these.of("text", depth), *bounds])


def _concatenation(these: Expressions, _: Kind, depth: int) -> Sql:
    return exp.DPipe(this=these.operand("text", depth), expression=these.operand("text", depth))


def _float_arithmetic(these: Expressions, _: Kind, depth: int) -> Sql:
    """With a number that is never NaN: the sign of two NaNs' result depends on the row's place."""
    number: Kind = "int" if these.chance(0.5) else "decimal"
    right = exp.cast(these.operand(number, depth), "double")
    node = exp.Add if these.chance(0.5) else exp.Mul
    return node(this=these.operand("float", depth), expression=right)


def _comparison(these: Expressions, _: Kind, depth: int) -> Sql:
    kind: Kind = these.pick(_ORDERED)  # type: ignore[assignment]
    return _binary(*_COMPARISONS)(these, kind, depth)


def _distinct(these: Expressions, _: Kind, depth: int) -> Sql:
    kind: Kind = these.pick(KINDS)  # type: ignore[assignment]
    node = exp.NullSafeNEQ if these.chance(0.5) else exp.NullSafeEQ
    return exp.Paren(
        this=node(this=these.operand(kind, depth), expression=these.operand(kind, depth))
    )


def _null_test(these: Expressions, _: Kind, depth: int) -> Sql:
    kind: Kind = these.pick(KINDS)  # type: ignore[assignment]
    test = exp.Paren(this=exp.Is(this=these.operand(kind, depth), expression=exp.Null()))
    return exp.Not(this=test) if these.chance(0.4) else test


def _truth_test(these: Expressions, _: Kind, depth: int) -> Sql:
    truth = exp.Boolean(this=these.chance(0.5))
    test = exp.Paren(this=exp.Is(this=these.operand("bool", depth), expression=truth))
    return exp.Not(this=test) if these.chance(0.4) else test


def _in_list(these: Expressions, _: Kind, depth: int) -> Sql:
    kind: Kind = these.pick(_ORDERED)  # type: ignore[assignment]
    options = [these.constant(kind) for _ in range(int(str(these.pick((1, 2, 3, 5)))))]
    found = exp.Paren(this=exp.In(this=these.operand(kind, depth), expressions=options))
    return exp.Not(this=found) if these.chance(0.3) else found


def _between(these: Expressions, _: Kind, depth: int) -> Sql:
    kind: Kind = these.pick(_ORDERED)  # type: ignore[assignment]
    low, high = these.constant(kind), these.operand(kind, depth)
    return exp.Paren(this=exp.Between(this=these.operand(kind, depth), low=low, high=high))


def _like(these: Expressions, _: Kind, depth: int) -> Sql:
    patterns = (*_PATTERNS, *(t for t in TEXTS if t is not None and "\\" not in t))
    pattern = exp.Literal.string(str(these.pick(patterns)))
    found = exp.Paren(this=exp.Like(this=these.operand("text", depth), expression=pattern))
    return exp.Not(this=found) if these.chance(0.3) else found


def _negation(these: Expressions, _: Kind, depth: int) -> Sql:
    return exp.Not(this=exp.Paren(this=these.of("bool", depth)))


_MAKERS: dict[Kind, tuple[_Maker, ...]] = {
    "int": (
        _binary(exp.Add, exp.Sub, exp.Mul),
        _modulo,
        _length,
        _part,
        _cast("int", "bigint"),
        _function("abs", "int"),
    ),
    "decimal": (_binary(exp.Add, exp.Sub), _binary(exp.Mul), _cast("int", "decimal(20,2)")),
    "float": (_float_arithmetic, _cast("int", "double"), _cast("decimal", "double")),
    "text": (
        _substring,
        _concatenation,
        _function("upper", "text"),
        _function("lower", "text"),
        _function("btrim", "text"),
        _cast("int", "varchar"),
    ),
    "bool": (
        _comparison,
        _comparison,
        _binary(exp.And, exp.Or),
        _negation,
        _distinct,
        _null_test,
        _truth_test,
        _in_list,
        _between,
        _like,
    ),
    "date": (_cast("timestamp", "date"),),
    "timestamp": (_cast("date", "timestamp"),),
}

_ALL: Mapping[Kind, tuple[_Maker, ...]] = {
    kind: (*_MAKERS[kind], *functions.MAKERS[kind]) for kind in KINDS
}
_SHARED: Mapping[Kind, tuple[_Maker, ...]] = {
    "int": (*_MAKERS["int"][:2], _function("abs", "int"), *functions.SHARED),
    "decimal": (*_MAKERS["decimal"][:2], *functions.SHARED),
    "float": (),
    "text": (_concatenation, *functions.SHARED),
    "bool": _MAKERS["bool"],
    "date": functions.SHARED,
    "timestamp": functions.SHARED,
}
