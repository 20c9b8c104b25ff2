"""What a database in a file says of its tables, kept while the file is the same.

Owns the cache, and that a file that cannot be asked knows nothing. Must not know the question.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from contextlib import suppress

from connectors.contract import Statistics, Table
from connectors.errors import CrosswindError


class FileStatistics:
    """Statistics by table.

    Args:
        version: of the file now; another one when it has changed.
        ask: what the file says of a table that is no view; may raise a CrosswindError.
    """

    def __init__(self, version: Callable[[], Hashable], ask: Callable[[Table], Statistics]) -> None:
        self._version_now = version
        self._ask = ask
        self._lock = threading.Lock()
        self._version: Hashable = None
        self._known: dict[Table, Statistics] = {}

    def of(self, table: Table) -> Statistics:
        """What is known of a table. Nothing, when the file cannot be asked: it says so later."""
        with suppress(CrosswindError):
            version = self._version_now()
            with self._lock:
                if version != self._version:
                    self._version, self._known = version, {}
                if table in self._known:
                    return self._known[table]
            statistics = Statistics() if table.kind == "VIEW" else self._ask(table)
            with self._lock:
                # What the file said before it changed is not said of it now.
                if version == self._version:
                    self._known[table] = statistics
            return statistics
        return Statistics()
