"""A source that does what a test says, behind the real contract: it can be silent, fail, stream."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from connectors.contract import (
    Capabilities,
    Column,
    Fragment,
    Statistics,
    Table,
    TableName,
    TableScan,
)
from connectors.errors import CancelledError, SourceUnavailableError

Script = Callable[["Scan"], Iterator[pa.RecordBatch]]


def rows(table: pa.Table) -> Script:
    """The batches of a table."""
    return lambda scan: iter(table.to_batches())


def silence(scan: Scan) -> Iterator[pa.RecordBatch]:
    """Nothing at all, until somebody cancels."""
    scan.stopped.wait()
    raise CancelledError("cancelled while silent")
    yield


def failing(error: Exception, after: Sequence[pa.RecordBatch] = ()) -> Script:
    """Some batches, then an error."""

    def script(scan: Scan) -> Iterator[pa.RecordBatch]:
        yield from after
        raise error

    return script


def endless(batch: pa.RecordBatch) -> Script:
    """The same batch until somebody cancels."""

    def script(scan: Scan) -> Iterator[pa.RecordBatch]:
        while not scan.stopped.is_set():
            yield batch
        raise CancelledError("cancelled while streaming")

    return script


def then_silence(batch: pa.RecordBatch) -> Script:
    """One batch, and then nothing until somebody cancels."""

    def script(scan: Scan) -> Iterator[pa.RecordBatch]:
        yield batch
        yield from silence(scan)

    return script


@dataclass
class ScriptedTable:
    """A table whose scans follow a script."""

    schema: pa.Schema
    script: Script
    kind: str = "TABLE"
    native_types: Mapping[str, str] = field(default_factory=dict)


class Scan:
    """One scan. `started` and `closed` are what tests wait for."""

    def __init__(self, table: ScriptedTable, schema: pa.Schema) -> None:
        self._table = table
        self._schema = schema
        self.started = threading.Event()
        self.stopped = threading.Event()
        self.cancelled = threading.Event()
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        self.started.set()
        for batch in self._table.script(self):
            yield batch.select(self._schema.names)

    def cancel(self) -> None:
        self.cancelled.set()
        self.stopped.set()

    def close(self) -> None:
        self.stopped.set()
        self.closed.set()


class ScriptedTables:
    default_schema = "main"

    def __init__(self, tables: Mapping[TableName, ScriptedTable]) -> None:
        self._tables = tables
        self.refreshed = 0

    def names(self) -> Sequence[TableName]:
        return sorted(self._tables)

    def find(self, name: TableName) -> Table | None:
        table = self._tables.get(name)
        if table is None:
            return None
        columns = tuple(
            Column(f.name, f.type, f.nullable, table.native_types.get(f.name, ""))
            for f in table.schema
        )
        return Table(name, columns, table.kind)

    def refresh(self) -> None:
        self.refreshed += 1


class ScriptedConnector:
    """A connector over scripted tables."""

    capabilities = Capabilities(dialect=None, relations=frozenset({"read", "project"}))

    def __init__(self, name: str, tables: Mapping[str, ScriptedTable]) -> None:
        self.identity = f"scripted:{name}"
        self._by_name = {_name(key): table for key, table in tables.items()}
        self._tables = ScriptedTables(self._by_name)
        self.scans: list[Scan] = []
        self.closed = False

    def tables(self) -> ScriptedTables:
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        return Statistics()

    def execute(self, fragment: Fragment, deadline: float | None) -> Scan:
        assert isinstance(fragment.query, TableScan)
        scan = Scan(self._by_name[fragment.query.table], fragment.schema)
        self.scans.append(scan)
        return scan

    def close(self) -> None:
        self.closed = True


class UnreachableConnector(ScriptedConnector):
    """A source that is down."""

    def tables(self) -> ScriptedTables:
        raise SourceUnavailableError("connection refused", source="down")


def _name(key: str) -> TableName:
    schema, _, name = key.rpartition(".")
    return TableName(schema or "main", name)
