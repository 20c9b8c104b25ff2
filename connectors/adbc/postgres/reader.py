"""A fragment on its way: one statement, read as batches, that can be stopped from any thread.

Owns the life of the query: waiting, connecting, executing, streaming, ending. Must not know the
catalog, nor how SQL is made.

Who may touch the session is decided under one lock. While a driver call runs, the session is the
reading thread's: others only send the server a cancel, from a thread of its own, and the reader
waits for that thread before it lets go of the session. So no cancel can ever hit the next query.
Between two calls nobody uses the session, and whoever stops the stream frees it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import pyarrow as pa

from connectors.adbc.postgres.columns import Columns
from connectors.adbc.postgres.failures import translated
from connectors.adbc.postgres.pool import Pool
from connectors.adbc.postgres.session import Session, Stream
from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    InternalError,
    SourceSchemaChangedError,
    SourceUnavailableError,
)

_T = TypeVar("_T")


class QueryBatches:
    """The `Batches` of one statement.

    Args:
        pool: where connections come from.
        sql: one SELECT.
        schema: the exact schema of the batches.
        deadline: on the clock of `time.monotonic`, or None.
        changed: called when the source's tables turn out to be other than planned.
    """

    def __init__(
        self,
        pool: Pool,
        sql: str,
        schema: pa.Schema,
        deadline: float | None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._pool = pool
        self._sql = sql
        self._schema = schema
        self._deadline = deadline
        self._changed = changed
        self._lock = threading.Lock()
        self._stop: CrosswindError | None = None
        self._started = False
        self._busy = False
        self._ended = False
        self._session: Session | None = None
        self._stream: Stream | None = None
        self._canceller: threading.Thread | None = None
        self._returned = threading.Event()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once."""
        with self._lock:
            if self._started:
                raise InternalError("a fragment's batches can be read once only")
            self._started = True
        alarm = self._alarm()
        try:
            columns = Columns(self._pool.source, self._open(), self._schema)
            while (batch := self._next()) is not None:
                if batch.num_rows:
                    yield columns.convert(batch)
        except SourceSchemaChangedError:
            self._changed()
            raise
        finally:
            if alarm is not None:
                alarm.cancel()
            self._end()

    def cancel(self) -> None:
        """See `connectors.contract.Batches`."""
        self._stop_with(CancelledError("the query was cancelled"))

    def close(self) -> None:
        """See `connectors.contract.Batches`; a reader inside a call frees the connection itself."""
        self.cancel()
        with self._lock:
            canceller = self._canceller
        if canceller is not None and canceller is not threading.current_thread():
            canceller.join()

    def _alarm(self) -> threading.Timer | None:
        """Stops the stream at the deadline.

        A timer here and not `statement_timeout` at the server: that would cost a round trip, and
        would not cover waiting and connecting.
        """
        if self._deadline is None:
            return None
        error = DeadlineError("the query's time was up", source=self._pool.source)
        left = self._deadline - time.monotonic()
        if left <= 0:
            self._stop_with(error)
            return None
        alarm = threading.Timer(left, self._stop_with, (error,))
        alarm.name = f"{self._pool.source}-deadline"
        alarm.daemon = True
        alarm.start()
        return alarm

    def _open(self) -> pa.Schema:
        """Get a connection and start the statement; an idle connection that died is replaced."""
        for last in (False, True):
            session = self._take_session()
            retry = not session.fresh and not last
            try:
                return self._call(partial(self._started_stream, session)).schema
            except SourceUnavailableError:
                if not retry:
                    raise
                self._free()
                self._pool.discard_idle()
        raise AssertionError("unreachable")

    def _take_session(self) -> Session:
        try:
            session = self._pool.acquire(lambda: self._stop is not None)
        except CancelledError:
            assert self._stop is not None
            raise self._stop from None
        with self._lock:
            if self._stop is None:
                self._session = session
                return session
        self._pool.release(session)
        raise self._stop

    def _started_stream(self, session: Session) -> Stream:
        # Kept while the call still counts as running, so that whoever stops it sees it.
        self._stream = session.stream(self._sql)
        return self._stream

    def _next(self) -> pa.RecordBatch | None:
        def read() -> pa.RecordBatch | None:
            assert self._stream is not None
            return self._stream.read()

        return self._call(read)

    def _call(self, call: Callable[[], _T]) -> _T:
        """Run one call of the driver that may block, as the only user of the session.

        Whatever it returns or raises after a stop, the stop is what happened: the driver may end
        a cancelled stream as if it were complete.
        """
        with self._lock:
            if self._stop is not None:
                raise self._stop
            self._busy = True
            self._returned.clear()
        try:
            with translated(self._pool.source, self._pool.mask):
                result = call()
        except CrosswindError:
            self._leave()
            raise
        except BaseException:  # an interrupt: it is not ours to replace
            with contextlib.suppress(CrosswindError):
                self._leave()
            raise
        self._leave()
        return result

    def _leave(self) -> None:
        with self._lock:
            self._busy = False
            self._returned.set()
            if self._stop is not None:
                raise self._stop from None

    def _stop_with(self, error: CrosswindError) -> None:
        """Stop the stream for a reason; the first reason counts."""
        with self._lock:
            if self._ended or self._stop is not None:
                return
            self._stop = error
            session, stream = self._session, self._stream
            if session is not None:
                if self._busy:
                    work = partial(self._cancel_call, session)
                else:
                    self._session = self._stream = None
                    work = partial(self._drop, session, stream)
                self._canceller = threading.Thread(
                    target=work, name=f"{self._pool.source}-cancel", daemon=True
                )
                self._canceller.start()
        self._pool.wake()

    def _cancel_call(self, session: Session) -> None:
        """Cancel until the reader is out of the driver.

        Once is not enough: a statement takes several messages, and a cancel that reaches the
        server between two of them is ignored.
        """
        pause_seconds = 0.02
        session.cancel()
        while not self._returned.wait(pause_seconds):
            session.cancel()
            pause_seconds = min(2 * pause_seconds, 1.0)

    def _drop(self, session: Session, stream: Stream | None) -> None:
        # Ending the session stops a server that writes; one that computes needs to be told.
        if stream is not None:
            session.cancel()
            stream.close()
        self._pool.release(session, discard=stream is not None)

    def _free(self) -> None:
        """Let go of the session, if nobody else took it."""
        with self._lock:
            session, stream = self._session, self._stream
            self._session = self._stream = None
            canceller = self._canceller
        if session is None:
            return
        if canceller is not None:
            canceller.join()
        elif stream is not None and not session.idle:
            session.cancel()
        if stream is not None:
            stream.close()
        self._pool.release(session, discard=canceller is not None)

    def _end(self) -> None:
        with self._lock:
            self._ended = True
        self._free()
