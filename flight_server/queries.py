"""Queries from SQL text to running: planned once, admitted in turn, cancelled, closed.

Owns the plan cache, the handles, and every running query. Parser, planner and engine come in from
`service`. Must not know the wire.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pyarrow as pa

from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    QueueFullError,
    SourceSchemaChangedError,
    UnknownNameError,
)
from flight_server.admission import Admission
from flight_server.sessions import Clock, Expiring, Handles
from planner.account import Account
from planner.catalog import Catalog
from planner.plan import Plan

Mode = Literal["query", "explain", "analyze"]

STOP_SECONDS = 2.0
"""How long a stopped query may take to end by itself when the server closes."""

EXPLAIN_SCHEMA = pa.schema([pa.field("plan", pa.utf8(), nullable=False)])


class Execution(Protocol):
    """A plan that the engine runs."""

    @property
    def schema(self) -> pa.Schema: ...

    def batches(self) -> Iterator[pa.RecordBatch]: ...

    def cancel(self) -> None: ...

    def close(self) -> None: ...

    def account(self) -> Account: ...


class Engine(Protocol):
    """What runs plans."""

    def start(self, plan: Plan, deadline: float | None = None) -> Execution: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement with its plan; the plan of a `volatile` one holds for one run only."""

    mode: Mode
    plan: Plan
    volatile: bool = False


class Planning(Protocol):
    """What turns SQL into plans, and plans into text."""

    def plan(self, sql: str, catalog: Catalog) -> Planned:
        """Parse and plan one statement."""
        ...

    def explain(self, plan: Plan, account: Account | None) -> Sequence[str]:
        """The lines of EXPLAIN; with the account of a run, of EXPLAIN ANALYZE."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a server; times in seconds."""

    max_concurrent_queries: int = 32
    queue_timeout_seconds: float = 30.0
    query_timeout_seconds: float | None = None
    statement_ttl_seconds: float = 3600.0
    ticket_ttl_seconds: float = 600.0
    plan_ttl_seconds: float = 60.0
    max_statements: int = 10_000
    max_tickets: int = 10_000
    max_cached_plans: int = 512


@dataclass(frozen=True, slots=True)
class Answer:
    """A planned statement. FlightInfo and stream share `schema`."""

    mode: Mode
    plan: Plan
    schema: pa.Schema


class Queries:
    """What the server runs, and may run again.

    Args:
        catalog: the sources.
        planning: parser, planner and EXPLAIN.
        engine: runs plans; closed by `close`.
        limits: the bounds.
        clock: seconds; replaced only to let handles expire in tests.
    """

    def __init__(
        self,
        catalog: Catalog,
        planning: Planning,
        engine: Engine,
        limits: Limits,
        clock: Clock = time.monotonic,
    ) -> None:
        self.catalog = catalog
        self.limits = limits
        self._planning = planning
        self._engine = engine
        self._admission = Admission(limits.max_concurrent_queries, limits.queue_timeout_seconds)
        self._plans: Expiring[tuple[int, str], Answer] = Expiring(
            limits.max_cached_plans, limits.plan_ttl_seconds, clock, renews=False
        )
        self._catalog_version = 0
        self.statements: Handles[str] = Handles(
            limits.max_statements, limits.statement_ttl_seconds, clock
        )
        self.tickets: Handles[Answer] = Handles(
            limits.max_tickets, limits.ticket_ttl_seconds, clock
        )
        self._running: set[Run] = set()
        self._changed = threading.Condition()
        self._closing = False

    @property
    def running(self) -> int:
        """How many queries run or wait for their turn."""
        return len(self._running)

    @property
    def closing(self) -> bool:
        """Whether it takes no more queries."""
        return self._closing

    def plan(self, sql: str) -> Answer:
        """The statement's plan, from the cache where it is there.

        Raises:
            RequestError: when the statement is at fault.
            SourceError: when a source must be asked and cannot be.
        """
        key = (self._catalog_version, sql)
        answer = self._plans.get(key)
        if answer is None:
            planned = self._planning.plan(sql, self.catalog)
            schema = planned.plan.schema if planned.mode == "query" else EXPLAIN_SCHEMA
            answer = Answer(planned.mode, planned.plan, schema)
            if not planned.volatile:
                self._plans.put(key, answer)
        return answer

    def prepared(self, handle: bytes) -> Answer:
        """The plan of a prepared statement, made anew when it is not in the cache any more.

        Raises:
            UnknownNameError: when the handle was closed, has expired or never was.
        """
        sql = self.statements.get(handle)
        if sql is None:
            raise UnknownNameError(
                "the prepared statement does not exist any more", hint="Prepare it again."
            )
        return self.plan(sql)

    def ticket(self, handle: bytes) -> Answer:
        """The plan that a ticket stands for.

        Raises:
            UnknownNameError: when the handle has expired or never was.
        """
        answer = self.tickets.get(handle)
        if answer is None:
            raise UnknownNameError("the ticket has expired", hint="Run the query again.")
        return answer

    def run(self, answer: Answer, handle: bytes) -> Run:
        """A run that has not started; `handle` is what `cancel` finds it by.

        Raises:
            QueueFullError: when the server is closing.
        """
        seconds = self.limits.query_timeout_seconds
        deadline = None if seconds is None else time.monotonic() + seconds
        run = Run(self, answer, handle, deadline)
        with self._changed:
            if self._closing:
                raise _shutting_down()
            self._running.add(run)
        return run

    def cancel(self, handle: bytes) -> bool:
        """Cancel what runs under a handle, and forget the handle. False when nothing is known."""
        with self._changed:
            runs = [run for run in self._running if run.handle == handle]
        for run in runs:
            run.cancel()
        return self.tickets.pop(handle) is not None or bool(runs)

    def forget_plans(self, source: str | None = None) -> None:
        """A table has changed at a source: plan anew, and ask that source anew."""
        self._catalog_version += 1
        self._plans.clear()
        if source is not None and source in self.catalog.sources:
            self.catalog.sources[source].connector.tables().refresh()

    def close(self, drain_seconds: float) -> None:
        """Take no more, let what runs finish for a time, cancel the rest, close the engine.

        Idempotent.
        """
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.wait_for(lambda: not self._running, drain_seconds)
            left = list(self._running)
        for run in left:
            run.stop_for_good()
        with self._changed:
            # Each ends in its own thread, but for those whose client does not read.
            self._changed.wait_for(lambda: not self._running, STOP_SECONDS)
            left = list(self._running)
        for run in left:
            run.close()
        self._engine.close()
        for source in self.catalog.sources.values():
            source.connector.close()

    def _forget(self, run: Run) -> None:
        with self._changed:
            self._running.discard(run)
            if not self._running:
                self._changed.notify_all()


class Run:
    """One query on its way to one client. `cancel`, `expire` and `close` may come from any thread.

    Attributes:
        deadline: on the clock of `time.monotonic`; the time in the queue counts.
    """

    def __init__(
        self, queries: Queries, answer: Answer, handle: bytes, deadline: float | None
    ) -> None:
        self.schema = answer.schema
        self.handle = handle
        self.deadline = deadline
        self._queries = queries
        self._answer = answer
        self._turn = queries._admission.turn()
        self._lock = threading.Lock()
        self._execution: Execution | None = None
        self._stopped: Callable[[], CrosswindError] | None = None
        self._closed = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Wait for a turn, start, and yield what the client gets.

        Raises:
            QueueFullError: when no turn comes in time.
            CrosswindError: whatever the query fails with.
        """
        try:
            if self._answer.mode == "explain":
                yield self._lines(None)
                return
            self._turn.take()
            execution = self._start()
            if self._answer.mode == "query":
                yield from execution.batches()
                return
            for _ in execution.batches():
                pass
            yield self._lines(execution.account())
        except CancelledError:
            # Whoever stopped this run knows why; the engine only knows that it was.
            if self._stopped is None:
                raise
            raise self._stopped() from None
        except SourceSchemaChangedError as error:
            self._queries.forget_plans(error.source)
            raise

    def cancel(self) -> None:
        """Stop, because nobody wants the result. Returns at once."""
        self._stop(lambda: CancelledError("the query was cancelled"))

    def stop_for_good(self) -> None:
        """Stop, because the server does. Returns at once."""
        # Not CANCELLED: nobody asked for that, and pyarrow makes a KeyboardInterrupt of it.
        self._stop(_shutting_down)

    def expire(self) -> None:
        """Stop, because the deadline has passed. Returns at once."""
        seconds = self._queries.limits.query_timeout_seconds
        self._stop(lambda: DeadlineError(f"the query took longer than {seconds:g} seconds"))

    def close(self) -> None:
        """Free everything and let the next query in. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            execution = self._execution
        try:
            if execution is not None:
                execution.close()
        finally:
            self._turn.give_back()
            self._queries._forget(self)

    def _start(self) -> Execution:
        execution = self._queries._engine.start(self._answer.plan, self.deadline)
        with self._lock:
            self._execution = execution
            stopped, closed = self._stopped, self._closed
        if closed:
            execution.close()
            raise CancelledError("the query was cancelled")
        if stopped is not None:
            execution.cancel()
        return execution

    def _stop(self, why: Callable[[], CrosswindError]) -> None:
        with self._lock:
            if self._stopped is None:
                self._stopped = why
            execution = self._execution
        self._turn.cancel()
        if execution is not None:
            execution.cancel()

    def _lines(self, account: Account | None) -> pa.RecordBatch:
        lines = self._queries._planning.explain(self._answer.plan, account)
        return pa.RecordBatch.from_arrays([pa.array(lines, pa.utf8())], schema=EXPLAIN_SCHEMA)


def _shutting_down() -> CrosswindError:
    return QueueFullError("the server is shutting down", hint="Try again later.")
