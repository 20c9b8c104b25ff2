"""What another Crosswind expects of a table, by its EXPLAIN. Must not know costs.

Flight SQL has no question for statistics. Owns this one and its cache.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from typing import Any

import adbc_driver_manager as adbc

from connectors.adbc.flightsql.product import first_column
from connectors.adbc.flightsql.server import Server
from connectors.adbc.flightsql.statements import Path, explained, select
from connectors.contract import Statistics, Table
from connectors.errors import CrosswindError

_FRESH_SECONDS = 300.0
"""How long an expectation is kept: tables grow."""


class FlightsqlStatistics:
    """Statistics by table, some minutes old at most."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[float, Statistics]] = {}

    def of(self, table: Table) -> Statistics:
        """What is known of a table. Nothing, when the server cannot say."""
        now = time.monotonic()
        with self._lock:
            until, statistics = self._known.get(table.path, (0.0, Statistics()))
        if now < until:
            return statistics
        with suppress(CrosswindError):
            statistics = self._server.ask(lambda connection: _ask(connection, table.path))
        with self._lock:
            self._known[table.path] = (now + _FRESH_SECONDS, statistics)
        return statistics

    def refresh(self) -> None:
        """Forget everything; the next question goes to the server."""
        with self._lock:
            self._known = {}


def _ask(connection: adbc.AdbcConnection, path: Path) -> Statistics:
    lines = first_column(connection, explained(select(path)))
    try:
        plan = json.loads("\n".join(lines))
    except ValueError:
        return Statistics()
    return _expected(plan)


def _expected(plan: Any) -> Statistics:
    """From the plan of a table that one place has, which is of one part."""
    with suppress(KeyError, TypeError, ValueError):
        (part,) = plan["parts"]
        rows, size_bytes = part["expected"]["rows"], part["expected"]["bytes"]
        return Statistics(
            None if rows is None else float(rows),
            None if size_bytes is None else float(size_bytes),
        )
    return Statistics()
