"""How the engine's SQL is written: a sqlglot dialect for DataFusion 55.

Owns spellings. What another dialect means is `client_dialect`'s: here a node has one meaning, and
one for which DataFusion has no spelling is refused through `unsupported`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.dialect import rename_func
from sqlglot.dialects.postgres import Postgres
from sqlglot.generator import Generator
from sqlglot.generators.postgres import PostgresGenerator

Node = exp.Expr


def _refuse(what: str) -> Callable[[Any, Any], str]:
    def generate(self: Any, expression: Any) -> str:
        self.unsupported(what)
        return self.function_fallback_sql(expression) if isinstance(expression, exp.Func) else ""

    return generate


def _bare(text: str) -> Callable[[Any, Any], str]:
    return lambda *_: text


def _part(part: str) -> Callable[[Any, Any], str]:
    return lambda self, expression: f"date_part('{part}', {self.sql(expression, 'this')})"


def _to_char(self: Any, expression: exp.ToChar) -> str:
    if expression.args.get("format"):
        self.unsupported("a text in a format that is computed")
    return f"CAST({self.sql(expression, 'this')} AS VARCHAR)"


_UNIT = re.compile(r"[A-Z]+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def _unit(self: Any, unit: Node | None) -> str:
    """A unit's name, which becomes part of a text: letters only."""
    name = unit.name.upper() if unit is not None else "DAY"
    if _UNIT.fullmatch(name) is None:
        self.unsupported("a unit of time of this form")
        return "DAY"
    return name


def _shift(sign: str) -> Callable[[Any, Any], str]:
    """A date or a time and a number of units; the engine multiplies no intervals."""

    def generate(self: Any, expression: Any) -> str:
        unit = _unit(self, expression.args.get("unit"))
        amount = expression.expression
        if isinstance(amount, exp.Interval):
            unit = _unit(self, amount.args.get("unit"))
            amount = amount.this
        this = self.sql(expression, "this")
        if isinstance(expression.this, exp.Literal):
            this = f"CAST({this} AS TIMESTAMP)"
        if isinstance(expression, exp.TsOrDsAdd):
            this = f"CAST({this} AS {self.sql(expression.return_type)})"
        constant = amount.this if isinstance(amount, exp.Neg) else amount
        if isinstance(constant, exp.Literal) and _NUMBER.fullmatch(constant.name):
            number = ("-" if isinstance(amount, exp.Neg) else "") + constant.name
            return f"({this} {sign} INTERVAL '{number} {unit}')"
        text = f"CAST(CAST({self.sql(amount)} AS VARCHAR) || ' {unit}' AS INTERVAL)"
        return f"({this} {sign} {text})"

    return generate


def _months(moment: str) -> str:
    return f"(date_part('year', {moment}) * 12 + date_part('month', {moment}))"


_TRUNCATED = frozenset(
    {"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER",
     "YEAR"}
)  # fmt: skip


def _truncated(self: Any, expression: Any) -> str:
    unit = _unit(self, expression.args.get("unit"))
    unit = {"ISOWEEK": "WEEK"}.get(unit, unit)
    if unit not in _TRUNCATED or expression.args.get("zone"):
        self.unsupported(f"a moment cut to {unit}")
    return f"date_trunc('{unit.lower()}', {self.sql(expression, 'this')})"


_COUNTED_SECONDS = {"HOUR": 3600, "MINUTE": 60, "SECOND": 1}


def _difference(self: Any, expression: Any) -> str:
    """How many boundaries of a unit lie between two moments: what most dialects count."""
    unit = _unit(self, expression.args.get("unit")).removesuffix("S")
    end, start = self.sql(expression, "this"), self.sql(expression, "expression")
    end, start = f"CAST({end} AS TIMESTAMP)", f"CAST({start} AS TIMESTAMP)"
    match unit:
        case "DAY":
            return f"(CAST({end} AS DATE) - CAST({start} AS DATE))"
        case "YEAR":
            difference = f"date_part('year', {end}) - date_part('year', {start})"
        case "MONTH":
            difference = f"{_months(end)} - {_months(start)}"
        case "QUARTER":
            difference = (
                f"(date_part('year', {end}) * 4 + date_part('quarter', {end}))"
                f" - (date_part('year', {start}) * 4 + date_part('quarter', {start}))"
            )
        case "WEEK":
            weeks = [f"CAST(date_trunc('week', {moment}) AS DATE)" for moment in (end, start)]
            return f"(({weeks[0]} - {weeks[1]}) / 7)"
        case _ if unit in _COUNTED_SECONDS:
            part = unit.lower()
            ends = [f"date_part('epoch', date_trunc('{part}', {m}))" for m in (end, start)]
            return f"CAST(({ends[0]} - {ends[1]}) / {_COUNTED_SECONDS[unit]} AS BIGINT)"
        case _:
            self.unsupported(f"a difference in {unit}")
            return ""
    return f"CAST({difference} AS BIGINT)"


def _ordered_texts(self: Any, expression: exp.GroupConcat) -> str:
    """`string_agg(x, ',' ORDER BY y)`: the engine has the order inside of the brackets."""
    separator = self.sql(expression, "separator") or "','"
    this = expression.this
    order = distinct = ""
    if isinstance(this, exp.Order):
        order = " ORDER BY " + ", ".join(map(self.sql, this.expressions))
        this = this.this
    if isinstance(this, exp.Distinct):
        distinct = "DISTINCT "
        this = this.expressions[0]
    if isinstance(this, exp.Order):
        order = " ORDER BY " + ", ".join(map(self.sql, this.expressions))
        this = this.this
    return f"string_agg({distinct}{self._as_text(this)}, {separator}{order})"


def _within_group(self: Any, expression: exp.WithinGroup) -> str:
    if isinstance(expression.this, exp.GroupConcat):
        inner = expression.this.copy()
        inner.set("this", exp.Order(this=inner.this, expressions=expression.expression.expressions))
        return _ordered_texts(self, inner)
    return str(Generator.withingroup_sql(self, expression))


def _extreme(direction: str) -> Callable[[Any, Any], str]:
    def generate(self: Any, expression: Any) -> str:
        this, by = self.sql(expression, "this"), self.sql(expression, "expression")
        order = f"ORDER BY {by} {direction} NULLS LAST"
        return f"first_value({this} {order}) FILTER (WHERE {by} IS NOT NULL)"

    return generate


def _extracted(self: Any, expression: exp.RegexpExtract) -> str:
    position, occurrence = expression.args.get("position"), expression.args.get("occurrence")
    if any(part is not None and part.name not in ("", "1") for part in (position, occurrence)):
        self.unsupported("a regular expression from a position or for a later match")
    group = expression.args.get("group")
    index = int(group.name) if isinstance(group, exp.Literal) and group.name.isdigit() else 0
    pattern = self.sql(expression, "expression")
    if index == 0:
        # The engine gives the groups where there are any, and the whole match where there is none.
        if "(" in expression.expression.name.replace("(?:", ""):
            self.unsupported("the whole match of a regular expression with groups")
        index = 1
    return f"regexp_match({self.sql(expression, 'this')}, {pattern})[{index}]"


def _replaced(self: Any, expression: exp.RegexpReplace) -> str:
    if expression.args.get("position") or expression.args.get("occurrence"):
        self.unsupported("a replacement from a position or of one match")
    replacement = self.sql(expression, "replacement") or "''"
    modifiers = expression.args.get("modifiers")
    flags = modifiers.name if modifiers is not None else ""
    if not expression.args.get("single_replace") and "g" not in flags:
        flags += "g"
    pattern = self.sql(expression, "expression")
    last = exp.Literal.string(flags) if flags else None
    return str(self.func("regexp_replace", expression.this, pattern, replacement, last))


def _joined(self: Any, expression: exp.DPipe) -> str:
    return f"{self._as_text(expression.this)} || {self._as_text(expression.expression)}"


def _strict_concat(self: Any, expression: exp.Concat) -> str:
    """`concat` of the engine takes NULL as an empty text; where the client's does not, `||`."""
    if expression.args.get("coalesce") or len(expression.expressions) == 1:
        return str(self.func("concat", *expression.expressions))
    return "(" + " || ".join(self._as_text(part) for part in expression.expressions) + ")"


def _to_number(self: Any, expression: exp.ToNumber) -> str:
    if expression.args.get("format"):
        self.unsupported("a number in a format")
    name = "TRY_CAST" if expression.args.get("safe") else "CAST"
    precision = self.sql(expression, "precision") or "38"
    scale = self.sql(expression, "scale") or "0"
    return f"{name}({self.sql(expression, 'this')} AS DECIMAL({precision}, {scale}))"


def _from_epoch(self: Any, expression: exp.UnixToTime) -> str:
    scale = expression.args.get("scale")
    name = {"": "seconds", "0": "seconds", "3": "millis", "6": "micros", "9": "nanos"}.get(
        scale.name if scale is not None else ""
    )
    if name is None:
        self.unsupported("a time from this unit")
    return str(self.func(f"to_timestamp_{name}", expression.this))


class EngineGenerator(PostgresGenerator):
    """Writes a tree as DataFusion reads it."""

    EXPRESSION_WITHOUT_NESTED_CTES: ClassVar[set[Any]] = set()
    TRY_SUPPORTED = False
    NVL2_SUPPORTED = True
    SUPPORTS_MEDIAN = True
    MULTI_ARG_DISTINCT = True
    SUPPORTS_SELECT_INTO = False
    LOCKING_READS_SUPPORTED = False
    ARRAY_SIZE_DIM_REQUIRED = None
    STAR_EXCEPT = "EXCLUDE"
    LIMIT_FETCH = "LIMIT"

    TYPE_MAPPING: ClassVar[dict[Any, str]] = {
        **PostgresGenerator.TYPE_MAPPING,
        exp.DType.TINYINT: "TINYINT",
        exp.DType.DOUBLE: "DOUBLE",
        exp.DType.FLOAT: "REAL",
        exp.DType.TEXT: "VARCHAR",
        exp.DType.VARCHAR: "VARCHAR",
        exp.DType.NVARCHAR: "VARCHAR",
        exp.DType.TIMESTAMPLTZ: "TIMESTAMPTZ",
        exp.DType.BINARY: "BYTEA",
        exp.DType.UBIGINT: "BIGINT UNSIGNED",
        exp.DType.UINT: "INT UNSIGNED",
    }

    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        **PostgresGenerator.TRANSFORMS,
        exp.AnyValue: rename_func("any_value"),
        exp.ApproxDistinct: rename_func("approx_distinct"),
        exp.ArgMax: _extreme("DESC"),
        exp.ArgMin: _extreme("ASC"),
        exp.Array: lambda self, e: f"[{self.expressions(e, flat=True)}]",
        exp.ArrayContains: rename_func("array_has"),
        exp.ArraySize: rename_func("array_length"),
        exp.ArrayToString: rename_func("array_to_string"),
        exp.BitwiseXor: lambda self, e: self.binary(e, "^"),
        exp.Concat: _strict_concat,
        exp.CountIf: lambda self, e: f"count(CASE WHEN {self.sql(e, 'this')} THEN 1 END)",
        exp.CurrentTimestamp: _bare("now()"),
        exp.DateAdd: _shift("+"),
        exp.DateDiff: _difference,
        exp.DateStrToDate: lambda self, e: f"CAST({self.sql(e, 'this')} AS DATE)",
        exp.DateSub: _shift("-"),
        exp.DatetimeAdd: _shift("+"),
        exp.DatetimeDiff: _difference,
        exp.DatetimeSub: _shift("-"),
        exp.DPipe: _joined,
        exp.Explode: rename_func("unnest"),
        exp.GroupConcat: _ordered_texts,
        exp.IntDiv: lambda self, e: f"CAST(({self.binary(e, '/')}) AS BIGINT)",
        exp.JSONExtract: _refuse("a path into JSON"),
        exp.JSONExtractScalar: _refuse("a path into JSON"),
        exp.JSONBExtract: _refuse("a path into JSON"),
        exp.JSONBExtractScalar: _refuse("a path into JSON"),
        exp.LastDay: lambda self, e: (
            f"CAST(date_trunc('month', {self.sql(e, 'this')})"
            " + INTERVAL '1 MONTH' - INTERVAL '1 DAY' AS DATE)"
        ),
        exp.Levenshtein: rename_func("levenshtein"),
        exp.LogicalAnd: rename_func("bool_and"),
        exp.LogicalOr: rename_func("bool_or"),
        exp.ParseJSON: _refuse("JSON"),
        exp.RegexpExtract: _extracted,
        exp.RegexpLike: lambda self, e: self.func(
            "regexp_like", e.this, e.expression, e.args.get("flag")
        ),
        exp.RegexpReplace: _replaced,
        exp.Round: rename_func("round"),
        exp.Select: lambda self, e: self.select_sql(e),
        exp.Sign: rename_func("signum"),
        exp.Split: rename_func("string_to_array"),
        exp.StrPosition: lambda self, e: self.func("strpos", e.this, e.args.get("substr")),
        exp.StrToDate: lambda self, e: self.func("to_date", e.this, self.format_time(e)),
        exp.StrToTime: lambda self, e: self.func("to_timestamp", e.this, self.format_time(e)),
        exp.Substring: lambda self, e: self.func(
            "substr", e.this, e.args.get("start"), e.args.get("length")
        ),
        exp.TimeToStr: lambda self, e: self.func("to_char", e.this, self.format_time(e)),
        exp.TimeStrToTime: lambda self, e: f"CAST({self.sql(e, 'this')} AS TIMESTAMP)",
        exp.TimeToUnix: lambda self, e: (
            f"CAST(date_part('epoch', CAST({self.sql(e, 'this')} AS TIMESTAMP)) AS BIGINT)"
        ),
        exp.TimestampAdd: _shift("+"),
        exp.TimestampDiff: _difference,
        exp.TimestampSub: _shift("-"),
        exp.DatetimeTrunc: _truncated,
        exp.DateTrunc: _truncated,
        exp.TimestampTrunc: _truncated,
        exp.Length: lambda self, e: self.func(
            "octet_length" if e.args.get("binary") else "length", e.this
        ),
        exp.ToNumber: _to_number,
        exp.TryCast: lambda self, e: f"TRY_CAST({self.sql(e, 'this')} AS {self.sql(e, 'to')})",
        exp.TsOrDsAdd: _shift("+"),
        exp.TsOrDsDiff: _difference,
        exp.TsOrDsToDate: lambda self, e: (
            self.func("to_date", e.this, self.format_time(e))
            if e.args.get("format")
            else f"CAST({self.sql(e, 'this')} AS DATE)"
        ),
        exp.UnixToTime: _from_epoch,
        exp.Unicode: rename_func("ascii"),
        exp.Uuid: _bare("uuid()"),
        exp.Variance: rename_func("var_samp"),
        exp.VariancePop: rename_func("var_pop"),
        exp.WithinGroup: _within_group,
        exp.Struct: _refuse("a structure"),
        exp.IgnoreNulls: lambda self, e: f"{self.sql(e, 'this')} IGNORE NULLS",
        exp.ToChar: _to_char,
        exp.Year: _part("year"),
        exp.Quarter: _part("quarter"),
        exp.Month: _part("month"),
        exp.Day: _part("day"),
        exp.DayOfYear: _part("doy"),
        exp.Hour: _part("hour"),
        exp.Minute: _part("minute"),
        exp.Second: _part("second"),
    }

    def _as_text(self, expression: Node) -> str:
        """An operand of `||`: the engine concatenates texts only."""
        text = str(self.sql(expression))
        if isinstance(expression, exp.DPipe | exp.Paren | exp.Null) or expression.is_string:
            return text
        return f"CAST({text} AS VARCHAR)"


class Engine(Postgres):
    """DataFusion, as sqlglot writes it."""

    TIME_MAPPING = {}  # noqa: RUF012
    TIME_FORMAT = "'%Y-%m-%d %H:%M:%S'"
    STRICT_STRING_CONCAT = True

    class Generator(EngineGenerator):
        """The dialect's generator, under the name that sqlglot looks for."""
