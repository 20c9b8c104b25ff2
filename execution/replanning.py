"""A run that is planned again when what it reads refutes the estimates that it was planned with.

A fragment of which far more rows come than were expected says so as they come. While the client
has nothing yet, the statement is planned with what is known now; a plan that asks its sources for
something else takes over, from the start, and so does early on one that joins in another order. So
does one that computes everything at its place, and sends nothing whole, when what was to be
computed once has more rows than may wait, or what was to be sent cannot be. Owns that hand-over.
Knows no costs.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pyarrow as pa

from connectors.contract import SqlQuery
from connectors.errors import CancelledError, CrosswindError, MemoryLimitError
from execution.running import Ran, Run
from execution.suspicion import GOES_ON, Suspicion, Watch, joins, part_of
from planner.options import Caution
from planner.plan import Again, Plan, PlannedFragment, sent_by
from planner.seen import SeenRows

_LOG = logging.getLogger("crosswind.execution")

MOST_TIMES = 2
"""So often a statement is planned again for what it reads; once more where rows find no room."""

EARLY = 0.25
"""A plan that asks for the same takes over, and asks for it anew, in the first part of its time."""

SAFE = 2.0
"""So many times the expected time of a plan one may take that does not rely on what was refuted."""


class ReplannedRun:
    """A run, and those that take over from it.

    Args:
        plan: the first.
        begin: makes the run of a plan, which tells what refutes it.
        again: plans the statement once more; asks now and then whether nobody wants it any more.
        seen: what planning goes by.
        suspicion: when to plan again.
    """

    def __init__(
        self,
        plan: Plan,
        begin: Callable[[Plan, Watch], Run],
        again: Again,
        seen: SeenRows,
        suspicion: Suspicion,
    ) -> None:
        self._plan = plan
        self._begin = begin
        self._again = again
        self._seen = seen
        self._suspicion = suspicion
        self._lock = threading.Lock()
        self._times = 0
        self._caution = Caution()
        self._begun = time.monotonic()
        self._given = False
        self._cancelled = False
        self._next: Plan | None = None
        self._planning: threading.Thread | None = None
        self._run = begin(plan, self._watch(0))

    def batches(self) -> Iterator[pa.RecordBatch]:
        while True:
            try:
                for batch in self._run.batches():
                    if not self._gives():
                        break
                    yield batch
                if self._given or self._next is None:
                    return
            except CrosswindError as error:
                if self._given or self._cancelled:
                    raise
                # Whatever fails after it was told to stop fails because of that.
                if self._next is None and not self._has_outgrown(error):
                    raise
            self._take_over()

    def _gives(self) -> bool:
        """Whether a batch may be given: from then on nothing takes over."""
        if self._suspicion.waits and not self._given:
            self._end_planning()
        with self._lock:
            self._given = self._given or self._next is None
            return self._given

    def _has_outgrown(self, error: CrosswindError) -> bool:
        """Whether what was read several times had more rows than may wait, or what was to be sent
        could not be, and there is a plan that does neither."""
        if not isinstance(error, MemoryLimitError):
            return False
        if not (shares(self._plan) or sent_by(self._plan)):
            return False
        self._end_planning()
        if self._next is None:
            self._caution = replace(self._caution, plain=True)
            plan = self._again(lambda: self._cancelled, self._caution)
            if plan.schema.equals(self._plan.schema):
                self._next = plan
        return self._next is not None

    def _take_over(self) -> None:
        self._run.close()
        self._end_planning()
        with self._lock:
            if self._cancelled:
                raise CancelledError("the query was cancelled")
            assert self._next is not None
            self._plan, self._next = self._next, None
            self._times += 1
            self._begun = time.monotonic()
            self._run = self._begin(self._plan, self._watch(self._times))

    def _watch(self, times: int) -> Watch:
        return Watch(self._suspicion, partial(self._refuted, times))

    def _refuted(self, times: int, fragment: PlannedFragment, rows: int) -> None:
        if self._given or self._next is not None or self._times >= MOST_TIMES:
            return
        self._note(fragment, rows)
        with self._lock:
            busy = self._planning is not None and self._planning.is_alive()
            if busy or self._cancelled:
                return
            thread = threading.Thread(
                target=self._plan_again,
                args=(times, fragment, rows),
                name="crosswind-replan",
                daemon=True,
            )
            # Whoever waits for its end may find it only when it has begun.
            with suppress(RuntimeError):  # No more threads: the plan that there is goes on.
                thread.start()
                self._planning = thread

    def _note(self, fragment: PlannedFragment, rows: int) -> None:
        """What is known by now of the rows of a fragment that goes on."""
        self._expect(fragment, GOES_ON * rows)
        if (table := part_of(fragment)) is not None:
            self._seen.note_table(fragment.source, table, rows, GOES_ON * rows)

    def _expect(self, fragment: PlannedFragment, rows: float) -> None:
        if fragment.shape is not None:
            note = self._seen.note_keyed if fragment.keyed_shape else self._seen.note
            note(fragment.shape, rows)

    def _plan_again(self, times: int, fragment: PlannedFragment, rows: int) -> None:
        """Plan beside the run, which goes on meanwhile."""
        try:
            plan, caution = self._planned_again(fragment)
        except Exception as error:
            # It was planned once; that plan goes on.
            _LOG.info("a plan was not made again: %s", error)
            return
        if not plan.schema.equals(self._plan.schema):
            return  # Its client was promised another answer.
        with self._lock:
            took_seconds = time.monotonic() - self._begun
            if self._is_late() or self._next is not None or times != self._times:
                return
            is_doubtful = caution.apart != self._caution.apart or fragment.reduction is not None
            if not self._suspicion.always and not is_worth_it(
                plan, self._plan, took_seconds, is_doubtful=is_doubtful
            ):
                return
            self._next, self._caution = plan, caution
            run = self._run
        if not _runs(plan, fragment):
            # How many it has is not found out any more: as many times what it had so far.
            self._expect(fragment, self._suspicion.times * rows)
        run.cancel()

    def _planned_again(self, fragment: PlannedFragment) -> tuple[Plan, Caution]:
        """The plan that is best by what is known now, and the caution that it was made with."""
        before = self._caution
        known, caution = self._again(self._is_late, before), _doubting(before, fragment)
        if joins(fragment) and not _runs(known, fragment):
            # Other joins of its tables are known no better than this one was.
            caution = _keeping_apart(caution, fragment)
            return self._again(self._is_late, caution), caution
        if caution == before:
            return known, before
        doubting = self._again(self._is_late, caution)
        return (doubting, caution) if _is_safe(doubting, known) else (known, before)

    def _is_late(self) -> bool:
        """Whether no plan can take over any more."""
        return self._cancelled or self._given

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            run = self._run
        run.cancel()

    def close(self) -> None:
        self.cancel()
        self._run.close()
        self._end_planning()

    def _end_planning(self) -> None:
        with self._lock:
            thread, self._planning = self._planning, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def account(self) -> Ran:
        ran = self._run.account()
        return replace(ran, replanned=self._times, plan=self._plan) if self._times else ran


def shares(plan: Plan) -> bool:
    """Whether a plan computes something once that is read several times."""
    return any(stage.reads > 1 for stage in plan.stages)


def _runs(plan: Plan, fragment: PlannedFragment) -> bool:
    """Whether a plan still has a fragment, by what is known of it now."""
    known = fragment.shape is not None and fragment.estimate.rows is not None
    return known and fragment.shape in (f.keyed_shape or f.shape for f in plan.fragments)


def _doubting(caution: Caution, fragment: PlannedFragment) -> Caution:
    own = frozenset() if fragment.shape is None else frozenset((fragment.shape,))
    return replace(caution, doubted=caution.doubted | own)


def _keeping_apart(caution: Caution, fragment: PlannedFragment) -> Caution:
    apart = caution.apart | {(fragment.source, frozenset(fragment.tables))}
    return replace(caution, plain=caution.plain or fragment.sending is not None, apart=apart)


def _is_safe(doubting: Plan, known: Plan) -> bool:
    """Whether a plan that relies on less asks for no more than another does: it may join in another
    order, and wait for other keys to read files by, and is not expected to take twice as long."""
    if doubting.seconds is None or known.seconds is None:
        return False
    return _asked(doubting) == _asked(known) and doubting.seconds <= SAFE * known.seconds


def is_worth_it(plan: Plan, running: Plan, took_seconds: float, *, is_doubtful: bool) -> bool:
    """Whether a plan takes over from one that has run for so long.

    Args:
        is_doubtful: it is not known to take less, or what runs has its keys already. What has run
            so long is expected to run as long again: both together then take at most twice as long
            as the better one.
    """
    if _asked(plan) == _asked(running):
        if _order(plan) == _order(running):
            return False
        return plan.seconds is not None and took_seconds < EARLY * plan.seconds
    if not is_doubtful or any(f.estimate.rows is None for f in plan.fragments):
        return True
    return plan.seconds is None or plan.seconds < took_seconds


def _order(plan: Plan) -> list[str]:
    """In which order a plan computes."""
    return [plan.residual_text, *(stage.text for stage in plan.stages)]


def _asked(plan: Plan) -> list[tuple[str, str]]:
    """What a plan asks its sources for."""
    return sorted((f.source, _text(f)) for f in plan.fragments)


def _text(planned: PlannedFragment) -> str:
    if planned.reduction is not None:
        return planned.reduction.shown
    query = planned.fragment.query
    return query.text if isinstance(query, SqlQuery) else repr(query)
