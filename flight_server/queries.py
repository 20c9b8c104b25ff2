"""Queries by their SQL and their handles: planned once, kept for a time, run, cancelled, drained.

Owns the handles and the set of running queries. Must not know the wire.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pyarrow as pa

from connectors.errors import QueueFullError, SourceError, UnknownNameError
from execution.links import Links
from flight_server.admission import Admission
from flight_server.aside import Aside
from flight_server.callers import Sessions
from flight_server.far_plans import PATIENCE_SECONDS
from flight_server.kept_plans import KeptPlans
from flight_server.link_options import supposed_links, supposed_warnings
from flight_server.parts import EXPLAIN_SCHEMA, Answer, Engine, Limits, Planned, Planning
from flight_server.run import Run, shutting_down
from flight_server.session_options import DEFAULTS, SessionOptions
from flight_server.sessions import Clock, Handles
from flight_server.warning_log import log_warnings
from planner.catalog import Catalog
from planner.cost import Link
from planner.options import Caution
from planner.plan import Plan
from planner.warnings import warnings_json

STOP_SECONDS = 2.0
"""How long a stopped query may take to end by itself when the server closes."""


MAX_CATALOGS = 8
"""By what is known or supposed of links; each has sessions of the planner's own."""

_Key = tuple[int, int, str, SessionOptions]
"""Of the plan cache: the versions of catalog and links, the text, the session."""


def _stays() -> bool:
    return False


class Queries:
    """What the server runs, and may run again.

    Args:
        catalog: the sources.
        planning: parser, planner and EXPLAIN.
        engine: runs plans; closed by `close`.
        limits: the bounds.
        clock: seconds; replaced only to let handles expire in tests.
        links: what is known of the sources' links; None plans with what the catalog says.

    Attributes:
        aside: the planning of statements that are not in the cache.
        explaining: the asking of sources how they would run what they get.
    """

    def __init__(
        self,
        catalog: Catalog,
        planning: Planning,
        engine: Engine,
        limits: Limits,
        clock: Clock = time.monotonic,
        links: Links | None = None,
    ) -> None:
        self.catalog = catalog
        self.links = Links({}) if links is None else links
        self.limits = limits
        self.planning = planning
        self.engine = engine
        self.aside = Aside(limits.query_timeout_seconds)
        self.explaining = Aside(PATIENCE_SECONDS)
        self.admission = Admission(limits.max_concurrent_queries, limits.queue_timeout_seconds)
        self.sessions = Sessions(limits.max_sessions, limits.session_ttl_seconds, clock)
        self._plans: KeptPlans[_Key] = KeptPlans(limits, clock, catalog.seen)
        self._catalog_version = 0
        self.statements: Handles[tuple[str, SessionOptions]] = Handles(
            limits.max_statements, limits.statement_ttl_seconds, clock
        )
        self.tickets: Handles[Answer] = Handles(
            limits.max_tickets, limits.ticket_ttl_seconds, clock
        )
        self._running: set[Run] = set()
        self._changed = threading.Condition()
        self._closing = False
        self._closed = False
        self._catalogs: dict[tuple[tuple[str, Link], ...], Catalog] = {}
        self._closing_first: list[Callable[[], None]] = []

    @property
    def running(self) -> int:
        """How many queries run or wait for their turn."""
        return len(self._running)

    @property
    def closing(self) -> bool:
        """Whether it takes no more queries."""
        return self._closing

    def plan(
        self, sql: str, options: SessionOptions = DEFAULTS, gone: Callable[[], bool] = _stays
    ) -> Answer:
        """The statement's plan, from the cache where it is there and holds.

        Args:
            sql: the client's text.
            options: what the client's session has set.
            gone: whether the client has gone, while its statement is planned.

        Raises:
            RequestError: when the statement is at fault.
            SourceError: when a source must be asked and cannot be.
            DeadlineError: when a source does not answer in the time that a query has.
        """
        key = (self._catalog_version, self.links.version, sql, options)
        answer = self._plans.use(key, len(sql))
        if answer is not None and not answer.plan.near:
            return answer
        return self.aside.do(lambda: self._held(answer) or self._planned(key), gone)

    def _held(self, answer: Answer | None) -> Answer | None:
        """A plan from the cache; None where a table on this machine is not what it was."""
        if answer is None:
            return None
        try:
            return answer if self.catalog.unchanged(answer.plan.near) else None
        except (SourceError, QueueFullError):
            return None  # Planned anew it is read from another copy, or the error says what for.

    def _planned(self, key: _Key) -> Answer:
        _, _, sql, options = key
        learned = self.catalog.seen.learned
        planned = self._planned_now(sql, options)
        plan = planned.plan
        if options.links:
            plan = replace(
                plan, warnings=(*plan.warnings, *supposed_warnings(options.links, self.catalog))
            )
        schema = plan.schema if planned.mode == "query" else EXPLAIN_SCHEMA
        warnings = plan.warnings
        metadata = warnings_json(warnings)
        answer = Answer(
            planned.mode,
            plan,
            schema,
            planned.form,
            metadata,
            planned.estimates,
            partial(self._planned_again, sql, options),
        )
        if warnings:
            log_warnings(warnings)
        if not planned.volatile:
            self._plans.put(key, len(sql), answer, learned)
        return answer

    def _planned_now(self, sql: str, options: SessionOptions) -> Planned:
        """The statement planned with what is known now of links and rows."""
        links = supposed_links(self.links.links(), options.links, self.catalog)
        return self.planning.plan(sql, self._linked(links), options)

    def _planned_again(
        self, sql: str, options: SessionOptions, gone: Callable[[], bool], caution: Caution
    ) -> Plan:
        options = replace(options, caution=caution)
        return self.aside.do(lambda: self._planned_now(sql, options), gone).plan

    def _linked(self, links: Mapping[str, Link]) -> Catalog:
        """The catalog at the ends of these links; kept, because the planner keeps things by it."""
        key = tuple(links.items())
        catalog = self._catalogs.get(key)
        if catalog is None:
            while len(self._catalogs) >= MAX_CATALOGS:
                self._catalogs.pop(next(iter(self._catalogs), key), None)
            catalog = self._catalogs[key] = self.catalog.linked(links)
        return catalog

    def prepared(self, handle: bytes, gone: Callable[[], bool] = _stays) -> Answer:
        """The plan of a prepared statement, made anew when it is not in the cache any more.

        Args:
            gone: whether the client has gone, while it is planned.

        Raises:
            UnknownNameError: when the handle was closed, has expired or never was.
        """
        statement = self.statements.get(handle)
        if statement is None:
            raise UnknownNameError(
                "the prepared statement does not exist any more", hint="Prepare it again."
            )
        return self.plan(*statement, gone)

    def ticket(self, handle: bytes) -> Answer:
        """The plan that a ticket stands for.

        Raises:
            UnknownNameError: when the handle has expired or never was.
        """
        answer = self.tickets.get(handle)
        if answer is None:
            raise UnknownNameError("the ticket has expired", hint="Run the query again.")
        return answer

    def known(self, answer: Answer) -> list[pa.RecordBatch] | None:
        """What the client gets, when nothing has to run, or wait for a turn, to know it."""
        return self.engine.known(answer.plan) if answer.mode == "query" else None

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
                raise shutting_down()
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
        """A table has changed at a source: ask that source anew, and plan anew."""
        if source is not None and source in self.catalog.sources:
            self.catalog.sources[source].connector.tables().refresh()
        # After that: what is planned meanwhile goes by the tables as they were.
        with self._changed:
            self._catalog_version += 1
        self._plans.clear()

    def closes_first(self, close: Callable[[], None]) -> None:
        """Have something that uses the sources closed before them."""
        self._closing_first.append(close)

    def drain(self, seconds: float) -> bool:
        """Take no more, and let what runs finish for a time; whether anything ran."""
        with self._changed:
            self._closing = True
            ran = bool(self._running)
            self._changed.wait_for(lambda: not self._running, seconds)
        return ran

    def close(self, drain_seconds: float) -> None:
        """Take no more, let what runs finish for a time, cancel the rest, close the engine.

        Idempotent.
        """
        self.drain(drain_seconds)
        with self._changed:
            if self._closed:
                return
            self._closed = True
            left = list(self._running)
        for run in left:
            run.stop_for_good()
        with self._changed:
            # Each ends in its own thread, but for those whose client does not read.
            self._changed.wait_for(lambda: not self._running, STOP_SECONDS)
            left = list(self._running)
        for run in left:
            run.close()
        for close in self._closing_first:
            close()
        self.engine.close()
        for source in self.catalog.sources.values():
            source.connector.close()

    def forget(self, run: Run) -> None:
        """A run has ended."""
        with self._changed:
            self._running.discard(run)
            if not self._running:
                self._changed.notify_all()
