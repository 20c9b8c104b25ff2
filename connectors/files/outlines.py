"""Tables that are far away in outline, on this disk: each file at its length, with its end alone.

The engine lists a table and reads the footers of its files before it plans. It does that in the
outline, for which nothing is asked of the store, and remembers it for the table itself. Owns the
outlines, which take the room of the ends: files are sparse. Must not know the engine.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.files.listing import DataFile

WAITING_BYTES = 256 << 20
"""Of ends that have no outline yet. Past it they are forgotten: the engine reads them itself."""

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
        self._folder: Path | None = None

    def keep(self, file: DataFile, end: bytes) -> None:
        """Remember a file's end until its table's outline is drawn."""
        with self._lock:
            self._drop(file.path)
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

    def close(self) -> None:
        """Delete all outlines; the next are drawn in another place. Idempotent."""
        with self._lock:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
            self._drawn.clear()
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
        for path in drawn.keys() - keys.keys():
            (folder / self._within(path)).unlink(missing_ok=True)
            del drawn[path]
        for file in new:
            place = folder / keys[file.path]
            if drawn.pop(file.path, None) is not None:
                place.unlink(missing_ok=True)
            _sketch(place, file, self._waiting[file.path][1])
            drawn[file.path] = file
            self._drop(file.path)
        return folder

    def _drawable(self, file: DataFile, key: str) -> bool:
        parts = key.split("/")
        plain = all(_PLAIN.fullmatch(part) and part.strip(".") for part in parts)
        waiting = self._waiting.get(file.path)
        return bool(plain and waiting and waiting[0] == file and waiting[1])

    def _folder_of(self, table: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="crosswind-outlines-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        folder = self._folder / hashlib.sha256(table.encode()).hexdigest()
        folder.mkdir(exist_ok=True)
        return folder

    def _forget(self, table: str) -> None:
        self._drawn.pop(table, None)
        if self._folder is not None:
            shutil.rmtree(self._folder_of(table), ignore_errors=True)

    def _drop(self, path: str) -> None:
        found = self._waiting.pop(path, None)
        if found is not None:
            self._waiting_bytes -= len(found[1])


def _sketch(place: Path, file: DataFile, end: bytes) -> None:
    """A file of the same size and age, with nothing before its end.

    Raises:
        OSError: also when the file system here takes two of the table's names for one.
        ValueError: for an age that is no time.
    """
    written = datetime.datetime.fromisoformat(file.modified)
    nanoseconds = round(written.timestamp() * 1e6) * 1_000
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("xb") as sketch:
        sketch.seek((file.size_bytes or 0) - len(end))
        sketch.write(end)
    os.utime(place, ns=(nanoseconds, nanoseconds))
