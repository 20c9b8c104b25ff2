"""Which rewrite is for which kind of node. Owns their order, and no meaning."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from planner.client_dialects import (
    calls,
    casts,
    comparisons,
    differences,
    formats,
    joined,
    lists,
    literals,
    moments,
    numbers,
    overflow,
    own,
    parts,
    patterns,
    structure,
    text,
)
from planner.client_dialects.reading import Reading, Rule

RULES: Mapping[type[exp.Expr], tuple[Rule, ...]] = {
    # names and clauses
    exp.Identifier: (structure.name,),
    exp.Column: (structure.column,),
    exp.With: (structure.common_tables,),
    exp.Select: (structure.select,),
    exp.Group: (structure.group,),
    exp.Ordered: (structure.ordered,),
    exp.Join: (structure.join,),
    exp.Table: (structure.table,),
    exp.Lateral: (structure.only_table,),
    exp.Limit: (structure.limited,),
    exp.Fetch: (structure.limited,),
    exp.Collate: (structure.outer_word,),
    **dict.fromkeys(
        (exp.Anonymous, exp.AnonymousAggFunc, exp.CombinedAggFunc), (own.own_function,)
    ),
    exp.Initcap: (calls.capitalised,),
    exp.DateFromParts: (calls.date_from_parts,),
    exp.Dayname: (calls.named_day,),
    exp.Monthname: (calls.named_day,),
    exp.IsNan: (calls.is_nan,),
    exp.EqualNull: (calls.same_or_both_null,),
    exp.SHA2: (calls.digest,),
    exp.Hex: (calls.in_hex,),
    exp.First: (calls.first_of,),
    exp.Last: (calls.first_of,),
    exp.UnixSeconds: (calls.seconds_since_1970,),
    exp.YearOfWeek: (calls.iso_year,),
    exp.RawString: (calls.raw_text,),
    exp.ByteLength: (calls.bytes_of,),
    exp.UnixDate: (calls.days_since_1970,),
    exp.Timestamp: (calls.as_moment,),
    exp.RegexpCount: (patterns.counted,),
    exp.Quantile: (calls.percentile,),
    exp.PercentileCont: (calls.percentile,),
    exp.Stddev: (calls.spread,),
    exp.Variance: (calls.spread,),
    exp.Rand: (structure.random_number,),
    exp.ApproxDistinct: (structure.approximate,),
    exp.ApproxQuantile: (structure.approximate,),
    # numbers
    exp.Literal: (structure.text_literal, literals.number),
    exp.Div: (numbers.quotient,),
    exp.IntDiv: (numbers.whole_quotient,),
    exp.Mod: (numbers.remainder,),
    exp.Round: (numbers.rounded,),
    exp.Greatest: (comparisons.alike, numbers.extreme),
    exp.Least: (comparisons.alike, numbers.extreme),
    exp.Coalesce: (comparisons.alike,),
    exp.Nullif: (comparisons.alike,),
    exp.Case: (comparisons.alike,),
    exp.Avg: (numbers.average,),
    exp.Sum: (numbers.total,),
    exp.Ceil: (numbers.stepped,),
    exp.Floor: (numbers.stepped,),
    exp.Pow: (numbers.power,),
    exp.Sign: (numbers.sign,),
    **dict.fromkeys(
        (exp.And, exp.Or, exp.Xor, exp.Not, exp.Where, exp.Having, exp.If), (comparisons.condition,)
    ),
    exp.Sqrt: (numbers.inside,),
    exp.Ln: (numbers.inside,),
    exp.Log: (numbers.inside,),
    exp.BitwiseLeftShift: (numbers.shifted,),
    exp.BitwiseRightShift: (numbers.shifted,),
    exp.BitwiseNot: (numbers.complement,),
    exp.Add: (numbers.summed, moments.summed, overflow.computed),
    exp.Sub: (moments.summed, overflow.computed),
    exp.Mul: (overflow.computed,),
    **dict.fromkeys(
        (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ),
        (comparisons.compared,),
    ),
    exp.In: (comparisons.one_of,),
    exp.Between: (comparisons.between,),
    exp.Max: (lists.distinct_rows,),
    exp.Min: (lists.distinct_rows,),
    # casts
    exp.DataType: (casts.data_type,),
    exp.Cast: (casts.casted,),
    exp.TryCast: (overflow.cast_to_whole, casts.casted),
    exp.Convert: (formats.convert,),
    exp.ToNumber: (casts.to_number,),
    # texts
    exp.Substring: (text.substring,),
    exp.Left: (text.side,),
    exp.Right: (text.side,),
    exp.StrPosition: (text.position,),
    exp.Trim: (text.trim,),
    exp.Pad: (text.pad,),
    exp.Upper: (text.upper_or_lower,),
    exp.Lower: (text.upper_or_lower,),
    exp.Length: (text.length,),
    exp.SplitPart: (text.split_part,),
    exp.Split: (text.split,),
    exp.RegexpSplit: (text.split_by_pattern,),
    exp.Concat: (joined.concat,),
    exp.ConcatWs: (joined.concat_ws,),
    exp.DPipe: (joined.pipe,),
    exp.GroupConcat: (joined.ordered_texts,),
    exp.WithinGroup: (joined.of_none_is_empty, lists.within_order),
    exp.IgnoreNulls: (lists.ignoring_nulls,),
    **dict.fromkeys(
        (
            exp.Reverse,
            exp.Replace,
            exp.Repeat,
            exp.StartsWith,
            exp.EndsWith,
            exp.Contains,
            exp.Translate,
            exp.Ascii,
            exp.Unicode,
            exp.Overlay,
            exp.SubstringIndex,
            exp.MD5,
            exp.Levenshtein,
            exp.BitLength,
        ),
        (text.of_text,),
    ),
    exp.National: (joined.national,),
    exp.ByteString: (joined.escaped_text,),
    # patterns
    exp.Like: (patterns.like,),
    exp.ILike: (patterns.like,),
    exp.Escape: (patterns.escaped,),
    exp.SimilarTo: (patterns.similar,),
    exp.RegexpLike: (patterns.matches,),
    exp.RegexpILike: (patterns.matches,),
    exp.RegexpFullMatch: (patterns.whole_match,),
    exp.RegexpExtract: (patterns.extracted,),
    exp.RegexpSubstr: (patterns.extracted,),
    exp.RegexpReplace: (patterns.replaced,),
    # lists
    exp.Array: (lists.array,),
    exp.Bracket: (lists.element,),
    exp.ArrayAgg: (lists.collected,),
    exp.ArrayUniqueAgg: (lists.collected,),
    exp.ArgMax: (lists.by_extreme,),
    exp.ArgMin: (lists.by_extreme,),
    exp.ArrayContains: (lists.contains,),
    exp.ArrayDistinct: (lists.distinct,),
    exp.ArraySize: (lists.size,),
    exp.ArrayConcat: (lists.appended,),
    exp.ArrayToString: (lists.joined_list,),
    exp.GenerateSeries: (lists.series,),
    exp.ExplodingGenerateSeries: (lists.series,),
    # times
    **dict.fromkeys(
        (exp.DateAdd, exp.TsOrDsAdd, exp.TimestampAdd, exp.DatetimeAdd), (moments.shifted(1),)
    ),
    **dict.fromkeys((exp.DateSub, exp.TimestampSub, exp.DatetimeSub), (moments.shifted(-1),)),
    **dict.fromkeys(
        (exp.DateDiff, exp.TimestampDiff, exp.DatetimeDiff, exp.TsOrDsDiff),
        (differences.difference,),
    ),
    **dict.fromkeys((exp.DateTrunc, exp.TimestampTrunc, exp.DatetimeTrunc), (moments.cut,)),
    exp.AddMonths: (moments.add_months,),
    exp.LastDay: (moments.last_day,),
    exp.Extract: (parts.extracted,),
    exp.UnixToTime: (moments.from_epoch,),
    exp.TimeToUnix: (moments.to_epoch,),
    exp.Date: (moments.date_of,),
    exp.AtTimeZone: (moments.in_zone,),
    exp.CurrentDate: (moments.today,),
    exp.CurrentTimestamp: (moments.now,),
    exp.UnixToStr: (formats.epoch_formatted,),
    exp.StrToUnix: (formats.to_epoch,),
    exp.TimeToStr: (formats.formatted,),
    exp.ToChar: (formats.to_char,),
    exp.StrToTime: (formats.parsed,),
    exp.StrToDate: (formats.parsed,),
    exp.TsOrDsToDate: (formats.parsed,),
    **{
        kind: (parts.part_function(name),)
        for kind, name in {
            exp.Year: "YEAR",
            exp.Quarter: "QUARTER",
            exp.Month: "MONTH",
            exp.Day: "DAY",
            exp.DayOfMonth: "DAY",
            exp.DayOfYear: "DOY",
            exp.DayOfWeek: "DOW",
            exp.DayOfWeekIso: "ISODOW",
            exp.Week: "WEEK",
            exp.WeekOfYear: "ISOWEEK",
            exp.Hour: "HOUR",
            exp.Minute: "MINUTE",
            exp.Second: "SECOND",
        }.items()
    },
}


def with_meaning(tree: exp.Expr, reading: Reading) -> exp.Expr:
    """The tree with what the client's dialect means written as the engine has it. Changes `tree`.

    Raises:
        UnsupportedError: for what cannot be written, with its place.
    """
    # Inputs before what reads them: a changed node is not looked into again.
    for node in reversed(list(tree.walk(bfs=False))):
        # A rule may make the node a part of what it gives: its place is taken before.
        parent, key, index = node.parent, node.arg_key, node.index
        meant = _meant(node, reading)
        if meant is node:
            continue
        reading.kinds.same(meant, node)
        if parent is None or key is None:
            tree = meant
        else:
            parent.set(key, meant, index)
    return tree


def _meant(node: exp.Expr, reading: Reading) -> exp.Expr:
    for rule in RULES.get(type(node), ()):
        meant = rule(node, reading)
        if meant is not node:
            return meant
    return node
