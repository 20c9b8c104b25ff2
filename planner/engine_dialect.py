"""How the engine's SQL is written: a sqlglot dialect for DataFusion 55.

Owns spellings. What another dialect means is `client_dialects`': here a node has one meaning, and
one for which DataFusion has no spelling is refused through `unsupported`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.dialect import rename_func
from sqlglot.dialects.postgres import Postgres
from sqlglot.generator import Generator
from sqlglot.generators.postgres import PostgresGenerator

from planner.client_dialects.build import Call, JoinedTexts


def _bare(text: str) -> Callable[[Any, Any], str]:
    return lambda *_: text


def _cast(to: str) -> Callable[[Any, Any], str]:
    return lambda self, expression: f"CAST({self.sql(expression, 'this')} AS {to})"


def _called(self: Any, expression: Call) -> str:
    return f"{expression.name}({self.expressions(expression, flat=True)})"


def _ordered_texts(self: Any, expression: exp.GroupConcat) -> str:
    """`string_agg(x, ',' ORDER BY y)`: the engine has the order inside of the brackets."""
    this = expression.this
    order = distinct = ""
    while isinstance(this, exp.Order | exp.Distinct):
        if isinstance(this, exp.Order):
            order = " ORDER BY " + ", ".join(map(self.sql, this.expressions))
            this = this.this
        else:
            distinct = "DISTINCT "
            this = this.expressions[0]
    return f"string_agg({distinct}{self.sql(this)}, {self.sql(expression, 'separator')}{order})"


def _within_group(self: Any, expression: exp.WithinGroup) -> str:
    """An aggregate of values in an order; string_agg and array_agg have it in their brackets."""
    if isinstance(expression.this, exp.GroupConcat | exp.ArrayAgg):
        inner = expression.this
        inner.set("this", exp.Order(this=inner.this, expressions=expression.expression.expressions))
        return str(self.sql(inner))
    return str(Generator.withingroup_sql(self, expression))


def _extreme(direction: str) -> Callable[[Any, Any], str]:
    def generate(self: Any, expression: Any) -> str:
        this, by = self.sql(expression, "this"), self.sql(expression, "expression")
        order = f"ORDER BY {by} {direction} NULLS LAST"
        return f"first_value({this} {order}) FILTER (WHERE {by} IS NOT NULL)"

    return generate


def _to_number(self: Any, expression: exp.ToNumber) -> str:
    name = "TRY_CAST" if expression.args.get("safe") else "CAST"
    precision = self.sql(expression, "precision") or "38"
    scale = self.sql(expression, "scale") or "0"
    return f"{name}({self.sql(expression, 'this')} AS DECIMAL({precision}, {scale}))"


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
        Call: _called,
        JoinedTexts: lambda self, e: self.binary(e, "||"),
        exp.AnyValue: rename_func("any_value"),
        exp.ApproxDistinct: rename_func("approx_distinct"),
        exp.ArgMax: _extreme("DESC"),
        exp.ArgMin: _extreme("ASC"),
        exp.Array: lambda self, e: f"[{self.expressions(e, flat=True)}]",
        exp.BitwiseXor: lambda self, e: self.binary(e, "^"),
        exp.CountIf: lambda self, e: f"count(CASE WHEN {self.sql(e, 'this')} THEN 1 END)",
        exp.CurrentDate: _bare("current_date"),
        exp.CurrentTimestamp: _bare("now()"),
        exp.DateStrToDate: _cast("DATE"),
        exp.Explode: rename_func("unnest"),
        exp.FromISO8601Date: _cast("DATE"),
        exp.GroupConcat: _ordered_texts,
        exp.IgnoreNulls: lambda self, e: f"{self.sql(e, 'this')} IGNORE NULLS",
        exp.IntDiv: lambda self, e: self.binary(e, "/"),
        exp.Levenshtein: rename_func("levenshtein"),
        exp.LogicalAnd: rename_func("bool_and"),
        exp.LogicalOr: rename_func("bool_or"),
        exp.Rand: _bare("random()"),
        exp.Select: lambda self, e: self.select_sql(e),
        exp.Sign: rename_func("signum"),
        exp.TimeStrToTime: _cast("TIMESTAMP"),
        exp.ToNumber: _to_number,
        exp.TryCast: lambda self, e: f"TRY_CAST({self.sql(e, 'this')} AS {self.sql(e, 'to')})",
        exp.TsOrDsToDatetime: _cast("TIMESTAMP"),
        exp.TsOrDsToTimestamp: _cast("TIMESTAMP"),
        exp.Unicode: rename_func("ascii"),
        exp.Uuid: _bare("uuid()"),
        exp.Variance: rename_func("var_samp"),
        exp.VariancePop: rename_func("var_pop"),
        exp.WithinGroup: _within_group,
    }


class Engine(Postgres):
    """DataFusion, as sqlglot writes it."""

    TIME_MAPPING = {}  # noqa: RUF012
    TIME_FORMAT = "'%Y-%m-%d %H:%M:%S'"
    STRICT_STRING_CONCAT = True

    class Generator(EngineGenerator):
        """The dialect's generator, under the name that sqlglot looks for."""
