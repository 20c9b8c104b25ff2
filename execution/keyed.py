"""A fragment that is sent keys: its batches, whose statement is known when its stages are complete.

Owns the waiting, and what runs when there are no keys to send. Knows no engine and no turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from connectors.contract import Batches, Fragment, SqlQuery, TableScan
from connectors.errors import CancelledError
from execution.key_filters import among
from execution.stages import StageKeys
from planner.emit.dialects import dialect_named
from planner.emit.few import few_of
from planner.emit.keys import fitting, with_keys
from planner.plan import PlannedFragment, Reduction


class KeyedBatches:
    """The `Batches` of a fragment with a reduction.

    Args:
        planned: the fragment.
        keys: of the stages that it waits for, by name.
        execute: runs a fragment at its source.
    """

    def __init__(
        self,
        planned: PlannedFragment,
        keys: Mapping[str, StageKeys],
        execute: Callable[[Fragment], Batches],
    ) -> None:
        assert planned.reduction is not None
        self._reduction: Reduction = planned.reduction
        self._fragment = planned.fragment
        self._keys = keys
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

    def prepare(self) -> None:
        """Wait for the keys, and put them into the statement; before a turn is taken.

        Whoever cancels all fragments gives up the keys, which ends the waiting.
        """
        found: dict[tuple[str, int], pa.Array] = {}
        reduction = self._reduction
        for stage, column in reduction.keys:
            keys = self._keys[stage].wait(reduction.patience_seconds)
            if keys is None or len(keys[column]) > reduction.most:
                return
            found[stage, column] = keys[column]
        if reduction.statement is None:
            self._filter(found)
            return
        dialect = dialect_named(reduction.dialect)
        assert dialect.keys is not None
        statement = with_keys(reduction.statement, dialect.keys, found)
        if statement is None:
            return
        expected = reduction.few
        few = None if expected is None else few_of(statement, expected, dialect.generator)
        self.sent = sum(map(len, found.values()))
        query = SqlQuery(statement.sql(dialect.generator), few=few)
        self._fragment = replace(self._fragment, query=query)

    def _filter(self, found: Mapping[tuple[str, int], pa.Array]) -> None:
        """Put the keys into the filter of a scan; without any there is nothing to be read."""
        scan = self._fragment.query
        assert isinstance(scan, TableScan)
        condition = scan.filter
        for key, field in zip(self._reduction.keys, self._reduction.scanned, strict=True):
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
