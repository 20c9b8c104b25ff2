"""Waiting for what another thread does; bounds that only end a test that hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from connectors.errors import CancelledError
from execution.running import Execution
from tests.postgres_server import PostgresServer

PATIENCE_SECONDS = 30.0


def eventually(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds; looks every few milliseconds."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        pause.wait(0.002)


class Background:
    """A call in a thread of its own, and how it ended."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self.result: object = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="background")
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._call()
        except BaseException as error:
            self.error = error

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> Background:
        self._thread.join(PATIENCE_SECONDS)
        assert self.ended, "did not end in time"
        return self


def assert_a_cancel_ends(execution: Execution, server: PostgresServer) -> None:
    """Run it until one statement that names `slept` is busy at the server, and cancel it there."""
    running = Background(lambda: list(execution.batches()))
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%slept%'"
        " AND pid <> pg_backend_pid()"
    )
    eventually(lambda: server.execute(busy) == [(1,)])
    execution.cancel()
    assert isinstance(running.join().error, CancelledError)
    eventually(lambda: server.execute(busy) == [(0,)])
