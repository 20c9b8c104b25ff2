"""Scalar functions in DataFusion's own SQL: operators, and functions by their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.datafusion.columns import refuse_order
from planner.emit.datafusion.types import function_call, grouped
from planner.emit.dialect import FunctionRule, Sql
from planner.relations import Call, Literal

_SAME = "the same engine, over arguments of the same types"


def _known(call: Call) -> str | None:
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _numbers(call: Call) -> str | None:
    for argument in call.arguments:
        type_ = argument.type
        if not (pa.types.is_integer(type_) or pa.types.is_floating(type_)) and not (
            pa.types.is_decimal(type_)
        ):
            return f"{call.function} of {type_}"
    return None


def _pattern(call: Call) -> str | None:
    escapes = call.arguments[2:]
    if not all(isinstance(e, Literal) and e.value in ("", "\\", None) for e in escapes):
        return "only a pattern without an escape character is pushed"
    return _known(call)


def _operator(
    node: type[exp.Binary],
    refuse: Callable[[Call], str | None],
    symbol: str,
    takes: str,
    when: str = "",
) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        left, right = grouped(arguments[0]), grouped(arguments[1])
        if node is exp.Div:
            # Else sqlglot takes it for a division that is never one of integers.
            return exp.Div(this=left, expression=right, typed=True)
        result = cast(Sql, node(this=left, expression=right))
        # DataFusion reads `a IS DISTINCT FROM b OR c` as `a IS DISTINCT FROM (b OR c)`.
        null_safe = isinstance(result, exp.NullSafeEQ | exp.NullSafeNEQ)
        return exp.paren(result, copy=False) if null_safe else result

    return FunctionRule(
        write, refuse, _SAME, takes=f"{takes}, {takes}", when=when, written=f"x {symbol} y"
    )


def _compare(node: type[exp.Binary], symbol: str) -> FunctionRule:
    return _operator(node, _known, symbol, "any with an order")


def _calculate(node: type[exp.Binary], symbol: str) -> FunctionRule:
    return _operator(node, _numbers, symbol, "number")


def _match(node: type[exp.Binary], symbol: str) -> FunctionRule:
    return _operator(node, _pattern, symbol, "text", "no escape character is given")


def _connect(node: type[exp.Connector], symbol: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        result = _clause(arguments[0], node)
        for argument in arguments[1:]:
            result = cast(Sql, node(this=result, expression=_clause(argument, node)))
        return result

    return FunctionRule(write, shown=_SAME, takes="boolean, …", written=f"x {symbol} y {symbol} …")


def _clause(sql: Sql, node: type[exp.Connector]) -> Sql:
    other = isinstance(sql, exp.Connector) and not isinstance(sql, node)
    return exp.paren(sql, copy=False) if other else sql


def _prefix(node: type[exp.Unary], symbol: str, takes: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        return cast(Sql, node(this=exp.paren(arguments[0], copy=False)))

    refuse = _numbers if node is exp.Neg else _known
    return FunctionRule(write, refuse, _SAME, takes=takes, written=f"{symbol}(x)")


def _is(value: Sql, symbol: str, *, negated: bool) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        test = exp.Is(this=grouped(arguments[0]), expression=value.copy())
        return exp.Not(this=test) if negated else test

    return FunctionRule(write, shown=_SAME, written=f"x {symbol}")


def _function(name: str, takes: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        return function_call(name, *arguments)

    letters = ", ".join("xyzw"[: len(takes.split(","))])
    return FunctionRule(write, _known, _SAME, takes=takes, written=f"{name}({letters})")


_OF_TEXTS = {
    "lower": "text",
    "upper": "text",
    "initcap": "text",
    "btrim": "text, text",
    "ltrim": "text, text",
    "rtrim": "text, text",
    "replace": "text, text, text",
    "translate": "text, text, text",
    "left": "text, integer",
    "right": "text, integer",
    "lpad": "text, integer, text",
    "rpad": "text, integer, text",
    "repeat": "text, integer",
    "reverse": "text",
    "strpos": "text, text",
    "ends_with": "text, text",
    "contains": "text, text",
    "concat": "text, text",
    "concat_ws": "text, text, text",
    "split_part": "text, text, integer",
    "ascii": "text",
    "chr": "integer",
    "bit_length": "text",
    "octet_length": "text",
    "character_length": "text",
    "levenshtein": "text, text",
    "to_hex": "integer",
    "regexp_replace": "text, text, text",
    "regexp_count": "text, text",
}

_OF_NUMBERS = {
    "abs": "number",
    "ceil": "number",
    "floor": "number",
    "trunc": "float",
    "signum": "float",
    "sqrt": "float",
    "gcd": "integer, integer",
    "is_nan": "float",
    "iszero": "float",
    "nanvl": "float, float",
}

_OF_ANY = {
    "nullif": "any, any",
    "greatest": "any, any",
    "least": "any, any",
    "date_part": "part, date or timestamp",
    "date_trunc": "unit, timestamp",
}

FUNCTIONS: dict[str, FunctionRule] = {
    "and": _connect(exp.And, "AND"),
    "or": _connect(exp.Or, "OR"),
    "not": _prefix(exp.Not, "NOT ", "boolean"),
    "equal": _compare(exp.EQ, "="),
    "not_equal": _compare(exp.NEQ, "<>"),
    "lt": _compare(exp.LT, "<"),
    "lte": _compare(exp.LTE, "<="),
    "gt": _compare(exp.GT, ">"),
    "gte": _compare(exp.GTE, ">="),
    "is_not_distinct_from": _compare(exp.NullSafeEQ, "IS NOT DISTINCT FROM"),
    "is_distinct_from": _compare(exp.NullSafeNEQ, "IS DISTINCT FROM"),
    "is_null": _is(exp.Null(), "IS NULL", negated=False),
    "is_not_null": _is(exp.Null(), "IS NOT NULL", negated=True),
    "is_true": _is(exp.Boolean(this=True), "IS TRUE", negated=False),
    "is_not_true": _is(exp.Boolean(this=True), "IS NOT TRUE", negated=True),
    "is_false": _is(exp.Boolean(this=False), "IS FALSE", negated=False),
    "is_not_false": _is(exp.Boolean(this=False), "IS NOT FALSE", negated=True),
    "add": _calculate(exp.Add, "+"),
    "subtract": _calculate(exp.Sub, "-"),
    "multiply": _calculate(exp.Mul, "*"),
    "divide": _calculate(exp.Div, "/"),
    "modulus": _calculate(exp.Mod, "%"),
    "bitwise_and": _calculate(exp.BitwiseAnd, "&"),
    "bitwise_or": _calculate(exp.BitwiseOr, "|"),
    "bitwise_shift_left": _calculate(exp.BitwiseLeftShift, "<<"),
    "bitwise_shift_right": _calculate(exp.BitwiseRightShift, ">>"),
    "negate": _prefix(exp.Neg, "-", "number"),
    "str_concat": _operator(exp.DPipe, _known, "||", "text"),
    "like": _match(exp.Like, "LIKE"),
    "ilike": _match(exp.ILike, "ILIKE"),
    "substring": _function("substr", "text, integer, integer"),
    **{name: _function(name, takes) for name, takes in (_OF_TEXTS | _OF_NUMBERS | _OF_ANY).items()},
    "is_nan": _function("isnan", "float"),
}
