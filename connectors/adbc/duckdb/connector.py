"""The `duckdb` connector: the contract's six members, put together.

Owns what the source offers and the parts' lives. Must not know SQL beyond the word.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

from connectors.adbc.duckdb.catalog import DuckdbTables
from connectors.adbc.duckdb.database import Database
from connectors.adbc.duckdb.options import DuckdbOptions
from connectors.adbc.duckdb.reader import QueryBatches
from connectors.adbc.duckdb.statistics import statistics_of
from connectors.adbc.file_statistics import FileStatistics
from connectors.adbc.in_memory import IN_MEMORY
from connectors.adbc.planned import check_planned
from connectors.contract import Capabilities, Fragment, SqlQuery, Statistics, TableName
from connectors.errors import CrosswindError, UnsupportedError

_RELATIONS = frozenset(
    {"read", "filter", "project", "fetch", "sort", "aggregate", "window", "join", "cross", "union"}
)


_ROW_SECONDS = 2e-8
"""As of the engine itself."""


class DuckdbConnector:
    """A DuckDB database as a source; see `connectors.contract.Connector`.

    Args:
        name: the configured name of the source, in every error.
        options: checked options.
    """

    def __init__(self, name: str, options: DuckdbOptions) -> None:
        self.name = name
        self._path = options.uri
        self._capabilities = Capabilities(
            dialect="duckdb",
            relations=_RELATIONS,
            max_connections=options.max_connections,
            local=True,
            row_seconds=_ROW_SECONDS,
        )
        self._database = Database(
            name,
            options.uri,
            threads=options.threads or _processors(),
            memory_limit_mb=options.memory_limit_mb,
            setup=options.setup,
        )
        in_memory = options.uri == IN_MEMORY
        self._identity = f"{IN_MEMORY}{uuid4().hex}" if in_memory else None
        self._tables = DuckdbTables(self._database, default_schema=options.default_schema)
        self._statistics = FileStatistics(
            self._database.version, partial(statistics_of, self._database)
        )

    def __repr__(self) -> str:
        return f"DuckdbConnector(name={self.name!r}, uri={self._path!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What DuckDB runs; needs no file."""
        return self._capabilities

    @property
    def identity(self) -> str:
        """The file itself, by whatever links it was reached; what is in memory is like no other."""
        return f"duckdb:{self._identity or Path(self._path).resolve()}"

    def tables(self) -> DuckdbTables:
        """The catalog of the file."""
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        """What the file says of its tables; empty for views, and when there is no file."""
        found = None
        # A plan without numbers is better than none: the file says what is wrong when it is read.
        with suppress(CrosswindError):
            found = self._tables.find(table)
        return Statistics() if found is None else self._statistics.of(found)

    def execute(self, fragment: Fragment, deadline: float | None) -> QueryBatches:
        """Accept one SELECT; nothing happens before it is iterated.

        Raises:
            UnsupportedError: for a table scan: this source is sent SQL.
        """
        if not isinstance(fragment.query, SqlQuery):
            raise UnsupportedError(f"source {self.name!r} runs SQL, not table scans")
        return QueryBatches(
            self._database,
            fragment.query.text,
            fragment.schema,
            deadline,
            self._tables.refresh,
            partial(check_planned, self.name, self._tables, fragment.tables),
        )

    def close(self) -> None:
        """Close the file: now, or with the last query that still reads it."""
        self._database.close()


def _processors() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def create(name: str, options: Mapping[str, object]) -> DuckdbConnector:
    """The factory that the entry point names.

    Args:
        name: the configured name of the source.
        options: as in the configuration file, secrets resolved; see `DuckdbOptions`.

    Raises:
        pydantic.ValidationError: for options that are wrong. No I/O is done.
    """
    return DuckdbConnector(name, DuckdbOptions.model_validate(dict(options)))
