"""Connections to one database behind ODBC: made when needed, used again, asked in threads apart.

Owns arrow-odbc, which is loaded when it is first needed, for it needs ODBC's driver manager. Must
not know what runs.
"""

from __future__ import annotations

import importlib
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from connectors.apart import Turns
from connectors.errors import (
    QueueFullError,
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from connectors.odbc.endpoint import Endpoint
from connectors.odbc.failures import translated
from connectors.odbc.options import MYSQL, OdbcOptions
from connectors.odbc.statements import kill

_SETTINGS = "SET time_zone = '+00:00', sql_mode = ''"
"""Of MySQL: moments are in UTC, and no mode changes what is read."""

_SESSION = "SELECT CONNECTION_ID() AS id"

_LEFT = 4
"""So many questions that were given up may go on; while they do, no other one is asked."""

_QUESTION_TEXT_BYTES = 65_536
_QUESTION_ROWS = 512

Row = Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Session:
    """A connection for one user.

    Attributes:
        number: by which the database knows it; None where it cannot be told to end a statement.
        fresh: it was made for this user; else it may have died unseen.
    """

    connection: Any
    number: int | None
    fresh: bool = True


class Database:
    """One database, as one user.

    Attributes:
        turns: those of its statements; questions are beside them.
    """

    def __init__(self, source: str, endpoint: Endpoint, options: OdbcOptions) -> None:
        self.source = source
        self.mask = endpoint.masked
        self.turns = Turns(source, options.max_connections)
        self._endpoint = endpoint
        self._options = options
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._left: list[threading.Event] = []
        self._closed = False

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
        connection = self._connected()
        with translated(self.source, self.mask):
            number = None
            if self._options.dialect == MYSQL:
                connection.execute(_SETTINGS)
                (row,) = _rows(connection, _SESSION)
                number = int(row["id"])
        return Session(connection, number)

    def release(self, session: Session, *, sound: bool) -> None:
        """Give a connection back; one that is not sound is let go, and ends."""
        session.fresh = False
        if sound:
            with self._lock:
                if not self._closed:
                    self._idle.append(session)

    def discard_idle(self) -> None:
        """Let the idle connections go: one of them was found dead, so all are suspect."""
        with self._lock:
            self._idle = []

    def rows(self, sql: str, parameters: Sequence[str] = ()) -> list[Row]:
        """The whole, small result of a statement whose parameters are texts.

        Raises:
            SourceError: the database cannot be asked in time, or its answer is an error.
        """
        rows: list[Row] = self._asked(lambda c: _rows(c, sql, parameters))
        return rows

    def schema(self, sql: str) -> pa.Schema:
        """The columns that a statement would give, as ODBC has them."""

        def question(connection: Any) -> pa.Schema:
            return connection.read_arrow_batches(
                sql, batch_size=1, max_text_size=1, max_binary_size=1, fetch_concurrently=False
            ).schema

        return self._asked(question)

    def end_statement(self, number: int) -> None:
        """Have the database end what a session runs, from another one."""
        connection = self._connected()
        with translated(self.source, self.mask):
            connection.execute(kill(number))

    def close(self) -> None:
        """Let what is idle go now, and the rest when it is released. Idempotent."""
        with self._lock:
            self._closed = True
            self._idle = []

    def _connected(self) -> Any:
        library = _library(self.source)
        options = self._options
        with translated(self.source, self.mask):
            return library.connect(
                self._endpoint.connection_string,
                user=options.user,
                password=None if options.password is None else options.password.get_secret_value(),
                login_timeout_sec=math.ceil(options.wait_seconds),
            )

    def _asked(self, question: Callable[[Any], Any]) -> Any:
        """The answer to a question, which is given up after `wait_seconds`."""
        self._check_left()
        answers: list[Any] = []
        failures: list[BaseException] = []
        done = threading.Event()

        def ask() -> None:
            try:
                answers.append(self._ask(question))
            except BaseException as error:
                failures.append(error)
            done.set()

        thread = threading.Thread(target=ask, name=f"{self.source}-ask", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise QueueFullError("the server cannot start another thread") from None
        if not done.wait(self._options.wait_seconds):
            with self._lock:
                self._left.append(done)
            raise SourceTimeoutError(
                f"the database did not answer within {self._options.wait_seconds:g} s",
                source=self.source,
                hint="Check connection_string, or raise wait_seconds.",
            )
        if failures:
            raise failures[0]
        return answers[0]

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

    def _ask(self, question: Callable[[Any], Any]) -> Any:
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
                # It may have died unseen: ask another one.
                self.discard_idle()
            finally:
                self.release(session, sound=sound)


def _library(source: str) -> Any:
    """arrow-odbc, once it can be loaded."""
    try:
        return importlib.import_module("arrow_odbc")
    except ImportError:
        raise SourceRejectedError(
            "the package 'arrow-odbc' is not installed",
            source=source,
            hint="Install it: pip install 'crosswind[odbc]'",
        ) from None
    except OSError:
        raise SourceRejectedError(
            "ODBC's driver manager, which loads drivers, is not installed",
            source=source,
            hint="Install unixODBC: the package libodbc2 of Debian, unixodbc of others.",
        ) from None


def _rows(connection: Any, sql: str, parameters: Sequence[str] = ()) -> list[Row]:
    reader = connection.read_arrow_batches(
        sql,
        batch_size=_QUESTION_ROWS,
        parameters=list(parameters) or None,
        max_text_size=_QUESTION_TEXT_BYTES,
        max_binary_size=_QUESTION_TEXT_BYTES,
        fetch_concurrently=False,
    )
    rows: list[Row] = pa.Table.from_batches(reader, reader.schema).to_pylist()
    return rows
