"""What a source says of its tables, kept for some minutes: tables grow.

Owns for how long, that nothing from before a refresh comes back, and that a source that cannot be
asked knows nothing. Must not know the question.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from connectors.contract import Statistics, Table, TableName, Tables
from connectors.errors import CrosswindError

_FRESH_SECONDS = 300.0

# A source that cannot say now may in a moment; asking each time would hold every plan up.
_RETRY_SECONDS = 5.0


class KeptStatistics:
    """Statistics by table, some minutes old at most.

    Args:
        tables: of the source.
        ask: what the source says of a table; may raise a CrosswindError.
    """

    def __init__(self, tables: Tables, ask: Callable[[Table], Statistics]) -> None:
        self._tables = tables
        self._ask = ask
        self._lock = threading.Lock()
        self._generation = 0
        self._known: dict[TableName, tuple[float, Statistics]] = {}

    def of(self, name: TableName) -> Statistics:
        """What is known of a table; what was known before, or nothing, where it cannot be asked."""
        with self._lock:
            until, statistics = self._known.get(name, (0.0, Statistics()))
            generation = self._generation
        if time.monotonic() < until:
            return statistics
        # A plan without numbers is better than none: the source says what is wrong when it runs.
        try:
            table = self._tables.find(name)
        except CrosswindError:
            return statistics
        if table is None:
            return Statistics()
        kept_seconds = _RETRY_SECONDS
        with suppress(CrosswindError):
            statistics = self._ask(table)
            kept_seconds = _FRESH_SECONDS
        with self._lock:
            # What was asked for before a refresh may be old already.
            if generation == self._generation:
                self._known[name] = (time.monotonic() + kept_seconds, statistics)
        return statistics

    def refresh(self) -> None:
        """Forget everything; the next question goes to the source."""
        with self._lock:
            self._generation += 1
            self._known = {}
