"""Tables of far files that are read without what lies between the columns that a query reads.

The engine's reader reads such gaps, which a slow link pays for. Another one leaves them out, asks
more often, and does not know what the engine finds out as it runs: the bounds of a join's other
side, or of the first rows of a sort. Owns the choice, table by table, in seconds of the link.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import pyarrow as pa

from connectors.contract import ColumnStatistics
from connectors.far_reads import FarReads, Gaps
from planner.cost import Link
from planner.decompose import Cut
from planner.placing import Places
from planner.read_cost import LOOKED_UP, read_share
from planner.relations import (
    Aggregate,
    Call,
    Cross,
    Fetch,
    FieldRef,
    Filter,
    InKeys,
    Join,
    JoinKind,
    Project,
    Read,
    Relation,
    Sort,
    conjuncts,
    inputs_of,
    parts_of,
    references,
    subqueries_of,
)
from planner.rewrite import picked, with_reads

READS = 8
"""Requests that wait at once, about: two processors have so many (`execution.afar`)."""

CONNECTING_TRIPS = 3.0
"""Of TCP and TLS, once: connections are kept, but may be none at first."""

WORTH = 0.9
"""The part of the time that it may take at most: one reader for another is no gain by itself."""

TEXT_SECONDS = 5e-8
"""More than the engine's reader takes for a text that has a number in a file: it comes as a view
there. Two columns of 6 M rows took a second more of the processors."""

MOSTLY = 0.5
"""Where less of a table is read by its bounds, the engine's reader reads it: it looks at pages."""

_Path: TypeAlias = tuple[str, ...]
_Paths: TypeAlias = frozenset[_Path]


def gaps_left_out(cut: Cut, places: Places) -> Mapping[_Path, Gaps]:
    """The tables of a cut that are read without gaps, by their full names."""
    fragments = {fragment.name: fragment.relation for fragment in cut.fragments}

    def whole(read: Read) -> Relation:
        fragment = fragments.get(read.path[0]) if len(read.path) == 1 else None
        return read if fragment is None else picked(fragment, read.columns)

    trees = [*(stage.relation for stage in cut.stages), cut.residual]
    far = _Walk(places)
    for tree in trees:
        far.note(tree)
    if not far.columns:
        return {}
    for tree in trees:
        far.walk(with_reads(tree, whole))
    found = {}
    for path, read in far.reads.items():
        if path in far.looked_up:
            continue
        source = places.source(read)
        assert isinstance(source.connector, FarReads)
        table = places.table(read)
        columns = tuple(far.columns[path])
        gaps = source.connector.gaps(table.name, columns)
        texts = [name for name in columns if pa.types.is_string(table.schema.field(name).type)]
        work_seconds = TEXT_SECONDS * len(texts) * (places.estimate(read).rows or 0.0)
        if gaps is not None and is_worth_it(gaps, source.link, work_seconds):
            found[path] = gaps
    return found


def is_worth_it(gaps: Gaps, link: Link, work_seconds: float = 0.0) -> bool:
    """Whether it takes clearly less time to leave gaps out than to read them.

    Args:
        work_seconds: of the processors, that it takes more.

    >>> gaps = Gaps(68_700_000, 53, 20_700_000, 106, 1)
    >>> [is_worth_it(gaps, Link.of(*known)) for known in ((20, 100), (20, 1000), (200, 1000))]
    [True, True, False]
    """
    read = _seconds(gaps.read_bytes, gaps.read_requests, link)
    left = _seconds(gaps.left_bytes, gaps.left_requests, link)
    # Each partition opens what it reads, and asks then how long it is.
    opening_trips = CONNECTING_TRIPS + max(gaps.files, READS) / READS
    return left + opening_trips * link.rtt_seconds + work_seconds < WORTH * read


def _seconds(size_bytes: float, requests: float, link: Link) -> float:
    return size_bytes / link.bytes_per_second + requests / READS * link.rtt_seconds


class _Walk:
    """Walks over the trees of a cut.

    Attributes:
        reads: of tables that may be read without gaps, one of each.
        columns: that are read of them, by the tables' full names, in order.
        looked_up: those of which the engine may read a part only, by what it knows as it runs.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        self.reads: dict[_Path, Read] = {}
        self.columns: dict[_Path, dict[str, None]] = {}
        self.looked_up: set[_Path] = set()

    def note(self, relation: Relation) -> None:
        """Which far tables a tree reads."""
        if isinstance(relation, Read):
            if self._is_far(relation):
                self.reads.setdefault(relation.path, relation)
                known = self.columns.setdefault(relation.path, {})
                known |= dict.fromkeys(field.name for field in relation.fields)
            return
        for source in parts_of(relation):
            self.note(source)

    def _is_far(self, read: Read) -> bool:
        if len(read.path) == 1:
            return False
        connector = self._places.source(read).connector
        own = connector.capabilities
        return own.native and not own.local and isinstance(connector, FarReads)

    def walk(self, relation: Relation) -> _Paths:
        """The noted tables that a tree has rows of."""
        for query in subqueries_of(relation):
            self.walk(query)
        match relation:
            case Read(path=path):
                return frozenset((path,)) if path in self.reads else frozenset()
            case Join() | Cross():
                return self._joined(relation)
        below = frozenset(p for source in inputs_of(relation) for p in self.walk(source))
        match relation:
            case Filter():
                self._filtered(relation, below)
            case Fetch():
                self._first(relation.input, below)
            case Aggregate(groups=(), measures=measures):
                arguments = (
                    a for m in measures if m.function in ("min", "max") for a in m.arguments
                )
                if any(True for _ in arguments):
                    self.looked_up |= below
        return below

    def _first(self, relation: Relation, below: _Paths) -> None:
        """The first rows: by a column whose values may lie together, or any."""
        while isinstance(relation, Project):
            relation = relation.input
        if not isinstance(relation, Sort):
            self.looked_up |= below
            return
        for key in relation.keys:
            for index in references(key.expression) or ():
                column = self._places.bounds(relation.input, index)
                path = _table_of(relation.input, index)
                if _may_be_found(column) and (path is None or path in below):
                    self.looked_up |= below

    def _filtered(self, relation: Filter, below: _Paths) -> None:
        for part in conjuncts(relation.condition):
            for index in references(part) or ():
                column = self._places.bounds(relation.input, index)
                count = part.count if isinstance(part, InKeys) else 1
                if read_share(column, None, count, LOOKED_UP) < MOSTLY:
                    self.looked_up |= below

    def _joined(self, relation: Join | Cross) -> _Paths:
        left, right = relation.left, relation.right
        of_left, of_right = self.walk(left), self.walk(right)
        if not of_left and not of_right:
            return frozenset()
        rows = [self._places.estimate(side).rows for side in (left, right)]
        if None in rows:  # Then the engine chooses sides, by what it knows of files.
            self.looked_up |= of_left | of_right
        elif isinstance(relation, Join):
            width = len(left.fields)
            for part in conjuncts(relation.condition):
                match part:
                    case Call("equal", (FieldRef(index=one), FieldRef(index=other))):
                        one, other = min(one, other), max(one, other) - width
                        if one < width and other >= 0:
                            self._found_by(left, one, right, other, of_left)
                            self._found_by(right, other, left, one, of_right)
        return of_left | of_right

    def _found_by(
        self, table: Relation, index: int, keys: Relation, key: int, below: _Paths
    ) -> None:
        """The rows of one side of a join, by the other's keys."""
        rows = self._places.estimate(keys).rows
        column, known = self._places.bounds(table, index), self._places.bounds(keys, key)
        few = rows is not None and rows <= LOOKED_UP and _may_be_found(column)
        if rows is None or few or read_share(column, known, rows, LOOKED_UP) < MOSTLY:
            self.looked_up |= below


def _table_of(relation: Relation, index: int) -> _Path | None:
    """The table that a field is a column of; None where that is not plain to see."""
    match relation:
        case Read(path=path):
            return path
        case Filter() | Sort() | Fetch():
            return _table_of(relation.input, index)
        case Project(expressions=made) | Aggregate(groups=made) if index < len(made):
            own = made[index]
            return _table_of(relation.input, own.index) if isinstance(own, FieldRef) else None
        case Join(kind=JoinKind.INNER, left=left, right=right):
            width = len(left.fields)
            right_side = index >= width
            return _table_of(right if right_side else left, index - width * right_side)
    return None


def _may_be_found(column: ColumnStatistics | None) -> bool:
    """Whether one value of a column may be in few parts of its table: what is computed is in none,
    and of some types it is not known."""
    if column is None or column.minimum is None:
        return False
    return column.spread is None or column.spread < MOSTLY
