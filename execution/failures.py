"""The engine's run-time failures as errors of the tree.

DataFusion hands errors to Python as text; the patterns are those of version 55.
"""

from __future__ import annotations

import re

from connectors.errors import (
    CrosswindError,
    InternalError,
    InvalidValueError,
    MemoryLimitError,
    SourceUnavailableError,
    UnsupportedError,
)
from planner.plan import NativeRead

_VALUES = re.compile(
    r"(Divide by zero|Cast error: .*|Cannot cast .*|Overflow happened .*|"
    r"Invalid argument error: .*|Compute error: .*|Parser error: .*|"
    r"[Aa]rithmetic overflow.*|.*out of range.*|Scalar subquery returned more than one row)"
)
_FILES = (
    "Object Store error",
    "Parquet error",
    "ParquetError",
    "IoError",
    "No such file",
    "External: ",
    "corrupt",
    "Csv error",
    "Json error",
    "CsvError",
)


_LACKS = ("This feature is not implemented", "Error during planning", "does not support")


def engine_failure(message: str, natives: tuple[NativeRead, ...]) -> CrosswindError:
    """The error that a failure of the engine is to the client.

    Args:
        message: the engine's text; it may hold paths and values, which are cut down.
        natives: the tables that the engine read itself: a failing file belongs to one of them.
    """
    first = message.strip().split("\n")[0]
    if "Resources exhausted" in first or "Not enough memory" in first:
        return MemoryLimitError(
            "the query needs more memory than the server may give it, also with spilling",
            hint="Narrow it, or raise memory_limit in [server].",
        )
    if natives and any(mark in first for mark in _FILES):
        named = next((n for n in natives if n.table.name in first), natives[0])
        return SourceUnavailableError(
            f"reading table {named.table} failed: {_tail(first)}", source=named.source
        )
    if any(mark in first for mark in _LACKS):
        return UnsupportedError(_tail(first.split("not implemented: ")[-1]))
    found = _VALUES.search(first)
    if found:
        return InvalidValueError(found.group(1)[:300].rstrip("."))
    return InternalError(f"the engine failed: {_tail(first)}")


def _tail(text: str) -> str:
    """The innermost cause of a chain that is written outside in."""
    return re.split(r"error: |during planning: ", text)[-1][:300]
