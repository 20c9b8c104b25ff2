"""One query on its way to one client: it waits for its turn, runs, may be stopped, is closed.

Owns why a query was stopped, and that everything it holds is given back exactly once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.errors import (
    CancelledError,
    CrosswindError,
    DeadlineError,
    QueueFullError,
    SourceSchemaChangedError,
)
from flight_server.far_plans import with_estimates, with_far_plans
from flight_server.parts import EXPLAIN_SCHEMA, Answer, Execution
from planner.account import Account
from planner.failures import panics_as_errors

if TYPE_CHECKING:
    from flight_server.queries import Queries


SILENT = 0.1
"""A source that sent nothing for this part of a query's time is named when the time is up."""


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
        self._turn = queries.admission.turn()
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
        self._stop(shutting_down)

    def expire(self) -> None:
        """Stop, because the deadline has passed. Returns at once."""
        seconds = self._queries.limits.query_timeout_seconds
        assert seconds is not None
        error = DeadlineError(f"the query took longer than {seconds:g} seconds")
        # Whatever becomes of who is to blame, the query ends.
        with suppress(Exception), panics_as_errors():
            error = self._too_long(seconds)
        self._stop(lambda: error)

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
            self._queries.forget(self)

    def _start(self) -> Execution:
        answer = self._answer
        execution = self._queries.engine.start(answer.plan, self.deadline, answer.again)
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

    def _too_long(self, seconds: float) -> DeadlineError:
        """The error of a query that took too long, with the source that it was waiting for."""
        message = f"the query took longer than {seconds:g} seconds"
        execution = self._execution
        account = None if execution is None else execution.account()
        asked = [] if account is None else account.fragments
        longest = max(asked, key=lambda fragment: fragment.asked_seconds, default=None)
        if account is None or longest is None or longest.asked_seconds < SILENT * seconds:
            return DeadlineError(message)
        plan = account.plan or self._answer.plan
        tables = (f.tables for f in plan.fragments if f.name == longest.name)
        message += f", the last {longest.asked_seconds:.3g} of them waiting for this source"
        return DeadlineError(message, source=longest.source).while_reading(next(tables, ()))

    def _is_stopped(self) -> bool:
        return self._stopped is not None

    def _lines(self, account: Account | None) -> pa.RecordBatch:
        answer = self._answer
        queries = self._queries
        plan = with_far_plans(
            answer.plan, queries.catalog, answer.form, queries.explaining, self._is_stopped
        )
        if answer.estimates:
            plan = with_estimates(plan, queries.catalog, self.deadline)
        lines = queries.planning.explain(plan, account, answer.form)
        return pa.RecordBatch.from_arrays([pa.array(lines, pa.utf8())], schema=EXPLAIN_SCHEMA)


def shutting_down() -> CrosswindError:
    """What a query fails with when the server closes."""
    return QueueFullError("the server is shutting down", hint="Try again later.")
