"""Names and types: the statement -> a relation tree, by DataFusion over tables without rows.

Executes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import datafusion
import pyarrow as pa
from datafusion.substrait import Producer
from google.protobuf.message import DecodeError
from substrait.plan_pb2 import Plan as SubstraitPlan

from connectors.errors import CrosswindError, UnknownNameError, UnsupportedError
from planner.catalog import Catalog, CatalogTable
from planner.desugar.desugar import desugared, first_subquery
from planner.desugar.duplicates import REFUSALS, Renamed, distinct_outputs
from planner.desugar.tree import CORRELATED, has_fresh_names
from planner.engine_words import construct_of
from planner.explain_options import position_of
from planner.failures import (
    missing_table,
    panics_as_errors,
    planning_failure,
    position_of_name,
)
from planner.intervals import refuse_compared, refuse_compared_text
from planner.lookup import HOME as HOME
from planner.lookup import Lookup
from planner.lost import refuse_lost, refuse_lost_sets
from planner.null_aware import rewrite_null_aware
from planner.parse import Statement, tokenize
from planner.plain_equalities import with_plain_equalities
from planner.relations import Field, Relation
from planner.sessions import planning_session
from planner.sessions import session_config as session_config
from planner.sessions import without_faulty_rules as without_faulty_rules
from planner.sessions import without_named_unions as without_named_unions
from planner.stand_ins import reads_none
from planner.substrait.reader import read_plan
from planner.substrait.types import NotCarriedError
from planner.times_of_day import OWN_UNIT, in_the_columns_unit
from planner.wide_times import in_microseconds

_CONNECTIVE = re.compile(r" (?:OR|AND|\+|-|\*|/|\|\|) ")

_OF_SCAN = re.compile(r"_filters=\[(.*)\]")
_COMPARISON = re.compile(r" (?:=|!=|<|<=|>|>=|IS|NOT|LIKE|ILIKE|BETWEEN|IN) ")

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
        copies: the tables that are read in place of some of these, by their full names.
        not_carried: why there is no tree.
        sql: the statement as the engine was given it; its lines and columns are its own.
        text: the engine's own plan, in its words.
    """

    schema: pa.Schema
    relation: Relation | None
    names: tuple[str, ...]
    origin: SubstraitPlan | None
    tables: dict[tuple[str, ...], CatalogTable]
    not_carried: str = ""
    sql: str = ""
    text: str = ""
    copies: Mapping[tuple[str, ...], CatalogTable] = field(default_factory=dict)

    def table(self, path: tuple[str, ...]) -> CatalogTable:
        """The table at a full path of the tree."""
        if path in self.copies:
            return self.copies[path]
        return next(table for table in self.tables.values() if table.path == path)


def bind(statement: Statement, catalog: Catalog) -> Bound:
    """Resolve names and types, and optimise.

    Raises:
        RequestError: a family of it, with the position where known.
        SourceError: when a source must be asked for a table and cannot be.
    """
    lookup = Lookup(catalog)
    with planning_session(catalog, lookup) as context:
        return _bound(statement, lookup, context)


def _bound(statement: Statement, lookup: Lookup, context: datafusion.SessionContext) -> Bound:
    tokens = statement.tokens or tokenize(statement.sql)

    def ask(query: str) -> pa.Schema | None:
        try:
            return _optimized(context, query)[1]
        except Exception:
            return None

    try:
        sql = desugared(statement.sql, tokens, lookup.schema, ask) or statement.sql
    except UnsupportedError:
        # What is not known of a table that is not there is not what the client has to hear.
        if (unknown := _unknown_table(statement, context, lookup)) is not None:
            raise unknown from None
        raise
    renamed: Renamed | None = None
    try:
        try:
            sql, logical, schema = _planned(context, sql)
        except Exception as error:
            if any(refusal in str(error) for refusal in REFUSALS):
                renamed = distinct_outputs(sql, lookup.schema)
            other = renamed.sql if renamed is not None else _untrusting(statement, lookup, ask)
            if other is None or other == sql:
                raise
            sql, logical, schema = _planned(context, other)
    except Exception as error:
        raise _failure_of(statement, sql, error, context, lookup) from None
    bound = _carry(context, sql, logical, client_schema(schema), lookup)
    if "No field named" in bound.not_carried:
        # The engine lets ORDER BY name what is not there until it plans the run.
        try:
            with panics_as_errors():
                context.create_dataframe_from_logical_plan(logical).execution_plan()
        except Exception as error:
            raise _failure_of(statement, sql, error, context, lookup) from None
    if renamed is not None:
        names = renamed.client_names(bound.schema.names)
        bound = replace(bound, schema=_with_names(bound.schema, names))
    return replace(bound, sql=sql)


def _untrusting(
    statement: Statement, lookup: Lookup, ask: Callable[[str], pa.Schema | None]
) -> str | None:
    """The statement with its subqueries rewritten, also those that the engine should plan."""
    tokens = statement.tokens or tokenize(statement.sql)
    try:
        return desugared(statement.sql, tokens, lookup.schema, ask, trusting=False)
    except CrosswindError:
        return None


def _planned(
    context: datafusion.SessionContext, sql: str
) -> tuple[str, datafusion.LogicalPlan, pa.Schema]:
    """The plan, and the text that was planned: another where literals want another unit."""
    try:
        return sql, *_optimized(context, sql)
    except Exception as error:
        wider = in_microseconds(sql, str(error))
        times = None
        if wider is None:
            times = in_the_columns_unit(sql, str(error), lambda other: _said(context, other))
        if wider is None and times is None:
            raise
        if times is not None:
            try:
                return _planned(context, times)
            except Exception as second:
                # Of two that say the same, the first one has its place in the client's text.
                raise error if OWN_UNIT in str(second) else second from None
    assert wider is not None
    return _planned(context, wider)


def _said(context: datafusion.SessionContext, sql: str) -> str:
    """What the engine says of a text that it does not plan; nothing of others."""
    try:
        _optimized(context, sql)
    except Exception as error:
        return str(error)
    return ""


def _optimized(
    context: datafusion.SessionContext, sql: str
) -> tuple[datafusion.LogicalPlan, pa.Schema]:
    with panics_as_errors():
        logical = context.sql_with_options(sql, _READ_ONLY).optimized_logical_plan()
        return logical, context.create_dataframe_from_logical_plan(logical).schema()


def _with_names(schema: pa.Schema, names: list[str]) -> pa.Schema:
    return pa.schema([field.with_name(n) for field, n in zip(schema, names, strict=True)])


def client_schema(schema: pa.Schema) -> pa.Schema:
    """The schema as clients get it: string and binary views become plain, which all can read."""
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    return pa.schema([pa.field(f.name, plain.get(f.type, f.type), f.nullable) for f in schema])


_READ_ONLY = (
    datafusion.SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)
)


def _failure_of(
    statement: Statement,
    sql: str,
    error: Exception,
    context: datafusion.SessionContext,
    lookup: Lookup,
) -> CrosswindError:
    """What is wrong with the client's text, of which the engine was given another form.

    A place in the rewritten text is none in the client's. So the engine is asked about the client's
    own: what it says of that has its place. Where it would plan that one, no place is named.
    """
    if sql != statement.sql:
        try:
            _optimized(context, statement.sql)
        except Exception as own:
            return _binding_failure(own, lookup, statement.sql)
        failure = _binding_failure(error, lookup, statement.sql)
        if has_fresh_names(str(error), statement.sql):
            # What the engine says is of names that no client knows.
            token = first_subquery(statement.tokens or tokenize(statement.sql))
            place = position_of(token) if token is not None else None
            return UnsupportedError(f"{CORRELATED} is not supported", position=place)
        failure.position = None
        return failure
    return _binding_failure(error, lookup, sql)


def _unknown_table(
    statement: Statement, context: datafusion.SessionContext, lookup: Lookup
) -> CrosswindError | None:
    """What is wrong with a name of a table in a statement, if the engine finds that first."""
    try:
        _optimized(context, statement.sql)
    except Exception as error:
        if missing_table(str(error)) is not None:
            return _binding_failure(error, lookup, statement.sql)
    return None


def _binding_failure(error: Exception, lookup: Lookup, sql: str) -> CrosswindError:
    """What the catalog said of a table that was asked for, or what the engine says."""
    failure = planning_failure(str(error), sql)
    missing = missing_table(str(error))
    if missing is not None and not lookup.problems:
        # A source that is not there: the engine asked for no table of it.
        lookup.table(tuple(missing.split(".", 2)))
    for parts, problem in lookup.problems.items():
        if not isinstance(problem, UnknownNameError):
            return problem
        if missing is not None and f".{missing}".endswith(f".{parts[-1]}"):
            return UnknownNameError(
                problem.message, position=position_of_name(parts[-1], sql), hint=problem.hint
            )
    return failure


def _carry(
    context: datafusion.SessionContext,
    sql: str,
    logical: datafusion.LogicalPlan,
    schema: pa.Schema,
    lookup: Lookup,
) -> Bound:
    def table_of(parts: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Field, ...]]:
        if parts not in lookup.found:
            raise NotCarriedError(f"table function {'.'.join(parts)}")
        return lookup.found[parts].path, lookup.fields(parts)

    text = logical.display_indent()
    refuse_compared_text(text)
    try:
        _refuse_zones(logical)
        _refuse_long(text)
        refuse_lost(logical, text)
        message = _message(context, sql, logical, lookup)
        relation, names = read_plan(message, table_of)
        refuse_lost_sets(text, relation)
        refuse_compared(relation)
        relation = rewrite_null_aware(relation, *_null_aware(logical, text))
        relation = with_plain_equalities(relation)
    except NotCarriedError as error:
        reason = construct_of(str(error))
        return Bound(schema, None, (), None, lookup.found, reason, text=text)
    return Bound(schema, relation, names, message, lookup.found, text=text)


def _refuse_long(text: str) -> None:
    """Writing Substrait takes cubic time in the length of a condition, and holds the GIL for it."""
    connectives = len(_CONNECTIVE.findall(text))
    # The parts of a condition that went into a scan stand in a list, without AND.
    connectives += sum(len(_COMPARISON.findall(parts)) for parts in _OF_SCAN.findall(text))
    if connectives > MAX_CONNECTIVES:
        raise NotCarriedError(f"conditions of {connectives:,} parts")


def _message(
    context: datafusion.SessionContext, sql: str, logical: datafusion.LogicalPlan, lookup: Lookup
) -> SubstraitPlan:
    """The plan as a message, also where tables have columns without a form there and unread."""
    try:
        return _substrait(context, logical)
    except NotCarriedError:
        with lookup.stand_ins() as any_stands_in:
            if not any_stands_in:
                raise
            try:
                other, _ = _optimized(context, sql)
            except Exception:
                other = None
        if other is None or not reads_none(logical, other):
            raise
        return _substrait(context, other)


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


def _null_aware(logical: datafusion.LogicalPlan, text: str) -> tuple[int, int]:
    """How many anti joins there are, and how many treat NULL as NOT IN does.

    Substrait has no place for that, so it is read off the plan's own text, node by node.

    Raises:
        NotCarriedError: when some may be where nodes cannot be walked, in a subquery.
    """
    if "null_aware" not in text:
        return 0, 0
    joins = [line for line in _nodes(logical) if line.startswith(("LeftAnti", "RightAnti"))]
    null_aware = sum(line.endswith(" null_aware") for line in joins)
    if not null_aware or "Subquery:" in text:
        raise NotCarriedError("NOT IN inside a subquery")
    if text.count("null_aware") != null_aware:
        # Names stand unquoted there, and one of them may end a line that is no flag's.
        raise NotCarriedError("NOT IN beside a name with null_aware in it")
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
