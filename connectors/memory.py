"""Arrow tables in this process, as a source. The reference: read it before writing a connector.

Owns how its tables are offered and scanned; `stored` keeps them, and takes those that clients send.
A scan never waits, so it needs no thread: one that waits must wake on `cancel`.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.dataset as ds
from pydantic import BaseModel, ConfigDict, Field

from connectors import contract, errors
from connectors.contract import Fragment, Ingest, Statistics, Table, TableName, TableScan, Turns
from connectors.given import given_table
from connectors.stored import StoredTables

SCHEMA = "main"


class MemoryOptions(BaseModel):
    """The options of `connector = "memory"`.

    Attributes:
        ingest: whether clients may send tables.
        max_megabytes: what all tables may take together, with those on their way, in MiB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ingest: bool = False
    max_megabytes: int = Field(default=256, gt=0)


def create(name: str, options: Mapping[str, object]) -> MemoryConnector:
    """A source without tables, as `connector = "memory"` in a configuration file makes it."""
    return MemoryConnector(name, {}, MemoryOptions.model_validate(options))


class MemoryConnector:
    """A source over the given tables, all in the schema `main`."""

    capabilities = contract.Capabilities(
        None, frozenset({"read", "filter", "project", "fetch"}), local=True
    )

    def __init__(
        self, name: str, tables: Mapping[str, pa.Table], options: MemoryOptions | None = None
    ) -> None:
        self.name = name
        self._options = options or MemoryOptions()
        plain = {TableName(SCHEMA, key): given_table(name, key, t) for key, t in tables.items()}
        self._stored = StoredTables(SCHEMA, plain, self._options.max_megabytes << 20)
        # Two memory sources hold different tables, so no two may look the same.
        self.identity = f"memory:{name}:{id(self):x}"

    def tables(self) -> MemoryTables:
        return MemoryTables(self._stored)

    def statistics(self, table: TableName) -> Statistics:
        stored = self._stored.get(table)
        return Statistics() if stored is None else stored.statistics

    def execute(self, fragment: Fragment, deadline: float | None) -> MemoryBatches:
        scan = fragment.query
        if not isinstance(scan, TableScan):
            raise errors.UnsupportedError("a memory source runs table scans only", source=self.name)
        stored = self._stored.get(scan.table)
        if stored is None or _projected(stored.rows, scan.columns) != fragment.schema:
            message = f"table {str(scan.table)!r} is not what was planned"
            raise errors.SourceSchemaChangedError(message, source=self.name)
        try:  # A scanner binds its filter here and reads nothing before it is iterated.
            data = ds.dataset(stored.rows)
            scanner = data.scanner(columns=list(scan.columns), filter=scan.filter)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            message = f"this filter cannot run on {str(scan.table)!r}: {error}"
            raise errors.UnsupportedError(message, source=self.name) from None
        return MemoryBatches(self.name, scanner, scan.limit, deadline)

    def close(self) -> None:
        """Nothing to free: the tables are the caller's."""

    # This is `contract.Steady`: where tables can change, a query must not see two states of one.

    def moment(
        self,
        fragments: int | None,  # noqa: ARG002
        at_once: int,  # noqa: ARG002
        spare: Turns,  # noqa: ARG002
    ) -> MemoryConnector:
        moment = copy.copy(self)
        moment._stored = self._stored.as_now()
        return moment

    # The rest is `contract.Ingests`, which a source that is only read leaves out.

    @property
    def takes_rows(self) -> bool:
        return self._options.ingest

    def ingest(self, into: Ingest, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        if not self.takes_rows:
            hint = f"Write `ingest = true` below [sources.{self.name}]."
            raise errors.ForbiddenError("it takes no rows", source=self.name, hint=hint)
        try:
            return self._stored.take(into, schema, batches)
        except errors.CrosswindError as error:
            error.source = self.name
            raise


class MemoryTables:
    """The catalog: there is nothing to ask, so nothing to cache."""

    default_schema = SCHEMA

    def __init__(self, stored: StoredTables) -> None:
        self._stored = stored

    def names(self) -> Sequence[TableName]:
        return self._stored.names()

    def find(self, name: TableName) -> Table | None:
        stored = self._stored.get(name)
        return None if stored is None else stored.table

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


def _projected(table: pa.Table, columns: Sequence[str]) -> pa.Schema | None:
    known = set(table.column_names)
    return pa.schema([table.field(c) for c in columns]) if known.issuperset(columns) else None
