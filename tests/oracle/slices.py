"""Some of a source's statements, checked one after another; slices may run beside each other.

Owns what is counted, and what is said of a difference. Knows no command line.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context

from sqlglot import exp

from tests.oracle import sources
from tests.oracle.check import Outcome, Verdict, check, fragments_of, text_of
from tests.oracle.shrink import shrunk
from tests.oracle.statements import statement

STATEMENTS = 2_500
"""Of a slice at most: starting a source takes as long as some hundred."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one process does at a time.

    Attributes:
        seeds: one for each statement.
        stop_after: so many differences.
        judged: the judge is asked also where all agree.
    """

    source: str
    seeds: range
    stop_after: int = 20
    judged: bool = False


@dataclass(slots=True)
class Tally:
    """What came of a source's statements.

    Attributes:
        wrong_alone: statements that the engine alone answers wrongly.
        differences: statements, with what differs and what the source was sent.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    pushed: int = 0
    keyed: int = 0
    judged: int = 0
    seconds: float = 0.0
    wrong_alone: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count another slice of the source too."""
        self.outcomes += other.outcomes
        self.pushed += other.pushed
        self.keyed += other.keyed
        self.judged += other.judged
        self.seconds += other.seconds
        self.wrong_alone += other.wrong_alone
        self.differences += other.differences


def slices_of(source: str, seeds: range, stop_after: int, judged: bool) -> list[Slice]:
    """A source's statements in parts of about one size."""
    parts = -(-len(seeds) // STATEMENTS)
    return [Slice(source, seeds[i::parts], stop_after, judged) for i in range(parts)]


def run_all(slices: list[Slice], jobs: int) -> Iterator[tuple[Slice, Tally]]:
    """The slices as they end, so many at a time."""
    if jobs == 1:
        yield from ((part, run(part)) for part in slices)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        running = {pool.submit(run, part): part for part in slices}
        for future in as_completed(running):
            yield running[future], future.result()


def run(part: Slice) -> Tally:
    """Check a slice's statements; what differs is made small."""
    tally = Tally()
    with sources.running_postgres() as server, sources.SOURCES[part.source](server) as twins:
        tables = sources.tables(twins, shared=part.judged)
        judge = sources.judge(twins)

        def verdict_of(tree: exp.Query) -> Verdict:
            return check(twins, text_of(tree), judge, always=part.judged)

        started = time.monotonic()
        for seed in part.seeds:
            tree = statement(seed, tables, shared=part.judged, joined=part.source in sources.JOINED)
            verdict = verdict_of(tree)
            tally.outcomes[verdict.outcome] += 1
            tally.pushed += verdict.pushed
            tally.keyed += verdict.keyed
            tally.judged += verdict.judged
            if verdict.outcome is Outcome.WRONG_ALONE:
                tally.wrong_alone.append(f"seed {seed}\n{text_of(tree)}\n{verdict.detail}")
            if verdict.outcome is not Outcome.DIFFERENT:
                continue
            small = shrunk(tree, lambda t: verdict_of(t).outcome is Outcome.DIFFERENT)
            sent = "\n".join(fragments_of(twins, text_of(small)))
            detail = verdict_of(small).detail
            tally.differences.append(f"seed {seed}\n{text_of(small)}\n{detail}\nsent: {sent}")
            if len(tally.differences) >= part.stop_after:
                break
        tally.seconds = time.monotonic() - started
    return tally
