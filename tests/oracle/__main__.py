"""`python -m tests.oracle`: many random statements at each source; fails when one differs.

Owns the command line and the report.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.oracle import sources
from tests.oracle.check import Outcome, check, fragments_of, text_of
from tests.oracle.shrink import shrunk
from tests.oracle.statements import statement
from tests.planner.twins import Twins


@dataclass(slots=True)
class Tally:
    """What came of a source's statements."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    pushed: int = 0
    seconds: float = 0.0
    differences: list[str] = field(default_factory=list)


@click.command()
@click.option("--source", type=click.Choice(["all", *sources.SOURCES]), default="all")
@click.option("--queries", default=10_000, show_default=True, help="For each source.")
@click.option("--seed", default=1, show_default=True, help="Of the first; each has the next one.")
@click.option("--stop-after", default=20, show_default=True, help="Differences of a source.")
def main(source: str, queries: int, seed: int, stop_after: int) -> None:
    """Compare what sources answer with what the engine alone does."""
    console = Console()
    names = list(sources.SOURCES) if source == "all" else [source]
    tallies: dict[str, Tally] = {}
    with sources.running_postgres() as server:
        for name in names:
            with sources.SOURCES[name](server) as twins:
                seeds = range(seed, seed + queries)
                tallies[name] = run(twins, seeds, stop_after, console, name)
    _report(tallies, console)
    sys.exit(any(tally.differences for tally in tallies.values()))


def run(twins: Twins, seeds: range, stop_after: int, console: Console, name: str) -> Tally:
    """Check the statements of these seeds; what differs is made small and printed."""
    tally = Tally()
    tables = sources.tables(twins)
    started = time.monotonic()
    for seed in track(seeds, description=name, console=console, transient=True):
        tree = statement(seed, tables)
        verdict = check(twins, text_of(tree))
        tally.outcomes[verdict.outcome] += 1
        tally.pushed += verdict.pushed
        if verdict.outcome is Outcome.DIFFERENT:
            small = shrunk(tree, lambda t: check(twins, text_of(t)).outcome is Outcome.DIFFERENT)
            sql = text_of(small)
            sent = "\n".join(fragments_of(twins, sql))
            detail = check(twins, sql).detail
            tally.differences.append(f"seed {seed}\n{sql}\n{detail}\nsent: {sent}")
            console.print(f"\n[red]{name}[/]: ", end="")
            console.print(tally.differences[-1], markup=False, highlight=False)
            if len(tally.differences) >= stop_after:
                break
    tally.seconds = time.monotonic() - started
    return tally


def _report(tallies: dict[str, Tally], console: Console) -> None:
    table = Table("source", "statements", *(outcome.value for outcome in Outcome), "pushed", "/ s")
    for name, tally in tallies.items():
        count = sum(tally.outcomes.values())
        same = tally.outcomes[Outcome.SAME]
        table.add_row(
            name,
            f"{count:,}",
            *(f"{tally.outcomes[outcome]:,}" for outcome in Outcome),
            f"{tally.pushed / max(1, same):.0%}",
            f"{count / max(tally.seconds, 1e-9):.0f}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
