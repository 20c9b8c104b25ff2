"""The one boundary for errors: from any exception to the Flight status that a client sees.

Owns the table of statuses, and that neither a traceback nor an unexpected exception's text leaves
the process. Must not know what failed.
"""

from __future__ import annotations

import functools
import logging
import secrets
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow.flight as fl

from connectors.errors import (
    AccessError,
    CancelledError,
    ConfigurationError,
    CrosswindError,
    DeadlineError,
    InternalError,
    LimitError,
    RequestError,
    SizeLimitError,
    SourceError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
    UnauthenticatedError,
    UnknownNameError,
    UnsupportedError,
)

_log = logging.getLogger(__name__)

_LOGGED_FRAMES = 64


class _Status(Exception):
    """A status that no FlightError has. `msg` is what pyarrow's `Detail:` line shows.

    pyarrow picks the gRPC code by the Python class, takes the text from `str()`, and then formats
    the exception once more as a detail. For a SyntaxError that second rendering shows `msg`, so
    the text is not sent twice.
    """

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self._sentence = text
        self.msg = code

    def __str__(self) -> str:
        return self._sentence


class InvalidArgument(_Status, ValueError, SyntaxError):
    """INVALID_ARGUMENT: ProgrammingError in Python clients."""


class NotFound(_Status, KeyError, SyntaxError):
    """NOT_FOUND: ProgrammingError in Python clients."""


class Unimplemented(_Status, NotImplementedError, SyntaxError):
    """UNIMPLEMENTED: NotSupportedError in Python clients."""


class Unknown(_Status, SyntaxError):
    """UNKNOWN: all that GetSchema can say of an error that is not the request's."""


for _class in (InvalidArgument, NotFound, Unimplemented, Unknown):
    _class.__module__ = "builtins"  # the detail then names the class without this module's path

STATUSES: dict[type[CrosswindError], type[Exception]] = {
    RequestError: InvalidArgument,
    UnknownNameError: NotFound,
    UnsupportedError: Unimplemented,
    AccessError: fl.FlightUnauthorizedError,
    UnauthenticatedError: fl.FlightUnauthenticatedError,
    # RESOURCE_EXHAUSTED cannot be reached; UNAVAILABLE is the code that clients retry.
    LimitError: fl.FlightUnavailableError,
    SizeLimitError: InvalidArgument,
    DeadlineError: fl.FlightTimedOutError,
    SourceError: fl.FlightServerError,
    SourceUnavailableError: fl.FlightUnavailableError,
    SourceTimeoutError: fl.FlightTimedOutError,
    SourceSchemaChangedError: fl.FlightUnavailableError,
    CancelledError: fl.FlightCancelledError,
    ConfigurationError: fl.FlightInternalError,
    InternalError: fl.FlightInternalError,
    CrosswindError: fl.FlightInternalError,
}
"""The status of each error class; a class that is not here has its nearest ancestor's."""


def expected(error: BaseException) -> CrosswindError:
    """The error as one of the tree; what is not in it is logged and becomes an InternalError.

    The client gets an id, and the log has the same id with the traceback.
    """
    if isinstance(error, CrosswindError) and not isinstance(error, InternalError):
        return error
    incident = secrets.token_hex(4)
    # An explicit limit, because sys.tracebacklimit = 0 would empty the log's traceback too.
    frames = "".join(traceback.format_exception(error, limit=_LOGGED_FRAMES))
    _log.error("internal error %s\n%s", incident, frames)
    message = error.message if isinstance(error, InternalError) else "an unexpected error"
    return InternalError(
        f"{message} (incident {incident})", hint="The server's log has the incident."
    )


def to_status(error: BaseException) -> Exception:
    """The exception that makes pyarrow send the right code, from everywhere but GetSchema."""
    failure = expected(error)
    status = next(STATUSES[c] for c in type(failure).__mro__ if c in STATUSES)
    text = str(failure).rstrip(".")  # pyarrow appends ". Detail: …"
    return status(text, failure.code) if issubclass(status, _Status) else status(text)


def to_schema_status(error: BaseException) -> Exception:
    """The same for GetSchema, where a FlightError would come out as UNKNOWN with its class path."""
    status = to_status(error)
    if isinstance(status, fl.FlightError):
        return Unknown(str(status), type(status).__name__)
    return status


_Handler = TypeVar("_Handler", bound=Callable[..., Any])


def guarded(
    handler: _Handler, translate: Callable[[BaseException], Exception] = to_status
) -> _Handler:
    """An RPC handler that lets nothing out but what `translate` makes."""

    @functools.wraps(handler)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            failure = translate(error)
        raise failure

    return call  # type: ignore[return-value]


_silenced_lock = threading.Lock()
_silenced = 0
_limit_before: int | None = None


def silence_tracebacks() -> None:
    """Keep tracebacks out of what pyarrow sends, process-wide, until as many `restore` calls.

    pyarrow formats every exception that is not a FlightError into the status message; only
    `sys.tracebacklimit` keeps the frames out.
    """
    global _silenced, _limit_before
    with _silenced_lock:
        if _silenced == 0:
            _limit_before = getattr(sys, "tracebacklimit", None)
            sys.tracebacklimit = 0
        _silenced += 1


def restore_tracebacks() -> None:
    """Undo one `silence_tracebacks`; the last one restores what was there before."""
    global _silenced
    with _silenced_lock:
        _silenced -= 1
        if _silenced == 0:
            if _limit_before is None:
                del sys.tracebacklimit
            else:
                sys.tracebacklimit = _limit_before
