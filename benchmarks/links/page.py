"""What was measured over links: lines and tables on the terminal, a page and a picture in docs/.

Owns how figures are shown. Must not know how they were measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.links.cells import BARS, Cell, Measured, same_answer
from benchmarks.links.contenders import CONTENDERS, DUCKDB, Contender
from benchmarks.links.placement import PLACEMENTS
from benchmarks.links.run import QUERIES, measured_path
from benchmarks.peers import ROOT
from benchmarks.report import machine

DOCS = ROOT / "docs" / "bench"

OURS = "crosswind"
ALTERNATIVES = ("told", "push-all", "pull-all", "no-reduction")
"""Other plans of the same build: the best of them is what regret refers to."""

REGRET = 1.2
REGRET_SECONDS = 0.05
"""Below it a difference is the machine's, not the plan's."""

Found = Mapping[tuple[str, Cell, str], Measured]
"""By placement, cell and the contender's name."""


def line(place: str, cell: Cell, contender: Contender, found: Found) -> str:
    """What a contender did in a cell, in one line."""
    measured = found[place, cell, contender.name]
    text = f"{place} {cell!s:>9}  {contender.title:<24} {measured.seconds:8.2f} s "
    text += f"{measured.database_bytes / 1e6:8.1f} MB from PostgreSQL"
    if measured.lake_bytes:
        text += f" {measured.lake_bytes / 1e6:8.1f} MB from S3"
    if measured.failed:
        text += f"  failed: {', '.join(measured.failed)}"
    baseline = found.get((place, cell, DUCKDB)) or found.get((place, cell, OURS))
    if baseline is not None and (wrong := _differing(measured, baseline)):
        text += f"  answers differ: {', '.join(wrong)}"
    return text


def _differing(one: Measured, other: Measured) -> list[str]:
    both = one.answers.keys() & other.answers.keys()
    return sorted(n for n in both if not same_answer(one.answers[n], other.answers[n]))


def print_tables(found: Found, contenders: Sequence[Contender], console: Console) -> None:
    """Seconds and bytes of each query, a table for each cell."""
    for place, cell in dict.fromkeys((place, cell) for place, cell, _ in found):
        there = [c for c in contenders if (place, cell, c.name) in found]
        table = Table(title=f"{place} {cell}: seconds (MB from PostgreSQL)", title_justify="left")
        for heading in ("", *(c.title for c in there)):
            table.add_column(heading, justify="right")
        measured = [found[place, cell, c.name] for c in there]
        for query in measured[0].answers:
            answers = [each.answers[query] for each in measured]
            cells = [
                a.error[:40] or f"{a.seconds:.2f} ({a.database_bytes / 1e6:.1f})" for a in answers
            ]
            table.add_row(query, *cells)
        totals = [f"{m.seconds:.2f} ({m.database_bytes / 1e6:.1f})" for m in measured]
        table.add_row("all", *totals, style="bold")
        console.print(table)


def write(cache: Path, scale: float, console: Console) -> None:
    """The page and the picture, of every cell that the cache has all queries of."""
    found = _complete(cache, scale)
    if not found:
        return
    DOCS.mkdir(parents=True, exist_ok=True)
    picture = DOCS / "links.png"
    drawn = _draw(found, picture)
    lines = [
        "# The network between sources",
        "",
        f"`make bench-links`, TPC-H at scale {scale:g}, on {machine()}.",
        "",
        "Customer, orders, nation, region and supplier are in PostgreSQL; lineitem, part and"
        " partsupp are Parquet, here or on S3. The links are emulated: a proxy that delays what"
        " crosses it, and lets all connections together have so many bits per second. Each figure"
        " is the sum over the 22 queries, asked once each, after three small queries.",
    ]
    if drawn:
        lines += ["", f"![Crosswind's time over DuckDB's]({picture.name})"]
    for place in PLACEMENTS:
        lines += _table(place, found)
        lines += _bars(place, found)
        lines += _regrets(place, found)
    (DOCS / "links.md").write_text("\n".join(lines) + "\n", "utf-8")
    console.print("written: docs/bench/links.md" + (" and docs/bench/links.png" if drawn else ""))


def _complete(cache: Path, scale: float) -> dict[tuple[str, Cell, str], Measured]:
    found = {}
    for place in PLACEMENTS:
        folder = measured_path(cache, scale, place, BARS[0], CONTENDERS[0]).parents[1]
        cells = sorted(Cell.of(each.name) for each in folder.glob("*x*"))
        for cell in cells:
            for contender in CONTENDERS:
                kept = Measured.kept(measured_path(cache, scale, place, cell, contender))
                if kept.answers.keys() >= QUERIES.keys():
                    found[place, cell, contender.name] = kept
    return found


def _table(place: str, found: Found) -> list[str]:
    cells = sorted({cell for where, cell, _ in found if where == place})
    there = [c for c in CONTENDERS if any((place, cell, c.name) in found for cell in cells)]
    if not cells:
        return []
    where = "Parquet here" if place == "local" else "Parquet on S3, behind such a link too"
    lines = ["", f"## {where}", "", "Seconds, and MB over the links.", ""]
    lines.append("| round trip | Mbit/s | " + " | ".join(c.title for c in there) + " |")
    lines.append("|--:|--:|" + "--:|" * len(there))
    for cell in cells:
        figures = [found.get((place, cell, c.name)) for c in there]
        shown = " | ".join(_figure(each) for each in figures)
        lines.append(f"| {cell.rtt_ms:g} ms | {cell.mbps:g} | {shown} |")
    return lines


def _figure(measured: Measured | None) -> str:
    if measured is None:
        return ""
    crossed = (measured.database_bytes + measured.lake_bytes) / 1e6
    failed = f", {len(measured.failed)} failed" if measured.failed else ""
    return f"{measured.seconds:.1f} s, {crossed:.0f} MB{failed}"


def _bars(place: str, found: Found) -> list[str]:
    lines = []
    for cell in sorted({cell for where, cell, _ in found if where == place}):
        ours, theirs = found.get((place, cell, OURS)), found.get((place, cell, DUCKDB))
        if ours is None or theirs is None:
            continue
        seconds = ours.seconds / theirs.seconds
        size = ours.database_bytes / max(1, theirs.database_bytes)
        lines.append(f"| {cell.rtt_ms:g} ms | {cell.mbps:g} | {seconds:.2f}× | {size:.2f}× |")
    if not lines:
        return []
    heading = ["| round trip | Mbit/s | seconds | bytes from PostgreSQL |", "|--:|--:|--:|--:|"]
    return ["", "### Crosswind over DuckDB", "", *heading, *lines]


def _regrets(place: str, found: Found) -> list[str]:
    """Queries that another plan of the same build answers clearly sooner."""
    lines = []
    for cell in sorted({cell for where, cell, _ in found if where == place}):
        ours = found.get((place, cell, OURS))
        others = {n: found[place, cell, n] for n in ALTERNATIVES if (place, cell, n) in found}
        if ours is None or not others:
            continue
        for query, answer in ours.answers.items():
            good = {name: measured.answers[query] for name, measured in others.items()}
            sooner = {name: each.seconds for name, each in good.items() if not each.error}
            best, seconds = min(sooner.items(), key=itemgetter(1), default=(None, 0.0))
            if best is None or answer.seconds <= REGRET * seconds + REGRET_SECONDS:
                continue
            times = f"{answer.seconds:.2f} s | {best}: {seconds:.2f} s"
            lines.append(f"| {cell} | {query} | {times} | {answer.seconds / seconds:.1f}× |")
    if not lines:
        return []
    heading = ["| link | query | Crosswind | sooner | regret |", "|---|---|--:|--:|--:|"]
    title = f"### Queries that another plan answers {REGRET:g} times sooner"
    return ["", title, "", *heading, *lines]


def _draw(found: Found, path: Path) -> bool:
    """A heat map for each placement: Crosswind's time over DuckDB's, or over pulling all."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    maps = []
    for place in PLACEMENTS:
        for other, title in ((DUCKDB, "DuckDB"), ("pull-all", "pulling all")):
            ratios = {
                cell: measured.seconds / found[place, cell, other].seconds
                for (where, cell, name), measured in found.items()
                if where == place and name == OURS and (place, cell, other) in found
            }
            if ratios:
                maps.append((f"Crosswind over {title}, lake {place}", ratios))
    if not maps:
        return False
    figure, all_axes = plt.subplots(
        1, len(maps), figsize=(5 * len(maps), 4), squeeze=False, dpi=150, layout="constrained"
    )
    for (title, ratios), axes in zip(maps, all_axes[0], strict=True):
        rtts = sorted({cell.rtt_ms for cell in ratios})
        rates = sorted({cell.mbps for cell in ratios}, reverse=True)
        grid = [[ratios.get(Cell(rtt, rate), float("nan")) for rtt in rtts] for rate in rates]
        axes.imshow(grid, cmap="RdYlGn_r", norm=LogNorm(0.1, 10), aspect="auto")
        for y, row in enumerate(grid):
            for x, ratio in enumerate(row):
                if ratio == ratio:
                    axes.text(x, y, f"{ratio:.2f}×", ha="center", va="center", fontsize=9)
        axes.set_xticks(range(len(rtts)), [f"{rtt:g} ms" for rtt in rtts])
        axes.set_yticks(range(len(rates)), [f"{rate:g} Mbit/s" for rate in rates])
        axes.set_title(f"{title}: seconds of the 22 queries", fontsize=9)
    figure.savefig(path)
    plt.close(figure)
    return True
