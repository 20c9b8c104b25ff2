"""The order in which the engine has floats, as whole numbers that any kernel compares rightly.

The engine orders floats totally, as IEEE 754's totalOrder does: a NaN whose sign bit is set is
below everything, any other above everything, and each equals itself. Only its comparisons take
−0.0 for 0.0; its IN does not. Arrow's kernels know neither, and none of them tells a NaN's sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from planner.relations import Expression, FieldRef, Literal

_WHOLE = {pa.float16(): pa.int16(), pa.float32(): pa.int32(), pa.float64(): pa.int64()}

_MINUS_ZERO = -1
"""What `float_order` makes of −0.0."""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """A filter over the rows of a batch, decided as the engine would.

    Attributes:
        condition: over the batch's columns and `orders`.
        orders: of a column of floats, the name under which `condition` has its order.
    """

    condition: pc.Expression
    orders: Mapping[str, str] = field(default_factory=dict)

    def kept(self, batch: pa.RecordBatch) -> pa.Table:
        """The rows that pass, with the columns of `orders` at the end."""
        for column, name in self.orders.items():
            batch = batch.append_column(name, float_order(batch.column(column)))
        return pa.Table.from_batches([batch]).filter(self.condition)


def float_order(values: pa.Array) -> pa.Array:
    """Whole numbers of the same width, ordered as the engine orders these floats; NULL is NULL.

    >>> float_order(pa.array([float("-inf"), -0.0, 0.0, None, 1.0], pa.float32())).to_pylist()
    [-2139095041, -1, 0, None, 1065353216]
    """
    whole = _WHOLE[values.type]
    bits = values.view(whole)
    others = pa.scalar(2 ** (whole.bit_width - 1) - 1, whole)
    # The greater a negative float's bits are as a number, the less it is.
    negative = pc.less(bits, pa.scalar(0, whole))
    return pc.if_else(negative, pc.bit_wise_xor(bits, others), bits)


def order_of(expression: Expression, names: Mapping[int, str], *, zeros: bool) -> pc.Expression:
    """The order of a column of floats, or of a constant.

    Args:
        names: under which a filter has the order of a column, by the column's position.
        zeros: whether −0.0 is 0.0.
    """
    match expression:
        case FieldRef():
            order = pc.field(names[expression.index])
            if not zeros:
                return order
            zero = pa.scalar(0, _WHOLE[expression.type])
            minus_zero = pa.scalar(_MINUS_ZERO, zero.type)
            return pc.if_else(order == pc.scalar(minus_zero), pc.scalar(zero), order)
        case Literal():
            order = float_order(pa.array([expression.value], expression.type))[0]
            if zeros and order.as_py() == _MINUS_ZERO:
                order = pa.scalar(0, order.type)
            return pc.scalar(order)
    raise AssertionError(f"{expression!r} was never passed for a scan")
