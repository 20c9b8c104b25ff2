"""A fragment on its way: one statement, read as batches, that can be stopped from any thread.

Owns the life of the query; when its calls are stopped is `connectors.adbc.calls`'. The connection
is closed only when nothing interrupts it any more. Must not know the catalog.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.calls import Calls
from connectors.adbc.duckdb.columns import Columns
from connectors.adbc.duckdb.database import Database, Session
from connectors.adbc.duckdb.failures import translated
from connectors.errors import SourceSchemaChangedError

# The engine hands out vectors of 2048 rows. What comes quickly is gathered, up to these.
_GATHER_ROWS = 32 * 1024
_GATHER_BYTES = 1 << 20
_GATHER_SECONDS = 0.005


class QueryBatches:
    """The `Batches` of one statement.

    Args:
        database: where connections come from.
        sql: one SELECT.
        schema: the exact schema of the batches.
        deadline: on the clock of `time.monotonic`, or None.
        changed: called when the source's tables turn out to be other than planned.
        check: called when the file that is read is open, and no other is read any more.
    """

    def __init__(
        self,
        database: Database,
        sql: str,
        schema: pa.Schema,
        deadline: float | None,
        changed: Callable[[], None] = lambda: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._sql = sql
        self._schema = schema
        self._changed = changed
        self._check = check
        self._calls = Calls(database.source, lambda: translated(database.source), deadline=deadline)
        self._complete = False
        self._at_end = False
        self._session: Session | None = None
        self._statement: adbc.AdbcStatement | None = None
        self._handle: object = None
        self._reader: AdbcRecordBatchReader | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once."""
        self._calls.begin()
        try:
            found = self._calls.make(self._open)
            columns = Columns(self._database.source, found, self._schema)
            # The first rows leave at once.
            batch = self._calls.make(self._read)
            while batch is not None:
                if batch.num_rows:
                    yield columns.convert(batch)
                batch = self._calls.make(self._gather)
            self._complete = True
        except SourceSchemaChangedError:
            self._changed()
            raise
        finally:
            self.close()

    def cancel(self) -> None:
        """See `connectors.contract.Batches`."""
        self._calls.cancel()

    def close(self) -> None:
        """See `connectors.contract.Batches`. Waits for a running call, which is interrupted."""
        if not self._complete:
            self.cancel()
        self._calls.free(self._free)

    def _open(self) -> pa.Schema:
        self._session = session = self._database.connect()
        self._calls.watch(session.cancel)
        self._check()
        self._statement = statement = adbc.AdbcStatement(session.connection)
        statement.set_sql_query(self._sql)
        # The handle owns what the reader reads: it must live as long.
        self._handle, _ = handle, _ = statement.execute_query()
        self._reader = AdbcRecordBatchReader._import_from_c(handle.address)
        return self._reader.schema

    def _read(self) -> pa.RecordBatch | None:
        assert self._reader is not None
        # Asked again after its end, the driver fails.
        if not self._at_end:
            try:
                return self._reader.read_next_batch()
            except StopIteration:
                self._at_end = True
        return None

    def _gather(self) -> pa.RecordBatch | None:
        until = time.monotonic() + _GATHER_SECONDS
        gathered: list[pa.RecordBatch] = []
        rows = size_bytes = 0
        while (batch := self._read()) is not None:
            gathered.append(batch)
            rows += batch.num_rows
            size_bytes += batch.nbytes
            if rows >= _GATHER_ROWS or size_bytes >= _GATHER_BYTES or time.monotonic() >= until:
                break
        if len(gathered) > 1 and gathered[0].num_columns:
            return pa.concat_batches(gathered)
        return gathered[0] if gathered else None

    def _free(self) -> None:
        """End the statement and its stream, and close the connection."""
        reader, self._reader = self._reader, None
        statement, self._statement = self._statement, None
        session, self._session = self._session, None
        if reader is not None:
            reader.close()
        self._handle = None
        if statement is not None:
            statement.close()
        if session is not None:
            session.close()
