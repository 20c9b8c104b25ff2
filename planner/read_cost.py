"""How long it takes to read a table of files, whole or by keys, in seconds.

Files are not looked up: keys leave out the parts of a table whose bounds show that no row has one.
Owns the estimate of that share. Decides nothing.
"""

from __future__ import annotations

from datetime import date

from connectors.contract import ColumnStatistics
from planner.cost import ALL, hashed_seconds, local_seconds, transfer_cost
from planner.placing import Places
from planner.plan import Estimate
from planner.relations import FieldRef, InKeys, Read, Relation

LOOKED_UP = 150
"""So many keys are looked for in the bounds of each part of a table that the engine reads: what it
is set to (`execution.engine`). Of more, only the least and the greatest are."""


def read_share(
    column: ColumnStatistics | None, keys: ColumnStatistics | None, count: float, most: float
) -> float:
    """The part of a table that has to be read for some keys, 0 to 1: all, where nothing is known.

    Args:
        column: what is known of the table's column.
        keys: of the column that the keys are in.
        count: of the keys; they may be anywhere in that column.
        most: with more, only their bounds are looked at.

    >>> sorted_by = ColumnStatistics(minimum=1, maximum=1000, spread=0.01)
    >>> round(read_share(sorted_by, None, 1, 10), 2), read_share(sorted_by, None, 100, 10)
    (0.01, 1.0)
    >>> recent = ColumnStatistics(minimum=901, maximum=2000)
    >>> round(read_share(sorted_by, recent, 100, 10), 2)
    0.11
    """
    if column is None or column.spread is None:
        return 1.0
    spread = min(1.0, max(0.0, column.spread))
    share = 1.0 if count > most else 1.0 - (1.0 - spread) ** max(1.0, count)
    return min(share, _common(column, keys) + spread)


def _common(column: ColumnStatistics, keys: ColumnStatistics | None) -> float:
    """The part of a column's range in which keys can be."""
    if keys is None:
        return 1.0
    share = covered((keys.minimum, keys.maximum), (column.minimum, column.maximum))
    return 1.0 if share is None else share


Bounds = tuple[object, object]
"""The least and the greatest of some values."""


def covered(bounds: Bounds, known: Bounds) -> float | None:
    """The part of a range of whole numbers or days that is between bounds, 0 to 1; None of others.

    >>> covered((901, 2000), (1, 1000)), covered((5, 6), (7, 9)), covered(("a", "b"), ("a", "z"))
    (0.1, 0.0, None)
    """
    least, greatest, low, high = map(_number, (*bounds, *known))
    if low is None or high is None or least is None or greatest is None or low > high:
        return None
    return max(0, min(high, greatest) - max(low, least) + 1) / (high - low + 1)


def _number(end: object) -> int | None:
    if isinstance(end, date):
        return end.toordinal()
    return end if isinstance(end, int) else None


def keyed_share(
    table: Relation, keys: InKeys, stage: Relation, most: float, places: Places
) -> float:
    """The part of a table, or of a scan of it, that has to be read for the keys of a stage.

    Args:
        keys: their column is one of `table`'s.
        most: with more of them, only their bounds are looked at.
    """
    assert isinstance(keys.value, FieldRef)
    column = places.bounds(table, keys.value.index)
    return read_share(column, places.bounds(stage, keys.column), keys.count, most)


def scanned(whole: Estimate, reduced: Estimate, share: float) -> Estimate:
    """What crosses the link of a scan by keys: the parts that have to be read, and fewer rows."""
    if whole.size_bytes is None or reduced.size_bytes is None:
        return Estimate()
    return Estimate(reduced.rows, max(reduced.size_bytes, share * whole.size_bytes))


def read_seconds(read: Read, share: float, places: Places) -> float | None:
    """How long the engine takes to read a part of a table itself, over its link if there is one;
    None where that is not known."""
    expected = places.brought(read)
    if expected.rows is None or expected.size_bytes is None:
        return None
    rows, size_bytes = share * expected.rows, share * expected.size_bytes
    source = places.source(read)
    if source.connector.capabilities.local:
        return local_seconds(rows)
    cost = transfer_cost(rows, size_bytes, source.link, connections=ALL)
    return cost.latency_seconds + cost.transfer_seconds + local_seconds(rows)


def hashing_seconds(rows: float | None, others: float | None) -> float:
    """What a join takes longer that hashes `rows` rows rather than the other side's.

    The engine hashes the side of which it knows fewer rows, and of a stream it knows none.
    """
    return 0.0 if rows is None or others is None else hashed_seconds(max(0.0, rows - others))
