"""`python -m tests.oracle`: many random statements at each source; fails when one differs.

Owns the command line and the report.
"""

from __future__ import annotations

import sys
import time

import click

from tests.oracle import sources
from tests.oracle.check import Outcome
from tests.oracle.slices import Slice, Tally, run_all, slices_of


@click.command()
@click.option("--source", type=click.Choice(["all", *sources.SOURCES]), default="all")
@click.option("--queries", default=10_000, show_default=True, help="For each source.")
@click.option("--seed", default=1, show_default=True, help="Of the first; each has the next one.")
@click.option("--jobs", default=1, show_default=True, help="Processes at a time.")
@click.option("--stop-after", default=20, show_default=True, help="Differences of a slice.")
@click.option("--judge", "judged", is_flag=True, help="Ask DuckDB also where all answers agree.")
@click.option("--verbose", is_flag=True, help="Show what the engine alone answers wrongly.")
def main(
    source: str,
    queries: int,
    seed: int,
    jobs: int,
    stop_after: int,
    judged: bool,
    verbose: bool,
) -> None:
    """Compare what sources answer with what the engine alone does."""
    tallies = {name: Tally() for name in ([*sources.SOURCES] if source == "all" else [source])}
    seeds = range(seed, seed + queries)
    slices = [part for name in tallies for part in slices_of(name, seeds, stop_after, judged)]
    started = time.monotonic()
    for part, tally in run_all(slices, jobs):
        tallies[part.source].add(tally)
        _say(part, tally, verbose)
    click.echo(f"in all, in {time.monotonic() - started:.0f} s")
    for name, tally in tallies.items():
        click.echo(_line(name, tally))
    sys.exit(any(tally.differences for tally in tallies.values()))


def _say(part: Slice, tally: Tally, verbose: bool) -> None:
    click.echo(_line(part.source, tally))
    for text in tally.wrong_alone if verbose else ():
        click.echo(f"{part.source}, the engine alone is wrong: {text}\n")
    for text in tally.differences:
        click.echo(f"{part.source}, different: {text}\n")


def _line(name: str, tally: Tally) -> str:
    counts = [f"{tally.outcomes[outcome]:,} {outcome.value}" for outcome in Outcome]
    count = sum(tally.outcomes.values())
    speed = count / max(tally.seconds, 1e-9)
    counts += [f"{tally.pushed:,} pushed", f"{tally.keyed:,} with keys"]
    counts += [f"{tally.judged:,} judged", f"{speed:.0f} / s"]
    return f"{name}: {count:,} statements: {', '.join(counts)}"


if __name__ == "__main__":
    main()
