"""A real MariaDB for tests: Debian's, unpacked and run by whoever runs the tests.

Owns its life (start, stop, crash) and its settings. Must not know any connector. Without its
packages a test is skipped, which `make test` takes for a failure: it fetches them.
"""

from __future__ import annotations

import contextlib
import getpass
import importlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests import debian_packages, mariadb_packages
from tests.no_skips import PACKAGES_ARE_MISSING
from tests.postgres_server import HOST, free_port

_SETTINGS = (
    *("--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M", "--skip-name-resolve"),
    *("--character-set-server=utf8mb4", "--default-time-zone=+02:00", f"--bind-address={HOST}"),
)
"""A time zone that is not UTC, so that nobody relies on its being so."""

_OWN_TABLES = (
    *("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"),
)

_START_SECONDS = 60.0


class MariadbServer:
    """A server in `directory`, which is made and filled by the first start.

    Attributes:
        port: where it listens, on this machine only.
    """

    def __init__(self, directory: Path) -> None:
        if not debian_packages.installed():
            pytest.skip(PACKAGES_ARE_MISSING)
        self.port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Any = None

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        if not self._data.exists():
            self._data.mkdir(parents=True)
            self._make_own_tables()
        arguments = [f"--socket={self._socket}", f"--port={self.port}"]
        arguments += [f"--pid-file={self._directory / 'pid'}", "--secure-file-priv="]
        with Path(self._directory, "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command(*arguments), env=self._environment, stdout=log, stderr=log
            )
        until = time.monotonic() + _START_SECONDS
        while "ready for connections" not in Path(self._directory, "log").read_text():
            assert self._process.poll() is None, Path(self._directory, "log").read_text()
            assert time.monotonic() < until, "MariaDB did not start in time"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, and whoever is connected with it."""
        self._end(signal.SIGKILL)

    def kill(self) -> None:
        """Crash: no session is told anything."""
        self._end(signal.SIGKILL)

    def connection_string(self, database: str = "kit", **parts: object) -> str:
        """How ODBC reaches it over TCP, by the path of the driver; `parts` come after."""
        given = {
            "Driver": mariadb_packages.odbc_driver(),
            "Server": HOST,
            "Port": self.port,
            "Database": database,
            **parts,
        }
        return ";".join(f"{key}={value}" for key, value in given.items())

    def execute(self, *statements: str, database: str = "kit") -> list[dict[str, object]]:
        """Run statements as root; the rows of the last one."""
        if self._connection is None:
            driver = mariadb_packages.odbc_driver()
            # It loads ODBC's driver manager, which is there now.
            arrow_odbc = importlib.import_module("arrow_odbc")
            self._connection = arrow_odbc.connect(
                f"Driver={driver};Socket={self._socket};User=root"
            )
        rows: list[dict[str, object]] = []
        for statement in (f"USE {database}", *statements):
            if not statement.startswith("SELECT"):
                self._connection.execute(statement)
                continue
            reader = self._connection.read_arrow_batches(
                statement, max_text_size=65_536, batch_size=100, fetch_concurrently=False
            )
            rows = pa.Table.from_batches(reader, reader.schema).to_pylist()
        return rows

    def load(self, name: str, table: pa.Table, columns: str, *values: str) -> None:
        """Make a table of these columns, and fill it from a file, as fast as it goes.

        Args:
            columns: as in CREATE TABLE.
            values: an expression for each column, over `@v0`, `@v1`, …: texts, or NULL.
        """
        marks = ", ".join(f"@v{number}" for number in range(table.num_columns))
        sets = ", ".join(f"{c} = {v}" for c, v in zip(table.column_names, values, strict=True))
        path = self._directory / "loaded"
        with path.open("wb") as file:
            for batch in table.to_batches(10_000):
                lines = pc.binary_join_element_wise(*map(_written, batch.columns), "\t")
                file.write("".join(f"{line}\n" for line in lines.to_pylist()).encode())
        self.execute(
            "SET time_zone = '+00:00'",
            f"CREATE TABLE {name} ({columns}) ENGINE = Aria TRANSACTIONAL = 0",
            f"LOAD DATA INFILE '{path}' INTO TABLE {name} CHARACTER SET utf8mb4"
            f" ({marks}) SET {sets}",
        )
        path.unlink()

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    @property
    def _socket(self) -> Path:
        return self._directory / "s"

    @property
    def _environment(self) -> dict[str, str]:
        return debian_packages.environment()

    def _command(self, *arguments: str) -> list[str]:
        share = mariadb_packages.share()
        return [
            str(mariadb_packages.server()),
            "--no-defaults",
            f"--user={getpass.getuser()}",
            f"--datadir={self._data}",
            f"--lc-messages-dir={share / 'english'}",
            f"--character-sets-dir={share / 'charsets'}",
            *_SETTINGS,
            *arguments,
        ]

    def _make_own_tables(self) -> None:
        given = ["CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n"]
        given += [(mariadb_packages.share() / name).read_text() for name in _OWN_TABLES]
        given += ["CREATE DATABASE kit;\nCREATE DATABASE other;\n"]
        done = subprocess.run(
            self._command("--bootstrap", "--skip-networking"),
            env=self._environment,
            input="".join(given).encode(),
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr.decode()

    def _end(self, number: signal.Signals) -> None:
        self._connection = None
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait()
            self._socket.unlink(missing_ok=True)


def _written(column: pa.Array) -> pa.Array:
    """Values as LOAD DATA reads them: `\\N` for NULL, backslashes before what ends them."""
    if pa.types.is_binary(column.type):
        texts = pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.string())
    elif pa.types.is_floating(column.type):
        texts = pa.array([None if v is None else repr(v) for v in column.to_pylist()], pa.string())
    elif pa.types.is_boolean(column.type):
        texts = pc.cast(pc.cast(column, pa.int8()), pa.string())
    elif pa.types.is_timestamp(column.type):
        plain = pc.cast(column, pa.timestamp("us")) if column.type.tz is None else column
        texts = pc.strftime(plain, format="%Y-%m-%d %H:%M:%S")
    else:
        texts = pc.cast(column, pa.string())
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\0", "\\0")):
        texts = pc.replace_substring(texts, plain, escaped)
    return pc.fill_null(texts, "\\N")


@contextlib.contextmanager
def mariadb(directory: Path) -> Iterator[MariadbServer]:
    """A server for the length of the block."""
    server = MariadbServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()
