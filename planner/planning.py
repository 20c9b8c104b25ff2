"""A statement -> its plan: the passes of the planner, in order. Opens nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pyarrow as pa
from google.protobuf.message import DecodeError
from substrait.plan_pb2 import Plan as SubstraitPlan

from connectors.contract import Fragment, SqlQuery, TableName, TableScan
from connectors.errors import UnsupportedError
from planner.barriers import with_barriers
from planner.bind import Bound, bind, client_schema
from planner.catalog import Catalog
from planner.decompose import Cut, CutFragment, decompose
from planner.emit.few import few_of
from planner.emit.names import unique_names
from planner.emit.scan import scan_of
from planner.emit.select import emit
from planner.estimate import estimate
from planner.followed import Origin, followed
from planner.options import PlanningOptions
from planner.parse import Statement, tokenize
from planner.passes import rearranged
from planner.placing import Places
from planner.plan import (
    SCOPE_LENGTH,
    Kept,
    NativeRead,
    Plan,
    PlannedFragment,
    PlannedStage,
    Reduction,
    SqlResidual,
    SubstraitResidual,
)
from planner.reductions import (
    Reduced,
    in_one_piece,
    keys_of,
    most_keys,
    patience_seconds,
    reduced,
    without_keys,
)
from planner.relations import (
    Field,
    Project,
    Read,
    Relation,
    inputs_of,
    kind_of,
    subqueries_of,
)
from planner.replicas import with_cheapest_copies
from planner.residual_text import residual_text
from planner.rewrite import read_all, with_reads
from planner.sizes import refuse_large
from planner.substrait.types import NotCarriedError
from planner.substrait.writer import write_plan
from planner.warn import warnings_of


def plan_query(
    statement: Statement, catalog: Catalog, options: PlanningOptions | None = None
) -> Plan:
    """Plan one statement: bind, decompose, emit.

    Raises:
        RequestError: the statement is at fault, with the position where known.
        SizeLimitError: a value that its literals make is beyond the limit.
        UnsupportedError: something stays here that `pushdown = "required"` wants at its source.
        SourceError: a source must be asked about a table, and cannot be.
    """
    options = options or PlanningOptions()
    refuse_large(statement.sql, statement.tokens or tokenize(statement.sql))
    bound = bind(statement, catalog)
    if catalog.replicas:
        return _planned_copies(statement, bound, catalog, options)
    places = Places(bound, options, catalog.seen)
    plan = _planned_query(statement, bound, places, options)
    _check_required(plan.kept, places)
    return plan


def _planned_copies(
    statement: Statement, bound: Bound, catalog: Catalog, options: PlanningOptions
) -> Plan:
    """The plan over the copies of tables that are cheapest to read now."""
    choice = with_cheapest_copies(bound, catalog, options)
    plan = _planned_query(statement, choice.bound, choice.places, options)
    _check_required(plan.kept, choice.places)
    # What is not cut reads the tables that it names.
    rejected = () if isinstance(plan.residual, SqlResidual) else choice.rejected
    return replace(
        plan,
        rejected=(*plan.rejected, *rejected),
        warnings=(*plan.warnings, *choice.warnings),
    )


def _planned_query(
    statement: Statement, bound: Bound, places: Places, options: PlanningOptions
) -> Plan:
    if bound.relation is None:
        return _by_tables(statement, bound, options, bound.not_carried)
    ways = [reduced(rearranged(bound.relation, places), places)]
    if ways[0].relation is not bound.relation:
        # A pass adds a level here and there, and the engine reads so many: then the tree as it was.
        ways.append(Reduced(bound.relation))
    reason = ""
    for way in ways:
        cut = decompose(way, places)
        if cut.whole and client_schema(_schema(cut.residual.fields)).types != bound.schema.types:
            reason = "a result type that its source cannot make"
            continue
        try:
            plan = _by_cut(statement, bound, cut, places)
        except NotCarriedError as error:
            reason = str(error)
        else:
            if plan.residual is not None and options.pushdown != "required":
                reason = "the engine cannot read its own plan"
                plan = replace(plan, uncut=_uncut(bound, options, reason))
            whole = in_one_piece(cut.residual, cut.stages)
            return _with_warnings(plan, statement, bound, whole)
    return _by_tables(statement, bound, options, reason)


def _with_warnings(
    plan: Plan, statement: Statement, bound: Bound, residual: Relation | None
) -> Plan:
    tables = (*bound.tables.values(), *bound.copies.values())
    found = warnings_of(statement, tables, bound.relation, plan, residual)
    return replace(plan, warnings=found) if found else plan


def _check_required(kept: tuple[Kept, ...], places: Places) -> None:
    """Nothing stays here for another reason than cost, of a source that must run it all."""
    refused = [k for k in kept if k.refused and places.required(k.source)]
    if refused:
        reasons = "; ".join(f"{k.operator} over {k.source}: {k.reason}" for k in refused)
        raise UnsupportedError(
            f"not all of the statement can run at its source: {reasons}",
            source=refused[0].source,
            hint='With pushdown = "proven" the rest runs here, over the rows that it needs.',
        )


def _by_cut(statement: Statement, bound: Bound, cut: Cut, places: Places) -> Plan:
    fragments = tuple(_planned(fragment, bound, cut, places) for fragment in cut.fragments)
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
    staged = [(stage, _with_natives(stage.relation, bound, natives)) for stage in cut.stages]
    staged_names = {stage.name for stage in cut.stages}
    residual = _with_natives(cut.residual, bound, natives)
    native_names = frozenset(native.name for native in natives.values())
    labels = {native.name: _label(native) for native in natives.values()}
    stages = tuple(
        PlannedStage(
            stage.name,
            _serialised(with_barriers(tree, native_names), _names(stage.fields), bound),
            _schema(stage.fields),
            residual_text(tree, labels),
            places.estimate(read_all((stage.name,), stage.fields)),
            places.stage_shape((stage.name,)),
            tuple(path[0] for path in _paths(tree) if path[0] in staged_names),
        )
        for stage, tree in staged
    )
    # The engine refuses two columns of one name; the client's names are put on by position.
    flat = len(bound.names) == len(bound.schema)
    names = unique_names(bound.names) if flat else bound.names
    return Plan(
        statement.sql,
        bound.schema,
        fragments,
        tuple(natives.values()),
        _serialised(with_barriers(residual, native_names), names, bound),
        residual_text(residual, labels),
        tuple(cut.kept),
        tuple(cut.rejected),
        followed=followed(
            in_one_piece(cut.residual, cut.stages), _origins(fragments, natives), cut.kept
        ),
        stages=stages,
    )


def _names(fields: tuple[Field, ...]) -> tuple[str, ...]:
    return tuple(field.name for field in fields)


def _origins(
    fragments: Iterable[PlannedFragment], natives: Mapping[tuple[str, ...], NativeRead]
) -> dict[tuple[str, ...], Origin]:
    """What each read of a residual reads, by its path there."""
    own = {path: Origin(n.source, (str(n.table),), native=True) for path, n in natives.items()}
    return own | {(f.name,): Origin(f.source, f.tables) for f in fragments}


def _label(native: NativeRead) -> str:
    return f"{native.source}.{native.table}"


def _planned(fragment: CutFragment, bound: Bound, cut: Cut, places: Places) -> PlannedFragment:
    relation, place = without_keys(fragment.relation), fragment.place
    fields = fragment.fields
    names = tuple(bound.schema.names) if cut.whole else tuple(f.name for f in fields)
    query: SqlQuery | TableScan
    if place.dialect is None:
        query = scan_of(relation, lambda read: [f.name for f in read.base])
    else:
        select = emit(relation, names, place.dialect, lambda path: bound.table(path).table)
        generator = place.dialect.generator
        whole = _whole(relation, bound)
        few = None
        if place.dialect.few:
            few = few_of(select, places.estimate(relation), generator)
        query = SqlQuery(select.sql(generator), whole, few)
    return PlannedFragment(
        fragment.name,
        place.source.name,
        Fragment(query, _schema(fields)),
        tuple(dict.fromkeys(".".join(path[1:]) for path in _paths(relation))),
        tuple(_operators(relation)),
        fragment.estimate,
        fragment.cost,
        None if relation is fragment.relation else _reduction(fragment, bound, cut, places),
        relation.shape if relation is fragment.relation else None,
    )


def _reduction(fragment: CutFragment, bound: Bound, cut: Cut, places: Places) -> Reduction:
    relation, dialect = fragment.relation, fragment.place.dialect
    assert dialect is not None
    assert dialect.keys is not None
    names = _names(fragment.fields)
    statement = emit(relation, names, dialect, lambda path: bound.table(path).table)
    conditions = keys_of(relation)
    columns = {stage.name: _names(stage.fields) for stage in cut.stages}
    alone = places.estimate(without_keys(relation))
    return Reduction(
        statement,
        dialect.name,
        tuple((keys.stage, keys.column) for keys in conditions),
        min(most_keys(alone, places), dialect.keys.most),
        patience_seconds(alone, fragment.place, places),
        tuple(f"{keys.stage}.{columns[keys.stage][keys.column]}" for keys in conditions),
        alone,
        statement.sql(dialect.generator),
        fragment.estimate if dialect.few else None,
    )


def _whole(relation: Relation, bound: Bound) -> TableName | None:
    """The table of which each row gives one row of `relation`; see `SqlQuery.whole`."""
    while isinstance(relation, Project):
        relation = relation.input
    return bound.table(relation.path).table.name if isinstance(relation, Read) else None


def _fields(schema: pa.Schema) -> tuple[Field, ...]:
    return tuple(Field(f.name, f.type, f.nullable) for f in schema)


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
        if read.path in bound.copies:  # The engine has it as it is, not as it was promised.
            return replace(read, path=(native.name,), base=_fields(native.schema))
        return replace(read, path=(native.name,))

    return with_reads(relation, change)


def _serialised(residual: Relation, names: tuple[str, ...], bound: Bound) -> SubstraitResidual:
    """The residual's bytes, with a scope that occurs in them once a read and nowhere else."""
    assert bound.origin is not None
    reads = len(_paths(residual))
    for mark in "~!#%&*+=?^_-":
        scope = "run" + mark * (SCOPE_LENGTH - 3)
        message = _written(residual, names, bound.origin, scope)
        if message.count(scope.encode()) == reads:
            return SubstraitResidual(message, scope.encode())
    raise NotCarriedError("a text that holds every placeholder")


def _written(
    residual: Relation, names: tuple[str, ...], origin: SubstraitPlan, scope: str
) -> bytes:
    """The message, which the engine reads: it takes as many levels as protobuf does here."""
    try:
        message: bytes = write_plan(residual, names, origin, (scope,)).SerializeToString()
        SubstraitPlan.FromString(message)
    except DecodeError as error:
        raise NotCarriedError("a plan nested this deep") from error
    return message


def _native(read: Read, bound: Bound, name: str) -> NativeRead:
    table = bound.table(read.path)
    expected = estimate(read, lambda _: table.source.connector.statistics(table.table.name))
    return NativeRead(name, table.source.name, table.table.name, table.table.schema, (), expected)


def _by_tables(statement: Statement, bound: Bound, options: PlanningOptions, reason: str) -> Plan:
    """The plan of a statement that cannot be cut: each table is read by itself."""
    residual = replace(_uncut(bound, options, reason), text=bound.text)
    kept = tuple(
        Kept("statement", table.source.name, f"{reason} has no form in Substrait")
        for table in bound.tables.values()
        if not table.source.connector.capabilities.native
    )
    plan = Plan(statement.sql, bound.schema, (), (), residual, "", tuple(dict.fromkeys(kept)))
    return _with_warnings(plan, statement, bound, None)


def _uncut(bound: Bound, options: PlanningOptions, reason: str) -> SqlResidual:
    tables = tuple(
        (parts, table.source.name, table.table.name) for parts, table in bound.tables.items()
    )
    return SqlResidual(bound.sql, tables, reason, options.pushdown)
