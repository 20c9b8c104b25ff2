"""A statement -> its plan: the passes of the planner, in order. Opens nothing, runs nothing."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
from google.protobuf.message import DecodeError
from substrait.plan_pb2 import Plan as SubstraitPlan

from connectors.contract import Fragment, SqlQuery, TableScan
from planner.bind import Bound, bind
from planner.catalog import Catalog
from planner.decompose import Cut, CutFragment, decompose
from planner.emit.names import unique_names
from planner.emit.scan import scan_of
from planner.emit.select import emit
from planner.estimate import estimate
from planner.parse import Statement
from planner.plan import (
    SCOPE_LENGTH,
    Kept,
    NativeRead,
    Plan,
    PlannedFragment,
    SqlResidual,
    SubstraitResidual,
)
from planner.relations import (
    Fetch,
    Field,
    Project,
    Read,
    Relation,
    inputs_of,
    kind_of,
    subqueries_of,
)
from planner.residual_text import residual_text
from planner.rewrite import with_reads
from planner.substrait.types import NotCarriedError
from planner.substrait.writer import write_plan


def plan_query(statement: Statement, catalog: Catalog) -> Plan:
    """Plan one statement: bind, decompose, emit.

    Raises:
        RequestError: the statement is at fault, with the position where known.
        SourceError: a source must be asked about a table, and cannot be.
    """
    bound = bind(statement, catalog)
    if bound.relation is None:
        return _by_tables(statement, bound, bound.not_carried)
    cut = decompose(bound, bound.relation)
    if cut.whole and _schema(cut.residual.fields).types != bound.schema.types:
        return _by_tables(statement, bound, "a result type that its source cannot make")
    try:
        return _by_cut(statement, bound, cut)
    except NotCarriedError as error:
        return _by_tables(statement, bound, str(error))


def _by_cut(statement: Statement, bound: Bound, cut: Cut) -> Plan:
    fragments = tuple(_planned(fragment, bound, cut) for fragment in cut.fragments)
    if cut.whole:
        # A scan keeps its table's names; the client's are put on by position.
        own = fragments[0].fragment
        schema = bound.schema if isinstance(own.query, SqlQuery) else own.schema
        answer = replace(fragments[0], fragment=Fragment(own.query, schema))
        return Plan(
            statement.sql,
            bound.schema,
            (answer,),
            (),
            None,
            "",
            tuple(cut.kept),
            tuple(cut.rejected),
        )
    natives: dict[tuple[str, ...], NativeRead] = {}
    residual = _with_natives(cut.residual, bound, natives)
    native_names = frozenset(native.name for native in natives.values())
    return Plan(
        statement.sql,
        bound.schema,
        fragments,
        tuple(natives.values()),
        _serialised(_with_barriers(residual, native_names), bound),
        residual_text(residual, {n.name: _label(n) for n in natives.values()}),
        tuple(cut.kept),
        tuple(cut.rejected),
    )


def _label(native: NativeRead) -> str:
    return f"{native.source}.{native.table}"


def _planned(fragment: CutFragment, bound: Bound, cut: Cut) -> PlannedFragment:
    relation, place = fragment.relation, fragment.place
    fields = fragment.fields
    names = tuple(bound.schema.names) if cut.whole else tuple(f.name for f in fields)
    query: SqlQuery | TableScan
    if place.dialect is None:
        query = scan_of(relation, lambda read: [f.name for f in read.base])
    else:
        select = emit(relation, names, place.dialect, lambda path: bound.table(path).table)
        query = SqlQuery(select.sql(place.dialect.generator))
    return PlannedFragment(
        fragment.name,
        place.source.name,
        Fragment(query, _schema(fields)),
        tuple(dict.fromkeys(".".join(path[1:]) for path in _paths(relation))),
        tuple(_operators(relation)),
        fragment.estimate,
        fragment.cost,
    )


def _schema(fields: tuple[Field, ...]) -> pa.Schema:
    return pa.schema([pa.field(f.name, f.type, f.nullable) for f in fields])


def _paths(relation: Relation) -> list[tuple[str, ...]]:
    own = [relation.path] if isinstance(relation, Read) else []
    inner = [path for query in subqueries_of(relation) for path in _paths(query)]
    return own + inner + [path for i in inputs_of(relation) for path in _paths(i)]


def _operators(relation: Relation) -> list[str]:
    """Relation kinds, outermost first; reads, and projections that only pick, left out."""
    silent = isinstance(relation, Read | Project)
    own = [] if silent else [kind_of(relation)]
    inner = [kind for i in inputs_of(relation) for kind in _operators(i)]
    return list(dict.fromkeys(own + inner))


def _with_natives(
    relation: Relation, bound: Bound, natives: dict[tuple[str, ...], NativeRead]
) -> Relation:
    """The residual with each table that the engine reads itself under a name of one part."""

    def change(read: Read) -> Relation:
        if len(read.path) == 1:
            return read
        native = natives.get(read.path) or _native(read, bound, f"n{len(natives) + 1}")
        columns = dict.fromkeys((*native.columns, *(f.name for f in read.fields)))
        natives[read.path] = replace(native, columns=tuple(columns))
        return replace(read, path=(native.name,))

    return with_reads(relation, change)


def _with_barriers(relation: Relation, natives: frozenset[str]) -> Relation:
    """The residual with a limit that never bites above each read of a fragment.

    The engine would push filters into such a read, where Arrow's kernels, which order NaN
    differently, would have to decide them. Nothing is pushed below a limit.
    """

    def change(read: Read) -> Relation:
        return read if read.path[0] in natives else Fetch(read, 0, 2**63 - 1)

    return with_reads(relation, change)


def _serialised(residual: Relation, bound: Bound) -> SubstraitResidual:
    """The residual's bytes, with a scope that occurs in them once a read and nowhere else."""
    assert bound.origin is not None
    reads = len(_paths(residual))
    # The engine refuses two columns of one name; the client's names are put on by position.
    flat = len(bound.names) == len(bound.schema)
    names = unique_names(bound.names) if flat else bound.names
    for mark in "~!#%&*+=?^_-":
        scope = "run" + mark * (SCOPE_LENGTH - 3)
        message = write_plan(residual, names, bound.origin, (scope,)).SerializeToString()
        if message.count(scope.encode()) == reads:
            _check_depth(message)
            return SubstraitResidual(message, scope.encode())
    raise NotCarriedError("a text that holds every placeholder")


def _check_depth(message: bytes) -> None:
    """The engine reads as many levels of a message as protobuf does here."""
    try:
        SubstraitPlan.FromString(message)
    except DecodeError as error:
        raise NotCarriedError("a plan nested this deep") from error


def _native(read: Read, bound: Bound, name: str) -> NativeRead:
    table = bound.table(read.path)
    expected = estimate(read, lambda _: table.source.connector.statistics(table.table.name))
    return NativeRead(name, table.source.name, table.table.name, table.table.schema, (), expected)


def _by_tables(statement: Statement, bound: Bound, reason: str) -> Plan:
    """The plan of a statement that cannot be cut: each table is read by itself."""
    tables = tuple(
        (parts, table.source.name, table.table.name) for parts, table in bound.tables.items()
    )
    residual = SqlResidual(statement.sql, tables, reason)
    kept = tuple(
        Kept("statement", table.source.name, f"{reason} has no form in Substrait")
        for table in bound.tables.values()
    )
    return Plan(statement.sql, bound.schema, (), (), residual, "", tuple(dict.fromkeys(kept)))
