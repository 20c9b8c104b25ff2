"""What the engine remembers of files between queries, and when it must forget.

DataFusion 55 keeps footers and statistics by a file's path within its store, and takes a file of
the same size and age for the same one. So a file that took another's place with its age (`cp -p`,
two writes within one second of S3's clock) would be read by the old footer, and a file of one
store by that of another that has the same path there. Owns the question whether that may have
happened. Knows no format.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from connectors.files.listing import DataFile

if TYPE_CHECKING:
    import datafusion

_LIMITS = {"metadata_cache_limit": "50M", "file_statistics_cache_limit": "20M"}
"""The engine's caches and their limits, which are its own."""


@dataclass(slots=True)
class _Seen:
    """What a session was given.

    Attributes:
        files: by path within a store: the store, and the file as it was when it was read.
        off: two stores have files of one path: nothing is remembered any more.
    """

    files: dict[str, tuple[str, DataFile]] = field(default_factory=dict)
    off: bool = False


_SESSIONS: WeakKeyDictionary[datafusion.SessionContext, _Seen] = WeakKeyDictionary()
_LOCK = threading.Lock()


def forget_what_changed(
    context: datafusion.SessionContext, store: str, files: Mapping[str, DataFile]
) -> None:
    """Call before files are read in a session.

    Args:
        store: where the files are; two stores may have files of one path.
        files: as they are now, by their paths within the store.
    """
    with _LOCK:
        seen = _SESSIONS.setdefault(context, _Seen())
        if seen.off:
            return
        mixed = hidden = False
        for path, file in files.items():
            of, was = seen.files.get(path, (store, file))
            mixed |= of != store
            hidden |= was.version != file.version and (
                (was.size_bytes, was.modified) == (file.size_bytes, file.modified)
            )
            seen.files[path] = store, file
        if not (mixed or hidden):
            return
        seen.off = mixed  # Both may be read at once, so forgetting in between would not do.
        for name, limit in _LIMITS.items():
            for value in ("0K",) if seen.off else ("0K", limit):
                context.sql(f"SET datafusion.runtime.{name} = '{value}'")
