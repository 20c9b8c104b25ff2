"""What was measured over links: lines and tables on the terminal, a page and a picture in docs/.

Owns how figures are shown. Must not know how they were measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.links import regret
from benchmarks.links.cells import BARS, Cell, Measured, same_answer
from benchmarks.links.contenders import CONTENDERS, DUCKDB, Contender
from benchmarks.links.placement import PLACEMENTS
from benchmarks.links.regret import OURS, Found, cells_of
from benchmarks.links.run import QUERIES, QUICK_SECONDS, measured_path
from benchmarks.peers import ROOT
from benchmarks.report import machine

DOCS = ROOT / "docs" / "bench"


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


def print_regrets(found: Found, console: Console) -> None:
    """How much longer the plan took that was chosen than the best of the others, by placement."""
    for place in dict.fromkeys(place for place, _, _ in found):
        those = regret.regrets(place, found)
        if not those:
            continue
        heading, rows = regret.matrix(those)
        console.print(_printed(f"{place}: over the best of the other ways", heading, rows))
        listed = regret.listed(those)
        if listed:
            console.print(_printed(f"{place}: above {regret.BAR:g}", regret.LISTED, listed))
        console.print(regret.summary(those))


def _printed(title: str, heading: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for text in heading:
        table.add_column(text, justify="left" if text == heading[-1] else "right")
    for row in rows:
        table.add_row(*row)
    return table


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
        " is the sum over the 22 queries. A query is asked again, up to twice, as long as that has"
        f" taken less than {QUICK_SECONDS:g} s, by everyone alike, and the fastest asking counts;"
        " `first` is the sum of the first ones. Before the clock starts, each contender answers"
        " queries that read every table.",
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
    cells = cells_of(place, found)
    there = [c for c in CONTENDERS if any((place, cell, c.name) in found for cell in cells)]
    if not cells:
        return []
    where = "Parquet here" if place == "local" else "Parquet on S3, behind such a link too"
    lines = ["", f"## {where}", "", "Seconds, and MB over the links.", ""]
    if place == "s3":
        lines[-1:] = [
            "DuckDB keeps in memory what it has read of files, from one query to the next, unless"
            " it is told not to; Crosswind keeps footers.",
            "",
        ]
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
    first = f" (first {measured.first_seconds:.1f} s)"
    return f"{measured.seconds:.1f} s{first}, {crossed:.0f} MB{failed}"


def _bars(place: str, found: Found) -> list[str]:
    lines = []
    for cell in cells_of(place, found):
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
    """How much longer the plan took that was chosen than the best of the others."""
    those = regret.regrets(place, found)
    if not those:
        return []
    lines = ["", "### Regret", "", _REGRET, "", regret.summary(those), ""]
    lines += _markdown(*regret.matrix(those))
    listed = regret.listed(those)
    if listed:
        lines += ["", f"Above {regret.BAR:g}×:", "", *_markdown(regret.LISTED, listed)]
    return lines


_REGRET = (
    "Crosswind's time over the best of its own other ways, each really run: told the link, all"
    " that a source can run pushed, nothing pushed, joins of one source run here, no keys sent,"
    " keys sent wherever they can be."
)


def _markdown(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [heading, ["---"] * len(heading), *rows]
    return [f"| {' | '.join(each)} |" for each in lines]


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
