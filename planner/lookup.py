"""The catalog as the engine's planning session asks it: by names, for tables without rows.

Owns what was looked up for one statement. Knows no SQL.
"""

from __future__ import annotations

import datafusion
import pyarrow as pa
import pyarrow.dataset as pds
from datafusion.catalog import CatalogProvider, SchemaProvider, Table

from connectors.errors import CrosswindError
from planner.catalog import Catalog, CatalogTable

HOME = "crosswind"
"""The engine's default catalog, where names of one or two parts are looked up, and the schema in it
for those of one part. No source can have this name."""


def register(context: datafusion.SessionContext, lookup: Lookup, catalog: Catalog) -> None:
    """Let a session find the tables of a catalog, when it asks for them."""
    context.register_catalog_provider(HOME, _Home(lookup))
    for source in catalog.sources:
        context.register_catalog_provider(source, _SourceCatalog(lookup, source))


class Lookup:
    """The tables that one statement asked for, by their name parts, and what went wrong."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.found: dict[tuple[str, ...], CatalogTable] = {}
        self.problems: dict[tuple[str, ...], CrosswindError] = {}
        self._providers: dict[tuple[str, ...], Table] = {}

    def table(self, parts: tuple[str, ...]) -> Table | None:
        """A provider without rows, or None; the reason is kept."""
        # The engine asks more than once for each.
        if parts in self._providers:
            return self._providers[parts]
        try:
            found = self.found[parts] = self._catalog.resolve(parts)
        except CrosswindError as error:
            self.problems[parts] = error
            return None
        provider = self._providers[parts] = Table(pds.dataset(found.table.schema.empty_table()))
        return provider

    def schema(self, parts: tuple[str, ...]) -> pa.Schema | None:
        """A table's columns, or None; the reason is kept."""
        if parts not in self.found and self.table(parts) is None:
            return None
        return self.found[parts].table.schema


class _Home(CatalogProvider):  # type: ignore[misc]
    """Names of one part (the schema `HOME`) and of two (a schema or a source, and a table)."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def schema_names(self) -> set[str]:
        return set()

    def schema(self, name: str) -> SchemaProvider:
        return _Tables(self._lookup, () if name == HOME else (name,))


class _SourceCatalog(CatalogProvider):  # type: ignore[misc]
    """Names of three parts: a source, a schema and a table."""

    def __init__(self, lookup: Lookup, source: str) -> None:
        self._lookup = lookup
        self._source = source

    def schema_names(self) -> set[str]:
        return set()

    def schema(self, name: str) -> SchemaProvider:
        return _Tables(self._lookup, (self._source, name))


class _Tables(SchemaProvider):  # type: ignore[misc]
    """The tables below a prefix of name parts, looked up when asked for."""

    def __init__(self, lookup: Lookup, prefix: tuple[str, ...]) -> None:
        self._lookup = lookup
        self._prefix = prefix

    def table_names(self) -> set[str]:
        return set()

    def table(self, name: str) -> Table | None:
        return self._lookup.table((*self._prefix, name))

    def table_exist(self, name: str) -> bool:
        return self.table(name) is not None
