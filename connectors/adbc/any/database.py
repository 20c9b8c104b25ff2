"""The driver's database and its connections: opened when first needed, used again, bounded.

A driver may take long for whatever it is asked, and some cannot be told to stop. So nobody waits
for it longer than they want to: questions run in threads of their own, and so do statements
(`connectors.apart`). Must not know what runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import adbc_driver_manager as adbc

from connectors.adbc.any.driver import found
from connectors.adbc.any.endpoint import Endpoint
from connectors.adbc.any.failures import not_loaded, translated
from connectors.apart import Turns
from connectors.errors import (
    CrosswindError,
    QueueFullError,
    SourceError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)

_T = TypeVar("_T")

_DRIVERS_SHARE = 0.6
"""Of the time that connecting may take: drivers round it up to their next try."""

_LEFT = 4
"""So many questions that were given up may go on; while they do, no other one is asked."""

_CLOSE_SECONDS = 1.0
"""How long closing waits for the driver to say goodbye: a dead server never answers."""


@dataclass(slots=True, eq=False)
class _Opened:
    """The driver's database; one that is retired ends with its last connection."""

    database: adbc.AdbcDatabase
    connections: int = 0
    retired: bool = False


@dataclass(slots=True, eq=False)
class Session:
    """A connection for one user.

    Attributes:
        fresh: it was made for this user; else it may have died unseen.
    """

    connection: adbc.AdbcConnection
    opened: _Opened
    fresh: bool = True


@dataclass(slots=True, eq=False)
class _Question(Generic[_T]):
    """A question on its way, and what came of it."""

    ask: Callable[[adbc.AdbcConnection], _T]
    done: threading.Event = field(default_factory=threading.Event)
    answer: _T | None = None
    failure: BaseException | None = None
    # A connection is not given back while its question is being given up.
    asking: threading.Lock = field(default_factory=threading.Lock)
    connection: adbc.AdbcConnection | None = None

    def of(self, connection: adbc.AdbcConnection) -> _T:
        with self.asking:
            self.connection = connection
        try:
            return self.ask(connection)
        finally:
            with self.asking:
                self.connection = None

    def give_up(self) -> None:
        # Few drivers can; the others go on until they end by themselves.
        with self.asking, suppress(adbc.Error):
            if self.connection is not None:
                self.connection.cancel()


class Database:
    """One database behind one driver, as one user.

    Attributes:
        turns: those of its statements; questions are beside them.

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
        self._endpoint = endpoint
        self._driver = driver
        self._entrypoint = entrypoint
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._left: list[threading.Event] = []
        self._closed = False
        # Whoever holds it may be inside the driver for long; `_lock` is never held there.
        self._opening = threading.Lock()
        self._opened: _Opened | None = None

    def acquire(self) -> Session:
        """A connection of one's own; give it back with `release`. Blocks as long as the driver.

        Raises:
            SourceError: the database cannot be reached, or refuses who asks.
        """
        with self._lock:
            if self._closed:
                raise SourceUnavailableError("the source was closed", source=self.source)
            if self._idle:
                return self._idle.pop()
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

    def release(self, session: Session, *, sound: bool) -> None:
        """Give a connection back; one that is not sound is closed. Blocks as long as the driver."""
        session.fresh = False
        with self._lock:
            keep = sound and not self._closed and not session.opened.retired
            if keep:
                self._idle.append(session)
        if not keep:
            self._end([session])

    def ask(self, question: Callable[[adbc.AdbcConnection], _T]) -> _T:
        """The answer to a short question, which is given up after `wait_seconds`.

        Raises:
            SourceError: the database cannot be asked, or its answer is an error.
        """
        self._check_left()
        asked = _Question(question)
        self._apart(lambda: self._answer(asked), "ask")
        if not asked.done.wait(self._wait_seconds):
            with self._lock:
                self._left.append(asked.done)
            asked.give_up()
            raise SourceTimeoutError(
                f"the database did not answer within {self._wait_seconds:g} s",
                source=self.source,
                hint="Check uri or db_kwargs, or raise wait_seconds.",
            )
        if asked.failure is not None:
            raise asked.failure
        return asked.answer  # type: ignore[return-value]

    def _check_left(self) -> None:
        """Refuse another question where too many were given up that go on."""
        with self._lock:
            self._left = [done for done in self._left if not done.is_set()]
            if len(self._left) >= _LEFT:
                raise QueueFullError(
                    f"{_LEFT} questions that were given up go on, which the driver does not end",
                    source=self.source,
                    hint="Try again when they have ended.",
                )

    def discard_idle(self) -> None:
        """Close the idle connections: one of them was found dead, so all are suspect."""
        with self._lock:
            idle, self._idle = self._idle, []
        self._end(idle)

    def renew(self) -> None:
        """Let every connection from now on be of a database that is opened anew. Returns soon."""
        with self._lock:
            opened, self._opened = self._opened, None
            idle, self._idle = self._idle, []
            unused = opened is not None and self._retire(opened)
        with suppress(CrosswindError):  # No more threads: then they end with the process.
            self._apart(lambda: self._clear(idle, opened if unused else None), "close").join(
                _CLOSE_SECONDS
            )

    def close(self) -> None:
        """Close what is idle now, and the rest when it is released. Idempotent."""
        with self._lock:
            self._closed = True
        self.renew()

    def _apart(self, work: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=work, name=f"{self.source}-{name}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise QueueFullError("the server cannot start another thread") from None
        return thread

    def _answer(self, asked: _Question[_T]) -> None:
        try:
            asked.answer = self._ask(asked.of)
        except BaseException as error:
            asked.failure = error
        asked.done.set()

    def _ask(self, question: Callable[[adbc.AdbcConnection], _T]) -> _T:
        while True:
            session = self.acquire()
            fresh, sound = session.fresh, False
            try:
                with translated(self.source, self.mask):
                    answer = question(session.connection)
                sound = True
                return answer
            except SourceSchemaChangedError:
                sound = True
                raise
            except SourceError:
                if fresh:
                    raise
                # It may have died unseen, which drivers say in many ways: ask another one.
                self.discard_idle()
            finally:
                self.release(session, sound=sound)

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
                if self._closed:
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

    def _retire(self, opened: _Opened) -> bool:
        """Let it end with its last connection; True where it has none. `_lock` is held."""
        opened.retired = True
        return opened.connections == 0

    def _clear(self, idle: Sequence[Session], unused: _Opened | None) -> None:
        self._end(idle)
        if unused is not None:
            with suppress(adbc.Error):
                unused.database.close()

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
