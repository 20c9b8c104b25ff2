"""A scan of files on its way: read by threads of its own, into a bounded buffer.

Owns threads, buffer and cancellation. A file system cannot be interrupted in the middle of a read,
so the consumer never reads: it waits for the buffer, and `cancel` wakes it at once. Batches, buffer
and what is asked of a file at once are bounded in bytes; `parquet` and `streams` read the files.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.dataset as ds

from connectors.contract import Statistics, TableScan
from connectors.errors import CancelledError, DeadlineError, QueueFullError
from connectors.files import parquet, streams
from connectors.files.parquet import SharedFile
from connectors.files.wanted import Wanted, conform

READERS = 4
"""Files read at once: enough to hide a round trip, few enough not to flood an SFTP server. Where
there are fewer, several readers read one file. Where nothing travels, one for every two
processors: decoding is all they do there, and others decode, too."""

BUFFERED_BYTES = 8 << 20
"""Of batches that wait for the consumer."""


class Place(Protocol):
    """Where files lie.

    Attributes:
        source: the configured name.
        near: nothing travels to look at a file.
    """

    source: str
    near: bool

    def reading(self, path: str | None = None) -> AbstractContextManager[None]:
        """Whatever goes wrong inside is a SourceError that names the source and the file."""
        ...


@runtime_checkable
class OwnFile(Protocol):
    """A file that a connector reads by itself, as its format demands.

    Attributes:
        path: names the file in errors.
    """

    @property
    def path(self) -> str: ...

    def batches(self, wanted: Wanted) -> Iterator[pa.RecordBatch]:
        """The rows that are wanted, in bounded batches; the limit need not be heeded."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """What is scanned: files as dataset fragments, and the schema that they are read by.

    Attributes:
        width_bytes: of a row of the scan's columns, about; None when it is not known.
    """

    schema: pa.Schema
    fragments: Sequence[ds.Fragment | OwnFile]
    width_bytes: float | None = None


class FileBatches:
    """The batches of a table scan. Files come in the order in which they are read."""

    def __init__(
        self,
        location: Place,
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
        self._buffered_bytes = 0
        self._waiting: deque[Callable[[], None]] = deque()
        processors = os.cpu_count() or 1
        self._readers = min(READERS, max(2, processors // 2)) if location.near else READERS
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
                    batch = self._buffer.popleft()
                    self._buffered_bytes -= batch.nbytes
                    self._changed.notify_all()
                    return batch
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
        target, far = self._target(), not self._location.near
        wanted = Wanted.of(self._scan, target.schema, target.width_bytes, far=far)
        files = [partial(self._read, fragment, wanted) for fragment in target.fragments]
        self._offer(files, len(files) - 1)
        self._read_all()

    def _offer(self, work: Sequence[Callable[[], None]], readers: int) -> None:
        """Have something read by whoever is free, and by more readers as long as there may be."""
        with self._changed:
            self._waiting.extend(work)
            more = min(self._readers - self._reading, readers)
        # Fewer readers than wanted still read all.
        with contextlib.suppress(QueueFullError):
            for _ in range(more):
                self._start(self._read_all)

    def _read_all(self) -> None:
        while True:
            with self._changed:
                if self._finished or not self._waiting:
                    return
                work = self._waiting.popleft()
            work()

    def _read(self, fragment: ds.Fragment | OwnFile, wanted: Wanted) -> None:
        with self._location.reading(fragment.path):
            if isinstance(fragment, OwnFile):
                self._hand_over(fragment.batches(wanted))
            elif isinstance(fragment, ds.ParquetFileFragment):
                self._read_parquet(fragment, wanted)
            else:
                self._hand_over(streams.batches(fragment, wanted))

    def _read_parquet(self, fragment: ds.ParquetFileFragment, wanted: Wanted) -> None:
        with _opened(fragment) as handle:
            file = parquet.shared(fragment, handle, wanted)
            with self._changed:
                alone = self._reading == 1 and len(file.runs) == 1
                spare = self._readers - 1 - len(self._waiting)
            joining = max(0, min(spare, len(file.runs) - 1))
            self._offer([partial(self._join, file, wanted)] * joining, joining)
            self._hand_over(parquet.batches(file, handle, wanted, alone=alone))

    def _join(self, file: SharedFile, wanted: Wanted) -> None:
        """Help to read a file that another reader has opened."""
        if not file.runs:
            return
        with self._location.reading(file.fragment.path), _opened(file.fragment) as handle:
            self._hand_over(parquet.batches(file, handle, wanted, alone=False))

    def _hand_over(self, read: Iterator[pa.RecordBatch]) -> None:
        for batch in read:
            if batch.num_rows and not self._put(conform(batch, self._schema)):
                return

    def _put(self, batch: pa.RecordBatch) -> bool:
        """Hand over a batch; False when nobody wants it any more."""
        with self._changed:
            while self._buffered_bytes >= BUFFERED_BYTES and not (
                self._finished or self._cancelled
            ):
                self._changed.wait()
            if self._finished or self._cancelled:
                return False
            self._buffer.append(batch)
            self._buffered_bytes += batch.nbytes
            self._changed.notify_all()
            return True


def _opened(fragment: ds.ParquetFileFragment) -> pa.NativeFile:
    return fragment.filesystem.open_input_file(fragment.path)


def width_bytes(statistics: Statistics, columns: Sequence[str]) -> float | None:
    """A row's bytes in these columns; as wide as all of them where nothing is known of each."""
    known = [statistics.columns.get(name) for name in columns]
    widths = [column.width_bytes for column in known if column is not None]
    if columns and len(widths) == len(columns) and None not in widths:
        return sum(width for width in widths if width is not None)
    if statistics.rows and statistics.size_bytes is not None:
        return statistics.size_bytes / statistics.rows
    return None
