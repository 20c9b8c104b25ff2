"""The database, a file or in memory: opened when it is first asked, and a file again when another
took its place.

Owns the driver's database and how many connections it has. Must not know what runs on them.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import adbc_driver_duckdb
import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.duckdb.failures import opening, translated
from connectors.adbc.in_memory import IN_MEMORY, VERSION, set_up
from connectors.errors import SourceRejectedError, SourceUnavailableError

Version = tuple[int, int, int, int]
"""Device, inode, size and time of change: what differs when a file was replaced."""

_SQLITE = b"SQLite format 3\0"
"""How a file of SQLite begins."""

# Timestamps with a time zone leave in the zone of the session. It is no option of a database that
# is being opened, because the extension that has it is not there yet.
_SETTINGS = "SET GLOBAL TimeZone = 'UTC'"

# DuckDB looks for a function in the file before its own, so that a macro `sum` is what SUM means.
_SHADOWED = """
SELECT lower(function_name) AS name FROM duckdb_functions()
WHERE internal OR (database_name = current_database() AND schema_name = 'main')
GROUP BY ALL HAVING bool_or(internal) AND NOT bool_and(internal)
ORDER BY ALL
"""


@dataclass(slots=True, eq=False)
class _Opened:
    database: adbc.AdbcDatabase
    version: Version
    users: int = 0
    retired: bool = False


class Session:
    """A connection of its own for one user. `cancel` may come from any thread, before `close`."""

    def __init__(self, owner: Database, opened: _Opened, connection: adbc.AdbcConnection) -> None:
        self._owner = owner
        self._opened = opened
        self.connection = connection
        self._closed = False

    def cancel(self) -> None:
        """Interrupt what runs on this connection; it fails at its next step."""
        self.connection.cancel()

    def close(self) -> None:
        """Give the connection back. Idempotent; nothing may run on it."""
        if not self._closed:
            self._closed = True
            self.connection.close()
            self._owner._leave(self._opened)


class Database:
    """One file, read-only, or what `setup` makes in memory.

    Args:
        source: the configured name, for errors.
        path: the file, or `:memory:`.
        threads: for all its queries together.
        memory_limit_mb: likewise, in MiB.
        setup: statements.
    """

    def __init__(
        self,
        source: str,
        path: str,
        *,
        threads: int,
        memory_limit_mb: int,
        setup: Sequence[str] = (),
    ) -> None:
        self.source = source
        self._path = path
        self._setup = setup
        self._threads = threads
        self._memory_limit_mb = memory_limit_mb
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._closed = False

    def version(self) -> Version:
        """Which file it is now; no more than a look at the directory.

        Raises:
            SourceUnavailableError: there is none.
        """
        if self._path == IN_MEMORY:
            return VERSION
        try:
            found = Path(self._path).stat()
        except OSError as error:
            raise SourceUnavailableError(
                f"the file {self._path!r} cannot be opened: {error.strerror}",
                source=self.source,
                hint="Check uri, which is relative to where the command runs.",
            ) from None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def connect(self) -> Session:
        """A connection to the file as it is now.

        Raises:
            SourceError: the file cannot be opened, or the source is closed.
        """
        version = self.version()
        with self._lock:
            if self._closed:
                raise SourceUnavailableError("the source was closed", source=self.source)
            if self._opened is not None and self._opened.version != version:
                self._retire()
            if self._opened is None:
                self._opened = self._open(version)
            opened = self._opened
            with translated(self.source):
                connection = adbc.AdbcConnection(opened.database)
            opened.users += 1
        return Session(self, opened, connection)

    def rows(self, sql: str, parameters: Sequence[str] = ()) -> list[dict[str, object]]:
        """The whole, small result of a statement whose parameters are texts."""
        session = self.connect()
        try:
            with translated(self.source):
                return _rows(session.connection, sql, parameters)
        finally:
            session.close()

    def close(self) -> None:
        """Close the file now, or with its last connection. Idempotent."""
        with self._lock:
            self._closed = True
            self._retire()

    def _leave(self, opened: _Opened) -> None:
        with self._lock:
            opened.users -= 1
            if opened.retired and not opened.users:
                opened.database.close()

    def _retire(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.retired = True
            if not opened.users:
                opened.database.close()

    def _open(self, version: Version) -> _Opened:
        options = {
            "threads": str(self._threads),
            "memory_limit": f"{self._memory_limit_mb}MiB",
            # Beside the file, where it would go, may be no place to write.
            "temp_directory": str(Path(tempfile.gettempdir()) / f"crosswind-duckdb-{os.getpid()}"),
            # Nothing that a file asks for is fetched from the network.
            "autoinstall_known_extensions": "false",
            # An order that nobody asked for costs memory and twice the time.
            "preserve_insertion_order": "false",
            "default_null_order": "nulls_last",
        }
        if self._path != IN_MEMORY:
            options["access_mode"] = "read_only"
            self._check_file()
        with opening(self.source):
            database = adbc.AdbcDatabase(
                driver=adbc_driver_duckdb.driver_path(),
                entrypoint="duckdb_adbc_init",
                path=self._path,
                **options,
            )
            try:
                with adbc.AdbcConnection(database) as connection:
                    _rows(connection, _SETTINGS, ())
                    set_up(connection, self._setup, partial(translated, self.source))
                    self._check_functions(_rows(connection, _SHADOWED, ()))
            except BaseException:
                database.close()
                raise
        return _Opened(database, version)

    def _check_file(self) -> None:
        """DuckDB would read SQLite's by an extension, where that is there, and by other rules."""
        if not Path(self._path).is_file():
            raise SourceRejectedError(f"{self._path!r} is not a file", source=self.source)
        with suppress(OSError), Path(self._path).open("rb") as file:
            if file.read(len(_SQLITE)) == _SQLITE:
                raise SourceRejectedError(
                    "the file is not a DuckDB database: SQLite made it",
                    source=self.source,
                    hint='Set connector = "sqlite".',
                )

    def _check_functions(self, shadowed: list[dict[str, object]]) -> None:
        if shadowed:
            names = ", ".join(str(row["name"]) for row in shadowed[:5])
            raise SourceRejectedError(
                f"the file has macros with the names of DuckDB's own functions: {names}",
                source=self.source,
                hint="Rename them: they would change what queries mean.",
            )


def _rows(
    connection: adbc.AdbcConnection, sql: str, parameters: Sequence[str]
) -> list[dict[str, object]]:
    with adbc.AdbcStatement(connection) as statement:
        statement.set_sql_query(sql)
        if parameters:
            statement.prepare()
            names = [str(number) for number, _ in enumerate(parameters, 1)]
            columns = [pa.array([value], pa.string()) for value in parameters]
            statement.bind(pa.RecordBatch.from_arrays(columns, names=names))
        handle, _ = statement.execute_query()
        with AdbcRecordBatchReader._import_from_c(handle.address) as reader:
            rows: list[dict[str, object]] = reader.read_all().to_pylist()
        return rows
