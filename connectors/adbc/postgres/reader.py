"""A fragment on its way: one statement, read as batches, that can be stopped from any thread.

Owns the life of the query: waiting, connecting, executing, streaming, ending. Must not know the
catalog, nor how SQL is made.

Who may touch the session is decided under one lock. While a driver call runs, on the session's own
thread, others only send the server a cancel, from a thread made for that; the reader need not wait
for the call to end, and the session is let go when both the call and the cancel have ended. So no
cancel can ever hit the next query. Between two calls nobody uses the session, and whoever stops the
stream frees it.
"""

from __future__ import annotations

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

_CANCEL_SECONDS = 0.5
"""How long closing waits for a cancel; a server on a slow link takes a round trip or two."""

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
        # The call is over; the reader has something to look at: that, or a stop.
        self._returned = threading.Event()
        self._awake = threading.Event()
        # The server may still have something to send.
        self._sending = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once."""
        with self._lock:
            if self._started:
                raise InternalError("a fragment's batches can be read once only")
            self._started = True
        try:
            schema, batch = self._open()
            columns = Columns(self._pool.source, schema, self._schema)
            while batch is not None:
                if batch.num_rows:
                    yield columns.convert(batch)
                batch = self._next()
        except SourceSchemaChangedError:
            self._changed()
            raise
        finally:
            self._end()

    def cancel(self) -> None:
        """See `connectors.contract.Batches`."""
        self._stop_with(CancelledError("the query was cancelled"))

    def close(self) -> None:
        """See `connectors.contract.Batches`.

        A server that does not answer does not answer a cancel either: then the connection is freed
        later, by whoever still waits for it.
        """
        self.cancel()
        with self._lock:
            canceller = self._canceller
        if canceller is not None and canceller is not threading.current_thread():
            canceller.join(_CANCEL_SECONDS)

    def _open(self) -> tuple[pa.Schema, pa.RecordBatch | None]:
        """Get a connection, run the statement to its first batch.

        An idle connection that died unseen is replaced, once; nothing has left here before that.
        """
        for last in (False, True):
            session = self._take_session()
            retry = not session.fresh and not last
            try:
                schema, first = self._call(session, partial(self._start_stream, session))
            except SourceUnavailableError:
                if not retry:
                    raise
                self._free()
                self._pool.discard_idle()
            else:
                self._sending = first is not None
                return schema, first
        raise AssertionError("unreachable")

    def _take_session(self) -> Session:
        self._check_deadline()
        try:
            session = self._pool.acquire(self._stopped, self._deadline)
        except CancelledError:
            assert self._stop is not None
            raise self._stop from None
        with self._lock:
            if self._stop is None:
                self._session = session
                return session
        self._pool.release(session)
        raise self._stop

    def _stopped(self) -> bool:
        self._check_deadline()
        return self._stop is not None

    def _check_deadline(self) -> None:
        """Stop at the deadline.

        Kept here and not by `statement_timeout` at the server: that would cost a round trip, and
        would not cover waiting and connecting.
        """
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._stop_with(DeadlineError("the query's time was up", source=self._pool.source))

    def _start_stream(self, session: Session) -> tuple[pa.Schema, pa.RecordBatch | None]:
        # Kept while the call still counts as running, so that whoever stops it sees it.
        self._stream = session.stream(self._sql)
        # In the same call, because each one costs a change of threads and back.
        return self._stream.schema, self._stream.read()

    def _next(self) -> pa.RecordBatch | None:
        stream, session = self._stream, self._session
        if stream is None or session is None:
            assert self._stop is not None
            raise self._stop
        batch = self._call(session, stream.read)
        self._sending = batch is not None
        return batch

    def _call(self, session: Session, call: Callable[[], _T]) -> _T:
        """Have the session make one call that may block, and wait for it or for a stop.

        Whatever the call returns or raises after a stop, the stop is what happened: the driver may
        end a cancelled stream as if it were complete.
        """
        with self._lock:
            if self._stop is not None:
                raise self._stop
            self._busy = True
            self._returned.clear()
            self._awake.clear()
        outcome: list[_T] = []
        failure: list[BaseException] = []
        session.start(partial(self._make_call, call, outcome, failure))
        while not self._returned.is_set() and self._stop is None:
            left = None if self._deadline is None else self._deadline - time.monotonic()
            if left is None or left > 0:
                self._awake.wait(left)
            self._check_deadline()
        if self._stop is not None:
            raise self._stop
        if failure:
            self._sending = False
            raise failure[0]
        return outcome[0]

    def _make_call(
        self, call: Callable[[], _T], outcome: list[_T], failure: list[BaseException]
    ) -> None:
        try:
            with translated(self._pool.source, self._pool.mask):
                outcome.append(call())
        except BaseException as error:
            failure.append(error)
        with self._lock:
            self._busy = False
            left_alone = self._stop is not None
            self._returned.set()
            self._awake.set()
        if left_alone:
            self._free()

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
            self._awake.set()
        self._pool.wake()

    def _cancel_call(self, session: Session) -> None:
        """Cancel until the call is over.

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
        """Let go of the session, unless a call still has it or somebody else took it."""
        with self._lock:
            if self._busy:
                return
            session, stream = self._session, self._stream
            self._session = self._stream = None
            canceller = self._canceller
        if session is None:
            return
        if canceller is not None:
            canceller.join()
        if stream is not None:
            stream.close()
        self._pool.release(session, discard=canceller is not None)

    def _end(self) -> None:
        if self._sending or self._busy:
            # Left before the end, or interrupted: the server must not go on.
            self._stop_with(CancelledError("the query was left before its end"))
        with self._lock:
            self._ended = True
        self._free()
