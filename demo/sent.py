"""What was sent where, read back from the lines of EXPLAIN ANALYZE, as any client gets them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = re.compile(r"(?P<name>[fn]\d+) at (?P<source>\w+): (?P<what>.+)")
_STATEMENT = re.compile(r"    (?:SELECT|WITH)\b|    \($")
_RAN = re.compile(
    r"  ran: (?P<rows>[\d,]+) rows?(?:, (?P<size>[\d.,]+ [kMG]?B))?(?:.*?, (?P<seconds>[\d.]+) s)?"
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One part of a plan that a source answered, or that was read from its files.

    Attributes:
        source: its name.
        what: the operators and tables of the part.
        rows, size: what came back; the size with its unit.
        seconds: until the last of it; None where the engine read files, among its other work.
        statement: the SQL that the source received, or the columns and filters that were read.
    """

    source: str
    what: str
    rows: int
    size: str
    seconds: float | None
    statement: str

    @property
    def is_sql(self) -> bool:
        """Whether the source was sent SQL."""
        return self.statement.startswith(("SELECT", "WITH", "("))


def read_parts(lines: Iterable[str]) -> list[Sent]:
    """The parts in an EXPLAIN ANALYZE.

    >>> lines = ["f1 at shop: scan of public.t", "  ran: 2 rows, 8 B, 0.1 s (x)", "    SELECT 1"]
    >>> read_parts(["plan: …", "", *lines, "", "residual: …"])[0].statement
    'SELECT 1'
    """
    parts = []
    for block in "\n".join(lines).split("\n\n"):
        # A head may go on on the next line, indented like a statement but above `expected`.
        head, *rest = block.splitlines()
        found = _HEAD.fullmatch(head)
        if found is None:
            continue
        first = next((i for i, line in enumerate(rest) if re.match(r"  \S", line)), len(rest))
        what = " ".join([found["what"], *(line.strip() for line in rest[:first])])
        ran = next((match for line in rest if (match := _RAN.match(line))), None)
        # What is said of a part may go on on the next line, indented like its statement.
        begins = next((i for i, line in enumerate(rest) if _STATEMENT.match(line)), first)
        body = [
            line for line in rest[begins:] if not re.match(r"  (?:expected|ran|of): ?|  of ", line)
        ]
        indent = min((len(line) - len(line.lstrip()) for line in body), default=0)
        parts.append(
            Sent(
                found["source"],
                what,
                int(ran["rows"].replace(",", "")) if ran else 0,
                (ran["size"] or "") if ran else "",
                float(ran["seconds"]) if ran and ran["seconds"] else None,
                "\n".join(line[indent:] for line in body),
            )
        )
    return parts
