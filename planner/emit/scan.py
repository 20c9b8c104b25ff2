"""A relation tree of one table -> a `TableScan`, for sources that speak no SQL.

A scan takes columns, a filter of comparisons that Arrow's kernels decide as the engine does, and a
limit. Everything else stays here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.contract import TableName, TableScan
from planner.emit.float_order import RowFilter, order_of
from planner.emit.keys import is_text
from planner.relations import (
    Call,
    Expression,
    Fetch,
    FieldRef,
    Filter,
    InKeys,
    InList,
    Literal,
    Project,
    Read,
    Relation,
    arguments_of,
    kind_of,
)

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_CONNECTIVES: dict[str, Callable[[Any, Any], Any]] = {"and": operator.and_, "or": operator.or_}


def scan_refusal(relation: Relation) -> str | None:
    """Why a relation, whose input is a scan, may not be part of that scan; None when it may."""
    match relation:
        case Read():
            return None
        case Filter():
            if isinstance(relation.input, Fetch):
                return "a filter above a limit"
            return _filter_refusal(relation.condition)
        case Project():
            if isinstance(relation.input, Fetch):
                return "a projection above a limit"
            refs = [e.index for e in relation.expressions if isinstance(e, FieldRef)]
            if len(refs) == len(relation.expressions) == len(set(refs)):
                return None
            return "a scan computes nothing"
        case Fetch():
            if relation.offset or relation.count is None or isinstance(relation.input, Fetch):
                return "a scan has no offset"
            return None
    return f"a scan does not {kind_of(relation)}"


def _filter_refusal(condition: Expression) -> str | None:
    for argument in arguments_of(condition):
        reason = _filter_refusal(argument)
        if reason:
            return reason
    match condition:
        case FieldRef():
            floating = pa.types.is_floating(condition.type)
            return "NaN and -0.0 compare differently there" if floating else None
        case Literal():
            return None
        case InList():
            constants = all(
                isinstance(o, Literal) and o.value is not None for o in condition.options
            )
            return None if constants else "IN of other than constants"
        case InKeys():
            return None if is_scanned_key(condition.value.type) else "keys of another type"
        case Call(function="not" | "is_null" | "is_not_null"):
            return None
        case Call() if condition.function in _COMPARISONS or condition.function in _CONNECTIVES:
            return None
        case Call():
            return f"function {condition.function} is not proven there"
    return "this expression has no form in a scan"


def is_scanned_key(type_: pa.DataType) -> bool:
    """Whether files are read by keys of a type: of those that all of their readers order alike."""
    return is_text(type_) or bool(pa.types.is_signed_integer(type_) or pa.types.is_date32(type_))


def engine_filter(expression: Expression, columns: Sequence[str]) -> RowFilter:
    """A filter that Arrow's kernels decide as the engine does, floats included.

    Args:
        expression: one that a scan's filter may hold, on floats too.
        columns: the names of the table's columns, by position.
    """
    names: dict[int, str] = {}
    for index in sorted(_floats(expression)):
        name = f"{columns[index]} order"
        while name in columns or name in names.values():
            name += "_"
        names[index] = name
    orders = {columns[index]: name for index, name in names.items()}
    return RowFilter(_write(expression, tuple(columns), names), orders)


def _floats(expression: Expression) -> set[int]:
    """The columns of floats that are compared."""
    if isinstance(expression, FieldRef):
        return {expression.index} if pa.types.is_floating(expression.type) else set()
    return {index for argument in arguments_of(expression) for index in _floats(argument)}


def scan_of(relation: Relation, columns_of: Callable[[Read], Sequence[str]]) -> TableScan:
    """The scan that makes a relation's rows.

    Args:
        relation: a tree all of whose parts `scan_refusal` passed.
        columns_of: the names of a table's columns, by position.
    """
    match relation:
        case Read():
            names = columns_of(relation)
            columns = tuple(names[index] for index in relation.columns)
            return TableScan(TableName(*relation.path[1:]), columns)
        case Filter():
            scan = scan_of(relation.input, columns_of)
            condition = _write(relation.condition, scan.columns, {})
            both = condition if scan.filter is None else scan.filter & condition
            return TableScan(scan.table, scan.columns, both, scan.limit)
        case Project():
            scan = scan_of(relation.input, columns_of)
            chosen = [e.index for e in relation.expressions if isinstance(e, FieldRef)]
            columns = tuple(scan.columns[index] for index in chosen)
            return TableScan(scan.table, columns, scan.filter, scan.limit)
        case Fetch():
            scan = scan_of(relation.input, columns_of)
            return TableScan(scan.table, scan.columns, scan.filter, relation.count)
    raise AssertionError(f"{kind_of(relation)} was never passed for a scan")


def _write(
    expression: Expression, columns: tuple[str, ...], orders: Mapping[int, str]
) -> pc.Expression:
    match expression:
        case FieldRef():
            return pc.field(columns[expression.index])
        case Literal():
            return pc.scalar(pa.scalar(expression.value, expression.type))
        case InList():
            return _in_list(expression, columns, orders)
        case Call(function="not" | "is_null" | "is_not_null"):
            operand = _write(expression.arguments[0], columns, orders)
            if expression.function == "not":
                return ~operand
            missing = operand.is_null()
            return missing if expression.function == "is_null" else ~missing
        case Call() if expression.function in _COMPARISONS:
            if pa.types.is_floating(expression.arguments[0].type):
                operands = [order_of(a, orders, zeros=True) for a in expression.arguments]
            else:
                operands = [_write(a, columns, orders) for a in expression.arguments]
            return _COMPARISONS[expression.function](*operands)
        case Call() if expression.function in _CONNECTIVES:
            operands = [_write(a, columns, orders) for a in expression.arguments]
            return reduce(_CONNECTIVES[expression.function], operands)
    raise AssertionError(f"{expression!r} was never passed for a scan")


def _in_list(
    expression: InList, columns: tuple[str, ...], orders: Mapping[int, str]
) -> pc.Expression:
    """IN over constants. Arrow's own says false of NULL, where SQL says NULL."""
    if pa.types.is_floating(expression.value.type):
        value = order_of(expression.value, orders, zeros=False)
        return reduce(
            operator.or_,
            [value == order_of(option, orders, zeros=False) for option in expression.options],
        )
    value = _write(expression.value, columns, orders)
    constants = [o.value for o in expression.options if isinstance(o, Literal)]
    found = value.isin(pa.array(constants).cast(expression.value.type))
    return pc.if_else(value.is_null(), pa.scalar(None, pa.bool_()), found)
