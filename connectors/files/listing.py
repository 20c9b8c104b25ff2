"""Which files are tables. Owns names, suffixes and partition folders; must not read a file.

root/
├── orders.parquet            orders
├── events/                   events
│   ├── year=2024/a.parquet             with a column `year`
│   └── year=2025/b.parquet
├── notes.csv, notes.jsonl    notes: an error, once it is used
└── _SUCCESS, .part.crc       nothing
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from connectors.errors import SourceRejectedError
from connectors.files.location import Location

SUFFIXES: Mapping[str, str] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
}
"""The format that a suffix means."""

NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file with rows.

    Attributes:
        size_bytes: None where the file system does not say.
        version: what the file system says of its age; another version is another content. Empty
            where it says nothing: then it may be another content at any time.
        partition: `(column, text)` of the folders that it lies in.
    """

    path: str
    size_bytes: int | None
    version: str
    partition: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a folder of files, that is a table by its name."""

    name: str
    path: str
    folder: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What an entry holds now. Equal contents: nothing was written since.

    Attributes:
        suffix: as written, common to all files.
        stray: files with this suffix that are not part of the table (hidden ones), which a reader
            that goes by suffix alone would take for data.
    """

    files: tuple[DataFile, ...]
    suffix: str
    stray: bool = False

    @property
    def format(self) -> str:
        return SUFFIXES[self.suffix.lower()]


def entries(location: Location) -> dict[str, tuple[Entry, ...]]:
    """Every name under the root with the entries that claim it; more than one is ambiguous."""
    filesystem, root = location.filesystem, location.root
    filesystem.invalidate_cache()
    found: dict[str, list[Entry]] = {}
    for info in filesystem.ls(root, detail=True):
        path = str(info["name"])
        if path.rstrip("/") == root.rstrip("/"):  # The root itself: a file, or S3's folder marker.
            if info["type"] == "file" and info.get("size"):
                message = f"root {location.shown!r} is a file; name the folder that it is in"
                raise SourceRejectedError(message, source=location.source)
            continue
        base = path.rstrip("/").rpartition("/")[2]
        folder = info["type"] == "directory"
        suffix = _suffix(base)
        if _ignored(base) or not (folder or suffix):
            continue
        if folder and not _holds_data(filesystem, path):
            continue
        name = base.removesuffix(suffix) if suffix else base
        found.setdefault(name, []).append(Entry(name, path.rstrip("/"), folder))
    return {name: tuple(sorted(e, key=lambda e: e.path)) for name, e in sorted(found.items())}


def contents(location: Location, entry: Entry) -> Contents:
    """The files of `entry`, asked now.

    Raises:
        FileNotFoundError: when the entry is gone.
        SourceRejectedError: for a folder that is not one table.
    """
    filesystem = location.filesystem
    filesystem.invalidate_cache(entry.path)
    if not entry.folder:
        info = filesystem.info(entry.path)
        return Contents((_data_file(info, ()),), _suffix(entry.path))
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
            files.append(_data_file(info, _partition(location, entry, folders)))
    if not files:
        raise FileNotFoundError(entry.path)
    suffixes = {_suffix(file.path): file.path for file in reversed(files)}
    if len(suffixes) > 1:
        names = " and ".join(repr(location.relative(p)) for p in sorted(suffixes.values())[:2])
        raise _rejected(location, entry, f"holds files of more than one format: {names}")
    if len({tuple(key for key, _ in file.partition) for file in files}) > 1:
        raise _rejected(location, entry, "has partition folders that differ from file to file")
    suffix = next(iter(suffixes))
    return Contents(tuple(files), suffix, any(stray.endswith(suffix) for stray in strays))


def _holds_data(filesystem: Any, path: str) -> bool:
    return any(_suffix(found) for found in filesystem.find(path))


def _data_file(info: Mapping[str, Any], partition: tuple[tuple[str, str], ...]) -> DataFile:
    # Whatever of these a file system tells; an inode shows a file that was put in another's place.
    tags = ("ETag", "etag", "sha", "CRC", "ino")
    times = ("mtime", "LastModified", "last_modified", "modified", "modify", "modificationTime")
    keys = (*tags, *times, "updated", "created")
    version = " ".join(str(info[key]) for key in keys if info.get(key) is not None)
    size = info.get("size")
    return DataFile(str(info["name"]), None if size is None else int(size), version, partition)


def _partition(
    location: Location, entry: Entry, folders: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    pairs = []
    for folder in folders:
        key, equals, value = folder.partition("=")
        if not (key and equals):
            raise _rejected(location, entry, f"has a folder {folder!r} that is not `column=value`")
        if value == NO_PARTITION:
            raise _rejected(location, entry, f"has a partition without a value of {key!r}")
        pairs.append((key, unquote(value)))
    return tuple(pairs)


def _below(folder: str, path: str) -> str:
    return path.removeprefix(folder).lstrip("/")


def _suffix(path: str) -> str:
    """The suffix of a data file as it is written there, or ""."""
    match = re.search(r"(\.csv\.gz|\.[a-z]+)$", path, re.IGNORECASE)
    return match[0] if match and match[0].lower() in SUFFIXES else ""


def _ignored(base: str) -> bool:
    return base.startswith((".", "_"))


def _rejected(location: Location, entry: Entry, reason: str) -> SourceRejectedError:
    return SourceRejectedError(
        f"folder {location.relative(entry.path)!r} {reason}", source=location.source
    )
