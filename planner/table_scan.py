"""The fragment that reads one table with a projection and a filter, made while a query runs.

This is the path of statements that cannot be cut: the engine plans them whole, and asks each table
for columns and rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from connectors.contract import Fragment, SqlQuery, TableScan
from planner.catalog import CatalogTable
from planner.compression import compression_over
from planner.emit.dialects import dialect_named
from planner.emit.expressions import refusal_of
from planner.emit.float_order import RowFilter
from planner.emit.scan import engine_filter, scan_of, scan_refusal
from planner.emit.select import emit
from planner.options import Pushdown
from planner.plan import PlannedFragment
from planner.relations import (
    Expression,
    Field,
    FieldRef,
    Filter,
    Project,
    Read,
    Relation,
    conjunction,
    conjuncts,
    references,
)
from planner.rewrite import read_all
from planner.substrait.arrow_filter import read_filter


def plan_scan(
    name: str,
    table: CatalogTable,
    columns: Sequence[str],
    condition: pc.Expression | None,
    pushdown: Pushdown | None = None,
) -> tuple[PlannedFragment, RowFilter | None]:
    """A fragment that returns a table's columns, filtered as far as its source can.

    Args:
        columns: wanted columns; the fragment's first columns, in this order.
        condition: a filter over the table's columns.
        pushdown: the statement's own, or None for the source's.

    Raises:
        NotCarriedError: when the filter cannot be read.

    Returns:
        the fragment, and the filter that the reader must apply to its batches, or None. The
        fragment has the columns of that filter too, after the wanted ones.
    """
    schema = table.table.schema
    base = tuple(Field(f.name, f.type, f.nullable) for f in schema)
    parts = () if condition is None else conjuncts(read_filter(condition, schema))
    goes = tuple(p for p in parts if _refusal(table, base, p, pushdown) is None)
    stays = tuple(p for p in parts if p not in goes)
    wanted = list(columns)
    for part in stays:
        wanted += [schema.names[i] for i in sorted(references(part) or ())]
    planned = _planned(name, table, list(dict.fromkeys(wanted)), base, goes)
    return planned, engine_filter(conjunction(stays), schema.names) if stays else None


def _refusal(
    table: CatalogTable, base: tuple[Field, ...], part: Expression, pushdown: Pushdown | None
) -> str | None:
    capabilities = table.source.connector.capabilities
    pushdown = pushdown or table.source.pushdown
    if pushdown == "none":
        return "pushdown is off for this source"
    if "filter" not in capabilities.relations:
        return "the source does not run filter"
    filtered = Filter(read_all(table.path, base), part)
    if capabilities.dialect is None:
        return scan_refusal(filtered)
    dialect = dialect_named(capabilities.dialect)
    return refusal_of(filtered, dialect, capabilities.functions, unproven=pushdown == "all")


def _planned(
    name: str,
    table: CatalogTable,
    columns: Sequence[str],
    base: tuple[Field, ...],
    goes: tuple[Expression, ...],
) -> PlannedFragment:
    positions = {field.name: index for index, field in enumerate(base)}
    picked = [positions[column] for column in columns] or [0]
    relation: Relation = Read(table.path, base, tuple(range(len(base))))
    if goes:
        relation = Filter(relation, conjunction(goes))
    fields = tuple(base[i] for i in picked)
    refs = tuple(FieldRef(i, base[i].type, base[i].nullable) for i in picked)
    relation = Project(relation, refs, fields)
    spoken = table.source.connector.capabilities.dialect
    if spoken is None:
        query: TableScan | SqlQuery = scan_of(relation, lambda read: [f.name for f in read.base])
    else:
        dialect = dialect_named(spoken)
        statement = emit(relation, tuple(f.name for f in fields), dialect, lambda _: table.table)
        query = SqlQuery(statement.sql(dialect.generator))
    schema = pa.schema([pa.field(f.name, f.type, f.nullable) for f in fields])
    compressions = table.source.connector.capabilities.compressions
    compression = compression_over(table.source.link, compressions)
    fragment = Fragment(query, schema, compression, tables=(table.table,))
    return PlannedFragment(name, table.source.name, fragment, (str(table.table.name),), ("filter",))
