"""Scalar functions: when PostgreSQL's result is the engine's, and how each is written there.

Owns what every type has: logic, comparisons, and the choice between values.
"""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.emit.postgres.columns import order
from planner.emit.postgres.conditions import is_ordinary, refuse_order, with_a_number
from planner.emit.postgres.float_order import is_first_nan
from planner.emit.postgres.letter_case import CASE_FUNCTIONS
from planner.emit.postgres.number_functions import NUMBER_FUNCTIONS, bare
from planner.emit.postgres.regexes import REGEX_FUNCTIONS
from planner.emit.postgres.text_functions import TEXT_FUNCTIONS
from planner.emit.postgres.time_formats import FORMAT_FUNCTIONS
from planner.emit.postgres.time_functions import TIME_FUNCTIONS
from planner.emit.postgres.types import cases, function_call, grouped
from planner.relations import Call, Literal


def _comparable(call: Call) -> str | None:
    if all(pa.types.is_floating(a.type) for a in call.arguments):
        return None
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _binary(node: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return cast(Sql, node(this=left, expression=right))


_UPWARDS = {exp.LT: True, exp.LTE: True, exp.GT: False, exp.GTE: False}
"""Whether the left of an inequality is the smaller."""


def _float_test(node: type[exp.Binary], call: Call, arguments: list[Sql]) -> Sql:
    """A float against what is no NaN: of the engine's two NaNs the one with a sign comes first,
    and PostgreSQL's comes last."""
    plain = _binary(node, grouped(arguments[0]), grouped(arguments[1]))
    if node not in _UPWARDS:
        return plain
    is_left = with_a_number(call) is call.arguments[0]
    (sql, other), bound = arguments, call.arguments[1]
    if not is_left:
        (other, sql), bound = arguments, call.arguments[0]
    first: Sql = is_first_nan(sql, call.arguments[0].type)
    if not isinstance(bound, Literal):
        # What is compared with NULL is neither true nor false.
        null = exp.Is(this=grouped(other.copy()), expression=exp.Null())
        first = exp.And(this=first, expression=exp.Not(this=null))
    first = exp.Paren(this=first)
    if _UPWARDS[node] is is_left:
        return exp.Paren(this=exp.Or(this=plain, expression=first))
    return exp.Paren(this=exp.And(this=plain, expression=exp.Not(this=first)))


_NO_JOIN = "in the condition of a join not of floats, where no hash or merge would serve it"
_MIRRORED = {exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE}


def _of_two_floats(node: type[exp.Binary], call: Call, arguments: list[Sql]) -> Sql:
    """Two floats, of which either may be the NaN that comes first: then that alone decides."""
    first, second = (
        exp.Paren(this=is_first_nan(sql, a.type))
        for sql, a in zip(arguments, call.arguments, strict=True)
    )
    either = exp.Or(this=first, expression=second)
    by_that = _binary(_MIRRORED.get(node, node), first.copy(), second.copy())
    plain = _binary(node, grouped(arguments[0]), grouped(arguments[1]))
    return cases((either, by_that), default=plain)


def _compare(node: type[exp.Binary], symbol: str, ordered: bool) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        value = with_a_number(call)
        if value is not None and not is_ordinary(value):
            return _float_test(node, call, arguments)
        if value is None and pa.types.is_floating(call.arguments[0].type):
            return _of_two_floats(node, call, arguments)
        left, right = bare(call, arguments)
        if ordered:
            left = order(left, call.arguments[0].type)
        return _binary(node, grouped(left), grouped(right))

    by = '; of text: x COLLATE "C" ' + f"{symbol} y" if ordered else ""
    return FunctionRule(
        write,
        _comparable,
        "code point order by COLLATE; a NaN with a sign by get_byte(float8send(x), 0)",
        takes="any with an order, twice",
        when=_NO_JOIN if node is exp.EQ else "",
        written=f"x {symbol} y{by}",
    )


def _connect(node: type[exp.Connector], symbol: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        result = _clause(arguments[0], node)
        for argument in arguments[1:]:
            result = _binary(node, result, _clause(argument, node))
        return result

    return FunctionRule(write, takes="boolean, …", written=f"x {symbol} y {symbol} …")


def _clause(sql: Sql, node: type[exp.Connector]) -> Sql:
    other = isinstance(sql, exp.Connector) and not isinstance(sql, node)
    return exp.paren(sql, copy=False) if other else sql


def _not(_: Call, arguments: list[Sql]) -> Sql:
    inner = arguments[0]
    simple = isinstance(inner, exp.Column | exp.Paren | exp.Exists | exp.Like | exp.In | exp.Func)
    # To sqlglot AND and OR are functions too.
    bare = simple and not isinstance(inner, exp.Connector)
    return exp.Not(this=inner if bare else exp.paren(inner, copy=False))


def _is(value: Sql, symbol: str, negated: bool) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        test = exp.Is(this=grouped(arguments[0]), expression=value.copy())
        return exp.Not(this=test) if negated else test

    takes = "any" if isinstance(value, exp.Null) else "boolean"
    written = f"NOT x IS {symbol}" if negated else f"x IS {symbol}"
    return FunctionRule(write, takes=takes, written=written)


def _nullif(call: Call) -> str | None:
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _extreme(name: str) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        return function_call(name, order(arguments[0], call.type), *arguments[1:])

    return FunctionRule(
        write,
        _nullif,
        "NULLs are left out in both; code point order by COLLATE",
        takes="any with an order, …",
        when="of floats: none can be NaN, infinite or -0.0, by the expression alone",
        written=f'{name}(x, y, …); of text: {name}(x COLLATE "C", y, …)',
    )


FUNCTIONS: dict[str, FunctionRule] = {
    "and": _connect(exp.And, "AND"),
    "or": _connect(exp.Or, "OR"),
    "not": FunctionRule(_not, takes="boolean", written="NOT x"),
    "equal": _compare(exp.EQ, "=", ordered=False),
    "not_equal": _compare(exp.NEQ, "<>", ordered=False),
    "lt": _compare(exp.LT, "<", ordered=True),
    "lte": _compare(exp.LTE, "<=", ordered=True),
    "gt": _compare(exp.GT, ">", ordered=True),
    "gte": _compare(exp.GTE, ">=", ordered=True),
    "is_not_distinct_from": _compare(exp.NullSafeEQ, "IS NOT DISTINCT FROM", ordered=False),
    "is_distinct_from": _compare(exp.NullSafeNEQ, "IS DISTINCT FROM", ordered=False),
    "is_null": _is(exp.Null(), "NULL", negated=False),
    "is_not_null": _is(exp.Null(), "NULL", negated=True),
    "is_true": _is(exp.Boolean(this=True), "TRUE", negated=False),
    "is_not_true": _is(exp.Boolean(this=True), "TRUE", negated=True),
    "is_false": _is(exp.Boolean(this=False), "FALSE", negated=False),
    "is_not_false": _is(exp.Boolean(this=False), "FALSE", negated=True),
    "nullif": FunctionRule(
        lambda _, a: exp.Nullif(this=a[0], expression=a[1]),
        _nullif,
        "by =",
        takes="any with an order, twice",
        when="of floats: none can be NaN, infinite or -0.0, by the expression alone",
        written="NULLIF(x, y)",
    ),
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    **NUMBER_FUNCTIONS,
    **TEXT_FUNCTIONS,
    **TIME_FUNCTIONS,
    **CASE_FUNCTIONS,
    **REGEX_FUNCTIONS,
    **FORMAT_FUNCTIONS,
}
