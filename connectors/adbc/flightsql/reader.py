"""A fragment on its way: one statement, read as batches, that can be stopped from any thread.

Owns the life of the query; when its calls are stopped is `connectors.adbc.calls`'. A cancelled call
resets its request, and the server stops. Must not know the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_flightsql import StatementOptions
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.calls import Calls
from connectors.adbc.columns import Columns
from connectors.adbc.flightsql.failures import ServerLostError, translated
from connectors.adbc.flightsql.server import Server, Session
from connectors.contract import Compression
from connectors.errors import (
    CancelledError,
    CrosswindError,
    SourceSchemaChangedError,
    SourceTimeoutError,
)

# The connection's bounds are for the catalog; a query has its own clock, which is looked at here.
_NO_BOUND = {
    StatementOptions.TIMEOUT_QUERY.value: "0",
    StatementOptions.TIMEOUT_FETCH.value: "0",
}

_COMPRESSION = StatementOptions.RPC_CALL_HEADER_PREFIX.value + "x-crosswind-compression"
"""Of one statement: what is asked of the server besides comes as it is, and can be timed."""

_T = TypeVar("_T")


class QueryBatches:
    """The `Batches` of one statement.

    Args:
        server: where connections come from.
        statement: makes the SQL, when it is read; may ask the server.
        schema: the exact schema of the batches.
        compression: how the server shall send them, which a Crosswind knows.
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
        compression: Compression | None = None,
        deadline: float | None,
        timeout_seconds: float | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._server = server
        self._make_statement = statement
        self._schema = schema
        self._options = (
            _NO_BOUND if compression is None else _NO_BOUND | {_COMPRESSION: compression}
        )
        self._changed = changed
        self._calls = Calls(
            server.source,
            lambda: translated(server.source, server.mask),
            deadline=deadline,
            timeout_seconds=timeout_seconds,
            stopping=server.wake,
        )
        self._complete = False
        self._sound = True
        self._session: Session | None = None
        self._statement: adbc.AdbcStatement | None = None
        self._handle: object = None
        self._reader: AdbcRecordBatchReader | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once."""
        self._calls.begin()
        try:
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
        self._calls.cancel()

    def close(self) -> None:
        """See `connectors.contract.Batches`. Waits for a running call, which is cancelled."""
        if not self._complete:
            self.cancel()
        self._calls.free(self._free)

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
                self._calls.free(self._free)
                self._server.discard_idle()
                self._sound = True

    def _call(self, work: Callable[[], _T]) -> _T:
        try:
            return self._calls.make(work)
        except CrosswindError as error:
            if error is not self._calls.stop:
                # A server that refuses is there; one that does not answer may be gone.
                self._sound = not isinstance(error, ServerLostError | SourceTimeoutError)
            raise

    def _connect(self) -> Session:
        calls = self._calls
        self._session = session = self._server.acquire(calls.stopped, calls.until)
        self._statement = statement = adbc.AdbcStatement(session.connection)
        calls.watch(statement.cancel)
        return session

    def _execute(self, sql: str) -> pa.Schema:
        assert self._statement is not None
        self._statement.set_options(**self._options)
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
        """End the statement and its stream, and let the connection go."""
        reader, self._reader = self._reader, None
        statement, self._statement = self._statement, None
        session, self._session = self._session, None
        if reader is not None:
            reader.close()
        self._handle = None
        if statement is not None:
            statement.close()
        if session is not None:
            # One that was late may not answer any more.
            stopped_well = isinstance(self._calls.stop, CancelledError | None)
            self._server.release(session, sound=self._sound and stopped_well)
