"""The `sqlite` connector: the contract's six members, put together.

Owns what the source offers and the parts' lives. Must not know SQL beyond the word.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from connectors.adbc.file_statistics import FileStatistics
from connectors.adbc.planned import check_planned
from connectors.adbc.sqlite.catalog import SqliteTables
from connectors.adbc.sqlite.database import Database
from connectors.adbc.sqlite.options import SqliteOptions
from connectors.adbc.sqlite.reader import Statement
from connectors.adbc.sqlite.statistics import statistics_of
from connectors.apart import ApartBatches
from connectors.contract import Capabilities, Fragment, SqlQuery, Statistics, TableName
from connectors.errors import CrosswindError, UnsupportedError

_RELATIONS = frozenset(
    {"read", "filter", "project", "fetch", "sort", "aggregate", "window", "union"}
)
_JOINS = frozenset({"join"})


_ROW_SECONDS = 2e-7
"""It joins by looking up, row by row, and in one thread."""


class SqliteConnector:
    """An SQLite database as a source; see `connectors.contract.Connector`.

    Args:
        name: the configured name of the source, in every error.
        options: checked options.
    """

    def __init__(self, name: str, options: SqliteOptions) -> None:
        self.name = name
        self._path = options.uri
        self._capabilities = Capabilities(
            dialect="sqlite",
            relations=_RELATIONS | _JOINS if options.joins else _RELATIONS,
            max_connections=options.max_connections,
            local=True,
            row_seconds=_ROW_SECONDS,
        )
        self._database = Database(name, options.uri, options.max_connections, options.setup)
        self._tables = SqliteTables(self._database, lenient=options.misfits == "null")
        self._statistics = FileStatistics(
            self._database.version, partial(statistics_of, self._database)
        )

    def __repr__(self) -> str:
        return f"SqliteConnector(name={self.name!r}, uri={self._path!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What SQLite runs; needs no file."""
        return self._capabilities

    @property
    def identity(self) -> str:
        """The file itself, or what is in memory."""
        return f"sqlite:{self._database.identity}"

    def tables(self) -> SqliteTables:
        """The catalog of the file."""
        return self._tables

    def statistics(self, table: TableName) -> Statistics:
        """What the file says of a table; nothing when it does not know, or cannot be read."""
        with suppress(CrosswindError):
            found = self._tables.find(table)
            if found is not None:
                return self._statistics.of(found)
        return Statistics()

    def execute(self, fragment: Fragment, deadline: float | None) -> ApartBatches:
        """Accept one SELECT; nothing happens before it is iterated.

        Raises:
            UnsupportedError: for a table scan: this source is sent SQL.
        """
        if not isinstance(fragment.query, SqlQuery):
            raise UnsupportedError(f"source {self.name!r} runs SQL, not table scans")
        check = partial(check_planned, self.name, self._tables, fragment.tables)
        return ApartBatches(
            Statement(self._database, fragment.query.text, fragment.schema, check),
            self._database.turns,
            deadline=deadline,
            changed=self._tables.refresh,
        )

    def close(self) -> None:
        """Let go of what is in memory; each query has a connection of its own."""
        self._database.close()


def create(name: str, options: Mapping[str, object]) -> SqliteConnector:
    """The factory that the entry point names.

    Args:
        name: the configured name of the source.
        options: as in the configuration file, secrets resolved; see `SqliteOptions`.

    Raises:
        pydantic.ValidationError: for options that are wrong. No I/O is done.
    """
    return SqliteConnector(name, SqliteOptions.model_validate(dict(options)))
