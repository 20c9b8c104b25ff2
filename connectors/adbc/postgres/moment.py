"""What one query runs at a server, where all of it sees one moment.

Owns which fragments need a snapshot for that, and which tables are read over several connections.
Must not know how either is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from connectors.adbc.postgres.pieces import Piece, few_of, pieces_of
from connectors.adbc.postgres.pool import Pool, Sessions
from connectors.adbc.postgres.ranges import Extent
from connectors.adbc.postgres.reader import QueryBatches
from connectors.adbc.postgres.scan import ScanBatches
from connectors.adbc.postgres.snapshot import Snapshot
from connectors.contract import Batches, Fragment, SqlQuery, TableName, Turns
from connectors.errors import UnsupportedError

Statements = Callable[[bool], Iterable[Piece]]
"""See `QueryBatches`."""


class Read(Protocol):
    """From sessions, what they are for, its deadline and statements to batches."""

    def __call__(
        self,
        sessions: Sessions,
        fragment: Fragment,
        deadline: float | None,
        statements: Statements,
        few: int | None = None,
    ) -> QueryBatches: ...


def statement_of(fragment: Fragment, source: str) -> SqlQuery:
    """The one SELECT of a fragment.

    Raises:
        UnsupportedError: for a table scan: this source is sent SQL.
    """
    if not isinstance(fragment.query, SqlQuery):
        raise UnsupportedError(f"source {source!r} runs SQL, not table scans")
    return fragment.query


class PostgresMoment:
    """See `connectors.contract.Moment`.

    A fragment that is alone is one statement, which sees one moment by itself: it costs nothing
    more.

    Args:
        pool: where connections come from.
        read: see `Read`.
        extent: how large a table is that may be read in pieces; None for others. Does no I/O.
        fragments, at_once, spare: see `connectors.contract.Steady.moment`.
        most: how many connections one scan has, at most.
        long: tables that turned out to have longer integers than their statistics say; added to.
    """

    def __init__(
        self,
        pool: Pool,
        read: Read,
        extent: Callable[[TableName], Extent | None],
        fragments: int | None,
        at_once: int,
        spare: Turns,
        most: int,
        long: set[TableName],
    ) -> None:
        self._pool = pool
        self._long = long
        self._read = read
        self._extent = extent
        self._spare = spare
        self._single = fragments == 1
        # Where nobody knows how many come, one follows the other on one connection.
        self._most = 1 if fragments is None else most
        self._snapshot = Snapshot(pool, fragments, max(at_once, self._most if self._single else 1))

    def execute(self, fragment: Fragment, deadline: float | None) -> Batches:
        """See `connectors.contract.Moment`; `fragment` is one SELECT."""
        query = statement_of(fragment, self._pool.source)
        whole, parts, few = Piece(query.text), None, query.few
        if query.flows is not None and (few is None or not few.sized):
            flows = self._extent(query.flows)
            if few is None:
                few = None if flows is None else few_of(query.text, flows)
            elif flows is None or flows.long_values is None:
                few = None  # Its rows may be of any width, and would be held in memory.
        extent = None if query.whole is None else self._extent(query.whole)
        if extent is not None:
            table = query.whole
            assert table is not None
            pieces = pieces_of(
                query.text,
                fragment.schema,
                extent,
                fragment.short,
                lambda: table in self._long,
                lambda: self._long.add(table),
            )
            whole = pieces.whole
            if extent.pieces > 1 and self._most > 1:
                parts = pieces.parts()
        alone = partial(self._read, self._sessions_of(whole), fragment, deadline)
        if parts is None:
            if few is None or whole.packing is not None:
                return alone(lambda steady: [whole.where(steady)])
            return alone(lambda _: [Piece(few.text), whole], few=few.rows)
        most = self._most if extent is None else min(self._most, extent.pieces)
        together = partial(self._read, self._snapshot, fragment, deadline)
        return ScanBatches(whole, parts, alone, together, self._snapshot, self._spare, most)

    def _sessions_of(self, whole: Piece) -> Sessions:
        if not self._single:
            return self._snapshot
        # By itself one statement sees one moment; another that may follow it must see the same.
        return self._pool if whole.beyond is None else Snapshot(self._pool, 1, 1)

    def close(self) -> None:
        """See `connectors.contract.Moment`."""
        self._snapshot.close()
