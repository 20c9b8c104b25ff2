"""Arrow tables in this process, as a source. The reference: read it before writing a connector.

Owns its tables only. It never waits, so it needs no thread: one that waits must wake on `cancel`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pydantic import BaseModel, ConfigDict

from connectors import contract, errors
from connectors.contract import Fragment, Statistics, Table, TableName, TableScan

SCHEMA = "main"


class MemoryOptions(BaseModel):
    """A memory source takes no options: its tables come from Python."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def create(name: str, options: Mapping[str, object]) -> MemoryConnector:
    """An empty source, as `connector = "memory"` in a configuration file makes it."""
    MemoryOptions.model_validate(options)
    return MemoryConnector(name, {})


class MemoryConnector:
    """A source over the given tables, all in the schema `main`."""

    capabilities = contract.Capabilities(None, frozenset({"read", "filter", "project", "fetch"}))

    def __init__(self, name: str, tables: Mapping[str, pa.Table]) -> None:
        self.name = name
        self._data = {TableName(SCHEMA, key): _plain(table) for key, table in tables.items()}
        # Two memory sources hold different tables, so no two may look the same.
        self.identity = f"memory:{name}:{id(self):x}"

    def tables(self) -> MemoryTables:
        return MemoryTables(self._data)

    def statistics(self, table: TableName) -> Statistics:
        if (data := self._data.get(table)) is None:
            return Statistics()
        columns = {c: _column_statistics(data.column(c)) for c in data.column_names}
        return Statistics(float(data.num_rows), float(data.nbytes), columns)

    def execute(self, fragment: Fragment, deadline: float | None) -> MemoryBatches:
        scan = fragment.query
        if not isinstance(scan, TableScan):
            raise errors.UnsupportedError("a memory source runs table scans only", source=self.name)
        data = self._data.get(scan.table)
        if data is None or _projected(data, scan.columns) != fragment.schema:
            message = f"table {str(scan.table)!r} is not what was planned"
            raise errors.SourceSchemaChangedError(message, source=self.name)
        try:  # A scanner binds its filter here and reads nothing before it is iterated.
            scanner = ds.dataset(data).scanner(columns=list(scan.columns), filter=scan.filter)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            message = f"this filter cannot run on {str(scan.table)!r}: {error}"
            raise errors.UnsupportedError(message, source=self.name) from None
        return MemoryBatches(self.name, scanner, scan.limit, deadline)

    def close(self) -> None:
        """Nothing to free: the tables are the caller's."""


class MemoryTables:
    """The catalog: there is nothing to ask, so nothing to cache."""

    default_schema = SCHEMA

    def __init__(self, data: Mapping[TableName, pa.Table]) -> None:
        self._data = data

    def names(self) -> Sequence[TableName]:
        return sorted(self._data)

    def find(self, name: TableName) -> Table | None:
        if (data := self._data.get(name)) is None:
            return None
        return Table(name, tuple(contract.Column(f.name, f.type, f.nullable) for f in data.schema))

    def refresh(self) -> None:
        """Nothing is cached."""


class MemoryBatches:
    """A scan on its way; the flag is looked at between batches."""

    def __init__(
        self, source: str, scanner: ds.Scanner, limit: int | None, deadline: float | None
    ) -> None:
        self._source, self._scanner, self._limit = source, scanner, limit
        self._deadline, self._cancelled = deadline, False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        left = self._limit
        for batch in self._scanner.to_batches():
            if self._cancelled:
                raise errors.CancelledError("the scan was cancelled")
            if self._deadline is not None and time.monotonic() > self._deadline:
                raise errors.DeadlineError("the query's time is up", source=self._source)
            rows = batch.slice(0, left)
            left = None if left is None else left - rows.num_rows
            if rows.num_rows:
                yield rows
            if left == 0:
                return

    def cancel(self) -> None:
        self._cancelled = True

    close = cancel


def _plain(table: pa.Table) -> pa.Table:
    """Strings as plain `string`, the type that every client reads; no metadata."""
    other = (pa.large_string(), pa.string_view())
    plain = (pa.string() if f.type in other else f.type for f in table.schema)
    fields = zip(table.schema, plain, strict=True)
    return table.cast(pa.schema([pa.field(f.name, type_, f.nullable) for f, type_ in fields]))


def _projected(table: pa.Table, columns: Sequence[str]) -> pa.Schema | None:
    known = set(table.column_names)
    return pa.schema([table.field(c) for c in columns]) if known.issuperset(columns) else None


def _column_statistics(column: pa.ChunkedArray) -> contract.ColumnStatistics:
    """Exact; no bounds or distinct count of types that have none."""
    rows, distinct, bounds = len(column) or 1, None, {"min": None, "max": None}
    # A type may have neither; a date may be one that Python has no value for.
    with contextlib.suppress(pa.ArrowNotImplementedError, OverflowError, ValueError):
        distinct = float(pc.count_distinct(column).as_py())
        bounds = pc.min_max(column).as_py()
    return contract.ColumnStatistics(
        distinct=distinct,
        null_fraction=column.null_count / rows,
        width_bytes=column.nbytes / rows,
        minimum=bounds["min"],
        maximum=bounds["max"],
    )
