"""A whole table in pieces: the statement that reads it, once for each range of its pages.

Owns which statements can be taken apart, and where. Must not know connections.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sqlglot
import sqlglot.expressions as exp
from sqlglot.errors import SqlglotError

RANGE_BYTES = 32 << 20
"""What one piece is: a fraction of a second where the network is fast, and seconds where it is not;
one that wants a connection does not wait for longer."""

HALVES_BYTES = 4 << 20
"""A smaller table than two such ranges is read in two halves, if it is as large as that: the second
connection costs a few round trips."""

_APART = frozenset({"expressions", "from_", "where", "kind", "hint"})
"""The parts that the SELECT of a whole table, or of many of its rows, may have."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a table is that can be read in pieces, as the server noted it last.

    Attributes:
        narrow: the names of columns whose values are short.
        rows: how many there are; 0 where that is not known.
        own: the names of columns whose type is one of PostgreSQL's own, and no domain.
        long_values: the id of the table that has its long values, 0 for none; None where it is not
            to be asked: its rows cannot be read by columns.
        short: the names of columns whose values are never compressed to any effect.
    """

    pages: int
    page_bytes: int
    narrow: frozenset[str] = frozenset()
    rows: float = 0.0
    own: frozenset[str] = frozenset()
    long_values: int | None = None
    short: frozenset[str] = frozenset()

    @property
    def size_bytes(self) -> int:
        """The pages together."""
        return self.pages * self.page_bytes

    @property
    def pieces(self) -> int:
        """How many ranges of pages it has; 1 is a table that is not worth it."""
        fewest = 2 if self.size_bytes >= HALVES_BYTES and self.pages > 1 else 1
        return max(fewest, self.size_bytes // RANGE_BYTES)

    @property
    def piece_pages(self) -> int:
        """How many pages a range has; the last one may have more."""
        return max(1, min(RANGE_BYTES // self.page_bytes, -(-self.pages // self.pieces)))


def in_ranges(statement: str | exp.Select, extent: Extent) -> Iterator[str] | None:
    """One statement for each range of pages; None for a statement that is not taken apart.

    The last range has no end: under one snapshot it holds what was added since the table's size was
    noted.

    Args:
        statement: as text, or what was made of it by `with_list`.

    >>> list(in_ranges('SELECT t1."a" AS "a" FROM "s"."t" AS t1', Extent(8193, 8192)))[1]
    'SELECT t1."a" AS "a" FROM "s"."t" AS t1 WHERE ctid >= CAST(\\'(4096,0)\\' AS tid)'
    """
    select = listed(statement) if isinstance(statement, str) else statement
    return None if select is None else _ranges(select, extent)


def select_of(text: str) -> exp.Select | None:
    """The tree of a statement that reads a table, by its conditions if it has any; None for any
    other."""
    try:
        select = sqlglot.parse_one(text, read="postgres")
    except SqlglotError:
        return None
    if not isinstance(select, exp.Select):
        return None
    plain = all(name in _APART or not part for name, part in select.args.items())
    single = len(list(select.find_all(exp.Select))) == len(list(select.find_all(exp.Table))) == 1
    # What is written again must be what was proven.
    return select if plain and single and select.sql("postgres") == text else None


def with_list(select: exp.Select, columns: Sequence[exp.Expr]) -> exp.Select:
    """The statement with these columns. They are written once: a thousand take a tenth of a second,
    and each piece of the table would write them again."""
    written = ", ".join(column.sql("postgres") for column in columns)
    kept = {name: part for name, part in select.args.items() if part and name != "expressions"}
    return exp.Select(expressions=[exp.Var(this=written)], **kept)


@lru_cache(maxsize=64)
def listed(text: str) -> exp.Select | None:
    """The tree of a statement that reads a table, its columns written; None for any other."""
    select = select_of(text)
    # A table may have no column at all.
    return with_list(select, select.expressions) if select and select.expressions else select


@lru_cache(maxsize=64)
def cut_off(text: str, rows: int) -> str | None:
    """A statement of which so many rows come at most; None for one that says how many itself, or
    is not written back word for word."""
    try:
        select = sqlglot.parse_one(text, read="postgres")
    except SqlglotError:
        return None
    plain = isinstance(select, exp.Select) and not select.args.get("limit")
    if not plain or select.sql("postgres") != text:
        return None
    select.set("limit", exp.Limit(expression=exp.Literal.number(rows)))
    return select.sql("postgres")


def bounds(extent: Extent, number: int) -> tuple[int, int | None]:
    """The first page of a piece, and the one behind its last; None where it has no end.

    >>> bounds(Extent(8193, 8192), 0), bounds(Extent(8193, 8192), 1)
    ((0, 4096), (4096, None))
    >>> bounds(Extent(735, 8192), 0), bounds(Extent(735, 8192), 1), Extent(99, 8192).pieces
    ((0, 368), (368, None), 1)
    """
    pages = extent.piece_pages
    return number * pages, (number + 1) * pages if number < extent.pieces - 1 else None


def between(select: exp.Select, first: int, end: int | None) -> str:
    """The statement for the pages from one up to another; None for all that follow."""
    conditions = []
    if first:
        conditions.append(_ctid(exp.GTE, first))
    if end is not None:
        conditions.append(_ctid(exp.LT, end))
    piece = select.copy()
    if conditions:
        piece.where(*conditions, copy=False)
    return piece.sql("postgres")


def _ranges(select: exp.Select, extent: Extent) -> Iterator[str]:
    for number in range(extent.pieces):
        yield between(select, *bounds(extent, number))


def _ctid(comparison: type[exp.Binary], page: int) -> exp.Expr:
    place = exp.cast(exp.Literal.string(f"({page},0)"), exp.DataType.build("tid", udt=True))
    return comparison(this=exp.column("ctid"), expression=place)
