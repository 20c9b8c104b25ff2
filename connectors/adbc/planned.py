"""Whether the tables of a file are still those of a plan, when it runs.

Owns the comparison. Must not know how tables are found, nor what was planned over them.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.contract import Table, Tables
from connectors.errors import SourceSchemaChangedError


def check_planned(source: str, tables: Tables, planned: Sequence[Table]) -> None:
    """Refuse to read tables that are not any more what they were.

    Args:
        source: the configured name, for errors.
        tables: of now.
        planned: of then.

    Raises:
        SourceSchemaChangedError: one has gone, or has other columns.
        SourceError: the source cannot be asked.
    """
    for table in planned:
        found = tables.find(table.name)
        if found is None:
            message = f"table {str(table.name)!r} is not there any more"
            raise SourceSchemaChangedError(message, source=source)
        if found != table:
            message = f"table {str(table.name)!r} has other columns than when it was planned"
            raise SourceSchemaChangedError(message, source=source)
