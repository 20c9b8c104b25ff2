"""What only Debian has for the tests, not installed: `python -m tests.debian_packages`.

The packages are unpacked into a folder of the user's own, so that it takes no rights, changes
nothing else, and is done once. Owns the folder. Must not know how its programs are run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = ("mariadb-server-core", "odbc-mariadb", "libodbc2", "pgbouncer")

_CONTENTS = " ".join(PACKAGES)

FOLDER = Path(__file__).parents[1] / ".data" / "debian"


def installed() -> bool:
    """Whether they are there."""
    mark = FOLDER / "complete"
    return mark.exists() and mark.read_text() == _CONTENTS


def install() -> None:
    """Fetch and unpack them, unless they are there.

    Raises:
        subprocess.CalledProcessError: apt cannot fetch them.
    """
    if installed():
        # For make, which looks at its time.
        (FOLDER / "complete").touch()
        return
    FOLDER.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as name:
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
            shutil.rmtree(FOLDER)
        (folder / "root").rename(FOLDER)


def environment() -> dict[str, str]:
    """That of a program of theirs, which finds its libraries in it."""
    (found,) = (FOLDER / "usr" / "lib").glob("*/libodbc.so.2")
    return {**os.environ, "LD_LIBRARY_PATH": str(found.parent)}


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr, env={**os.environ, "LC_ALL": "C"})


if __name__ == "__main__":
    try:
        install()
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}. It takes apt of Debian 12 or newer, with {_CONTENTS}.")
