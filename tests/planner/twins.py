"""The same tables three times: in Postgres, as Arrow in a memory source, and in DataFusion alone.

What a statement answers must not depend on which. The memory source runs no operators, so that it
shows what the engine makes of the very rows that Postgres holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import datafusion
import pyarrow as pa

from connectors.adbc.postgres import create
from connectors.errors import CrosswindError
from connectors.memory import MemoryConnector
from execution.engine import EngineSettings
from planner.bind import bind
from planner.catalog import Source
from planner.emit.dialect import as_it_is
from planner.options import PlanningOptions
from planner.parse import parse
from planner.plan import Plan
from planner.relations import (
    Aggregate,
    Call,
    ExistsSubquery,
    Expression,
    Relation,
    ScalarSubquery,
    expressions_of,
    inputs_of,
    walk_expression,
)
from tests.comparison import assert_same
from tests.placements import Placement, pushed

SOURCE = "shop"


@dataclass(frozen=True)
class Twins:
    """One catalog, several times, and the engine alone; names in SQL are the tables' own.

    Attributes:
        pushing: every table in Postgres.
        local: every table in a memory source.
        mixed: some tables in Postgres and the others in memory, or None.
    """

    pushing: Placement
    local: Placement
    mixed: Placement | None
    alone: datafusion.SessionContext

    @classmethod
    @contextmanager
    def of(cls, uri: str, tables: Iterable[str], near: str | None = None) -> Iterator[Twins]:
        """Over the tables of a database, copied as the connector reads them.

        Args:
            near: a schema that has copies of some of the tables: `mixed` reads these there.
        """
        shop = {"connector": "postgres", "uri": uri, "max_connections": 2}
        with ExitStack() as stack:
            pushing = stack.enter_context(Placement.of_sources({SOURCE: shop}))
            copies = {name: pushing.query(f"SELECT * FROM {_quoted(name)}") for name in tables}
            memory = Source(SOURCE, MemoryConnector(SOURCE, copies))
            local = stack.enter_context(Placement.opened([memory]))
            mixed = None
            if near is not None:
                part = create(SOURCE, {"uri": uri, "schemas": [near], "default_schema": near})
                there = {name.name for name in part.tables().names()}
                rest = {name: copy for name, copy in copies.items() if name not in there}
                lake = Source("lake", MemoryConnector("lake", rest))
                mixed = stack.enter_context(Placement.opened([Source(SOURCE, part), lake]))
            yield cls(pushing, local, mixed, engine_alone(copies))

    @classmethod
    @contextmanager
    def over(cls, source: dict[str, object], tables: Iterable[str]) -> Iterator[Twins]:
        """Over the tables of one source of any kind, as a configuration has it."""
        with cls.across({SOURCE: source}, tables) as twins:
            yield twins

    @classmethod
    @contextmanager
    def across(
        cls,
        sources: Mapping[str, Mapping[str, object]],
        tables: Iterable[str],
        options: PlanningOptions | None = None,
        settings: EngineSettings | None = None,
    ) -> Iterator[Twins]:
        """Over tables of several sources, planned and run in a way."""
        with ExitStack() as stack:
            opened = stack.enter_context(Placement.of_sources(sources, settings))
            pushing = replace(opened, options=options or PlanningOptions())
            copies = {name: pushing.query(f"SELECT * FROM {_quoted(name)}") for name in tables}
            memory = Source(SOURCE, MemoryConnector(SOURCE, copies))
            local = stack.enter_context(Placement.opened([memory]))
            yield cls(pushing, local, None, engine_alone(copies))

    def check(self, sql: str, where: str | None = None) -> Plan:
        """The answer is the same everywhere; fails too unless the work runs `where` it should.

        Args:
            where: with every table in Postgres: `whole` there, `cut`, or `tables`; see
                `placements.pushed`.
        """
        plan = self.pushing.plan(sql)
        if where is not None:
            assert pushed(plan) == where, f"{[k.reason for k in plan.kept]}\n{sql}"
        want = answer_alone(self.alone, sql)
        assert_same(self.local.query(sql), want, sql)
        assert_same(self.pushing.run(plan), want, sql)
        if self.mixed is not None:
            assert_same(self.mixed.query(sql), want, sql)
        return plan

    def check_failure(self, sql: str) -> tuple[CrosswindError, CrosswindError]:
        """The statement fails, pushed and here, with errors of the tree; which."""
        return _failure(self.pushing, sql), _failure(self.local, sql)

    def operations(
        self, sql: str, reshape: Callable[[Expression], Expression] = as_it_is
    ) -> set[str]:
        """The functions and aggregates of the statement, as the planner sees them.

        Args:
            reshape: of a dialect, which makes one of several.
        """
        relation = bind(parse(sql), self.pushing.catalog).relation
        assert relation is not None, sql
        return set(_operations(relation, reshape))


def engine_alone(tables: dict[str, pa.Table]) -> datafusion.SessionContext:
    """DataFusion by itself over Arrow tables."""
    context = datafusion.SessionContext()
    for name, table in tables.items():
        batches = table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
        context.register_record_batches(_quoted(name), [batches])
    return context


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def answer_alone(context: datafusion.SessionContext, sql: str) -> pa.Table:
    """DataFusion's answer; what may be NULL as its optimised plan has it.

    Its batches may say of more columns that they hold NULLs: of `x IS TRUE`, for one.
    """
    return answer_of(context, context.sql(sql))


def answer_of(context: datafusion.SessionContext, frame: datafusion.DataFrame) -> pa.Table:
    """The answer of a planned statement, as `answer_alone` has it."""
    answer = frame.to_arrow_table()
    planned = context.create_dataframe_from_logical_plan(frame.optimized_logical_plan()).schema()
    fields = [f.with_nullable(p.nullable) for f, p in zip(answer.schema, planned, strict=True)]
    return answer.cast(pa.schema(fields))


def _failure(placement: Placement, sql: str) -> CrosswindError:
    try:
        answer = placement.query(sql)
    except CrosswindError as error:
        return error
    raise AssertionError(f"{sql}\nis answered: {answer.to_pylist()}")


def _operations(relation: Relation, reshape: Callable[[Expression], Expression]) -> Iterator[str]:
    for expression in expressions_of(relation):
        for part in map(reshape, walk_expression(expression)):
            if isinstance(part, Call):
                yield part.function
            elif isinstance(part, ScalarSubquery | ExistsSubquery):
                yield from _operations(part.input, reshape)
    if isinstance(relation, Aggregate):
        yield from (measure.function for measure in relation.measures)
    for source in inputs_of(relation):
        yield from _operations(source, reshape)
