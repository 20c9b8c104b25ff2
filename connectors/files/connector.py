"""A source of files: its catalog, its scans, and its tables in the engine.

Owns what is cached and when it is asked again. What differs between file systems is in `location`,
what differs between formats in `formats`.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds

from connectors.contract import (
    Capabilities,
    Column,
    Fragment,
    Ping,
    Statistics,
    Table,
    TableName,
    TableScan,
)
from connectors.errors import SourceRejectedError, SourceSchemaChangedError, UnsupportedError
from connectors.far_reads import Gaps
from connectors.faults import Fault
from connectors.files import listing
from connectors.files.dataset import FilesDataset
from connectors.files.faults import faults
from connectors.files.formats import FORMATS
from connectors.files.gaps import Between, WithoutGaps
from connectors.files.inference import csv_types
from connectors.files.listing import Contents, Entry
from connectors.files.location import Location
from connectors.files.options import FilesOptions
from connectors.files.remembered import (
    forget_table,
    forget_what_changed,
    register_again,
    register_kept,
)
from connectors.files.replaced import refuse_replaced
from connectors.files.scan import FileBatches, Target, width_bytes
from connectors.files.shapes import Registration, Shape
from connectors.notes import Note

if TYPE_CHECKING:
    import datafusion

SCHEMA = "main"
SCANS = frozenset({"read", "filter", "project", "fetch"})

HELD_BYTES = 128 << 20
"""Of row groups of a table that is far, as they are written, that the engine reads at once."""


@dataclass(frozen=True)
class Loaded:
    """A table as its files were when they were last looked at."""

    entry: Entry
    contents: Contents
    shape: Shape
    partitions: tuple[tuple[str, pa.DataType], ...]

    @cached_property
    def table(self) -> Table:
        columns = [Column(f.name, f.type, f.nullable) for f in self.shape.schema]
        nulls = {k for file in self.contents.files for k, text in file.partition if text is None}
        columns += [Column(name, type_, nullable=name in nulls) for name, type_ in self.partitions]
        return Table(TableName(SCHEMA, self.entry.name), tuple(columns))

    @cached_property
    def statistics(self) -> Statistics:
        return self.shape.statistics()

    @cached_property
    def most_reads(self) -> int:
        """How many row groups the engine may hold at once: each of them whole, as it is written."""
        groups = sum(metadata.num_row_groups for metadata, _ in self.shape.footers.values())
        size_bytes = sum(file.size_bytes or 0 for file in self.shape.footers)
        return max(1, int(HELD_BYTES * groups / size_bytes)) if size_bytes else 1

    @cached_property
    def between(self) -> Between | None:
        """What lies between its columns; None where both readers may not read them alike."""
        if self.contents.format != "parquet" or self.partitions or not self.shape.native:
            return None
        footers = [self.shape.footers[file] for file in self.shape.files]
        return Between(self.shape.schema, footers) if footers else None


class FilesConnector:
    """A source over the files below a root. Constructing one does no I/O."""

    def __init__(self, name: str, options: FilesOptions) -> None:
        self.name = name
        self._csv = options.csv
        self._location = Location(name, options.root, options.storage_options)
        self._tables = FileTables(self._location, options)
        native, near = self._location.native, self._location.near
        self.capabilities = Capabilities(None, SCANS, native=native, local=near)
        self.identity = f"files:{self._location.shown}"

    def __repr__(self) -> str:
        return f"FilesConnector({self.name!r}, {self._location.shown!r})"

    def tables(self) -> FileTables:
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        loaded = self._tables.known(table) or self._tables.load(table)
        if loaded is None:
            return Statistics()
        return loaded.statistics

    def notes(self) -> Sequence[Note]:
        """See `connectors.notes`: tables that were given, and are not there."""
        return self._tables.notes()

    def execute(self, fragment: Fragment, deadline: float | None) -> FileBatches:
        scan = fragment.query
        if not isinstance(scan, TableScan):
            raise UnsupportedError("a files source runs table scans only", source=self.name)
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

    def ping(self, answer_bytes: int = 0) -> Ping | None:
        """See `connectors.contract.Pings`: the first bytes of a file. None where there is none."""
        path = self._tables.some_file()
        if path is None or self._location.near:
            return None
        with self._location.reading(path):
            started = time.perf_counter()
            answer = self._location.filesystem.cat_file(path, start=0, end=max(1, answer_bytes))
            seconds = time.perf_counter() - started
        return Ping(seconds, 1, len(answer) if answer_bytes else 0)

    def register(
        self,
        context: datafusion.SessionContext,
        name: str,
        table: TableName,
        *,
        views: Set[str] = frozenset(),
    ) -> Callable[[], None]:
        """Make `table` readable in `context`, by the engine's reader where that reads it exactly.

        Elsewhere the same files are read by Arrow: JSON lines, Arrow files whose texts are not
        plain strings, and folders in which hidden files have the suffix of the data.
        """
        begun = time.monotonic()
        loaded = self._tables.load(table)
        if loaded is None:
            raise self._gone(table)
        contents, shape, entry = loaded.contents, loaded.shape, loaded.entry
        unchanged = partial(refuse_replaced, self._location, table, entry, contents, begun)
        apart = contents.stray and shape.arrow is None
        if not self._engine_reads(loaded):
            width = width_bytes(loaded.statistics, loaded.table.schema.names)
            files = FilesDataset(self._location, table, self._dataset(loaded), width)
            context.register_dataset(name, files)
            return unchanged
        with self._location.reading(entry.path):
            self._location.introduce(context, entry.path)
            uri = self._location.uri(entry.path, folder=entry.folder)
            if register_again(context, name, uri, contents, frozenset(views)):
                return unchanged
            scheme, _, rest = uri.partition("://")
            store = f"{scheme}://{rest.partition('/')[0]}"
            within = self._location.within_store
            forget_what_changed(context, store, {within(f.path): f for f in contents.files})
            apart_files = tuple((self._location.uri(f.path), f.partition) for f in contents.files)

            def register(as_name: str, at: str) -> None:
                FORMATS[contents.format].register(
                    Registration(
                        context,
                        as_name,
                        at,
                        shape.schema,
                        contents.suffix,
                        loaded.partitions,
                        self._csv,
                        apart_files if apart else (),
                        views,
                    )
                )

            outlines = self._location.outlines
            if (
                outlines is None
                or contents.format != "parquet"
                or not register_kept(
                    context,
                    name,
                    uri,
                    contents,
                    frozenset(views),
                    loaded.statistics.rows,
                    register,
                    lambda: outlines.drawn(entry.path, contents.files),
                )
            ):
                register(name, uri)
            return unchanged

    def _engine_reads(self, loaded: Loaded) -> bool:
        """Whether the engine's own reader reads a table, and not Arrow's."""
        shape = loaded.shape
        if not (self.capabilities.native and shape.native and shape.files):
            return False
        return not loaded.contents.stray or shape.arrow is None

    def most_reads(self, table: TableName) -> int:
        """See `connectors.far_reads`: of Parquet files, as far as their row groups are small."""
        loaded = self._tables.known(table)
        if loaded is None or self._location.near or not self.capabilities.native:
            return 1
        return loaded.most_reads

    def gaps(self, table: TableName, columns: Sequence[str]) -> Gaps | None:
        """See `connectors.far_reads`."""
        loaded = self._tables.known(table)
        return None if loaded is None else self._gaps(loaded, columns)

    def _gaps(self, loaded: Loaded, columns: Sequence[str]) -> Gaps | None:
        if not (self._location.arrows_own and self.capabilities.native) or loaded.between is None:
            return None
        return loaded.between.of(columns)

    def register_without_gaps(
        self,
        context: datafusion.SessionContext,
        name: str,
        table: TableName,
        columns: Sequence[str],
        reads: int,
    ) -> Callable[[], None]:
        """See `connectors.far_reads`."""
        begun = time.monotonic()
        loaded = self._tables.load(table)
        if loaded is None:
            raise self._gone(table)
        if self._gaps(loaded, columns) is None:
            return self.register(context, name, table)
        footers = {file.path: loaded.shape.footers[file][0] for file in loaded.shape.files}
        width, files = width_bytes(loaded.statistics, columns), self._dataset(loaded)
        without = WithoutGaps(self._location, table, files, footers, width, reads)
        context.register_dataset(name, without)
        return partial(refuse_replaced, self._location, table, loaded.entry, loaded.contents, begun)

    def faults(
        self,
        table: TableName,
        columns: Sequence[str],
        fits: Callable[[str], bool],
        ended: Callable[[], bool],
    ) -> Iterator[Fault]:
        """See `connectors.faults`."""
        loaded = self._tables.known(table)
        if loaded is None or not self._engine_reads(loaded):
            return iter(())
        return faults(
            self._location, loaded.contents, loaded.shape, self._csv, columns, fits, ended
        )

    def close(self) -> None:
        self._tables.refresh()
        if self._location.outlines is not None:
            self._location.outlines.close()

    def _target(self, scan: TableScan, schema: pa.Schema) -> Target:
        """The files as they are now. Runs in a reading thread: it asks the file system."""
        loaded = self._tables.load(scan.table)
        if loaded is None:
            raise self._gone(scan.table)
        declared = loaded.table.schema
        known = set(declared.names)
        now = pa.schema([declared.field(c) for c in scan.columns if c in known])
        if now != schema:
            message = f"table {str(scan.table)!r} has other columns than when it was planned"
            raise SourceSchemaChangedError(message, source=self.name)
        fragments = self._dataset(loaded).get_fragments() if loaded.shape.files else ()
        return Target(declared, tuple(fragments), width_bytes(loaded.statistics, scan.columns))

    def _dataset(self, loaded: Loaded) -> ds.Dataset:
        schema = loaded.table.schema
        files = loaded.shape.files
        if not files:
            return ds.dataset(schema.empty_table())
        given = {name for name, _ in loaded.partitions}
        arrow = loaded.shape.arrow
        if arrow is None:
            message = f"the engine reads {loaded.contents.format} files, and nobody else"
            raise UnsupportedError(message, source=self.name)
        filesystem = self._location.arrow
        fragments = [
            arrow.make_fragment(
                file.path, filesystem, _partition_filter(file.partition, given, schema)
            )
            for file in files
        ]
        return ds.FileSystemDataset(fragments, schema, arrow, filesystem=filesystem)

    def _check_filter(self, scan: TableScan, schema: pa.Schema) -> None:
        """Refuse a filter that Arrow cannot run, before any I/O."""
        try:
            ds.dataset(schema.empty_table()).scanner(filter=scan.filter)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            message = f"this filter cannot run on {str(scan.table)!r}: {error}"
            raise UnsupportedError(message, source=self.name) from None

    def _gone(self, table: TableName) -> SourceSchemaChangedError:
        return SourceSchemaChangedError(f"table {str(table)!r} is gone", source=self.name)


NAMES_SECONDS = 30.0
"""How old a listing may be that names all tables."""

NEW_SECONDS = 2.0
"""How old a listing may be that says that there is no such table."""

FAR_SECONDS = 5.0
"""How old may be what is known of files that are not on this machine, to plan by. What runs looks
again, and a plan whose table has other columns by then fails, and says so."""


class FileTables:
    """The catalog: names from one listing, a schema for each table that is asked for."""

    default_schema = SCHEMA

    def __init__(self, location: Location, options: FilesOptions) -> None:
        self._location = location
        self._options = options
        self._lock = threading.Lock()
        self._entries: Mapping[str, tuple[Entry, ...]] | None = None
        self._listed_at = 0.0
        self._names: tuple[Mapping[str, tuple[Entry, ...]], list[TableName]] | None = None
        self._loaded: dict[str, tuple[Loaded, float]] = {}
        self._places: dict[str, Entry] = {}  # Of tables of which something may be kept elsewhere.
        self._plan_seconds = 0.0 if location.near else FAR_SECONDS

    def names(self) -> Sequence[TableName]:
        found = self._listing(NAMES_SECONDS)
        known = self._names
        if known is None or known[0] is not found:
            with self._location.reading():
                names = [name for name in found if listing.claims(self._location, found[name])]
            known = self._names = found, [TableName(SCHEMA, name) for name in names]
        return known[1]

    def notes(self) -> Sequence[Note]:
        given = self._options.tables
        there = {name.name for name in self.names()} if given else set()
        redact, shown = self._location.redact, self._location.shown
        return [
            Note(f"no data file matches {redact(path)!r} in {shown!r}", TableName(SCHEMA, name))
            for name, path in given.items()
            if name not in there
        ]

    def kinds(self) -> Mapping[TableName, str]:
        return dict.fromkeys(self.names(), "TABLE")

    def find(self, name: TableName) -> Table | None:
        loaded = self._recent(name) or self.load(name)
        return loaded.table if loaded else None

    def some_file(self) -> str | None:
        """One that a table is made of, or None."""
        with self._lock:
            known = [loaded.contents.files for loaded, _ in self._loaded.values()]
        if files := next((files for files in known if files), None):
            return files[0].path
        entries = (entry for found in self._listing().values() for entry in found)
        with self._location.reading():
            return listing.some_file(self._location, entries)

    def refresh(self) -> None:
        with self._lock:
            self._entries = None
            self._loaded.clear()

    def known(self, name: TableName) -> Loaded | None:
        """What is cached of a table; no I/O."""
        with self._lock:
            found = self._loaded.get(name.name) if name.schema == SCHEMA else None
        return found[0] if found else None

    def _recent(self, name: TableName) -> Loaded | None:
        """What is cached of a table, if it is good enough to plan by."""
        with self._lock:
            found = self._loaded.get(name.name) if name.schema == SCHEMA else None
        if found is None or time.monotonic() - found[1] > self._plan_seconds:
            return None
        return found[0]

    def load(self, name: TableName) -> Loaded | None:
        """The table as it is now: one question to the file system, and its schema if it changed.

        Raises:
            SourceError: when the files cannot be listed or read, or two of them have the name.
        """
        if name.schema != SCHEMA:
            return None
        # A table that is not listed may be new: then the listing must be.
        claims = self._listing().get(name.name) or self._listing(NEW_SECONDS).get(name.name)
        if claims and len(claims) > 1:
            with self._location.reading():
                claims = listing.claims(self._location, claims)
        if not claims:
            return None
        if len(claims) > 1:
            paths = " and ".join(repr(self._location.relative(entry.path)) for entry in claims)
            message = f"table {name.name!r} is ambiguous: {paths} have this name"
            raise SourceRejectedError(message, source=self._location.source)
        entry, known = claims[0], self.known(name)
        with self._location.reading(entry.path):
            try:
                contents = listing.contents(self._location, entry)
            except FileNotFoundError:
                self._forget(name.name)
                return None
            dated = all(file.version for file in contents.files)
            if known is not None and known.contents == contents and dated:
                self._keep(name, known)
                return known
            before = known.shape if known is not None else None
            read = FORMATS[contents.format].read
            shape = read(self._location, contents, self._options.csv, before)
        loaded = Loaded(entry, contents, shape, _partitions(contents, shape.schema))
        self._keep(name, loaded)
        return loaded

    def _keep(self, name: TableName, loaded: Loaded) -> None:
        with self._lock:
            self._loaded[name.name] = (loaded, time.monotonic())
            self._places[name.name] = loaded.entry

    def _listing(self, oldest_seconds: float = math.inf) -> Mapping[str, tuple[Entry, ...]]:
        """What lies under the root, as it was at most so long ago."""
        now = time.monotonic()
        with self._lock:
            if self._entries is not None and now - self._listed_at <= oldest_seconds:
                return self._entries
        with self._location.reading():
            given = self._options.tables
            found = (
                listing.named(self._location, given) if given else listing.entries(self._location)
            )
        with self._lock:
            self._entries, self._listed_at = found, now
            gone = self._places.keys() - found.keys()
        for name in gone:
            self._forget(name)
        return found

    def _forget(self, name: str) -> None:
        """A table that is gone, and all that was kept of it here and in the engine's sessions."""
        with self._lock:
            loaded, _ = self._loaded.pop(name, (None, 0.0))
            entry = self._places.pop(name, None)
        if entry is not None and self._location.outlines is not None:
            files = loaded.contents.files if loaded is not None else ()
            self._location.outlines.forget(entry.path, files)
            forget_table(self._location.uri(entry.path, folder=entry.folder))


def _partitions(contents: Contents, schema: pa.Schema) -> tuple[tuple[str, pa.DataType], ...]:
    """The columns that the folders give: whole numbers where all are, else text, as `k=` is."""
    keys = [key for key, _ in contents.files[0].partition]
    texts = [[value for _, value in file.partition] for file in contents.files]
    blank = [any(text == "" for text in column) for column in zip(*texts, strict=True)]
    types = [
        type_ if type_ == pa.int64() and not empty else pa.string()
        for type_, empty in zip(csv_types(texts, len(keys)), blank, strict=True)
    ]
    # A writer may repeat the partition columns in its files: there they count.
    return tuple((k, t) for k, t in zip(keys, types, strict=True) if k not in schema.names)


def _partition_filter(
    partition: listing.Partition, given: Set[str], schema: pa.Schema
) -> ds.Expression:
    """What holds for every row of a file, which gives Arrow the values of the `given` columns."""
    known = ds.scalar(True)
    for key, text in partition:
        if key not in given:  # The file has it.
            continue
        if text is None:
            known = known & ds.field(key).is_null()
        else:
            known = known & (ds.field(key) == pa.scalar(text).cast(schema.field(key).type))
    return known
