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
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import TypeVar

import pyarrow as pa

from connectors.adbc.postgres.columns import Columns
from connectors.adbc.postgres.failures import translated
from connectors.adbc.postgres.gathered import InseparableError, LongIntegerError
from connectors.adbc.postgres.gathering import Gathering
from connectors.adbc.postgres.packing import cut
from connectors.adbc.postgres.pieces import Piece
from connectors.adbc.postgres.pool import Sessions
from connectors.adbc.postgres.session import Session, Stream
from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    InternalError,
    SourceSchemaChangedError,
    SourceUnavailableError,
)

CANCEL_SECONDS = 0.5
"""How long after it began a cancel is waited for by closing, however often that is asked; a server
on a slow link takes a round trip or two."""

_T = TypeVar("_T")

_Opened = tuple[pa.Schema, pa.RecordBatch | None]
"""A stream's schema and first batch."""


class QueryBatches:
    """The `Batches` of one statement, or of several in turn.

    Args:
        sessions: where connections come from.
        statements: SELECTs of the same columns, run one after another on one connection; asked for
            when there is one, with whether it sees the moment of its query.
        schema: the exact schema of the batches.
        deadline: on the clock of `time.monotonic`, or None.
        changed: called when the source's tables turn out to be other than planned.
        few: the first statement is cut off after one row more, and answered at once; if it has
            more, the second is run, which is the same and is not cut off. None for one like any.

    Attributes:
        few: whether that is so; see `connectors.contract.MayBeFew`.
        spared_bytes: see `connectors.contract.MayBeShort`.
    """

    def __init__(
        self,
        sessions: Sessions,
        statements: Callable[[bool], Iterable[Piece]],
        schema: pa.Schema,
        deadline: float | None,
        changed: Callable[[], None] = lambda: None,
        few: int | None = None,
    ) -> None:
        self.few = few is not None
        self._few = few
        self._sessions = sessions
        self._statements = statements
        self._following: Iterator[Piece] = iter(())
        self._piece: Piece | None = None
        self._inseparable: list[tuple[int, int]] = []
        self._long: list[tuple[int, int]] = []
        self.spared_bytes = 0
        self._schema = schema
        self._deadline = deadline
        self._changed = changed
        self._lock = threading.Lock()
        self._stop: CrosswindError | None = None
        self._entered = False
        self._missed: Callable[[], None] | None = None
        self._begun: Callable[[], object] = _nothing
        self._started = False
        self._busy = False
        self._ended = False
        self._session: Session | None = None
        self._stream: Stream | None = None
        self._canceller: threading.Thread | None = None
        self._stopped_at = 0.0
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
            opened = self._open()
            while opened is not None:
                schema, batch = opened
                piece = self._piece
                assert piece is not None
                columns = Columns(self._sessions.source, schema, self._schema, piece.packing)
                if (few := self._few) is not None:
                    self._few = None
                    answer = self._rest(batch)
                    if sum(part.num_rows for part in answer) <= few:
                        yield from (columns.convert(part) for part in answer if part.num_rows)
                        return
                    batch = None
                following = piece.instead
                while batch is not None:
                    if batch.num_rows:
                        following = piece.beyond if _has_more(piece, batch) else None
                        yield from self._converted(columns, piece, batch)
                    batch = self._next()
                if following is not None:
                    self._following = chain([following], self._following)
                if again := self._read_again(piece):
                    self._following = chain(again, self._following)
                following = next(self._following, None)
                opened = None if following is None else self._start(following)
        except SourceSchemaChangedError:
            self._changed()
            raise
        finally:
            self._end()

    def _converted(
        self, columns: Columns, piece: Piece, batch: pa.RecordBatch
    ) -> Iterator[pa.RecordBatch]:
        packing = piece.packing
        try:
            converted = columns.convert(batch)
        except (InseparableError, LongIntegerError) as error:
            assert isinstance(packing, Gathering)
            pages = self._long if isinstance(error, LongIntegerError) else self._inseparable
            self.spared_bytes -= batch.nbytes
            first, end = packing.pages(batch)
            # What follows on what is to be read again is read with it.
            if pages and pages[-1][1] == first:
                first, _ = pages.pop()
            pages.append((first, end))
            return
        if isinstance(packing, Gathering):
            self.spared_bytes += packing.layout.spared_bytes * converted.num_rows
        yield from [converted] if packing is None else cut(converted)

    def _read_again(self, piece: Piece) -> list[Piece]:
        """What of a piece could not be read as it came."""
        again = []
        for read, pages in ((piece.again, self._inseparable), (piece.at_length, self._long)):
            if read is not None:
                again += [read(*found) for found in pages]
                pages.clear()
        return again

    def _rest(self, batch: pa.RecordBatch | None) -> list[pa.RecordBatch]:
        """What a stream has from a batch on."""
        found = []
        while batch is not None:
            found.append(batch)
            batch = self._next()
        return found

    def when_begun(self, call: Callable[[], object]) -> None:
        """Before iterating: call it when the first statement has begun, which has its locks then;
        from another thread."""
        self._begun = call

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
            canceller.join(max(0.0, self._stopped_at + CANCEL_SECONDS - time.monotonic()))

    def unless_entered(self, call: Callable[[], None]) -> None:
        """Once iterating has ended: call it if no connection has entered the moment.

        One that is still about to decides itself, later, on the session's own thread.
        """
        with self._lock:
            if self._entered:
                return
            if self._busy:
                self._missed = call
                return
        call()

    def _open(self) -> _Opened | None:
        """Get a connection, run the first statement, if there is one, to its first batch.

        An idle connection that died unseen is replaced, once; nothing has left here before that.
        """
        for last in (False, True):
            session = self._take_session()
            try:
                opened = self._call(session, partial(self._enter, session))
            except SourceUnavailableError:
                if session.fresh or last:
                    raise
                # In this order: whoever takes this one's place must not find what died with it.
                self._sessions.discard_idle()
                self._free(discard=True)
            else:
                self._sending = opened is not None and opened[1] is not None
                return opened
        raise AssertionError("unreachable")

    def _start(self, piece: Piece) -> _Opened:
        """Run a further statement on the same connection to its first batch."""
        session = self._session
        if session is None:
            assert self._stop is not None
            raise self._stop
        opened = self._call(session, partial(self._start_stream, session, piece))
        self._sending = opened[1] is not None
        return opened

    def _take_session(self) -> Session:
        self._check_deadline()
        try:
            session = self._sessions.acquire(self._stopped, self._deadline)
        except CancelledError:
            assert self._stop is not None
            raise self._stop from None
        with self._lock:
            if self._stop is None:
                self._session = session
                return session
        self._sessions.release(session)
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
            self._stop_with(DeadlineError("the query's time was up", source=self._sessions.source))

    def _enter(self, session: Session) -> _Opened | None:
        steady = self._sessions.enter(session)
        self._entered = True
        self._following = iter(self._statements(steady))
        piece = next(self._following, None)
        return None if piece is None else self._start_stream(session, piece)

    def _start_stream(self, session: Session, piece: Piece) -> _Opened:
        done, self._stream = self._stream, None
        if done is not None:
            done.close()
        # Kept while the call still counts as running, so that whoever stops it sees it.
        self._piece, packing = piece, piece.packing
        batch_bytes = None if packing is None else packing.batch_bytes
        self._stream = session.stream(piece.text, batch_bytes, copied=self._few is None)
        begun, self._begun = self._begun, _nothing
        begun()
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
            with translated(self._sessions.source, self._sessions.mask):
                outcome.append(call())
        except BaseException as error:
            failure.append(error)
        with self._lock:
            self._busy = False
            left_alone = self._stop is not None
            missed = None if self._entered else self._missed
            self._returned.set()
            self._awake.set()
        if missed is not None:
            missed()
        if left_alone:
            self._free()

    def _stop_with(self, error: CrosswindError) -> None:
        """Stop the stream for a reason; the first reason counts."""
        with self._lock:
            if self._ended or self._stop is not None:
                return
            self._stop = error
            self._stopped_at = time.monotonic()
            session, stream = self._session, self._stream
            if session is not None:
                if self._busy:
                    work = partial(self._cancel_call, session)
                else:
                    self._session = self._stream = None
                    work = partial(self._drop, session, stream)
                self._canceller = threading.Thread(
                    target=work, name=f"{self._sessions.source}-cancel", daemon=True
                )
                self._canceller.start()
            self._awake.set()
        self._sessions.wake()

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
        self._sessions.release(session, discard=stream is not None)

    def _free(self, *, discard: bool = False) -> None:
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
        self._sessions.release(session, discard=discard or canceller is not None)

    def _end(self) -> None:
        if self._sending or self._busy:
            # Left before the end, or interrupted: the server must not go on.
            self._stop_with(CancelledError("the query was left before its end"))
        with self._lock:
            self._ended = True
        self._free()


def _nothing() -> None:
    pass


def _has_more(piece: Piece, batch: pa.RecordBatch) -> bool:
    """Whether there are rows behind the piece, as its last batch says."""
    return isinstance(piece.packing, Gathering) and piece.packing.more(batch)
