"""Stages of a run: what is computed first, and the keys or the rows that fragments wait for.

A stage is a stream of the engine's that a thread of its own drives to its end. Its rows wait here,
in memory or on disk, for who reads them; its keys, and those that are sent to sources, are gathered
as they pass, by batches. Owns the threads, the rows and the keys. Knows neither sources nor SQL.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.errors import CancelledError, CrosswindError, MemoryLimitError, QueueFullError
from execution.buffer import BatchBuffer, Overflow
from execution.engine_stream import EngineStream
from execution.schemas import under
from execution.sent_rows import StageRows
from execution.sizing import size_bytes
from planner.account import StageAccount
from planner.cost import HELD_IN_MEMORY_BYTES
from planner.plan import PlannedStage
from planner.seen import SeenRows

MOST_BYTES = 16 << 20
"""Keys are sent as text, and looked at one by one: so many bytes of them at most."""

_COMPACT_ROWS, _COMPACT_BYTES = 1 << 18, MOST_BYTES // 4
"""Keys are made unique again when so many have come since the last time."""


class StageKeys:
    """The different values in some columns of a stage, without NULL, once it is complete.

    Args:
        columns: their positions.
        most: with more in any column there are none to be had.
    """

    def __init__(self, columns: frozenset[int], most: int) -> None:
        self._most = most
        self._known = {column: _Distinct() for column in columns}
        self._done = threading.Event()
        self._complete = False

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch's keys; by the thread that drives the stage."""
        if self._done.is_set():
            return
        for column, distinct in self._known.items():
            if distinct.add(batch.column(column)) > self._most or distinct.size_bytes > MOST_BYTES:
                self.give_up()
                self._known = {}
                return

    def finish(self) -> None:
        """The stage is complete: whoever waits has its keys."""
        if self._done.is_set():
            return
        try:
            self._complete = all(
                d.compact() <= self._most and d.size_bytes <= MOST_BYTES
                for d in self._known.values()
            )
        finally:
            self._done.set()

    def give_up(self) -> None:
        """There will be none; from any thread."""
        self._done.set()

    def wait(self, seconds: float | None) -> dict[int, pa.Array] | None:
        """The keys by column; None when there are too many, too late, or none will come."""
        self._done.wait(seconds)
        if not self._complete:
            return None
        return {column: distinct.keys for column, distinct in self._known.items()}


class _Distinct:
    """The different values of one column; of what came last, also the same ones again."""

    def __init__(self) -> None:
        self._keys: pa.Array | None = None
        self._last: list[pa.Array] = []
        self._rows = 0
        self._last_bytes = 0
        self.size_bytes = 0

    def add(self, values: pa.Array) -> int:
        """Take a batch's values; at least so many are different, as far as is known."""
        fresh = pc.unique(values.drop_null())
        self._last.append(fresh)
        self._rows += len(fresh)
        self._last_bytes += fresh.nbytes
        if self._rows > _COMPACT_ROWS or self._last_bytes > _COMPACT_BYTES:
            return self.compact()
        return len(fresh)

    def compact(self) -> int:
        """Make what has come unique; how many there are."""
        if self._last:
            before = [] if self._keys is None else [self._keys]
            self._keys = pc.unique(pa.chunked_array([*before, *self._last]))
            self._last, self._rows, self._last_bytes = [], 0, 0
            self.size_bytes = self._keys.nbytes
        return 0 if self._keys is None else len(self._keys)

    @property
    def keys(self) -> pa.Array:
        return pa.array([], pa.null()) if self._keys is None else self._keys


class StageReader:
    """One running stage: a thread that drives it, and what hands its rows out, as often as they are
    read.

    Args:
        planned: the stage.
        keys: what of it is waited for; None when nothing is.
        sent: its rows as they go to sources; None where they do not.
        stream: the engine's output for it.
        overflow: where its rows go when nobody takes them yet.
        failure_of: what an error of the engine means.
        seen: remembers how many rows it had, and how long it took.
        after: the stages that it needs; it begins when they are complete, so that no worker of the
            engine waits for work that needs one.

    Attributes:
        failure: why it is not complete, and never will be.
        outgrown: it was to be read several times, and has more rows than may wait; or to be sent,
            and cannot be.
    """

    def __init__(
        self,
        planned: PlannedStage,
        keys: StageKeys | None,
        sent: StageRows | None,
        stream: EngineStream,
        overflow: Overflow,
        failure_of: Callable[[Exception], CrosswindError],
        seen: SeenRows,
        after: Sequence[StageReader] = (),
    ) -> None:
        self._after = after
        self._done = threading.Event()
        self.name = planned.name
        self._shape = planned.shape
        self._work = planned.work
        self._reads = planned.reads
        self._seen = seen
        self.schema: pa.Schema = planned.schema
        self.failure: CrosswindError | None = None
        self.complete = False
        self.outgrown = False
        self.stream = stream
        self._keys = keys
        self._sent = sent
        self._failure_of = failure_of
        self._buffer = BatchBuffer(HELD_IN_MEMORY_BYTES, overflow)
        self._thread: threading.Thread | None = None
        self._rows = 0
        self._size_bytes = 0
        self._started = time.monotonic()
        self._ended: float | None = None

    def start(self, frame: Callable[[], Any]) -> None:
        """Drive a data frame to its end.

        Args:
            frame: makes it, when the stages that it needs are complete.

        Raises:
            QueueFullError: there are no more threads; it has ended, and must be closed.
        """
        self._started = time.monotonic()
        thread = threading.Thread(
            target=self._run, args=(frame,), name=f"crosswind-{self.name}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            raise QueueFullError("the server cannot start another thread") from error
        self._thread = thread

    def wait(self) -> None:
        """Wait until it is complete.

        Raises:
            CrosswindError: it has failed, or was cancelled.
        """
        self._done.wait()
        if self.failure is not None:
            raise self.failure
        if not self.complete:
            raise CancelledError("the query was cancelled")

    @property
    def rows(self) -> int:
        """How many have come so far."""
        return self._rows

    def found(self, column: int) -> pa.Array | None:
        """The keys in a column, when it is complete; None where there are too many of them."""
        keys = None if self._keys is None else self._keys.wait(None)
        return None if keys is None else keys[column]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._reads > 1:
            yield from self._buffer.again()
            return
        while (batch := self._buffer.get()) is not None:
            yield batch

    def cancel(self) -> None:
        """Stop, and wake who waits for rows or keys; returns at once."""
        self._give_up()
        self._buffer.cancel()
        self.stream.cancel()
        self._done.set()

    def close(self) -> None:
        """Cancel, wait until the thread has ended, and drop the rows."""
        self.cancel()
        if self._thread is not None:
            self._thread.join()
        self.stream.close()
        self._buffer.close()

    def account(self) -> StageAccount:
        ended = self._ended if self._ended is not None else time.monotonic()
        return StageAccount(self.name, self._rows, self._size_bytes, ended - self._started)

    def _run(self, frame: Callable[[], Any]) -> None:
        failure: BaseException | None = None
        try:
            for stage in self._after:
                stage.wait()
            for batch in self.stream.batches(frame()):
                self._take(batch)
            if self._sent is not None:
                self._sent.finish(self.schema)
        except CancelledError as error:
            failure = error
        except CrosswindError as error:
            failure = self.failure = error
            refused = self._sent is not None and self._sent.refused
            self.outgrown = refused or (isinstance(error, MemoryLimitError) and self._reads > 1)
        except Exception as error:
            failure = self.failure = self._failure_of(error)
        if failure is None and isinstance(lost := self._buffer.finish(), CrosswindError):
            failure = self.failure = lost
        self._ended = time.monotonic()
        if self._shape is not None and self.outgrown:
            if self._sent is not None and self._sent.refused:
                self._seen.note_refused(self._shape)
            else:
                self._seen.note_outgrown(self._shape)
        if self._shape is not None and failure is None:
            self._seen.note(self._shape, self._rows)
        if failure is None and self._work is not None:
            self._seen.staged(self._work, self._ended - self._started, self._ended)
        if failure is None and self._keys is not None:
            self._keys.finish()
        if failure is not None:
            self._give_up()
            self._buffer.finish(failure)
        self.complete = failure is None
        self._done.set()

    def _take(self, batch: pa.RecordBatch) -> None:
        batch = under(batch, self.schema)
        batch_bytes = size_bytes(batch)
        self._rows += batch.num_rows
        self._size_bytes += batch_bytes
        if self._keys is not None:
            self._keys.add(batch)
        if self._sent is not None:
            self._sent.add(batch)
        self._buffer.put(batch, batch_bytes)

    def _give_up(self) -> None:
        """Wake who waits for keys or rows: none will come."""
        if self._keys is not None:
            self._keys.give_up()
        if self._sent is not None:
            self._sent.give_up()
