"""A whole table on its way, over several connections that see one moment.

Owns how many connections there are, and what becomes of their batches. The first connection is the
fragment's own; the others are taken only while they are free, begin when the first has the moment,
and are given up between two pieces when others want them. Must not know how the pieces are made.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

from connectors.adbc.postgres.reader import QueryBatches
from connectors.adbc.postgres.snapshot import Snapshot
from connectors.contract import Turns
from connectors.errors import CancelledError, QueueFullError, SourceUnavailableError

_AHEAD = 2
"""Batches that each connection may have waiting."""

Read = Callable[[Callable[[bool], Iterable[str]]], QueryBatches]
"""From statements to their batches; see `QueryBatches`."""


class ScanBatches:
    """The `Batches` of a whole table.

    Args:
        text: the table as one statement.
        pieces: the same in pieces; empty when all are taken. Taken from by several threads.
        alone: reads on one connection, outside of `snapshot` where no other fragment is in it.
        together: reads in `snapshot`.
        snapshot: in which this fragment is expected.
        spare: further connections.
        most: how many connections to use in all, at most.
    """

    def __init__(
        self,
        text: str,
        pieces: Iterator[str],
        alone: Read,
        together: Read,
        snapshot: Snapshot,
        spare: Turns,
        most: int,
    ) -> None:
        self._text = text
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
        self._running = 0
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
            else:
                first = self._alone(lambda _: [self._text])
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
                while not self._waiting and self._running and not self._stopped:
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

    def _take(self) -> str | None:
        with self._changed:
            return next(self._pieces, None)

    def _begin(self, steady: bool) -> Iterable[str]:
        """The first connection is ready: without the moment it reads the table alone."""
        if not steady:
            self._give_up()
            return [self._text]
        with self._changed:
            while self._others and not self._stopped:
                thread = threading.Thread(target=self._run, name="crosswind-scan", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no more threads
                    break
                self._others -= 1
                self._running += 1
                self._threads.append(thread)
        return iter(self._take, None)

    def _give_up(self) -> None:
        """Give back the others that have not begun."""
        with self._changed:
            others, self._others = self._others, 0
        if others:
            self._snapshot.expect(-others)
        for _ in range(others):
            self._spare.give()

    # --- the threads of the others ---

    def _run(self) -> None:
        turn = _Turn(self._spare)

        def pieces(steady: bool) -> Iterator[str]:
            # As long as nobody else wants the connection.
            while steady and turn.held and (piece := self._take()) is not None:
                yield piece
                turn.offer()

        reader = self._together(pieces)
        try:
            self._add(reader)
            for batch in reader:
                self._put(batch)
        except CancelledError:
            pass
        except BaseException as error:
            # One that cannot begin has taken nothing: the others read it all.
            if reader.entered or not isinstance(error, SourceUnavailableError | QueueFullError):
                self._fail(error)
        finally:
            if not reader.entered:
                self._snapshot.expect(-1)
            turn.give()
            with self._changed:
                self._running -= 1
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


class _Turn:
    """The right to a further connection, while it is held."""

    def __init__(self, spare: Turns) -> None:
        self._spare = spare
        self.held = True

    def offer(self) -> None:
        """Give it to whoever waits for one; keep it where nobody does."""
        self.give()
        self.held = self._spare.take()

    def give(self) -> None:
        """Give it back, if it is held."""
        if self.held:
            self.held = False
            self._spare.give()
