"""What a failure of DuckDB means in the one error tree, by the class that its message begins with.

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

# DuckDB's ExceptionType, as its messages begin: `Catalog Error: …`. A statement was made for the
# tables as they were planned, so what no longer binds has changed since.
_BY_CLASS: dict[str, type[SourceError]] = {
    "Catalog": SourceSchemaChangedError,
    "Binder": SourceSchemaChangedError,
    "IO": SourceUnavailableError,
    "Connection": SourceUnavailableError,
    "Serialization": SourceUnavailableError,
    "FATAL": SourceUnavailableError,
    "INTERNAL": SourceUnavailableError,
}

_MEMORY_HINT = "Raise memory_limit_mb of the source, or ask for less."

_MESSAGE = re.compile(
    r"(?:[A-Z_]+: )?(?:\[[^\]]*\] )?(?P<kind>[A-Z][A-Za-z ]*?) (?:Error|exception): (?P<text>.*)"
)

_OPENING: tuple[tuple[str, type[SourceError], str, str], ...] = (
    (
        "Could not set lock",
        SourceUnavailableError,
        "the file is open for writing in another process",
        "Close it there: DuckDB lets one process write, or several read.",
    ),
    (
        "not a valid DuckDB database",
        SourceRejectedError,
        "the file is not a DuckDB database",
        "Set uri to a file that DuckDB made.",
    ),
    (
        # What it says of texts and Parquet: it would make a database in memory with a view of them.
        "Cannot launch in-memory database",
        SourceRejectedError,
        "the file is not a DuckDB database",
        "Set uri to a file that DuckDB made.",
    ),
    (
        "version number",
        SourceRejectedError,
        "the file was written by a version of DuckDB that cannot be read here",
        "Upgrade the package duckdb, or export the file with `STORAGE_VERSION`.",
    ),
    (
        "different configuration",
        SourceUnavailableError,
        "the file is open in this process already, with another configuration",
        "Open it read-only there too, with the same settings.",
    ),
)


@contextmanager
def translated(source: str) -> Iterator[None]:
    """Turn what the driver raises into a SourceError that names `source`.

    The cause is dropped on purpose: the driver repeats statements.
    """
    try:
        yield
    except adbc.Error as error:
        raise _translate(str(error), source) from None
    except (OSError, pa.ArrowException) as error:
        raise SourceUnavailableError(_text(str(error)), source=source) from None


@contextmanager
def opening(source: str) -> Iterator[None]:
    """The same while a file is opened, where the reader can be told what to do."""
    try:
        yield
    except adbc.Error as error:
        text = str(error)
        for part, kind, message, hint in _OPENING:
            if part in text:
                holder = re.search(r"\(PID \d+\)", text)
                message = f"{message} {holder[0]}" if holder else message
                raise kind(message, source=source, hint=hint) from None
        raise _translate(text, source) from None


def _translate(text: str, source: str) -> SourceError:
    found = _MESSAGE.match(text)
    if found is None:
        return SourceRejectedError(_text(text), source=source)
    message, kind = _text(found["text"]), found["kind"]
    if message.startswith("Ambiguous reference to catalog or schema"):
        return SourceRejectedError(
            "the file has the name of one of its schemas, which DuckDB cannot tell apart",
            source=source,
            hint="Rename the file.",
        )
    if kind == "Out of Memory":
        return SourceRejectedError(
            f"the query ran out of memory: {message}", source=source, hint=_MEMORY_HINT
        )
    return _BY_CLASS.get(kind, SourceRejectedError)(message, source=source)


def _text(text: str) -> str:
    """The first line, which says what happened.

    >>> _text('Table with name x does not exist!\\nDid you mean "y"?\\n\\nLINE 1: SELECT * FROM x')
    'Table with name x does not exist'
    """
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line.rstrip(".!") or "DuckDB failed and said nothing"
