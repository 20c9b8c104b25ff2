"""What a server knows of itself, as tables of the source `crosswind`: `crosswind.links`.

Owns that source. What is in its tables is given by whoever knows it, and made when it is scanned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

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
from connectors.errors import CancelledError, UnsupportedError

NAME = "crosswind"

_INSTANT = pa.timestamp("us", "UTC")

SCHEMAS: Mapping[str, pa.Schema] = {
    "links": pa.schema(
        [
            pa.field("source", pa.string(), False),
            pa.field("rtt_ms", pa.float64()),
            pa.field("mbps", pa.float64()),
            pa.field("connection_mbps", pa.float64()),
            pa.field("connections", pa.int32()),
            pa.field("work_factor", pa.float64(), False),
            pa.field("origin", pa.string(), False),
            pa.field("samples", pa.int64(), False),
            pa.field("seen_at", _INSTANT),
        ]
    ),
}
"""Every table. Of `links`: milliseconds, and 10^6 bits per second; NULL is not known. `work_factor`
is how many times what is supposed of such a source it takes for its work."""

Rows = Callable[[], Sequence[Sequence[object]]]
"""Makes a table's rows, values in the order of its columns."""


class SystemConnector:
    """A source over what `shows` was given; see `connectors.contract.Connector`."""

    capabilities = Capabilities(None, frozenset({"read", "filter", "project", "fetch"}), local=True)
    identity = NAME

    def __init__(self) -> None:
        self._rows: dict[str, Rows] = {}

    def shows(self, table: str, rows: Rows) -> None:
        """Have one of the tables filled by `rows`; it is empty before."""
        self._rows[table] = rows

    def tables(self) -> SystemTables:
        return SystemTables()

    def statistics(self, table: TableName) -> Statistics:  # noqa: ARG002
        return Statistics()

    def execute(self, fragment: Fragment, deadline: float | None) -> SystemBatches:  # noqa: ARG002
        scan = fragment.query
        if not isinstance(scan, TableScan) or scan.table.name not in SCHEMAS:
            raise UnsupportedError("the server's own tables are only scanned", source=NAME)
        return SystemBatches(self._rows.get(scan.table.name, tuple), scan)

    def close(self) -> None:
        """Nothing to free."""


class SystemTables:
    """Its tables, which are always the same."""

    default_schema = NAME

    def names(self) -> Sequence[TableName]:
        return [TableName(NAME, name) for name in sorted(SCHEMAS)]

    def find(self, name: TableName) -> Table | None:
        if name.schema != NAME or name.name not in SCHEMAS:
            return None
        columns = tuple(Column(f.name, f.type, f.nullable) for f in SCHEMAS[name.name])
        return Table(name, columns, "SYSTEM TABLE")

    def refresh(self) -> None:
        """Nothing is cached."""


class SystemBatches:
    """A scan on its way."""

    def __init__(self, rows: Rows, scan: TableScan) -> None:
        self._rows, self._scan = rows, scan
        self._cancelled = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self._cancelled:
            raise CancelledError("the scan was cancelled")
        schema, rows = SCHEMAS[self._scan.table.name], self._rows()
        columns = zip(*rows, strict=True) if rows else [()] * len(schema)
        arrays = [pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)]
        table = pa.Table.from_arrays(arrays, schema=schema)
        if self._scan.filter is not None:
            table = table.filter(self._scan.filter)
        table = table.select(list(self._scan.columns)).slice(0, self._scan.limit)
        yield from table.to_batches()

    def cancel(self) -> None:
        self._cancelled = True

    close = cancel
