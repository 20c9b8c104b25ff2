"""What a failure of the driver means in the one error tree, by its status.

Owns the translation, and that no message holds a secret. Must not know what was being done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import adbc_driver_manager as adbc
import pyarrow as pa

from connectors.errors import (
    CrosswindError,
    InvalidValueError,
    QueueFullError,
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)


class ServerLostError(SourceUnavailableError):
    """The server itself cannot be reached or went away, not one of its own sources."""


_BY_STATUS: Mapping[adbc.AdbcStatusCode, type[SourceError]] = {
    # A statement was made for the tables as they were planned.
    adbc.AdbcStatusCode.NOT_FOUND: SourceSchemaChangedError,
    adbc.AdbcStatusCode.IO: ServerLostError,
    adbc.AdbcStatusCode.TIMEOUT: SourceTimeoutError,
}

# What another Crosswind says of its own error, and what that is to whom asked it. A code that is
# not here is that of a rejection.
_BY_CODE: Mapping[str, type[CrosswindError]] = {
    "request.value": InvalidValueError,
    "request.unknown_name": SourceSchemaChangedError,
    "source.schema_changed": SourceSchemaChangedError,
    "source.unavailable": SourceUnavailableError,
    "source.timeout": SourceTimeoutError,
    "limit.deadline": SourceTimeoutError,
    "limit.queue": QueueFullError,
}

_LOGIN = (adbc.AdbcStatusCode.UNAUTHENTICATED, adbc.AdbcStatusCode.UNAUTHORIZED)

# Servers without a status for it say in words that a name is not there.
_UNKNOWN_NAME = re.compile(
    r"(table|column|field|schema|catalog|view|relation)\b.{0,200}\b(not found|does not exist)"
    r"|no field named",
    re.IGNORECASE,
)

_TLS: tuple[tuple[str, str, str], ...] = (
    (
        "first record does not look like a TLS handshake",
        "the server does not speak TLS",
        "Begin uri with grpc://.",
    ),
    (
        "x509:",
        "the server's certificate is not trusted",
        "Set tls.root_certificate to the certificate of who signed it.",
    ),
    (
        "authentication handshake failed",
        "TLS was refused",
        "Check the certificates in tls.",
    ),
)

# `[source.rejected] source 'shop', line 1, column 8: what happened`
_CODE = re.compile(
    r"^\[(?P<code>[a-z_]+(?:\.[a-z_]+)?)\] "
    r"(?:(?P<source>source '[^']*')(?:, )?)?(?:line \d+, column \d+)?(?:: )?"
)
_DIALLING = re.compile(
    r'^connection error: desc = "(?:transport: )?(?:Error while dialing: )?(?:dial )?(.*?)"?$',
    re.DOTALL,
)
_NOISE = re.compile(
    r"\.? Detail: (Python exception: .*|\w+)$"
    # ` (NotFound; ExecuteQuery)`, ` (Unavailable; DoGet: endpoint 0: []; possible causes: …)`
    r"|\s*\(\w+; \w+(\([^)]*\))?(: endpoint \d+: \[.*?\])?(; possible causes: .*)?\)\.?$"
    r"|\.? Vendor code: \d+$",
    re.DOTALL,
)


@contextmanager
def translated(source: str, mask: Callable[[str], str]) -> Iterator[None]:
    """Turn what the driver raises into an error of the tree that names `source`.

    The cause is dropped on purpose: the driver may repeat what was sent.
    """
    try:
        yield
    except adbc.Error as error:
        raise translation(error, source, mask) from None
    except (OSError, pa.ArrowException) as error:
        raise ServerLostError(mask(_meaning(str(error))), source=source) from None


def translation(error: adbc.Error, source: str, mask: Callable[[str], str]) -> CrosswindError:
    """The error of the tree for one of the driver."""
    text = mask(str(error))
    for part, what, hint in _TLS:
        if part in text:
            reason = text.partition(part)[2].strip(' ."').split('"')[0] if part == "x509:" else ""
            message = f"{what}: {reason}" if reason else what
            return SourceRejectedError(message, source=source, hint=hint)
    if error.status_code in _LOGIN:
        return SourceRejectedError(
            f"the server refused who asks: {_meaning(text)}",
            source=source,
            hint="Check username and password, or token.",
        )
    if "returned inconsistent schema" in text:
        return SourceSchemaChangedError(
            "the server sent other columns than it had promised", source=source
        )
    message = _meaning(text)
    said = _CODE.match(message)
    if said is not None:
        kind = _BY_CODE.get(said["code"], SourceRejectedError)
        its = f"its {said['source']}: " if said["source"] else ""
        return kind(its + message[said.end() :], source=source)
    kind = _BY_STATUS.get(error.status_code, SourceRejectedError)
    if kind is SourceRejectedError and _UNKNOWN_NAME.search(message):
        kind = SourceSchemaChangedError
    return kind(message, source=source)


def _meaning(text: str) -> str:
    """What the server said, without what the driver puts around it.

    >>> _meaning("NOT_FOUND: [FlightSQL] no such table (NotFound; ExecuteQuery)")
    'no such table'
    >>> _meaning("IO: [FlightSQL] refused. (Unavailable; DoGet: endpoint 0: []). Vendor code: 14")
    'refused'
    """
    text = re.sub(r"^[A-Z_]+: ", "", text.strip())
    text = re.sub(r"^\[Flight ?SQL\] ", "", text)
    before = None
    while before != text:
        before, text = text, _NOISE.sub("", text).strip()
    dialling = _DIALLING.match(text)
    if dialling is not None:
        text = f"the server cannot be reached: {dialling[1]}"
    broken = text.partition("error reading from server: ")[2]
    if broken:
        text = f"the connection to the server broke: {broken}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else "the server failed and said nothing"
