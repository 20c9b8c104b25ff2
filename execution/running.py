"""One run of a plan: a stream of batches with the client's schema, that can be stopped at any time.

Owns the order of ending: sources first, then the engine's stream, then what was registered. No
batch passes Python more than by reference.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from connectors.contract import TableName
from connectors.errors import CancelledError, CrosswindError, MemoryLimitError
from execution.buffer import Overflow
from execution.engine_stream import EngineStream
from execution.failures import engine_failure
from execution.key_filters import bounds_of
from execution.metrics import Scan, native_account
from execution.reading import FragmentReaders
from execution.schemas import under
from execution.second_look import SecondLook
from execution.sizing import size_bytes
from execution.stages import StageReader
from planner.account import Account, FragmentAccount, NativeAccount, StageAccount
from planner.failures import panics_as_errors
from planner.plan import NativeRead, Plan, PlannedFragment, PlannedStage, SubstraitResidual
from planner.serialised import StagesFound, filled, leaves_out

if TYPE_CHECKING:
    from execution.engine import Engine


class Run(Protocol):
    """How one kind of plan makes its batches."""

    def batches(self) -> Iterator[pa.RecordBatch]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...

    def account(self) -> Ran: ...


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run has to account for; see `planner.account.Account`."""

    fragments: tuple[FragmentAccount, ...] = ()
    natives: tuple[NativeAccount, ...] = ()
    planned: tuple[PlannedFragment, ...] = ()
    compute_seconds: float | None = None
    uncut: bool = False
    stages: tuple[StageAccount, ...] = ()
    replanned: int = 0
    plan: Plan | None = None


class Execution:
    """A plan on its way to one client.

    Args:
        plan: what runs.
        begin: makes the run; called by the thread that iterates.
    """

    def __init__(self, plan: Plan, begin: Callable[[], Run]) -> None:
        self.plan = plan
        self._begin = begin
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
                self._size_bytes += size_bytes(batch)
                yield under(batch, self.schema)
            if self._cancelled:
                # What ended early must not look complete.
                raise CancelledError("the query was cancelled")
        except Exception:
            # Whatever fails after a cancel fails because of it.
            if self._cancelled:
                raise CancelledError("the query was cancelled") from None
            raise
        finally:
            self.close()

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
        ran = self._run.account() if self._run is not None else Ran()
        ended = self._ended if self._ended is not None else time.monotonic()
        return Account(
            self._rows,
            self._size_bytes,
            ended - self._started,
            ran.fragments,
            ran.natives,
            ran.planned,
            ran.compute_seconds,
            ran.uncut,
            ran.stages,
            ran.replanned,
            ran.plan,
        )


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

    def account(self) -> Ran:
        return Ran(tuple(reader.account() for reader in self._readers.readers))


KEPT_BYTES = 64 * 1024
"""The largest answer, and the largest plan, that are kept."""


class RememberedRun:
    """A run whose whole answer, if small, is handed to `remember` when it has ended.

    The batches have the client's schema, so that they can be sent again as they are.
    """

    def __init__(
        self, run: Run, schema: pa.Schema, remember: Callable[[list[pa.RecordBatch]], None]
    ) -> None:
        self._run = run
        self._schema = schema
        self._remember = remember

    def batches(self) -> Iterator[pa.RecordBatch]:
        kept: list[pa.RecordBatch] = []
        kept_bytes = 0
        for batch in self._run.batches():
            kept_bytes += size_bytes(batch)
            if kept_bytes <= KEPT_BYTES:
                kept.append(under(batch, self._schema))
            yield batch
        if kept_bytes <= KEPT_BYTES:
            self._remember(kept)

    def cancel(self) -> None:
        self._run.cancel()

    def close(self) -> None:
        self._run.close()

    def account(self) -> Ran:
        return self._run.account()


class ResidualRun:
    """Fragments into the engine, and the engine's stream out.

    A residual that runs out of memory before its first batch runs once more from the start, joining
    by sorting, which spills where hashing cannot.
    """

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        residual: SubstraitResidual,
        read: Callable[[], FragmentReaders],
        deadline: float | None,
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._residual = residual
        self._read = read
        self._deadline = deadline
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._attempt = _Attempt(engine, plan, residual, read(), deadline)

    def batches(self) -> Iterator[pa.RecordBatch]:
        given = False
        try:
            for batch in self._attempt.batches(self._engine.shared_session):
                given = True
                yield batch
            return
        except MemoryLimitError:
            if given or self._attempt.outgrown:
                raise
        self._attempt.close()
        merging = self._engine.merging
        merging.enter(1, self._engine.queue_deadline(self._deadline), self._cancelled)
        try:
            yield from self._again().batches(self._engine.merging_session())
        finally:
            # The next may start when this one's work has been given up.
            self._attempt.close()
            merging.leave()

    def _again(self) -> _Attempt:
        with self._lock:
            if self._cancelled.is_set():
                raise CancelledError("the query was cancelled")
            self._attempt = _Attempt(
                self._engine, self._plan, self._residual, self._read(), self._deadline
            )
            return self._attempt

    def cancel(self) -> None:
        with self._lock:
            self._cancelled.set()
            attempt = self._attempt
        self._engine.merging.wake()
        attempt.cancel()

    def close(self) -> None:
        self.cancel()
        self._attempt.close()

    def account(self) -> Ran:
        return self._attempt.account()


class _Attempt:
    """A residual's one way through the engine, with fragments of its own."""

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        residual: SubstraitResidual,
        readers: FragmentReaders,
        deadline: float | None,
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._residual = residual
        self._readers = readers
        self._scope = engine.scope()
        self._look = SecondLook(engine.catalog, deadline)
        self._stream = EngineStream(engine)
        self._stages: list[StageReader] = []
        for planned in plan.stages:
            self._stages.append(self._stage(planned))
        self._session: Any = None
        self._key_counts: dict[tuple[str, str, int], int] = {}

    @property
    def outgrown(self) -> bool:
        """A stage of it has more rows than may wait, or be sent: another join is no help."""
        return any(stage.outgrown for stage in self._stages)

    def batches(self, session: Any) -> Iterator[pa.RecordBatch]:
        """The residual's answer.

        Raises:
            CrosswindError: a source's own failure that the engine passed on, or the engine's.
        """
        self._readers.start()
        self._session = session
        try:
            with panics_as_errors():
                checks = self._engine.register(
                    session, self._plan, self._readers.readers, self._stages, self._scope
                )
            for stage, planned in zip(self._stages, self._plan.stages, strict=True):
                stage.start(partial(self._frame, session, planned.residual))
            for stage in self._stages:
                # What reads them holds a worker of the engine, and may not wait for one.
                stage.wait()
            yield from self._stream.batches(self._frame(session, self._residual))
            for check in checks:
                check()
        except CrosswindError:
            raise
        except Exception as error:
            of_stages = (s.failure for s in self._stages if s.failure is not None)
            failure = self._readers.failure() or next(of_stages, None) or self._failure_of(error)
            raise failure from None

    def _frame(self, session: Any, residual: SubstraitResidual) -> Any:
        """What runs next, with all that is known by now of the stages that are complete."""
        complete = {stage.name: stage for stage in self._stages if stage.complete}
        rows = {name: stage.rows for name, stage in complete.items()}
        bounds: dict[tuple[str, int], tuple[object, object] | None] = {}
        for native in self._plan.natives:
            for keys in native.keys:
                stage = complete.get(keys.stage)
                found = None if stage is None else stage.found(keys.column)
                if found is not None:
                    # A day that Python has no value for is no bound.
                    with suppress(OverflowError, ValueError, pa.ArrowNotImplementedError):
                        ends = bounds[keys.stage, keys.column] = bounds_of(found)
                        if leaves_out(keys, ends):
                            self._key_counts[native.name, keys.stage, keys.column] = len(found)
        with panics_as_errors():
            written = filled(residual, StagesFound(rows, bounds))
            return self._engine.frame(session, written, self._scope, self._plan.natives)

    def _native_accounts(self, scans: list[Scan]) -> tuple[NativeAccount, ...]:
        """Of a table that is read twice, all that was read stands at the first."""
        accounts = []
        told: set[tuple[str, TableName]] = set()
        for native in self._plan.natives:
            table = (native.source, native.table)
            own = [] if table in told else scans
            told.add(table)
            accounts.append(native_account(native, own, self._keys_of(native)))
        return tuple(accounts)

    def _keys_of(self, native: NativeRead) -> int | None:
        """How many keys a table was read by."""
        used = [self._key_counts.get((native.name, k.stage, k.column)) for k in native.keys]
        counts = [count for count in used if count is not None]
        return sum(counts) if counts else None

    def _stage(self, planned: PlannedStage) -> StageReader:
        engine = self._engine
        overflow = Overflow(engine.directory, planned.schema, engine.overflow_bytes)
        keys, sent = self._readers.keys.get(planned.name), self._readers.sent.get(planned.name)
        seen = engine.catalog.seen
        made = {stage.name: stage for stage in self._stages}
        after = [made[name] for name in planned.after]
        return StageReader(
            planned, keys, sent, EngineStream(engine), overflow, self._failure_of, seen, after
        )

    def _failure_of(self, error: Exception) -> CrosswindError:
        """A source's own failure, which the engine passes on in its words, or else the engine's."""
        return self._readers.failure() or engine_failure(
            str(error), self._plan.natives, self._plan.sql, self._look
        )

    def cancel(self) -> None:
        self._look.cancel()
        self._readers.cancel()
        for stage in self._stages:
            stage.cancel()
        self._stream.cancel()

    def close(self) -> None:
        self._look.cancel()
        self._readers.cancel()
        for stage in self._stages:
            stage.cancel()
        self._stream.close()
        for stage in self._stages:
            stage.close()
        self._readers.close()
        if self._session is not None:
            self._engine.drop(self._session, self._scope)

    def account(self) -> Ran:
        fragments = tuple(reader.account() for reader in self._readers.readers)
        streams = (self._stream, *(stage.stream for stage in self._stages))
        scans = [scan for stream in streams for scan in stream.scans()]
        computing = [stream.compute_seconds() for stream in streams]
        return Ran(
            fragments,
            self._native_accounts(scans),
            compute_seconds=None if computing[0] is None else sum(c or 0.0 for c in computing),
            stages=tuple(stage.account() for stage in self._stages),
        )
