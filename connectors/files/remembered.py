"""What the engine remembers of files between queries, and when it must forget.

DataFusion 55 keeps footers and statistics by a file's path within its store, and takes a file of
the same size and age for the same one. So a file that took another's place with its age (`cp -p`,
two writes within one second of S3's clock) would be read by the old footer, and a file of one
bucket by that of another. Owns the question whether that may have happened. Knows no format.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import datafusion

_LIMITS = {"metadata_cache_limit": "50M", "file_statistics_cache_limit": "20M"}
"""The engine's caches and their limits, which are its own."""


@dataclass(slots=True)
class _Seen:
    """What a session was given.

    Attributes:
        files: of each table, what was known of its files when it was last registered.
        stores: those whose files it has read.
        off: it remembers nothing any more.
    """

    files: dict[tuple[str, str], object] = field(default_factory=dict)
    stores: set[str] = field(default_factory=set)
    off: bool = False


_SESSIONS: WeakKeyDictionary[datafusion.SessionContext, _Seen] = WeakKeyDictionary()
_LOCK = threading.Lock()


def forget_what_changed(
    context: datafusion.SessionContext, store: str, path: str, files: object
) -> None:
    """Call before files are read in a session. Files of more than one store are not remembered.

    Args:
        store: where the files are; two stores may have files of one path.
        path: of the file or folder there.
        files: all that is known of them; another value is another content.
    """
    with _LOCK:
        seen = _SESSIONS.setdefault(context, _Seen())
        changed = seen.files.get((store, path), files) != files
        seen.files[store, path] = files
        seen.stores.add(store)
        if seen.off or not (changed or len(seen.stores) > 1):
            return
        seen.off = len(seen.stores) > 1
        for name, limit in _LIMITS.items():
            for value in ("0K",) if seen.off else ("0K", limit):
                context.sql(f"SET datafusion.runtime.{name} = '{value}'")
