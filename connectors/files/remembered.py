"""What the engine remembers of files between queries, and when it must forget.

DataFusion 55 keeps footers and statistics by a file's path within its store, and takes a file of
the same size and age for the same one. So a file that took another's place with its age (`cp -p`,
two writes within one second of S3's clock) would be read by the old footer, and a file of one
bucket by that of another. Owns the question whether that may have happened. Knows no format.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
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
        files: by store and path, what was known of each when it was last read.
        stores: those whose files it has read.
        off: it remembers nothing any more.
    """

    files: dict[tuple[str, str], tuple[int | None, str]] = field(default_factory=dict)
    stores: set[str] = field(default_factory=set)
    off: bool = False


_SESSIONS: WeakKeyDictionary[datafusion.SessionContext, _Seen] = WeakKeyDictionary()
_LOCK = threading.Lock()


def forget_what_changed(
    context: datafusion.SessionContext, store: str, files: Sequence[DataFile]
) -> None:
    """Call before files are read in a session. Files of more than one store are not remembered.

    Args:
        store: where the files are; two stores may have files of one path.
        files: as they are now.
    """
    with _LOCK:
        seen = _SESSIONS.setdefault(context, _Seen())
        now = {(store, file.path): (file.size_bytes, file.version) for file in files}
        changed = any(seen.files.get(at, known) != known for at, known in now.items())
        seen.files.update(now)
        seen.stores.add(store)
        if seen.off or not (changed or len(seen.stores) > 1):
            return
        seen.off = len(seen.stores) > 1
        for name, limit in _LIMITS.items():
            for value in ("0K",) if seen.off else ("0K", limit):
                context.sql(f"SET datafusion.runtime.{name} = '{value}'")
