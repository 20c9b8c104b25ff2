"""Why the log of a table cannot be read: which of its files is broken, as a second look tells.

Owns that look. Must not know what a log says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import DeltaError

from connectors.errors import SourceRejectedError
from connectors.files.location import Location, reason_of

MOST_FILES = 100
"""Of a log that are looked at once more, the newest: its reader read them, or what they replace."""

MOST_BYTES = 16 << 20

_CONTENTS = re.compile(
    "Json error|Parquet error|No table metadata or protocol found|invalid JSON", re.IGNORECASE
)
"""What deltalake 1 says of contents, and not of the store that they are in."""


def broken_log(location: Location, log: str, error: DeltaError) -> SourceRejectedError | None:
    """What a failure means, where the log's contents are at fault; None where they are not.

    Args:
        log: the folder of the log.
    """
    if not _CONTENTS.search(str(error)):
        return None
    said = location.redact(reason_of(error))
    file = _broken_file(location, log)
    what = f"the log {location.relative(log)!r}" if file is None else repr(location.relative(file))
    return SourceRejectedError(
        f"{what} cannot be read: {said}",
        source=location.source,
        hint="Mend or restore the log; the table's rows are in files of their own.",
    )


def _broken_file(location: Location, log: str) -> str | None:
    """The newest file that is no commit or checkpoint, if there is one."""
    size_bytes = 0
    try:
        found = sorted(location.filesystem.ls(log, detail=True), key=lambda entry: entry["name"])
        for entry in found[: -MOST_FILES - 1 : -1]:
            path = entry["name"]
            check = next((each for end, each in _CHECKS.items() if path.endswith(end)), None)
            size_bytes += entry.get("size") or 0
            if size_bytes > MOST_BYTES:
                return None
            if check is not None:
                with location.filesystem.open(path, "rb") as file:
                    if not check(file):
                        return str(path)
    except Exception:  # Whatever a file system raises: the failure that is told about came first.
        return None
    return None


def _is_commit(file: IO[bytes]) -> bool:
    try:
        lines = [json.loads(line) for line in file if line.strip()]
    except ValueError:
        return False
    return bool(lines) and all(isinstance(line, dict) for line in lines)


def _is_checkpoint(file: IO[bytes]) -> bool:
    try:
        pq.read_metadata(file)
    except (pa.ArrowException, OSError):
        return False
    return True


_CHECKS: dict[str, Callable[[IO[bytes]], bool]] = {
    ".json": _is_commit,
    ".checkpoint.parquet": _is_checkpoint,
}
