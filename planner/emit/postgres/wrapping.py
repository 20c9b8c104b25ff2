"""Integer arithmetic that wraps, as the engine's does: PostgreSQL's own fails for an overflow."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.postgres.types import (
    BIGINT,
    INTEGER,
    NUMERIC,
    cases,
    cast_to,
    function_call,
    grouped,
    number,
    type_sql,
)
from planner.relations import Call, Literal

_WIDER = {pa.int16(): (16, INTEGER), pa.int32(): (32, BIGINT)}
_LARGEST = 2**63 - 1


def write_wrapped(node: type[exp.Binary], call: Call, arguments: list[Sql]) -> Sql:
    """x + y, x - y or x * y in 16, 32 or 64 bits."""
    if call.type in _WIDER:
        return _masked(node, call, arguments)
    step = _step(call)
    if step and isinstance(arguments[0], exp.Column):
        return _stepped(arguments[0], step)
    first = cast_to(arguments[0], NUMERIC)
    return wrapped_numeric(cast(Sql, node(this=first, expression=grouped(arguments[1]))))


def wrapped_numeric(sql: Sql) -> Sql:
    """A numeric of any size, its excess over 64 bits taken off."""
    half, whole = number(2**63), number(2**64)
    shifted = exp.Add(this=grouped(sql), expression=half)
    positive = exp.Add(this=function_call("mod", shifted, whole), expression=whole.copy())
    wrapped = exp.Sub(this=function_call("mod", positive, whole.copy()), expression=half.copy())
    return cast_to(wrapped, BIGINT)


def _masked(node: type[exp.Binary], call: Call, arguments: list[Sql]) -> Sql:
    """In the next wider type, of which the lower bits are kept."""
    bits, wider = _WIDER[call.type]
    first = cast_to(arguments[0], wider)
    exact = exp.Paren(this=node(this=first, expression=grouped(arguments[1])))
    half = number(2 ** (bits - 1))
    shifted = exp.Paren(this=exp.Add(this=exact, expression=half))
    kept = exp.Paren(this=exp.BitwiseAnd(this=shifted, expression=number(2**bits - 1)))
    signed = exp.Sub(this=kept, expression=half.copy())
    return cast_to(signed, cast(exp.DataType, type_sql(call.type)))


def _step(call: Call) -> int:
    """What a bigint is moved by, where that is a constant; else 0."""
    by = call.arguments[1]
    if call.function == "multiply" or not isinstance(by, Literal) or by.value is None:
        return 0
    step = cast(int, by.value)
    if abs(step) > _LARGEST - 2:
        return 0
    return step if call.function == "add" else -step


def _stepped(column: Sql, step: int) -> Sql:
    """A bigint column and a constant: the few largest, or lowest, values go round."""
    size = abs(step)
    plain = _moved(column, step)
    if step > 0:
        over: Sql = exp.GT(this=column.copy(), expression=number(_LARGEST - size))
    else:
        over = exp.LT(this=column.copy(), expression=_negative(_LARGEST - size + 1))
    # In three steps, none of which overflows, by 2⁶⁴ less than `size` the other way.
    back = -1 if step > 0 else 1
    round_ = column
    for part in (_LARGEST, _LARGEST - size, 2):
        round_ = _moved(round_, back * part)
    return cases((over, round_), default=plain)


def _moved(sql: Sql, step: int) -> Sql:
    node = exp.Add if step > 0 else exp.Sub
    return node(this=sql.copy(), expression=number(abs(step)))


def _negative(value: int) -> Sql:
    return exp.Paren(this=exp.Neg(this=number(value)))
