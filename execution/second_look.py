"""A second look at tables that the engine failed to read: in which file it was, and at which line.

Owns how long that may take, and that it ends with the query. How a table is looked at is its
connector's, and what is said of it `execution.failures`'.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from connectors.faults import Fault, FindsFaults
from planner.catalog import Catalog
from planner.failures import panics_as_errors
from planner.plan import NativeRead

LOOK_SECONDS = 5.0
"""How much later an error may come for what it says."""


class SecondLook:
    """Looks again at the tables of one run.

    Args:
        catalog: of their sources.
        deadline: of the run, on the clock of `time.monotonic`.
        look_seconds: how long one look may take.
    """

    def __init__(
        self, catalog: Catalog, deadline: float | None, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._catalog = catalog
        self._deadline = deadline
        self._look_seconds = look_seconds
        self._lock = threading.Lock()
        self._cancelled = False
        self._looks: list[threading.Event] = []

    def __call__(
        self, natives: Sequence[NativeRead], fits: Callable[[str], bool]
    ) -> tuple[NativeRead, Fault] | None:
        """The first of these tables that cannot be read, as far as that is known in time.

        Args:
            fits: see `connectors.faults.FindsFaults`.
        """
        ended = threading.Event()
        with self._lock:
            if self._cancelled:
                return None
            self._looks.append(ended)
        found: list[tuple[NativeRead, Fault]] = []
        # A daemon: a file system that hangs must not hold the query, nor the process.
        look = threading.Thread(target=self._look, args=(natives, fits, ended, found), daemon=True)
        look.name = "crosswind-second-look"
        with suppress(RuntimeError):  # Without a thread, what is known is said.
            look.start()
            until = time.monotonic() + self._look_seconds
            until = until if self._deadline is None else min(until, self._deadline)
            ended.wait(max(0.0, until - time.monotonic()))
        ended.set()
        return found[-1] if found else None

    def cancel(self) -> None:
        """End every look, from any thread; returns at once."""
        with self._lock:
            self._cancelled = True
            looks = list(self._looks)
        for ended in looks:
            ended.set()

    def _look(
        self,
        natives: Sequence[NativeRead],
        fits: Callable[[str], bool],
        ended: threading.Event,
        found: list[tuple[NativeRead, Fault]],
    ) -> None:
        try:
            for native in natives:
                connector = self._catalog.runnable[native.source].connector
                if not isinstance(connector, FindsFaults):
                    continue
                # What goes wrong in looking says nothing of what went wrong before.
                with suppress(Exception), panics_as_errors():
                    for fault in connector.faults(native.table, native.columns, fits, ended.is_set):
                        if ended.is_set():
                            return
                        found.append((native, fault))
                if found:
                    return
        finally:
            ended.set()
