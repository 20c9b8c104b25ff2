"""The catalog of a Delta source: which folders are tables, and what their logs say.

Owns what is cached: a table's log is read once, and then what was added to it; from its beginning
where it is another table's log, or is reached by other credentials. Must not read a row.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, DeltaProtocolError, TableNotFoundError
from pyarrow.fs import SubTreeFileSystem

from connectors.as_of import MOST_KEPT, AsOf, split
from connectors.contract import Column, ColumnStatistics, Statistics, Table, TableName
from connectors.delta.faults import broken_log
from connectors.delta.options import DeltaOptions
from connectors.errors import SourceRejectedError
from connectors.files.location import Location
from connectors.spread import spread

SCHEMA = "main"

LOG = "_delta_log"

NAMES_SECONDS = 30.0
"""How old a listing may be that names all tables."""

FAR_SECONDS = 5.0
"""How old may be what is known of a log that is not on this machine, to plan by."""

_TELLING = ("size", "ETag", "LastModified", "mtime", "created", "ino")
"""What a file system says of a file that changes with what is put in its place."""


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


@dataclass(frozen=True)
class _Log:
    """A log as it was opened.

    Attributes:
        access: what it was opened with; credentials expire, and its readers keep theirs.
        commit: tells the file of the newest version from any that takes its place.
        settled: it was opened at a version that no later one can take the place of.
    """

    read: DeltaTable
    access: Mapping[str, str]
    commit: str | None
    settled: bool


@dataclass(eq=False)
class _Known:
    """What is cached of a table; `asking` is held by who asks its log."""

    asking: threading.Lock
    log: _Log | None = None
    loaded: Loaded | None = None
    at: float = 0.0


class DeltaTables:
    """Names from a listing; a table's columns from its log."""

    default_schema = SCHEMA

    def __init__(self, location: Location, options: DeltaOptions) -> None:
        self._location = location
        self._pinned = options.timestamp if options.version is None else options.version
        self._plan_seconds = 0.0 if location.near else FAR_SECONDS
        # Never held while a log is asked: what one table waits for is nothing to the others.
        self._lock = threading.Lock()
        self._folders: tuple[Mapping[str, str], float] | None = None
        self._known: dict[str, _Known] = {}

    def names(self) -> Sequence[TableName]:
        return [TableName(SCHEMA, name) for name in self._listing(NAMES_SECONDS)]

    def kinds(self) -> Mapping[TableName, str]:
        return dict.fromkeys(self.names(), "TABLE")

    def find(self, name: TableName) -> Table | None:
        loaded = self._recent(name) or self.load(name)
        return loaded.table if loaded else None

    def refresh(self) -> None:
        with self._lock:
            self._folders = None
            self._known.clear()

    def known(self, name: TableName) -> Loaded | None:
        """What is cached of a table; no I/O."""
        return self._cached(name, float("inf"))

    def load(self, name: TableName) -> Loaded | None:
        """The version that counts, as it is now: two questions to the log where it is cached.

        Raises:
            SourceError: when the log cannot be read, or asks for more than is read here.
        """
        if name.schema != SCHEMA:
            return None
        written, as_of = split(name.name)
        folder = self._listing().get(written) or self._listing(0.0).get(written)
        if folder is None:
            return None
        pinned = self._pinned if as_of is None else self._number_or_time(name, as_of)
        with self._lock:
            known = self._known.setdefault(name.name, _Known(threading.Lock()))
            for old in [each for each in self._known if split(each)[1]][:-MOST_KEPT]:
                del self._known[old]
        with known.asking, self._location.reading(folder):
            log, loaded = self._looked_at(name, folder, known, pinned)
            with self._lock:
                known.log, known.loaded, known.at = log, loaded, time.monotonic()
                if loaded is None:  # Gone since it was listed.
                    self._folders = None
        return loaded

    def _recent(self, name: TableName) -> Loaded | None:
        return self._cached(name, self._plan_seconds)

    def _cached(self, name: TableName, oldest_seconds: float) -> Loaded | None:
        with self._lock:
            known = self._known.get(name.name) if name.schema == SCHEMA else None
            if known is None or time.monotonic() - known.at > oldest_seconds:
                return None
            return known.loaded

    def _looked_at(
        self, name: TableName, folder: str, known: _Known, pinned: int | datetime | None
    ) -> tuple[_Log | None, Loaded | None]:
        access = self._location.object_store_options()
        log, loaded = known.log, known.loaded
        if log is not None and (
            log.access != access or log.commit != self._commit(folder, log.read.version())
        ):
            log = loaded = None
        if log is not None and loaded is not None and log.settled:
            return log, loaded
        # What is the newest at a moment that has not passed may not be, then.
        settled = isinstance(pinned, int) or (pinned is not None and pinned < datetime.now(UTC))
        try:
            if log is None or pinned is not None:
                read = self._opened(folder, access, pinned)
            else:
                read = log.read
                read.update_incremental()
        except TableNotFoundError:
            return None, None
        except DeltaError as error:
            if (broken := broken_log(self._location, f"{folder}/{LOG}", error)) is not None:
                raise broken from None
            raise
        if log is not None and loaded is not None and loaded.version == read.version():
            return replace(log, settled=settled), loaded
        log = _Log(read, access, self._commit(folder, read.version()), settled)
        try:
            files = SubTreeFileSystem(folder, self._location.arrow)
            return log, _loaded(name, read, files)
        except DeltaProtocolError as error:
            message = f"table {str(name)!r} cannot be read: {error}"
            hint = "Rewrite it without this feature, or read it through an engine that has it."
            raise SourceRejectedError(message, source=self._location.source, hint=hint) from None

    def _number_or_time(self, name: TableName, as_of: AsOf) -> int | datetime | None:
        if as_of.ref is None:
            return as_of.version if as_of.timestamp is None else as_of.timestamp
        raise SourceRejectedError(
            f"table {str(name)!r}: the versions of a Delta table have numbers, and no names",
            source=self._location.source,
            hint="Write FOR VERSION AS OF 3, or FOR TIMESTAMP AS OF '2026-01-31 12:00:00+00'.",
        )

    def _opened(
        self, folder: str, access: Mapping[str, str], pinned: int | datetime | None
    ) -> DeltaTable:
        url = self._location.object_url(folder)
        read = DeltaTable(url, storage_options=dict(access))
        newest = read.version()
        if isinstance(pinned, int) and pinned > newest:
            message = f"{self._location.relative(folder)!r} has no version {pinned}"
            hint = f"The newest is {newest}."
            raise SourceRejectedError(message, source=self._location.source, hint=hint)
        if pinned is not None:
            read.load_as_version(pinned)
        if isinstance(pinned, datetime) and self._is_younger(folder, read.version(), pinned):
            message = f"{self._location.relative(folder)!r} has no version of {pinned.isoformat()}"
            hint = "The table is younger, or its log has been cleared of what is older."
            raise SourceRejectedError(message, source=self._location.source, hint=hint)
        return read

    def _is_younger(self, folder: str, version: int, moment: datetime) -> bool:
        """Whether a version was made after a moment, and is the oldest that the log has: that one
        is what its readers take for any moment before it."""
        if version and self._commit(folder, version - 1) is not None:
            return False
        try:
            written = self._location.filesystem.cat_file(f"{folder}/{LOG}/{version:020}.json")
        except FileNotFoundError:
            return False
        for line in written.splitlines():
            if b'"commitInfo"' in line and (commit := json.loads(line).get("commitInfo")):
                made = commit.get("inCommitTimestamp", commit.get("timestamp"))
                return made is not None and datetime.fromtimestamp(made / 1000, UTC) > moment
        return False

    def _commit(self, folder: str, version: int) -> str | None:
        """What tells a version's file in the log from another; None where it is not there.

        A table that was dropped and made again has the same versions, and other files.
        """
        filesystem, log = self._location.filesystem, f"{folder}/{LOG}"
        filesystem.invalidate_cache(log)
        try:
            info = filesystem.info(f"{log}/{version:020}.json")
        except FileNotFoundError:
            return None
        return repr([info.get(key) for key in _TELLING])

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
    _refuse_mapped_columns(log)
    files = _files(log, filesystem)
    columns = tuple(Column(f.name, f.type, f.nullable) for f in files.schema)
    return Loaded(Table(name, columns), log.version(), files, _statistics(log, files.schema))


def _refuse_mapped_columns(log: DeltaTable) -> None:
    """Its reader finds no column that has another name in the files, and reads NULL for it.

    It refuses the feature where the log lists features (readers of version 3), not before.
    """
    mode = log.metadata().configuration.get("delta.columnMapping.mode", "none")
    if mode != "none" and log.protocol().min_reader_version >= 2:
        raise DeltaProtocolError(f"its columns are mapped (columnMapping) by {mode}")


_DOUBLE_DIGITS = 15
"""Decimal digits that a double holds exactly."""


def _files(log: DeltaTable, filesystem: SubTreeFileSystem) -> ds.FileSystemDataset:
    """The files, each with those bounds of its values that are true.

    The log has numbers as JSON, which its readers and writers take for doubles: a decimal of many
    digits is rounded, and NaN or a number that is too long for its type becomes a NULL.
    """
    schema = pa.schema(log.schema().to_arrow())
    partitions = log.metadata().partition_columns
    exact = pa.schema([f for f in schema if f.name in partitions or _is_exact(f.type)])
    files = log.to_pyarrow_dataset(filesystem=filesystem, schema=exact)
    return ds.FileSystemDataset(list(files.get_fragments()), schema, files.format, filesystem)


def _is_exact(type_: pa.DataType) -> bool:
    if pa.types.is_decimal(type_):
        return bool(type_.precision <= _DOUBLE_DIGITS)
    return not pa.types.is_floating(type_)


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
        spread=spread(lows, highs) if lows and highs else None,
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
