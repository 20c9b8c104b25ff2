"""The tables behind a driver: names in one question, columns on demand, both kept for a while.

Owns how a table is named here. Must not know how a table is read.
"""

from __future__ import annotations

from collections.abc import Sequence

import adbc_driver_manager as adbc
import pyarrow as pa

from connectors.adbc.any.database import Database
from connectors.adbc.any.questions import Entry, columns, current_catalog, entries
from connectors.adbc.any.types import lost, plain
from connectors.contract import Column, Table, TableName
from connectors.errors import SourceRejectedError, SourceSchemaChangedError
from connectors.looked_up import LookedUp

_SYSTEM = frozenset(
    {"information_schema", "pg_catalog", "pg_toast", "sys", "mysql", "performance_schema"}
)


class AdbcTables:
    """`connectors.contract.Tables` of one source.

    Where the tables are of several catalogs a schema here is `CATALOG.SCHEMA`. A schema without a
    name, which is the default one, means the only schema that has the table.

    Args:
        database: where connections come from.
        dialect: how its SQL is written, as in the options.
        catalog: the only catalog to see; None for the connection's own, or all where it has none.
        schemas: the only schemas to see; None for all.
        tables: what there is, where the driver cannot say; else None.
        default_schema: the schema of names that give none.
    """

    def __init__(
        self,
        database: Database,
        *,
        dialect: str,
        catalog: str | None,
        schemas: tuple[str, ...] | None,
        tables: tuple[str, ...] | None,
        default_schema: str,
    ) -> None:
        self._database = database
        self._dialect = dialect
        self._catalog = catalog
        self._schemas = schemas
        self._given = None if tables is None else tuple(map(_given, tables))
        self._default_schema = default_schema
        self._known: LookedUp[tuple[Entry, ...], Table] = LookedUp()

    @property
    def default_schema(self) -> str:
        """The schema of names that give none; no I/O."""
        return self._default_schema

    def names(self) -> Sequence[TableName]:
        """Every table outside the system schemas, sorted.

        Raises:
            SourceRejectedError: the driver cannot list them, and `tables` does not either.
        """
        listed = self._all()
        return sorted({_shown(entry, listed) for entry in listed})

    def find(self, name: TableName) -> Table | None:
        """One table with its columns. A missing one is asked for again after a few seconds."""
        return self._known.find(name, lambda: self._look_up(name), lambda table: table.name)

    def refresh(self) -> None:
        """Forget everything; the next look-up asks the database, over a new connection.

        Some drivers see a file as it was when they opened it.
        """
        self._database.renew()
        self._known.refresh()

    def _look_up(self, name: TableName) -> Table | None:
        listed = self._all()
        matching = [
            entry
            for entry in listed
            if entry.name == name.name and name.schema in ("", _shown(entry, listed).schema)
        ]
        if len(matching) != 1:
            return None
        (entry,) = matching
        try:
            schema = self._database.ask(lambda c: columns(c, self._dialect, entry))
        except SourceSchemaChangedError:
            return None
        return Table(_shown(entry, listed), tuple(map(_column, schema)), entry.kind, entry.path)

    def _all(self) -> tuple[Entry, ...]:
        if self._given is not None:
            return self._given
        return self._known.listing(self._ask)

    def _ask(self) -> tuple[Entry, ...]:
        def question(connection: adbc.AdbcConnection) -> tuple[Entry, ...] | None:
            catalog = self._catalog or current_catalog(connection) or None
            found = entries(connection, catalog)
            # The catalog is a pattern, and some drivers pass it on as they like.
            return (
                None
                if found is None
                else tuple(e for e in found if catalog in (None, e.catalog) and self._seen(e))
            )

        found = self._database.ask(question)
        if found is None:
            raise SourceRejectedError(
                "the driver cannot list the tables",
                source=self._database.source,
                hint="Name them in `tables`.",
            )
        return found

    def _seen(self, entry: Entry) -> bool:
        """Whether it is to be seen here."""
        if self._schemas is not None:
            return entry.schema in self._schemas
        return entry.schema.lower() not in _SYSTEM


def _shown(entry: Entry, listed: tuple[Entry, ...]) -> TableName:
    """How a table is named here.

    >>> one, other = Entry("a", "s", "t"), Entry("b", "s", "t")
    >>> str(_shown(one, (one,))), str(_shown(one, (one, other)))
    ('s.t', 'a.s.t')
    """
    if len({e.catalog for e in listed}) < 2:
        return TableName(entry.schema, entry.name)
    return TableName(".".join(filter(None, (entry.catalog, entry.schema))), entry.name)


def _given(name: str) -> Entry:
    """
    >>> _given("main.t")
    Entry(catalog='', schema='main', name='t', kind='TABLE')
    """
    *qualifiers, table = name.split(".")
    schema = qualifiers.pop() if qualifiers else ""
    return Entry(".".join(qualifiers), schema, table)


def _column(field: pa.Field) -> Column:
    """Each may be NULL: what drivers say of that is of the form of a batch, not of the table."""
    return Column(field.name, plain(field.type), native_type=str(field.type), lost=lost(field.type))
