"""The `postgres` connector: the contract's six members, put together.

Owns what the source offers and the parts' lives. Must not know SQL beyond the word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.adbc.postgres.catalog import PostgresTables
from connectors.adbc.postgres.endpoint import parse
from connectors.adbc.postgres.estimates import PostgresEstimates
from connectors.adbc.postgres.moment import PostgresMoment, Statements, statement_of
from connectors.adbc.postgres.options import PostgresOptions
from connectors.adbc.postgres.packing import WORTH_BYTES
from connectors.adbc.postgres.pieces import Piece
from connectors.adbc.postgres.pool import Pool, Sessions
from connectors.adbc.postgres.ranges import RANGE_BYTES
from connectors.adbc.postgres.reader import QueryBatches
from connectors.adbc.postgres.statistics import PostgresStatistics
from connectors.contract import (
    Capabilities,
    Estimated,
    Fragment,
    Framing,
    Parallel,
    Ping,
    RoundTrips,
    Statistics,
    TableName,
    Turns,
)
from connectors.notes import Note

_RELATIONS = frozenset(
    {"read", "filter", "project", "fetch", "sort", "aggregate", "window", "join", "cross", "union"}
)


_ROUND_TRIPS = RoundTrips(rows=3.0, few=1.0, moment=3.0, texts=2.0)
"""COPY is prepared, begun and read, and its statement is sent to be prepared and to be begun. For
one moment a session begins and exports it, and the others begin on that."""

_FRAMING = Framing(row_bytes=7.0, whole_value_bytes=-4.0, whole_from_bytes=WORTH_BYTES, short=True)
"""A row is a message of its own (1 + 4), and says how many values it has (2). A table that is read
whole comes by columns, without the length (4) that is in front of each value."""


class PostgresConnector:
    """A PostgreSQL database as a source; see `connectors.contract.Connector`.

    Args:
        name: the configured name of the source, in every error.
        options: checked options.
    """

    def __init__(self, name: str, options: PostgresOptions) -> None:
        self.name = name
        self._endpoint = parse(options.uri.get_secret_value())
        self._capabilities = Capabilities(
            dialect="postgres",
            relations=_RELATIONS,
            max_connections=options.max_connections,
            round_trips=_ROUND_TRIPS,
            framing=_FRAMING,
            parallel=Parallel(options.scan_connections, RANGE_BYTES),
        )
        self._scan_connections = options.scan_connections
        given = (options.default_schema,) if "default_schema" in options.model_fields_set else ()
        self._given_schemas = tuple(dict.fromkeys((*(options.schemas or ()), *given)))
        self._pool = Pool(
            name,
            self._endpoint,
            maximum=options.max_connections,
            wait_seconds=options.wait_seconds,
            timeout_seconds=options.timeout_seconds,
            mode=options.pool_mode,
        )
        self._tables = PostgresTables(
            self._pool,
            default_schema=options.default_schema,
            schemas=options.schemas,
            arrays_as_text=options.arrays == "text",
        )
        self._statistics = PostgresStatistics(self._pool)
        self._estimates = PostgresEstimates(self._pool)

    def __repr__(self) -> str:
        return f"PostgresConnector(name={self.name!r}, endpoint={self._endpoint!r})"

    @property
    def capabilities(self) -> Capabilities:
        """What PostgreSQL runs; needs no connection.

        Of texts in another encoding than UTF-8 it is less, which is known with the first table.
        """
        if self._tables.encoding in ("", "UTF8"):
            return self._capabilities
        return replace(self._capabilities, dialect="postgres_not_utf8")

    @property
    def identity(self) -> str:
        """Server, database and login, without a secret; comparable within this process."""
        return self._endpoint.identity

    def tables(self) -> PostgresTables:
        """The catalog of the database."""
        return self._tables

    def notes(self) -> Sequence[Note]:
        """See `connectors.notes`: schemas that were given, and are not there."""
        lacking = self._tables.lacking(self._given_schemas) if self._given_schemas else {}
        return [
            Note(f"there is no schema {name!r}" + (f"; nearest: {near!r}" if near else ""))
            for name, near in lacking.items()
        ]

    def statistics(self, table: TableName) -> Statistics:
        """The server's own statistics, some minutes old at most; empty for views."""
        found = self._tables.find(table)
        return Statistics() if found is None else self._statistics.of(found)

    def execute(self, fragment: Fragment, deadline: float | None) -> QueryBatches:
        """Accept one SELECT; nothing happens before it is iterated.

        Raises:
            UnsupportedError: for a table scan: this source is sent SQL.
        """
        text = statement_of(fragment, self.name).text
        return self._read(self._pool, fragment, deadline, lambda _: [Piece(text)])

    def estimate(self, fragment: Fragment, deadline: float | None) -> Estimated:
        """See `connectors.contract.Estimates`: what the server's EXPLAIN says."""
        return self._estimates.of(statement_of(fragment, self.name).text, deadline)

    def ping(self, answer_bytes: int = 0) -> Ping:
        """See `connectors.contract.Pings`: a SELECT that reads nothing, over an idle connection."""
        seconds = self._pool.ask(lambda session: session.ping(answer_bytes))
        return Ping(seconds, 1, answer_bytes)

    def moment(self, fragments: int | None, at_once: int, spare: Turns) -> PostgresMoment:
        """See `connectors.contract.Steady`."""
        extent, most = self._statistics.extent, self._scan_connections
        long = self._statistics.long
        return PostgresMoment(self._pool, self._read, extent, fragments, at_once, spare, most, long)

    def close(self) -> None:
        """End idle connections now, and those of running queries as these end."""
        self._pool.close()

    def _read(
        self,
        sessions: Sessions,
        fragment: Fragment,
        deadline: float | None,
        statements: Statements,
        few: int | None = None,
    ) -> QueryBatches:
        schema = fragment.schema
        return QueryBatches(sessions, statements, schema, deadline, self._forget, few)

    def _forget(self) -> None:
        self._tables.refresh()
        self._statistics.refresh()
        self._estimates.refresh()


def create(name: str, options: Mapping[str, object]) -> PostgresConnector:
    """The factory that the entry point names.

    Args:
        name: the configured name of the source.
        options: as in the configuration file, secrets resolved; see `PostgresOptions`.

    Raises:
        pydantic.ValidationError: for options that are wrong. No I/O is done.
    """
    return PostgresConnector(name, PostgresOptions.model_validate(dict(options)))
