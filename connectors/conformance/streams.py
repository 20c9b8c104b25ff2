"""A stream of batches that the kit can stop: a connector's own, or the engine's where that reads.

Owns the two forms. Must not know what is checked.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import psutil
import pyarrow as pa

from connectors.conformance.driving import Driven
from connectors.errors import CancelledError

PATIENCE_SECONDS = 10.0
"""For what must happen promptly, on a machine that may be busy."""


class Stream(Protocol):
    """As `connectors.contract.Batches`."""

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...


class _EngineStream:
    """The engine's reading of a table that it reads itself."""

    def __init__(self, driven: Driven, sql: str) -> None:
        self._execution = driven.start(sql)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._execution.batches()

    def cancel(self) -> None:
        self._execution.cancel()

    def close(self) -> None:
        self._execution.close()


@contextmanager
def streaming(driven: Driven, sql: str, deadline: float | None = None) -> Iterator[Stream]:
    """A statement on its way, closed at the end; the deadline reaches connectors only."""
    stream: Stream = driven.fragment(sql, deadline) or _EngineStream(driven, sql)
    try:
        yield stream
    finally:
        stream.close()


def ends_cancelled(batches: Iterator[pa.RecordBatch]) -> float:
    """Read what is left, which must end with CancelledError; how long that took, in seconds."""
    started = time.monotonic()
    try:
        for _ in batches:
            pass
    except CancelledError:
        return time.monotonic() - started
    raise AssertionError("a cancelled stream ended as if it were complete")


class Blocked:
    """Reads one batch in a thread of its own, where it may wait for ever.

    Attributes:
        failure: how it ended, once `ended` says so.
    """

    def __init__(self, stream: Stream) -> None:
        self.failure: BaseException | None = None
        self._stream = stream
        self._thread = threading.Thread(target=self._read, name="kit-blocked", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            with contextlib.suppress(StopIteration):
                next(iter(self._stream))
        except BaseException as error:
            self.failure = error

    def ended(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether it came to its end in time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


def eventually(condition: Any, seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether `condition()` comes true in time; asked again and again."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


class Held:
    """What this process holds now: threads, open files and sockets."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.before = self.now()

    def now(self) -> tuple[int, int]:
        """Threads that Python knows, and file descriptors."""
        return threading.active_count(), self._process.num_fds()

    def given_back(self, uses: int) -> bool:
        """Whether it is no more than before, now or soon.

        What grows by less than one for each use is a pool of a driver's that still fills.
        """
        spare = uses - 1
        return eventually(
            lambda: all(n <= b + spare for n, b in zip(self.now(), self.before, strict=True))
        )


class Arrived:
    """The rows that Python's objects hold, beyond those that they held at first: exact, whatever
    memory was freed before, and blind to what a library keeps to itself."""

    def __init__(self) -> None:
        self._before = self._held()  # The batches, too, so that no buffer takes another's address.

    def held_bytes(self) -> int:
        """The size of the buffers behind all batches and tables that came since."""
        _, before = self._before
        return sum(size for address, size in self._held()[1].items() if address not in before)

    @staticmethod
    def _held() -> tuple[list[pa.RecordBatch | pa.Table], dict[int, int]]:
        # A batch itself is not among the objects that the collector knows, but who has it is.
        named = (each for one in gc.get_objects() for each in gc.get_referents(one))
        held = [each for each in named if isinstance(each, pa.RecordBatch | pa.Table)]
        chunks = (
            chunk
            for each in held
            for column in each.columns
            for chunk in (column.chunks if isinstance(column, pa.ChunkedArray) else [column])
        )
        buffers = (buffer for chunk in chunks for buffer in chunk.buffers() if buffer is not None)
        return held, {buffer.address: buffer.size for buffer in buffers}


class Memory:
    """What this process has in memory, whoever allocated it, beyond what it had at first."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        # What others left to be given back would hide what is taken now, or be given back later.
        gc.collect()
        pa.default_memory_pool().release_unused()
        self._before = self._process.memory_info().rss
        self._pool_before = pa.total_allocated_bytes()
        self.most_bytes = 0
        self.most_pool_bytes = 0

    def look(self) -> None:
        """Note what it is now."""
        now = self._process.memory_info().rss - self._before
        self.most_bytes = max(self.most_bytes, now)
        pool = pa.total_allocated_bytes() - self._pool_before
        self.most_pool_bytes = max(self.most_pool_bytes, pool)

    def __str__(self) -> str:
        pool, all_ = self.most_pool_bytes >> 20, self.most_bytes >> 20
        return f"{all_} MiB more than before, {pool} MiB of them Arrow's"
