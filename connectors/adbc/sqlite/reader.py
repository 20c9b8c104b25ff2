"""A fragment on its way: one statement, read as batches.

The driver cannot interrupt SQLite: a statement that computes for long before its next row cannot be
ended. So it runs in a thread of its own, which alone touches the driver, and its reader leaves it
behind at a cancel or at the deadline. What was left behind ends with its batch and gives its turn
back then (`connectors.adbc.sqlite.turns`). Owns the life of the query. Must not know the catalog.
"""

from __future__ import annotations

import threading
import time
from collections import deque
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
    CrosswindError,
    DeadlineError,
    InternalError,
    QueueFullError,
    SourceSchemaChangedError,
)

_BATCH_ROWS = 16_384

_AHEAD = 2
"""Batches that SQLite may be ahead of its reader."""

_END_SECONDS = 0.1
"""How long closing waits for a statement that is about to end by itself, as most are."""


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
        self._begun = threading.Lock()
        # Guards what follows, and wakes both the reader and the statement's thread.
        self._state = threading.Condition()
        self._waiting: deque[pa.RecordBatch] = deque()
        self._stop: CrosswindError | None = None
        self._failure: BaseException | None = None
        self._ended = False
        self._thread: threading.Thread | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once."""
        if not self._begun.acquire(blocking=False):
            raise InternalError("a fragment's batches can be read once only")
        columns = Columns(self._database.source, self._schema)
        try:
            self._start()
            while (batch := self._next()) is not None:
                if batch.num_rows:
                    yield columns.convert(batch)
        except SourceSchemaChangedError:
            self._changed()
            raise
        finally:
            self.close()

    def cancel(self) -> None:
        """See `connectors.contract.Batches`."""
        self._stop_with(CancelledError("the query was cancelled"))

    def close(self) -> None:
        """See `connectors.contract.Batches`. A statement that goes on frees the rest at its end."""
        self.cancel()
        with self._state:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_SECONDS)

    def _start(self) -> None:
        turns = self._database.turns
        turns.take(self._check, self._deadline)
        thread = threading.Thread(
            target=self._run, name=f"{self._database.source}-statement", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            turns.give_back()
            raise QueueFullError("the server cannot start another thread") from None
        with self._state:
            self._thread = thread

    def _next(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end; whatever came, a stop is what happened."""
        with self._state:
            while True:
                self._check()
                if self._waiting:
                    self._state.notify_all()
                    return self._waiting.popleft()
                if self._failure is not None:
                    raise self._failure
                if self._ended:
                    return None
                left = None if self._deadline is None else self._deadline - time.monotonic()
                self._state.wait(left)

    def _check(self) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._stop_with(DeadlineError("the query's time was up", source=self._database.source))
        if self._stop is not None:
            raise self._stop

    def _stop_with(self, error: CrosswindError) -> None:
        """Stop for a reason; the first reason counts."""
        with self._state:
            if self._stop is None:
                self._stop = error
            self._state.notify_all()
        self._database.turns.wake()

    def _run(self) -> None:
        """The statement's own thread."""
        failure: BaseException | None = None
        try:
            self._read()
        except BaseException as error:
            failure = error
        # Before the reader knows, so that the query after this one finds the turn free.
        self._database.turns.give_back()
        with self._state:
            self._failure, self._ended = failure, True
            self._state.notify_all()

    def _read(self) -> None:
        with ExitStack() as opened:
            connection = opened.enter_context(self._database.connected())
            with translated(self._database.source):
                statement = opened.enter_context(adbc.AdbcStatement(connection))
                statement.set_options(**{StatementOptions.BATCH_ROWS.value: str(_BATCH_ROWS)})
                statement.set_sql_query(self._sql)
                handle, _ = statement.execute_query()
                reader = opened.enter_context(AdbcRecordBatchReader._import_from_c(handle.address))
            while self._has_room():
                with translated(self._database.source):
                    try:
                        batch = reader.read_next_batch()
                    except StopIteration:
                        return
                with self._state:
                    self._waiting.append(batch)
                    self._state.notify_all()

    def _has_room(self) -> bool:
        """Wait until another batch is wanted; False when none will be."""
        with self._state:
            self._state.wait_for(lambda: self._stop is not None or len(self._waiting) < _AHEAD)
            return self._stop is None
