"""What queries are made of: the parts that `service` brings together, and the values between them.

Owns no behaviour. The parts are protocols, so that the wire knows neither parser nor engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from flight_server.session_options import SessionOptions
from planner.account import Account
from planner.catalog import Catalog
from planner.explain_options import Form, Mode
from planner.plan import Again, Plan

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

    def known(self, plan: Plan) -> list[pa.RecordBatch] | None:
        """The answer, when it is known without running anything."""
        ...

    def start(
        self,
        plan: Plan,
        deadline: float | None = None,
        again: Again | None = None,
    ) -> Execution: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Planned:
    """A statement with its plan; the plan of a `volatile` one holds for one run only."""

    mode: Mode
    plan: Plan
    volatile: bool = False
    form: Form = "text"
    estimates: bool = False


class Planning(Protocol):
    """What turns SQL into plans, and plans into text."""

    def plan(self, sql: str, catalog: Catalog, options: SessionOptions) -> Planned:
        """Parse and plan one statement."""
        ...

    def explain(self, plan: Plan, account: Account | None, form: Form) -> Sequence[str]:
        """The rows of EXPLAIN; with the account of a run, of EXPLAIN ANALYZE."""
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
    session_ttl_seconds: float = 3600.0
    max_sessions: int = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """A planned statement. FlightInfo and stream share `schema`.

    Attributes:
        form: how EXPLAIN shows the plan.
        estimates: with what the sources expect.
        again: plans the statement once more; None where there is no sense in that.
        metadata: the plan's warnings as JSON, for the FlightInfo; empty without any.
    """

    mode: Mode
    plan: Plan
    schema: pa.Schema
    form: Form = "text"
    metadata: bytes = b""
    estimates: bool = False
    again: Again | None = None
