"""What a driver's failure means in the one error tree: by SQLSTATE, by status, by its words.

Drivers differ in how much of that they give, and in what they call what. Owns the translation, and
that no message holds a secret. Must not know what was being done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import adbc_driver_manager as adbc
import pyarrow as pa

from connectors.errors import (
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)

_CHECK_LOGIN = "Check the login in uri or db_kwargs."
_CHECK_PLACE = "Check uri or db_kwargs, and whether the database can be reached from here."


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a message that matches says."""

    pattern: re.Pattern[str]
    kind: type[SourceError]
    hint: str | None = None


def _says(pattern: str, kind: type[SourceError], hint: str | None = None) -> _Meaning:
    return _Meaning(re.compile(pattern, re.IGNORECASE | re.DOTALL), kind, hint)


_BY_WORDS: tuple[_Meaning, ...] = (
    _says(
        "account is empty",
        SourceRejectedError,
        'Set "adbc.snowflake.sql.account" in db_kwargs, or the account in uri.',
    ),
    _says(
        "ProjectID is empty",
        SourceRejectedError,
        'Set "adbc.bigquery.sql.project_id" in db_kwargs.',
    ),
    _says(
        "bigquery: constructing client",
        SourceRejectedError,
        'Set "adbc.bigquery.sql.auth_type" and "adbc.bigquery.sql.auth_credentials" in db_kwargs.',
    ),
    _says(
        r"authentication failed|access denied|incorrect username or password|permission denied"
        r"|unauthenticated|no password supplied|login failed|invalid_grant|unauthorized",
        SourceRejectedError,
        _CHECK_LOGIN,
    ),
    _says(
        r"connection refused|no such host|could not (connect|translate)|network is unreachable"
        r"|closed the connection|connection (reset|closed|lost)|broken pipe|unexpected EOF"
        r"|terminating connection|no route to host|i/o timeout|not connected"
        r"|(cannot|could not|unable to|failed to) open\b|server (is|has) (closed|gone)",
        SourceUnavailableError,
        _CHECK_PLACE,
    ),
    # Drivers without a status for it say in words that a name is not there.
    _says(
        r"(table|column|field|schema|catalog|view|relation|object)\b.{0,200}"
        r"\b(not found|does(n't| not) exist|unknown)"
        r"|no field named|no such (table|column)|invalid (object|column) name|not found in from",
        SourceSchemaChangedError,
    ),
)

_BY_SQLSTATE: tuple[tuple[str, type[SourceError], str | None], ...] = (
    ("42P01", SourceSchemaChangedError, None),
    ("42703", SourceSchemaChangedError, None),
    ("42S02", SourceSchemaChangedError, None),
    ("42S22", SourceSchemaChangedError, None),
    ("3F000", SourceSchemaChangedError, None),
    ("08", SourceUnavailableError, _CHECK_PLACE),
    ("57P", SourceUnavailableError, None),
    ("28", SourceRejectedError, _CHECK_LOGIN),
    ("42501", SourceRejectedError, None),
)
"""What they begin with: those of the standard, and PostgreSQL's."""

_STATUS = adbc.AdbcStatusCode
_BY_STATUS: Mapping[adbc.AdbcStatusCode, tuple[type[SourceError], str | None]] = {
    _STATUS.NOT_FOUND: (SourceSchemaChangedError, None),
    _STATUS.IO: (SourceUnavailableError, _CHECK_PLACE),
    _STATUS.TIMEOUT: (SourceTimeoutError, None),
    _STATUS.UNAUTHENTICATED: (SourceRejectedError, _CHECK_LOGIN),
    _STATUS.UNAUTHORIZED: (SourceRejectedError, _CHECK_LOGIN),
}

_MOST_CHARACTERS = 500


@contextmanager
def translated(source: str, mask: Callable[[str], str]) -> Iterator[None]:
    """Turn what the driver raises into an error of the tree that names `source`.

    The cause is dropped on purpose: the driver may repeat what it was given.
    """
    try:
        yield
    except adbc.Error as error:
        raise translation(error, source, mask) from None
    except (OSError, pa.ArrowException) as error:
        raise _by_words(_said(mask(str(error))), source, SourceUnavailableError, None) from None


def translation(error: adbc.Error, source: str, mask: Callable[[str], str]) -> SourceError:
    """The error of the tree for one of the driver."""
    message = _said(mask(str(error)))
    for begins, kind, hint in _BY_SQLSTATE:
        if (error.sqlstate or "").startswith(begins):
            return kind(message, source=source, hint=hint)
    kind, hint = _BY_STATUS.get(error.status_code, (SourceRejectedError, None))
    return _by_words(message, source, kind, hint)


def cannot(error: adbc.Error) -> bool:
    """Whether the driver cannot do what it was asked, whoever asks."""
    return error.status_code is _STATUS.NOT_IMPLEMENTED


def not_loaded(
    error: adbc.Error, driver: str, source: str, mask: Callable[[str], str]
) -> SourceError:
    """The error for a driver of which the driver manager made no database."""
    message = _said(mask(str(error)))
    if "[Driver Manager]" in message:
        return SourceRejectedError(
            f"the driver {driver!r} cannot be loaded: {message}",
            source=source,
            hint="Check driver and entrypoint: a package, a library's path, or a manifest's name.",
        )
    return translation(error, source, mask)


def _by_words(message: str, source: str, kind: type[SourceError], hint: str | None) -> SourceError:
    for meaning in _BY_WORDS:
        if meaning.pattern.search(message):
            return meaning.kind(message, source=source, hint=meaning.hint)
    return kind(message, source=source, hint=hint)


def _said(text: str) -> str:
    """What the driver said, in one line, without what the driver manager puts around it.

    >>> _said("IO: [Snowflake] 260000: account is empty. Vendor code: 260000")
    '[Snowflake] 260000: account is empty'
    >>> _said("NOT_IMPLEMENTED")
    'the driver failed and said: NOT_IMPLEMENTED'
    """
    text = text.strip()
    if re.fullmatch(r"[A-Z_]*", text):
        return f"the driver failed and said: {text or 'nothing'}"
    text = re.sub(r"^[A-Z_]+: ", "", text)
    text = re.sub(r"\.? (Vendor code: \d+|SQLSTATE: \w+)\b.*$", "", text, flags=re.DOTALL)
    line = " ".join(text.split())
    return line[:_MOST_CHARACTERS].rstrip(". ") or "the driver failed and said nothing"
