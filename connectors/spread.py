"""How far the values of a column are spread over the parts of its table, as files. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any


def spread(minima: Sequence[Any], maxima: Sequence[Any]) -> float | None:
    """The part of a table's parts that may have a value, of one anywhere between its bounds.

    Args:
        minima, maxima: of each part, at least one; None comes of other than whole numbers and days.

    >>> spread([1, 11, 21, 31], [10, 20, 30, 40]), spread([1, 1], [40, 40]), spread(["a"], ["b"])
    (0.25, 1.0, None)
    """
    whole = _length(min(minima), max(maxima))
    if whole is None:
        return None
    own = (_length(*ends) or 0 for ends in zip(minima, maxima, strict=True))
    return sum(own) / len(minima) / whole


def _length(low: Any, high: Any) -> int | None:
    """How many whole numbers, or days, there are from one to another."""
    if isinstance(low, date) and not isinstance(low, datetime):
        return int((high - low).days) + 1
    whole = isinstance(low, int) and not isinstance(low, bool)
    return int(high) - int(low) + 1 if whole else None
