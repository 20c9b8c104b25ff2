"""A fragment on its way: one statement, read as batches, that can be stopped from any thread.

Owns the life of the query. The reader's own thread makes the driver's calls, one at a time under
`_using`; a watcher beside it cancels the statement at its deadline or on `cancel`, again and again
until the call is over, because a cancel that comes before a call is forgotten. A cancelled call
resets its request, and the server stops. Must not know the catalog.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_flightsql import StatementOptions
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.flightsql.columns import Columns
from connectors.adbc.flightsql.failures import ServerLostError, translated
from connectors.adbc.flightsql.server import Server, Session
from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    InternalError,
    QueueFullError,
    SourceSchemaChangedError,
    SourceTimeoutError,
)

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.5

# The connection's bounds are for the catalog; a query has its own clock, which is looked at here.
_NO_BOUND = {
    StatementOptions.TIMEOUT_QUERY.value: "0",
    StatementOptions.TIMEOUT_FETCH.value: "0",
}

_T = TypeVar("_T")


class QueryBatches:
    """The `Batches` of one statement.

    Args:
        server: where connections come from.
        statement: makes the SQL, when it is read; may ask the server.
        schema: the exact schema of the batches.
        deadline: on the clock of `time.monotonic`, or None.
        timeout_seconds: how long the server may take, from when it is first asked.
        changed: called when the source's tables turn out to be other than planned.
    """

    def __init__(
        self,
        server: Server,
        statement: Callable[[], str],
        schema: pa.Schema,
        *,
        deadline: float | None,
        timeout_seconds: float | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._server = server
        self._make_statement = statement
        self._schema = schema
        self._deadline = deadline
        self._timeout_seconds = timeout_seconds
        self._times_out: float | None = None
        self._changed = changed
        self._lock = threading.Lock()
        self._using = threading.Lock()
        self._stop: CrosswindError | None = None
        self._started = False
        self._complete = False
        self._sound = True
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
            if self._timeout_seconds is not None:
                self._times_out = time.monotonic() + self._timeout_seconds
            found = self._open()
            # With no rows, some servers send no columns either, and promise none.
            columns = Columns(self._server.source, found, self._schema) if len(found) else None
            while (batch := self._call(self._read)) is not None:
                if batch.num_rows:
                    columns = columns or Columns(self._server.source, found, self._schema)
                    yield columns.convert(batch)
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
        """See `connectors.contract.Batches`. Waits for a running call, which is cancelled."""
        if not self._complete:
            self.cancel()
        with self._using:
            self._free()

    def _open(self) -> pa.Schema:
        """Run the statement, up to its schema.

        A connection that died unseen is replaced, once; nothing has left here before that.
        """
        sql = self._call(self._make_statement)
        while True:
            session = self._call(self._connect)
            try:
                return self._call(lambda: self._execute(sql))
            except ServerLostError:
                if session.fresh:
                    raise
                with self._using:
                    self._free()
                self._server.discard_idle()
                self._sound = True

    def _call(self, work: Callable[[], _T]) -> _T:
        """Make one call of the driver. Whatever it gives after a stop, the stop is what happened:
        the driver may end a stream that was cancelled as if it were complete."""
        with self._using:
            self._check()
            try:
                with translated(self._server.source, self._server.mask):
                    result = work()
            except CrosswindError as error:
                self._check()
                # A server that refuses is there; one that does not answer may be gone.
                self._sound = not isinstance(error, ServerLostError | SourceTimeoutError)
                raise
            self._check()
            return result

    def _check(self) -> None:
        if self._stop is None and (late := self._late(time.monotonic())) is not None:
            self._stop_with(late)
        if self._stop is not None:
            raise self._stop

    def _late(self, now: float) -> CrosswindError | None:
        """Why there is no more time, if there is none."""
        if self._deadline is not None and now >= self._deadline:
            return DeadlineError("the query's time was up", source=self._server.source)
        if self._times_out is not None and now >= self._times_out:
            return SourceTimeoutError(
                f"the server took longer than {self._timeout_seconds:g} s",
                source=self._server.source,
            )
        return None

    @property
    def _until(self) -> float | None:
        """When there is no more time."""
        bounds = [b for b in (self._deadline, self._times_out) if b is not None]
        return min(bounds) if bounds else None

    def _connect(self) -> Session:
        self._session = session = self._server.acquire(self._stopped, self._until)
        self._statement = statement = adbc.AdbcStatement(session.connection)
        self._watch(statement)
        return session

    def _stopped(self) -> bool:
        return self._stop is not None or self._late(time.monotonic()) is not None

    def _execute(self, sql: str) -> pa.Schema:
        assert self._statement is not None
        self._statement.set_options(**_NO_BOUND)
        self._statement.set_sql_query(sql)
        # The handle owns what the reader reads: it must live as long.
        self._handle, _ = handle, _ = self._statement.execute_query()
        self._reader = AdbcRecordBatchReader._import_from_c(handle.address)
        return self._reader.schema

    def _read(self) -> pa.RecordBatch | None:
        assert self._reader is not None
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            return None

    def _free(self) -> None:
        """End the watcher, the statement and its stream, and let the connection go."""
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
            self._server.release(session, sound=self._sound)

    def _watch(self, statement: adbc.AdbcStatement) -> None:
        self._finished.clear()
        with self._lock:
            if self._stop is None:
                self._wake.clear()
        watcher = threading.Thread(
            target=self._interrupt,
            args=(statement,),
            name=f"{self._server.source}-watch",
            daemon=True,
        )
        try:
            watcher.start()
        except RuntimeError:
            raise QueueFullError("the server cannot start another thread") from None
        self._watcher = watcher

    def _interrupt(self, statement: adbc.AdbcStatement) -> None:
        until = self._until
        left = None if until is None else max(0.0, until - time.monotonic())
        if not self._wake.wait(left) and (late := self._late(time.monotonic())) is not None:
            self._stop_with(late)
        pause_seconds = 0.0
        while not self._finished.wait(pause_seconds):
            statement.cancel()
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS) or _FIRST_PAUSE_SECONDS

    def _stop_with(self, error: CrosswindError) -> None:
        """Stop for a reason; the first reason counts."""
        with self._lock:
            if self._stop is None:
                self._stop = error
                self._sound = self._sound and isinstance(error, CancelledError)
        self._wake.set()
        self._server.wake()
