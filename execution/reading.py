"""Reading fragments: one thread for each, started together, into bounded buffers.

Owns the threads, the turns at the sources and the account of each fragment. Knows nothing of the
engine that consumes them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain
from pathlib import Path

import pyarrow as pa

from connectors.contract import (
    Batches,
    Connector,
    MayBeFew,
    MayBeShort,
    Moment,
    SqlQuery,
    Steady,
)
from connectors.errors import CancelledError, CrosswindError, InternalError, QueueFullError
from execution.buffer import BatchBuffer, Overflow
from execution.crossing import Crossing
from execution.gate import Gate
from execution.keyed import KeyedBatches
from execution.metering import Metering, Reading
from execution.sent_rows import rows_sent
from execution.sizing import size_bytes
from execution.stages import StageKeys
from execution.suspicion import FragmentWatch, Watch, is_whole, part_of
from execution.working import Took, Working
from planner.account import FragmentAccount
from planner.catalog import Source
from planner.cost import Link
from planner.emit.few import FEWEST_ROWS
from planner.plan import NativeRead, PlannedFragment
from planner.seen import SeenRows

BUFFER_BYTES = 16 * 1024 * 1024
"""What a fragment may have waiting here: a few batches ahead of the consumer."""


Metered = Callable[[float], Reading | None]
"""From when a fragment has its turn to what looks at how fast it comes, if anybody does."""


class _Unsteady:
    """What a source has that shows each fragment the moment at which it runs."""

    def __init__(self, connector: Connector) -> None:
        self.execute = connector.execute

    def close(self) -> None:
        """Nothing is kept."""


def moment_of(connector: Connector, fragments: int | None, at_once: int, gate: Gate) -> Moment:
    """What runs a query's fragments at a source; see `connectors.contract.Steady`."""
    if isinstance(connector, Steady):
        return connector.moment(fragments, at_once, gate)
    return _Unsteady(connector)


class FragmentReader:
    """One running fragment: a thread that fills a buffer, and the iterator that empties it.

    Attributes:
        others: of the same source, in the same run.
        tables: that it reads, `schema.table`.
    """

    def __init__(
        self,
        planned: PlannedFragment,
        batches: Batches,
        turn: AbstractContextManager[None],
        overflow: Overflow | None,
        metered: Metered,
        seen: SeenRows,
        watch: FragmentWatch | None = None,
        working: Working | None = None,
    ) -> None:
        self.name = planned.name
        self._watch = watch
        self._working = working
        self.others: tuple[FragmentReader, ...] = ()
        self._shape, self._keyed_shape = planned.shape, planned.keyed_shape
        self._table, self._whole = part_of(planned), is_whole(planned)
        self._seen = seen
        self.source = planned.source
        self.tables = planned.tables
        self.schema: pa.Schema = planned.fragment.schema
        self._batches = batches
        self._turn = turn
        self._metered = metered
        self._buffer = BatchBuffer(BUFFER_BYTES, overflow)
        self._rows = 0
        self._size_bytes = 0
        self._crossed_bytes = 0
        compression = planned.fragment.compression
        self._crossing = None if compression is None else Crossing(compression)
        self._spared_bytes = 0
        self._beside_bytes = planned.beside_bytes
        self._owed_bytes = 0.0
        self._started = time.monotonic()
        self._turn_at = self._started
        self._first_at: float | None = None
        self._ended_at: float | None = None
        self._held_up_seconds = 0.0
        self._asked_at: float | None = None
        self.failure: CrosswindError | None = None
        self._thread = threading.Thread(target=self._run, name=f"crosswind-{planned.name}")
        self._thread.daemon = True

    def start(self) -> None:
        self._thread.start()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._buffer.get()) is not None:
            yield batch

    def cancel(self) -> None:
        """Stop the source and wake both sides; returns at once."""
        self._buffer.cancel()
        self._batches.cancel()

    def close(self) -> None:
        """Cancel what still runs, and wait until the thread has given everything back."""
        self.cancel()
        if self._thread.ident is not None:
            self._thread.join()
        self._batches.close()
        self._buffer.close()

    def account(self) -> FragmentAccount:
        ended = self._ended_at if self._ended_at is not None else time.monotonic()
        return FragmentAccount(
            self.name,
            self.source,
            self._rows,
            self._size_bytes,
            self._turn_at - self._started,
            None if self._first_at is None else self._first_at - self._turn_at,
            ended - self._started,
            None if self._first_at is None else ended - self._first_at - self._held_up_seconds,
            self._batches.sent if isinstance(self._batches, KeyedBatches) else None,
            self._crossed_bytes if self._crossing is not None or self._spared_bytes else None,
            0.0 if (asked_at := self._asked_at) is None else time.monotonic() - asked_at,
        )

    def _run(self) -> None:
        failure: BaseException | None = None
        batches = self._batches
        try:
            unprepared = _prepared(batches)
            with self._turn:
                self._turn_at = time.monotonic()
                try:
                    if unprepared is not None:
                        raise unprepared
                    self._read()
                finally:
                    self._batches.close()
        except CancelledError as error:
            failure = error
        except CrosswindError as error:
            failure = self.failure = error.while_reading(self.tables)
        except BaseException as error:
            failure = self.failure = InternalError(
                f"reading a fragment failed: {type(error).__name__}", source=self.source
            ).while_reading(self.tables)
            failure.__cause__ = error
        self._ended_at = time.monotonic()
        try:
            if failure is None:
                self._remember()
            if failure is None and self._working is not None:
                self._working.ended(self._took(self._ended_at), self._ended_at)
        finally:
            # Nothing that is learned may keep waiting who waits for the end.
            self._buffer.finish(failure)

    def _remember(self) -> None:
        if self._keyed_shape is not None and self._is_keyed():
            self._seen.note_keyed(self._keyed_shape, self._rows)
        elif self._shape is not None:
            self._seen.note(self._shape, self._rows)
        if self._table is not None:
            self._seen.note_table(self.source, self._table, self._rows, whole=self._whole)

    def _crossed(self, rows: int, came_bytes: int) -> int:
        """So many bytes have crossed the link for a batch, as planning counts them.

        What a source spared is told for several batches at once, of which this may be the first.
        """
        batches = self._batches
        crossed_bytes = came_bytes + self._beside_bytes * rows + self._owed_bytes
        if isinstance(batches, MayBeShort):
            spared_bytes = batches.spared_bytes
            crossed_bytes -= spared_bytes - self._spared_bytes
            self._spared_bytes = spared_bytes
        told = max(0, round(crossed_bytes))
        self._owed_bytes = crossed_bytes - told
        return told

    def _is_keyed(self) -> bool:
        """Whether it runs with what it was to be sent."""
        batches = self._batches
        return isinstance(batches, KeyedBatches) and batches.is_sent

    @property
    def crossed_bytes(self) -> int:
        """That have crossed the link so far, about."""
        return self._crossed_bytes

    def _took(self, ended_at: float) -> Took:
        return Took(
            ended_at - self._turn_at,
            self._held_up_seconds,
            self._rows,
            self.crossed_bytes,
            sum(reader.crossed_bytes for reader in self.others),
            self._batches.sent if isinstance(self._batches, KeyedBatches) else None,
        )

    def _read(self) -> None:
        complete = False
        crossing = self._crossing
        reading = self._metered(self._turn_at)
        self._asked_at = self._turn_at
        try:
            for batch in self._batches:
                came_at, came_bytes = time.monotonic(), size_bytes(batch)
                self._asked_at = None
                if self._first_at is None:
                    self._first_at = came_at
                self._rows += batch.num_rows
                self._size_bytes += came_bytes
                if self._watch is not None:
                    self._watch.look(self._rows, keyed=self._is_keyed())
                if crossing is None:
                    crossed_bytes = self._crossed(batch.num_rows, came_bytes)
                else:
                    crossed_bytes = crossing.crossed_bytes(batch, came_bytes)
                self._crossed_bytes += crossed_bytes
                if reading is not None:
                    reading.came(crossed_bytes, came_at, came_bytes)
                before = time.monotonic()
                self._buffer.put(batch, came_bytes)
                after = time.monotonic()
                self._held_up_seconds += after - before
                if reading is not None:
                    reading.held_up(after - before, after)
                self._asked_at = after
            complete = True
            self._asked_at = None
        finally:
            if reading is not None:
                reading.ended(time.monotonic(), complete=complete)


def metered_by(
    metering: Metering, planned: PlannedFragment, connector: Connector, batches: Batches
) -> Metered:
    """What looks at a fragment, told what it takes at least and how it is sent."""
    return partial(
        metering.reading,
        planned.source,
        round_trips=round_trips_of(planned, connector, batches),
        compression=planned.fragment.compression,
    )


def round_trips_of(planned: PlannedFragment, connector: Connector, batches: Batches) -> float:
    """How many a fragment takes until its first batch is here, at least."""
    own = connector.capabilities.round_trips
    query = planned.fragment.query
    if isinstance(batches, MayBeFew):
        few = batches.few
    else:
        asked = isinstance(query, SqlQuery) and query.few is not None
        few = asked or planned.reduction is not None or planned.sending is not None
    return own.few if few and own.few is not None else own.rows


def round_trips_taken(
    planned: PlannedFragment, connector: Connector, batches: Batches, rows: int
) -> float:
    """How many a fragment of so many rows took: they came at once, or after few were asked for."""
    own = connector.capabilities.round_trips
    query = batches.query if isinstance(batches, KeyedBatches) else planned.fragment.query
    few = query.few if isinstance(query, SqlQuery) else None
    asked = batches.few if isinstance(batches, MayBeFew) else few is not None
    if not asked or own.few is None:
        return own.rows
    most = FEWEST_ROWS if few is None else few.rows
    return own.few if rows <= most else own.few + own.rows


def _link(metering: Metering, source: Source) -> Link:
    return metering.link(source.name) or source.link


def _prepared(batches: Batches) -> BaseException | None:
    """Have batches wait for their keys or rows, before a turn is taken, which these may need.

    Returns:
        Why that failed: the turn must be taken all the same, to be given back.
    """
    if isinstance(batches, KeyedBatches):
        try:
            batches.prepare()
        except BaseException as error:
            return error
    return None


class _Turn(AbstractContextManager[None]):
    """A fragment's place in its query's share of a source: entered when a turn is free."""

    def __init__(self, share: _Share) -> None:
        self._share = share

    def __enter__(self) -> None:
        self._share.enter()

    def __exit__(self, *_: object) -> None:
        self._share.leave()


class _Share:
    """One query's turns at one source, passed from fragment to fragment and then given back."""

    def __init__(self, gate: Gate, fragments: int) -> None:
        self.gate = gate
        self.turns = min(fragments, gate.capacity)
        self.crowded = fragments > self.turns
        self.several = fragments > 1
        self._slots = threading.Semaphore(0)
        self._left = fragments
        self._held = 0
        self._lock = threading.Lock()

    def open(self, deadline: float | None, cancelled: threading.Event) -> None:
        self.gate.enter(self.turns, deadline, cancelled)
        self._held = self.turns
        self._slots.release(self.turns)

    def enter(self) -> None:
        self._slots.acquire()

    def leave(self) -> None:
        with self._lock:
            self._left -= 1
            unused = self._left < self._held
            if unused:
                self._held -= 1
        if unused:
            self.gate.leave()
        else:
            self._slots.release()


class SharedTurn(AbstractContextManager[None]):
    """One turn at a source that several readers use one after another, until it is closed."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._free = threading.Semaphore(1)
        self._held = False

    def open(self, deadline: float | None, cancelled: threading.Event) -> None:
        """Wait for the turn; see `Gate.enter`."""
        self._gate.enter(1, deadline, cancelled)
        self._held = True

    def wake(self) -> None:
        self._gate.wake()

    def __enter__(self) -> None:
        self._free.acquire()

    def __exit__(self, *_: object) -> None:
        self._free.release()

    def close(self) -> None:
        """Give the turn back. Idempotent; its readers must have ended."""
        if self._held:
            self._held = False
            self._gate.leave()


MOST_BOUNDING_KEYS = 500_000
"""So many keys are gathered for their bounds."""


def _awaited(
    fragments: Iterable[PlannedFragment], natives: Iterable[NativeRead]
) -> dict[str, StageKeys]:
    """The keys that fragments and the engine's own reads wait for, by stage."""
    reductions = [f.reduction for f in fragments if f.reduction is not None]
    bounding = [(keys.stage, keys.column) for native in natives for keys in native.keys]
    columns: dict[str, set[int]] = {}
    for stage, column in [*(key for r in reductions for key in r.keys), *bounding]:
        columns.setdefault(stage, set()).add(column)
    most = max((r.most for r in reductions), default=0)
    most = max(most, MOST_BOUNDING_KEYS) if bounding else most
    return {stage: StageKeys(frozenset(wanted), most) for stage, wanted in columns.items()}


class FragmentReaders:
    """All fragments of one run.

    Args:
        fragments: what to read.
        natives: what the engine reads itself, for the keys that it waits for.
        sources: the sources by name.
        gates: the gates by source name.
        directory: where an overflow may go.
        deadline: the run's end, on the clock of `time.monotonic`, in seconds.
        queue_deadline: until when to wait for turns.
        overflow_bytes: how much one fragment may have waiting on disk.
        metering: what looks at how fast they come.
        seen: remembers how many rows they had.
        watch: looks at how many come; None where nobody wants to know.
    """

    def __init__(
        self,
        fragments: tuple[PlannedFragment, ...],
        natives: tuple[NativeRead, ...],
        sources: Mapping[str, Source],
        gates: Mapping[str, Gate],
        directory: Path,
        deadline: float | None,
        queue_deadline: float | None,
        overflow_bytes: int,
        metering: Metering,
        seen: SeenRows,
        watch: Watch | None = None,
    ) -> None:
        counts = Counter(fragment.source for fragment in fragments)
        self._shares = {name: _Share(gates[name], counts[name]) for name in sorted(counts)}
        self._queue_deadline = queue_deadline
        self._cancelled = threading.Event()
        self._opened: set[str] = set()
        self._moments = {
            name: moment_of(sources[name].connector, counts[name], share.turns, share.gate)
            for name, share in self._shares.items()
        }
        self.keys = _awaited(fragments, natives)
        self.sent = rows_sent(fragments)
        self.readers: list[FragmentReader] = []
        for planned in fragments:
            share = self._shares[planned.source]
            # Fragments that wait for another to end must not be held up by who consumes them.
            schema = planned.fragment.schema
            overflow = Overflow(directory, schema, overflow_bytes) if share.crowded else None
            execute = partial(self._moments[planned.source].execute, deadline=deadline)
            batches = (
                execute(planned.fragment)
                if planned.reduction is None and planned.sending is None
                else KeyedBatches(planned, self.keys, self.sent, execute)
            )
            watched = None if watch is None else watch.on(planned)
            source = sources[planned.source]
            metered = metered_by(metering, planned, source.connector, batches)
            working = Working(
                planned,
                source.connector.capabilities,
                partial(round_trips_taken, planned, source.connector, batches),
                source.connector.capabilities.round_trips.moment if share.several else 0.0,
                partial(_link, metering, source),
                seen,
            )
            turn = _Turn(share)
            self.readers.append(
                FragmentReader(planned, batches, turn, overflow, metered, seen, watched, working)
            )
        for reader in self.readers:
            own = (other for other in self.readers if other.source == reader.source)
            reader.others = tuple(other for other in own if other is not reader)

    def start(self) -> None:
        """Take the turns of every source, then start all fragments together.

        Raises:
            QueueFullError, CancelledError: and nothing was started.
        """
        try:
            for name, share in self._shares.items():
                self._open(name, share)
                self._opened.add(name)
            if self._cancelled.is_set():
                raise CancelledError("the query was cancelled")
        except BaseException:
            for name in self._opened:
                self._shares[name].gate.leave(self._shares[name].turns)
            raise
        for position, reader in enumerate(self.readers):
            try:
                reader.start()
            except RuntimeError as error:
                # No more threads: those that never start must not keep their turns.
                for left in self.readers[position:]:
                    self._shares[left.source].leave()
                raise QueueFullError("the server cannot start another thread") from error

    def _open(self, name: str, share: _Share) -> None:
        try:
            share.open(self._queue_deadline, self._cancelled)
        except QueueFullError as error:
            own = (reader.tables for reader in self.readers if reader.source == name)
            raise error.while_reading(list(dict.fromkeys(chain(*own)))) from None

    def failure(self) -> CrosswindError | None:
        """The first failure of a source, if any."""
        return next((r.failure for r in self.readers if r.failure is not None), None)

    def cancel(self) -> None:
        """From any thread; returns at once."""
        self._cancelled.set()
        for keys in self.keys.values():
            keys.give_up()
        for rows in self.sent.values():
            rows.give_up()
        for share in self._shares.values():
            share.gate.wake()
        for reader in self.readers:
            reader.cancel()

    def close(self) -> None:
        """Cancel and wait until every thread has ended."""
        self.cancel()
        for reader in self.readers:
            reader.close()
        for moment in self._moments.values():
            moment.close()
