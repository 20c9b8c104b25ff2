"""The catalog as the engine's planning session asks it: by names, for tables without rows.

Owns what was looked up for one statement. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import datafusion
import pyarrow as pa
import pyarrow.dataset as pds
from datafusion.catalog import CatalogProvider, SchemaProvider, Table

from connectors.as_of import split
from connectors.contract import Table as ConnectorTable
from connectors.errors import CrosswindError, UnknownNameError, UnsupportedError
from planner.catalog import Catalog, CatalogTable
from planner.expressions import Field
from planner.stand_ins import with_stand_ins

HOME = "crosswind home"
"""The engine's default catalog, where names of one or two parts are looked up, and the schema in it
for those of one part. No source can have this name, and no schema is likely to."""


@dataclass(slots=True)
class Asked:
    """Who is asked for the tables of a session: the look-up of the statement that has it.

    Attributes:
        sources: the names of those that tables are looked up in.
    """

    sources: Iterable[str]
    lookup: Lookup | None = None

    def table(self, parts: tuple[str, ...]) -> Table | None:
        """A provider without rows, or None."""
        return self.lookup.table(parts) if self.lookup is not None else None


def register(context: datafusion.SessionContext, asked: Asked) -> None:
    """Let a session find tables, when it asks for them."""
    context.register_catalog_provider(HOME, _Home(asked))
    for source in asked.sources:
        context.register_catalog_provider(source, _SourceCatalog(asked, source))


@dataclass(frozen=True, slots=True)
class _Offered:
    """What a table is to the planner: made once, as long as its connector has no other for it.

    Attributes:
        provider: of the engine, without rows.
    """

    table: ConnectorTable
    schema: pa.Schema
    fields: tuple[Field, ...]
    provider: Table

    @classmethod
    def of(cls, table: ConnectorTable) -> _Offered:
        schema = table.schema
        fields = tuple(Field(f.name, f.type, f.nullable) for f in schema)
        return cls(table, schema, fields, _without_rows(schema))


def _without_rows(schema: pa.Schema) -> Table:
    return Table(pds.dataset(schema.empty_table()))


_MOST_OFFERED = 1_000
"""Tables of a catalog that are kept so: some kilobytes each, and a tenth of a millisecond."""

_offered: WeakKeyDictionary[Catalog, dict[tuple[str, ...], _Offered]] = WeakKeyDictionary()


class Lookup:
    """The tables that one statement asked for, by their name parts, and what went wrong."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._kept = _offered.setdefault(catalog, {})
        self.found: dict[tuple[str, ...], CatalogTable] = {}
        self.problems: dict[tuple[str, ...], CrosswindError] = {}
        self._asked: dict[tuple[str, ...], _Offered] = {}
        self._standing_in: dict[tuple[str, ...], Table] = {}

    def table(self, parts: tuple[str, ...]) -> Table | None:
        """A provider without rows, or None; the reason is kept."""
        if parts in self._standing_in:
            return self._standing_in[parts]
        # The engine asks more than once for each.
        if parts in self._asked:
            return self._asked[parts].provider
        try:
            found = self.found[parts] = self._catalog.resolve(parts)
        except CrosswindError as error:
            self.problems[parts] = self._problem(parts, error)
            return None
        offered = self._asked[parts] = self._offer(found)
        return offered.provider

    def schema(self, parts: tuple[str, ...]) -> pa.Schema | None:
        """A table's columns, or None; the reason is kept."""
        if parts not in self.found and self.table(parts) is None:
            return None
        return self._asked[parts].schema

    def fields(self, parts: tuple[str, ...]) -> tuple[Field, ...]:
        """The columns of a table that was found."""
        return self._asked[parts].fields

    def _problem(self, parts: tuple[str, ...], error: CrosswindError) -> CrosswindError:
        """What is wrong with a name; of a version, whether it is the table or that it has none."""
        table, as_of = split(parts[-1])
        if as_of is None or not isinstance(error, UnknownNameError):
            return error
        try:
            found = self._catalog.resolve((*parts[:-1], table))
        except CrosswindError as unknown:
            return unknown
        keeper = found.source.name
        return UnsupportedError(
            f"source {keeper!r} keeps no versions of its tables: {as_of} is not supported"
        )

    @contextmanager
    def stand_ins(self) -> Iterator[bool]:
        """For as long as this is open, tables have stand-ins for what the engine cannot write.

        Yields:
            whether any of those that were found has.
        """
        for parts, offered in self._asked.items():
            schema = with_stand_ins(offered.schema)
            if schema is not None:
                self._standing_in[parts] = _without_rows(schema)
        yield bool(self._standing_in)
        self._standing_in.clear()

    def _offer(self, found: CatalogTable) -> _Offered:
        known = self._kept.get(found.path)
        if known is None or known.table is not found.table:
            if len(self._kept) >= _MOST_OFFERED:
                self._kept.clear()
            known = self._kept[found.path] = _Offered.of(found.table)
        return known


class _Home(CatalogProvider):  # type: ignore[misc]
    """Names of one part (the schema `HOME`) and of two (a schema or a source, and a table)."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def schema_names(self) -> set[str]:
        return set()

    def schema(self, name: str) -> SchemaProvider:
        return _Tables(self._asked, () if name == HOME else (name,))


class _SourceCatalog(CatalogProvider):  # type: ignore[misc]
    """Names of three parts: a source, a schema and a table."""

    def __init__(self, asked: Asked, source: str) -> None:
        self._asked = asked
        self._source = source

    def schema_names(self) -> set[str]:
        return set()

    def schema(self, name: str) -> SchemaProvider:
        return _Tables(self._asked, (self._source, name))


class _Tables(SchemaProvider):  # type: ignore[misc]
    """The tables below a prefix of name parts, looked up when asked for."""

    def __init__(self, asked: Asked, prefix: tuple[str, ...]) -> None:
        self._asked = asked
        self._prefix = prefix

    def table_names(self) -> set[str]:
        return set()

    def table(self, name: str) -> Table | None:
        return self._asked.table((*self._prefix, name))

    def table_exist(self, name: str) -> bool:
        return self.table(name) is not None
