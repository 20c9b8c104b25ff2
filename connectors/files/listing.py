"""Which files are tables. Owns names, suffixes and partition folders; must not read a file.

root/
├── orders.parquet            orders
├── events/                   events
│   ├── year=2024/a.parquet             with a column `year`
│   └── year=2025/b.parquet
├── clicks.jsonl.zst          clicks
├── notes.csv, notes.jsonl    notes: an error, once it is used
└── _SUCCESS, .part.crc       nothing

Or each table by its name: a file, a folder or a pattern below the root.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from connectors.errors import SourceRejectedError
from connectors.files.location import Location

SUFFIXES: Mapping[str, str] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
    ".avro": "avro",
}
"""The format that a suffix means."""

COMPRESSIONS: Mapping[str, str] = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
"""How text is compressed whose suffix is followed by another."""

_COMPRESSED = ("csv", "json")

_WILD = "*?["
"""What makes a path a pattern."""

_LOOKED_INTO = 4
"""Folders, and folders within one, that are looked into for any file there is."""

NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""The folder of the rows whose partition column is NULL, as Hive and Spark write it."""

Partition = tuple[tuple[str, str | None], ...]
"""`(column, text)` of the folders that a file lies in; None is NULL."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file with rows.

    Attributes:
        size_bytes: None where the file system does not say.
        version: what the file system says of its age; another version is another content. Empty
            where it says nothing: then it may be another content at any time.
        modified: of that, when it was last written; empty where it is not said.
        inode: by which a file system tells it from one that takes its name; None where it does not.
    """

    path: str
    size_bytes: int | None
    version: str
    modified: str = ""
    partition: Partition = ()
    inode: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, a folder of files, or those that a pattern matches, that is a table by its name."""

    name: str
    path: str
    folder: bool
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """What an entry holds now. Equal contents: nothing was written since.

    Attributes:
        suffix: as written, common to all files.
        stray: not what a reader takes it for that goes by folder and suffix alone: there are files
            with this suffix that are not part of the table (hidden ones), or partitions of NULL.
    """

    files: tuple[DataFile, ...]
    suffix: str
    stray: bool = False

    @property
    def format(self) -> str:
        return SUFFIXES[self.suffix.lower().removesuffix(_packing(self.suffix))]


def entries(location: Location) -> dict[str, tuple[Entry, ...]]:
    """Every name under the root with the entries that may claim it: folders may hold no data."""
    if not location.lists:
        return _unlisted(location, {})
    filesystem, root = location.filesystem, location.root
    filesystem.invalidate_cache()
    found: dict[str, list[Entry]] = {}
    for info in filesystem.ls(root, detail=True):
        path = str(info["name"])
        itself = path.rstrip("/") == root.rstrip("/")
        if itself and not (info["type"] == "file" and info.get("size")):
            continue  # S3's marker of a folder.
        base = path.rstrip("/").rpartition("/")[2]
        folder = info["type"] == "directory"
        suffix = _suffix(base)
        if itself and not suffix:
            message = f"root {location.shown!r} is a file of no known format"
            raise SourceRejectedError(message, source=location.source)
        if (_ignored(base) and not itself) or not (folder or suffix):
            continue
        name = base.removesuffix(suffix) if suffix else base
        found.setdefault(name, []).append(Entry(name, path.rstrip("/"), folder))
    return {name: tuple(sorted(e, key=lambda e: e.path)) for name, e in sorted(found.items())}


def named(location: Location, tables: Mapping[str, str]) -> dict[str, tuple[Entry, ...]]:
    """The entries of tables that are given by name and path or pattern; those that exist."""
    if not location.lists:
        return _unlisted(location, tables)
    filesystem, root = location.filesystem, location.root.rstrip("/")
    filesystem.invalidate_cache()
    found: dict[str, tuple[Entry, ...]] = {}
    for name, below in sorted(tables.items()):
        path = f"{root}/{below}"
        if any(letter in below for letter in _WILD):
            found[name] = (Entry(name, path, folder=False, pattern=True),)
            continue
        if not filesystem.exists(path):
            continue
        folder = filesystem.isdir(path)
        if not (folder or _suffix(path)):
            message = f"{location.relative(path)!r} is a file of no known format"
            raise SourceRejectedError(message, source=location.source)
        found[name] = (Entry(name, path, folder),)
    return found


def _unlisted(location: Location, tables: Mapping[str, str]) -> dict[str, tuple[Entry, ...]]:
    """The files of a place that lists none. Whether one is there is seen when it is asked for."""
    root = location.root.rstrip("/")
    urls = {name: f"{root}/{below}" for name, below in tables.items()}
    if not urls:
        base = root.rpartition("/")[2]
        urls[unquote(base.removesuffix(_suffix(base)))] = root
    for url in urls.values():
        if not _suffix(url) or any(letter in url for letter in _WILD):
            what = f"{location.relative(url)!r}" if tables else f"root {location.shown!r}"
            message = f"{what} is no file of a known format, and folders are not listed over HTTP"
            hint = 'Name the files: tables = { name = "path/below/the/root.parquet" }.'
            raise SourceRejectedError(message, source=location.source, hint=hint)
    with suppress(FileNotFoundError):  # Of the others nothing is asked yet.
        location.look(next(iter(urls.values())))
    return {name: (Entry(name, url, folder=False),) for name, url in sorted(urls.items())}


def claims(location: Location, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Those that are tables, asked now; more than one of a name is ambiguous."""

    def holds_data(entry: Entry) -> bool:
        if entry.pattern:
            return bool(_matches(location, entry))
        return not entry.folder or any(map(_suffix, location.filesystem.find(entry.path)))

    return tuple(filter(holds_data, entries))


def some_file(location: Location, entries: Iterable[Entry]) -> str | None:
    """A file with rows, by few questions: one is there already, or in one of the first folders."""
    folders: list[str] = []
    for entry in entries:
        if not (entry.folder or entry.pattern):
            return entry.path
        if entry.folder and len(folders) < _LOOKED_INTO:
            folders.append(entry.path)
    for folder in folders:
        for _ in range(_LOOKED_INTO):
            infos = location.filesystem.ls(folder, detail=True)
            named = [(str(info["name"]).rstrip("/"), info) for info in infos]
            seen = [(path, i) for path, i in named if not _ignored(path.rpartition("/")[2])]
            for path, info in seen:
                if info["type"] == "file" and info.get("size") and _suffix(path):
                    return path
            within = (path for path, info in seen if info["type"] == "directory")
            folder = next(within, "")
            if not folder:
                break
    return None


def contents(location: Location, entry: Entry) -> Contents:
    """The files of `entry`, asked now.

    Raises:
        FileNotFoundError: when the entry is gone.
        SourceRejectedError: for a folder that is not one table.
    """
    filesystem = location.filesystem
    filesystem.invalidate_cache(entry.path)
    # Some look a file up in what they remember of its folder.
    filesystem.invalidate_cache(entry.path.rpartition("/")[0])
    if entry.pattern:
        return _matched(location, entry)
    if not entry.folder:
        info = location.look(entry.path)
        return Contents((data_file(info, ()),), _suffix(entry.path))
    infos = filesystem.find(entry.path, detail=True)
    files, strays = [], []
    for path, info in sorted(infos.items()):
        *folders, base = _below(entry.path, str(path)).split("/")
        if "_delta_log" in folders:
            reason = 'is a Delta table: read it by a source with connector = "delta"'
            raise _rejected(location, entry, reason)
        if not _suffix(base):
            continue
        if any(_ignored(part) for part in (*folders, base)):
            strays.append(base)
        elif info.get("size") != 0:  # Writers leave empty part files behind.
            files.append(data_file(info, _partition(location, entry, folders)))
    stray_suffixes = {_suffix(stray) for stray in strays}
    return _one_table(location, entry, files, lambda suffix: suffix in stray_suffixes)


def _matched(location: Location, entry: Entry) -> Contents:
    """The files that a pattern matches; those in a folder that it matches are not."""
    files = [
        data_file(info, _partition(location, entry, [f for f in folders if "=" in f.strip("=")]))
        for folders, info in _matches(location, entry)
    ]
    # The engine's readers go by folder and suffix, not by pattern.
    return _one_table(location, entry, files, lambda _suffix: True)


def _matches(location: Location, entry: Entry) -> list[tuple[list[str], Mapping[str, Any]]]:
    """The folders below the root that each file is in, and what the file system says of it."""
    root = location.root.rstrip("/")
    # The root is no pattern, whatever letters are in it.
    pattern = f"{glob.escape(root)}/{_below(root, entry.path)}"
    found = []
    for path, info in sorted(location.filesystem.glob(pattern, detail=True).items()):
        *folders, base = _below(root, str(path)).split("/")
        if info["type"] == "file" and _suffix(base) and not _ignored(base) and info.get("size"):
            found.append((folders, info))
    return found


def _one_table(
    location: Location, entry: Entry, files: list[DataFile], stray: Callable[[str], bool]
) -> Contents:
    if not files:
        raise FileNotFoundError(entry.path)
    suffixes = {_suffix(file.path): file.path for file in reversed(files)}
    if len(suffixes) > 1:
        names = " and ".join(repr(location.relative(p)) for p in sorted(suffixes.values())[:2])
        raise _rejected(location, entry, f"holds files of more than one format: {names}")
    if len({tuple(key for key, _ in file.partition) for file in files}) > 1:
        raise _rejected(location, entry, "has partition folders that differ from file to file")
    suffix = next(iter(suffixes))
    # Nor do they read a folder without a value as NULL.
    nulls = any(value is None for file in files for _, value in file.partition)
    return Contents(tuple(files), suffix, nulls or stray(suffix))


def data_file(info: Mapping[str, Any], partition: Partition) -> DataFile:
    """What a file system says of a file."""
    # Whatever of these it tells; an inode shows a file that was put in another's place.
    tags = ("ETag", "etag", "sha", "CRC", "ino")
    times = ("mtime", "LastModified", "last_modified", "modified", "modify", "modificationTime")
    keys = (*tags, *times, "updated", "created")
    version = " ".join(str(info[key]) for key in keys if info.get(key) is not None)
    modified = next((str(info[key]) for key in times if info.get(key) is not None), "")
    size = None if info.get("size") is None else int(info["size"])
    inode = info.get("ino")
    return DataFile(str(info["name"]), size, version, modified, partition, inode)


def _partition(location: Location, entry: Entry, folders: Iterable[str]) -> Partition:
    pairs: list[tuple[str, str | None]] = []
    for folder in folders:
        key, equals, value = folder.partition("=")
        if not (key and equals):
            raise _rejected(location, entry, f"has a folder {folder!r} that is not `column=value`")
        pairs.append((key, None if value == NO_PARTITION else unquote(value)))
    return tuple(pairs)


def _below(folder: str, path: str) -> str:
    return path.removeprefix(folder).lstrip("/")


def compression(path: str) -> str | None:
    """How a file is compressed, as Arrow names it; None for one that is not.

    >>> compression("a/t.CSV.zst"), compression("t.csv")
    ('zstd', None)
    """
    return COMPRESSIONS.get(_packing(path))


def _packing(path: str) -> str:
    """The suffix of a compressed file that comes after the one of its format, or ""."""
    return next((end for end in COMPRESSIONS if path.lower().endswith(end)), "")


def _suffix(path: str) -> str:
    """The suffix of a data file as it is written there, or ""."""
    packed = _packing(path)
    match = re.search(r"\.[a-z]+$", path[: len(path) - len(packed)], re.IGNORECASE)
    format_ = SUFFIXES.get(match[0].lower()) if match else None
    if match is None or format_ is None or (packed and format_ not in _COMPRESSED):
        return ""
    return path[match.start() :]


def _ignored(base: str) -> bool:
    return base.startswith((".", "_"))


def _rejected(location: Location, entry: Entry, reason: str) -> SourceRejectedError:
    kind = "pattern" if entry.pattern else "folder"
    return SourceRejectedError(
        f"{kind} {location.relative(entry.path)!r} {reason}", source=location.source
    )
