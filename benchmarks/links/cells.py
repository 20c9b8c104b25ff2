"""What is measured: links, contenders' answers over them, and the files that keep these.

Owns the values and their form on disk. Must not know how anything is measured or shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

RTTS_MS = (0, 5, 20, 100)
MBPS = (1000, 100, 10)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A link of the grid: `20x100` is 20 ms and 100 Mbit/s."""

    rtt_ms: float
    mbps: float

    @staticmethod
    def of(text: str) -> Cell:
        """From its name.

        >>> Cell.of("20x100")
        Cell(rtt_ms=20.0, mbps=100.0)
        """
        rtt_ms, _, mbps = text.partition("x")
        return Cell(float(rtt_ms), float(mbps))

    def __str__(self) -> str:
        return f"{self.rtt_ms:g}x{self.mbps:g}"


GRID = tuple(Cell(rtt, mbps) for rtt in RTTS_MS for mbps in MBPS)

BARS = (Cell(0, 1000), Cell(20, 100), Cell(50, 20))
"""Where there is a bar to clear, against DuckDB."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A part of a plan: what was expected of it before anything ran, and what came; None: unknown.

    Attributes:
        part: its name and what it reads, for people.
        seconds: from when its turn came, without the time that nobody took its rows.
    """

    part: str
    expected_rows: float | None = None
    rows: float | None = None
    expected_seconds: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One query of one contender.

    Attributes:
        seconds: until its last row was here, at the fastest asking.
        database_bytes: that came over the link from PostgreSQL then.
        lake_bytes: that came over the link from S3; 0 where the lake is local.
        rows: of the answer.
        sums: of its numeric columns, by which answers are compared.
        error: why there is none, or empty.
        times: the seconds of each asking, in order.
        plan: tells it from other plans; empty where it is not known, or changed between askings.
        judged: what the plan expected of its parts, where somebody asked.
        passed_over: a way that the plan expected to be sooner, and did not take for what it moves.
    """

    seconds: float
    database_bytes: int
    lake_bytes: int
    rows: int = 0
    sums: Sequence[float] = ()
    error: str = ""
    times: Sequence[float] = ()
    plan: str = ""
    judged: Sequence[Judged] = ()
    passed_over: str = ""

    @property
    def first_seconds(self) -> float:
        """Of the first asking, when nothing was known of the query."""
        return self.times[0] if self.times else self.seconds

    @property
    def spread_seconds(self) -> float:
        """By how much half of the askings took longer than the fastest."""
        return median(self.times) - min(self.times) if self.times else 0.0

    @staticmethod
    def read(value: Mapping[str, Any]) -> Answer:
        """From what a file has."""
        judged = tuple(Judged(**each) for each in value.get("judged", ()))
        times = tuple(value.get("times", ()))
        return Answer(**{**value, "times": times, "judged": judged})


@dataclass(slots=True)
class Measured:
    """What one contender did in one cell, by query; kept in a file of its own."""

    path: Path
    answers: dict[str, Answer] = field(default_factory=dict)

    @classmethod
    def kept(cls, path: Path) -> Measured:
        """What the file has, or nothing yet."""
        if not path.exists():
            return cls(path)
        read: Mapping[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))
        return cls(path, {name: Answer.read(answer) for name, answer in read.items()})

    def add(self, query: str, answer: Answer) -> None:
        """Keep one more, also on disk: an interrupted run goes on from here."""
        self.answers[query] = answer
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(".unfinished")
        whole = {name: asdict(each) for name, each in sorted(self.answers.items())}
        unfinished.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
        unfinished.replace(self.path)

    def forget(self, queries: Iterable[str]) -> None:
        """Have these asked again."""
        for query in queries:
            self.answers.pop(query, None)

    @property
    def seconds(self) -> float:
        """Of all queries together."""
        return sum(answer.seconds for answer in self.answers.values())

    @property
    def first_seconds(self) -> float:
        """Of all queries together, as each was asked first."""
        return sum(answer.first_seconds for answer in self.answers.values())

    @property
    def database_bytes(self) -> int:
        """Of all queries together."""
        return sum(answer.database_bytes for answer in self.answers.values())

    @property
    def lake_bytes(self) -> int:
        """Of all queries together."""
        return sum(answer.lake_bytes for answer in self.answers.values())

    @property
    def failed(self) -> list[str]:
        """The queries without an answer."""
        return [name for name, answer in self.answers.items() if answer.error]


def same_answer(one: Answer, other: Answer) -> bool:
    """Whether two contenders say the same, as far as sums of decimals and floats can tell."""
    if one.error or other.error:
        return True
    return one.rows == other.rows and all(
        abs(a - b) <= 1e-6 * max(abs(a), abs(b), 1.0)
        for a, b in zip(one.sums, other.sums, strict=True)
    )
