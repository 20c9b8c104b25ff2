"""One run of a plan: a stream of batches with the client's schema, that can be stopped at any time.

Owns the order of ending: sources first, then the engine's stream, then what was registered. No
batch passes Python more than by reference.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError as FutureCancelledError
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from connectors.errors import CancelledError, CrosswindError, DeadlineError
from execution.failures import engine_failure
from execution.reading import FragmentReaders
from planner.account import Account, FragmentAccount
from planner.plan import Plan, PlannedFragment, SubstraitResidual

if TYPE_CHECKING:
    from execution.engine import Engine


class Run(Protocol):
    """How one kind of plan makes its batches."""

    def batches(self) -> Iterator[pa.RecordBatch]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...

    def accounts(self) -> tuple[FragmentAccount, ...]: ...

    @property
    def planned(self) -> tuple[PlannedFragment, ...]: ...


class Execution:
    """A plan on its way to one client.

    Args:
        plan: what runs.
        begin: makes the run; called by the thread that iterates.
        deadline: on the clock of `time.monotonic`, in seconds; checked between batches, and by
            whoever watches with `cancel`.
    """

    def __init__(self, plan: Plan, begin: Callable[[], Run], deadline: float | None) -> None:
        self.plan = plan
        self._begin = begin
        self._deadline = deadline
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._cancelled = False
        self._closed = False
        self._rows = 0
        self._size_bytes = 0
        self._started = time.monotonic()
        self._ended: float | None = None

    @property
    def schema(self) -> pa.Schema:
        """What the batches have: the plan's own schema object."""
        return self.plan.schema

    @property
    def overdue(self) -> bool:
        """Whether the deadline has passed."""
        return self._deadline is not None and time.monotonic() > self._deadline

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The answer, once. Its end, however it comes, frees everything.

        Raises:
            CrosswindError: of any family; CancelledError after `cancel`.
        """
        try:
            run = self._begin()
            with self._lock:
                self._run = run
                if self._cancelled or self._closed:
                    self._cancelled, self._closed = True, False
                    raise CancelledError("the query was cancelled")
            for batch in run.batches():
                self._rows += batch.num_rows
                self._size_bytes += batch.nbytes
                yield _with_schema(batch, self.schema)
            self._raise_if_stopped()
        except CancelledError:
            self._raise_if_stopped()
            raise
        finally:
            self.close()

    def _raise_if_stopped(self) -> None:
        if self.overdue and self._cancelled:
            raise DeadlineError("the query's time was up", hint="Raise query_timeout_seconds.")
        if self._cancelled:
            raise CancelledError("the query was cancelled")

    def cancel(self) -> None:
        """Stop, from any thread; returns at once, and `batches` ends promptly."""
        with self._lock:
            self._cancelled = True
            run = self._run
        if run is not None:
            run.cancel()

    def close(self) -> None:
        """Stop and free everything; waits for the source's threads. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            run = self._run
        if run is not None:
            run.close()
        self._ended = time.monotonic()

    def account(self) -> Account:
        """What has happened so far."""
        fragments = self._run.accounts() if self._run is not None else ()
        planned = self._run.planned if self._run is not None else ()
        ended = self._ended if self._ended is not None else time.monotonic()
        return Account(self._rows, self._size_bytes, ended - self._started, fragments, planned)


def _with_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The same columns under the client's schema; only views of strings are converted."""
    if batch.schema is schema:
        return batch
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    if not columns:
        return batch
    return pa.RecordBatch.from_arrays(columns, schema=schema)


class WholeRun:
    """The single fragment is the answer: from the source's driver to the client, no engine."""

    def __init__(self, readers: FragmentReaders) -> None:
        self._readers = readers

    def batches(self) -> Iterator[pa.RecordBatch]:
        self._readers.start()
        yield from self._readers.readers[0]

    def cancel(self) -> None:
        self._readers.cancel()

    def close(self) -> None:
        self._readers.close()

    def accounts(self) -> tuple[FragmentAccount, ...]:
        return tuple(reader.account() for reader in self._readers.readers)

    @property
    def planned(self) -> tuple[PlannedFragment, ...]:
        return ()


class ResidualRun:
    """Fragments into the engine, and the engine's stream out.

    A residual that runs out of memory before its first batch runs again, joining by sorting.
    """

    def __init__(
        self, engine: Engine, plan: Plan, residual: SubstraitResidual, readers: FragmentReaders
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._residual = residual
        self._readers = readers
        self._scope = engine.scope()
        self._stream = EngineStream(engine)

    def batches(self) -> Iterator[pa.RecordBatch]:
        self._readers.start()
        try:
            frame = self._engine.frame(self._plan, self._residual, self._readers, self._scope)
            yield from self._stream.batches(frame)
        except (CrosswindError, GeneratorExit):
            raise
        except Exception as error:
            raise self.failure(error) from None

    def failure(self, error: Exception) -> CrosswindError:
        """A source's own failure, which the engine only passed on, or the engine's."""
        return self._readers.failure() or engine_failure(str(error), self._plan.natives)

    def cancel(self) -> None:
        self._readers.cancel()
        self._stream.cancel()

    def close(self) -> None:
        self._readers.cancel()
        self._stream.close()
        self._readers.close()
        self._engine.drop(self._scope)

    def accounts(self) -> tuple[FragmentAccount, ...]:
        return tuple(reader.account() for reader in self._readers.readers)

    @property
    def planned(self) -> tuple[PlannedFragment, ...]:
        return ()


class EngineStream:
    """The engine's output, pulled batch by batch through its loop.

    A pull that waits can be cancelled from another thread, and then the engine's work for the
    stream is dropped, however far it is; a blocking pull could not be left before its batch came.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._pending: Future[Any] | None = None
        self._stream: AsyncIterator[Any] | None = None
        self._cancelled = False

    def batches(self, frame: Any) -> Iterator[pa.RecordBatch]:
        """What a data frame makes.

        Raises:
            CancelledError: after `cancel`.
            Exception: the engine's own.
        """
        stream = self._stream = frame.execute_stream().__aiter__()
        pending = self._pull(stream)
        while (batch := self._wait(pending)) is not None:
            # The next batch is made while this one is on its way to the client.
            pending = self._pull(stream)
            yield batch

    def _pull(self, stream: AsyncIterator[Any]) -> Future[pa.RecordBatch | None]:
        with self._lock:
            if self._cancelled:
                raise CancelledError("the query was cancelled")
            self._pending = self._engine.submit(_next(stream))
            return self._pending

    def _wait(self, pending: Future[pa.RecordBatch | None]) -> pa.RecordBatch | None:
        try:
            return pending.result()
        except FutureCancelledError:
            raise CancelledError("the query was cancelled") from None

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            if self._pending is not None:
                self._pending.cancel()

    def close(self) -> None:
        """Drop the engine's work. The consuming thread must be outside of `batches`, or ending."""
        self.cancel()
        pending = self._pending
        if pending is not None:
            with contextlib.suppress(BaseException):
                pending.result(timeout=5.0)
        self._stream = None


async def _next(stream: AsyncIterator[Any]) -> pa.RecordBatch | None:
    try:
        batch = await stream.__anext__()
    except StopAsyncIteration:
        return None
    converted: pa.RecordBatch = batch.to_pyarrow()
    return converted
