"""What is known of links, kept across restarts: one small JSON file.

Owns its place and its form. A file that cannot be read is no error: it is learned anew.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from pathlib import Path

from execution.links import Links

FILE = "links.json"
VERSION = 1

_log = logging.getLogger("crosswind.links")


def restore(links: Links, directory: Path) -> None:
    """Begin with what `keep` has written, if it is there and whole."""
    path = directory / FILE
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        if read["version"] == VERSION:
            links.restore(read["links"])
    except FileNotFoundError:
        return
    except (
        OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError
    ) as error:  # fmt: skip
        _log.warning("%s is not read, links are measured anew: %s", path, type(error).__name__)


def keep(links: Links, directory: Path) -> None:
    """Write what is known, in one step: a reader finds the old file or the new one."""
    path = directory / FILE
    unfinished = path.with_name(f"{FILE}.{os.getpid()}")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"version": VERSION, "links": links.state()}, indent=1)
        unfinished.write_text(text + "\n", encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        _log.warning("%s is not written: %s", path, error.strerror)
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
