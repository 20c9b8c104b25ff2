"""The result types of DataFusion's aggregates, which its Substrait plans do not state.

Source: the `return_type` functions of datafusion-functions-aggregate 55. An aggregate that is not
listed has an unknown type: it stays in the residual, where nobody needs it.
"""

from __future__ import annotations

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
        case "min" | "max":
            return argument, True
        case "sum":
            return _sum_type(argument), True
        case "avg":
            return _avg_type(argument), True
        case "bool_and" | "bool_or":
            return pa.bool_(), True
    return UNKNOWN, True


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
