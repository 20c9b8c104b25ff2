"""A bounded buffer of record batches between one producing and one consuming thread.

Owns back-pressure: a full buffer holds its producer up, or, with an overflow file, never does.
Knows neither sources nor the engine.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.ipc as ipc

from connectors.errors import CancelledError, MemoryLimitError
from execution.sizing import size_bytes


class Overflow:
    """Batches on disk, first in first out, in one temporary file that has no name.

    Args:
        directory: where the file is made.
        schema: of the batches.
        limit_bytes: past it, `put` fails.
    """

    def __init__(self, directory: Path, schema: pa.Schema, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=directory)  # noqa: SIM115
        self._sink = pa.PythonFile(self._file, mode="w")
        self._writer = ipc.new_stream(self._sink, schema)
        self._reader: ipc.RecordBatchStreamReader | None = None
        self.written = 0
        self.read = 0

    def put(self, batch: pa.RecordBatch) -> None:
        """Append a batch.

        Raises:
            MemoryLimitError: when the file would grow past its limit.
        """
        self._size_bytes += size_bytes(batch)
        if self._size_bytes > self._limit_bytes:
            raise MemoryLimitError(
                f"more than {self._limit_bytes:,} bytes wait here to be used",
                hint="Read fewer rows, or raise memory_limit or the source's max_connections.",
            )
        try:
            self._writer.write_batch(batch)
        except OSError as error:
            raise _full(error) from error
        self.written += 1

    def seal(self) -> None:
        """No more batches come; reading starts at the first."""
        self._writer.close()
        self._sink.flush()
        self._file.seek(0)
        self._reader = ipc.open_stream(pa.PythonFile(self._file, mode="r"))

    def get(self) -> pa.RecordBatch:
        assert self._reader is not None
        self.read += 1
        return self._reader.read_next_batch()

    def again(self) -> ipc.RecordBatchStreamReader:
        """The batches from the first, by a reader of its own; one reader reads at a time."""
        return ipc.open_stream(pa.PythonFile(_Place(self._file), mode="r"))

    def close(self) -> None:
        # What could not be written is not wanted any more.
        with contextlib.suppress(OSError):
            self._file.close()


class _Place(io.RawIOBase):
    """A reader's own place in a file that others read, too."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        count = self._file.readinto(buffer)  # type: ignore[attr-defined]
        self._at += count
        return int(count)


def _full(error: OSError) -> MemoryLimitError:
    """A temporary file cannot be written."""
    return MemoryLimitError(
        f"rows that wait to be used cannot be written to a temporary file: {error.strerror}",
        hint="Make room on the disk of temp_directory, or read fewer rows.",
    )


class BatchBuffer:
    """Up to `limit_bytes` of batches in memory, then the producer waits.

    Args:
        limit_bytes: one batch is always let in, however large.
        overflow: where batches go instead of waiting. They are handed out after those in memory,
            and only when the producer has finished.
    """

    def __init__(self, limit_bytes: int, overflow: Overflow | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._overflow = overflow
        self._changed = threading.Condition()
        self._batches: deque[tuple[pa.RecordBatch, int]] = deque()  # with their sizes
        self._held_bytes = 0
        self._finished = False
        self._failure: BaseException | None = None
        self._cancelled = False

    def put(self, batch: pa.RecordBatch, known_bytes: int | None = None) -> None:
        """Hand a batch over; waits while the buffer is full.

        Args:
            batch: of any size.
            known_bytes: its size, by whoever has looked at it.

        Raises:
            CancelledError: when the buffer was cancelled.
        """
        size = size_bytes(batch) if known_bytes is None else known_bytes
        with self._changed:
            if self._overflow is not None and (self._overflow.written or self._full(size)):
                self._raise_if_cancelled()
                self._overflow.put(batch)
                return
            while self._full(size) and not self._cancelled:
                self._changed.wait()
            self._raise_if_cancelled()
            self._batches.append((batch, size))
            self._held_bytes += size
            self._changed.notify_all()

    def _full(self, size: int) -> bool:
        return bool(self._batches) and self._held_bytes + size > self._limit_bytes

    def finish(self, failure: BaseException | None = None) -> BaseException | None:
        """Nothing more comes; `failure` is raised to the consumer after what was put before.

        Returns:
            What is raised: also that what was put could not be kept.
        """
        with self._changed:
            if self._overflow is not None and not self._cancelled and failure is None:
                try:
                    self._overflow.seal()
                except OSError as error:
                    failure = _full(error)
            self._finished = True
            self._failure = failure
            self._changed.notify_all()
            return failure

    def get(self) -> pa.RecordBatch | None:
        """The next batch, or None after the last; waits for it.

        Raises:
            CancelledError: when the buffer was cancelled.
            BaseException: what `finish` was given.
        """
        with self._changed:
            while not self._batches and not self._finished and not self._cancelled:
                self._changed.wait()
            self._raise_if_cancelled()
            if self._batches:
                batch, size = self._batches.popleft()
                self._held_bytes -= size
                self._changed.notify_all()
                return batch
            if self._failure is not None:
                raise self._failure
            if self._overflow is not None and self._overflow.read < self._overflow.written:
                return self._overflow.get()
            return None

    def again(self) -> Iterator[pa.RecordBatch]:
        """All that was put, which stays here for others; waits until nothing more comes.

        Raises:
            CancelledError: when the buffer was cancelled.
            BaseException: what `finish` was given.
        """
        with self._changed:
            while not self._finished and not self._cancelled:
                self._changed.wait()
            self._raise_if_cancelled()
            if self._failure is not None:
                raise self._failure
            batches = [batch for batch, _ in self._batches]
            overflow = self._overflow
            written = 0 if overflow is None else overflow.written
            reader = overflow.again() if overflow is not None and written else None
        for batch in batches:
            with self._changed:
                self._raise_if_cancelled()
            yield batch
        for _ in range(written):
            with self._changed:  # Whoever closes the file has cancelled before.
                self._raise_if_cancelled()
                assert reader is not None
                batch = reader.read_next_batch()
            yield batch

    def cancel(self) -> None:
        """Drop everything and wake both sides with CancelledError."""
        with self._changed:
            self._cancelled = True
            self._batches.clear()
            self._held_bytes = 0
            self._changed.notify_all()

    def close(self) -> None:
        """Cancel, and free the overflow file. Both sides must have ended."""
        self.cancel()
        if self._overflow is not None:
            self._overflow.close()

    def _raise_if_cancelled(self) -> None:
        if self._cancelled:
            raise CancelledError("the query was cancelled")
