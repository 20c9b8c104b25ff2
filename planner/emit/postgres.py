"""PostgreSQL: which functions, aggregates and casts give exactly DataFusion's result, and how.

Data and small writers only. The tests in `tests/planner/test_postgres_dialect.py` compare each rule
with the engine on unpleasant values; a rule without such a test does not belong here.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import cast

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Column
from planner.emit.dialect import AggregateRule, Dialect, FunctionRule, Sql
from planner.relations import Call, Cast, Expression, IfThen, Literal, Measure

_TEXT = exp.DataType.build("text", dialect="postgres")
_BIGINT = exp.DataType.build("bigint", dialect="postgres")
_INTEGER = exp.DataType.build("integer", dialect="postgres")
_DOUBLE = exp.DataType.build("double precision", dialect="postgres")
_TYPES: dict[pa.DataType, exp.DataType] = {
    arrow: exp.DataType.build(name, dialect="postgres")
    for arrow, name in (
        (pa.bool_(), "boolean"),
        (pa.int16(), "smallint"),
        (pa.int32(), "integer"),
        (pa.int64(), "bigint"),
        (pa.float32(), "real"),
        (pa.float64(), "double precision"),
        (pa.string(), "text"),
        (pa.binary(), "bytea"),
        (pa.date32(), "date"),
        (pa.time64("us"), "time"),
        (pa.timestamp("us"), "timestamp"),
        (pa.timestamp("us", "UTC"), "timestamptz"),
    )
}
_TEXT_AS_IT_IS = ("text", "varchar")
_YEARS = range(1, 10_000)


def _is_decimal(type_: pa.DataType) -> bool:
    return bool(pa.types.is_decimal128(type_) or pa.types.is_decimal256(type_))


def type_sql(type_: pa.DataType) -> exp.DataType | None:
    """The type's name in PostgreSQL, or None."""
    if _is_decimal(type_):
        return exp.DataType.build(f"numeric({type_.precision},{type_.scale})", dialect="postgres")
    return _TYPES.get(type_)


def _cast(sql: Sql, to: exp.DataType) -> Sql:
    return exp.Cast(this=sql, to=to.copy())


def _number(value: object) -> Sql:
    return cast(Sql, exp.Literal.number(str(value)))


def _call(name: str, *arguments: Sql) -> Sql:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _grouped(sql: Sql) -> Sql:
    """In parentheses where precedence could bite."""
    return exp.paren(sql, copy=False) if isinstance(sql, exp.Binary | exp.Unary) else sql


# --- columns, constants, output ------------------------------------------------------------------


def read_column(column: Column, sql: Sql) -> Sql:
    """A column with the meaning of its Arrow type.

    Text of any other kind (char(n), enum, uuid, json) is its text form, where char(n) has lost
    its padding. Numeric without a scale stays as it is: a value that its Arrow type cannot hold
    fails when it is read, and is not rounded.
    """
    native = column.native_type
    if pa.types.is_string(column.type):
        if native.endswith((" nondeterministic", " collated")):
            # Columns of two collations cannot be compared there without saying by which.
            return exp.Collate(this=_cast(sql, _TEXT), expression=_C.copy())
        return sql if native.split("(")[0] in _TEXT_AS_IT_IS else _cast(sql, _TEXT)
    return sql


_C = exp.to_identifier("C", quoted=True)


def order(sql: Sql, type_: pa.DataType) -> Sql:
    """Text compares by code point, as in the engine: the database's collation may differ."""
    if pa.types.is_string(type_):
        return exp.Collate(this=_grouped(sql), expression=_C.copy())
    return sql


def output(sql: Sql, type_: pa.DataType) -> Sql:
    """Decimals travel as text: the driver's own conversion of numeric takes twice as long."""
    if _is_decimal(type_):
        return _cast(sql, _TEXT)
    if isinstance(sql, exp.Literal | exp.Null | exp.Neg | exp.Boolean):
        return _cast(sql, cast(exp.DataType, type_sql(type_)))
    return sql


def refuse_literal(literal: Literal) -> str | None:
    """Why a constant has no form there."""
    if type_sql(literal.type) is None:
        return f"a constant of type {literal.type} has no form there"
    value = literal.value
    if isinstance(value, str) and "\0" in value:
        return "text with a NUL character cannot be sent"
    if isinstance(value, date) and value.year not in _YEARS:
        return "a date outside the years 1 to 9999"
    return None


def write_literal(literal: Literal) -> Sql:
    """A constant, with a cast where the bare form would have another type."""
    value, type_ = literal.value, literal.type
    to = cast(exp.DataType, type_sql(type_))
    if value is None:
        return _cast(exp.Null(), to)
    if pa.types.is_boolean(type_):
        return exp.Boolean(this=value)
    if pa.types.is_string(type_):
        return cast(Sql, exp.Literal.string(value))
    if _is_decimal(type_):
        # Without a point it would be an integer there, with an integer's bounds.
        sql = _signed(f"{value:f}")
        return sql if type_.scale > 0 else _cast(sql, to)
    if type_ == pa.int32():
        return _signed(str(value))
    if pa.types.is_integer(type_):
        return _cast(_signed(str(value)), to)
    if pa.types.is_floating(type_):
        text = repr(float(value)) if math.isfinite(value) else str(value)
        return _cast(cast(Sql, exp.Literal.string(text)), to)
    if pa.types.is_binary(type_):
        return _cast(cast(Sql, exp.Literal.string("\\x" + value.hex())), to)
    text = value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return _cast(cast(Sql, exp.Literal.string(text)), to)


def _signed(text: str) -> Sql:
    if text.startswith("-"):
        return exp.Paren(this=exp.Neg(this=_number(text[1:])))
    return _number(text)


# --- conditions -----------------------------------------------------------------------------------


def _bits(expression: Expression) -> int:
    """An upper bound of an integer expression's magnitude, in bits (63: any bigint)."""
    match expression:
        case Literal(value=int() as value):
            return value.bit_length()
        case Cast() if pa.types.is_integer(expression.input.type):
            return _bits(expression.input)
        case IfThen():
            values = [value for _, value in expression.clauses]
            return max(_bits(v) for v in (*values, expression.otherwise or values[0]))
        case Call(function="add" | "subtract"):
            return max(_bits(a) for a in expression.arguments) + 1
        case Call(function="multiply"):
            return sum(_bits(a) for a in expression.arguments)
        case Call(function="date_part"):
            return 23
    widths = {pa.int16(): 15, pa.int32(): 31}
    return widths.get(expression.type, 63)


def _ordinary(expression: Expression) -> bool:
    """A float expression that can be neither NaN, infinite nor −0.0, the values that compare
    differently; and whose arithmetic cannot overflow, which fails there and is infinite here."""
    match expression:
        case Literal(value=float() as value):
            return _moderate(value)
        case Cast():
            source = expression.input.type
            return pa.types.is_integer(source) or _is_decimal(source)
        case Call(function="multiply" | "divide"):
            first, second = expression.arguments
            if expression.function == "multiply" and isinstance(first, Literal):
                first, second = second, first
            # One constant only: a chain of them could overflow after all.
            plain = isinstance(first, Cast | Literal) and isinstance(second, Literal)
            return plain and _ordinary(first) and _ordinary(second)
    return False


def _moderate(value: float) -> bool:
    return 1e-100 < value < 1e100


def refuse_order(expression: Expression) -> str | None:
    """Why values of an expression may not be compared, grouped or sorted there."""
    if pa.types.is_floating(expression.type) and not _ordinary(expression):
        return "NaN and -0.0 compare differently there"
    if type_sql(expression.type) is None:
        return f"type {expression.type} has no form there"
    return None


def _comparable(call: Call) -> str | None:
    return next((r for r in map(refuse_order, call.arguments) if r), None)


def _arithmetic(call: Call) -> str | None:
    if pa.types.is_integer(call.type):
        width = 31 if call.type == pa.int32() else 63 if call.type == pa.int64() else 0
        return None if _bits(call) <= width else "an overflow fails there and wraps here"
    if pa.types.is_floating(call.type):
        return None if _ordinary(call) else "a float overflow fails there and is infinite here"
    if not _is_decimal(call.type):
        return f"arithmetic on {call.type}"
    if not all(_is_decimal(a.type) for a in call.arguments):
        return "decimal arithmetic with another type"
    first, second = call.arguments
    scale = max(first.type.scale, second.type.scale)
    if call.function == "multiply":
        scale = first.type.scale + second.type.scale
    return None if call.type.scale == scale else "the engine rounds this product"


def _division(call: Call) -> str | None:
    if _is_decimal(call.type) and all(_is_decimal(a.type) for a in call.arguments):
        return None
    if pa.types.is_floating(call.type):
        return _arithmetic(call) and "a float division by zero fails there and is infinite here"
    return "integer division"


def _like(call: Call) -> str | None:
    pattern, *escape = call.arguments[1:]
    default = all(isinstance(e, Literal) and e.value in ("", "\\", None) for e in escape)
    if not default or not isinstance(pattern, Literal):
        return "only a constant pattern without an escape character is pushed"
    if pattern.value is None or "\\" in pattern.value:
        return "a pattern with a backslash"
    return None


_DATE_PARTS = ("year", "quarter", "month", "day", "doy", "dow")


def _date_part(call: Call) -> str | None:
    part, of = call.arguments
    if not isinstance(part, Literal) or str(part.value).lower() not in _DATE_PARTS:
        return "this part of a date"
    if of.type not in (pa.date32(), pa.timestamp("us")) or call.type != pa.int32():
        return f"a part of {of.type}"
    return None


def _substring(call: Call) -> str | None:
    bounds = call.arguments[1:]
    if not all(isinstance(b, Literal) and isinstance(b.value, int) for b in bounds):
        return "only constant positions are pushed"
    if any(not -(2**31) < cast(Literal, b).value < 2**31 for b in bounds):
        return "a position that is not an integer there"
    if len(bounds) == 2 and cast(Literal, bounds[1]).value < 0:
        return "a negative length"
    return None


def _texts(call: Call) -> str | None:
    if all(pa.types.is_string(a.type) for a in call.arguments):
        return None
    return f"{call.function} of other than text"


def _same_types(call: Call) -> str | None:
    if all(a.type == call.type for a in call.arguments):
        return None
    return f"{call.function} of mixed types"


# --- writers --------------------------------------------------------------------------------------


def _bare(call: Call, arguments: list[Sql]) -> list[Sql]:
    """Integer constants without their casts, where the other operand gives the type."""
    constants = [isinstance(a, Literal) for a in call.arguments]
    if all(constants):
        return arguments
    pairs = zip(arguments, constants, strict=True)
    return [a.this if c and isinstance(a, exp.Cast) and _is_whole(a) else a for a, c in pairs]


def _is_whole(sql: exp.Cast) -> bool:
    return isinstance(sql.this, exp.Literal | exp.Paren) and not getattr(
        sql.this, "is_string", False
    )


def _binary(node: type[exp.Binary], left: Sql, right: Sql) -> Sql:
    return cast(Sql, node(this=left, expression=right))


def _compare(node: type[exp.Binary], ordered: bool) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        left, right = _bare(call, arguments)
        if ordered:
            left = order(left, call.arguments[0].type)
        return _binary(node, _grouped(left), _grouped(right))

    return FunctionRule(write, _comparable, "code point order by COLLATE; three-valued logic")


def _connect(node: type[exp.Connector]) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        result = _clause(arguments[0], node)
        for argument in arguments[1:]:
            result = _binary(node, result, _clause(argument, node))
        return result

    return FunctionRule(write)


def _clause(sql: Sql, node: type[exp.Connector]) -> Sql:
    other = isinstance(sql, exp.Connector) and not isinstance(sql, node)
    return exp.paren(sql, copy=False) if other else sql


def _operate(node: type[exp.Binary]) -> FunctionRule:
    def write(call: Call, arguments: list[Sql]) -> Sql:
        left, right = _bare(call, arguments)
        return _binary(node, _grouped(left), _grouped(right))

    return FunctionRule(write, _arithmetic, "exact decimals; integers that cannot overflow")


def _truncated_division(dividend: Sql, divisor: Sql, scale: int) -> Sql:
    """dividend / divisor, cut after `scale` digits: `div` is exact, `/` would round."""
    shifted = exp.Mul(this=_grouped(dividend), expression=_number(10**scale))
    return exp.Mul(
        this=_call("div", shifted, divisor), expression=_number(f"{10.0**-scale:.{scale}f}")
    )


def _divide(call: Call, arguments: list[Sql]) -> Sql:
    left, right = arguments
    if _is_decimal(call.type):
        return _truncated_division(left, right, call.type.scale)
    return exp.Div(this=_grouped(left), expression=_grouped(right), typed=True)


def _write_like(_: Call, arguments: list[Sql]) -> Sql:
    return exp.Like(this=_grouped(arguments[0]), expression=arguments[1])


def _write_date_part(call: Call, arguments: list[Sql]) -> Sql:
    part = str(cast(Literal, call.arguments[0]).value).upper()
    value = _cast(exp.Extract(this=exp.var(part), expression=arguments[1]), _INTEGER)
    if part != "YEAR":
        return value
    # PostgreSQL has no year 0: its 1 BC, which it calls -1, is the engine's year 0.
    first = write_literal(Literal(date(1, 1, 1), pa.date32()))
    before = exp.Paren(this=exp.LT(this=_grouped(arguments[1].copy()), expression=first))
    return exp.Add(this=value, expression=_cast(before, _INTEGER))


def _write_substring(call: Call, arguments: list[Sql]) -> Sql:
    text, *bounds = _bare(call, arguments)
    whole = [b if isinstance(b, exp.Literal | exp.Paren) else _cast(b, _INTEGER) for b in bounds]
    return _call("substr", text, *whole)


def _not(_: Call, arguments: list[Sql]) -> Sql:
    inner = arguments[0]
    simple = isinstance(inner, exp.Column | exp.Paren | exp.Exists | exp.Like | exp.In | exp.Func)
    return exp.Not(this=inner if simple else exp.paren(inner, copy=False))


def _is(value: Sql, negated: bool) -> FunctionRule:
    def write(_: Call, arguments: list[Sql]) -> Sql:
        test = exp.Is(this=_grouped(arguments[0]), expression=value.copy())
        return exp.Not(this=test) if negated else test

    return FunctionRule(write)


FUNCTIONS: dict[str, FunctionRule] = {
    "and": _connect(exp.And),
    "or": _connect(exp.Or),
    "not": FunctionRule(_not),
    "equal": _compare(exp.EQ, ordered=False),
    "not_equal": _compare(exp.NEQ, ordered=False),
    "lt": _compare(exp.LT, ordered=True),
    "lte": _compare(exp.LTE, ordered=True),
    "gt": _compare(exp.GT, ordered=True),
    "gte": _compare(exp.GTE, ordered=True),
    "is_not_distinct_from": _compare(exp.NullSafeEQ, ordered=False),
    "is_distinct_from": _compare(exp.NullSafeNEQ, ordered=False),
    "is_null": _is(exp.Null(), negated=False),
    "is_not_null": _is(exp.Null(), negated=True),
    "is_true": _is(exp.Boolean(this=True), negated=False),
    "is_not_true": _is(exp.Boolean(this=True), negated=True),
    "is_false": _is(exp.Boolean(this=False), negated=False),
    "is_not_false": _is(exp.Boolean(this=False), negated=True),
    "add": _operate(exp.Add),
    "subtract": _operate(exp.Sub),
    "multiply": _operate(exp.Mul),
    "divide": FunctionRule(_divide, _division, "div() cuts as the engine does"),
    "like": FunctionRule(_write_like, _like),
    "date_part": FunctionRule(_write_date_part, _date_part),
    "substring": FunctionRule(_write_substring, _substring),
    "character_length": FunctionRule(
        lambda _, a: _cast(_call("char_length", *a), _INTEGER), _texts
    ),
    "coalesce": FunctionRule(lambda _, a: exp.Coalesce(this=a[0], expressions=a[1:]), _same_types),
}


def _sum_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_floating(argument.type):
        return "a float sum depends on the order of its rows"
    if _is_decimal(argument.type) or argument.type in (pa.int16(), pa.int32(), pa.int64()):
        return None
    return f"sum of {argument.type}"


def _avg_of(measure: Measure) -> str | None:
    if pa.types.is_decimal128(measure.arguments[0].type):
        return "a distinct average" if measure.distinct else None
    return "a float average depends on the order of its rows"


def _extreme_of(measure: Measure) -> str | None:
    argument = measure.arguments[0]
    if pa.types.is_boolean(argument.type) or pa.types.is_binary(argument.type):
        return f"{measure.function} of {argument.type}"
    return refuse_order(argument)


def _count_of(measure: Measure) -> str | None:
    if len(measure.arguments) > 1:
        return "a count of several columns"
    return refuse_order(measure.arguments[0]) if measure.distinct else None


def _write_sum(measure: Measure, arguments: list[Sql]) -> Sql:
    total = exp.Sum(this=arguments[0])
    if not pa.types.is_integer(measure.type):
        return total
    if _bits(measure.arguments[0]) <= 31:
        return _cast(total, _BIGINT)
    # The engine's sum of bigints wraps; numeric does not, so the excess is taken off here.
    half, whole = _number(2**63), _number(2**64)
    shifted = exp.Add(this=total, expression=half)
    positive = exp.Add(this=_call("mod", shifted, whole), expression=whole.copy())
    wrapped = exp.Sub(this=_call("mod", positive, whole.copy()), expression=half.copy())
    return _cast(wrapped, _BIGINT)


def _write_avg(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = arguments[0]
    count = exp.Count(this=argument.copy(), big_int=True)
    return _truncated_division(exp.Sum(this=argument), count, measure.type.scale)


def _write_count(measure: Measure, arguments: list[Sql]) -> Sql:
    argument = measure.arguments[0] if measure.arguments else Literal(1, pa.int64())
    if isinstance(argument, Literal) and argument.value is not None and not measure.distinct:
        return exp.Count(this=exp.Star(), big_int=True)
    return exp.Count(this=arguments[0], big_int=True)


AGGREGATES: dict[str, AggregateRule] = {
    "count": AggregateRule(_write_count, _count_of),
    "sum": AggregateRule(_write_sum, _sum_of, "exact decimals; bigints wrapped as in the engine"),
    "avg": AggregateRule(_write_avg, _avg_of, "div() cuts as the engine does"),
    "min": AggregateRule(lambda m, a: exp.Min(this=order(a[0], m.arguments[0].type)), _extreme_of),
    "max": AggregateRule(lambda m, a: exp.Max(this=order(a[0], m.arguments[0].type)), _extreme_of),
    "bool_and": AggregateRule(lambda _, a: exp.LogicalAnd(this=a[0])),
    "bool_or": AggregateRule(lambda _, a: exp.LogicalOr(this=a[0])),
}


# --- casts ----------------------------------------------------------------------------------------


def refuse_cast(conversion: Cast) -> str | None:
    """Why a conversion may differ there."""
    source, target = conversion.input.type, conversion.type
    if source == target:
        return None
    if pa.types.is_signed_integer(source):
        wider = pa.types.is_signed_integer(target) and target.bit_width >= source.bit_width
        if wider or target == pa.float64() or (_is_decimal(target) and conversion.strict):
            return None
    if _is_decimal(source) and pa.types.is_decimal128(source):
        exact = target == pa.float64() and source.scale <= 22
        if exact or (_is_decimal(target) and conversion.strict):
            return None
    if (source, target) in (
        (pa.float32(), pa.float64()),
        (pa.date32(), pa.timestamp("us")),
    ):
        return None
    return f"the conversion of {source} to {target}"


def write_cast(conversion: Cast, sql: Sql) -> Sql:
    """A conversion; decimal to double divides the unscaled integer, as the engine does."""
    source, target = conversion.input.type, conversion.type
    if source == target:
        return sql
    if _is_decimal(source) and target == pa.float64():
        if source.scale == 0:
            return _cast(sql, _DOUBLE)
        shift = 10**source.scale
        unscaled = _cast(exp.Mul(this=_grouped(sql), expression=_number(shift)), _DOUBLE)
        return exp.Paren(
            this=exp.Div(this=unscaled, expression=_cast(_number(shift), _DOUBLE), typed=True)
        )
    return _cast(sql, cast(exp.DataType, type_sql(target)))


POSTGRES = Dialect(
    name="postgres",
    generator="postgres",
    functions=FUNCTIONS,
    aggregates=AGGREGATES,
    type_sql=type_sql,
    read_column=read_column,
    refuse_literal=refuse_literal,
    write_literal=write_literal,
    refuse_cast=refuse_cast,
    write_cast=write_cast,
    order=order,
    refuse_order=refuse_order,
    output=output,
)
