"""A fragment on its way: one statement, read as batches.

The driver cannot interrupt SQLite: a cancel or a deadline is seen between batches, and a statement
that computes long before its first row ends by itself. Owns the life of the query. Must not know
the catalog.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader
from adbc_driver_sqlite import StatementOptions

from connectors.adbc.sqlite.columns import Columns
from connectors.adbc.sqlite.database import Database
from connectors.adbc.sqlite.failures import translated
from connectors.errors import (
    CancelledError,
    DeadlineError,
    InternalError,
    SourceSchemaChangedError,
)

# A float or bytes column that begins with so many NULLs, and goes on with something else, fails:
# the driver has taken it for integers by then.
_BATCH_ROWS = 16_384


class QueryBatches:
    """The `Batches` of one statement.

    Args:
        database: where connections come from.
        sql: one SELECT.
        schema: the exact schema of the batches.
        deadline: on the clock of `time.monotonic`, or None.
        changed: called when the source's tables turn out to be other than planned.
    """

    def __init__(
        self,
        database: Database,
        sql: str,
        schema: pa.Schema,
        deadline: float | None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._sql = sql
        self._schema = schema
        self._deadline = deadline
        self._changed = changed
        self._cancelled = threading.Event()
        self._started = threading.Lock()
        self._opened = ExitStack()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once."""
        if not self._started.acquire(blocking=False):
            raise InternalError("a fragment's batches can be read once only")
        try:
            with self._opened:
                yield from self._batches()
        except SourceSchemaChangedError:
            self._changed()
            raise

    def cancel(self) -> None:
        """See `connectors.contract.Batches`; seen with the next batch."""
        self._cancelled.set()

    def close(self) -> None:
        """See `connectors.contract.Batches`. What is being read ends with its batch."""
        self._cancelled.set()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        self._check()
        columns = Columns(self._database.source, self._schema)
        connection = self._opened.enter_context(self._database.connected())
        with translated(self._database.source):
            statement = self._opened.enter_context(adbc.AdbcStatement(connection))
            statement.set_options(**{StatementOptions.BATCH_ROWS.value: str(_BATCH_ROWS)})
            statement.set_sql_query(self._sql)
            handle, _ = statement.execute_query()
            reader = self._opened.enter_context(
                AdbcRecordBatchReader._import_from_c(handle.address)
            )
        while True:
            self._check()
            with translated(self._database.source):
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
            self._check()
            if batch.num_rows:
                yield columns.convert(batch)

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise CancelledError("the query was cancelled")
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise DeadlineError("the query's time was up", source=self._database.source)
