"""The database, a file or in memory: a connection of its own for each statement, which costs a
fraction of a millisecond. Owns opening it, read-only, and keeping what is in memory. Must not know
what runs.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import adbc_driver_manager as adbc
import adbc_driver_sqlite
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.in_memory import IN_MEMORY, VERSION, set_up
from connectors.adbc.sqlite.failures import translated
from connectors.apart import Turns
from connectors.errors import SourceRejectedError, SourceUnavailableError

Version = tuple[int, ...]
"""Device, inode, size and time of change: what differs when the file has changed. The same of its
write-ahead log, where there is one: what was written last is there."""


def _version(found: os.stat_result) -> Version:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class _Memory:
    """A database in memory, which is there as long as one connection to it is.

    Args:
        source: the configured name, for errors.
        setup: the statements that make its tables.
    """

    def __init__(self, source: str, setup: Sequence[str]) -> None:
        self._source = source
        self._setup = setup
        # SQLite's own file system in memory shows a name with a slash to all of a process.
        self.uri = f"file:/crosswind-{uuid4().hex}?vfs=memdb"
        self._lock = threading.Lock()
        self._kept: ExitStack | None = None
        self._closed = False

    def open(self) -> str:
        """Make the tables, unless they are there.

        Returns:
            The URI of those who read them.
        """
        with self._lock:
            if self._closed:
                raise SourceUnavailableError("the source was closed", source=self._source)
            if self._kept is None:
                with ExitStack() as opened:
                    with translated(self._source):
                        connection = opened.enter_context(_connection(self.uri))
                    set_up(connection, self._setup, partial(translated, self._source))
                    self._kept = opened.pop_all()
        return f"{self.uri}&mode=ro"

    def close(self) -> None:
        with self._lock:
            self._closed = True
            kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()


@contextmanager
def _connection(uri: str) -> Iterator[adbc.AdbcConnection]:
    driver = adbc_driver_sqlite._driver_path()
    with (
        adbc.AdbcDatabase(driver=driver, uri=uri) as database,
        adbc.AdbcConnection(database) as connection,
    ):
        yield connection


class Database:
    """One file, or what `setup` makes in memory.

    Args:
        source: the configured name, for errors.
        path: the file, or `:memory:`.
        max_connections: how many statements may run at once.
        setup: statements.

    Attributes:
        turns: those statements' turns; what only looks at the catalog needs none.
    """

    def __init__(
        self, source: str, path: str, max_connections: int, setup: Sequence[str] = ()
    ) -> None:
        self.source = source
        self.turns = Turns(source, max_connections)
        self._path = path
        self._memory = _Memory(source, setup) if path == IN_MEMORY else None

    @property
    def identity(self) -> str:
        """The file itself, by whatever links it was reached; what is in memory is like no other."""
        return str(Path(self._path).resolve()) if self._memory is None else self._memory.uri

    def version(self) -> Version:
        """What the file is now; no more than two looks at the directory.

        Raises:
            SourceUnavailableError: there is none.
            SourceRejectedError: it is a directory.
        """
        if self._memory is not None:
            return VERSION
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
        with suppress(OSError):
            return *_version(found), *_version(Path(f"{self._path}-wal").stat())
        return _version(found)

    @contextmanager
    def connected(self) -> Iterator[adbc.AdbcConnection]:
        """A connection for one user, closed at the end.

        Raises:
            SourceError: there is no such file, or it cannot be opened.
        """
        self.version()
        uri = f"file:{quote(str(Path(self._path).absolute()))}?mode=ro"
        if self._memory is not None:
            uri = self._memory.open()
        with ExitStack() as opened:
            with translated(self.source):
                connection = opened.enter_context(_connection(uri))
            yield connection

    def close(self) -> None:
        """Let go of what is in memory; a file's statements have connections of their own."""
        if self._memory is not None:
            self._memory.close()

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
