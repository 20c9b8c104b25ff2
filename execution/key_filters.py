"""Keys as filters of files, and their bounds: what they leave out has none of the keys.

Owns the form of such filters. Knows no stage, and no plan.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def among(keys: pa.Array, field: pa.Field) -> pc.Expression:
    """The rows with one of the keys, for Arrow: bounds first, by which it passes over files.

    Args:
        keys: at least one, of the field's type.
    """
    ends = pc.min_max(keys)
    column = pc.field(field.name)
    return (column >= ends["min"]) & (column <= ends["max"]) & column.isin(keys)


def bounds_of(keys: pa.Array) -> tuple[object, object] | None:
    """The least and the greatest key as Python values; None where there is no key.

    Raises:
        OverflowError, ValueError: Python has no value for one of them, as for a day of year 10,000.

    >>> bounds_of(pa.array(["b", "a", "c"])), bounds_of(pa.array([], pa.int64()))
    (('a', 'c'), None)
    """
    if not len(keys):
        return None
    ends = pc.min_max(keys)
    return ends["min"].as_py(), ends["max"].as_py()
