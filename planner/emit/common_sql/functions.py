"""Scalar functions of common SQL, by a dialect's description; each unproven."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.common_sql.columns import Columns, cast_to, grouped, number
from planner.emit.common_sql.description import Description
from planner.emit.dialect import FunctionRule, Sql, always
from planner.relations import Call, Cast, Expression, Literal

_WIDTHS = {pa.int8(): 7, pa.int16(): 15, pa.int32(): 31, pa.int64(): 63}
_READ_BACK = "by its documentation; read back, not run"
_MOST_DIGITS = 38
_PARTS = ("year", "quarter", "month", "day")


def magnitude_bits(expression: Expression) -> int:
    """An upper bound of an integer expression's magnitude, in bits."""
    match expression:
        case Literal(value=int() as value):
            return value.bit_length()
        case Cast() if pa.types.is_integer(expression.input.type):
            return magnitude_bits(expression.input)
        case Call(function="add" | "subtract"):
            return max(magnitude_bits(a) for a in expression.arguments) + 1
        case Call(function="multiply"):
            return sum(magnitude_bits(a) for a in expression.arguments)
        case Call(function="date_part"):
            return 23
    return _WIDTHS.get(expression.type, 64)


def functions(description: Description, columns: Columns) -> dict[str, FunctionRule]:
    """The dialect's scalar functions."""

    def comparable(call: Call) -> str | None:
        return next((r for r in map(columns.refuse_order, call.arguments) if r), None)

    def compare(node: type[exp.Binary], symbol: str) -> FunctionRule:
        def write(_: Call, arguments: list[Sql]) -> Sql:
            left, right = map(grouped, arguments)
            return cast(Sql, node(this=left, expression=right))

        by = f" COLLATE {description.collation}" if description.collation else ""
        return _rule(
            write,
            comparable,
            takes="any but floats, twice",
            written=f"x {symbol} y; of text: x{by} {symbol} y",
        )

    def operate(node: type[exp.Binary], symbol: str) -> FunctionRule:
        def write(call: Call, arguments: list[Sql]) -> Sql:
            left, right = map(grouped, arguments)
            result = cast(Sql, node(this=left, expression=right))
            if pa.types.is_decimal(call.type):
                return cast_to(result, cast(exp.DataType, description.type_sql(call.type)))
            return result

        def refuse(call: Call) -> str | None:
            return _arithmetic(call, description)

        return _rule(
            write,
            refuse,
            takes="integer or decimal, twice",
            when="it cannot overflow, and no digit is rounded",
            written=f"x {symbol} y",
        )

    rules = {
        "and": _connect(exp.And, "AND"),
        "or": _connect(exp.Or, "OR"),
        "not": _rule(_not, takes="boolean", written="NOT x"),
        "equal": compare(exp.EQ, "="),
        "not_equal": compare(exp.NEQ, "<>"),
        "lt": compare(exp.LT, "<"),
        "lte": compare(exp.LTE, "<="),
        "gt": compare(exp.GT, ">"),
        "gte": compare(exp.GTE, ">="),
        "is_not_distinct_from": compare(exp.NullSafeEQ, "IS NOT DISTINCT FROM"),
        "is_distinct_from": compare(exp.NullSafeNEQ, "IS DISTINCT FROM"),
        "is_null": _is_null(negated=False),
        "is_not_null": _is_null(negated=True),
        "is_true": _truth(value=True, negated=False),
        "is_not_true": _truth(value=True, negated=True),
        "is_false": _truth(value=False, negated=False),
        "is_not_false": _truth(value=False, negated=True),
        "add": operate(exp.Add, "+"),
        "subtract": operate(exp.Sub, "-"),
        "multiply": operate(exp.Mul, "*"),
        "like": _like(description),
        "date_part": _date_part(),
    }
    if description.substring:
        rules["substring"] = _substring(description)
    if description.length:
        rules["character_length"] = _rule(
            lambda _, a: exp.Anonymous(this=description.length, expressions=a),
            _texts,
            takes="text",
            written=f"{description.length}(x)",
        )
    return rules


def _rule(
    write: Callable[[Call, list[Sql]], Sql],
    refuse: Callable[[Call], str | None] = always,
    *,
    takes: str = "any",
    when: str = "",
    written: str,
) -> FunctionRule:
    return FunctionRule(write, refuse, _READ_BACK, False, takes, when, written)


def _arithmetic(call: Call, description: Description) -> str | None:
    width = _WIDTHS.get(call.type)
    if width is not None:
        return None if magnitude_bits(call) < width else "an overflow fails there and wraps here"
    if not pa.types.is_decimal128(call.type):
        return f"arithmetic on {call.type}"
    if not all(pa.types.is_decimal128(a.type) for a in call.arguments):
        return "decimal arithmetic with another type"
    first, second = (a.type for a in call.arguments)
    scale = max(first.scale, second.scale)
    digits = max(first.precision - first.scale, second.precision - second.scale) + scale + 1
    if call.function == "multiply":
        scale = first.scale + second.scale
        digits = first.precision + second.precision + 1
    if call.type.scale != scale:
        return "the engine rounds this product"
    # Beyond that both have 38 digits and this scale, and fail for what does not fit.
    kept = digits <= _MOST_DIGITS or scale <= description.kept_scale
    return None if kept else "a decimal of more digits than are kept there"


def _connect(node: type[exp.Connector], symbol: str) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        result = _clause(arguments[0], node)
        for argument in arguments[1:]:
            result = cast(Sql, node(this=result, expression=_clause(argument, node)))
        return result

    return _rule(write, takes="boolean, …", written=f"x {symbol} y {symbol} …")


def _clause(sql: Sql, node: type[exp.Connector]) -> Sql:
    other = isinstance(sql, exp.Connector) and not isinstance(sql, node)
    return exp.paren(sql, copy=False) if other else sql


def _not(_: Call, arguments: list[Sql]) -> Sql:
    inner = arguments[0]
    simple = isinstance(inner, exp.Paren | exp.Exists)
    return exp.Not(this=inner if simple else exp.paren(inner, copy=False))


def _is_null(*, negated: bool) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        test = exp.Is(this=grouped(arguments[0]), expression=exp.Null())
        return exp.Not(this=test) if negated else test

    def refuse(call: Call) -> str | None:
        of_truth = pa.types.is_boolean(call.arguments[0].type)
        return "whether a truth value is NULL" if of_truth else None

    return _rule(
        write, refuse, takes="any but boolean", written="NOT x IS NULL" if negated else "x IS NULL"
    )


def _truth(*, value: bool, negated: bool) -> FunctionRule:
    """IS TRUE and its kin as a CASE, which every dialect has."""

    def write(_: Call, arguments: list[Sql]) -> Sql:
        condition = arguments[0] if value else exp.Not(this=exp.paren(arguments[0], copy=False))
        case = exp.Case(ifs=[exp.If(this=condition, true=number(1))], default=number(0))
        node = exp.NEQ if negated else exp.EQ
        return exp.Paren(this=node(this=case, expression=number(1)))

    condition, symbol = "x" if value else "NOT x", "<>" if negated else "="
    return _rule(
        write,
        takes="boolean",
        written=f"(CASE WHEN {condition} THEN 1 ELSE 0 END {symbol} 1)",
    )


def _like(description: Description) -> FunctionRule:
    def refuse(call: Call) -> str | None:
        pattern, *escape = call.arguments[1:]
        default = all(isinstance(e, Literal) and e.value in ("", "\\", None) for e in escape)
        if not default or not isinstance(pattern, Literal) or pattern.value is None:
            return "only a constant pattern without an escape character is pushed"
        # T-SQL has classes in brackets, others escape with backslashes, and some with neither.
        if any(character in pattern.value for character in "\\[]^"):
            return "a pattern with characters that have a meaning in some dialects"
        return _texts(call)

    def write(_: Call, arguments: list[Sql]) -> Sql:
        return exp.Like(this=grouped(arguments[0]), expression=arguments[1])

    by = f" COLLATE {description.collation}" if description.collation else ""
    return _rule(
        write,
        refuse,
        takes="text, text constant",
        when="no backslash, bracket or ^ in the pattern",
        written=f"x{by} LIKE y",
    )


def _date_part() -> FunctionRule:
    def refuse(call: Call) -> str | None:
        part, of = call.arguments
        if not isinstance(part, Literal) or str(part.value).lower() not in _PARTS:
            return "this part of a date"
        if of.type not in (pa.date32(), pa.timestamp("us")) or call.type != pa.int32():
            return f"a part of {of.type}"
        return None

    def write(call: Call, arguments: list[Sql]) -> Sql:
        part = str(cast(Literal, call.arguments[0]).value).upper()
        return exp.Extract(this=exp.var(part), expression=arguments[1])

    return _rule(
        write,
        refuse,
        takes="part, date or timestamp",
        when=f"one of {', '.join(_PARTS)}",
        written="EXTRACT(x FROM y), or DATEPART",
    )


def _substring(description: Description) -> FunctionRule:
    def refuse(call: Call) -> str | None:
        bounds = call.arguments[1:]
        if len(bounds) != 2 or not all(
            isinstance(b, Literal) and isinstance(b.value, int) and 1 <= b.value < 2**31
            for b in bounds
        ):
            return "only constant positions and lengths from 1 are pushed"
        return _texts(Call(call.function, call.arguments[:1], call.type))

    def write(_: Call, arguments: list[Sql]) -> Sql:
        return exp.Anonymous(this=description.substring, expressions=arguments)

    return _rule(
        write,
        refuse,
        takes="text, integer constant, integer constant",
        when="start and length are 1 or more",
        written=f"{description.substring}(x, y, z)",
    )


def _texts(call: Call) -> str | None:
    texts = (a.type for a in call.arguments if not isinstance(a, Literal))
    return None if all(map(pa.types.is_string, texts)) else f"{call.function} of other than text"
