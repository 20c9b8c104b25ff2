"""What a driver says of a table, by ADBC's own question. Few answer it: PostgreSQL's and DuckDB's.

Owns the question, and reads its answer. Must not know costs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import adbc_driver_manager as adbc
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.any.database import Database
from connectors.adbc.any.failures import cannot
from connectors.contract import ColumnStatistics, Statistics, Table

# ADBC's numbers of what can be said.
_WIDTH_BYTES, _DISTINCT, _NULLS, _ROWS = 0, 1, 5, 6

_Said = Mapping[str | None, Mapping[int, float]]
"""By column, or None for the table; by ADBC's number."""


def said(database: Database, table: Table) -> Statistics:
    """What the driver says of a table; nothing where it cannot.

    Raises:
        SourceError: the database cannot be asked.
    """
    found = database.ask(lambda connection: _ask(connection, table), aside=True)
    rows = found.get(None, {}).get(_ROWS)
    return Statistics(
        rows=rows,
        columns={
            column: _column(values, rows) for column, values in found.items() if column is not None
        },
    )


def _column(values: Mapping[int, float], rows: float | None) -> ColumnStatistics:
    nulls = values.get(_NULLS)
    return ColumnStatistics(
        distinct=values.get(_DISTINCT),
        null_fraction=None if nulls is None or not rows else min(1.0, nulls / rows),
        width_bytes=values.get(_WIDTH_BYTES),
    )


def _ask(connection: adbc.AdbcConnection, table: Table) -> _Said:
    *qualifiers, name = table.path or (table.name.schema, table.name.name)
    schema = qualifiers.pop() if qualifiers else None
    catalog = qualifiers.pop() if qualifiers else None
    try:
        handle = connection.get_statistics(
            catalog=catalog, db_schema=schema, table_name=name, approximate=True
        )
        with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
            rows: list[dict[str, Any]] = reader.read_all().to_pylist()
    except adbc.Error as error:
        if cannot(error):
            return {}
        raise
    values: dict[str | None, dict[int, float]] = {}
    for row in rows:
        for inner in row["catalog_db_schemas"] or ():
            for one in inner["db_schema_statistics"] or ():
                value = one["statistic_value"]
                # These names are patterns to the driver.
                of_table = (one["table_name"], inner["db_schema_name"] or schema) == (name, schema)
                if of_table and isinstance(value, int | float) and value >= 0:
                    values.setdefault(one["column_name"], {})[one["statistic_key"]] = float(value)
    return values
