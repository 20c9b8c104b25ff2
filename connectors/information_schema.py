"""What there is to query, as tables: `information_schema.tables`, `.columns`, `.schemata`.

Owns these three and how they are filled from the catalogs of other connectors. Reads no table of a
source, and asks a source only for the tables that a query's filter leaves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future

import pyarrow as pa

from connectors.contract import (
    Capabilities,
    Column,
    Connector,
    Fragment,
    Statistics,
    Table,
    TableName,
    TableScan,
)
from connectors.errors import CancelledError, DeadlineError, QueueFullError, UnsupportedError
from connectors.listed import Listed, listed

NAME = "information_schema"

_TEXT, _NUMBER = pa.string(), pa.int32()
_TABLE = {"table_catalog": _TEXT, "table_schema": _TEXT, "table_name": _TEXT}
_SCHEMAS: Mapping[str, pa.Schema] = {
    name: pa.schema([pa.field(column, type_, False) for column, type_ in columns.items()])
    for name, columns in {
        "schemata": {"catalog_name": _TEXT, "schema_name": _TEXT},
        "tables": {**_TABLE, "table_type": _TEXT},
        "columns": {
            **_TABLE,
            "column_name": _TEXT,
            "ordinal_position": _NUMBER,
            "is_nullable": _TEXT,
            "data_type": _TEXT,
            "native_type": _TEXT,
        },
    }.items()
}
_NAMES = pa.schema([pa.field(column, type_, False) for column, type_ in _TABLE.items()])


class InformationSchema:
    """A source over the catalogs of others; it asks them when it is scanned.

    Args:
        connectors: by the names of their sources.
    """

    capabilities = Capabilities(None, frozenset({"read", "filter", "project", "fetch"}), local=True)
    identity = NAME

    def __init__(self, connectors: Mapping[str, Connector]) -> None:
        self._connectors = connectors

    def tables(self) -> InformationTables:
        return InformationTables()

    def statistics(self, table: TableName) -> Statistics:  # noqa: ARG002
        return Statistics()

    def execute(self, fragment: Fragment, deadline: float | None) -> InformationBatches:
        scan = fragment.query
        if not isinstance(scan, TableScan) or scan.table.name not in _SCHEMAS:
            raise UnsupportedError("the information schema is only scanned", source=NAME)
        return InformationBatches(self._connectors, scan, deadline)

    def close(self) -> None:
        """Nothing to free: the connectors are the caller's."""


class InformationTables:
    """Its tables, which are always the same."""

    default_schema = NAME

    def names(self) -> Sequence[TableName]:
        return [TableName(NAME, name) for name in sorted(_SCHEMAS)]

    def find(self, name: TableName) -> Table | None:
        if name.schema != NAME or name.name not in _SCHEMAS:
            return None
        columns = tuple(Column(f.name, f.type, f.nullable) for f in _SCHEMAS[name.name])
        return Table(name, columns, "SYSTEM TABLE")

    def refresh(self) -> None:
        """Nothing is cached."""


class InformationBatches:
    """A scan on its way: a table for each source."""

    def __init__(
        self, connectors: Mapping[str, Connector], scan: TableScan, deadline: float | None
    ) -> None:
        self._connectors, self._scan, self._deadline = connectors, scan, deadline
        self._cancelled = False
        self._changed = threading.Event()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        left, condition = self._scan.limit, self._scan.filter
        for source in sorted(self._connectors):
            rows = self._asked(source)
            table = _table(_SCHEMAS[self._scan.table.name], rows)
            table = table if condition is None else table.filter(condition)
            table = table.select(list(self._scan.columns)).slice(0, left)
            yield from table.to_batches()
            left = None if left is None else left - table.num_rows
            if left == 0:
                return

    def cancel(self) -> None:
        self._cancelled = True
        self._changed.set()

    close = cancel

    def _asked(self, source: str) -> list[tuple[object, ...]]:
        """A source's rows. Nobody waits for a source that does not answer in time."""
        answer: Future[list[tuple[object, ...]]] = Future()

        def ask() -> None:
            try:
                answer.set_result(list(self._rows(source)))
            except BaseException as error:
                answer.set_exception(error)
            self._changed.set()

        try:
            threading.Thread(target=ask, name="crosswind-information", daemon=True).start()
        except RuntimeError:
            raise QueueFullError("the server cannot start another thread") from None
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        while not (self._cancelled or answer.done()):
            if not self._changed.wait(left):
                raise DeadlineError("the query's time is up", source=source)
            self._changed.clear()
        if self._cancelled:
            raise CancelledError("the scan was cancelled")
        return answer.result()

    def _rows(self, source: str) -> Iterator[tuple[object, ...]]:
        match self._scan.table.name:
            case "schemata":
                names = self._connectors[source].tables().names()
                yield from sorted({(source, name.schema) for name in names})
            case "tables":
                if "table_type" not in f"{self._scan.columns} {self._scan.filter}":
                    yield from ((source, n.schema, n.name, "") for n in self._names(source))
                    return
                for each in self._listed(source, columns=False):
                    yield source, each.name.schema, each.name.name, each.kind
            case "columns":
                for each in self._listed(source, columns=True):
                    for at, column in enumerate(each.table.columns if each.table else (), 1):
                        name = (source, each.name.schema, each.name.name, column.name)
                        nullable = "YES" if column.nullable else "NO"
                        yield *name, at, nullable, str(column.type), column.native_type

    def _listed(self, source: str, *, columns: bool) -> Iterator[Listed]:
        """The tables that the scan may leave; a source may have to be asked for each."""
        tables = self._connectors[source].tables()
        return listed(source, tables, self._while_wanted(source), columns=columns)

    def _while_wanted(self, source: str) -> Iterator[TableName]:
        """The names of these tables, for as long as somebody waits."""
        for name in self._names(source):
            if self._cancelled:
                raise CancelledError("the scan was cancelled")
            if self._deadline is not None and time.monotonic() > self._deadline:
                raise DeadlineError("the query's time is up", source=source)
            yield name

    def _names(self, source: str) -> list[TableName]:
        """The tables of a source that the scan's filter can leave."""
        found = list(self._connectors[source].tables().names())
        if self._scan.filter is None:
            return found
        named = _table(_NAMES, [(source, n.schema, n.name) for n in found])
        numbered = named.append_column("number", pa.array(range(len(found)), pa.int64()))
        try:
            left = numbered.filter(self._scan.filter)
        except (pa.ArrowInvalid, pa.ArrowKeyError):
            return found  # it is on columns that are not known yet
        return [found[number] for number in left["number"].to_pylist()]


def _table(schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
