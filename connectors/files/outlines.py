"""Tables that are far away in outline, on this disk: each file at its length, with its end alone.

The engine lists a table and reads the footers of its files before it plans. It does that in the
outline, for which nothing is asked of the store, and remembers it for the table itself. Owns the
outlines, which take the room of the ends: files are sparse. Must not know the engine.
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.files.listing import DataFile

WAITING_BYTES = 256 << 20
"""Of ends that have no outline yet. Past it they are forgotten: the engine reads them itself."""

DRAWN_BYTES = 256 << 20
"""Of outlines on this disk, as much as of what waits: some 25,000 files. Past it those go that were
least lately drawn: when one of their files changes the engine looks for itself."""

_BLOCK_BYTES = 4096
"""What the ends of files take on this disk at the least, and are rounded up to."""

_PREFIX, _NEW, _ALIVE = "crosswind-outlines-", "crosswind-new-outlines-", "alive"
"""Folders, as they are made, and the file in each that is locked for as long as its process is."""

_PLAIN = re.compile(r"[\w.=+@, -]{1,200}", re.ASCII)
"""Parts of a path that mean the same to every file system."""


class Outlines:
    """The outlines of a source's tables.

    Args:
        within: what of a file's path the engine sees.
    """

    def __init__(self, within: Callable[[str], str]) -> None:
        self._within = within
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[DataFile, bytes]] = {}
        self._waiting_bytes = 0
        self._drawn: dict[str, dict[str, DataFile]] = {}
        self._drawn_bytes: dict[str, dict[str, int]] = {}
        self._folder: Path | None = None
        self._removed: Callable[[], object] | None = None

    def keep(self, file: DataFile, end: bytes) -> None:
        """Remember a file's end until its table's outline is drawn, if it can be."""
        plain = end and _plain(self._within(file.path)) and _written(file) is not None
        with self._lock:
            self._drop(file.path)
            if not plain:
                return
            if self._waiting_bytes + len(end) > WAITING_BYTES:
                self._waiting.clear()
                self._waiting_bytes = 0
            self._waiting[file.path] = file, end
            self._waiting_bytes += len(end)

    @contextmanager
    def drawn(self, table: str, files: Sequence[DataFile]) -> Iterator[Path | None]:
        """The folder with exactly `files` in outline, for the length of the block.

        Args:
            table: tells it from others of the source.

        Returns:
            None where an end is not known, or cannot be drawn here.
        """
        with self._lock:
            try:
                folder = self._draw(table, files)
            except (OSError, ValueError):
                self._forget(table)
                folder = None
            yield folder
            while sum(sum(sizes.values()) for sizes in self._drawn_bytes.values()) > DRAWN_BYTES:
                self._forget(next(iter(self._drawn_bytes)))

    def forget(self, table: str, files: Sequence[DataFile]) -> None:
        """Delete what there is of a table that is gone. Idempotent."""
        with self._lock:
            for file in files:
                self._drop(file.path)
            self._forget(table)

    def close(self) -> None:
        """Delete all outlines; the next are drawn in another place. Idempotent."""
        with self._lock:
            if self._removed is not None:
                self._removed()
            self._folder = self._removed = None
            self._drawn.clear()
            self._drawn_bytes.clear()
            self._waiting.clear()
            self._waiting_bytes = 0

    def _draw(self, table: str, files: Sequence[DataFile]) -> Path | None:
        drawn = self._drawn.get(table, {})
        new = [file for file in files if drawn.get(file.path) != file]
        keys = {file.path: self._within(file.path) for file in files}
        if not all(self._drawable(file, keys[file.path]) for file in new):
            return None
        folder = self._folder_of(table)
        drawn = self._drawn.setdefault(table, drawn)
        # The last in order is the one that was drawn last.
        sizes = self._drawn_bytes[table] = self._drawn_bytes.pop(table, {})
        for path in drawn.keys() - keys.keys():
            (folder / self._within(path)).unlink(missing_ok=True)
            del drawn[path], sizes[path]
        for file in new:
            place = folder / keys[file.path]
            if drawn.pop(file.path, None) is not None:
                place.unlink(missing_ok=True)
            end = self._waiting[file.path][1]
            _sketch(place, file, end)
            drawn[file.path] = file
            sizes[file.path] = -(-len(end) // _BLOCK_BYTES) * _BLOCK_BYTES
            self._drop(file.path)
        return folder

    def _drawable(self, file: DataFile, key: str) -> bool:
        waiting = self._waiting.get(file.path)
        return bool(_plain(key) and waiting and waiting[0] == file)

    def _folder_of(self, table: str) -> Path:
        if self._folder is None:
            self._folder, alive = _new_folder()
            self._removed = weakref.finalize(self, _remove, self._folder, alive)
        folder = self._folder / _named(table)
        folder.mkdir(exist_ok=True)
        return folder

    def _forget(self, table: str) -> None:
        self._drawn.pop(table, None)
        self._drawn_bytes.pop(table, None)
        if self._folder is not None:
            shutil.rmtree(self._folder / _named(table), ignore_errors=True)

    def _drop(self, path: str) -> None:
        found = self._waiting.pop(path, None)
        if found is not None:
            self._waiting_bytes -= len(found[1])


def _named(table: str) -> str:
    return hashlib.sha256(table.encode()).hexdigest()


def _plain(key: str) -> bool:
    return all(_PLAIN.fullmatch(part) and part.strip(".") for part in key.split("/"))


def _written(file: DataFile) -> datetime.datetime | None:
    """When the file was written; None for what is no time, such as what web servers say."""
    try:
        return datetime.datetime.fromisoformat(file.modified)
    except ValueError:
        return None


def _new_folder() -> tuple[Path, int]:
    """A folder of this process, and the open file that says so; removes those of killed ones."""
    within = Path(tempfile.gettempdir())
    for orphan in within.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # Another user's, or removed meanwhile.
            alive = os.open(orphan / _ALIVE, os.O_RDWR)
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(orphan, ignore_errors=True)
            finally:
                os.close(alive)
    new = Path(tempfile.mkdtemp(prefix=_NEW))
    alive = os.open(new / _ALIVE, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    # Known by this name from when it is locked.
    return new.rename(within / new.name.replace(_NEW, _PREFIX, 1)), alive


def _remove(folder: Path, alive: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(alive)


def _sketch(place: Path, file: DataFile, end: bytes) -> None:
    """A file of the same size and age, with nothing before its end.

    Raises:
        OSError: also when the file system here takes two of the table's names for one.
        ValueError: for an age that is no time.
    """
    written = _written(file)
    if written is None:
        raise ValueError(f"{file.modified!r} is no time")
    nanoseconds = round(written.timestamp() * 1e6) * 1_000
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as sketch:
        sketch.seek((file.size_bytes or 0) - len(end))
        sketch.write(end)
    os.utime(place, ns=(nanoseconds, nanoseconds))
