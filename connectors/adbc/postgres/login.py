"""New sessions at one server: with settings of their own, or none where a pooler stands between.

Owns the driver's databases, of which one has the settings in its start-up packet, and which of them
the server takes. Must not know how many sessions there are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import adbc_driver_manager as adbc
import adbc_driver_postgresql

from connectors.adbc.postgres.endpoint import Endpoint
from connectors.adbc.postgres.failures import translated
from connectors.adbc.postgres.options import PoolMode
from connectors.adbc.postgres.session import Session, SettingsLostError
from connectors.errors import SourceRejectedError

# By itself the driver reads every column of every table of the server, to know their row types:
# 1.5 s for 20,000 tables. Types that are not built in come as text here.
_DRIVER_OPTIONS = {"adbc.postgresql.type_resolver_mode": "builtin"}

_LOG = logging.getLogger("crosswind.connectors")
_POOLED = (
    "source %r takes no settings of a session, as a pooler by transaction does: "
    "each statement is a transaction that begins with them"
)


class Login:
    """Connects to a server; `open` may be called by several threads.

    Args:
        source: the configured name, for errors.
        endpoint: where to connect.
        timeout_seconds: the server's limit for a statement.
        mode: whose the settings are; None to find out.
    """

    def __init__(
        self,
        source: str,
        endpoint: Endpoint,
        timeout_seconds: float | None,
        mode: PoolMode | None,
    ) -> None:
        self.mask: Callable[[str], str] = endpoint.masked
        self._source = source
        self._endpoint = endpoint
        self._timeout_seconds = timeout_seconds
        self._mode = mode
        self._lock = threading.Lock()
        self._databases: dict[PoolMode, adbc.AdbcDatabase] = {}

    def open(self) -> Session:
        """A new session.

        Raises:
            SourceError: the server cannot be reached, refuses, or takes no settings.
        """
        try:
            with translated(self._source, self.mask):
                return self._opened()
        except SettingsLostError:
            raise SourceRejectedError(
                "the server did not take the settings that keep a query read-only",
                source=self._source,
                hint="Connect to the server itself, or leave pool_mode out.",
            ) from None

    def close(self) -> None:
        """Free what is kept beside the sessions, which are closed. Idempotent."""
        with self._lock:
            databases, self._databases = self._databases, {}
        for database in databases.values():
            database.close()

    def _opened(self) -> Session:
        mode = self._mode
        try:
            return self._session(mode or "session")
        except (SettingsLostError, adbc.Error) as error:
            if mode is not None or not _takes_no_settings(error):
                raise
        session = self._session("transaction")
        _LOG.info(_POOLED, self._source)
        self._mode = "transaction"
        return session

    def _session(self, mode: PoolMode) -> Session:
        local = None if mode == "session" else self._endpoint.local_settings(self._timeout_seconds)
        with self._lock:
            database = self._databases.get(mode)
            if database is None:
                conninfo = self._endpoint.conninfo(self._timeout_seconds, settings=local is None)
                database = adbc_driver_postgresql.connect(conninfo, db_kwargs=_DRIVER_OPTIONS)
                self._databases[mode] = database
        return Session(database, self._source, local)


def _takes_no_settings(error: Exception) -> bool:
    """Whether that is a pooler, which refuses `options` or passes none on."""
    return isinstance(error, SettingsLostError) or "unsupported startup parameter" in str(error)
