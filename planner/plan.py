"""The plan of a query: the values that planning hands to execution and to EXPLAIN.

Owns no behaviour beyond what the values mean. A plan is immutable, holds no connection, and may be
run any number of times, also at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import pyarrow as pa
from sqlglot import exp
from substrait.plan_pb2 import Plan as SubstraitPlan

from connectors.contract import Estimated, Fragment, Table, TableName
from connectors.far_reads import Gaps
from planner.cost import Cost, Link, handed_seconds
from planner.options import Caution, Pushdown
from planner.relations import Relation
from planner.warnings import PlanWarning


@dataclass(frozen=True, slots=True)
class Estimate:
    """Rows and bytes that are expected to cross the link; None where nothing is known.

    Attributes:
        connections: that they cross it over.
    """

    rows: float | None = None
    size_bytes: float | None = None
    connections: int = 1


@dataclass(frozen=True, slots=True)
class Work:
    """What a source is expected to do for a fragment, beside the round trips and the transfer.

    Attributes:
        seconds: that it takes.
        constant_seconds: that all of it would take by the constants of its connector alone.
        seen: `seconds` are what it took before.
        shape: by which they are remembered; None where they are not.
        handing_seconds: the part of `constant_seconds` in which its rows are handed out.
        carried_seconds: in which the link carries them, beside that.

    >>> work = Work(0.75, 1.0, handing_seconds=0.5, carried_seconds=0.25)
    >>> work.guess_seconds(1.0), work.guess_seconds(3.0), work.pace_of(2.75)
    (0.75, 2.75, 3.0)
    """

    seconds: float
    constant_seconds: float
    seen: bool = False
    shape: bytes | None = None
    handing_seconds: float = 0.0
    carried_seconds: float = 0.0

    def guess_seconds(self, pace: float) -> float:
        """What it takes a source that is so many times as slow as the constants say: its
        operators, and what handing out takes longer than the transfer."""
        operators = self.constant_seconds - self.handing_seconds
        return pace * operators + self.handed_seconds(pace)

    def handed_seconds(self, pace: float) -> float:
        """The part of that in which rows are handed out."""
        return handed_seconds(self.handing_seconds, self.carried_seconds, pace)

    def pace_of(self, seconds: float) -> float:
        """How many times as slow a source is that took so long."""
        operators = self.constant_seconds - self.handing_seconds
        hidden = seconds / max(operators, 1e-9)
        if hidden * self.handing_seconds <= self.carried_seconds:
            return hidden
        return (seconds + self.carried_seconds) / max(self.constant_seconds, 1e-9)


@dataclass(frozen=True, slots=True)
class Reduction:
    """Keys that a fragment waits for, and its statement with their places in it.

    Attributes:
        statement: never changed; see `planner.emit.keys`. None of a scan.
        dialect: the planner's name of what the statement is in; empty of a scan.
        keys: of which columns of which stages.
        most: so many keys are sent at most; with more, the fragment runs without.
        patience_seconds: so long it waits for them; None for as long as it takes.
        columns: the names of these columns, `STAGE.COLUMN`, for people.
        estimate: what is expected to cross the link without them.
        shown: the statement as text, with a mark in place of the keys.
        few: what is expected with them, at a source that is told; see `SqlQuery.few`.
        scanned: the columns of the table that they are compared with, one for each of `keys`; of a
            scan, whose filter they become.
    """

    statement: exp.Select | None
    dialect: str
    keys: tuple[tuple[str, int], ...]
    most: int
    patience_seconds: float | None
    columns: tuple[str, ...]
    estimate: Estimate
    shown: str
    few: Estimate | None = None
    scanned: tuple[pa.Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Sending:
    """Stages whose rows a fragment is sent whole, as tables of its statement.

    Attributes:
        statement: never changed; see `planner.emit.rows`. There is none without the rows.
        dialect: the planner's name of what it is in.
        columns: of which stages which columns, each in its place there.
        few: what is expected of it, at a source that is told; see `SqlQuery.few`.
    """

    statement: exp.Select
    dialect: str
    columns: frozenset[tuple[str, int]]
    few: Estimate | None = None

    @property
    def stages(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(sorted({stage for stage, _ in self.columns}))


@dataclass(frozen=True, slots=True)
class PlannedFragment:
    """A fragment with its place in the plan.

    Attributes:
        name: what the residual reads it by; unique within the plan.
        source: the source that runs it.
        tables: the tables that it reads, `schema.table`.
        operators: the relation kinds in it, outermost first (`sort aggregate join`).
        reduction: the keys that it is sent, where it is; `fragment` is then what runs without them,
            and estimate and cost are of what runs with them.
        sending: the rows that it is sent, where it is; `fragment` has marks in their places.
        shape: of its relation, by which its rows are remembered; None where they are not.
        keyed_shape: the same of the fragment with the keys that it is sent; None of others.
        work: its source's, which is in the cost; None where that is not known.
        beside_bytes: what crosses the link for each row besides its bytes here, in Arrow's form;
            below 0 where it takes less.
        there: how the source would run it, in the form that EXPLAIN was asked for; empty where it
            was not asked, or does not say.
        estimated: what the source expects of `fragment`; None where it was not asked or cannot say.
    """

    name: str
    source: str
    fragment: Fragment
    tables: tuple[str, ...]
    operators: tuple[str, ...] = ()
    estimate: Estimate = field(default_factory=Estimate)
    cost: Cost | None = None
    reduction: Reduction | None = None
    shape: bytes | None = None
    keyed_shape: bytes | None = None
    there: str = ""
    estimated: Estimated | None = None
    work: Work | None = None
    beside_bytes: float = 0.0
    sending: Sending | None = None


@dataclass(frozen=True, slots=True)
class ReadKeys:
    """Keys whose bounds a table that the engine reads itself is filtered by.

    Attributes:
        stage, column: whose keys they are.
        name: of the table's column.
        shown: `STAGE.COLUMN`, for people.
        bounds: the least and the greatest value of the table's column, where they are known.
    """

    stage: str
    column: int
    name: str
    shown: str
    bounds: tuple[object, object] | None = None


@dataclass(frozen=True, slots=True)
class NativeRead:
    """A table that the engine reads itself, below the residual.

    Attributes:
        columns: the columns that the residual reads.
        keys: what it waits for; of a table without any there is one read for all of a plan.
        views: the columns, of plain texts, that the engine may read as views.
        gaps: what is left out between the columns; None where the engine's own reader reads.
    """

    name: str
    source: str
    table: TableName
    schema: pa.Schema
    columns: tuple[str, ...] = ()
    estimate: Estimate = field(default_factory=Estimate)
    keys: tuple[ReadKeys, ...] = ()
    views: frozenset[str] = frozenset()
    gaps: Gaps | None = None


SCOPE_LENGTH = 12
"""The length of a scope's name, in bytes; runs are named by `run` and nine digits."""


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A residual before it is written.

    Attributes:
        relation: with the conditions on keys above the tables that are read by them.
        names: of its columns.
        origin: what the statement was read from.
        natives: the tables that the engine reads itself.
    """

    relation: Relation
    names: tuple[str, ...]
    origin: SubstraitPlan
    natives: tuple[NativeRead, ...]


@dataclass(frozen=True, slots=True)
class SubstraitResidual:
    """What the engine runs over fragments and native reads: a serialised Substrait plan.

    Attributes:
        scope: the schema under which the plan reads them, a placeholder that occurs nowhere else in
            the plan: each run puts a name of the same length in its place.
        unwritten: what it is written from again when the stages that it reads are complete; None
            where it reads none. See `planner.serialised`.
        as_written: the engine keeps the left side of each join; else it chooses. See
            `planner.sides`.
    """

    substrait: bytes
    scope: bytes
    unwritten: Unwritten | None = None
    as_written: bool = False


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A part of the statement that is computed first, for the keys in it, or for all who read it;
    its rows wait here.

    Attributes:
        name: under which what follows reads its rows.
        residual: what the engine runs for it.
        schema: of its rows.
        text: the residual as an indented tree, for people.
        shape: see `PlannedFragment`.
        after: the stages that it reads, or that tables in it have keys of.
        work: all that is done until it is complete; None where that is not known.
        reads: so often its rows are read.
    """

    name: str
    residual: SubstraitResidual
    schema: pa.Schema
    text: str
    estimate: Estimate = field(default_factory=Estimate)
    shape: bytes | None = None
    after: tuple[str, ...] = ()
    work: Work | None = None
    reads: int = 1


@dataclass(frozen=True, slots=True)
class SqlResidual:
    """What Substrait cannot carry: the statement itself, over one provider for each table.

    Attributes:
        sql: the client's statement.
        tables: `(name parts as written, source, table)` of each table that it reads.
        reason: why the statement could not be cut.
        pushdown: the statement's own option for the scans of its tables.
        text: the engine's own plan, for people, where nothing else was planned.
    """

    sql: str
    tables: tuple[tuple[tuple[str, ...], str, TableName], ...]
    reason: str
    pushdown: Pushdown | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """An operator that stays in the residual although its input is all at one source.

    Attributes:
        source: where its input is; several names in `Plan.followed`.
        refused: the source may not run it. Else it stays because its inputs are cheaper to move, or
            because a subquery of it is not at the source.
        tables: below it, `schema.table`.
    """

    operator: str
    source: str
    reason: str
    refused: bool = True
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedCut:
    """A cut that lost, and the reason.

    Attributes:
        seconds: that the whole statement would have taken, where that was compared.
    """

    description: str
    reason: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LosingCut:
    """Another cut of the statement, and the seconds that all of it would take by estimate."""

    description: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One query, planned.

    Attributes:
        sql: the client's text.
        schema: what the client receives; FlightInfo and the stream share this object.
        residual: None when the single fragment is the answer.
        residual_text: the residual as an indented tree, for people; empty without one.
        stages: what runs before the residual and is read by it, in the order of who reads whom.
        followed: the operators of the residual that are not among `kept`, with what is below them
            as the reason.
        uncut: how the statement runs when the engine cannot read `residual` back; None when that
            may not be.
        seconds: that it is expected to take; for EXPLAIN, and where what runs is planned once more.
            None elsewhere, and where it is not known.
        losing: the best of the other cuts, the least time first; for EXPLAIN.
        links: by source, those that it was costed by; for EXPLAIN. Local sources have none.
        near: with their sources, the tables of local ones as they were found. There it costs next
            to nothing to see whether they still are so.
    """

    sql: str
    schema: pa.Schema
    fragments: tuple[PlannedFragment, ...]
    natives: tuple[NativeRead, ...]
    residual: SubstraitResidual | SqlResidual | None
    residual_text: str = ""
    kept: tuple[Kept, ...] = ()
    rejected: tuple[RejectedCut, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()
    uncut: SqlResidual | None = None
    followed: tuple[Kept, ...] = ()
    stages: tuple[PlannedStage, ...] = ()
    seconds: float | None = None
    losing: tuple[LosingCut, ...] = ()
    links: tuple[tuple[str, Link], ...] = ()
    near: tuple[tuple[str, Table], ...] = ()


def sent_by(plan: Plan) -> frozenset[str]:
    """The stages of a plan whose rows are sent to sources."""
    sendings = (fragment.sending for fragment in plan.fragments)
    return frozenset(name for each in sendings if each is not None for name in each.stages)


Again: TypeAlias = Callable[[Callable[[], bool], Caution], Plan]
"""Plans a statement that runs once more, with such caution; asks the first now and then whether
nobody wants it any more. The plan says how long it is expected to take, where that is known."""
