"""A real PgBouncer for tests: Debian's, unpacked and run by whoever runs the tests.

Owns its life and its settings. Must not know any connector. Without its package a test is skipped,
which `make test` takes for a failure: it fetches it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import debian_packages
from tests.no_skips import PACKAGES_ARE_MISSING
from tests.postgres_server import HOST, free_port

_START_SECONDS = 20.0


@contextmanager
def pgbouncer(
    directory: Path, to_port: int, logins: Iterable[str] = ("postgres",), **settings: object
) -> Iterator[int]:
    """One in front of a PostgreSQL on this machine, for the length of the block; its port.

    Args:
        directory: for its files; empty.
        logins: who may come, without a password.
        settings: of the section `[pgbouncer]`.
    """
    if not debian_packages.installed():
        pytest.skip(PACKAGES_ARE_MISSING)
    port = free_port()
    users, configuration, log = (directory / name for name in ("users", "ini", "log"))
    users.write_text("".join(f'"{login}" ""\n' for login in logins))
    given = {
        "listen_addr": HOST,
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "trust",
        "auth_file": users,
        **settings,
    }
    lines = [f"[databases]\n* = host={HOST} port={to_port}", "[pgbouncer]"]
    lines += [f"{name} = {value}" for name, value in given.items()]
    configuration.write_text("\n".join(lines))
    command = [str(debian_packages.FOLDER / "usr" / "sbin" / "pgbouncer"), str(configuration)]
    if os.geteuid() == 0:
        # It refuses to run as root, and has read its files before it becomes another.
        command += ["-u", "nobody"]
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, env=debian_packages.environment(), stdout=written, stderr=written
        )
    try:
        until = time.monotonic() + _START_SECONDS
        while "process up" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, "PgBouncer did not start in time"
            time.sleep(0.01)
        yield port
    finally:
        process.kill()
        process.wait()
