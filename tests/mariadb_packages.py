"""Where MariaDB and its ODBC driver are among the unpacked packages. Knows no server that runs."""

from __future__ import annotations

import ctypes
from pathlib import Path

from tests.debian_packages import FOLDER

_LIBRARIES = ("libltdl.so.7", "libodbcinst.so.2", "libodbc.so.2", "libmariadb.so.3")
"""In this order each finds those that it needs, which are loaded already."""


def server() -> Path:
    """The server's program."""
    return FOLDER / "usr" / "sbin" / "mariadbd"


def share() -> Path:
    """Its messages, its character sets and the statements that make its own tables."""
    return FOLDER / "usr" / "share" / "mysql"


def odbc_driver() -> Path:
    """The library of MariaDB's ODBC driver, after its driver manager was loaded into this process.

    A program is started with the folder in its search path. This one runs already.
    """
    (found,) = (FOLDER / "usr" / "lib").glob("*/libodbc.so.2")
    for name in _LIBRARIES:
        path = found.parent / name
        ctypes.CDLL(str(path) if path.exists() else name, mode=ctypes.RTLD_GLOBAL)
    return found.parent / "odbc" / "libmaodbc.so"
