"""What a failure of SQLite means in the one error tree, by its message.

Owns the translation, and that no message repeats a statement. Must not know what was being done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager as adbc
import pyarrow as pa

from connectors.errors import (
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceUnavailableError,
)

# What `planner.emit.sqlite.columns` makes of a value that does not fit.
_MISFIT = re.compile(r"bad JSON path: '(.*)'", re.DOTALL)

_GONE = re.compile(r"no such (table|column): ?([^\n]*)")

_KINDS: tuple[tuple[str, type[SourceError], str, str | None], ...] = (
    (
        "unable to open database file",
        SourceUnavailableError,
        "the file cannot be opened",
        "Check uri, which is relative to where the command runs.",
    ),
    (
        "file is not a database",
        SourceRejectedError,
        "the file is not an SQLite database",
        "Set uri to a file that SQLite made.",
    ),
    ("malformed", SourceUnavailableError, "the file is damaged", None),
    (
        "database is locked",
        SourceUnavailableError,
        "the file is locked by a writer",
        "Try again, or set the file to write-ahead logging.",
    ),
)


@contextmanager
def translated(source: str) -> Iterator[None]:
    """Turn what the driver raises into a SourceError that names `source`.

    The cause is dropped on purpose: the driver repeats statements.
    """
    try:
        yield
    except (adbc.Error, OSError, pa.ArrowException) as error:
        raise _translate(str(error), source) from None


def _translate(text: str, source: str) -> SourceError:
    misfit = _MISFIT.search(text)
    if misfit:
        return SourceRejectedError(
            misfit[1].replace("''", "'"),
            source=source,
            hint="Mend the value, or declare the column with another type.",
        )
    gone = _GONE.search(text)
    if gone:
        message = f"{gone[1]} {gone[2].strip()!r} is not there any more"
        return SourceSchemaChangedError(message, source=source)
    for part, kind, message, hint in _KINDS:
        if part in text:
            return kind(message, source=source, hint=hint)
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return SourceRejectedError(line[:200] or "SQLite failed and said nothing", source=source)
