"""What a failure of the driver means in the one error tree, by SQLSTATE.

Owns the translation, and that no message holds a secret, a connection string or a statement. Must
not know what was being done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import adbc_driver_manager as adbc
import pyarrow as pa

from connectors.errors import (
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)

# PostgreSQL, appendix A. Longest prefix first: the first that fits decides.
_BY_SQLSTATE: tuple[tuple[str, type[SourceError]], ...] = (
    ("57014", SourceTimeoutError),  # query_canceled; who cancelled is told apart below
    ("42P01", SourceSchemaChangedError),  # undefined_table
    ("42703", SourceSchemaChangedError),  # undefined_column
    ("42704", SourceSchemaChangedError),  # undefined_object, such as a type
    ("42804", SourceSchemaChangedError),  # datatype_mismatch, of what stood beside each other
    ("42883", SourceSchemaChangedError),  # undefined_function, or an operator for other types
    ("3F000", SourceSchemaChangedError),  # invalid_schema_name
    ("53300", SourceUnavailableError),  # too_many_connections
    ("57P", SourceUnavailableError),  # operator intervention: shutting down, starting up
    ("58", SourceUnavailableError),  # the server's own system failed
    ("08", SourceUnavailableError),  # connection exceptions
    ("40", SourceUnavailableError),  # rolled back, as a standby does; a retry can help
)

# A server that refuses a login gives no SQLSTATE through libpq, only `FATAL:` and the reason. Any
# other failure without one is that of a connection, also the `FATAL:` that a shutdown leaves in it.
_NOT_READY = re.compile(
    r"too many (clients|connections)|remaining connection slots|starting up|shutting down"
    r"|recovery|not (yet )?accepting connections"
)
_LOGIN_REFUSED = re.compile(
    r"Failed to connect:.*"
    r"(FATAL:|no password supplied|authentication|invalid connection option|invalid .* value"
    # Of TLS: whom the certificate names or who signed it, and what libpq finds here or there.
    r"|certificate|does not support SSL|private key file)",
    re.DOTALL,
)


@contextmanager
def translated(source: str, mask: Callable[[str], str]) -> Iterator[None]:
    """Turn what the driver raises into a SourceError that names `source`.

    The cause is dropped on purpose: the driver repeats statements and connection strings.
    """
    try:
        yield
    except adbc.Error as error:
        raise _translate(error, source, mask) from None
    except (OSError, pa.ArrowException) as error:
        raise SourceUnavailableError(mask(_meaning(str(error))), source=source) from None


def _translate(error: adbc.Error, source: str, mask: Callable[[str], str]) -> SourceError:
    state = error.sqlstate or ""
    primary = _detail(error, b"PG_DIAG_MESSAGE_PRIMARY")
    message = mask(_meaning(str(error)) if primary is None else primary)
    if state:
        message = f"{message} (SQLSTATE {state})"
    return _kind(state, str(error))(message, source=source)


def _detail(error: adbc.Error, key: bytes) -> str | None:
    details: Iterable[tuple[object, bytes]] = error.details or ()
    # The stubs say that keys are texts; they come as bytes.
    found = [value for name, value in details if name in (key, key.decode())]
    return found[0].decode(errors="replace") if found else None


def _kind(state: str, text: str) -> type[SourceError]:
    if state == "57014" and "user request" in text:
        return SourceRejectedError  # somebody else cancelled it, with pg_cancel_backend
    for prefix, kind in _BY_SQLSTATE:
        if state.startswith(prefix):
            return kind
    if state:
        return SourceRejectedError
    if _LOGIN_REFUSED.search(text) and not _NOT_READY.search(text):
        return SourceRejectedError
    return SourceUnavailableError


def _meaning(text: str) -> str:
    """The line that says what happened.

    >>> _meaning("IO: [libpq] Failed to connect: connection to server failed: Connection refused")
    'connection to server failed: Connection refused'
    >>> _meaning("INVALID_DATA: Failed to prepare query: ERROR:  no such thing\\nLINE 1: select")
    'no such thing'
    """
    text = re.split(r"\n\s*(?:LINE \d+:|DETAIL:|HINT:|CONTEXT:|Query was:|\. SQLSTATE)", text)[0]
    found = re.search(r"(?:ERROR|FATAL|PANIC):\s+(.*)", text)
    if found is None:
        found = re.search(r"(?:\[libpq\]\s*)(?:Failed to connect:\s*)?(.*)", text)
    line = found[1] if found else next(iter(text.strip().splitlines()), "")
    line = re.sub(r"Failed to (?:prepare|execute) query.*?: *", "", line).strip().rstrip(".")
    return line or "the server closed the connection"
