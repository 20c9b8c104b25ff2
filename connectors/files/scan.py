"""A scan of files on its way: read by threads of its own, into a bounded buffer.

Owns threads, buffer and cancellation. A file system cannot be interrupted in the middle of a read,
so the consumer never reads: it waits for the buffer, and `cancel` wakes it at once.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.dataset as ds

from connectors.contract import Statistics, TableScan
from connectors.errors import CancelledError, DeadlineError, QueueFullError
from connectors.files.location import Location

READERS = 4
"""Files read at once: enough to hide a round trip, few enough not to flood an SFTP server."""

BUFFERED = 4
"""Batches that wait for the consumer."""

BATCH_ROWS = 1 << 16

BATCH_BYTES = 4 << 20
"""Of a batch, where the width of a row is known. Arrow reads ahead by rows, `BUFFERED` batches."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is scanned: files as dataset fragments, and the schema that they are read by.

    Attributes:
        width_bytes: of a row of the scan's columns; None when it is not known.
    """

    schema: pa.Schema
    fragments: Sequence[ds.Fragment]
    width_bytes: float | None = None


class FileBatches:
    """The batches of a table scan. Files come in the order in which they are read."""

    def __init__(
        self,
        location: Location,
        target: Callable[[], Target],
        scan: TableScan,
        schema: pa.Schema,
        deadline: float | None,
    ) -> None:
        self._location = location
        self._target = target
        self._scan = scan
        self._schema = schema
        self._deadline = deadline
        self._changed = threading.Condition()
        self._buffer: deque[pa.RecordBatch] = deque()
        self._waiting: deque[ds.Fragment] = deque()
        self._reading = 0
        self._failure: BaseException | None = None
        self._cancelled = False
        self._finished = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        left = self._scan.limit
        self._start(self._open)
        try:
            while left != 0 and (batch := self._next()) is not None:
                if left is not None:
                    batch = batch.slice(0, left)
                    left -= batch.num_rows
                yield batch
        finally:
            self._stop()

    def cancel(self) -> None:
        with self._changed:
            if not self._finished:
                self._cancelled = True
                self._changed.notify_all()

    def close(self) -> None:
        self.cancel()
        self._stop()

    def _next(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end."""
        with self._changed:
            while True:
                if self._cancelled:
                    raise CancelledError("the scan was cancelled")
                if self._failure is not None:
                    raise self._failure
                if self._buffer:
                    self._changed.notify_all()
                    return self._buffer.popleft()
                if not self._reading:
                    return None
                timeout = None if self._deadline is None else self._deadline - time.monotonic()
                if timeout is not None and timeout <= 0:
                    raise DeadlineError("the query's time is up", source=self._location.source)
                self._changed.wait(timeout)

    def _stop(self) -> None:
        """Readers end at their next batch; nobody waits for them."""
        with self._changed:
            self._finished = True
            self._buffer.clear()
            self._waiting.clear()
            self._changed.notify_all()

    def _start(self, work: Callable[[], None]) -> None:
        with self._changed:
            self._reading += 1
        # A daemon: a read that hangs must not keep the process from ending.
        thread = threading.Thread(target=self._guarded, args=(work,), daemon=True)
        thread.name = f"crosswind-{self._location.source}"
        try:
            thread.start()
        except RuntimeError:
            with self._changed:
                self._reading -= 1
            raise QueueFullError("the server cannot start another thread") from None

    def _guarded(self, work: Callable[[], None]) -> None:
        failure: BaseException | None = None
        try:
            work()
        except BaseException as error:
            failure = error
        with self._changed:
            self._reading -= 1
            self._failure = self._failure or failure
            self._changed.notify_all()

    def _open(self) -> None:
        target = self._target()
        with self._changed:
            self._waiting.extend(target.fragments)
        # Fewer readers than wanted still read all.
        with contextlib.suppress(QueueFullError):
            for _ in range(min(READERS, len(target.fragments)) - 1):
                self._start(lambda: self._read_all(target))
        self._read_all(target)

    def _read_all(self, target: Target) -> None:
        while True:
            with self._changed:
                if self._finished or not self._waiting:
                    return
                fragment = self._waiting.popleft()
            with self._location.reading(fragment.path):
                self._read(fragment, target)

    def _read(self, fragment: ds.Fragment, target: Target) -> None:
        rows = int(BATCH_BYTES / target.width_bytes) if target.width_bytes else BATCH_ROWS
        limit = self._scan.limit
        scanner = fragment.scanner(
            schema=target.schema,
            columns=list(self._scan.columns),
            filter=self._scan.filter,
            batch_size=max(1, min(BATCH_ROWS, rows, BATCH_ROWS if limit is None else limit)),
            batch_readahead=BUFFERED,
        )
        for batch in scanner.to_batches():
            if batch.num_rows and not self._put(conform(batch, self._schema)):
                return

    def _put(self, batch: pa.RecordBatch) -> bool:
        """Hand over a batch; False when nobody wants it any more."""
        with self._changed:
            while len(self._buffer) >= BUFFERED and not self._finished and not self._cancelled:
                self._changed.wait()
            if self._finished or self._cancelled:
                return False
            self._buffer.append(batch)
            self._changed.notify_all()
            return True


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """`batch` with exactly `schema`: the reader's may differ in metadata and in nullability."""
    if batch.schema.equals(schema, check_metadata=True) or not len(schema):
        return batch
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def width_bytes(statistics: Statistics, columns: Sequence[str]) -> float | None:
    """A row's bytes in these columns; as wide as all of them where nothing is known of each."""
    known = [statistics.columns.get(name) for name in columns]
    widths = [column.width_bytes for column in known if column is not None]
    if columns and len(widths) == len(columns) and None not in widths:
        return sum(width for width in widths if width is not None)
    if statistics.rows and statistics.size_bytes is not None:
        return statistics.size_bytes / statistics.rows
    return None
