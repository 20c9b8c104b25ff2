"""Sources on paper: tables with a schema and numbers, and nothing behind them, to plan over.

Planning opens nothing, so these are enough to see what a plan is. Nothing can be run here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from connectors.contract import (
    Batches,
    Capabilities,
    Column,
    ColumnStatistics,
    Fragment,
    Statistics,
    Table,
    TableName,
)
from planner.catalog import Catalog, Source

EVERYTHING = frozenset(
    {"read", "filter", "project", "fetch", "sort", "aggregate", "window", "join", "cross", "union"}
)
SCAN = frozenset({"read", "filter", "project", "fetch"})


@dataclass(frozen=True)
class PaperTable:
    """A table on paper.

    Attributes:
        columns: their types, by name; a type in a tuple is NOT NULL.
        rows: how many there are; None is unknown.
        distinct: distinct values of columns.
    """

    columns: Mapping[str, pa.DataType | tuple[pa.DataType]]
    rows: float | None = None
    distinct: Mapping[str, float] = field(default_factory=dict)


class PaperConnector:
    """A source that can be planned over and not be run."""

    def __init__(
        self, identity: str, tables: Mapping[str, PaperTable], capabilities: Capabilities
    ) -> None:
        self.identity = identity
        self.capabilities = capabilities
        self._tables = {TableName("main", name): table for name, table in tables.items()}

    def tables(self) -> PaperTables:
        return PaperTables(self._tables)

    def statistics(self, table: TableName) -> Statistics:
        found = self._tables[table]
        columns = {n: ColumnStatistics(distinct=d) for n, d in found.distinct.items()}
        return Statistics(found.rows, None, columns)

    def execute(self, fragment: Fragment, deadline: float | None) -> Batches:
        raise AssertionError("there is nothing to run on paper")

    def close(self) -> None:
        """Nothing is open."""


class PaperTables:
    """The catalog of a source on paper."""

    default_schema = "main"

    def __init__(self, tables: Mapping[TableName, PaperTable]) -> None:
        self._tables = tables

    def names(self) -> Sequence[TableName]:
        return sorted(self._tables)

    def find(self, name: TableName) -> Table | None:
        if (table := self._tables.get(name)) is None:
            return None
        columns = (Column(name, *_typed(type_)) for name, type_ in table.columns.items())
        return Table(name, tuple(columns))

    def refresh(self) -> None:
        """Nothing is cached."""


def _typed(column: pa.DataType | tuple[pa.DataType]) -> tuple[pa.DataType, bool, str]:
    type_ = column[0] if isinstance(column, tuple) else column
    return type_, not isinstance(column, tuple), "text" if type_ == pa.string() else ""


def paper(
    kind: str, tables: Mapping[str, PaperTable], identity: str | None = None
) -> PaperConnector:
    """A source of a kind: `postgres` runs what its dialect proves, `scan` scans, `native` is read
    by the engine."""
    capabilities = {
        "postgres": Capabilities("postgres", EVERYTHING),
        "scan": Capabilities(None, SCAN),
        "native": Capabilities(None, SCAN, native=True),
    }[kind]
    return PaperConnector(identity or f"{kind}:{id(tables):x}", tables, capabilities)


def paper_catalog(**sources: PaperConnector) -> Catalog:
    """A catalog of sources on paper."""
    return Catalog(Source(name, connector) for name, connector in sources.items())
