"""The database file: a connection of its own for each statement, which costs a fraction of a
millisecond. Owns opening it, read-only. Must not know what runs.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.sqlite.failures import translated
from connectors.apart import Turns
from connectors.errors import SourceRejectedError, SourceUnavailableError

Version = tuple[int, int, int, int]
"""Device, inode, size and time of change: what differs when the file has changed."""


class Database:
    """One file.

    Args:
        source: the configured name, for errors.
        path: the file.
        max_connections: how many statements may run at once.

    Attributes:
        turns: those statements' turns; what only looks at the catalog needs none.
    """

    def __init__(self, source: str, path: str, max_connections: int) -> None:
        self.source = source
        self.turns = Turns(source, max_connections)
        self._path = path

    def version(self) -> Version:
        """What the file is now; no more than a look at the directory.

        Raises:
            SourceUnavailableError: there is none.
            SourceRejectedError: it is a directory.
        """
        try:
            found = Path(self._path).stat()
        except OSError as error:
            raise SourceUnavailableError(
                f"the file {self._path!r} cannot be opened: {error.strerror}",
                source=self.source,
                hint="Check uri, which is relative to where the command runs.",
            ) from None
        if stat.S_ISDIR(found.st_mode):
            raise SourceRejectedError(
                f"{self._path!r} is a directory",
                source=self.source,
                hint="Set uri to a file that SQLite made.",
            )
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    @contextmanager
    def connected(self) -> Iterator[adbc.AdbcConnection]:
        """A connection for one user, closed at the end.

        Raises:
            SourceError: there is no such file, or it cannot be opened.
        """
        self.version()
        with translated(self.source):
            database = adbc.AdbcDatabase(
                driver=adbc_driver_sqlite._driver_path(),
                uri=f"file:{quote(str(Path(self._path).absolute()))}?mode=ro",
            )
            try:
                connection = adbc.AdbcConnection(database)
            except BaseException:
                database.close()
                raise
        try:
            yield connection
        finally:
            connection.close()
            database.close()

    def rows(self, sql: str, *parameters: str) -> list[dict[str, object]]:
        """The whole, small result of a statement whose parameters are texts."""
        with (
            self.connected() as connection,
            translated(self.source),
            adbc.AdbcStatement(connection) as statement,
        ):
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
