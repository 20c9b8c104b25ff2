"""A fragment that is sent keys, or rows: its batches, whose statement is known when its stages are
complete.

Owns the waiting, and what runs when there are no keys to send. Knows no engine and no turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from connectors.contract import Batches, Fragment, MayBeShort, SqlQuery, TableScan
from connectors.errors import CancelledError
from execution.key_filters import among
from execution.sent_rows import StageRows
from execution.stages import StageKeys
from planner.emit.dialect import Dialect
from planner.emit.dialects import dialect_named
from planner.emit.few import few_of
from planner.emit.keys import fitting, with_keys
from planner.emit.rows import with_rows
from planner.plan import Estimate, PlannedFragment, Reduction, Sending


class KeyedBatches:
    """The `Batches` of a fragment with a reduction, or that is sent rows.

    Args:
        planned: the fragment; has one of the two.
        keys: of the stages that it waits for, by name.
        rows: of those that it is sent, likewise.
        execute: runs a fragment at its source.
    """

    def __init__(
        self,
        planned: PlannedFragment,
        keys: Mapping[str, StageKeys],
        rows: Mapping[str, StageRows],
        execute: Callable[[Fragment], Batches],
    ) -> None:
        self._planned = planned
        self._fragment = planned.fragment
        self._keys = keys
        self._rows = rows
        self._execute = execute
        self._lock = threading.Lock()
        self._cancelled = False
        self._running: Batches | None = None
        self._nothing = False
        self.sent: int | None = None

    @property
    def query(self) -> SqlQuery | TableScan:
        """What is asked, with the keys when they are there."""
        return self._fragment.query

    @property
    def spared_bytes(self) -> int:
        """See `connectors.contract.MayBeShort`."""
        running = self._running
        return running.spared_bytes if isinstance(running, MayBeShort) else 0

    @property
    def is_sent(self) -> bool:
        """Whether it runs with what it was to be sent."""
        return self._planned.sending is not None or self.sent is not None

    def prepare(self) -> None:
        """Wait for the keys or rows, and put them into the statement; before a turn is taken.

        Whoever cancels all fragments gives up both, which ends the waiting.

        Raises:
            CancelledError: there are no rows, and so no statement.
        """
        if self._planned.sending is not None:
            self._send(self._planned.sending)
        if self._planned.reduction is not None:
            self._reduce(self._planned.reduction)

    def _send(self, sending: Sending) -> None:
        texts = {(stage, c): self._rows[stage].wait()[c] for stage, c in sending.columns}
        statement = with_rows(sending.statement, texts)
        self._ask(statement, dialect_named(sending.dialect), sending.few)

    def _ask(self, statement: exp.Select, dialect: Dialect, expected: Estimate | None) -> None:
        few = None if expected is None else few_of(statement, expected, dialect.generator)
        query = SqlQuery(statement.sql(dialect.generator), few=few)
        self._fragment = replace(self._fragment, query=query)

    def _reduce(self, reduction: Reduction) -> None:
        found: dict[tuple[str, int], pa.Array] = {}
        for stage, column in reduction.keys:
            keys = self._keys[stage].wait(reduction.patience_seconds)
            if keys is None or len(keys[column]) > reduction.most:
                return
            found[stage, column] = keys[column]
        if reduction.statement is None:
            self._filter(reduction, found)
            return
        dialect = dialect_named(reduction.dialect)
        assert dialect.keys is not None
        statement = with_keys(reduction.statement, dialect.keys, found)
        if statement is None:
            return
        self.sent = sum(map(len, found.values()))
        self._ask(statement, dialect, reduction.few)

    def _filter(self, reduction: Reduction, found: Mapping[tuple[str, int], pa.Array]) -> None:
        """Put the keys into the filter of a scan; without any there is nothing to be read."""
        scan = self._fragment.query
        assert isinstance(scan, TableScan)
        condition = scan.filter
        for key, field in zip(reduction.keys, reduction.scanned, strict=True):
            keys = fitting(found[key], field.type)
            if not len(keys):
                self._nothing = True
                break
            own = among(keys, field)
            condition = own if condition is None else condition & own
        self.sent = sum(map(len, found.values()))
        self._fragment = replace(self._fragment, query=replace(scan, filter=condition))

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        with self._lock:
            if self._cancelled:
                raise CancelledError("the query was cancelled")
            if self._nothing:
                return
            self._running = self._execute(self._fragment)
        yield from self._running

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            running = self._running
        if running is not None:
            running.cancel()

    def close(self) -> None:
        self.cancel()
        if self._running is not None:
            self._running.close()
