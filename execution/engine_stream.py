"""The engine's output: the streams of a data frame, read a little ahead of who takes them.

Owns how many streams there are, the threads and the waiting; a full room holds a stream up. Knows
no plan and no source.
"""

from __future__ import annotations

import asyncio
import ctypes
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from connectors.errors import CancelledError, QueueFullError
from execution.metrics import Scan, compute_seconds, scans_of
from execution.sizing import size_bytes
from planner.failures import panics_as_errors

if TYPE_CHECKING:
    from execution.engine import Engine

READ_AHEAD = 4
"""Batches that a stream may be ahead of the consumer."""

READ_AHEAD_BYTES = 16 << 20
"""The same in bytes: a batch of wide rows takes much. One batch may always wait."""

AWAITED_BATCHES = 2
"""A stream's first batches, for which the engine may compute long, are awaited on its loop, so
that a cancel drops the work. The rest follow each other quickly: a thread fetches them, in half the
time that the loop takes."""

CLOSE_SECONDS = 0.5
"""How long closing waits for a fetch that is under way. One that takes longer is dropped, within a
second or so."""


_UNION = re.compile(r"^\s*Union\b", re.MULTILINE)


def _streams(frame: Any) -> list[Any]:
    """What a data frame makes, begun: one stream, but for unions.

    The engine's own tasks put partitions together in less time than threads in Python. But a
    partition of a union may have nothing for long when another has given its first batches: each is
    awaited by itself.
    """
    if _UNION.search(frame.logical_plan().display_indent()):
        return list(frame.execute_stream_partitioned())
    return [frame.execute_stream()]


class EngineStream:
    """The engine's output, a little ahead of the consumer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._ready: SimpleQueue[_Pulled] = SimpleQueue()
        self._pending: list[Future[None]] = []
        self._threads: list[threading.Thread] = []
        self._room: list[_Room] = []
        self._physical: Any = None
        self._scans: list[Scan] = []
        self._compute_seconds: float | None = None
        self._cancelled = False

    def batches(self, frame: Any) -> Iterator[pa.RecordBatch]:
        """What a data frame makes; in its order when it has one.

        Raises:
            CancelledError: after `cancel`.
            Exception: the engine's own.
        """
        # A plan whose rows are in order has one partition, which keeps them so.
        with panics_as_errors():
            streams = _streams(frame)
            physical = frame.execution_plan()  # of these streams, with their metrics
        del frame
        with self._lock:
            if self._cancelled:
                raise CancelledError("the query was cancelled")
            self._physical = physical
            self._room = [_Room() for _ in streams]
            self._pending = [
                self._engine.submit(self._await(stream, room))
                for stream, room in zip(streams, self._room, strict=True)
            ]
        running = len(streams)
        del streams, physical
        while running:
            pulled = self._ready.get()
            if pulled.failure is not None:
                raise pulled.failure
            if pulled.batch is None:
                running -= 1
                continue
            yield pulled.batch
            if pulled.room is not None:
                pulled.room.leave(pulled.size_bytes)

    async def _await(self, stream: Any, room: _Room) -> None:
        """Hand over a stream's first batches, then leave the rest to a thread."""
        try:
            for _ in range(AWAITED_BATCHES):
                with panics_as_errors():
                    batch = await anext(stream)
                self._ready.put(_Pulled(batch.to_pyarrow()))
        except asyncio.CancelledError:
            pass  # Raised, its traceback would hold the stream, and the future holds it.
        except StopAsyncIteration:
            self._ready.put(_Pulled())
        except Exception as error:
            self._ready.put(_Pulled(failure=error.with_traceback(None)))
        else:
            thread = threading.Thread(
                target=self._fetch, args=(stream, room), name="crosswind-fetch", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                failure = QueueFullError("the server cannot start another thread")
                self._ready.put(_Pulled(failure=failure))
            else:
                with self._lock:
                    self._threads.append(thread)

    def _fetch(self, stream: Any, room: _Room) -> None:
        """Hand over what is left of a stream, in a thread of its own."""
        with suppress(_DroppedError):
            try:
                with panics_as_errors():
                    for batch in stream:
                        arrow = batch.to_pyarrow()
                        arrow_bytes = size_bytes(arrow)
                        room.enter(arrow_bytes)
                        if self._cancelled:
                            return
                        self._ready.put(_Pulled(arrow, room, arrow_bytes))
            except _DroppedError:
                return
            except Exception as error:
                self._ready.put(_Pulled(failure=error.with_traceback(None)))
            else:
                self._ready.put(_Pulled())

    def cancel(self) -> None:
        """Drop the engine's work, and wake the consumer; from any thread."""
        with self._lock:
            self._cancelled = True
            pending = list(self._pending)
            rooms = list(self._room)
            # The plan holds its tasks, which read and compute for as long as it is there.
            self._scans, self._compute_seconds = self._metrics()
            self._physical = None
        for pull in pending:
            pull.cancel()
        for room in rooms:
            room.open()
        self._ready.put(_Pulled(failure=CancelledError("the query was cancelled")))

    def close(self) -> None:
        """Drop the engine's work. The consuming thread must be outside of `batches`, or ending."""
        self.cancel()
        wait(self._pending, timeout=CLOSE_SECONDS)
        with self._lock:
            threads = list(self._threads)
        until = time.monotonic() + CLOSE_SECONDS
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive() and thread.ident is not None:
                _drop(thread.ident)

    def scans(self) -> list[Scan]:
        """What the engine's readers took."""
        with self._lock:
            return self._metrics()[0]

    def compute_seconds(self) -> float | None:
        """What the engine's operators took, its readers left out; None before it has begun."""
        with self._lock:
            return self._metrics()[1]

    def _metrics(self) -> tuple[list[Scan], float | None]:
        if self._physical is None:
            return self._scans, self._compute_seconds
        return scans_of(self._physical), compute_seconds(self._physical)


class _DroppedError(Exception):
    """A fetch that waits for the engine has been given up."""


def _drop(thread_id: int) -> None:
    """Have a thread that waits in the engine end, with what it waits for.

    The engine looks for Python's exceptions once a second while it holds a thread.
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread_id), ctypes.py_object(_DroppedError)
    )


class _Room:
    """What of one stream waits for the consumer: some batches, of not too many bytes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._batches = 0
        self._size_bytes = 0
        self._opened = False

    def enter(self, size_bytes: int) -> None:
        """Wait until a batch has room."""
        with self._changed:
            while self._batches and not self._opened and not self._has_room(size_bytes):
                self._changed.wait()
            self._batches += 1
            self._size_bytes += size_bytes

    def _has_room(self, size_bytes: int) -> bool:
        return self._batches < READ_AHEAD and self._size_bytes + size_bytes <= READ_AHEAD_BYTES

    def leave(self, size_bytes: int) -> None:
        with self._changed:
            self._batches -= 1
            self._size_bytes -= size_bytes
            self._changed.notify()

    def open(self) -> None:
        """Nobody waits here any more."""
        with self._changed:
            self._opened = True
            self._changed.notify_all()


@dataclass(frozen=True, slots=True)
class _Pulled:
    """A batch, a stream's end (neither), or a failure.

    Attributes:
        room: what the batch takes room of until it is consumed; None for an awaited one.
        size_bytes: how much.
    """

    batch: pa.RecordBatch | None = None
    room: _Room | None = None
    size_bytes: int = 0
    failure: Exception | None = None
