"""Where the relations of a statement can run: the place of a table, and why an operator may not go.

Owns the answers to "who runs this?", each found once for a statement, under its pushdown option.
Cuts nothing, and knows no SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from types import MappingProxyType

import pyarrow as pa

from connectors.contract import (
    SHORT_BYTES,
    ColumnStatistics,
    Compression,
    Framing,
    Statistics,
    Table,
)
from planner.asked import asking
from planner.bind import Bound
from planner.catalog import CatalogTable, Source
from planner.compression import compression_over, link_of_rows
from planner.cost import Cost, Link, transfer_cost
from planner.emit.dialect import Dialect
from planner.emit.dialects import dialect_named
from planner.emit.expressions import refusal_of
from planner.emit.few import most_rows
from planner.emit.scan import scan_refusal
from planner.estimate import Estimator
from planner.followed import tables_of
from planner.options import PlanningOptions, Pushdown
from planner.plan import Estimate
from planner.read_through import is_picked, read_through, short_among
from planner.relations import (
    Aggregate,
    Cross,
    Expression,
    FieldRef,
    Filter,
    Join,
    Project,
    Read,
    Relation,
    conjuncts,
    inputs_of,
    kind_of,
    subqueries_of,
)
from planner.seen import SeenRows
from planner.sized import fixed_bytes, grown


@dataclass(frozen=True)
class Place:
    """Where a subtree can run: sources of one identity, asked for the same, are one place.

    Attributes:
        pace: how many times what the constants say it takes for its work; see `SeenWork`.
    """

    source: Source
    dialect: Dialect | None
    pushdown: Pushdown = "proven"
    pace: float = 1.0

    @cached_property
    def key(self) -> tuple[str, Pushdown]:
        """What tells it from others; a connector may have to compute its identity."""
        return self.source.connector.identity, self.pushdown

    @cached_property
    def compression(self) -> Compression | None:
        """How the rows of its fragments are sent."""
        return compression_over(self.source.link, self.source.connector.capabilities.compressions)

    @cached_property
    def link(self) -> Link:
        """The link as its rows see it, compressed or not."""
        return link_of_rows(self.source.link, self.compression)

    def round_trips(self, expected: Estimate) -> float:
        """How many a fragment takes of which so much is expected."""
        own = self.source.connector.capabilities.round_trips
        return own.few if own.few is not None and self._answers_few(expected) else own.rows

    def texts(self, expected: Estimate) -> float:
        """How often the statement of such a fragment crosses the link."""
        own = self.source.connector.capabilities.round_trips
        return 1.0 if own.few is not None and self._answers_few(expected) else own.texts

    def _answers_few(self, expected: Estimate) -> bool:
        asked_for_few = self.dialect is not None and self.dialect.few
        return asked_for_few and most_rows(expected) is not None

    @property
    def moment_seconds(self) -> float:
        """How long it takes more until several fragments of a query see one moment."""
        return self.source.connector.capabilities.round_trips.moment * self.source.link.rtt_seconds


_NOTHING: Mapping[tuple[str, ...], Statistics] = MappingProxyType({})
_BARE = Framing()


class Places:
    """The places of one statement's relations.

    Args:
        bound: the statement's tables.
        options: its pushdown; sources have their own where it says nothing.
        seen: the rows of what ran before.
        known: of tables, by their full names, where it is not what their sources know.

    Attributes:
        ordered: what `planner.ordered_there` found, by identity, with what it was found for.
    """

    def __init__(
        self,
        bound: Bound,
        options: PlanningOptions | None = None,
        seen: SeenRows | None = None,
        known: Mapping[tuple[str, ...], Statistics] = _NOTHING,
    ) -> None:
        self._tables: dict[tuple[str, ...], CatalogTable] = {
            table.path: table for table in (*bound.tables.values(), *bound.copies.values())
        }
        self._bound, self._seen, self._known = bound, seen, known
        options = self._options = options or PlanningOptions()
        self._pushdown = options.pushdown
        self.reductions = options.reductions
        self.cuts = options.cuts
        self.plain = options.caution is not None and options.caution.plain
        self._apart = () if options.caution is None else tuple(options.caution.apart)
        self._of_source: dict[str, Place | None] = {}
        self._sent: dict[tuple[str, ...], Place] = {}
        # Answers by identity, with the objects that these identities belong to.
        self._refusals: dict[tuple[int, int, str], tuple[object, str | None]] = {}
        self._whole: dict[int, tuple[Relation, Place | None]] = {}
        self.ordered: dict[int, tuple[Relation, Relation]] = {}
        doubted = frozenset() if options.caution is None else options.caution.doubted
        self._estimate = Estimator(self._by_now, seen, doubted=doubted)
        self._told = Estimator(self._statistics, stages=self._estimate.stages)

    def under(self, options: PlanningOptions) -> Places:
        """The same statement's, with other options."""
        return Places(self._bound, options, self._seen, self._known)

    def unseen(self) -> Places:
        """The same statement's, by what its sources know alone."""
        return Places(self._bound, self._options, None, self._known)

    def again(self) -> Places:
        """The same statement's, without what was added to them."""
        return self.under(self._options)

    def of(self, read: Read) -> Place | None:
        """The place of a table, or that a stage's rows are sent to; None where the engine reads it
        itself."""
        if len(read.path) == 1:
            return self._sent.get(read.path)
        source = self._tables[read.path].source
        if source.name not in self._of_source:
            self._of_source[source.name] = self._place(source)
        return self._of_source[source.name]

    def source(self, read: Read) -> Source:
        """The source of a table."""
        return self._tables[read.path].source

    def table(self, read: Read) -> Table:
        """A table, as its source has it."""
        return self._tables[read.path].table

    def required(self, source: str) -> bool:
        """Whether all that a source's tables are asked for must run there."""
        found = next(t.source for t in self._tables.values() if t.source.name == source)
        return (self._pushdown or found.pushdown) == "required"

    def estimate(self, relation: Relation) -> Estimate:
        """Rows and bytes that a relation's result is expected to have."""
        return self._estimate(relation)

    def are_the_rows_of(self, relation: Relation, other: Relation) -> None:
        """What is estimated of one relation holds for another, that has its rows in another way."""
        self._estimate.are_the_rows_of(relation, other)

    def is_doubted(self, relation: Relation) -> bool:
        """Whether it is not relied upon to leave out rows; see `planner.options.Caution`."""
        return self._estimate.is_doubted(relation)

    def told(self, relation: Relation) -> Estimate:
        """The same, whatever was seen of it: by what sources know alone."""
        return self._told(relation)

    def kept(self, table: Read, condition: Expression) -> float:
        """The part of a table's rows that a condition keeps, 0 to 1, whatever was seen of them."""
        return self._told.kept(table, condition)

    def sent(self, relation: Relation, place: Place) -> Estimate:
        """The same as it crosses the link of the place that runs it, before it is compressed."""
        expected = self._over(relation, place)
        framing = place.source.connector.capabilities.framing
        if expected.rows is None or expected.size_bytes is None or framing == _BARE:
            return expected
        of_a_row = self._framing_bytes(relation, place)
        short = self.short(relation, place)
        if short and self._is_large(relation, framing):
            of_a_row -= SHORT_BYTES * len(short)
        size_bytes = max(expected.rows, expected.size_bytes + of_a_row * expected.rows)
        return replace(expected, size_bytes=size_bytes)

    def beside_bytes(self, relation: Relation, place: Place) -> float:
        """What crosses the link for each row besides its bytes in Arrow's form."""
        if place.source.connector.capabilities.framing == _BARE:
            return 0.0
        values = (
            self.width_bytes(relation, index) - fixed
            for index, field in enumerate(relation.fields)
            if (fixed := fixed_bytes(field.type)) is not None
        )
        return sum(values) + self._framing_bytes(relation, place)

    def _framing_bytes(self, relation: Relation, place: Place) -> float:
        """What crosses the link with the values of each row."""
        framing = place.source.connector.capabilities.framing
        if self.read_through(relation) is None:
            return framing.row_bytes
        if is_picked(relation) and not self._is_large(relation, framing):
            return framing.row_bytes
        own = [field for field in relation.fields if not pa.types.is_string(field.type)]
        return framing.whole_value_bytes * len(own)

    def _is_large(self, relation: Relation, framing: Framing) -> bool:
        """Whether a table that is read through comes by columns, by what is known of its size."""
        table = self.read_through(relation)
        size_bytes = None if table is None else self._statistics(table.path).size_bytes
        return size_bytes is None or size_bytes >= framing.whole_from_bytes

    def _over(self, relation: Relation, place: Place) -> Estimate:
        """What is expected, and over how many connections it comes, where that matters."""
        expected = self._estimate(relation)
        parallel = place.source.connector.capabilities.parallel
        if place.link.connection_bytes_per_second is None or parallel.connections == 1:
            return expected
        table = self.read_through(relation)
        size_bytes = None if table is None else self._statistics(table.path).size_bytes
        if size_bytes is None:
            return expected
        pieces = int(size_bytes / parallel.piece_bytes)
        return replace(expected, connections=max(1, min(parallel.connections, pieces)))

    def read_through(self, relation: Relation) -> Read | None:
        """The table that a fragment reads from its first page to its last; see `SqlQuery.whole`."""
        return read_through(relation, self._estimate)

    def short(self, relation: Relation, place: Place) -> tuple[int, ...]:
        """The positions of long integers that come as short ones; see `Fragment.short`."""
        framing = place.source.connector.capabilities.framing
        if not framing.short or self.read_through(relation) is None:
            return ()
        return short_among(relation, self.bounds, place.link)

    def brought(self, read: Read) -> Estimate:
        """What reading a table of files whole brings over its link: bytes as its files have them,
        where they say so."""
        columns = self._statistics(read.path).columns
        stored = [columns[f.name].stored_bytes for f in read.fields if f.name in columns]
        known = [size for size in stored if size is not None]
        expected = self._estimate(read)
        if expected.rows is None or len(known) < len(read.fields):
            return expected
        return Estimate(expected.rows, expected.rows * sum(known))

    def distinct(self, relation: Relation, index: int) -> float | None:
        """How many values a field has, at most; None where not even the rows are known."""
        return self._estimate.distinct(relation, index)

    def width_bytes(self, relation: Relation, index: int) -> float:
        """How wide a field's value is as it travels."""
        return self._estimate.width_bytes(relation, index)

    def bounds(self, relation: Relation, index: int) -> ColumnStatistics | None:
        """What is known of the table's column that a field is."""
        return self._estimate.bounds(relation, index)

    def has_outgrown(self, relation: Relation) -> bool:
        """Whether its rows, which several were to read, were once more than may wait."""
        return self._seen is not None and self._seen.has_outgrown(relation)

    def has_worked(self, shape: Callable[[], bytes | None]) -> bool:
        """Whether a source was seen to work on a fragment of a shape, which is asked for only where
        any was."""
        return self._seen is not None and self._seen.work.has(shape)

    def work_seconds(self, shape: bytes | None, guess_seconds: float) -> float | None:
        """What a fragment took its source, where one of its shape was seen."""
        if self._seen is None:
            return None
        return self._seen.work.expected_seconds(shape, guess_seconds)

    def add_stage(
        self, path: tuple[str, ...], relation: Relation, shape: bytes | None = None
    ) -> None:
        """Reads of a path are of this relation's rows, which are here.

        Args:
            shape: of the relation as it was before keys, if its rows are remembered by that.
        """
        self._estimate.stages[path] = relation
        if shape is not None:
            self._estimate.stage_shapes[path] = shape

    def send(self, path: tuple[str, ...], place: Place) -> None:
        """Reads of a stage are of rows that this place is sent."""
        self._sent[path] = place

    def was_refused(self, relation: Relation) -> bool:
        """Whether its rows, which were to be sent to a place, once were too many or had no form."""
        return self._seen is not None and self._seen.was_refused(relation)

    def groups(self, relation: Aggregate) -> float | None:
        """How many groups an aggregate makes, at most; None when that is not known."""
        return self._estimate.groups(relation)

    def refusal(self, relation: Relation, place: Place) -> str | None:
        """Why a place does not run a relation, taken without its inputs; None when it does."""
        if not isinstance(relation, Filter):
            return self._refusal(relation, place)
        return next(
            (
                r
                for p in conjuncts(relation.condition)
                if (r := self.part_refusal(relation.input, p, place))
            ),
            None,
        )

    def part_refusal(self, source: Relation, part: Expression, place: Place) -> str | None:
        """Why a place does not filter a relation by one condition."""
        key = (id(source), id(part), place.source.name)
        known = self._refusals.get(key)
        if known is None:
            condition = Filter(source, part)
            known = self._refusals[key] = (condition, self._refusal(condition, place))
        return known[1]

    def whole(self, relation: Relation) -> Place | None:
        """The one place that runs all of a subtree, or None."""
        known = self._whole.get(id(relation))
        if known is None:
            known = self._whole[id(relation)] = (relation, self._runs_whole(relation))
        return known[1]

    def _runs_whole(self, relation: Relation) -> Place | None:
        if isinstance(relation, Read):
            return self.of(relation)
        below = chain(inputs_of(relation), subqueries_of(relation))
        place = common(self.whole(i) for i in below)
        return place if place is not None and self.refusal(relation, place) is None else None

    def _place(self, source: Source) -> Place | None:
        capabilities = source.connector.capabilities
        if capabilities.native:
            return None
        dialect = None if capabilities.dialect is None else dialect_named(capabilities.dialect)
        pace = 1.0 if self._seen is None else self._seen.work.pace(source.name)
        return Place(source, dialect, self._pushdown or source.pushdown, pace)

    def _refusal(self, relation: Relation, place: Place) -> str | None:
        if self.cuts == "open" and isinstance(relation, Join | Cross):
            return "joins are run here: cuts = open"
        if self._is_kept_apart(relation, place):
            return "joined there they had far more rows than expected"
        key = (id(relation), 0, place.source.name)
        known = self._refusals.get(key)
        if known is None:
            known = self._refusals[key] = (relation, _refusal(relation, place))
        return known[1]

    def _is_kept_apart(self, relation: Relation, place: Place) -> bool:
        if not self._apart or not isinstance(relation, Join | Cross):
            return False
        left, right = (frozenset(tables_of(i)) for i in inputs_of(relation))
        return any(
            source == place.source.name and left & tables and right & tables
            for source, tables in self._apart
        )

    def _statistics(self, path: tuple[str, ...]) -> Statistics:
        if path in self._known:
            return self._known[path]
        table = self._tables[path]
        with asking(table.source.name):
            return table.source.connector.statistics(table.table.name)

    def _by_now(self, path: tuple[str, ...]) -> Statistics:
        """What a source knows of a table, but of as many rows as were seen of it."""
        known = self._statistics(path)
        if self._seen is None or known.rows is None:
            return known
        rows = self._seen.of_table(path[0], ".".join(path[1:]), known.rows)
        return known if rows is None else grown(known, rows)


def moved(expected: Estimate, place: Place) -> Cost | None:
    """What it costs to move so much from a place; None where that is not known."""
    if expected.rows is None or expected.size_bytes is None:
        return None
    trips = place.round_trips(expected)
    return transfer_cost(
        expected.rows, expected.size_bytes, place.link, trips, expected.connections, place.pace
    )


def common(places: Iterable[Place | None]) -> Place | None:
    """The one place of all, when there is one."""
    found: Place | None = None
    for place in places:
        if place is None or (found is not None and place.key != found.key):
            return None
        found = found or place
    return found


def _refusal(relation: Relation, place: Place) -> str | None:
    capabilities = place.source.connector.capabilities
    if place.pushdown == "none" and not _only_reads(relation):
        return "pushdown is off for this source"
    if kind_of(relation) not in capabilities.relations:
        return f"the source does not run {kind_of(relation)}"
    if place.dialect is None:
        return scan_refusal(relation)
    unproven = place.pushdown == "all"
    return refusal_of(relation, place.dialect, capabilities.functions, unproven=unproven)


def _only_reads(relation: Relation) -> bool:
    if isinstance(relation, Project):
        return all(isinstance(e, FieldRef) for e in relation.expressions)
    return isinstance(relation, Read)
