"""A source of Iceberg tables: scans of the files that a snapshot names.

Owns no thread and no cache: those are of the scan (`connectors.files.scan`) and of the catalog.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds

from connectors.contract import Capabilities, Fragment, Statistics, TableName, TableScan
from connectors.errors import SourceSchemaChangedError, UnsupportedError
from connectors.files.scan import FileBatches, Target, width_bytes
from connectors.files.wanted import filtered_columns
from connectors.iceberg.access import Access
from connectors.iceberg.options import IcebergOptions
from connectors.iceberg.reading import DataRows, Reading
from connectors.iceberg.tables import IcebergTables

RELATIONS = frozenset({"read", "filter", "project", "fetch"})


class IcebergConnector:
    """A source over Iceberg tables. Constructing one does no I/O."""

    capabilities = Capabilities(dialect=None, relations=RELATIONS)

    def __init__(self, name: str, options: IcebergOptions) -> None:
        self.name = name
        self._access = Access(name, options)
        self._tables = IcebergTables(self._access, options)
        versions = {"*": options.version_of(""), **options.versions}
        at = {table: str(v) for table, v in versions.items() if not v.is_newest}
        self.identity = f"iceberg:{self._access.identity}" + (f"@{at}" if at else "")

    def __repr__(self) -> str:
        return f"IcebergConnector({self.name!r}, {self._access.shown!r})"

    def tables(self) -> IcebergTables:
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        return self._tables.statistics(table)

    def execute(self, fragment: Fragment, deadline: float | None) -> FileBatches:
        scan = fragment.query
        if not isinstance(scan, TableScan):
            raise UnsupportedError("an Iceberg source runs table scans only", source=self.name)
        known = self._tables.known(scan.table)
        if known is not None:
            self._check_filter(scan, known.schema)
        return FileBatches(
            self._access,
            lambda: self._target(scan, fragment.schema),
            scan,
            fragment.schema,
            deadline,
        )

    def close(self) -> None:
        self._tables.refresh()
        self._access.close()

    def _target(self, scan: TableScan, schema: pa.Schema) -> Target:
        """The files that may have rows, as the metadata says now. Runs in a reading thread."""
        loaded = self._tables.load(scan.table)
        if loaded is None:
            message = f"table {str(scan.table)!r} is gone"
            raise SourceSchemaChangedError(message, source=self.name)
        declared = loaded.schema
        known = set(declared.names)
        if pa.schema([declared.field(c) for c in scan.columns if c in known]) != schema:
            message = f"table {str(scan.table)!r} has other columns than when it was planned"
            raise SourceSchemaChangedError(message, source=self.name)
        filtered = [] if scan.filter is None else filtered_columns(scan.filter, declared)
        needed = list(dict.fromkeys([*scan.columns, *filtered]))
        with self._access.reading(str(scan.table)):
            tasks = loaded.contents.candidates(scan.filter, filtered)
            width = width_bytes(loaded.contents.statistics, needed)
        reading = Reading(loaded.contents.schema, filtered, loaded.mapping, loaded.io, self._access)
        files = [DataRows(reading, task, loaded.contents.constants(task)) for task in tasks]
        return Target(declared, files, width)

    def _check_filter(self, scan: TableScan, schema: pa.Schema) -> None:
        """Refuse a filter that Arrow cannot run, before any I/O."""
        try:
            ds.dataset(schema.empty_table()).scanner(filter=scan.filter)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            message = f"this filter cannot run on {str(scan.table)!r}: {error}"
            raise UnsupportedError(message, source=self.name) from None
