"""What the server's planner expects of a statement: its EXPLAIN, which runs nothing.

Owns the question, how its answer is read, and how long that is remembered. Must not know what it is
asked for.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import cast

from connectors.adbc.postgres.pool import Pool
from connectors.adbc.postgres.session import Session
from connectors.contract import Estimated
from connectors.errors import DeadlineError

# As old as the server's statistics are, it plans by the size that a table has now.
_FRESH_SECONDS = 60.0

_MOST_REMEMBERED = 1_000

# Planning takes milliseconds; a statement of a hundred joins, or a catalog that is locked, longer.
_TIMEOUT_SECONDS = 2.0


class PostgresEstimates:
    """See `connectors.contract.Estimates`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        # By a digest, because a statement may be a megabyte.
        self._known: OrderedDict[bytes, tuple[float, Estimated]] = OrderedDict()

    def of(self, text: str, deadline: float | None) -> Estimated:
        """What the server expects of a SELECT.

        Raises:
            DeadlineError: when the time is up already.
            CrosswindError: see `Pool.ask`.
        """
        key = hashlib.sha256(text.encode()).digest()
        now = time.monotonic()
        with self._lock:
            until, known = self._known.get(key, (0.0, Estimated()))
        if now < until:
            return known
        seconds = _TIMEOUT_SECONDS if deadline is None else min(_TIMEOUT_SECONDS, deadline - now)
        if seconds <= 0:
            raise DeadlineError("the query's time was up", source=self._pool.source)
        plan = self._pool.ask(
            partial(_explained, text, seconds), wait_seconds=seconds, answer_seconds=seconds
        )
        estimated = _estimated(plan)
        with self._lock:
            self._known[key] = (now + _FRESH_SECONDS, estimated)
            self._known.move_to_end(key)
            if len(self._known) > _MOST_REMEMBERED:
                self._known.popitem(last=False)
        return estimated

    def refresh(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()


def _explained(text: str, seconds: float, session: Session) -> object:
    return session.explained(text, seconds)


def _estimated(explained: object) -> Estimated:
    """The root of the plan, whose rows are the statement's.

    >>> _estimated({"Plan": {"Plan Rows": 100, "Plan Width": 8, "Total Cost": 1.52, "Plans": []}})
    Estimated(rows=100.0, size_bytes=800.0, cost=1.52)
    >>> _estimated({})
    Estimated(rows=None, size_bytes=None, cost=None)
    """
    root = explained.get("Plan") if isinstance(explained, Mapping) else None
    found = cast(Mapping[str, object], root if isinstance(root, Mapping) else {})
    rows, width, cost = (
        float(value) if isinstance(value, int | float) else None
        for value in map(found.get, ("Plan Rows", "Plan Width", "Total Cost"))
    )
    size_bytes = None if rows is None or width is None else rows * width
    return Estimated(rows, size_bytes, cost)
