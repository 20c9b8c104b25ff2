"""A source of Delta tables: scans of the files that a table's log names.

Owns no thread and no cache: those are of the scan (`connectors.files.scan`) and of the catalog.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds

from connectors.contract import Capabilities, Fragment, Statistics, TableName, TableScan
from connectors.delta.options import DeltaOptions
from connectors.delta.tables import DeltaTables
from connectors.errors import ConfigurationError, SourceSchemaChangedError, UnsupportedError
from connectors.files.location import Location, ObjectStore
from connectors.files.scan import FileBatches, Target, width_bytes

RELATIONS = frozenset({"read", "filter", "project", "fetch"})


class DeltaConnector:
    """A source over Delta tables. Constructing one does no I/O."""

    capabilities = Capabilities(dialect=None, relations=RELATIONS)

    def __init__(self, name: str, options: DeltaOptions) -> None:
        self.name = name
        self._location = Location(name, options.root, options.storage_options)
        if not isinstance(self._location.store, ObjectStore):
            message = f"Delta tables are read from a local disk or S3, not {options.root!r}"
            message = self._location.redact(message)
            raise ConfigurationError(message, source=name)
        self._tables = DeltaTables(self._location, options)
        at = options.timestamp if options.version is None else options.version
        self.identity = f"delta:{self._location.shown}" + ("" if at is None else f"@{at}")

    def __repr__(self) -> str:
        return f"DeltaConnector({self.name!r}, {self._location.shown!r})"

    def tables(self) -> DeltaTables:
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        loaded = self._tables.known(table) or self._tables.load(table)
        return loaded.statistics if loaded else Statistics()

    def execute(self, fragment: Fragment, deadline: float | None) -> FileBatches:
        scan = fragment.query
        if not isinstance(scan, TableScan):
            raise UnsupportedError("a Delta source runs table scans only", source=self.name)
        known = self._tables.known(scan.table)
        if known is not None:
            self._check_filter(scan, known.table.schema)
        return FileBatches(
            self._location,
            lambda: self._target(scan, fragment.schema),
            scan,
            fragment.schema,
            deadline,
        )

    def close(self) -> None:
        self._tables.refresh()

    def _target(self, scan: TableScan, schema: pa.Schema) -> Target:
        """The files that may have rows, as the log says now. Runs in a reading thread."""
        loaded = self._tables.load(scan.table)
        if loaded is None:
            message = f"table {str(scan.table)!r} is gone"
            raise SourceSchemaChangedError(message, source=self.name)
        declared = loaded.table.schema
        known = set(declared.names)
        if pa.schema([declared.field(c) for c in scan.columns if c in known]) != schema:
            message = f"table {str(scan.table)!r} has other columns than when it was planned"
            raise SourceSchemaChangedError(message, source=self.name)
        files = tuple(loaded.files.get_fragments(filter=scan.filter))
        return Target(declared, files, width_bytes(loaded.statistics, scan.columns))

    def _check_filter(self, scan: TableScan, schema: pa.Schema) -> None:
        """Refuse a filter that Arrow cannot run, before any I/O."""
        try:
            ds.dataset(schema.empty_table()).scanner(filter=scan.filter)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            message = f"this filter cannot run on {str(scan.table)!r}: {error}"
            raise UnsupportedError(message, source=self.name) from None
