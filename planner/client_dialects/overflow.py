"""Whole numbers that do not fit: what the dialect makes of them, and the engine does not.

Owns the widths of constants. Sums and products of columns are the engine's, with 64 bits, whose
overflow starts again at the lowest number: to say so beside each would say nothing.
"""

from __future__ import annotations

from sqlglot import exp

from planner.client_dialects import traits
from planner.client_dialects.build import Node, cast, number, whole_number
from planner.client_dialects.places import word_before
from planner.client_dialects.reading import Reading

_COMES_TO = "whole_number"
"""Where a node remembers its value."""

_BITS: dict[object, int] = {exp.DType.TINYINT: 8, exp.DType.SMALLINT: 16, exp.DType.INT: 32,
                            exp.DType.BIGINT: 64}  # fmt: skip


def computed(node: exp.Add | exp.Sub | exp.Mul, reading: Reading) -> Node:
    """A sum or a product of constants beyond the width of whole numbers."""
    left, right = _value(node.this), _value(node.expression)
    if left is None or right is None:
        return node
    result = _result(node, left, right)
    if not _fits(result, 64):
        reading.refuse(node, "a whole number beyond 64 bits", "Write CAST(… AS DECIMAL(38, 0)).")
    narrow = _fits(left, 32) and _fits(right, 32)
    if reading.speaks(traits.NARROW_LITERALS) and narrow and not _fits(result, 32):
        reading.translated(node, "a whole number beyond 32 bits has 64 here; it does not fit there")
    node.meta[_COMES_TO] = result
    return node


def _result(node: exp.Add | exp.Sub | exp.Mul, left: int, right: int) -> int:
    if isinstance(node, exp.Add):
        return left + right
    return left - right if isinstance(node, exp.Sub) else left * right


def cast_to_whole(node: exp.TryCast, reading: Reading) -> Node:
    """CAST of a number that does not fit, in Spark and Hive: its lowest bits, where it is whole."""
    bits = _BITS.get(node.to.this)
    if bits is None or reading.dialect not in ("spark", "hive"):
        return node
    value, kind = _value(node.this), reading.kind(node.this)
    if value is None and (kind not in _MAY_NOT_FIT or (kind == "int" and bits == 64)):
        return node
    if value is not None and _fits(value, bits):
        return node
    if word_before(node, reading.sql) == "try_cast":
        return node  # NULL there, too
    if value is not None:
        return cast(number(_wrapped(value, bits)), _NAMES[bits])
    reading.translated(
        node, "a number that does not fit its type is NULL here, and another number there"
    )
    return node


_MAY_NOT_FIT = ("int", "decimal", "float", "unknown")

_NAMES = {8: "tinyint", 16: "smallint", 32: "int", 64: "bigint"}


def _fits(value: int, bits: int) -> bool:
    half: int = 2 ** (bits - 1)
    return -half <= value < half


def _wrapped(value: int, bits: int) -> int:
    half: int = 2 ** (bits - 1)
    return (value + half) % (2 * half) - half


def _value(node: object) -> int | None:
    """What whole constants come to, exactly; of a sum, once it was looked at."""
    if isinstance(node, exp.Paren):
        return _value(node.this)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        # A chain of them is as long as the statement: nothing goes down it.
        known = node.meta.get(_COMES_TO)
        return None if known is None else int(known)
    return whole_number(node)
