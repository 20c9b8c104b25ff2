"""Regret: how much longer Crosswind took than the best of its own other ways, and what misled it.

Owns the comparison, the noise below which it says nothing, and its tables as cells of text. Must
not know how anything was measured, nor where the tables are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.links.cells import Answer, Cell, Measured
from benchmarks.links.estimates import most_wrong

OURS = "crosswind"
WAYS = ("told", "push-all", "pull-all", "open", "no-reduction", "all-reductions")
"""Other plans of the same build: the best of them is what regret refers to."""

OPENING = ("open", "pull-all")
"""Those that run joins of one source here, whatever that moves."""

BAR = 1.2
NOISE_SECONDS = 0.02
"""A difference below it, or below what askings of one query differ by, is not the plan's."""

Found = Mapping[tuple[str, Cell, str], Measured]
"""By placement, cell and the contender's name."""


@dataclass(frozen=True, slots=True)
class Regret:
    """One query in one cell.

    Attributes:
        seconds: of the plan that Crosswind chose; other ways that came to the same plan are further
            askings of it.
        best: the name of the way that was fastest of those with other plans; empty without any.
        noise_seconds: below which the two are as fast.
        estimate: what was most wrong in the plan that was chosen, in words; or what it expected to
            be sooner, and did not do for what that moves.
    """

    cell: Cell
    query: str
    seconds: float
    best: str
    best_seconds: float
    noise_seconds: float
    estimate: str

    @property
    def ratio(self) -> float:
        """1.0 is as fast; below that, Crosswind was faster than all others."""
        return self.seconds / max(self.best_seconds, 1e-9)

    @property
    def is_noise(self) -> bool:
        """Whether askings of one query differ by as much."""
        return self.seconds - self.best_seconds <= self.noise_seconds

    @property
    def is_clear(self) -> bool:
        """Whether it is above the bar, and not for the noise."""
        return self.ratio > BAR and not self.is_noise

    @property
    def text(self) -> str:
        """The ratio; `~` where it is above the bar for the noise; `=` where all plans are one."""
        if not self.best:
            return "="
        return f"{'~' if self.ratio > BAR and self.is_noise else ''}{self.ratio:.2f}×"


def regrets(place: str, found: Found) -> list[Regret]:
    """Of each query and cell that Crosswind and at least one other way have answered."""
    result = []
    for cell in cells_of(place, found):
        ours = found.get((place, cell, OURS))
        others = {n: found[place, cell, n] for n in WAYS if (place, cell, n) in found}
        for query, answer in ours.answers.items() if ours is not None else ():
            if answer.error:
                continue
            good = {
                name: other.answers[query]
                for name, other in others.items()
                if query in other.answers and not other.answers[query].error
            }
            if good:
                result.append(_regret(cell, query, answer, good))
    return result


def _regret(cell: Cell, query: str, ours: Answer, others: Mapping[str, Answer]) -> Regret:
    same = [a for a in others.values() if a.plan and a.plan == ours.plan]
    fastest = min((ours, *same), key=lambda answer: answer.seconds)
    different = {n: a for n, a in others.items() if not a.plan or a.plan != ours.plan}
    best = min(different, key=lambda name: different[name].seconds, default="")
    against = different.get(best, fastest)
    noise = max(NOISE_SECONDS, fastest.spread_seconds, against.spread_seconds)
    by_choice = ours.passed_over if best in OPENING else ""
    wrong = by_choice or most_wrong(ours.judged)
    return Regret(cell, query, fastest.seconds, best, against.seconds, noise, wrong)


def cells_of(place: str, found: Found) -> list[Cell]:
    """The cells of a placement that somebody has answers in."""
    return sorted({cell for where, cell, _ in found if where == place})


def summary(those: Sequence[Regret]) -> str:
    """How many are above the bar, in a sentence."""
    clear, noisy = sum(r.is_clear for r in those), sum(r.text.startswith("~") for r in those)
    return (
        f"Of {len(those)} queries and cells, {clear} are above {BAR:g}×. {noisy} more are, marked"
        f" with ~, by less than the noise: {NOISE_SECONDS * 1e3:.0f} ms, or what half of the"
        " askings of such a query take longer than the fastest. A way that comes to the plan that"
        " Crosswind chose is one more asking of it; = is where all ways do."
    )


def matrix(those: Iterable[Regret]) -> tuple[list[str], list[list[str]]]:
    """A heading and a row for each query: its ratios by cell."""
    by_query: dict[str, dict[Cell, Regret]] = {}
    for regret in those:
        by_query.setdefault(regret.query, {})[regret.cell] = regret
    cells = sorted({cell for row in by_query.values() for cell in row})
    heading = ["", *(f"{cell.rtt_ms:g} ms {cell.mbps:g} Mbit/s" for cell in cells)]
    return heading, [
        [query, *(row[cell].text if cell in row else "" for cell in cells)]
        for query, row in sorted(by_query.items())
    ]


LISTED = ("link", "query", "Crosswind", "sooner", "regret", "most wrong in the plan")


def listed(those: Iterable[Regret]) -> list[list[str]]:
    """A row for each that is above the bar, for the noise or not, under the headings of LISTED."""
    return [
        [
            str(regret.cell),
            regret.query,
            f"{regret.seconds:.3f} s",
            f"{regret.best}: {regret.best_seconds:.3f} s",
            regret.text,
            regret.estimate,
        ]
        for regret in those
        if regret.best and regret.ratio > BAR
    ]
