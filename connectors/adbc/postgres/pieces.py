"""What a statement is that reads a table or a part of it: its text, and how its rows come.

Owns in which ways a table can be read, and which of them is taken. Must not know connections.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from connectors.adbc.postgres.gathering import Gathering, gathered
from connectors.adbc.postgres.packing import Packing, packed
from connectors.adbc.postgres.ranges import Extent, between, bounds, in_ranges, listed


@dataclass(frozen=True, slots=True)
class Piece:
    """One statement.

    Attributes:
        text: what is sent.
        packing: how its rows are packed, if they are.
        instead: reads the same, where this one turns out to have no row; None where it is one like
            any.
        beyond: reads what is behind it, where this one says that there is something.
    """

    text: str
    packing: Packing | Gathering | None = None
    instead: Piece | None = None
    beyond: Piece | None = None

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
    """

    text: str
    extent: Extent
    packing: Packing | None
    gathering: Gathering | None

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
        if self.gathering is None:
            return row_by_row
        beyond = None
        if end is None:
            select = listed(self.text) if self.packing is None else self.packing.select
            assert select is not None
            beyond = Piece(between(select, self.extent.pages, None), self.packing)
        text = self.gathering.statement(first, end)
        return Piece(text, self.gathering, row_by_row, beyond)


def pieces_of(text: str, schema: pa.Schema, extent: Extent) -> Pieces:
    """How a table is read.

    Args:
        text: the statement that reads it whole.
        schema: of its fragment.
        extent: of the table.
    """
    return Pieces(text, extent, packed(text, schema, extent), gathered(text, schema, extent))
