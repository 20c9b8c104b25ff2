"""A fragment on its way: one statement, read as batches.

The driver cannot interrupt SQLite: a statement that computes for long before its next row cannot be
ended. So its reader leaves it behind, and it ends with its batch (`connectors.apart`). Owns the
driver's calls. Must not know the catalog.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader
from adbc_driver_sqlite import StatementOptions

from connectors.adbc.sqlite.columns import Columns
from connectors.adbc.sqlite.database import Database
from connectors.adbc.sqlite.failures import translated
from connectors.apart import Wanted
from connectors.errors import SourceRejectedError

_BATCH_ROWS = 8_192
"""Of a kilobyte each they are 8 MB, up to twice that in the driver, and several batches are on
their way."""


class Statement:
    """`connectors.apart.Work` of one statement.

    Args:
        database: where connections come from.
        sql: one SELECT.
        schema: the exact schema of the batches.
        check: called when what is read cannot change any more. Over columns of other types than
            were planned there would be other values, and nothing in them that shows it.
    """

    def __init__(
        self, database: Database, sql: str, schema: pa.Schema, check: Callable[[], None]
    ) -> None:
        self._database = database
        self._sql = sql
        self._check = check
        self._columns = Columns(database.source, schema)

    def read(self, wanted: Wanted) -> None:
        """See `connectors.apart.Work`."""
        with ExitStack() as opened:
            try:
                reader = self._begun(opened)
            except SourceRejectedError:
                self._check()  # A value does not fit the type that its column had.
                raise
            self._check()
            while wanted.has_room():
                with translated(self._database.source):
                    try:
                        batch = reader.read_next_batch()
                    except StopIteration:
                        return
                if batch.num_rows:
                    wanted.deliver(batch, self._columns.convert)

    def _begun(self, opened: ExitStack) -> AdbcRecordBatchReader:
        """The statement, of which the driver has read the first rows already."""
        connection = opened.enter_context(self._database.connected())
        with translated(self._database.source):
            statement = opened.enter_context(adbc.AdbcStatement(connection))
            statement.set_options(**{StatementOptions.BATCH_ROWS.value: str(_BATCH_ROWS)})
            statement.set_sql_query(self._sql)
            handle, _ = statement.execute_query()
            return opened.enter_context(AdbcRecordBatchReader._import_from_c(handle.address))
