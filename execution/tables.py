"""Running a statement that cannot be cut: the engine plans it whole, over one provider a table.

Each scan that the engine starts becomes a fragment of its own, with the projection and as much of
the filter as its source can take.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa
import pyarrow.compute as pc
from datafusion.catalog import Catalog as EngineCatalog
from datafusion.catalog import Schema as EngineSchema
from datafusion.catalog import Table as EngineTable

from connectors.contract import Native, Table, TableName
from connectors.errors import (
    CancelledError,
    CrosswindError,
    RequestError,
    SourceSchemaChangedError,
    UnsupportedError,
)
from execution.buffer import Overflow
from execution.datasets import ScanDataset
from execution.engine_stream import EngineStream
from execution.failures import engine_failure
from execution.reading import FragmentReader, SharedTurn, metered_by, moment_of
from execution.running import Ran
from execution.second_look import SecondLook
from planner.barriers import has_statistics
from planner.bind import HOME
from planner.catalog import CatalogTable, Source
from planner.emit.float_order import RowFilter
from planner.failures import panics_as_errors, planning_failure
from planner.plan import NativeRead, PlannedFragment, SqlResidual
from planner.substrait.types import NotCarriedError
from planner.table_scan import plan_scan

if TYPE_CHECKING:
    from execution.engine import Engine


_NO_FILTER = "Python error"
"""What the engine says when it cannot write a filter for Python, as one of constants only."""

_NO_NAME = "No field named"


class TableRun:
    """One run of a `SqlResidual`.

    Args:
        sql: the client's text, in which the places of errors are looked for.
    """

    def __init__(
        self, engine: Engine, residual: SqlResidual, sql: str, deadline: float | None
    ) -> None:
        self._engine = engine
        self._residual = residual
        self._sql = sql
        self._deadline = deadline
        self._stream = EngineStream(engine)
        self._lock = threading.Lock()
        self._scans: list[FragmentReader] = []
        self._planned: list[PlannedFragment] = []
        # All of a run's scans of one source share a turn, taken before the engine starts: a scan
        # must not wait inside the engine for what another query holds.
        sources = sorted({source for _, source, _ in residual.tables})
        self._turns = {source: SharedTurn(engine.gate(source)) for source in sources}
        runnable = engine.catalog.runnable
        self._moments = {
            source: moment_of(runnable[source].connector, None, 1, engine.gate(source))
            for source in sources
        }
        self._natives: list[NativeRead] = []
        self._look = SecondLook(engine.catalog, deadline)
        self._failure: CrosswindError | None = None
        self._filter_unread = False
        self._cancelled = threading.Event()

    def batches(self) -> Iterator[pa.RecordBatch]:
        uncut = self._engine.uncut
        until = self._engine.queue_deadline(self._deadline)
        uncut.enter(1, until, self._cancelled)
        try:
            for turn in self._turns.values():
                turn.open(until, self._cancelled)
            yield from self._batches()
        finally:
            self.close()
            uncut.leave()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """The answer. A filter that cannot be read shows while the engine plans: then none goes."""
        try:
            yield from self._attempt(filters=True)
        except RequestError:
            if not self._filter_unread:
                raise
            with self._lock:
                self._stream = EngineStream(self._engine)
                if self._cancelled.is_set():
                    raise CancelledError("the query was cancelled") from None
            yield from self._attempt(filters=False)

    def _attempt(self, *, filters: bool) -> Iterator[pa.RecordBatch]:
        planned = given = False
        try:
            session = self._engine.uncut_session()
            with panics_as_errors():
                checks = self._register(session, filters=filters)
                batches = self._stream.batches(session.sql(self._residual.sql))
            planned = True
            for batch in batches:
                given = True
                yield batch
            for check in checks:
                check()
        except (CrosswindError, GeneratorExit):
            raise
        except Exception as error:
            # The engine only passes on, as text, what a scan raised.
            text = str(error)
            if self._failure is None and not given and _NO_FILTER in text:
                self._filter_unread = True
            if self._filter_unread and filters:
                raise UnsupportedError("a filter that cannot be read") from None
            if self._failure is None and (not planned or _NO_NAME in text):
                raise planning_failure(text, self._sql) from None
            raise self._failure or engine_failure(
                text, tuple(self._natives), self._sql, self._look, exact=True
            ) from None

    def cancel(self) -> None:
        with self._lock:
            self._cancelled.set()
            scans = list(self._scans)
            stream = self._stream
        self._look.cancel()
        self._engine.uncut.wake()
        for turn in self._turns.values():
            turn.wake()
        for scan in scans:
            scan.cancel()
        stream.cancel()

    def close(self) -> None:
        self.cancel()
        self._stream.close()
        for scan in self._scans:
            scan.close()
        for moment in self._moments.values():
            moment.close()
        for turn in self._turns.values():
            turn.close()

    def account(self) -> Ran:
        return Ran(
            tuple(scan.account() for scan in self._scans),
            planned=tuple(self._planned),
            compute_seconds=self._stream.compute_seconds(),
        )

    # --- what the engine sees ---

    def _register(
        self, session: datafusion.SessionContext, *, filters: bool
    ) -> list[Callable[[], None]]:
        """See `Engine.register`."""
        checks = []
        self._natives.clear()
        catalogs: dict[str, EngineCatalog] = {}
        schemas: dict[tuple[str, str], EngineSchema] = {}
        for parts, source_name, table_name in self._residual.tables:
            path = _full(parts)
            if path[0] not in catalogs:
                catalogs[path[0]] = EngineCatalog.memory_catalog()
                session.register_catalog_provider(path[0], catalogs[path[0]])
            if path[:2] not in schemas:
                catalogs[path[0]].register_schema(path[1], EngineSchema.memory_schema())
                schemas[path[:2]] = catalogs[path[0]].schema(path[1])
            source = self._engine.catalog.runnable[source_name]
            connector = source.connector
            if connector.capabilities.native and isinstance(connector, Native):
                name = ".".join(map(_quoted, path))
                # Looks at the table as it is now.
                check = connector.register(session, name, table_name)
                checks += [check] if check is not None else []
                table = _found(source, table_name)
                # Which of its columns are read, only the engine knows.
                read_all = tuple(table.schema.names)
                self._natives.append(
                    NativeRead(path[2], source_name, table_name, table.schema, read_all)
                )
                if any(has_statistics(column.type) for column in table.columns):
                    read = session.table(name)
                    schemas[path[:2]].deregister_table(path[2])
                    schemas[path[:2]].register_table(path[2], _beside_statistics(read))
            else:
                table = _found(source, table_name)
                scanned = EngineTable(self._dataset(CatalogTable(source, table)))
                # The engine pushes no filter below a limit.
                view = None if filters else session.read_table(scanned).limit(2**63 - 1)
                schemas[path[:2]].register_table(path[2], scanned if view is None else view)
        return checks

    def _dataset(self, table: CatalogTable) -> ScanDataset:
        def scan(
            columns: Sequence[str], condition: pc.Expression | None
        ) -> Iterator[pa.RecordBatch]:
            try:
                planned, rest = plan_scan(
                    self._name(), table, columns, condition, self._residual.pushdown
                )
            except NotCarriedError:
                self._filter_unread = True
                raise
            return self._filtered(planned, rest, list(columns))

        return ScanDataset(table.table.schema, scan)

    def _filtered(
        self, planned: PlannedFragment, rest: RowFilter | None, columns: list[str]
    ) -> Iterator[pa.RecordBatch]:
        for batch in self._read(planned):
            if rest is None:
                yield batch.select(columns)
                continue
            for piece in rest.kept(batch).to_batches():
                yield piece.select(columns)

    def _name(self) -> str:
        with self._lock:
            return f"f{len(self._scans) + 1}"

    def _read(self, planned: PlannedFragment) -> Iterator[pa.RecordBatch]:
        reader = self._open_scan(planned)
        try:
            reader.start()
            yield from reader
        except CrosswindError as error:
            with self._lock:
                self._failure = self._failure or error
            raise

    def _open_scan(self, planned: PlannedFragment) -> FragmentReader:
        engine = self._engine
        batches = self._moments[planned.source].execute(planned.fragment, self._deadline)
        # The engine may read another scan first: this one must not be held up, nor hold its turn.
        overflow = Overflow(engine.directory, planned.fragment.schema, engine.overflow_bytes)
        turn = self._turns[planned.source]
        seen = engine.catalog.seen
        connector = engine.catalog.runnable[planned.source].connector
        metered = metered_by(engine.metering, planned, connector, batches)
        reader = FragmentReader(planned, batches, turn, overflow, metered, seen)
        with self._lock:
            if self._cancelled.is_set():
                reader.close()
                raise CancelledError("the query was cancelled")
            self._scans.append(reader)
            self._planned.append(planned)
        return reader


def _beside_statistics(read: datafusion.DataFrame) -> EngineTable:
    """A table whose floats the engine decides by rows: what `planner.barriers` does to a tree."""
    columns = []
    for field in read.schema():
        column = datafusion.col(_quoted(field.name))
        if has_statistics(field.type):
            zero = datafusion.lit(pa.scalar(-0.0, field.type))
            column = (column + zero).alias(field.name)
        columns.append(column)
    return read.select(*columns).into_view()


def _full(parts: tuple[str, ...]) -> tuple[str, str, str]:
    """Where the engine looks for a name of one, two or three parts."""
    match parts:
        case (table,):
            return (HOME, HOME, table)
        case (schema, table):
            return (HOME, schema, table)
    return (parts[0], parts[1], parts[2])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _found(source: Source, name: TableName) -> Table:
    table = source.connector.tables().find(name)
    if table is None:
        raise SourceSchemaChangedError(
            f"table {name} has gone since the query was planned", source=source.name
        )
    return table
