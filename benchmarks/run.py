"""`python -m benchmarks.run`: makes the data, runs the benchmarks, writes docs/bench/.

Owns the command line and where things are kept between runs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console

from benchmarks import database, latency, misled, orders, planning, report, requests, s3, streaming
from benchmarks.peers import ROOT
from benchmarks.report import Comparison

DOCS = ROOT / "docs" / "bench"

LAKE_FILES = 2_000

TITLES = {
    "streaming": "Streaming a Parquet table to an ADBC client",
    "latency": "The smallest query of an ADBC client",
    "planning": "Planning a query",
    "orders": "The same joins in other orders",
    "misled": "Planning by wrong statistics",
    "requests": "Requests to a Parquet lake on S3",
    "s3": "Reading a Parquet lake on S3",
    "database": "A whole PostgreSQL table as Arrow",
}

ABOUT = {
    "misled": """
        Each query is asked as if nothing had been asked before; what is seen while it runs, it may
        use. The quickest round counts. The memory is what a server has by default.
        Pull-all reads every table, as few columns as the query names, and orders its joins by
        right statistics.""",
    "streaming": """
        All servers send to the same client, on the same processors. *Bare Flight, same batches*
        has them in memory and only sends them: the least that any server does. *Bare Flight,
        DataFusion* and *Parquet* read the file for each answer, as Crosswind does, which keeps
        nothing that it decoded. Client, sender and decoder share the processors: all that a line
        says of processor time, spread over both, is the least time that it can take.""",
    "s3": """
        The store runs on this machine, too. At 0 ms its readers share the processors with it,
        and what counts is what they compute; at 20 ms it is a store in a network, and what
        counts is how they ask. *DataFusion* reads the bucket in its own process, and makes
        views of texts; *plain texts* is the same with the texts that clients of Flight SQL can
        read, which Crosswind gives. *In process* is Crosswind without its server. The last two
        of each table have an ADBC client besides, which takes a processor: a served scan
        compares with the bare server's.""",
    "database": """
        Each reads all columns of a table to its last row: DuckDB and ADBC's driver in their own
        process, Crosswind through its server and an ADBC Flight SQL client. In the smallest
        table it shows what a query costs once; *long* is the same table with more rows.

        A row of 1,000 columns takes a PostgreSQL session so much memory that the C library may
        give it back after each row: DuckDB's sessions then work four times as long. Nearly always
        they do here. In one run of six, and wherever PostgreSQL is started with
        `MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=33554432`, they did not: DuckDB
        took 0.8 s, and Crosswind 1.8 times that.""",
    "orders": """
        Each query is asked in ten random orders of its tables, joins and conditions, one after
        the other; of an order the quickest round counts. Queries of one table have fewer
        orders.""",
}
"""What is to be known of a page's tables, where their titles do not say it."""


@click.command()
@click.option("--scale", type=float, default=1.0, show_default=True, help="TPC-H scale factor.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / ".bench",
    help="Where generated data is kept and looked for.  [default: .bench]",
)
@click.option("--only", type=click.Choice(sorted(TITLES)), help="Run one of the benchmarks.")
@click.option("--rounds", default=7, show_default=True, help="Of streaming, after a warm-up.")
@click.option("--calls", default=500, show_default=True, help="Of the smallest query.")
@click.option(
    "--table",
    "tables",
    type=click.Choice(database.TABLES),
    multiple=True,
    help="Of PostgreSQL's, read this only; may be repeated, and writes nothing.",
)
@click.option("--write/--no-write", default=True, help="Whether to write docs/bench/.")
def main(
    scale: float,
    cache: Path,
    only: str | None,
    rounds: int,
    calls: int,
    tables: tuple[str, ...],
    write: bool,
) -> None:
    """Measure Crosswind against its peers on this machine, and print ratios."""
    console = Console()
    write = write and not tables
    for name in [only] if only else list(TITLES):
        with console.status("") as status:
            if name == "streaming":
                status.update(f"generating TPC-H at scale {scale:g}")
                comparisons = streaming.measure(lineitem(scale, cache), rounds, status.update)
            elif name == "latency":
                comparisons = latency.measure(calls, status.update)
            elif name == "orders":
                comparisons = orders.measure(scale, cache, min(rounds, 5), status.update)
            elif name == "misled":
                comparisons = misled.measure(scale, cache, min(rounds, 3), status.update)
            elif name == "requests":
                comparisons = requests.measure(LAKE_FILES, status.update)
            elif name == "s3":
                status.update(f"generating TPC-H at scale {scale:g}")
                comparisons = s3.measure(s3.lake(scale, cache), rounds, status.update)
            elif name == "database":
                table = lineitem(scale, cache)
                comparisons = database.measure(
                    table, scale, cache, rounds, status.update, tables or database.TABLES
                )
            else:
                # Plans depend on statistics, not on rows: a small scale is made sooner.
                comparisons = planning.measure(0.01, cache, rounds, status.update)
        for comparison in comparisons:
            report.print_table(comparison, console)
        if write:
            command = f"python -m benchmarks.run --only {name} --scale {scale:g}"
            _write(name, comparisons, command, console)


def lineitem(scale: float, cache: Path) -> Path:
    """The table as one Parquet file, generated unless the cache has it."""
    folder = cache / f"tpch-{scale:g}"
    path = folder / "lineitem.parquet"
    if not path.exists():
        # Into a folder of its own first, so that an interrupted run leaves nothing half done.
        unfinished = cache / f"tpch-{scale:g}.unfinished"
        command = ["tpchgen-cli", "parquet", "-s", f"{scale:g}", "--tables=lineitem"]
        program = Path(sys.executable).parent / command[0]
        if program.exists():
            command[0] = str(program)
        subprocess.run([*command, f"--output-dir={unfinished}"], check=True)
        folder.mkdir(parents=True, exist_ok=True)
        (unfinished / path.name).rename(path)
        unfinished.rmdir()
    return path


def _write(name: str, comparisons: list[Comparison], command: str, console: Console) -> None:
    picture, page = DOCS / f"{name}.png", DOCS / f"{name}.md"
    report.draw(comparisons, picture)
    report.write_markdown(
        comparisons,
        page,
        title=TITLES[name],
        command=command,
        picture=picture.name,
        about=ABOUT.get(name, ""),
    )
    console.print(f"written: {page.relative_to(ROOT)} and {picture.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
