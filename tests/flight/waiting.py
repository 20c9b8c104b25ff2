"""Waiting for what another thread does. The bounds only end a test that hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 30


def reached(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; the test's own timeout is the bound."""
    pause = threading.Event()
    while not condition():
        pause.wait(0.002)


def only(running: Any) -> Any:
    """The server's one scan, which its thread begins after the client's call has returned."""
    reached(lambda: running.connector.scans)
    (scan,) = running.connector.scans
    return scan
