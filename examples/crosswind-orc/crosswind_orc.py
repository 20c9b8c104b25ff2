"""A folder of ORC files as a source: each file is a table.

Files are read stripe by stripe, the wanted columns only; filters stay with the engine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc
from pydantic import BaseModel, ConfigDict

from connectors import errors
from connectors.contract import (
    Capabilities,
    Column,
    Fragment,
    Statistics,
    Table,
    TableName,
    TableScan,
)

SCHEMA = "main"


class OrcOptions(BaseModel):
    """What stands below `[sources.NAME]`, `connector` apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path


def create(name: str, options: Mapping[str, object]) -> OrcConnector:
    """What the entry point names."""
    return OrcConnector(name, OrcOptions.model_validate(options).root.absolute())


class OrcConnector:
    """A source over the files of a folder. Constructing one does no I/O."""

    capabilities = Capabilities(dialect=None, relations=frozenset({"read", "project", "fetch"}))

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.identity = f"orc:{root}"
        self._tables = OrcTables(name, root)

    def __repr__(self) -> str:
        return f"OrcConnector({self.name!r}, {self.identity!r})"

    def tables(self) -> OrcTables:
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        """A file's footer counts its rows."""
        file = self._tables.opened(table)
        return Statistics() if file is None else Statistics(rows=float(file.nrows))

    def execute(self, fragment: Fragment, deadline: float | None) -> OrcBatches:
        if not isinstance(fragment.query, TableScan):
            message = "a source of ORC files runs table scans only"
            raise errors.UnsupportedError(message, source=self.name)
        if fragment.query.filter is not None:
            message = "a source of ORC files takes no filter"
            raise errors.UnsupportedError(message, source=self.name)
        return OrcBatches(self._tables, fragment.query, fragment.schema, deadline)

    def close(self) -> None:
        """Files are open only while they are read."""


class OrcTables:
    """The catalog. Nothing is cached: a footer is quickly read."""

    default_schema = SCHEMA

    def __init__(self, source: str, root: Path) -> None:
        self.source = source
        self._root = root

    def names(self) -> Sequence[TableName]:
        if not self._root.is_dir():
            message = f"there is no folder {str(self._root)!r}"
            raise errors.SourceUnavailableError(message, source=self.source)
        return sorted(TableName(SCHEMA, path.stem) for path in self._root.glob("*.orc"))

    def find(self, name: TableName) -> Table | None:
        file = self.opened(name)
        if file is None:
            return None
        return Table(name, tuple(Column(f.name, f.type) for f in file.schema))

    def refresh(self) -> None:
        """Nothing is cached."""

    def opened(self, name: TableName) -> orc.ORCFile | None:
        """A table's file; None when there is none."""
        if name not in self.names():
            return None
        try:
            # Given a path, Arrow maps the file into memory, which then fills as it is read.
            return orc.ORCFile(pa.OSFile(str(self._root / f"{name.name}.orc")))
        except (OSError, pa.ArrowInvalid) as error:
            message = f"{name.name}.orc cannot be read: {error}"
            raise errors.SourceRejectedError(message, source=self.source) from None


class OrcBatches:
    """A scan on its way, stripe by stripe; cancel and deadline are looked at between them."""

    def __init__(
        self, tables: OrcTables, scan: TableScan, schema: pa.Schema, deadline: float | None
    ) -> None:
        self._tables, self._scan, self._schema = tables, scan, schema
        self._deadline, self._cancelled = deadline, False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        file = self._tables.opened(self._scan.table)
        columns = list(self._scan.columns)
        known = pa.schema([]) if file is None else file.schema
        if file is None or [known.field(c) for c in columns if c in known.names] != list(
            self._schema
        ):
            message = f"table {str(self._scan.table)!r} has other columns than it had"
            raise errors.SourceSchemaChangedError(message, source=self._tables.source)
        left = file.nrows if self._scan.limit is None else self._scan.limit
        for number in range(file.nstripes):
            self._check()
            # Without a column ORC forgets how many rows there are.
            stripe = file.read_stripe(number, columns=columns or known.names[:1]).select(columns)
            batch = stripe.slice(0, left)
            left -= batch.num_rows
            if batch.num_rows:
                yield batch
            if not left:
                break
        self._check()

    def _check(self) -> None:
        if self._cancelled:
            raise errors.CancelledError("the scan was cancelled")
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise errors.DeadlineError("the query's time is up", source=self._tables.source)

    def cancel(self) -> None:
        self._cancelled = True

    close = cancel
