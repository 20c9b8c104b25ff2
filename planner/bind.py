"""Names and types: the statement -> a relation tree, by DataFusion over tables without rows.

Owns the engine's planning session and how it asks the catalog for tables. Executes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import datafusion
import pyarrow as pa
import pyarrow.dataset as pds
from datafusion.catalog import CatalogProvider, SchemaProvider, Table
from datafusion.substrait import Producer
from google.protobuf.message import DecodeError
from substrait.plan_pb2 import Plan as SubstraitPlan

from connectors.errors import CrosswindError, UnknownNameError
from planner.catalog import Catalog, CatalogTable
from planner.failures import panics_as_errors, planning_failure, position_of_name
from planner.null_aware import rewrite_null_aware
from planner.parse import Statement
from planner.relations import Relation
from planner.substrait.reader import read_plan
from planner.substrait.types import NotCarriedError

HOME = "crosswind"
"""The engine's default catalog, where names of one or two parts are looked up, and the schema in it
for those of one part. No source can have this name."""

_CONNECTIVE = re.compile(r" (?:OR|AND|\+|-|\*|/|\|\|) ")

MAX_CONNECTIVES = 200
"""In all conditions of a plan: 0.4 s of writing at the worst; 400 would take 4 s."""

_ZONE = re.compile(r'(?:Some\(|Timestamp\([^()"]*)"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Bound:
    """A statement with its names and types resolved.

    Attributes:
        schema: what the client receives; strings are plain, never views.
        relation: the tree, or None when Substrait cannot carry it.
        names: the root's names as Substrait has them, with those of nested fields.
        origin: the Substrait plan that `relation` was read from.
        tables: every table of the statement, by the name parts under which it was bound.
        not_carried: why there is no tree.
    """

    schema: pa.Schema
    relation: Relation | None
    names: tuple[str, ...]
    origin: SubstraitPlan | None
    tables: dict[tuple[str, ...], CatalogTable]
    not_carried: str = ""

    def table(self, path: tuple[str, ...]) -> CatalogTable:
        """The table at a full path of the tree."""
        return next(table for table in self.tables.values() if table.path == path)


def session_config() -> datafusion.SessionConfig:
    """The settings that planning and execution share: plain strings, no schema of its own."""
    return (
        datafusion.SessionConfig()
        .with_create_default_catalog_and_schema(False)
        .with_default_catalog_and_schema(HOME, HOME)
        .set("datafusion.sql_parser.map_string_types_to_utf8view", "false")
        .set("datafusion.execution.parquet.schema_force_view_types", "false")
    )


def bind(statement: Statement, catalog: Catalog) -> Bound:
    """Resolve names and types, and optimise.

    Raises:
        RequestError: a family of it, with the position where known.
        SourceError: when a source must be asked for a table and cannot be.
    """
    lookup = _Lookup(catalog)
    context = datafusion.SessionContext(_CONFIG)
    context.register_catalog_provider(HOME, _Home(lookup))
    for source in catalog.sources:
        context.register_catalog_provider(source, _SourceCatalog(lookup, source))
    try:
        with panics_as_errors():
            logical = context.sql_with_options(statement.sql, _READ_ONLY).optimized_logical_plan()
            schema = context.create_dataframe_from_logical_plan(logical).schema()
    except Exception as error:
        raise _binding_failure(error, lookup, statement.sql) from None
    return _carry(context, logical, client_schema(schema), lookup, statement.uncarried)


def client_schema(schema: pa.Schema) -> pa.Schema:
    """The schema as clients get it: string and binary views become plain, which all can read."""
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    return pa.schema([pa.field(f.name, plain.get(f.type, f.type), f.nullable) for f in schema])


_CONFIG = session_config()
_READ_ONLY = (
    datafusion.SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
)


def _binding_failure(error: Exception, lookup: _Lookup, sql: str) -> CrosswindError:
    """What the catalog said of a table that was asked for, or what the engine says."""
    failure = planning_failure(str(error), sql)
    missing_table = isinstance(failure, UnknownNameError) and failure.message.startswith("table")
    if missing_table and not lookup.problems:
        # A source that is not there: the engine asked for no table of it.
        lookup.table(tuple(failure.message.split("'")[1].split(".")))
    for parts, problem in lookup.problems.items():
        if not isinstance(problem, UnknownNameError):
            return problem
        if missing_table and parts[-1] in failure.message:
            return UnknownNameError(
                problem.message, position=position_of_name(parts[-1], sql), hint=problem.hint
            )
    return failure


def _carry(
    context: datafusion.SessionContext,
    logical: datafusion.LogicalPlan,
    schema: pa.Schema,
    lookup: _Lookup,
    uncarried: str | None,
) -> Bound:
    def table_of(parts: tuple[str, ...]) -> tuple[tuple[str, ...], pa.Schema]:
        if parts not in lookup.found:
            raise NotCarriedError(f"table function {'.'.join(parts)}")
        table = lookup.found[parts]
        return table.path, table.table.schema

    try:
        if uncarried is not None:
            raise NotCarriedError(uncarried)
        _refuse_zones(logical)
        _refuse_long(logical)
        message = _substrait(context, logical)
        relation, names = read_plan(message, table_of)
        relation = rewrite_null_aware(relation, *_null_aware(logical))
    except NotCarriedError as error:
        return Bound(schema, None, (), None, lookup.found, str(error))
    return Bound(schema, relation, names, message, lookup.found)


def _refuse_long(logical: datafusion.LogicalPlan) -> None:
    """Writing Substrait takes cubic time in the length of a condition, and holds the GIL for it."""
    connectives = len(_CONNECTIVE.findall(logical.display_indent()))
    if connectives > MAX_CONNECTIVES:
        raise NotCarriedError(f"conditions of {connectives:,} parts")


def _substrait(
    context: datafusion.SessionContext, logical: datafusion.LogicalPlan
) -> SubstraitPlan:
    """The engine's plan as a message; its producer raises a plain Exception for what it lacks."""
    try:
        with panics_as_errors():
            encoded = Producer.to_substrait_plan(logical, context).encode()
    except Exception as error:
        found = re.search(r"(?:Unsupported plan type|Cannot convert)[: ]+(\w+)", str(error))
        reason = found.group(1) if found else str(error).split("\n")[0][:120]
        raise NotCarriedError(reason) from error
    try:
        return SubstraitPlan.FromString(encoded)
    except DecodeError as error:
        # Protobuf reads 100 levels; an operator takes three.
        raise NotCarriedError("an expression or a plan nested this deep") from error


def _null_aware(logical: datafusion.LogicalPlan) -> tuple[int, int]:
    """How many anti joins there are, and how many treat NULL as NOT IN does.

    Substrait has no place for that, so it is read off the plan's own text, node by node.

    Raises:
        NotCarriedError: when some may be where nodes cannot be walked, in a subquery.
    """
    text = logical.display_indent()
    if "null_aware" not in text:
        return 0, 0
    joins = [line for line in _nodes(logical) if line.startswith(("LeftAnti", "RightAnti"))]
    null_aware = sum(line.endswith(" null_aware") for line in joins)
    if not null_aware or "Subquery:" in text:
        raise NotCarriedError("NOT IN inside a subquery")
    return len(joins), null_aware


def _nodes(logical: datafusion.LogicalPlan) -> Iterator[str]:
    yield logical.display()
    for node in logical.inputs():
        yield from _nodes(node)


def _refuse_zones(logical: datafusion.LogicalPlan) -> None:
    """Substrait has timestamps with a zone, and no place for which: it comes back as UTC."""
    zones = set(_ZONE.findall(logical.display_indent_schema()))
    if zones - {"UTC", "+00:00"}:
        raise NotCarriedError("a timestamp of a time zone other than UTC")


class _Lookup:
    """The tables that one statement asked for, by their name parts, and what went wrong."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.found: dict[tuple[str, ...], CatalogTable] = {}
        self.problems: dict[tuple[str, ...], CrosswindError] = {}

    def table(self, parts: tuple[str, ...]) -> Table | None:
        """A provider without rows, or None; the reason is kept."""
        try:
            found = self.found[parts] = self._catalog.resolve(parts)
        except CrosswindError as error:
            self.problems[parts] = error
            return None
        return Table(pds.dataset(found.table.schema.empty_table()))


class _Home(CatalogProvider):  # type: ignore[misc]
    """Names of one part (the schema `HOME`) and of two (a schema or a source, and a table)."""

    def __init__(self, lookup: _Lookup) -> None:
        self._lookup = lookup

    def schema_names(self) -> set[str]:
        return set()

    def schema(self, name: str) -> SchemaProvider:
        return _Tables(self._lookup, () if name == HOME else (name,))


class _SourceCatalog(CatalogProvider):  # type: ignore[misc]
    """Names of three parts: a source, a schema and a table."""

    def __init__(self, lookup: _Lookup, source: str) -> None:
        self._lookup = lookup
        self._source = source

    def schema_names(self) -> set[str]:
        return set()

    def schema(self, name: str) -> SchemaProvider:
        return _Tables(self._lookup, (self._source, name))


class _Tables(SchemaProvider):  # type: ignore[misc]
    """The tables below a prefix of name parts, looked up when asked for."""

    def __init__(self, lookup: _Lookup, prefix: tuple[str, ...]) -> None:
        self._lookup = lookup
        self._prefix = prefix

    def table_names(self) -> set[str]:
        return set()

    def table(self, name: str) -> Table | None:
        return self._lookup.table((*self._prefix, name))

    def table_exist(self, name: str) -> bool:
        return self.table(name) is not None
