"""The engine's run-time failures as errors of the tree.

DataFusion hands errors to Python as text; the patterns are those of version 55. How they are worded
is `planner.failures`'.
"""

from __future__ import annotations

from connectors.errors import (
    CrosswindError,
    InternalError,
    InvalidValueError,
    MemoryLimitError,
    SourceRejectedError,
    SourceUnavailableError,
    SqlSyntaxError,
    UnsupportedError,
)
from planner.engine_words import sentence_of
from planner.failures import place_of_call, worded
from planner.parse import tokenize
from planner.plan import NativeRead
from planner.unplanned import unplanned

_PLACES = ("Object Store error", "IoError", "No such file", "External: ")
"""What a file that cannot be reached, or has changed below a reader, makes the engine say."""

_REFUSALS = ("lacked the necessary privileges", "lacked valid authentication credentials")
"""What a store that lets nobody in makes the engine's client say."""

_CONTENTS = (
    "Parquet error",
    "ParquetError",
    "corrupt",
    "Csv error",
    "CsvError",
    "Error while parsing value",
    "Json error",
    "JSON parse error",
    "Avro error",
    "incomplete deflate stream",
    "Io error: ",
)
"""And what is in a file that is not what its name promises: it will be no better the next time."""

_FULL = ("No space left on device", "os error 28")
"""What a temporary file that cannot grow makes the engine say; it writes no others."""

_NO_ORDER = "Min/Max accumulator not implemented"
"""What the least or the greatest of maps, say, makes the engine say, though it planned it."""

_LACKS = ("This feature is not implemented", "Error during planning", "does not support")
_VALUES = (
    "Execution error: ",
    "Arrow error: ",
    "Cast error: ",
    "Compute error: ",
    "Parser error: ",
    "Invalid argument error: ",
    "Divide by zero",
)
"""What a value, in the data or in the statement, makes the engine say."""

_DEFECTS = ("Internal error: ", "the engine panicked")


def engine_failure(message: str, natives: tuple[NativeRead, ...], sql: str) -> CrosswindError:
    """The error that a failure of the engine is to the client.

    Args:
        message: the engine's text; it may hold paths and values, which are cut down.
        natives: the tables that the engine read itself: a failing file belongs to one of them.
        sql: the client's text, in which the place is looked for.
    """
    first = message.strip().split("\n")[0]
    if "Resources exhausted" in first or "Not enough memory" in first:
        return MemoryLimitError(
            "the query needs more memory than the server may give it, also with spilling",
            hint="Narrow it, or raise memory_limit in [server].",
        )
    if any(mark in message for mark in _FULL):
        return MemoryLimitError(
            "the disk is full to which queries spill",
            hint="Make room there, or set temp_directory in [server].",
        )
    if natives and any(mark in message for mark in (*_PLACES, *_CONTENTS)):
        return _of_files(message, natives)
    try:
        tokens = tokenize(sql)
    except SqlSyntaxError:
        tokens = []  # of another dialect
    if construct := unplanned(message, tokens):
        return construct
    if failure := worded(message, tokens, running=True):
        return failure
    if _NO_ORDER in message:
        return UnsupportedError("values of this type have no least and no greatest one")
    if any(mark in message for mark in _DEFECTS):
        return InternalError(f"the engine failed: {sentence_of(message)}")
    place = place_of_call(message, tokens)
    if any(mark in message for mark in _LACKS):
        return UnsupportedError(sentence_of(message), position=place)
    if any(mark in message for mark in _VALUES):
        return InvalidValueError(sentence_of(message), position=place)
    return InternalError(f"the engine failed: {sentence_of(message)}")


def _of_files(message: str, natives: tuple[NativeRead, ...]) -> CrosswindError:
    """A failure to read a table; of several, the one whose file the engine names."""
    paths = ((n, (f"/{n.table.name}.", f"/{n.table.name}/")) for n in natives)
    named = [n for n, parts in paths if any(part in message for part in parts)] or list(natives)
    tables = " or ".join(dict.fromkeys(str(n.table) for n in named))
    text = f"reading table {tables} failed: {sentence_of(message.strip().split(chr(10))[0])}"
    refused = any(mark in message for mark in _REFUSALS)
    if not refused and any(mark in message for mark in _PLACES):
        return SourceUnavailableError(text, source=named[0].source)
    return SourceRejectedError(text, source=named[0].source)
