"""The catalog of an Iceberg source: which tables there are, and what their metadata says.

Owns what is cached: a table's metadata is looked at again, and its manifests are read once for each
snapshot. Must not read a row.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from pyiceberg.io import FileIO
from pyiceberg.schema import Schema
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.name_mapping import NameMapping
from pyiceberg.table.refs import SnapshotRefType

from connectors.as_of import MOST_KEPT, split
from connectors.contract import Statistics, Table, TableName
from connectors.errors import ConfigurationError, SourceError, SourceRejectedError
from connectors.iceberg.access import Access
from connectors.iceberg.contents import Contents
from connectors.iceberg.options import IcebergOptions, Version, nearest
from connectors.iceberg.types import columns_of

NAMES_SECONDS = 30.0
"""How old a listing may be that names all tables."""

FAR_SECONDS = 5.0
"""How old may be what is known of metadata that is not on this machine, to plan by."""


@dataclass(frozen=True)
class Loaded:
    """A table by one of its snapshots.

    Attributes:
        uuid: tells the table from another that has its name.
        mapping: numbers for the columns of files that have none.
        io: how its files are opened, with the credentials that count now.
    """

    table: Table
    uuid: str
    contents: Contents
    mapping: NameMapping | None
    io: FileIO

    @property
    def schema(self) -> pa.Schema:
        return self.table.schema


@dataclass(eq=False)
class _Known:
    """What is cached of a table; `asking` is held by who asks for its metadata."""

    asking: threading.Lock
    loaded: Loaded | None = None
    at: float = 0.0


class IcebergTables:
    """Names from a listing; a table's columns from its metadata."""

    def __init__(self, access: Access, options: IcebergOptions) -> None:
        self._access = access
        self._options = options
        self._plan_seconds = 0.0 if access.near else FAR_SECONDS
        # Never held while a catalog is asked: what one table waits for is nothing to the others.
        self._lock = threading.Lock()
        self._names: tuple[Sequence[TableName], float] | None = None
        self._known: dict[TableName, _Known] = {}
        self._versions_are_of_tables = not options.versions

    @property
    def default_schema(self) -> str:
        return self._options.default_schema

    def names(self) -> Sequence[TableName]:
        now = time.monotonic()
        with self._lock:
            if self._names is not None and now - self._names[1] <= NAMES_SECONDS:
                return self._names[0]
        self._check_versions()
        found = self._access.names()
        with self._lock:
            self._names = (found, now)
        return found

    def kinds(self) -> Mapping[TableName, str]:
        return dict.fromkeys(self.names(), "TABLE")

    def find(self, name: TableName) -> Table | None:
        loaded = self._cached(name, self._plan_seconds) or self.load(name)
        return loaded.table if loaded else None

    def refresh(self) -> None:
        with self._lock:
            self._names = None
            self._known.clear()

    def known(self, name: TableName) -> Loaded | None:
        """What is cached of a table; no I/O."""
        return self._cached(name, float("inf"))

    def statistics(self, name: TableName) -> Statistics:
        """What manifests say; they are read the first time."""
        loaded = self.known(name) or self.load(name)
        if loaded is None:
            return Statistics()
        with self._access.reading(str(name)):
            return loaded.contents.statistics

    def load(self, name: TableName) -> Loaded | None:
        """The snapshot that counts, as it is now: one question to the catalog.

        Raises:
            SourceError: when the metadata cannot be read, or there is no such snapshot.
            ConfigurationError: when a version is configured of a table that is not there.
        """
        self._check_versions()
        with self._lock:
            known = self._known.setdefault(name, _Known(threading.Lock()))
            for old in [each for each in self._known if split(each.name)[1]][:-MOST_KEPT]:
                del self._known[old]
        with known.asking:
            read = self._access.table(TableName(name.schema, split(name.name)[0]))
            with self._access.reading(str(name)):
                loaded = None if read is None else self._loaded(name, read, known.loaded)
            with self._lock:
                known.loaded, known.at = loaded, time.monotonic()
                if loaded is None:  # Else every name that was ever asked for would be kept.
                    self._known.pop(name, None)
        return loaded

    def _check_versions(self) -> None:
        """Once: a table that is misspelt in `versions` would be read by its newest snapshot."""
        if self._versions_are_of_tables:
            return
        for written in self._options.versions:
            if self._is_absent(written):
                known = [str(name) for name in self._access.names()]
                raise ConfigurationError(
                    f"`versions` has {written!r}, which is no table here{nearest(written, known)}",
                    source=self._access.source,
                    hint="Write SCHEMA.NAME as the catalog does.",
                )
        self._versions_are_of_tables = True

    def _is_absent(self, written: str) -> bool:
        schema, _, name = written.rpartition(".")
        try:
            return self._access.table(TableName(schema, name)) is None
        except SourceError:
            return False  # It is said when it is asked for; the others can be read meanwhile.

    def _cached(self, name: TableName, oldest_seconds: float) -> Loaded | None:
        with self._lock:
            known = self._known.get(name)
            if known is None or time.monotonic() - known.at > oldest_seconds:
                return None
            return known.loaded

    def _loaded(self, name: TableName, read: IcebergTable, before: Loaded | None) -> Loaded:
        version = self._options.version_of(str(name))
        snapshot_id, schema = self._snapshot(name, read, version)
        contents = Contents(read, snapshot_id, schema)
        uuid = str(read.metadata.table_uuid)
        if before is not None and before.uuid == uuid and before.contents.holds_what(contents):
            contents = before.contents
        table = Table(name, columns_of(schema))
        return Loaded(table, uuid, contents, read.metadata.name_mapping(), read.io)

    def _snapshot(
        self, name: TableName, read: IcebergTable, version: Version
    ) -> tuple[int | None, Schema]:
        """The snapshot that a version means, and the schema that it is read by."""
        metadata = read.metadata
        if version.ref is not None and version.ref in metadata.refs:
            ref = metadata.refs[version.ref]
            # A branch goes on: it is read by the columns that the table has now.
            if ref.snapshot_ref_type == SnapshotRefType.BRANCH:
                return ref.snapshot_id, metadata.schema()
            snapshot = metadata.snapshot_by_id(ref.snapshot_id)
        elif version.snapshot is not None:
            snapshot = metadata.snapshot_by_id(version.snapshot)
        elif version.timestamp is not None:
            past = version.timestamp - datetime(1970, 1, 1, tzinfo=UTC)
            snapshot = read.snapshot_as_of_timestamp(past // timedelta(milliseconds=1))
        elif version.ref is None:
            return metadata.current_snapshot_id, metadata.schema()
        else:
            snapshot = None
        if snapshot is None:
            wanted = str(version.snapshot) if version.ref is None else version.ref
            known = metadata.refs if version.ref else (str(s.snapshot_id) for s in read.snapshots())
            meant = "" if version.timestamp is not None else nearest(wanted, known)
            raise SourceRejectedError(
                f"table {str(name)!r} has no {version}{meant}",
                source=self._access.source,
                hint="It may have expired: snapshots are kept for as long as the table says.",
            )
        then = [s for s in metadata.schemas if s.schema_id == snapshot.schema_id]
        return snapshot.snapshot_id, then[0] if then else metadata.schema()
