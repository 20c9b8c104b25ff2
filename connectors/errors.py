"""The one error tree. Owns codes, message parts, whether a retry can help; knows no Flight.

CrosswindError
├── ConfigurationError            configuration
├── RequestError                  the client's statement is at fault
│   ├── SqlSyntaxError            request.syntax
│   ├── UnknownNameError          request.unknown_name
│   ├── TypeMismatchError         request.type
│   ├── InvalidValueError         request.value
│   └── UnsupportedError          request.unsupported
├── AccessError                   who asks, or what they may
│   ├── UnauthenticatedError      access.unauthenticated
│   │   └── SessionExpiredError   access.session
│   └── ForbiddenError            access.forbidden
├── LimitError                    a bound of this server
│   ├── QueueFullError            limit.queue
│   ├── MemoryLimitError          limit.memory
│   ├── SizeLimitError            limit.size
│   └── DeadlineError             limit.deadline
├── SourceError                   a source is at fault, and is named
│   ├── SourceUnavailableError    source.unavailable
│   ├── SourceRejectedError       source.rejected
│   ├── SourceTimeoutError        source.timeout
│   └── SourceSchemaChangedError  source.schema_changed
├── CancelledError                cancelled
└── InternalError                 internal
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the client's SQL text; both count from 1, columns in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class CrosswindError(Exception):
    """What went wrong, where, and what to do about it.

    Args:
        message: one sentence; never a secret, never a traceback.
        source: the configured name of the source at fault.
        position: where in the client's SQL.
        hint: what the reader can do, as one sentence.

    Attributes:
        tables: of the source, that it was reading, where the message names none of them.
    """

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        source: str | None = None,
        position: Position | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.source = source
        self.position = position
        self.hint = hint
        self.tables: tuple[str, ...] = ()

    def while_reading(self, tables: Collection[str]) -> Self:
        """Itself, which happened while its source was reading these tables, `schema.table`."""
        if self.source is not None and not any(_names(self.message, name) for name in tables):
            self.tables = tuple(tables)
        return self

    def __str__(self) -> str:
        where = [f"source {self.source!r}"] if self.source else []
        where += [_named(self.tables)] if self.tables else []
        where += [str(self.position)] if self.position else []
        text = f"{', '.join(where)}: {self.message}" if where else self.message
        if self.hint:
            text = f"{text.rstrip('.')}. {self.hint}"
        return f"[{self.code}] {text}"


MOST_NAMED = 4
"""So many tables an error names."""


def _names(message: str, table: str) -> bool:
    """Whether a message says which table it is about.

    >>> [_names(text, "main.a") for text in ("a value", "table 'a' has none", "main.a has none")]
    [False, True, True]
    """
    own = re.escape(table.rpartition(".")[2])
    return bool(re.search(rf"[\"'`]{own}[\"'`]|\b(?:table |[\w\"]+\.\"?){own}\b", message))


def _named(tables: tuple[str, ...]) -> str:
    """
    >>> _named(("main.a",)), _named(("main.a", "main.b"))
    ('table main.a', 'tables main.a, main.b')
    """
    more = len(tables) - MOST_NAMED
    names = [*tables[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"table{'s' if len(tables) > 1 else ''} {', '.join(names)}"


class ConfigurationError(CrosswindError):
    """The configuration cannot be used; the message names file, line and key."""

    code = "configuration"


class RequestError(CrosswindError):
    """The statement is at fault."""

    code = "request"


class SqlSyntaxError(RequestError):
    """The text is not SQL that the server reads."""

    code = "request.syntax"


class UnknownNameError(RequestError):
    """A table, column, function or handle that does not exist."""

    code = "request.unknown_name"


class TypeMismatchError(RequestError):
    """An operation on types that it does not take."""

    code = "request.type"


class InvalidValueError(RequestError):
    """A value in the data that an operation does not take: a division by zero, a failed cast."""

    code = "request.value"


class UnsupportedError(RequestError):
    """Valid, but not something that this server does."""

    code = "request.unsupported"


class AccessError(CrosswindError):
    """Who asks, or what they may."""

    code = "access"


class UnauthenticatedError(AccessError):
    """Credentials are missing or wrong."""

    code = "access.unauthenticated"


class SessionExpiredError(UnauthenticatedError):
    """The session that a call names is not there any more, and what it had set with it."""

    code = "access.session"


class ForbiddenError(AccessError):
    """The caller is known, and may not do this."""

    code = "access.forbidden"


class LimitError(CrosswindError):
    """A bound of this server was reached."""

    code = "limit"
    retryable = True


class QueueFullError(LimitError):
    """No connection or no turn came free in time."""

    code = "limit.queue"


class MemoryLimitError(LimitError):
    """The query needs more memory than it may have, also with spilling."""

    code = "limit.memory"


class SizeLimitError(LimitError):
    """A statement or a result larger than allowed."""

    code = "limit.size"
    retryable = False


class DeadlineError(LimitError):
    """The query's time was up."""

    code = "limit.deadline"


class SourceError(CrosswindError):
    """A source is at fault; `source` names it."""

    code = "source"


class SourceUnavailableError(SourceError):
    """The source cannot be reached, or went away."""

    code = "source.unavailable"
    retryable = True


class SourceRejectedError(SourceError):
    """The source was reached and refused: rights, credentials, a value, a statement."""

    code = "source.rejected"


class SourceTimeoutError(SourceError):
    """The source took longer than its timeout."""

    code = "source.timeout"
    retryable = True


class SourceSchemaChangedError(SourceError):
    """A table is not any more what it was when the query was planned."""

    code = "source.schema_changed"
    retryable = True


class CancelledError(CrosswindError):
    """The client went away or asked to stop."""

    code = "cancelled"


class InternalError(CrosswindError):
    """A defect of this software."""

    code = "internal"
