"""The driver's database and its connections: opened when first needed, and anew when it is asked.

Which connection is whose is `connectors.pool`'s. Must not know what runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import adbc_driver_manager as adbc

from connectors import pool
from connectors.adbc.any.driver import found
from connectors.adbc.any.endpoint import Endpoint
from connectors.adbc.any.failures import not_loaded, translated
from connectors.apart import Turns
from connectors.errors import CrosswindError

_T = TypeVar("_T")

_DRIVERS_SHARE = 0.6
"""Of the time that connecting may take: drivers round it up to their next try."""

_CLOSE_SECONDS = 1.0
"""How long closing waits for the driver to say goodbye: a dead server never answers."""


@dataclass(slots=True, eq=False)
class _Opened:
    """The driver's database; one that is retired ends with its last connection."""

    database: adbc.AdbcDatabase
    connections: int = 0
    retired: bool = False


@dataclass(slots=True, eq=False)
class Session(pool.Session):
    """A connection for one user."""

    connection: adbc.AdbcConnection
    opened: _Opened


class Database:
    """One database behind one driver, as one user.

    Attributes:
        turns: those of its statements; questions are beside them.
        pool: its connections.

    Args:
        source: the configured name, for errors.
        endpoint: what the driver is given.
        driver, entrypoint: as configured.
        max_connections: how many statements may run at once.
        wait_seconds: how long a question may take, connecting included.
    """

    def __init__(
        self,
        source: str,
        endpoint: Endpoint,
        driver: str,
        entrypoint: str | None,
        *,
        max_connections: int,
        wait_seconds: float,
    ) -> None:
        self.source = source
        self.mask = endpoint.masked
        self.turns = Turns(source, max_connections)
        self.pool = pool.Pool(
            source,
            self._connected,
            end=self._end,
            stop=_stop,
            most_idle=max_connections,
            wait_seconds=wait_seconds,
            hint="Check uri or db_kwargs, or raise wait_seconds.",
        )
        self._endpoint = endpoint
        self._driver = driver
        self._entrypoint = entrypoint
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        # Whoever holds it may be inside the driver for long; `_lock` is never held there.
        self._opening = threading.Lock()
        self._opened: _Opened | None = None

    def ask(self, question: Callable[[adbc.AdbcConnection], _T], *, aside: bool = False) -> _T:
        """The answer to a short question, which is given up after `wait_seconds`, or much sooner
        where who asks can do without it: `aside`.

        Raises:
            SourceError: the database cannot be asked, or its answer is an error.
        """

        def asked(session: Session) -> _T:
            with translated(self.source, self.mask):
                return question(session.connection)

        return self.pool.ask(asked, aside=aside)

    def renew(self) -> None:
        """Let every connection from now on be of a database that is opened anew. Returns soon."""
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is not None:
                opened.retired = True
            unused = opened if opened is not None and opened.connections == 0 else None
        self._clear(self.pool.renew(), unused)

    def close(self) -> None:
        """Close what is idle now, and the rest when it is released. Idempotent."""
        idle = self.pool.close()
        self.renew()
        self._clear(idle, None)

    def _connected(self) -> Session:
        opened = self._entered()
        try:
            with translated(self.source, self.mask):
                connection = adbc.AdbcConnection(
                    opened.database, **self._endpoint.connection_options()
                )
        except BaseException:
            self._leave(opened)
            raise
        return Session(connection, opened)

    def _entered(self) -> _Opened:
        """The database, open, with one more connection counted."""
        with self._opening:
            with self._lock:
                opened = self._opened
                if opened is not None:
                    opened.connections += 1
                    return opened
            opened = _Opened(self._loaded(), 1)
            with self._lock:
                if self.pool.closed:
                    opened.retired = True
                else:
                    self._opened = opened
            return opened

    def _loaded(self) -> adbc.AdbcDatabase:
        driver = found(self.source, self._driver, self._entrypoint)
        # Before this end of it does: the driver knows what it was waiting for.
        options = driver.bounds(_DRIVERS_SHARE * self._wait_seconds)
        options |= self._endpoint.database_options()
        if driver.entrypoint is not None:
            options["entrypoint"] = driver.entrypoint
        try:
            with_driver = {"driver": driver.library, **options}
            return adbc.AdbcDatabase(**with_driver)
        except adbc.Error as error:
            raise not_loaded(error, self._driver, self.source, self.mask) from None

    def _clear(self, idle: Sequence[Session], unused: _Opened | None) -> None:
        """Close what nobody uses, in a thread of its own, which is waited for only a little."""

        def clear() -> None:
            self._end(idle)
            if unused is not None:
                with suppress(adbc.Error):
                    unused.database.close()

        if idle or unused is not None:
            with suppress(CrosswindError):  # No more threads: then they end with the process.
                pool.in_a_thread(clear, f"{self.source}-close").join(_CLOSE_SECONDS)

    def _end(self, sessions: Sequence[Session]) -> None:
        for session in sessions:
            # A database that is gone needs no goodbye.
            with suppress(adbc.Error):
                session.connection.close()
            self._leave(session.opened)

    def _leave(self, opened: _Opened) -> None:
        """Count a connection as gone; the last one of a retired database closes it."""
        with self._lock:
            opened.connections -= 1
            done = opened.retired and opened.connections == 0
        if done:
            with suppress(adbc.Error):
                opened.database.close()


def _stop(session: Session) -> None:
    # Few drivers can; the others go on until they end by themselves.
    with suppress(adbc.Error):
        session.connection.cancel()
