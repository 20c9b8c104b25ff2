"""The engine: DataFusion with a memory pool that spills, and the runs in it.

Owns the session, the spill directory, the event loop that drives streams, and the gates of the
sources. One engine serves all queries of a server. Knows no Flight.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import datafusion
import pyarrow as pa
from substrait.plan_pb2 import Plan as SubstraitPlan

from connectors.contract import Native
from connectors.errors import SourceSchemaChangedError
from connectors.far_reads import FarReads
from execution.afar import WideSessions, reads_at_once
from execution.datasets import dataset_of_batches
from execution.gate import Gate
from execution.links import Links
from execution.metering import Metering
from execution.reading import FragmentReader, FragmentReaders
from execution.replanning import ReplannedRun, shares
from execution.running import (
    KEPT_BYTES,
    Execution,
    RememberedRun,
    ResidualRun,
    Run,
    WholeRun,
)
from execution.stages import StageReader
from execution.suspicion import Suspicion, Watch
from execution.tables import TableRun
from execution.taking_over import TakenOverRun
from planner.bind import HOME, session_config, without_faulty_rules, without_named_unions
from planner.catalog import Catalog
from planner.plan import Again, NativeRead, Plan, SubstraitResidual
from planner.read_cost import LOOKED_UP

T = TypeVar("T")

SPARE_WORKERS = 32
"""DataFusion's worker threads beyond those that reads of fragments can hold up. A read that has
nothing yet holds one, and no more fragments run at once than the sources have connections."""

MERGING_SHARE = 3 / 8
"""Of the memory limit: for the one query at a time that ran out of memory and joins by sorting."""

MERGING_BATCH_ROWS = 4_096

UNCUT_SHARE = 1 / 8
"""Of the memory limit: for statements that run uncut, each in a session of its own."""

UNCUT_AT_ONCE = 4

MIN_POOL_BYTES = 1 << 20

OVERFLOW_FACTOR = 4
"""Of the memory limit: what one fragment may have waiting on disk, where it must not be held up."""

MAX_ANSWERS = 256
"""Statements like SELECT 1, whose answers are kept."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an engine may use.

    Attributes:
        memory_limit_bytes: for sorts, aggregates and joins of all queries together; past it they
            spill. A part is set apart for statements that run uncut, and for a query that is run
            again because it ran out.
        target_partitions: threads that one query computes on.
        temp_directory: where spill files go; None for the system's.
        batch_rows: rows in a batch of the engine.
        queue_timeout_seconds: how long a query waits for connections of its sources.
        suspicion: when what a fragment reads refutes its plan.
    """

    memory_limit_bytes: int = 1 << 30
    target_partitions: int = os.cpu_count() or 2
    temp_directory: Path | None = None
    batch_rows: int = 16_384
    queue_timeout_seconds: float = 30.0
    suspicion: Suspicion = field(default_factory=Suspicion)


class Engine:
    """Runs plans over the sources of a catalog.

    Args:
        settings: see `EngineSettings`.
        catalog: the sources; the engine does not close them.
        links: learns from what is read; None where nobody wants to know.
    """

    def __init__(
        self, settings: EngineSettings, catalog: Catalog, links: Links | None = None
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self._gates = {
            name: Gate(name, source.connector.capabilities.max_connections)
            for name, source in catalog.runnable.items()
        }
        spare = {name: partial(getattr, gate, "taken") for name, gate in self._gates.items()}
        self.metering = Metering(links, spare)
        # Read once by DataFusion, when its threads start with the first query of the process.
        workers = SPARE_WORKERS + sum(gate.capacity for gate in self._gates.values())
        os.environ.setdefault("TOKIO_WORKER_THREADS", str(workers))
        self._directory = tempfile.TemporaryDirectory(
            prefix="crosswind-", dir=settings.temp_directory
        )
        self._session = self._open_session(1 - MERGING_SHARE - UNCUT_SHARE)
        self._merging_session: datafusion.SessionContext | None = None
        self._wide = WideSessions()
        self._rtt_seconds = (lambda _: 0.0) if links is None else links.rtt_seconds
        self.merging = Gate("engine", 1)
        self.uncut = Gate("engine", UNCUT_AT_ONCE)
        self._answers: dict[bytes, list[pa.RecordBatch]] = {}
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="crosswind-engine")
        self._thread.daemon = True
        self._thread.start()
        self._closed = False

    @property
    def shared_session(self) -> datafusion.SessionContext:
        """The session that residuals run in, and share the memory of."""
        return self._session

    def merging_session(self) -> datafusion.SessionContext:
        """The session that joins by sorting, for whoever holds the turn of `merging`."""
        if self._merging_session is None:
            self._merging_session = self._open_session(MERGING_SHARE, merge_joins=True)
        return self._merging_session

    def uncut_session(self) -> datafusion.SessionContext:
        """A session of its own for a statement that runs uncut, and holds a turn of `uncut`."""
        return self._open_session(UNCUT_SHARE / UNCUT_AT_ONCE, uncut=True)

    @property
    def directory(self) -> Path:
        """Where this engine's temporary files are; gone when it closes."""
        return Path(self._directory.name)

    def _open_session(
        self, share: float, *, merge_joins: bool = False, uncut: bool = False
    ) -> datafusion.SessionContext:
        """A session with this engine's settings, and a memory pool: one cannot be shared by two.

        Args:
            share: of the memory limit.
            merge_joins: join by sorting, which can spill, rather than by hashing, which cannot.
            uncut: for any statement that DataFusion knows. It does not sort partitions apart to
                merge them: above a union, one of whose inputs has a column twice, it refuses such
                a plan of its own. It does not deal rows out to partitions: who takes them from
                something quicker than itself, like a series or a recursion, never gives way, and
                goes on after it was dropped.
        """
        pool_bytes = max(MIN_POOL_BYTES, int(self.settings.memory_limit_bytes * share))
        runtime = (
            datafusion.RuntimeEnvBuilder()
            .with_disk_manager_specified(self._directory.name)
            .with_fair_spill_pool(pool_bytes)
        )
        config = (
            session_config()
            .with_create_default_catalog_and_schema(True)
            .with_target_partitions(self.settings.target_partitions)
            .with_batch_size(self.settings.batch_rows)
            # Keys of a join, which it looks for in the bounds of each row group.
            .set("datafusion.execution.parquet.max_in_list_size", str(LOOKED_UP))
        )
        if share <= MERGING_SHARE:
            # Each sort of each partition reserves it, and several windows have a dozen of them: of
            # DataFusion's own 10 MiB these would want more than such a session has.
            config = config.set("datafusion.execution.sort_spill_reservation_bytes", str(1 << 20))
        if uncut:
            for rule in ("repartition_sorts", "enable_round_robin_repartition"):
                config = config.set(f"datafusion.optimizer.{rule}", "false")
        if merge_joins:
            # Small batches, too: this session has little, and must get through.
            config = config.with_batch_size(MERGING_BATCH_ROWS).set(
                "datafusion.optimizer.prefer_hash_join", "false"
            )
        session = without_faulty_rules(datafusion.SessionContext(config, runtime))
        return without_named_unions(session)

    def start(
        self,
        plan: Plan,
        deadline: float | None = None,
        again: Again | None = None,
    ) -> Execution:
        """Begin to run a plan. Returns at once: waiting and work begin with the first batch.

        Args:
            deadline: on the clock of `time.monotonic`, in seconds; sources end by it. Whoever
                started the run cancels it then.
            again: plans the statement once more, when what is read refutes the plan; None where
                the plan is run as it is.
        """
        return Execution(plan, lambda: self._replannable(plan, deadline, again))

    def _replannable(self, plan: Plan, deadline: float | None, again: Again | None) -> Run:
        if again is None or plan.residual is None or not (plan.fragments or shares(plan)):
            return self._run(plan, deadline)
        return ReplannedRun(
            plan,
            lambda made, watch: self._run(made, deadline, watch),
            again,
            self.catalog.seen,
            self.settings.suspicion,
        )

    def _run(self, plan: Plan, deadline: float | None, watch: Watch | None = None) -> Run:
        residual = plan.residual
        if residual is None:
            return WholeRun(self._readers(plan, deadline, watch))
        if not isinstance(residual, SubstraitResidual):
            return TableRun(self, residual, plan.sql, deadline)
        run: Run = ResidualRun(
            self, plan, residual, lambda: self._readers(plan, deadline, watch), deadline
        )
        uncut = plan.uncut
        second = None if uncut is None else (lambda: TableRun(self, uncut, plan.sql, deadline))
        run = TakenOverRun(run, second)
        if plan.fragments or plan.natives or len(residual.substrait) > KEPT_BYTES:
            return run
        return RememberedRun(run, plan.schema, lambda batches: self._remember(residual, batches))

    def known(self, plan: Plan) -> list[pa.RecordBatch] | None:
        """The answer of a statement that reads nothing and has been answered before, or None."""
        residual = plan.residual
        if not isinstance(residual, SubstraitResidual) or plan.fragments or plan.natives:
            return None
        batches = self._answers.get(residual.substrait)
        # Two statements may have one residual, in which long names are cut, and other names.
        if batches and not batches[0].schema.equals(plan.schema):
            return None
        return batches

    def _remember(self, residual: SubstraitResidual, batches: list[pa.RecordBatch]) -> None:
        """Keep the small answer of a statement that reads no table and calls no function."""
        if SubstraitPlan.FromString(residual.substrait).extensions:
            return
        if len(self._answers) >= MAX_ANSWERS:
            self._answers.clear()
        self._answers[residual.substrait] = batches

    def queue_deadline(self, deadline: float | None) -> float:
        """Until when to wait for a turn: the queue's patience, or the run's own end."""
        patience = time.monotonic() + self.settings.queue_timeout_seconds
        return patience if deadline is None else min(patience, deadline)

    def _readers(self, plan: Plan, deadline: float | None, watch: Watch | None) -> FragmentReaders:
        return FragmentReaders(
            plan.fragments,
            plan.natives,
            self.catalog.runnable,
            self._gates,
            self.directory,
            deadline,
            self.queue_deadline(deadline),
            self.overflow_bytes,
            self.metering,
            self.catalog.seen,
            watch,
        )

    @property
    def overflow_bytes(self) -> int:
        """How much of one fragment, or of one stage, may wait on disk."""
        return OVERFLOW_FACTOR * self.settings.memory_limit_bytes

    def gate(self, source: str) -> Gate:
        """The turns at a source."""
        return self._gates[source]

    def register(
        self,
        session: datafusion.SessionContext,
        plan: Plan,
        readers: Iterable[FragmentReader],
        stages: Iterable[StageReader],
        scope: str,
    ) -> list[Callable[[], None]]:
        """What a plan's residuals read, in a schema of this run.

        Returns:
            What is called when all was read: it raises where a table was another one meanwhile.
        """
        schema = datafusion.catalog.Schema.memory_schema()
        session.catalog(HOME).register_schema(scope, schema)
        parts: list[FragmentReader | StageReader] = [*readers, *stages]
        for part in parts:
            schema.register_table(part.name, dataset_of_batches(part.schema, part))
        reads = self._partitions(session, plan.natives)
        checks = [self._register_native(session, native, scope, reads) for native in plan.natives]
        return [check for check in checks if check is not None]

    def frame(
        self,
        session: datafusion.SessionContext,
        residual: SubstraitResidual,
        scope: str,
        natives: Iterable[NativeRead] = (),
    ) -> datafusion.DataFrame:
        """A residual as a data frame, over what is registered in a schema of this run."""
        partitions = self._partitions(session, natives)
        planning = session
        if partitions > self.settings.target_partitions or residual.as_written:
            planning = self._wide.of(session, partitions, as_written=residual.as_written)
        message = residual.substrait.replace(residual.scope, scope.encode())
        logical = datafusion.substrait.Consumer.from_substrait_plan(
            planning, datafusion.substrait.Serde.deserialize_bytes(message)
        )
        return planning.create_dataframe_from_logical_plan(logical)

    def _partitions(self, session: datafusion.SessionContext, natives: Iterable[NativeRead]) -> int:
        """Of a query that reads these tables."""
        partitions = self.settings.target_partitions
        if session is not self._session:
            return partitions  # It has little memory, and must get through.
        memory_bytes = int(self.settings.memory_limit_bytes * (1 - MERGING_SHARE - UNCUT_SHARE))
        return reads_at_once(natives, self.catalog, self._rtt_seconds, partitions, memory_bytes)

    def _register_native(
        self, session: datafusion.SessionContext, native: NativeRead, scope: str, reads: int
    ) -> Callable[[], None] | None:
        connector = self.catalog.runnable[native.source].connector
        assert isinstance(connector, Native)
        name = f"{scope}.{native.name}"
        # Registering looks at the table as it is now.
        if native.gaps is not None and isinstance(connector, FarReads):
            check = connector.register_without_gaps(
                session, name, native.table, native.columns, reads
            )
        else:
            check = connector.register(session, name, native.table, views=native.views)
        found = connector.tables().find(native.table)
        if found is None or found.schema != native.schema:
            raise SourceSchemaChangedError(
                f"table {native.table} has changed since the query was planned",
                source=native.source,
                hint="Run the query again.",
            )
        return check

    def scope(self) -> str:
        """A name for one run, as long as `planner.plan.SCOPE_LENGTH` says."""
        return f"run{next(self._numbers) % 10**9:09d}"

    def drop(self, session: datafusion.SessionContext, scope: str) -> None:
        """Forget what a run registered in a session."""
        session.catalog(HOME).deregister_schema(scope)

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the engine's loop; cancelling the future drops what it awaits."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the loop and delete the temporary files. Runs must have been closed. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._directory.cleanup()
