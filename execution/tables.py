"""Running a statement that cannot be cut: the engine plans it whole, over one provider a table.

Each scan that the engine starts becomes a fragment of its own, with the projection and as much of
the filter as its source can take.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import datafusion
import pyarrow as pa
import pyarrow.compute as pc
from datafusion.catalog import Catalog as EngineCatalog
from datafusion.catalog import Schema as EngineSchema
from datafusion.catalog import Table as EngineTable

from connectors.contract import Native, Table, TableName
from connectors.errors import CancelledError, CrosswindError, SourceSchemaChangedError
from execution.datasets import ScanDataset
from execution.failures import engine_failure
from execution.reading import FragmentReaders
from execution.running import EngineStream, Ran
from planner.bind import HOME
from planner.catalog import CatalogTable, Source
from planner.failures import panics_as_errors
from planner.plan import Plan, PlannedFragment, SqlResidual
from planner.table_scan import plan_scan

if TYPE_CHECKING:
    from execution.engine import Engine


class TableRun:
    """One run of a `SqlResidual`."""

    def __init__(
        self, engine: Engine, plan: Plan, residual: SqlResidual, deadline: float | None
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._residual = residual
        self._deadline = deadline
        self._stream = EngineStream(engine)
        self._lock = threading.Lock()
        self._scans: list[FragmentReaders] = []
        self._planned: list[PlannedFragment] = []
        self._failure: CrosswindError | None = None
        self._cancelled = threading.Event()

    def batches(self) -> Iterator[pa.RecordBatch]:
        uncut = self._engine.uncut
        uncut.enter(1, self._engine.queue_deadline(self._deadline), self._cancelled)
        try:
            yield from self._batches()
        finally:
            self._stream.close()
            uncut.leave()

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            session = self._engine.uncut_session()
            with panics_as_errors():
                self._register(session)
                frame = session.sql(self._residual.sql)
            yield from self._stream.batches(session, frame)
        except (CrosswindError, GeneratorExit):
            raise
        except Exception as error:
            # The engine only passes on, as text, what a scan raised.
            raise self._failure or engine_failure(str(error), ()) from None

    def cancel(self) -> None:
        with self._lock:
            self._cancelled.set()
            scans = list(self._scans)
        self._engine.uncut.wake()
        for scan in scans:
            scan.cancel()
        self._stream.cancel()

    def close(self) -> None:
        self.cancel()
        self._stream.close()
        for scan in self._scans:
            scan.close()

    def account(self) -> Ran:
        fragments = tuple(reader.account() for scan in self._scans for reader in scan.readers)
        return Ran(fragments, planned=tuple(self._planned))

    # --- what the engine sees ---

    def _register(self, session: datafusion.SessionContext) -> None:
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
            source = self._engine.catalog.sources[source_name]
            table = _found(source, table_name)
            connector = source.connector
            if connector.capabilities.native and isinstance(connector, Native):
                connector.register(session, ".".join(map(_quoted, path)), table_name)
            else:
                dataset = self._dataset(CatalogTable(source, table))
                schemas[path[:2]].register_table(path[2], EngineTable(dataset))

    def _dataset(self, table: CatalogTable) -> ScanDataset:
        def scan(
            columns: Sequence[str], condition: pc.Expression | None
        ) -> Iterator[pa.RecordBatch]:
            planned, rest = plan_scan(self._name(), table, columns, condition)
            for batch in self._read(planned):
                kept = batch if rest is None else pa.Table.from_batches([batch]).filter(rest)
                pieces = kept.to_batches() if isinstance(kept, pa.Table) else [kept]
                for piece in pieces:
                    yield piece.select(list(columns))

        return ScanDataset(table.table.schema, scan)

    def _name(self) -> str:
        with self._lock:
            return f"f{len(self._scans) + 1}"

    def _read(self, planned: PlannedFragment) -> Iterator[pa.RecordBatch]:
        try:
            readers = self._open_scan(planned)
            readers.start()
            yield from readers.readers[0]
        except CrosswindError as error:
            with self._lock:
                self._failure = self._failure or error
            raise

    def _open_scan(self, planned: PlannedFragment) -> FragmentReaders:
        with self._lock:
            if self._cancelled.is_set():
                raise CancelledError("the query was cancelled")
            other = any(p.source == planned.source for p in self._planned)
            readers = self._engine.scan_readers(planned, self._deadline, patient=other)
            self._scans.append(readers)
            self._planned.append(planned)
            return readers


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
