"""The kinds of values, and the kinds that types and functions have whatever they are given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
from sqlglot import exp

Kind = Literal[
    "unknown", "null", "bool", "int", "decimal", "float", "text", "date", "timestamp",
    "timestamptz", "time", "interval", "list", "binary", "other",
]  # fmt: skip

NUMBERS: frozenset[Kind] = frozenset({"int", "decimal", "float"})

MOMENTS: frozenset[Kind] = frozenset({"timestamp", "timestamptz"})

_INTEGERS = frozenset({
    exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.MEDIUMINT, exp.DType.INT, exp.DType.BIGINT,
    exp.DType.UTINYINT, exp.DType.USMALLINT, exp.DType.UINT, exp.DType.UBIGINT, exp.DType.INT128,
})  # fmt: skip

_DECIMALS = frozenset({exp.DType.DECIMAL, exp.DType.BIGDECIMAL, exp.DType.MONEY})

_FLOATS = frozenset({exp.DType.DOUBLE, exp.DType.FLOAT})

_TEXTS = frozenset({*exp.DataType.TEXT_TYPES})

_TIMESTAMPS = frozenset({exp.DType.TIMESTAMP, exp.DType.DATETIME, exp.DType.DATETIME2,
                         exp.DType.TIMESTAMPNTZ, exp.DType.SMALLDATETIME})  # fmt: skip


_ZONED = frozenset({exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ})

_TEXT_CALLS = (
    exp.Concat, exp.ConcatWs, exp.DPipe, exp.Upper, exp.Lower, exp.Trim, exp.Substring, exp.Left,
    exp.Right, exp.Replace, exp.Initcap, exp.Pad, exp.TimeToStr, exp.ToChar, exp.GroupConcat,
    exp.RegexpReplace, exp.RegexpExtract, exp.SplitPart, exp.Repeat, exp.Chr, exp.National,
    exp.Translate,
)  # fmt: skip

_INT_CALLS = (
    exp.Count, exp.CountIf, exp.Length, exp.StrPosition, exp.Year, exp.Month, exp.Day, exp.Quarter,
    exp.Hour, exp.Minute, exp.DateDiff, exp.TimestampDiff, exp.DatetimeDiff, exp.ArraySize,
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.DayOfWeek, exp.DayOfYear, exp.DayOfMonth,
    exp.DayOfWeekIso, exp.Unicode, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.TsOrDsDiff,
    exp.ApproxDistinct, exp.IntDiv, exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.TimeToUnix,
)  # fmt: skip

_FLOAT_CALLS = (exp.Sqrt, exp.Exp, exp.Ln, exp.Log, exp.Stddev, exp.StddevPop, exp.StddevSamp,
                exp.Variance, exp.VariancePop, exp.Rand, exp.Corr)  # fmt: skip


_BOOL_CALLS = (exp.Predicate, exp.Connector, exp.Not, exp.Boolean, exp.RegexpLike, exp.LogicalOr,
               exp.LogicalAnd, exp.IsNan, exp.StartsWith, exp.SimilarTo)  # fmt: skip


_LIST_CALLS = (exp.Array, exp.ArrayAgg, exp.Split, exp.ArrayConcat, exp.RegexpSplit, exp.List,
               exp.ArrayAppend, exp.ArrayPrepend, exp.ArraySort, exp.ArrayUniqueAgg,
               exp.ArrayDistinct, exp.ArraySlice, exp.GenerateSeries)  # fmt: skip


SAME_AS_THEIR_FIRST = (
    exp.Paren, exp.Neg, exp.Max, exp.Min, exp.Abs, exp.Alias, exp.FirstValue, exp.LastValue,
    exp.NthValue, exp.Lag, exp.Lead, exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls,
    exp.Distinct, exp.Sum, exp.AnyValue, exp.Round, exp.Ceil, exp.Floor, exp.Nullif, exp.Greatest,
    exp.Least, exp.ArgMax, exp.ArgMin, exp.Collate, exp.WithinGroup, exp.Order, exp.Any, exp.First,
)  # fmt: skip

_SUMS = (exp.Add, exp.Sub, exp.Mul, exp.Mod)

SHIFTS = (exp.DateAdd, exp.DateSub, exp.TsOrDsAdd, exp.AddMonths, exp.TimestampAdd,
           exp.TimestampSub, exp.DatetimeAdd, exp.DatetimeSub)  # fmt: skip


TRUNCATIONS = (exp.DateTrunc, exp.TimestampTrunc, exp.DatetimeTrunc)

_DATE_CALLS = (exp.CurrentDate, exp.LastDay, exp.TsOrDsToDate, exp.StrToDate, exp.DateStrToDate,
               exp.Date)  # fmt: skip


_MOMENT_CALLS = (exp.StrToTime, exp.UnixToTime, exp.TimeStrToTime, exp.TsOrDsToTimestamp)


def kind_of_arrow(arrow: pa.DataType) -> Kind:
    """The kind of a column's Arrow type."""
    if pa.types.is_boolean(arrow):
        return "bool"
    if pa.types.is_integer(arrow):
        return "int"
    if pa.types.is_decimal(arrow):
        return "decimal"
    if pa.types.is_floating(arrow):
        return "float"
    if pa.types.is_string(arrow) or pa.types.is_large_string(arrow) or arrow == pa.string_view():
        return "text"
    if pa.types.is_date(arrow):
        return "date"
    if pa.types.is_timestamp(arrow):
        return "timestamp" if arrow.tz is None else "timestamptz"
    if pa.types.is_time(arrow):
        return "time"
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return "list"
    if pa.types.is_binary(arrow) or pa.types.is_large_binary(arrow):
        return "binary"
    return "other"


def kind_of_type(to: exp.Expr | None) -> Kind:
    """The kind of a type that is written in a cast."""
    dtype = to.this if isinstance(to, exp.DataType) else None
    for dtypes, kind in _DTYPES:
        if dtype in dtypes:
            return kind
    return "unknown"


_DTYPES: Sequence[tuple[frozenset[object], Kind]] = (
    (_INTEGERS, "int"),
    (_DECIMALS, "decimal"),
    (_FLOATS, "float"),
    (_TEXTS, "text"),
    (_TIMESTAMPS, "timestamp"),
    (_ZONED, "timestamptz"),
    (frozenset({exp.DType.BOOLEAN, exp.DType.BIT}), "bool"),
    (frozenset({exp.DType.DATE, exp.DType.DATE32}), "date"),
    (frozenset({exp.DType.TIME}), "time"),
    (frozenset({exp.DType.INTERVAL}), "interval"),
    (frozenset({exp.DType.ARRAY, exp.DType.LIST}), "list"),
    (frozenset({exp.DType.BINARY, exp.DType.VARBINARY}), "binary"),
)

CALLS: Sequence[tuple[tuple[type[object], ...], Kind]] = (
    (_TEXT_CALLS, "text"),
    (_LIST_CALLS, "list"),
    (_INT_CALLS, "int"),
    (_FLOAT_CALLS, "float"),
    (_BOOL_CALLS, "bool"),
    (_DATE_CALLS, "date"),
    (_MOMENT_CALLS, "timestamp"),
    ((exp.CurrentTimestamp,), "timestamptz"),
    ((exp.Interval,), "interval"),
)
