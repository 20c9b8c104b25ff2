"""The constructs that the engine's text is written from: each kind of node, and each of its parts.

An allow-list: whatever a client's text was read into that is not here is refused at its place, and
so is a part of a construct that nothing would write. sqlglot's generators leave parts out that they
do not know, which would be another answer without a word. A test writes each part that is named
here and looks for it in the text.
"""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects.build import Call, JoinedTexts
from planner.client_dialects.places import spelled
from planner.client_dialects.reading import Reading

_PAIR = "this expression"

_PARTS: dict[str, str] = {
    # queries
    "Select": "with_ expressions distinct from_ joins where group having qualify windows order"
    " limit offset",
    "Subquery": "this alias joins order limit offset",
    "Union": "with_ this expression distinct by_name order limit offset",
    "Except": "with_ this expression distinct order limit offset",
    "Intersect": "with_ this expression distinct order limit offset",
    "Values": "expressions alias order limit offset",
    "With": "expressions recursive",
    "CTE": "this alias materialized",
    "From": "this",
    "Join": "this on using side kind method",
    "Table": "this db catalog alias joins",
    "TableAlias": "this columns",
    "Unnest": "expressions alias",
    "Lateral": "this alias",
    "Where": "this",
    "Having": "this",
    "Qualify": "this",
    "Group": "expressions rollup cube grouping_sets all",
    "Rollup": "expressions",
    "Cube": "expressions",
    "GroupingSets": "expressions",
    "Order": "this expressions",
    "Ordered": "this desc nulls_first",
    "Limit": "this expression",
    "Fetch": "direction count",
    "Offset": "this expression",
    "Distinct": "expressions on",
    # names and values
    "Alias": "this alias",
    "Column": "this table db catalog",
    "Identifier": "this quoted",
    "Star": "except_ replace",
    "Literal": "this is_string",
    "Null": "",
    "Boolean": "this",
    "Var": "this",
    "Interval": "this unit",
    "DataType": "this expressions nested",
    "DataTypeParam": "this",
    "Paren": "this",
    "Tuple": "expressions",
    "Array": "expressions",
    "Bracket": "this expressions",
    # conditions
    **dict.fromkeys(("And", "Or", "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "NullSafeEQ",
                     "NullSafeNEQ", "Xor"), _PAIR),
    "Not": "this",
    "Is": "this expression negate",
    "In": "this expressions query",
    "Between": "this low high symmetric",
    "Like": "this expression negate",
    "ILike": "this expression negate",
    "Exists": "this",
    "Any": "this",
    "All": "this",
    "Case": "this ifs default",
    "If": "this true false",
    "Coalesce": "this expressions",
    "Nullif": _PAIR,
    "Nvl2": "this true false",
    "DecodeCase": "expressions",
    # numbers
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "IntDiv", "Mod", "Pow", "BitwiseAnd", "BitwiseOr",
                     "BitwiseXor", "BitwiseLeftShift", "BitwiseRightShift", "Atan2", "SafeDivide",
                     "Nanvl"), _PAIR),
    **dict.fromkeys(("Neg", "Abs", "Ceil", "Floor", "Sqrt", "Cbrt", "Exp", "Ln", "Sign", "Sin",
                     "Cos", "Tan", "Cot", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh",
                     "Acosh", "Atanh", "Degrees", "Radians", "Factorial"), "this"),
    "Log": _PAIR,
    "Trunc": "this decimals",
    "Pi": "",
    "Rand": "",
    "Uuid": "",
    # casts
    "Cast": "this to",
    "TryCast": "this to",
    "ToNumber": "this precision scale",
    "DateStrToDate": "this",
    "TimeStrToTime": "this",
    "TsOrDsToTimestamp": "this",
    "TsOrDsToDatetime": "this",
    "FromISO8601Date": "this",
    # texts
    **dict.fromkeys(("Upper", "Lower", "Initcap", "Reverse", "Ascii", "Unicode", "MD5", "BitLength",
                     "Space", "SHA2"), "this"),
    **dict.fromkeys(("StartsWith", "EndsWith", "Contains", "Levenshtein"), _PAIR),
    "Chr": "expressions",
    "Replace": "this expression replacement",
    "Repeat": "this times",
    "Translate": "this from_ to",
    "Overlay": "this expression from_ for_",
    "SubstringIndex": "this delimiter count",
    # lists
    **dict.fromkeys(("ArrayDistinct", "ArrayMax", "ArrayMin", "ArrayReverse", "ArraySort",
                     "Explode"), "this"),
    **dict.fromkeys(("ArrayAppend", "ArrayPrepend", "ArrayPosition"), _PAIR),
    "ArrayIntersect": "expressions",
    # times
    "CurrentDate": "",
    "CurrentTimestamp": "",
    "AtTimeZone": "this zone",
    # aggregates and windows
    **dict.fromkeys(("Sum", "Avg", "Min", "Max", "AnyValue", "CountIf", "Stddev", "StddevPop",
                     "StddevSamp", "Variance", "VariancePop", "Median", "BitwiseAndAgg",
                     "BitwiseOrAgg", "BitwiseXorAgg", "LogicalAnd", "LogicalOr", "ArrayAgg",
                     "ApproxDistinct", "FirstValue", "LastValue", "IgnoreNulls", "RespectNulls",
                     "PercentileCont", "Ntile"), "this"),
    **dict.fromkeys(("Corr", "CovarPop", "CovarSamp", "ArgMax", "ArgMin", "Filter",
                     "WithinGroup"), _PAIR),
    "Count": "this expressions",
    "GroupConcat": "this separator",
    "Grouping": "expressions",
    "Lag": "this offset default",
    "Lead": "this offset default",
    "NthValue": "this offset",
    **dict.fromkeys(("RowNumber", "Rank", "DenseRank", "PercentRank", "CumeDist"), ""),
    "Window": "this partition_by order spec alias over",
    "WindowSpec": "kind start start_side end end_side",
    # a function that only the engine knows
    "Anonymous": "this expressions",
}  # fmt: skip

ACCEPTED: dict[type[exp.Expr], frozenset[str]] = {
    **{getattr(exp, name): frozenset(parts.split()) for name, parts in _PARTS.items()},
    Call: frozenset({"this", "expressions"}),
    JoinedTexts: frozenset({"this", "expression"}),
}

_MARKS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Div: frozenset({"typed", "safe"}),
    exp.Coalesce: frozenset({"is_nvl", "is_null"}),
    exp.Count: frozenset({"big_int"}),
    exp.Bracket: frozenset({"offset", "safe", "returns_list_for_maps"}),
    exp.CountIf: frozenset({"zero_on_all_null"}),
    exp.Trunc: frozenset({"fractions_supported"}),
    exp.ToNumber: frozenset({"safe", "safe_name"}),
    exp.ArrayAppend: frozenset({"null_propagation"}),
    exp.ArrayPrepend: frozenset({"null_propagation"}),
    exp.Unicode: frozenset({"empty_is_zero"}),
    exp.Unnest: frozenset({"explode_array"}),
    exp.Uuid: frozenset({"is_string"}),
}
"""What sqlglot's parsers note of a dialect for its own generators, and which says nothing here."""

_SAID = {"sample": "a sample", "pivots": "PIVOT or UNPIVOT", "locks": "a lock such as FOR UPDATE",
         "connect": "CONNECT BY", "match": "MATCH_RECOGNIZE", "into": "SELECT INTO",
         "settings": "SETTINGS", "format": "FORMAT", "ordinality": "WITH ORDINALITY",
         "totals": "WITH TOTALS", "kind": "SELECT AS", "exclude": "EXCLUDE", "rename": "RENAME",
         "ilike": "* ILIKE", "only": "ONLY", "version": "a version of a table",
         "for_": "FOR XML or FOR JSON", "with_fill": "WITH FILL", "laterals": "LATERAL VIEW",
         "operation_modifiers": "a modifier of SELECT"}  # fmt: skip
"""What a part is called that has a word of its own."""


def refuse_unknown(tree: exp.Expr, reading: Reading) -> None:
    """Check that the engine's text says all that the tree says.

    Raises:
        UnsupportedError: for a construct or a part of one that nothing writes, with its place.
    """
    for node in tree.walk():
        parts = ACCEPTED.get(type(node))
        if parts is None:
            reading.refuse(node)
        for key, value in node.args.items():
            if value is None or value is False or value == [] or key in parts:
                continue
            if key in _MARKS.get(type(node), ()):
                continue
            at = next(iter(value), node) if isinstance(value, list) else value
            own = _SAID.get(key)
            subject = own if own is not None else f"{spelled(node, reading.sql)} with {_words(key)}"
            reading.refuse(at if isinstance(at, exp.Expr) else node, subject)


def _words(key: str) -> str:
    return f"its {key.strip('_').replace('_', ' ')}"
