"""A statement -> its plan: the passes of the planner, in order. Opens nothing, runs nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

import pyarrow as pa

from connectors.contract import Fragment, SqlQuery, Table, TableName, TableScan
from connectors.errors import UnsupportedError
from connectors.far_reads import Gaps
from planner.bind import Bound, bind, client_schema
from planner.catalog import Catalog
from planner.cost import Link
from planner.cut_cost import cut_cost
from planner.decompose import Cut, CutFragment
from planner.emit.few import few_of
from planner.emit.names import unique_names
from planner.emit.rows import columns_of
from planner.emit.scan import scan_of
from planner.emit.select import emit
from planner.followed import Origin, followed
from planner.gaps import gaps_left_out
from planner.key_cost import most_keys
from planner.keyed import keys_of, sent_in, without_keys
from planner.losing import with_losing_cuts
from planner.natives import MOST_SCANNED_KEYS, Natives, scanned_columns, shown_keys
from planner.options import PlanningOptions
from planner.parse import Statement, tokenize
from planner.placing import Place, Places
from planner.plan import (
    Kept,
    NativeRead,
    Plan,
    PlannedFragment,
    PlannedStage,
    Reduction,
    RejectedCut,
    Sending,
    SqlResidual,
    SubstraitResidual,
)
from planner.reductions import (
    Reduced,
    in_one_piece,
    patience_seconds,
)
from planner.relations import (
    Field,
    Filter,
    Project,
    Read,
    Relation,
    inputs_of,
    kind_of,
    subqueries_of,
)
from planner.repeated import Arranged
from planner.replicas import with_cheapest_copies
from planner.residual_text import residual_text
from planner.rewrite import read_all
from planner.sent_whole import ways_of
from planner.serialised import paths_in, serialised
from planner.shapes import keyed_shape_of
from planner.sides import Sided, with_sides
from planner.sizes import refuse_large
from planner.substrait.types import NotCarriedError
from planner.text_views import with_plain_texts, with_views
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
        plan = _planned_copies(statement, bound, catalog, options)
    else:
        places = Places(bound, options, catalog.seen)
        plan = _planned_query(statement, bound, places, options)
        _check_required(plan.kept, places)
    plan = replace(plan, near=_near(bound, catalog))
    return plan if statement.mode == "query" else replace(plan, links=_links_of(plan, catalog))


def _links_of(plan: Plan, catalog: Catalog) -> tuple[tuple[str, Link], ...]:
    names = {f.source for f in plan.fragments} | {n.source for n in plan.natives}
    sources = [catalog.runnable[name] for name in sorted(names)]
    return tuple((s.name, s.link) for s in sources if not s.connector.capabilities.local)


def _near(bound: Bound, catalog: Catalog) -> tuple[tuple[str, Table], ...]:
    tables = (*bound.tables.values(), *bound.copies.values())
    near = [t for t in tables if t.source.connector.capabilities.local]
    return tuple((t.source.name, t.table) for t in near if t.source.name in catalog.sources)


def _planned_copies(
    statement: Statement, bound: Bound, catalog: Catalog, options: PlanningOptions
) -> Plan:
    """The plan over the copies of tables that are cheapest to read now."""
    choice = with_cheapest_copies(bound, catalog, options)
    plan = _planned_query(statement, choice.bound, choice.places, options, choice.rejected)
    _check_required(plan.kept, choice.places)
    return replace(plan, warnings=(*plan.warnings, *choice.warnings))


def _planned_query(
    statement: Statement,
    bound: Bound,
    places: Places,
    options: PlanningOptions,
    rejected: tuple[RejectedCut, ...] = (),
) -> Plan:
    """The plan of what was bound.

    Args:
        rejected: other copies of its tables; what is not cut reads the tables that it names.
    """
    if bound.relation is None:
        return _by_tables(statement, bound, options, bound.not_carried)
    ways = [*ways_of(bound.relation, places)]
    if ways[-1].reduced.relation is not bound.relation:
        # A pass adds a level here and there, and the engine reads so many: then the tree as it was.
        ways.append(Arranged(Reduced(bound.relation), places))
    reason = ""
    for way in ways:
        cut, places = way.cut, way.places
        if cut.whole and client_schema(_schema(cut.residual.fields)).types != bound.schema.types:
            reason = "a result type that its source cannot make"
            continue
        try:
            plan = _carried(statement, bound, cut, places)
        except NotCarriedError as error:
            reason = str(error)
        else:
            if plan.residual is not None and options.pushdown != "required":
                reason = "the engine cannot read its own plan"
                plan = replace(plan, uncut=_uncut(bound, options, reason))
            plan = replace(plan, rejected=(*plan.rejected, *rejected))
            if options.caution is not None:
                plan = replace(plan, seconds=cut_cost(cut, places).seconds)
            if statement.mode != "query":
                plan = with_losing_cuts(plan, bound.relation, cut, places, options)
            return _with_warnings(plan, statement, bound, _in_full(cut))
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


def _carried(statement: Statement, bound: Bound, cut: Cut, places: Places) -> Plan:
    """A cut's plan; where joins that are turned round make it too deep, with these as they were."""
    fragments = {fragment.name: fragment for fragment in cut.fragments}
    gaps = gaps_left_out(cut, places)
    sided = partial(with_sides, fragments=fragments, places=places, scanned=gaps)
    try:
        return _by_cut(statement, bound, cut, places, sided, gaps)
    except NotCarriedError:
        return _by_cut(statement, bound, cut, places, Sided, {})


def _by_cut(
    statement: Statement,
    bound: Bound,
    cut: Cut,
    places: Places,
    sided: Callable[[Relation], Sided],
    gaps: Mapping[tuple[str, ...], Gaps],
) -> Plan:
    fragments = tuple(_planned(fragment, bound, cut, places) for fragment in cut.fragments)
    if cut.whole:
        return _of_one_fragment(statement, bound, cut, fragments[0])
    natives = Natives(bound, cut, places, gaps)
    staged = [(stage, _named(sided(stage.relation), natives)) for stage in cut.stages]
    residual = _named(sided(cut.residual), natives)
    read = with_views(natives.found, [residual.relation, *(t.relation for _, t in staged)])
    labels = {native.name: _label(native) for native in read}
    assert bound.origin is not None
    write = partial(
        serialised,
        origin=bound.origin,
        natives=read,
        stages=frozenset(stage.name for stage in cut.stages),
    )
    trees = (residual, *(tree for _, tree in staged))
    reads = Counter(path[0] for tree in trees for path in paths_in(tree.relation))

    def written(tree: Sided, names: tuple[str, ...]) -> SubstraitResidual:
        plain = with_plain_texts(tree.relation, read)
        return write(plain, names, as_written=tree.as_written)

    stages = tuple(
        PlannedStage(
            stage.name,
            written(tree, _names(stage.fields)),
            _schema(stage.fields),
            residual_text(tree.relation, labels),
            places.estimate(read_all((stage.name,), stage.fields)),
            stage.shape,
            _stages_before(tree.relation, cut),
            stage.work,
            reads[stage.name],
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
        read,
        written(residual, names),
        residual_text(residual.relation, labels),
        tuple(cut.kept),
        tuple(cut.rejected),
        followed=followed(_in_full(cut), _origins(fragments, natives), cut.kept),
        stages=stages,
    )


def _of_one_fragment(
    statement: Statement, bound: Bound, cut: Cut, fragment: PlannedFragment
) -> Plan:
    """The plan of which a fragment is the answer."""
    # A scan keeps its table's names; the client's are put on by position.
    own = fragment.fragment
    schema = bound.schema if isinstance(own.query, SqlQuery) else own.schema
    answer = replace(fragment, fragment=replace(own, schema=schema))
    kept, rejected = tuple(cut.kept), tuple(cut.rejected)
    return Plan(statement.sql, bound.schema, (answer,), (), None, "", kept, rejected)


def _in_full(cut: Cut) -> Relation:
    """The residual with its stages in it, as it runs when no keys are sent."""
    return without_keys(in_one_piece(cut.residual, cut.stages)) if cut.stages else cut.residual


def _named(sided: Sided, natives: Natives) -> Sided:
    return replace(sided, relation=natives.named(sided.relation))


def _names(fields: tuple[Field, ...]) -> tuple[str, ...]:
    return tuple(field.name for field in fields)


def _origins(
    fragments: Iterable[PlannedFragment], natives: Natives
) -> dict[tuple[str, ...], Origin]:
    """What each read of a residual reads, by its path there."""
    own = {path: Origin(n.source, (str(n.table),), native=True) for path, n in natives.by_path()}
    return own | {(f.name,): Origin(f.source, f.tables) for f in fragments}


def _label(native: NativeRead) -> str:
    return f"{native.source}.{native.table}"


def _planned(fragment: CutFragment, bound: Bound, cut: Cut, places: Places) -> PlannedFragment:
    place = fragment.place
    # Keys are of stages.
    relation = without_keys(fragment.relation) if cut.stages else fragment.relation
    fields = fragment.fields
    names = tuple(bound.schema.names) if cut.whole else tuple(f.name for f in fields)
    query: SqlQuery | TableScan
    sending = None
    if place.dialect is None:
        query = scan_of(relation, lambda read: [f.name for f in read.base])
    elif sent_in(relation):
        sending = _sending(relation, names, place, bound, places)
        query = SqlQuery(sending.statement.sql(place.dialect.generator))
    else:
        select = emit(relation, names, place.dialect, lambda path: bound.table(path).table)
        generator = place.dialect.generator
        through = places.read_through(relation)
        whole = None if through is None else bound.table(through.path).table.name
        few = flows = None
        if place.dialect.few:
            flows = _flows(relation, bound)
            expected = places.estimate(relation)
            few = few_of(select, expected, generator, flows=flows is not None)
        query = SqlQuery(select.sql(generator, copy=False), whole, few, flows)
    paths = tuple(dict.fromkeys(path for path in paths_in(relation) if len(path) > 1))
    tables = tuple(bound.table(path).table for path in paths)
    short = places.short(relation, place)
    return PlannedFragment(
        fragment.name,
        place.source.name,
        Fragment(query, _schema(fields), place.compression, short, tables),
        tuple(".".join(path[1:]) for path in paths),
        tuple(_operators(relation)),
        fragment.estimate,
        fragment.cost,
        None if relation is fragment.relation else _reduction(fragment, bound, cut, places),
        relation.shape if relation is fragment.relation else None,
        keyed_shape_of(fragment.relation),
        work=fragment.work,
        beside_bytes=places.beside_bytes(fragment.relation, place),
        sending=sending,
    )


def _sending(
    relation: Relation, names: tuple[str, ...], place: Place, bound: Bound, places: Places
) -> Sending:
    assert place.dialect is not None
    statement = emit(relation, names, place.dialect, lambda path: bound.table(path).table)
    few = places.estimate(relation) if place.dialect.few else None
    return Sending(statement, place.dialect.name, columns_of(statement), few)


def _reduction(fragment: CutFragment, bound: Bound, cut: Cut, places: Places) -> Reduction:
    relation, dialect = fragment.relation, fragment.place.dialect
    conditions = keys_of(relation)
    keys = tuple((each.stage, each.column) for each in conditions)
    columns = tuple(shown_keys(each, cut) for each in conditions)
    alone = places.estimate(without_keys(relation))
    most = most_keys(relation, alone, fragment.place, places)
    patience = patience_seconds(alone, fragment.place, places)
    if dialect is None:
        scanned = scanned_columns(relation)
        shown = ", ".join(
            f"{each.name} IN (keys of {column})"
            for each, column in zip(scanned, columns, strict=True)
        )
        most = min(most, MOST_SCANNED_KEYS)
        return Reduction(None, "", keys, most, patience, columns, alone, shown, None, scanned)
    assert dialect.keys is not None
    names = _names(fragment.fields)
    statement = emit(relation, names, dialect, lambda path: bound.table(path).table)
    return Reduction(
        statement,
        dialect.name,
        keys,
        min(most, dialect.keys.most),
        patience,
        columns,
        alone,
        statement.sql(dialect.generator),
        fragment.estimate if dialect.few else None,
    )


def _stages_before(tree: Relation, cut: Cut) -> tuple[str, ...]:
    """The stages that a stage needs: whose rows it reads, or whose keys or rows what it reads waits
    for."""
    fragments = {fragment.name: fragment.relation for fragment in cut.fragments}
    names = {stage.name for stage in cut.stages}
    read = [path[0] for path in paths_in(tree)]
    waiting = [tree, *(fragments[name] for name in read if name in fragments)]
    keys = [each.stage for relation in waiting for each in keys_of(relation)]
    sent = [name for relation in waiting[1:] for name in sent_in(relation)]
    return tuple(dict.fromkeys([*(name for name in read if name in names), *keys, *sent]))


def _flows(relation: Relation, bound: Bound) -> TableName | None:
    """The table whose rows come as it is read; see `SqlQuery.flows`."""
    while isinstance(relation, Project | Filter):
        if any(subqueries_of(relation)):
            return None
        relation = relation.input
    if not isinstance(relation, Read):
        return None
    table = bound.table(relation.path).table
    return table.name if table.kind == "TABLE" else None


def _schema(fields: tuple[Field, ...]) -> pa.Schema:
    return pa.schema([pa.field(f.name, f.type, f.nullable) for f in fields])


def _operators(relation: Relation) -> list[str]:
    """Relation kinds, outermost first; reads, and projections that only pick, left out."""
    silent = isinstance(relation, Read | Project)
    own = [] if silent else [kind_of(relation)]
    inner = [kind for i in inputs_of(relation) for kind in _operators(i)]
    return list(dict.fromkeys(own + inner))


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
