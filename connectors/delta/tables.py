"""The catalog of a Delta source: which folders are tables, and what their logs say.

Owns what is cached: a table's log is read once, and then what was added to it. Must not read a row.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaProtocolError, TableNotFoundError
from pyarrow.fs import SubTreeFileSystem

from connectors.contract import Column, ColumnStatistics, Statistics, Table, TableName
from connectors.delta.options import DeltaOptions
from connectors.errors import SourceRejectedError
from connectors.files.location import Location

SCHEMA = "main"

LOG = "_delta_log"

NAMES_SECONDS = 30.0
"""How old a listing may be that names all tables."""

FAR_SECONDS = 5.0
"""How old may be what is known of a log that is not on this machine, to plan by."""


@dataclass(frozen=True)
class Loaded:
    """One version of a table.

    Attributes:
        files: each with what the log says of its values, by which it may be left out.
    """

    table: Table
    version: int
    files: ds.FileSystemDataset
    statistics: Statistics


class DeltaTables:
    """Names from a listing; a table's columns from its log."""

    default_schema = SCHEMA

    def __init__(self, location: Location, options: DeltaOptions) -> None:
        self._location = location
        self._pinned = options.timestamp if options.version is None else options.version
        self._plan_seconds = 0.0 if location.near else FAR_SECONDS
        self._lock = threading.Lock()
        self._folders: tuple[Mapping[str, str], float] | None = None
        self._logs: dict[str, DeltaTable] = {}
        self._loaded: dict[str, tuple[Loaded, float]] = {}

    def names(self) -> Sequence[TableName]:
        return [TableName(SCHEMA, name) for name in self._listing(NAMES_SECONDS)]

    def find(self, name: TableName) -> Table | None:
        loaded = self._recent(name) or self.load(name)
        return loaded.table if loaded else None

    def refresh(self) -> None:
        with self._lock:
            self._folders = None
            self._logs.clear()
            self._loaded.clear()

    def known(self, name: TableName) -> Loaded | None:
        """What is cached of a table; no I/O."""
        with self._lock:
            found = self._loaded.get(name.name) if name.schema == SCHEMA else None
        return found[0] if found else None

    def load(self, name: TableName) -> Loaded | None:
        """The version that counts, as it is now: one question to the log where it is cached.

        Raises:
            SourceError: when the log cannot be read, or asks for more than is read here.
        """
        if name.schema != SCHEMA:
            return None
        folder = self._listing().get(name.name) or self._listing(0.0).get(name.name)
        if folder is None:
            return None
        with self._lock, self._location.reading(folder):
            loaded = self._looked_at(name, folder)
            if loaded is not None:
                self._loaded[name.name] = (loaded, time.monotonic())
        return loaded

    def _recent(self, name: TableName) -> Loaded | None:
        with self._lock:
            found = self._loaded.get(name.name) if name.schema == SCHEMA else None
        if found is None or time.monotonic() - found[1] > self._plan_seconds:
            return None
        return found[0]

    def _looked_at(self, name: TableName, folder: str) -> Loaded | None:
        known = self._loaded.get(name.name)
        if known is not None and self._pinned is not None:
            return known[0]
        try:
            log = self._logs.get(name.name)
            if log is None:
                log = self._opened(folder)
            else:
                log.update_incremental()
        except TableNotFoundError:
            self._logs.pop(name.name, None)
            return None
        self._logs[name.name] = log
        if known is not None and known[0].version == log.version():
            return known[0]
        try:
            return _loaded(name, log, SubTreeFileSystem(folder, self._location.arrow))
        except DeltaProtocolError as error:
            message = f"table {str(name)!r} cannot be read: {error}"
            hint = "Rewrite it without this feature, or read it through an engine that has it."
            raise SourceRejectedError(message, source=self._location.source, hint=hint) from None

    def _opened(self, folder: str) -> DeltaTable:
        log = DeltaTable(
            self._location.object_url(folder),
            storage_options=self._location.object_store_options(),
        )
        if self._pinned is not None:
            log.load_as_version(self._pinned)
        return log

    def _listing(self, oldest_seconds: float = float("inf")) -> Mapping[str, str]:
        """Folders of tables by name, as they were at most so long ago."""
        now = time.monotonic()
        with self._lock:
            if self._folders is not None and now - self._folders[1] <= oldest_seconds:
                return self._folders[0]
        with self._location.reading():
            found = _folders(self._location)
        with self._lock:
            self._folders = (found, now)
        return found


def _folders(location: Location) -> dict[str, str]:
    """The root, or the folders in it, that have a log."""
    filesystem, root = location.filesystem, location.root.rstrip("/")
    filesystem.invalidate_cache()
    if filesystem.isdir(f"{root}/{LOG}"):
        return {root.rpartition("/")[2]: root}
    folders = (str(info["name"]).rstrip("/") for info in filesystem.ls(root, detail=True))
    found = {f.rpartition("/")[2]: f for f in folders if filesystem.isdir(f"{f}/{LOG}")}
    return dict(sorted(found.items()))


def _loaded(name: TableName, log: DeltaTable, filesystem: SubTreeFileSystem) -> Loaded:
    files = log.to_pyarrow_dataset(filesystem=filesystem)
    columns = tuple(Column(f.name, f.type, f.nullable) for f in files.schema)
    return Loaded(Table(name, columns), log.version(), files, _statistics(log, files.schema))


def _statistics(log: DeltaTable, schema: pa.Schema) -> Statistics:
    """Sums of what the log says of each file; unknown where one of them says nothing."""
    adds = pa.table(log.get_add_actions(flatten=True))
    rows = _total(adds, "num_records")
    if rows is None:
        return Statistics(size_bytes=_total(adds, "size_bytes"))
    columns = {f.name: _column(adds, f, rows) for f in schema}
    width = sum(column.width_bytes or 0.0 for column in columns.values())
    return Statistics(rows, rows * width, columns)


_TEXT_BYTES = 16.0
"""Of a value of a type that has no fixed width: the log does not say."""


def _column(adds: pa.Table, field: pa.Field, rows: float) -> ColumnStatistics:
    nulls = _total(adds, f"null_count.{field.name}")
    lows, highs = _bounds(adds, f"min.{field.name}"), _bounds(adds, f"max.{field.name}")
    try:
        width = field.type.bit_width / 8
    except ValueError:
        width = _TEXT_BYTES
    return ColumnStatistics(
        null_fraction=None if nulls is None or not rows else nulls / rows,
        width_bytes=width,
        minimum=min(lows) if lows and highs else None,
        maximum=max(highs) if lows and highs else None,
    )


def _total(adds: pa.Table, column: str) -> float | None:
    if column not in adds.column_names or adds[column].null_count:
        return None
    return float(sum(adds[column].to_pylist()))


def _bounds(adds: pa.Table, column: str) -> list[Any] | None:
    """A bound of each file, where all have one."""
    if column not in adds.column_names or adds[column].null_count or not adds.num_rows:
        return None
    values: list[Any] = adds[column].to_pylist()
    return values
