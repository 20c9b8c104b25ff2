"""Debian's MariaDB and its ODBC driver, not installed: `python -m tests.mariadb_packages`.

The packages are unpacked into a folder of the user's own, so that it takes no rights, changes
nothing else, and is done once. Owns the folder. Must not know how the server is run.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = ("mariadb-server-core", "odbc-mariadb", "libodbc2")

_CONTENTS = " ".join(PACKAGES)

_FOLDER = Path(__file__).parents[1] / ".data" / "mariadb"

_LIBRARIES = ("libltdl.so.7", "libodbcinst.so.2", "libodbc.so.2", "libmariadb.so.3")
"""In this order each finds those that it needs, which are loaded already."""


def installed() -> bool:
    """Whether they are there."""
    mark = _FOLDER / "complete"
    return mark.exists() and mark.read_text() == _CONTENTS


def install() -> None:
    """Fetch and unpack them, unless they are there.

    Raises:
        subprocess.CalledProcessError: apt cannot fetch them.
    """
    if installed():
        # For make, which looks at its time.
        (_FOLDER / "complete").touch()
        return
    _FOLDER.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_FOLDER.parent) as name:
        folder = Path(name)
        for part in ("lists/partial", "archives/partial", "root"):
            (folder / part).mkdir(parents=True)
        # Apt's own folders belong to root. What is installed is still looked up there.
        apt = ["apt-get", "-q", "-o", f"Dir::State::lists={folder}/lists"]
        apt += ["-o", f"Dir::Cache={folder}", "-o", f"Dir::Cache::archives={folder}/archives"]
        apt += ["-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User="]
        _run([*apt, "update"])
        download = ["install", "--download-only", "--yes", "--no-install-recommends"]
        # Also those that this machine has: they are to be unpacked, too.
        _run([*apt, *download, "--reinstall", *PACKAGES])
        for package in sorted((folder / "archives").glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(package), str(folder / "root")])
        (folder / "root" / "complete").write_text(_CONTENTS)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(_FOLDER)
        (folder / "root").rename(_FOLDER)


def server() -> Path:
    """The server's program."""
    return _FOLDER / "usr" / "sbin" / "mariadbd"


def share() -> Path:
    """Its messages, its character sets and the statements that make its own tables."""
    return _FOLDER / "usr" / "share" / "mysql"


def libraries() -> Path:
    """The folder of the libraries that it needs."""
    (found,) = (_FOLDER / "usr" / "lib").glob("*/libodbc.so.2")
    return found.parent


def odbc_driver() -> Path:
    """The library of MariaDB's ODBC driver, after its driver manager was loaded into this process.

    A program is started with the folder in its search path. This one runs already.
    """
    for name in _LIBRARIES:
        path = libraries() / name
        ctypes.CDLL(str(path) if path.exists() else name, mode=ctypes.RTLD_GLOBAL)
    return libraries() / "odbc" / "libmaodbc.so"


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr, env={**os.environ, "LC_ALL": "C"})


if __name__ == "__main__":
    try:
        install()
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}. It takes apt of Debian 12 or newer, with {_CONTENTS}.")
