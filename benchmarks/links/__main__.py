"""`python -m benchmarks.links`: TPC-H over a grid of links, by Crosswind and by others.

Owns the command line. What is measured is kept in the cache: a run that was interrupted goes on.
"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from benchmarks.links import page
from benchmarks.links.cells import BARS, GRID, Cell, Measured
from benchmarks.links.contenders import CONTENDERS
from benchmarks.links.placement import PLACEMENTS, placed
from benchmarks.links.run import QUERIES, measure, measured_path
from benchmarks.peers import ROOT


@click.command()
@click.option("--scale", type=float, default=1.0, show_default=True, help="TPC-H scale factor.")
@click.option("--cells", metavar="20x100,…", help="RTT in ms x Mbit/s.  [default: the grid]")
@click.option("--queries", "numbers", metavar="3,5,…", help="Which of the 22.  [default: all]")
@click.option("--contenders", "names", metavar="NAME,…", help="Who answers.  [default: all]")
@click.option("--placements", default="local", show_default=True, help="Of the lake: local,s3.")
@click.option("--repeat", default=3, show_default=True, help="Askings of a quick query.")
@click.option("--again", is_flag=True, help="Measure anew what the cache has.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / ".bench",
    help="Where data and figures are kept and looked for.  [default: .bench]",
)
@click.option("--write/--no-write", default=True, help="Whether to write docs/bench/.")
def main(
    scale: float,
    cells: str | None,
    numbers: str | None,
    names: str | None,
    placements: str,
    repeat: int,
    again: bool,
    cache: Path,
    write: bool,
) -> None:
    """Measure the 22 queries of TPC-H over links of many lengths and widths."""
    wanted_cells = [Cell.of(c) for c in cells.split(",")] if cells else sorted({*GRID, *BARS})
    queries = _chosen_queries(numbers)
    contenders = [c for c in CONTENDERS if not names or c.name in names.split(",")]
    contenders = [c for c in contenders if c.available]
    console = Console()
    found: dict[tuple[str, Cell, str], Measured] = {}
    with console.status("") as status:
        for place in (p for p in PLACEMENTS if p in placements.split(",")):
            with placed(place, scale, cache, status.update) as placement:
                for cell in wanted_cells:
                    for contender in contenders:
                        if contender.only_lake not in (None, place):
                            continue
                        path = measured_path(cache, scale, place, cell, contender)
                        kept = Measured.kept(path)
                        if again:
                            kept.forget(queries)
                        measure(contender, placement, cell, queries, kept, status.update, repeat)
                        chosen = {n: kept.answers[n] for n in queries}
                        found[place, cell, contender.name] = Measured(path, chosen)
                        console.print(page.line(place, cell, contender, found))
    page.print_tables(found, contenders, console)
    page.print_regrets(found, console)
    if write and len(queries) == len(QUERIES):
        page.write(cache, scale, console)


def _chosen_queries(numbers: str | None) -> dict[str, str]:
    if numbers is None:
        return QUERIES
    names = [f"q{int(number):02}" for number in numbers.split(",")]
    return {name: QUERIES[name] for name in names}


if __name__ == "__main__":
    main()
