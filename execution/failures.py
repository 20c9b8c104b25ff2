"""The engine's run-time failures as errors of the tree.

DataFusion hands errors to Python as text; the patterns are those of version 55. How they are worded
is `planner.failures`'.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from connectors.faults import Fault

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
    "Error parsing column",
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

_DECODER = re.compile(
    r"Parquet argument error: External: "
    r"(?!.*(?:Generic|Object|[Ee]rror performing|[Rr]equest|HTTP|connect|timed out|os error))"
)
"""What stands before the failure of a decoder; a store's has the same before it."""

_QUOTED = re.compile(r"'[^'\n]*'")
"""A value, or a path."""

_NO_LINES = (
    (re.compile(r"(incorrect number of fields) for line \d+"), r"\1"),
    (re.compile(r"(UTF-8 data) for line \d+ and (field)"), r"\1 in \2"),
    (re.compile(r" at line \d+(\. Row data: |: Parser error: )"), r"\1"),
)
"""Where the engine says that a row is: by rows of the part of a file that it read, at times without
the header. Nobody finds it there."""

_FILE_FIRST = re.compile(r"^Io error: (?=')")
"""What stands before a cause that names its file."""

_NAMES_FILE = re.compile(r"' (?:cannot|may not) be read")
"""What is said of a file by a reader that the engine passes on: nobody need look again."""

_DEFECTS = ("Internal error: ", "the engine panicked")


Look = Callable[[Sequence[NativeRead], Callable[[str], bool]], "tuple[NativeRead, Fault] | None"]
"""A second look at tables; see `execution.second_look`."""


def engine_failure(
    message: str,
    natives: tuple[NativeRead, ...],
    sql: str,
    look: Look | None = None,
    *,
    exact: bool = False,
) -> CrosswindError:
    """The error that a failure of the engine is to the client.

    Args:
        message: the engine's text; it may hold paths and values, which are cut down.
        natives: the tables that the engine read itself: a failing file belongs to one of them.
        sql: the client's text, in which the place is looked for.
        look: finds the file and the line of a table's fault; None where nobody may look again.
        exact: what is found counts only if it has the same cause: it may lie in columns that were
            not read.
    """
    message = _plain(message)
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
    if natives and _marked(message, (*_PLACES, *_CONTENTS)):
        return _of_files(message, natives, look, exact=exact)
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


def _of_files(
    message: str, natives: tuple[NativeRead, ...], look: Look | None, *, exact: bool
) -> CrosswindError:
    """A failure to read a table; of several, the one whose file the engine names."""
    cause = _cause(message)
    names_file = _NAMES_FILE.search(cause) is not None
    before = "/'" if names_file else "/"
    paths = (
        (n, [f"{sign}{n.table.name}{end}" for sign in before for end in "./"]) for n in natives
    )
    named = [n for n, parts in paths if any(part in message for part in parts)] or list(natives)
    refused = _marked(message, _REFUSALS)
    away = not refused and _marked(message, _PLACES)
    again = not (refused or away or names_file)
    # The message may quote a value that looks like a path.
    tables_first = [*named, *(n for n in natives if n not in named)]
    if (
        look is not None
        and again
        and (found := look(tables_first, lambda said: _cause(_plain(said)) == cause))
    ):
        native, fault = found
        said = cause if fault.cause is None else _cause(_plain(fault.cause))
        if (said == cause) if exact else _is_of_contents(_plain(fault.cause or message)):
            named = [native]
            line = "" if fault.line is None else f", line {fault.line}"
            cause = f"{fault.file!r}{line}: {said}"
    tables = " or ".join(dict.fromkeys(str(n.table) for n in named))
    text = f"reading table {tables} failed: {cause}"
    if away:
        return SourceUnavailableError(text, source=named[0].source)
    return SourceRejectedError(text, source=named[0].source)


def _is_of_contents(message: str) -> bool:
    """It is about what is in a file, and not about reaching it."""
    return _marked(message, _CONTENTS) and not _marked(message, (*_PLACES, *_REFUSALS))


def _marked(message: str, marks: tuple[str, ...]) -> bool:
    """Whether the engine says one of these, and not a value that it quotes.

    >>> _marked("Cannot cast string 'No such file' to value of Int32 type", ("No such file",))
    False
    """
    said = _QUOTED.sub("''", message)
    return any(mark in said for mark in marks)


def _plain(message: str) -> str:
    """What the engine says, with a decoder's failure as one of the file's contents.

    >>> _plain("Parquet argument error: External: snappy: corrupt input")
    'Parquet error: snappy: corrupt input'
    >>> _plain("Parquet argument error: External: Generic S3 error: Error performing GET")
    'Parquet argument error: External: Generic S3 error: Error performing GET'
    """
    return _DECODER.sub("Parquet error: ", message)


def _cause(message: str) -> str:
    """What the engine says of a file, in one sentence and without lines that are none.

    >>> _cause("Arrow error: Csv error: incorrect number of fields for line 7, expected 2 got 3")
    'Csv error: incorrect number of fields, expected 2 got 3'
    """
    sentence = _FILE_FIRST.sub("", sentence_of(message.strip().split("\n")[0]))
    for line, without in _NO_LINES:
        sentence = line.sub(without, sentence)
    return sentence
