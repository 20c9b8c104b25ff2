"""What a statement is that reads a table or a part of it: its text, and how its rows come.

Owns in which ways a table can be read, and which of them is taken. Must not know connections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pyarrow as pa

from connectors.adbc.postgres.gathering import Gathering, gathered
from connectors.adbc.postgres.packing import Packing, packed
from connectors.adbc.postgres.ranges import (
    Extent,
    between,
    bounds,
    cut_off,
    in_ranges,
    listed,
)
from connectors.contract import Few

SMALL_BYTES = 256 << 10
"""A table on so few pages is asked for as few rows, whatever is expected of it: they come at once
by COPY too, two round trips later."""

_FEWEST_ROWS, _TIMES = 1_000, 2
"""So many rows it is asked for, and so many times what the server knew of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement.

    Attributes:
        text: what is sent.
        packing: how its rows are packed, if they are.
        instead: reads the same, where this one turns out to have no row; None where it is one like
            any.
        beyond: reads what is behind it, where this one says that there is something.
        again: reads some of its pages, from one up to another, whose rows could not be told apart.
        at_length: the same for pages that have an integer that was to be short and is not.
    """

    text: str
    packing: Packing | Gathering | None = None
    instead: Piece | None = None
    beyond: Piece | None = None
    again: Callable[[int, int], Piece] | None = field(default=None, compare=False)
    at_length: Callable[[int, int], Piece] | None = field(default=None, compare=False)

    def where(self, steady: bool) -> Piece:
        """What reads all of it: where statements do not see one moment, a single one."""
        return self if steady or self.instead is None else self.instead


@dataclass(frozen=True, slots=True)
class Pieces:
    """A whole table.

    Attributes:
        text: the statement that reads it.
        extent: of the table.
        packing: how its rows are packed one by one, if they are.
        gathering: how they are gathered, if they are.
        long: the same where integers are not to come short; None where they would not anyway.
        has_long: whether there was one that is not short; asked for each piece.
        note_long: called when there is.
    """

    text: str
    extent: Extent
    packing: Packing | None
    gathering: Gathering | None
    long: Gathering | None = None
    has_long: Callable[[], bool] = bool
    note_long: Callable[[], None] = lambda: None

    @property
    def whole(self) -> Piece:
        """All of it at once."""
        if self.packing is None:
            row_by_row = Piece(self.text)
        else:
            row_by_row = Piece(self.packing.select.sql("postgres"), self.packing)
        return self._gathered(row_by_row, 0, None)

    def parts(self) -> Iterator[Piece] | None:
        """Its ranges of pages, which can be read at the same time; None where it has none."""
        ranges = in_ranges(self.text if self.packing is None else self.packing.select, self.extent)
        if ranges is None:
            return None
        return (
            self._gathered(Piece(text, self.packing), *bounds(self.extent, number))
            for number, text in enumerate(ranges)
        )

    def _gathered(self, row_by_row: Piece, first: int, end: int | None) -> Piece:
        gathering = self.gathering
        if gathering is None:
            return row_by_row
        if self.long is not None and self.has_long():
            gathering = self.long
        beyond = None
        if end is None:
            select = listed(self.text) if self.packing is None else self.packing.select
            assert select is not None
            beyond = Piece(between(select, self.extent.pages, None), self.packing)
        text = gathering.statement(first, end)
        return Piece(text, gathering, row_by_row, beyond, self._carefully, self._at_length)

    def _carefully(self, first: int, end: int) -> Piece:
        """Where texts need their lengths; no integer comes short either, so that it is the last."""
        gathering = self.gathering
        assert gathering is not None
        careful = gathered(self.text, gathering.schema, self.extent, carefully=True)
        return self._pages(careful, first, end)

    def _at_length(self, first: int, end: int) -> Piece:
        """Where an integer is long: one is enough for the rest of the table, and for later."""
        self.note_long()
        return replace(self._pages(self.long, first, end), again=self._carefully)

    def _pages(self, gathering: Gathering | None, first: int, end: int) -> Piece:
        select = listed(self.text) if self.packing is None else self.packing.select
        assert select is not None
        row_by_row = Piece(between(select, first, end), self.packing)
        if gathering is None:
            return row_by_row
        return Piece(gathering.statement(first, end), gathering, row_by_row)


def pieces_of(
    text: str,
    schema: pa.Schema,
    extent: Extent,
    short: tuple[int, ...] = (),
    has_long: Callable[[], bool] = bool,
    note_long: Callable[[], None] = lambda: None,
) -> Pieces:
    """How a table is read.

    Args:
        text: the statement that reads it whole.
        schema: of its fragment.
        extent: of the table.
        short: see `Fragment.short`.
        has_long, note_long: see `Pieces`.
    """
    packing, long = packed(text, schema, extent), gathered(text, schema, extent)
    if not short:
        return Pieces(text, extent, packing, long)
    gathering = gathered(text, schema, extent, short)
    return Pieces(text, extent, packing, gathering, long, has_long, note_long)


def few_of(text: str, extent: Extent) -> Few | None:
    """How a small table is asked for as few rows; None for one that may be large.

    That is also one that has long values, or is of unknown size. What it has grown by since its
    pages were counted may be too much, and is then read as ever.

    Args:
        text: the statement, of which each row of the table gives one row at most.
        extent: of the table.

    >>> small = Extent(20, 8192, rows=900.0, long_values=0)
    >>> few_of('SELECT t1."a" AS "a" FROM "t" AS t1', small)
    Few(text='SELECT t1."a" AS "a" FROM "t" AS t1 LIMIT 1801', rows=1800)
    """
    if extent.long_values is None or not 0 < extent.size_bytes <= SMALL_BYTES:
        return None
    rows = max(_FEWEST_ROWS, int(_TIMES * extent.rows))
    select = cut_off(text, rows + 1)
    return None if select is None else Few(select, rows)
