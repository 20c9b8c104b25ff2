"""Sources that know nothing of their tables, or the wrong things; what they read is right.

Owns the ways of being wrong. A misled source passes everything else through to the one it hides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from datetime import date, timedelta

import datafusion

from connectors.contract import (
    Batches,
    Capabilities,
    ColumnStatistics,
    Connector,
    Fragment,
    Moment,
    Native,
    Statistics,
    Steady,
    TableName,
    Tables,
    Turns,
)

Misleading = Callable[[Statistics], Statistics]
"""From what a source knows of a table to what it says."""


def withheld(known: Statistics) -> Statistics:
    """Nothing is known."""
    del known
    return Statistics()


def times(factor: float) -> Misleading:
    """So many times the rows, bytes and distinct values; bounds are right."""

    def mislead(known: Statistics) -> Statistics:
        columns = {
            name: replace(column, distinct=_scaled(column.distinct, factor))
            for name, column in known.columns.items()
        }
        rows, size = _scaled(known.rows, factor), _scaled(known.size_bytes, factor)
        return Statistics(rows, size, columns)

    return mislead


def stale(known: Statistics) -> Statistics:
    """Of when the table had a hundredth of its rows, none of them among those of today."""
    before = times(0.01)(known)
    columns = {name: _before(column) for name, column in before.columns.items()}
    return replace(before, columns=columns)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else max(1.0, value * factor)


def _before(column: ColumnStatistics) -> ColumnStatistics:
    low, high = column.minimum, column.maximum
    if isinstance(low, date) and isinstance(high, date):
        moved = timedelta(days=(high - low).days + 1)
        return replace(column, minimum=low - moved, maximum=high - moved)
    if type(low) is int and type(high) is int:
        span = high - low + 1
        return replace(column, minimum=low - span, maximum=high - span)
    return replace(column, minimum=None, maximum=None)


WAYS: Mapping[str, tuple[Misleading, Misleading]] = {
    "withheld": (withheld, withheld),
    "100 times": (times(100), times(100)),
    "a hundredth": (times(0.01), times(0.01)),
    "100 times, and a hundredth": (times(100), times(0.01)),
    "a hundredth, and 100 times": (times(0.01), times(100)),
    "stale": (stale, stale),
}
"""What a database says of its tables, and what files do."""


class Misled:
    """A source that says other things of its tables."""

    def __init__(self, connector: Connector, mislead: Misleading) -> None:
        self._connector = connector
        self._mislead = mislead

    @property
    def capabilities(self) -> Capabilities:
        return self._connector.capabilities

    @property
    def identity(self) -> str:
        return self._connector.identity

    def tables(self) -> Tables:
        return self._connector.tables()

    def statistics(self, table: TableName) -> Statistics:
        return self._mislead(self._connector.statistics(table))

    def execute(self, fragment: Fragment, deadline: float | None) -> Batches:
        return self._connector.execute(fragment, deadline)

    def close(self) -> None:
        self._connector.close()


class MisledNative(Misled):
    """One whose tables the engine reads."""

    def register(
        self,
        context: datafusion.SessionContext,
        name: str,
        table: TableName,
        *,
        views: Set[str] = frozenset(),
    ) -> Callable[[], None] | None:
        assert isinstance(self._connector, Native)
        return self._connector.register(context, name, table, views=views)


class MisledSteady(Misled):
    """One that gives a query a moment."""

    def moment(self, fragments: int | None, at_once: int, spare: Turns) -> Moment:
        assert isinstance(self._connector, Steady)
        return self._connector.moment(fragments, at_once, spare)


def misled(connector: Connector, mislead: Misleading) -> Misled:
    """A source with another's tables, and other knowledge of them."""
    if isinstance(connector, Native):
        return MisledNative(connector, mislead)
    return (MisledSteady if isinstance(connector, Steady) else Misled)(connector, mislead)
