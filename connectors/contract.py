"""The contract of a connector: six members, and the values that cross it.

Owns the vocabulary between planner, execution and sources. Must not know any connector, SQL
dialect or engine. A connector runs all of a fragment or refuses before any I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import pyarrow as pa

from connectors.network import SHORT_BYTES as SHORT_BYTES
from connectors.network import SHORT_ENDS as SHORT_ENDS
from connectors.network import Compression as Compression
from connectors.network import Framing as Framing
from connectors.network import Parallel as Parallel
from connectors.network import RoundTrips as RoundTrips

if TYPE_CHECKING:
    import datafusion
    import pyarrow.compute as pc


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table inside one source: its schema there, and its name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the engine sees it.

    Attributes:
        name: the name at the source, case kept.
        type: the Arrow type that every reader of this column gets; strings are plain `string`.
        nullable: False only where the source enforces it.
        native_type: the source's own name of the type (`numeric(15,2)`, `bpchar(3)`), which tells
            the emitter how to read the column so that it has `type`'s meaning.
        lost: what values of `native_type` have that those of `type` lack, as part of a sentence
            (`its members and their order`); empty when nothing is.
        traits: what else the emitter has to know of the column to read it, by names that the
            dialect and the connector share.
    """

    name: str
    type: pa.DataType
    nullable: bool = True
    native_type: str = ""
    lost: str = ""
    traits: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """A table-like thing of a source.

    Attributes:
        kind: a Flight SQL table type: TABLE, VIEW, …
        path: its name in the source's own SQL, the widest part first, where that is not its schema
            and name: of a source that has catalogs.
    """

    name: TableName
    columns: tuple[Column, ...]
    kind: str = "TABLE"
    path: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema, in column order."""
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in self.columns])


class Tables(Protocol):
    """The tables of a source, looked up on demand and cached by the connector.

    Raises:
        SourceError: from either method, when the source cannot be asked.
    """

    @property
    def default_schema(self) -> str:
        """The schema of names that give none. Needs no I/O."""
        ...

    def names(self) -> Sequence[TableName]:
        """Every table, sorted; names only."""
        ...

    def find(self, name: TableName) -> Table | None:
        """One table with its columns, or None."""
        ...

    def refresh(self) -> None:
        """Forget what was cached: the next look-up asks the source."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What is known of a column; None is unknown.

    Attributes:
        distinct: number of distinct values.
        null_fraction: 0.0 to 1.0.
        width_bytes: average width of a value as it travels.
        stored_bytes: average size of a value in files, compressed as it is there: what reading it
            brings over a link.
        minimum, maximum: bounds, as Python values of the column's type.
        spread: the part of the table that has to be looked at for one value, where its parts have
            bounds of their own: little of a column by which the table is sorted.
    """

    distinct: float | None = None
    null_fraction: float | None = None
    width_bytes: float | None = None
    stored_bytes: float | None = None
    minimum: object | None = None
    maximum: object | None = None
    spread: float | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is known of a table; None is unknown. `size_bytes` is its size as it travels."""

    rows: float | None = None
    size_bytes: float | None = None
    columns: Mapping[str, ColumnStatistics] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a source can run, as data, readable without connecting.

    Attributes:
        dialect: the planner's name of the SQL that the source speaks (`postgres`), or None when it
            only scans tables (projection, filter, limit).
        relations: relation kinds that it runs in one fragment; names as in `planner.relations`:
            read, filter, project, fetch, sort, aggregate, window, join, cross, union.
        functions: None for all that the dialect's table proves, or a subset of their names.
        max_connections: how many fragments it runs at once.
        native: the engine reads its tables itself (see `Native`).
        local: it is in this process or on this machine's disks: there is no network to it.
        compressions: how it can send a fragment's batches, None for as they are. Of several the
            planner takes one for each fragment, by the link.
        round_trips: that a fragment takes, for the planner to count.
        row_seconds: of its work for a row that an operator there makes, about; PostgreSQL counts
            6 M rows in 0.5 s.
        framing: of the rows that it sends.
        parallel: over how many connections a fragment comes; over one where it is no whole table.
    """

    dialect: str | None
    relations: frozenset[str]
    functions: frozenset[str] | None = None
    max_connections: int = 8
    native: bool = False
    local: bool = False
    compressions: tuple[Compression | None, ...] = (None,)
    round_trips: RoundTrips = field(default_factory=RoundTrips)
    row_seconds: float = 1e-7
    framing: Framing = field(default_factory=Framing)
    parallel: Parallel = field(default_factory=Parallel)


@dataclass(frozen=True, slots=True)
class Few:
    """A statement cut off after one row more than `rows`, which are more than are expected.

    Attributes:
        sized: it is known how wide these are. Else the source is asked only where they cannot be.
    """

    text: str
    rows: int
    sized: bool = True


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """A fragment as one statement in the source's dialect, made from a tree by `planner.emit`.

    Attributes:
        whole: the one table that it reads where each row of that, or each of many that are picked
            by comparisons, gives one row of the answer, in any order: nothing is grouped or
            limited. A source may read it in pieces.
        flows: the one table of which each row gives one row at most, as it is read. A source that
            knows it to be small may ask for few rows first, whatever is expected.
        few: the same for a source that answers few rows in fewer round trips, held in memory: it
            may run this first, and `text` where more rows come than that.
    """

    text: str
    whole: TableName | None = None
    few: Few | None = None
    flows: TableName | None = None


@dataclass(frozen=True, slots=True)
class TableScan:
    """A fragment as a scan of one table.

    Attributes:
        columns: names to return, in this order; may be empty (rows are counted).
        filter: rows to keep, or None.
        limit: at most so many rows, any of them, or None.
    """

    table: TableName
    columns: tuple[str, ...]
    filter: pc.Expression | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Fragment:
    """The part of a query that one source runs.

    Attributes:
        schema: the exact schema of its batches.
        compression: how they are sent: one of `Capabilities.compressions`.
        short: positions of long integers that fit 32 bits, as far as is known, where the link is
            slow. A source that would notice one that does not may send them so.
        tables: those that it reads, as they were when it was planned. A source whose answer does
            not tell that one of them has changed compares them.
    """

    query: SqlQuery | TableScan
    schema: pa.Schema
    compression: Compression | None = None
    short: tuple[int, ...] = ()
    tables: tuple[Table, ...] = ()


class Batches(Protocol):
    """A fragment on its way. One thread iterates, once; `cancel` and `close` may come from any."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Start the remote work and yield batches whose schema equals the fragment's.

        Every call that blocks (getting a connection, waiting for the first row) happens in here,
        and ends promptly after `cancel`.

        Raises:
            SourceError: naming the source; CancelledError after `cancel`.
        """
        ...

    def cancel(self) -> None:
        """Stop the remote work now; returns at once. A blocked reader wakes with CancelledError."""
        ...

    def close(self) -> None:
        """Free everything, the connection included; cancels what still runs. Idempotent."""
        ...


@runtime_checkable
class MayBeFew(Protocol):
    """Batches that say whether few rows are asked for first (`RoundTrips.few`), which their source
    may know better than `SqlQuery.few`."""

    few: bool


@runtime_checkable
class MayBeShort(Protocol):
    """Batches that say how many bytes fewer have crossed the network, so far, than their rows have,
    because integers came short (`Fragment.short`); negative where more have."""

    spared_bytes: int


@runtime_checkable
class Connector(Protocol):
    """A configured source. Constructing one does no I/O."""

    @property
    def capabilities(self) -> Capabilities:
        """Readable without connecting."""
        ...

    @property
    def identity(self) -> str:
        """Server + database + credentials, with no secret in it. Equal: may be joined there."""
        ...

    def tables(self) -> Tables:
        """The catalog of this source."""
        ...

    def statistics(self, table: TableName) -> Statistics:
        """What is known without reading the table; unknown is a value, not an error."""
        ...

    def execute(self, fragment: Fragment, deadline: float | None) -> Batches:
        """Accept a fragment. Returns at once, with no I/O: the work starts when it is iterated.

        Args:
            fragment: what `planner.emit` made for these capabilities.
            deadline: on the clock of `time.monotonic`, in seconds; None for none.

        Raises:
            UnsupportedError: for a fragment that this connector cannot run, before any I/O.
        """
        ...

    def close(self) -> None:
        """Free every connection. Idempotent."""
        ...


class Turns(Protocol):
    """Connections of a source that nobody uses now; what one query may have beyond its own."""

    def take(self) -> bool:
        """One more, if enough of them are free; never waits."""
        ...

    def give(self) -> None:
        """One back that was taken."""
        ...


class Moment(Protocol):
    """A source as it is at one moment, for all fragments of one query."""

    def execute(self, fragment: Fragment, deadline: float | None) -> Batches:
        """See `Connector.execute`. The first statement that runs decides which moment it is."""
        ...

    def close(self) -> None:
        """Free what is kept for fragments that did not come; theirs must be closed. Idempotent."""
        ...


@runtime_checkable
class Steady(Protocol):
    """Optional: the fragments of a query see one moment, each over a connection of its own."""

    def moment(self, fragments: int | None, at_once: int, spare: Turns) -> Moment:
        """Asked once by each query, instead of `execute`. Returns at once, with no I/O.

        Args:
            fragments: how many there will be; None when nobody knows.
            at_once: how many of them run at a time, at most: the others follow.
            spare: what a fragment must ask before it uses more than one connection.
        """
        ...


@runtime_checkable
class Native(Protocol):
    """Optional: the engine reads this source's tables itself, by its own file readers."""

    def register(
        self,
        context: datafusion.SessionContext,
        name: str,
        table: TableName,
        *,
        views: Set[str] = frozenset(),
    ) -> Callable[[], None] | None:
        """Make `table` readable in `context` under `name`, with exactly its declared schema.

        Args:
            views: columns, declared as plain texts, that may be views if that is quicker.

        Returns:
            What is called when all was read: it raises SourceError if the table was another one
            meanwhile. None where that cannot be.
        """
        ...


@runtime_checkable
class Explains(Protocol):
    """Optional: the source can say how it would run a fragment, as another server can."""

    def explain(self, fragment: Fragment, as_json: bool) -> str:
        """Its plan, for people or as one JSON object; empty where it does not say. Runs nothing.

        Raises:
            SourceError: when the source cannot be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class Estimated:
    """What a source expects of a fragment; None is unknown.

    Attributes:
        rows: how many there will be.
        size_bytes: theirs, as the source holds them: not as they travel.
        cost: of the work there, in the source's own unit: comparable at that source only.
    """

    rows: float | None = None
    size_bytes: float | None = None
    cost: float | None = None


@runtime_checkable
class Estimates(Protocol):
    """Optional: the source says what it expects of a fragment, from all that it knows."""

    def estimate(self, fragment: Fragment, deadline: float | None) -> Estimated:
        """Ask it. Runs nothing, takes some round trips, and may be remembered for a while.

        Never called while a query is planned, unless somebody asked for it.

        Args:
            deadline: on the clock of `time.monotonic`, in seconds; None for none.

        Raises:
            UnsupportedError: for a fragment that this connector cannot run.
            SourceError: when the source cannot be asked, or has no answer in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ping:
    """A request that was made to be timed.

    Attributes:
        seconds: until its answer was here, over a connection that was open before; without the
            source's own work, as far as that is known.
        round_trips: how many of these it took.
        answer_bytes: of the answer; 0 for next to nothing.
    """

    seconds: float
    round_trips: int
    answer_bytes: int = 0


@runtime_checkable
class Pings(Protocol):
    """Optional: the network to the source can be timed."""

    def ping(self, answer_bytes: int = 0) -> Ping | None:
        """Ask the least that there is to be asked; in seconds at most, or as the source waits.

        Args:
            answer_bytes: how large the answer shall be, about.

        Returns:
            How long it took; None where no such answer can be had.

        Raises:
            SourceError: the source cannot be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ingest:
    """Where a client's rows go.

    Attributes:
        table: its name; the schema may be empty, for the default one.
        absent: what to do where there is no such table.
        present: what to do where there is one.
    """

    table: TableName
    absent: Literal["create", "fail"]
    present: Literal["fail", "append", "replace"]


@runtime_checkable
class Ingests(Protocol):
    """Optional: a client's rows become a table, or a part of one."""

    @property
    def takes_rows(self) -> bool:
        """Whether its configuration lets clients send any."""
        ...

    def ingest(self, into: Ingest, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Take all rows, or none: queries see the table as it was until the last has come.

        Args:
            into: where they go.
            schema: of the batches, as the client sent it: in any form of a type.
            batches: not looked at by anybody yet; reading them may raise.

        Returns:
            How many rows came.

        Raises:
            ForbiddenError: where the configuration allows none.
            RequestError: when the table is there or is not, or the rows do not fit it.
            SizeLimitError: when they are more than it may hold.
            QueueFullError: when they would fit, but for the rows that others are sending.
        """
        ...
