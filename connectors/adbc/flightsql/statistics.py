"""What another Crosswind expects of a table, by its EXPLAIN. Must not know costs.

Flight SQL has no question for statistics. Owns this one.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from connectors.adbc.flightsql.product import first_column
from connectors.adbc.flightsql.server import Server
from connectors.adbc.flightsql.statements import explained, select
from connectors.contract import Statistics, Table


def expected(server: Server, table: Table) -> Statistics:
    """What the server expects of a table; nothing where it does not say.

    Raises:
        SourceError: the server cannot be asked.
    """
    explain = explained(select(table.path))
    lines = server.ask(lambda connection: first_column(connection, explain))
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
