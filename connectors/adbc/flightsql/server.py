"""The connections to one server: made on demand, reused while they are sound.

Owns every connection of the driver and the waiting for one. How many run at once is the caller's
business. Must not know what runs on a connection.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import adbc_driver_flightsql
import adbc_driver_manager as adbc
from adbc_driver_flightsql import ConnectionOptions

from connectors import circle
from connectors.adbc.flightsql.endpoint import Endpoint
from connectors.adbc.flightsql.failures import ServerLostError, translated
from connectors.adbc.flightsql.product import Product, product_of
from connectors.errors import (
    CancelledError,
    QueueFullError,
    SourceUnavailableError,
)

_T = TypeVar("_T")

_THROUGH = ConnectionOptions.RPC_CALL_HEADER_PREFIX.value + circle.HEADER

_CLOSE_SECONDS = 1.0
"""How long is waited for a connection to close; a server on a slow link takes a round trip."""


@dataclass(slots=True, eq=False)
class Session:
    """A connection for one user at a time. `fresh`: nothing has run on it yet."""

    connection: adbc.AdbcConnection
    fresh: bool = True


@dataclass(slots=True, eq=False)
class _Dial:
    """A connection on its way, made by a thread of its own: the driver cannot be interrupted."""

    session: Session | None = None
    error: BaseException | None = None
    abandoned: bool = False

    @property
    def done(self) -> bool:
        return self.session is not None or self.error is not None


class Server:
    """One server, as one user.

    Args:
        source: the configured name, for errors.
        endpoint: where to connect, and as whom.
        wait_seconds: how long connecting may take.
    """

    def __init__(self, source: str, endpoint: Endpoint, *, wait_seconds: float) -> None:
        self.source = source
        self.mask = endpoint.masked
        self._endpoint = endpoint
        self._wait_seconds = wait_seconds
        self._changed = threading.Condition()
        self._idle: list[Session] = []
        self._total = 0
        self._closed = False
        self._opening = threading.Lock()
        self._database: adbc.AdbcDatabase | None = None
        self._product: Product | None = None

    @property
    def product(self) -> Product:
        """What the server is, of which nothing is known until it was first asked."""
        return self._product or Product()

    def acquire(self, stopped: Callable[[], bool], deadline: float | None = None) -> Session:
        """A connection of one's own; give it back with `release`.

        Args:
            stopped: asked after each `wake`; True ends the waiting with a CancelledError.
            deadline: `stopped` is asked again then; on the clock of `time.monotonic`.

        Raises:
            SourceError: the server cannot be reached, or refuses who asks.
        """
        with self._changed:
            if self._closed:
                raise SourceUnavailableError("the source was closed", source=self.source)
            if self._idle:
                return self._idle.pop()
            self._total += 1
        return self._dialled(stopped, deadline)

    def release(self, session: Session, *, sound: bool) -> None:
        """Give a connection back; one that is not sound is closed."""
        session.fresh = False
        with self._changed:
            keep = sound and not self._closed
            if keep:
                self._idle.append(session)
        if not keep:
            self._end([session], seconds=_CLOSE_SECONDS if sound else 0.0)

    def ask(self, question: Callable[[adbc.AdbcConnection], _T]) -> _T:
        """The answer to a short question. A connection that died unseen is replaced, once.

        Raises:
            SourceError: the server cannot be asked, or its answer is an error.
        """
        while True:
            session = self.acquire(lambda: False)
            fresh, sound = session.fresh, False
            try:
                with translated(self.source, self.mask), _named(session.connection):
                    answer = question(session.connection)
                sound = True
                return answer
            except ServerLostError:
                if fresh:
                    raise
                self.discard_idle()
            finally:
                self.release(session, sound=sound)

    def discard_idle(self) -> None:
        """End the idle connections: one of them was found dead, so all are suspect."""
        with self._changed:
            idle, self._idle = self._idle, []
            done = self._closed and self._total == 0
        if idle or done:
            self._end(idle)

    def wake(self) -> None:
        """Make every waiting `acquire` ask again whether it is stopped."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End idle connections now and the others when they are released. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.discard_idle()

    def _dialled(self, stopped: Callable[[], bool], deadline: float | None) -> Session:
        give_up = time.monotonic() + self._wait_seconds
        dial = _Dial()
        try:
            threading.Thread(
                target=self._dial, args=(dial,), name=f"{self.source}-connect", daemon=True
            ).start()
        except RuntimeError:
            self._end([], made=1)
            raise QueueFullError("the server cannot start another thread") from None
        with self._changed:
            try:
                while not dial.done:
                    if stopped():
                        raise CancelledError("cancelled while connecting")
                    now = time.monotonic()
                    if now >= give_up:
                        raise SourceUnavailableError(
                            f"the server did not answer within {self._wait_seconds:g} s",
                            source=self.source,
                        )
                    until = give_up if deadline is None else min(give_up, deadline)
                    self._changed.wait(max(0.0, until - now))
            except BaseException:
                dial.abandoned = True
                if dial.session is not None:
                    self._idle.append(dial.session)
                raise
        if dial.session is None:
            assert dial.error is not None
            raise dial.error
        return dial.session

    def _dial(self, dial: _Dial) -> None:
        session: Session | None = None
        error: BaseException | None = None
        try:
            session = self._open()
        except BaseException as failure:
            error = failure
        surplus: list[Session] = []
        with self._changed:
            if session is not None and dial.abandoned:
                # Whoever waited is gone; the connection is as good for the next one.
                (surplus if self._closed else self._idle).append(session)
            dial.session, dial.error = session, error
            self._changed.notify_all()
        if error is not None or surplus:
            self._end(surplus, made=0 if surplus else 1)

    def _open(self) -> Session:
        with translated(self.source, self.mask):
            with self._opening:
                if self._database is None:
                    self._database = adbc_driver_flightsql.connect(
                        self._endpoint.address, db_kwargs=self._endpoint.driver_options()
                    )
                database = self._database
            connection = adbc.AdbcConnection(database)
            if self._product is None:
                try:
                    self._product = product_of(connection)
                except BaseException:
                    connection.close()
                    raise
            return Session(connection)

    def _end(
        self, sessions: list[Session], *, made: int = 0, seconds: float = _CLOSE_SECONDS
    ) -> None:
        """Close connections, and count them and `made` that never came to be as gone.

        Closing tells the server, and waits for its answer, which a dead one never gives: so it has
        a thread of its own, which is waited for only a little.
        """
        closing = threading.Thread(
            target=self._close_all, args=(sessions, made), name=f"{self.source}-close", daemon=True
        )
        with suppress(RuntimeError):  # No more threads: then they end with the process.
            closing.start()
            closing.join(seconds)

    def _close_all(self, sessions: list[Session], made: int) -> None:
        for session in sessions:
            # A server that is gone needs no goodbye.
            with suppress(adbc.Error):
                session.connection.close()
        with self._changed:
            self._total -= len(sessions) + made
            done = self._closed and self._total == 0
        if done:
            with self._opening:
                database, self._database = self._database, None
            if database is not None:
                database.close()


@contextmanager
def _named(connection: adbc.AdbcConnection) -> Iterator[None]:
    """Say which servers ask, so that one of them can refuse to ask itself."""
    servers = circle.servers()
    if not servers:
        yield
        return
    connection.set_options(**{_THROUGH: ",".join(servers)})
    try:
        yield
    finally:
        # Given again a header would be sent twice, and a statement has not come this way.
        connection.set_options(**{_THROUGH: ""})
