"""A whole table on its way, over several connections that see one moment.

Owns how many connections there are, and what becomes of their batches. The first connection is the
fragment's own; the others are taken only while they are free, and given up between two pieces when
somebody else wants them. Must not know how the pieces are made.

The others begin when the first has begun to read, and it reads itself what another has not begun
when all else is done: so one transaction or another locks the table against being rewritten, which
would move its rows from one piece to another. Nobody waits for another's lock: between the two may
stand who wants to rewrite.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pyarrow as pa

from connectors.adbc.postgres.pieces import Piece
from connectors.adbc.postgres.reader import QueryBatches
from connectors.adbc.postgres.snapshot import Snapshot
from connectors.contract import Turns
from connectors.errors import CancelledError, QueueFullError, SourceUnavailableError

_AHEAD = 2
"""Batches that each connection may have waiting."""

Read = Callable[[Callable[[bool], Iterable[Piece]]], QueryBatches]
"""From statements to their batches; see `QueryBatches`."""


class ScanBatches:
    """The `Batches` of a whole table.

    Args:
        whole: the table as one statement.
        pieces: the same in pieces; empty when all are taken. Taken from by several threads.
        alone: reads on one connection, outside of `snapshot` where no other fragment is in it.
        together: reads in `snapshot`.
        snapshot: in which this fragment is expected.
        spare: further connections.
        most: how many connections to use in all, at most.
    """

    def __init__(
        self,
        whole: Piece,
        pieces: Iterator[Piece],
        alone: Read,
        together: Read,
        snapshot: Snapshot,
        spare: Turns,
        most: int,
    ) -> None:
        self._whole = whole
        self._pieces = pieces
        self._alone = alone
        self._together = together
        self._snapshot = snapshot
        self._spare = spare
        self._most = most
        self._changed = threading.Condition()
        self._readers: list[QueryBatches] = []
        self._threads: list[threading.Thread] = []
        self._waiting: deque[pa.RecordBatch] = deque()
        self._others = 0
        self._begun: list[_Other] = []
        self._returned: list[Piece] = []
        self._stopped = False
        self._failure: BaseException | None = None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """See `connectors.contract.Batches`; one thread, once. Rows come in no order."""
        try:
            while self._others < self._most - 1 and self._spare.take():
                self._others += 1
            if self._others:
                self._snapshot.expect(self._others)
                first = self._together(self._begin)
                first.when_begun(self._begin_others)
            else:
                first = self._alone(lambda steady: [self._whole.where(steady)])
            self._add(first)
            yield from self._merged(first)
        except CancelledError:
            if self._failure is not None:
                raise self._failure from None
            raise
        finally:
            self.close()
            for thread in self._threads:
                thread.join()
            self._give_up()

    @property
    def spared_bytes(self) -> int:
        """See `connectors.contract.MayBeShort`."""
        with self._changed:
            return sum(reader.spared_bytes for reader in self._readers)

    def cancel(self) -> None:
        """See `connectors.contract.Batches`."""
        with self._changed:
            self._stopped = True
            readers = list(self._readers)
            self._changed.notify_all()
        for reader in readers:
            reader.cancel()

    def close(self) -> None:
        """See `connectors.contract.Batches`."""
        self.cancel()
        for reader in list(self._readers):
            reader.close()

    def _add(self, reader: QueryBatches) -> None:
        with self._changed:
            if self._stopped:
                raise CancelledError("the query was cancelled")
            self._readers.append(reader)

    def _merged(self, first: QueryBatches) -> Iterator[pa.RecordBatch]:
        for batch in first:
            yield batch
            while self._waiting:
                yield self._next()
        while True:
            with self._changed:
                while not self._waiting and not self._stopped and not self._complete:
                    self._changed.wait()
                if self._stopped:
                    raise CancelledError("the query was cancelled")
                if not self._waiting:
                    return
            yield self._next()

    def _next(self) -> pa.RecordBatch:
        with self._changed:
            self._changed.notify_all()
            return self._waiting.popleft()

    @property
    def _complete(self) -> bool:
        return all(other.ended for other in self._begun)

    def _take(self, other: _Other | None = None) -> Piece | None:
        with self._changed:
            if other is not None and other.ended:
                return None
            piece = self._returned.pop() if self._returned else next(self._pieces, None)
            if other is not None:
                other.piece = piece
            return piece

    def _begin(self, steady: bool) -> Iterable[Piece]:
        """The first connection is ready: without the moment it reads the table alone."""
        if not steady:
            self._give_up()
            return [self._whole.where(steady)]
        return self._own_pieces()

    def _own_pieces(self) -> Iterator[Piece]:
        while (piece := self._take() or self._taken_back()) is not None:
            yield piece
            self._begin_others()

    def _taken_back(self) -> Piece | None:
        """A piece that another has taken and not begun; those that have none are not waited for."""
        with self._changed:
            late = [other for other in self._begun if not other.reading and not other.ended]
            for other in late:
                other.ended = True
            self._returned += [other.piece for other in late if other.piece is not None]
        for other in late:
            other.reader.cancel()
        return self._take()

    def _begin_others(self) -> None:
        with self._changed:
            while self._others and not self._stopped:
                other = _Other(self._spare)
                other.reader = self._together(partial(self._pieces_of, other))
                other.reader.when_begun(partial(self._reads, other))
                thread = threading.Thread(target=self._run, args=(other,), name="crosswind-scan")
                thread.daemon = True
                try:
                    thread.start()
                except RuntimeError:  # no more threads
                    break
                self._others -= 1
                self._begun.append(other)
                self._threads.append(thread)

    def _give_up(self) -> None:
        """Give back the others that have not begun."""
        with self._changed:
            others, self._others = self._others, 0
        if others:
            self._snapshot.expect(-others)
        for _ in range(others):
            self._spare.give()

    # --- the threads of the others ---

    def _pieces_of(self, other: _Other, steady: bool) -> Iterator[Piece]:
        """What another connection reads, as long as nobody else wants it."""
        while steady and other.held and (piece := self._take(other)) is not None:
            yield piece
            if not self._reads(other):
                return
            other.offer()

    def _reads(self, other: _Other) -> bool:
        """It reads: whether that counts, or its piece was taken back before."""
        with self._changed:
            other.reading = not other.ended
            return other.reading

    def _run(self, other: _Other) -> None:
        reader = other.reader
        try:
            self._add(reader)
            for batch in reader:
                if not self._reads(other):
                    break
                self._put(batch)
        except CancelledError:
            pass
        except BaseException as error:
            # One that cannot begin has taken nothing: the others read it all.
            lacking = isinstance(error, SourceUnavailableError | QueueFullError)
            if not (other.ended or (lacking and other.piece is None)):
                self._fail(error)
        finally:
            reader.unless_entered(partial(self._snapshot.expect, -1))
            other.give()
            with self._changed:
                other.ended = True
                self._changed.notify_all()

    def _put(self, batch: pa.RecordBatch) -> None:
        with self._changed:
            while len(self._waiting) >= _AHEAD * self._most and not self._stopped:
                self._changed.wait()
            self._waiting.append(batch)
            self._changed.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            if self._stopped:
                return
            self._failure = error
        self.cancel()


class _Other:
    """A further connection of a scan, and the right to it, while that is held.

    Attributes:
        piece: what it was given last.
        reading: it has what it reads, and waits for nobody's lock.
        ended: nothing more is taken from it.
    """

    reader: QueryBatches

    def __init__(self, spare: Turns) -> None:
        self._spare = spare
        self.held = True
        self.piece: Piece | None = None
        self.reading = False
        self.ended = False

    def offer(self) -> None:
        """Give it to whoever waits for one; keep it where nobody does."""
        self.give()
        self.held = self._spare.take()

    def give(self) -> None:
        """Give it back, if it is held."""
        if self.held:
            self.held = False
            self._spare.give()
