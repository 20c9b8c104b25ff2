"""What a failure of ODBC means in the one error tree: by SQLSTATE, by MySQL's numbers.

Owns the translation, and that no message holds a secret. Must not know what was being done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from connectors.errors import (
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)

_CHECK_LOGIN = "Check user and password, or those in connection_string."
_CHECK_PLACE = "Check connection_string, and whether the database can be reached from here."
_CHECK_DRIVER = "Check Driver in connection_string: a name in odbcinst.ini, or a library's path."
_TOO_LONG = "Raise max_text_bytes or max_binary_bytes of the source."

_BY_STATE: tuple[tuple[str, type[SourceError], str | None], ...] = (
    ("42S02", SourceSchemaChangedError, None),
    ("42S22", SourceSchemaChangedError, None),
    ("42000:1049", SourceRejectedError, "Check Database in connection_string."),
    ("28", SourceRejectedError, _CHECK_LOGIN),
    ("08", SourceUnavailableError, _CHECK_PLACE),
    ("HYT", SourceTimeoutError, None),
    ("IM00", SourceRejectedError, _CHECK_DRIVER),
)
"""What `SQLSTATE:number` begins with."""

_BY_NUMBER: Mapping[int, tuple[type[SourceError], str | None]] = {
    # Of MySQL and MariaDB, whose drivers say HY000 for most of theirs.
    1044: (SourceRejectedError, _CHECK_LOGIN),
    1045: (SourceRejectedError, _CHECK_LOGIN),
    1698: (SourceRejectedError, _CHECK_LOGIN),
    1040: (SourceUnavailableError, "Lower max_connections, or raise the server's."),
    1053: (SourceUnavailableError, None),
    1927: (SourceUnavailableError, None),
    2002: (SourceUnavailableError, _CHECK_PLACE),
    2003: (SourceUnavailableError, _CHECK_PLACE),
    2005: (SourceUnavailableError, _CHECK_PLACE),
    2006: (SourceUnavailableError, None),
    2013: (SourceUnavailableError, None),
    2026: (SourceRejectedError, "TLS was refused: check what connection_string says of it."),
    2055: (SourceUnavailableError, None),
}

_MESSAGE = re.compile(
    r"State: (?P<state>\w+), Native error: (?P<number>-?\d+), Message: (?P<said>.*)", re.DOTALL
)
_PREFIX = re.compile(r"^(\[[^\]]*\])+\s*")
_LOST = re.compile(r"lost connection|server has gone|broken pipe|connection reset", re.IGNORECASE)
_TRUNCATED = re.compile(r"truncat|too large|exceeds the (size|upper)", re.IGNORECASE)


@contextmanager
def translated(source: str, mask: Callable[[str], str]) -> Iterator[None]:
    """Turn what arrow-odbc raises into an error of the tree that names `source`.

    The cause is dropped on purpose: a driver may repeat what it was given.
    """
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        # `arrow_odbc.Error`, which cannot be named before its library is loaded.
        raise translation(mask(str(error)), source) from None


def translation(text: str, source: str) -> SourceError:
    """The error of the tree for what ODBC said.

    >>> str(translation("State: 42S02, Native error: 1146, Message: [ma]No such table", "shop"))
    "[source.schema_changed] source 'shop': No such table"
    """
    found = _MESSAGE.search(text)
    if found is None:
        hint = _TOO_LONG if _TRUNCATED.search(text) else None
        return SourceRejectedError(_line(text), source=source, hint=hint)
    message = _line(_PREFIX.sub("", found["said"]))
    if "Can't open lib" in message or "not found, and no default driver" in message:
        return SourceRejectedError(message, source=source, hint=_CHECK_DRIVER)
    state, number = found["state"], int(found["number"])
    if number in _BY_NUMBER:
        kind, hint = _BY_NUMBER[number]
        return kind(message, source=source, hint=hint)
    for begins, kind, hint in _BY_STATE:
        if f"{state}:{number}".startswith(begins):
            return kind(message, source=source, hint=hint)
    if _LOST.search(message):
        return SourceUnavailableError(message, source=source)
    return SourceRejectedError(message, source=source)


def _line(text: str) -> str:
    return " ".join(text.split())[:500].rstrip(". ") or "the driver failed and said nothing"
