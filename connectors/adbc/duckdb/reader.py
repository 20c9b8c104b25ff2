"""A fragment on its way: one statement, read as batches, that can be stopped from any thread.

Owns the life of the query. The reader's own thread makes the driver's calls, one at a time under
`_using`; a watcher beside it interrupts the engine at the deadline or on `cancel`, again and again
until the call is over, because an interrupt that comes before a statement starts is forgotten. The
connection is closed only when the watcher has ended. Must not know the catalog.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.duckdb.columns import Columns
from connectors.adbc.duckdb.database import Database, Session
from connectors.adbc.duckdb.failures import translated
from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    InternalError,
    QueueFullError,
    SourceError,
    SourceSchemaChangedError,
)

# The engine hands out vectors of 2048 rows. What comes quickly is gathered, up to these.
_GATHER_ROWS = 32 * 1024
_GATHER_BYTES = 1 << 20
_GATHER_SECONDS = 0.005

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5

_T = TypeVar("_T")


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
        self._lock = threading.Lock()
        self._using = threading.Lock()
        self._stop: CrosswindError | None = None
        self._started = False
        self._complete = False
        self._at_end = False
        self._session: Session | None = None
        self._statement: adbc.AdbcStatement | None = None
        self._handle: object = None
        self._reader: AdbcRecordBatchReader | None = None
        self._watcher: threading.Thread | None = None
        # Something for the watcher to do; nothing more for it to do.
        self._wake = threading.Event()
        self._finished = threading.Event()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once."""
        with self._lock:
            if self._started:
                raise InternalError("a fragment's batches can be read once only")
            self._started = True
        try:
            found = self._call(self._open)
            columns = Columns(self._database.source, found, self._schema)
            # The first rows leave at once.
            batch = self._call(self._read)
            while batch is not None:
                if batch.num_rows:
                    yield columns.convert(batch)
                batch = self._call(self._gather)
            self._complete = True
        except SourceSchemaChangedError:
            self._changed()
            raise
        finally:
            self.close()

    def cancel(self) -> None:
        """See `connectors.contract.Batches`."""
        self._stop_with(CancelledError("the query was cancelled"))

    def close(self) -> None:
        """See `connectors.contract.Batches`. Waits for a running call, which is interrupted."""
        if not self._complete:
            self.cancel()
        with self._using:
            self._finished.set()
            self._wake.set()
            watcher, self._watcher = self._watcher, None
            if watcher is not None:
                watcher.join()
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

    def _call(self, work: Callable[[], _T]) -> _T:
        """Make one call of the driver. Whatever it gives after a stop, the stop is what happened:
        the driver may end a stream that was interrupted as if it were complete."""
        with self._using:
            self._check()
            try:
                with translated(self._database.source):
                    result = work()
            except SourceError:
                self._check()
                raise
            self._check()
            return result

    def _check(self) -> None:
        if self._stop is None and self._deadline is not None and time.monotonic() >= self._deadline:
            self._stop_with(self._late())
        if self._stop is not None:
            raise self._stop

    def _late(self) -> DeadlineError:
        return DeadlineError("the query's time was up", source=self._database.source)

    def _open(self) -> pa.Schema:
        self._session = session = self._database.connect()
        self._watch(session)
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

    def _watch(self, session: Session) -> None:
        watcher = threading.Thread(
            target=self._interrupt,
            args=(session,),
            name=f"{self._database.source}-watch",
            daemon=True,
        )
        try:
            watcher.start()
        except RuntimeError:
            raise QueueFullError("the server cannot start another thread") from None
        self._watcher = watcher

    def _interrupt(self, session: Session) -> None:
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        if not self._wake.wait(left):
            self._stop_with(self._late())
        pause_seconds = 0.0
        while not self._finished.wait(pause_seconds):
            session.cancel()
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS) or _FIRST_PAUSE_SECONDS

    def _stop_with(self, error: CrosswindError) -> None:
        """Stop for a reason; the first reason counts."""
        with self._lock:
            if self._stop is None:
                self._stop = error
        self._wake.set()
