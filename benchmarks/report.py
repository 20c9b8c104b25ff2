"""What was measured, as a table on the terminal, as Markdown and as a picture.

Owns how figures are shown. Must not know how they were measured.
"""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from textwrap import wrap

from rich.console import Console
from rich.table import Table

_ACCENT, _OTHERS = "#1f6feb", "#b8c0cc"


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender's figures, one for each round or call, and what else there is to say."""

    name: str
    values: Sequence[float] = field(repr=False)
    note: str = ""

    @property
    def median(self) -> float:
        """The middle one, which a single slow round does not move."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Contenders that did the same work in turn.

    Attributes:
        title: what they did.
        unit: of the figures.
        more_is_better: whether a higher figure is the better one.
        baseline: the name of the one that ratios refer to.
        measured: the contenders' figures.
    """

    title: str
    unit: str
    more_is_better: bool
    baseline: str
    measured: Sequence[Measured]

    def ratio(self, one: Measured) -> float:
        """The median of `one` over the baseline's."""
        base = next(each for each in self.measured if each.name == self.baseline)
        return one.median / base.median

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """Name, median, range, ratio and note of each contender."""
        return [
            (
                one.name,
                f"{one.median:.2f}",
                f"{min(one.values):.2f}–{max(one.values):.2f}",
                f"{self.ratio(one):.2f}×",
                one.note,
            )
            for one in self.measured
        ]

    def headings(self) -> tuple[str, str, str, str, str]:
        """Of `rows`."""
        return ("server", f"{self.unit}, median", "min–max", "ratio", "")


def print_table(comparison: Comparison, console: Console) -> None:
    """The comparison on the terminal."""
    better = "more is better" if comparison.more_is_better else "less is better"
    table = Table(title=f"{comparison.title} ({better})", title_justify="left")
    for number, heading in enumerate(comparison.headings()):
        table.add_column(heading, justify="right" if number in (1, 2, 3) else "left")
    for row in comparison.rows():
        table.add_row(*row, style="bold" if row[0] == "Crosswind" else None)
    console.print(table)


def write_markdown(
    comparisons: Sequence[Comparison],
    path: Path,
    *,
    title: str,
    command: str,
    picture: str,
    about: str = "",
) -> None:
    """The comparisons as a page: the tables, the picture, and what they were measured with."""
    lines = [f"# {title}", "", f"`{command}`, on {machine()}.", ""]
    lines += [*wrap(" ".join(about.split()), 100), ""] if about else []
    lines.append(f"![{title}]({picture})")
    for comparison in comparisons:
        better = "more" if comparison.more_is_better else "less"
        lines += ["", f"## {comparison.title}", "", f"{better.capitalize()} is better.", ""]
        lines.append("| " + " | ".join(comparison.headings()) + " |")
        lines.append("|---|--:|--:|--:|---|")
        for row in comparison.rows():
            name = f"**{row[0]}**" if row[0] == "Crosswind" else row[0]
            lines.append("| " + " | ".join((name, *row[1:])) + " |")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw(comparisons: Sequence[Comparison], path: Path) -> None:
    """The medians as bars, with the range of the rounds as a line."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    bars_inches = [max(2.4, 1.0 + 0.2 * len(each.measured)) for each in comparisons]
    figure, all_axes = plt.subplots(
        len(comparisons),
        1,
        figsize=(8, sum(bars_inches)),
        height_ratios=bars_inches,
        squeeze=False,
        dpi=150,
    )
    for comparison, axes in zip(comparisons, all_axes[:, 0], strict=True):
        names = [one.name for one in comparison.measured]
        medians = [one.median for one in comparison.measured]
        # The slowest call of hundreds would flatten the bars: show all but a hundredth.
        spreads = [_spread(one) for one in comparison.measured]
        below = [m - low for m, (low, _) in zip(medians, spreads, strict=True)]
        above = [high - m for m, (_, high) in zip(medians, spreads, strict=True)]
        colours = [_ACCENT if name == "Crosswind" else _OTHERS for name in names]
        bars = axes.barh(
            names, medians, xerr=(below, above), color=colours, ecolor="#57606a", capsize=2
        )
        labels = [
            f"{m:.2f}  ({comparison.ratio(o):.2f}×)"
            for m, o in zip(medians, comparison.measured, strict=True)
        ]
        axes.bar_label(bars, labels, padding=8, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlim(0, max(high for _, high in spreads) * 1.25)
        axes.set_title(comparison.title, loc="left", fontsize=10)
        better = "more" if comparison.more_is_better else "less"
        axes.set_xlabel(f"{comparison.unit}, {better} is better", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)


def _spread(one: Measured) -> tuple[float, float]:
    ordered = sorted(one.values)
    cut = len(ordered) // 100
    return ordered[cut], ordered[-1 - cut]


def machine() -> str:
    """What the figures depend on: processors, system, and the versions of the parts."""
    parts = ("datafusion", "pyarrow", "adbc-driver-flightsql", "roapi")
    versions = ", ".join(f"{name} {version(name)}" for name in parts)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.machine()}"
    return f"{cores} cores, {system}, Python {platform.python_version()}, {versions}"
