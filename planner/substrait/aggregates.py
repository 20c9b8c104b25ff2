"""The result types of DataFusion's aggregates and window functions, and of the number of a grouping
set, which its Substrait plans do not state.

Source: the `return_type` functions of datafusion-functions-aggregate and -window 55, and
`Aggregate::grouping_id_type` of datafusion-expr. A function that is not listed has an unknown type:
it stays in the residual, where nobody needs it.
"""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

UNKNOWN = pa.null()


def measure_type(function: str, arguments: tuple[pa.DataType, ...]) -> tuple[pa.DataType, bool]:
    """The type of an aggregate and whether it may be NULL; `UNKNOWN` when not listed.

    >>> measure_type("sum", (pa.decimal128(15, 2),))
    (Decimal128Type(decimal128(25, 2)), True)
    >>> measure_type("count", (pa.int64(),))
    (DataType(int64), False)
    """
    argument = arguments[0] if arguments else UNKNOWN
    match function:
        case "count":
            return pa.int64(), False
        case "min" | "max" | "bit_and" | "bit_or" | "bit_xor":
            return argument, True
        case "sum":
            return _sum_type(argument), True
        case "avg":
            return _avg_type(argument), True
        case "bool_and" | "bool_or":
            return pa.bool_(), True
        case "string_agg":
            return pa.large_string(), True
    return UNKNOWN, True


def window_type(function: str, arguments: tuple[pa.DataType, ...]) -> tuple[pa.DataType, bool]:
    """The type of a function over a window and whether it may be NULL; `UNKNOWN` when not listed.

    >>> window_type("rank", ())
    (DataType(uint64), False)
    """
    match function:
        case "row_number" | "rank" | "dense_rank" | "ntile":
            return pa.uint64(), False
        case "percent_rank" | "cume_dist":
            return pa.float64(), False
        case "lag" | "lead" | "first_value" | "last_value" | "nth_value":
            return (arguments[0] if arguments else UNKNOWN), True
    return measure_type(function, arguments)


def grouping_id_type(groups: int, sets: tuple[tuple[int, ...], ...]) -> pa.DataType:
    """The type of the number of a grouping set: bits for the groups, and for which of equal sets.

    >>> grouping_id_type(3, ((0, 1, 2), (0,)))
    DataType(uint8)
    """
    most = max(Counter(frozenset(s) for s in sets).values(), default=1)
    bits = groups + (most - 1).bit_length()
    for width, type_ in ((8, pa.uint8()), (16, pa.uint16()), (32, pa.uint32())):
        if bits <= width:
            return type_
    return pa.uint64()


def _sum_type(argument: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal128(argument):
        return pa.decimal128(min(38, argument.precision + 10), argument.scale)
    if pa.types.is_signed_integer(argument):
        return pa.int64()
    if pa.types.is_unsigned_integer(argument):
        return pa.uint64()
    if pa.types.is_floating(argument):
        return pa.float64()
    return UNKNOWN


def _avg_type(argument: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal128(argument):
        return pa.decimal128(min(38, argument.precision + 4), min(38, argument.scale + 4))
    if pa.types.is_floating(argument):
        return pa.float64()
    return UNKNOWN
