"""Who calls: the session of a cookie, and the options in a call's headers.

Owns the cookie, its check, and the store of sessions. Must not know what the options do.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.flight as fl

from connectors import circle
from connectors.errors import SessionExpiredError
from flight_server.attached import AttachedThreads
from flight_server.handshake import HandshakeReply
from flight_server.session_options import DEFAULTS, SessionOptions
from flight_server.sessions import Clock, Expiring

COOKIE = "arrow_flight_session_id"
"""The name that the Flight SQL implementations give the cookie of a session."""

HEADER_PREFIX = "x-crosswind-"
"""`x-crosswind-dialect: snowflake` sets an option for one call."""

_READ = frozenset({"cookie", circle.HEADER})

MIDDLEWARE = "call"
"""The name under which a handler finds its call's headers."""


class Sessions:
    """Options by session. A session begins with the first option that it sets.

    Args:
        capacity: how many sessions there may be; the least recently used makes room for one more.
        ttl_seconds: how long one lives after its last use.
        clock: seconds; replaced only by tests.
    """

    def __init__(self, capacity: int, ttl_seconds: float, clock: Clock = time.monotonic) -> None:
        self._options: Expiring[str, SessionOptions] = Expiring(capacity, ttl_seconds, clock)

    def open(self, options: SessionOptions) -> str:
        """Begin a session; its identifier, which cannot be guessed."""
        session = secrets.token_hex(16)
        self._options.put(session, options)
        return session

    def options(self, session: str) -> SessionOptions | None:
        """What a session has set, or None when it is not there any more. A use of it."""
        return self._options.get(session)

    def set(self, session: str, options: SessionOptions) -> None:
        """Replace what a session has set."""
        self._options.put(session, options)

    def close(self, session: str) -> None:
        """Forget a session. Idempotent."""
        self._options.pop(session)

    def __len__(self) -> int:
        return len(self._options)


class CallHeaders(fl.ServerMiddleware):  # type: ignore[misc]
    """What a call's headers say of a session and of options.

    Attributes:
        session: the identifier in the cookie, or None.
        given: the options that the call itself has, by name.
        through: the servers that the call has come through.
    """

    def __init__(self, headers: Mapping[str, Sequence[Any]]) -> None:
        self.session = _session_of(headers.get("cookie", ()))
        self.given = {
            name[len(HEADER_PREFIX) :]: _text(values)
            for name, values in headers.items()
            if name.startswith(HEADER_PREFIX)
        }
        through = _text(headers.get(circle.HEADER, ()))
        self.through = tuple(through.split(",")) if through else ()

    def call_completed(self, exception: Any) -> None:
        """Nothing to free."""


class CallMiddleware(fl.ServerMiddlewareFactory):  # type: ignore[misc]
    """Middleware for the calls that need one; for any other it would cost time.

    Args:
        threads: those that calls are answered in.
    """

    def __init__(self, threads: AttachedThreads) -> None:
        self._threads = threads

    def start_call(self, info: Any, headers: Any) -> Any:
        """Before the handler runs, in its thread."""
        self._threads.stay()
        if info.method == fl.FlightMethod.HANDSHAKE:
            return HandshakeReply()
        for name in headers:
            if name in _READ or name.startswith(HEADER_PREFIX):
                return CallHeaders(headers)
        return None


class Caller:
    """Whose call it is, as its handler sees it.

    Args:
        context: the call's.
        sessions: the server's.
    """

    def __init__(self, context: Any, sessions: Sessions) -> None:
        self._context = context
        self._sessions = sessions
        found = context.get_middleware(MIDDLEWARE)
        self._headers = found if isinstance(found, CallHeaders) else None

    def options(self) -> SessionOptions:
        """The options of this call: its session's, and above them those of its headers.

        Raises:
            RequestError: a family of it, when a header has no such option or value.
            SessionExpiredError: as `session_options` does.
        """
        if self._headers is None:
            return DEFAULTS
        options = self.session_options()
        for name, value in self._headers.given.items():
            options = options.with_option(name, value)
        return options

    def gone(self) -> bool:
        """Whether the client has cancelled this call; only while its handler runs."""
        return bool(self._context.is_cancelled())

    @property
    def through(self) -> tuple[str, ...]:
        """The servers that asked each other before this one was asked."""
        return () if self._headers is None else self._headers.through

    def session_options(self) -> SessionOptions:
        """What the session has set.

        Raises:
            SessionExpiredError: the call names a session that is not there. A client has a cookie
                only when it has set something: to go on without that would answer its next
                statement in another dialect.
        """
        session = self._session
        if session is None:
            return DEFAULTS
        found = self._sessions.options(session)
        if found is None:
            raise SessionExpiredError(
                "the session has expired, or the server was started again since",
                hint="Connect again, and set the session's options again.",
            )
        return found

    def set_session(self, options: SessionOptions) -> None:
        """Set the session's options; a client without a session gets one, and its cookie.

        Raises:
            SessionExpiredError: the call names a session that is not there: what else it had set
                would be lost without a word.
        """
        session = self._session
        if session is not None:
            self.session_options()
            self._sessions.set(session, options)
            return
        session = self._sessions.open(options)
        self._context.add_header("set-cookie", f"{COOKIE}={session}; Path=/; HttpOnly")

    def close_session(self) -> None:
        """Forget the session, if there is one; a client that goes on has none then. Idempotent."""
        if self._session is not None:
            self._sessions.close(self._session)
            self._context.add_header("set-cookie", f"{COOKIE}=; Path=/; HttpOnly; Max-Age=0")

    @property
    def _session(self) -> str | None:
        return None if self._headers is None else self._headers.session


def _text(values: Sequence[Any]) -> str:
    value = values[-1] if values else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _session_of(cookies: Sequence[Any]) -> str | None:
    """The session's cookie, whatever stands beside it: a strict reader would drop them all."""
    for header in cookies:
        for cookie in _text([header]).split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == COOKIE and value:
                return value.strip('"')
    return None
