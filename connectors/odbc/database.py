"""One database behind ODBC: how it is connected to, and asked.

Owns arrow-odbc, which is loaded when it is first needed, for it needs ODBC's driver manager. Which
connection is whose is `connectors.pool`'s. Must not know what runs.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from connectors import pool
from connectors.apart import Turns
from connectors.errors import SourceRejectedError
from connectors.odbc.endpoint import Endpoint
from connectors.odbc.failures import translated
from connectors.odbc.options import MYSQL, OdbcOptions
from connectors.odbc.statements import kill

_SETTINGS = "SET time_zone = '+00:00', sql_mode = ''"
"""Of MySQL: moments are in UTC, and no mode changes what is read."""

_SESSION = "SELECT CONNECTION_ID() AS id"

_QUESTION_TEXT_BYTES = 65_536
_QUESTION_ROWS = 512

Row = Mapping[str, Any]

_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class Session(pool.Session):
    """A connection for one user.

    Attributes:
        number: by which the database knows it; None where it cannot be told to end a statement.
    """

    connection: Any
    number: int | None


class Database:
    """One database, as one user.

    Attributes:
        turns: those of its statements; questions are beside them.
        pool: its connections, which end when nothing holds them any more.
    """

    def __init__(self, source: str, endpoint: Endpoint, options: OdbcOptions) -> None:
        self.source = source
        self.mask = endpoint.masked
        self.turns = Turns(source, options.max_connections)
        self._endpoint = endpoint
        self._options = options
        self.pool = pool.Pool(
            source,
            self._session,
            most_idle=options.max_connections,
            wait_seconds=options.wait_seconds,
            hint="Check connection_string, or raise wait_seconds.",
        )

    def rows(self, sql: str, parameters: Sequence[str] = (), *, aside: bool = False) -> list[Row]:
        """The whole, small result of a statement whose parameters are texts.

        Args:
            aside: who asks can do without it, and waits only a little.

        Raises:
            SourceError: the database cannot be asked in time, or its answer is an error.
        """
        return self._asked(lambda c: _rows(c, sql, parameters), aside=aside)

    def schema(self, sql: str) -> pa.Schema:
        """The columns that a statement would give, as ODBC has them."""

        def question(connection: Any) -> pa.Schema:
            reader = connection.read_arrow_batches(
                sql, batch_size=1, max_text_size=1, max_binary_size=1, fetch_concurrently=False
            )
            return reader.schema

        return self._asked(question)

    def end_statement(self, number: int) -> None:
        """Have the database end what a session runs, from another one."""
        connection = self._connected()
        with translated(self.source, self.mask):
            connection.execute(kill(number))

    def close(self) -> None:
        """Let what is idle go now, and the rest when it is released. Idempotent."""
        self.pool.close()

    def _session(self) -> Session:
        connection = self._connected()
        with translated(self.source, self.mask):
            number = None
            if self._options.dialect == MYSQL:
                connection.execute(_SETTINGS)
                (row,) = _rows(connection, _SESSION)
                number = int(row["id"])
        return Session(connection, number)

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

    def _asked(self, question: Callable[[Any], _T], *, aside: bool = False) -> _T:
        def asked(session: Session) -> _T:
            with translated(self.source, self.mask):
                return question(session.connection)

        return self.pool.ask(asked, aside=aside)


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
