"""A fragment on its way: one statement, read as batches.

The driver cannot interrupt SQLite: a statement that computes for long before its next row cannot be
ended. So its reader leaves it behind, and it ends with its batch (`connectors.apart`). Owns the
driver's calls. Must not know the catalog.
"""

from __future__ import annotations

from contextlib import ExitStack

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader
from adbc_driver_sqlite import StatementOptions

from connectors.adbc.sqlite.columns import Columns
from connectors.adbc.sqlite.database import Database
from connectors.adbc.sqlite.failures import translated
from connectors.apart import Wanted

_BATCH_ROWS = 8_192
"""Of a kilobyte each they are 8 MB, up to twice that in the driver, and several batches are on
their way."""


class Statement:
    """`connectors.apart.Work` of one statement.

    Args:
        database: where connections come from.
        sql: one SELECT.
        schema: the exact schema of the batches.
    """

    def __init__(self, database: Database, sql: str, schema: pa.Schema) -> None:
        self._database = database
        self._sql = sql
        self._columns = Columns(database.source, schema)

    def read(self, wanted: Wanted) -> None:
        """See `connectors.apart.Work`."""
        with ExitStack() as opened:
            connection = opened.enter_context(self._database.connected())
            with translated(self._database.source):
                statement = opened.enter_context(adbc.AdbcStatement(connection))
                statement.set_options(**{StatementOptions.BATCH_ROWS.value: str(_BATCH_ROWS)})
                statement.set_sql_query(self._sql)
                handle, _ = statement.execute_query()
                reader = opened.enter_context(AdbcRecordBatchReader._import_from_c(handle.address))
            while wanted.has_room():
                with translated(self._database.source):
                    try:
                        batch = reader.read_next_batch()
                    except StopIteration:
                        return
                if batch.num_rows:
                    wanted.deliver(batch, self._columns.convert)
