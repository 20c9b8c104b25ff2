"""What happened when a plan ran: the values that EXPLAIN ANALYZE, logs and benchmarks show."""

from __future__ import annotations

from dataclasses import dataclass

from planner.plan import Plan, PlannedFragment


@dataclass(frozen=True, slots=True)
class FragmentAccount:
    """One fragment's run.

    Attributes:
        size_bytes: Arrow bytes received.
        wait_seconds: until a connection of the source was free.
        first_batch_seconds: from then until the first batch; None when there was none.
        seconds: from the start until the last batch, the time the reader was held up included.
        transfer_seconds: from the first batch to the last, without the time the reader was held up
            because nobody took what had come; None when there was no batch.
        keys: how many it was sent; None where it runs without.
        crossed_bytes: about so many crossed the link; None for `size_bytes`: nothing compresses it.
        asked_seconds: for so long now it has been waiting for the source, also where that has
            failed meanwhile; 0 when it is not.
    """

    name: str
    source: str
    rows: int
    size_bytes: int
    wait_seconds: float
    first_batch_seconds: float | None
    seconds: float
    transfer_seconds: float | None = None
    keys: int | None = None
    crossed_bytes: int | None = None
    asked_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class StageAccount:
    """One stage's run: the rows that waited here, and how long until they were complete."""

    name: str
    rows: int
    size_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class NativeAccount:
    """What the engine's own readers took from one table; None where they do not say.

    Attributes:
        rows: that left the reader, after the row groups and pages that it could skip.
        size_bytes: Arrow bytes of these rows.
        file_bytes: read from the files.
        seconds: reading and decoding, added up over the engine's threads.
        keys: how many it was read by the bounds of; None where it was read without.
    """

    name: str
    source: str
    rows: int | None
    size_bytes: int | None
    file_bytes: int | None
    seconds: float | None
    keys: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """One run of a plan.

    Attributes:
        rows, size_bytes: of the answer.
        compute_seconds: what the engine's operators took here, added up over its threads, its own
            file readers left out; None where the engine had no part.
        planned: fragments that were made while it ran, for a statement that could not be cut.
        uncut: the plan could not run as it is, and `Plan.uncut` ran in its place.
        replanned: how often what was read refuted the plan, so that it was made again.
        plan: the one that ran in the end, where it was.
    """

    rows: int
    size_bytes: int
    seconds: float
    fragments: tuple[FragmentAccount, ...] = ()
    natives: tuple[NativeAccount, ...] = ()
    planned: tuple[PlannedFragment, ...] = ()
    compute_seconds: float | None = None
    uncut: bool = False
    stages: tuple[StageAccount, ...] = ()
    replanned: int = 0
    plan: Plan | None = None
