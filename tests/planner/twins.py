"""The same tables three times: in Postgres, as Arrow in a memory source, and in DataFusion alone.

What a statement answers must not depend on which. The memory source runs no operators, so that it
shows what the engine makes of the very rows that Postgres holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import datafusion
import pyarrow as pa

from connectors.errors import CrosswindError
from connectors.memory import MemoryConnector
from planner.bind import bind
from planner.catalog import Source
from planner.parse import parse
from planner.plan import Plan
from planner.relations import (
    Aggregate,
    Call,
    ExistsSubquery,
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
    """One catalog, twice, and the engine alone; names in SQL are the tables' own."""

    pushing: Placement
    local: Placement
    alone: datafusion.SessionContext

    @classmethod
    @contextmanager
    def of(cls, uri: str, tables: Iterable[str]) -> Iterator[Twins]:
        """Over the tables of a database, copied as the connector reads them."""
        sources = {SOURCE: {"connector": "postgres", "uri": uri, "max_connections": 2}}
        with Placement.of_sources(sources) as pushing:
            copies = {name: pushing.query(f'SELECT * FROM "{name}"') for name in tables}
            memory = Source(SOURCE, MemoryConnector(SOURCE, copies))
            with Placement.opened([memory]) as local:
                yield cls(pushing, local, engine_alone(copies))

    def check(self, sql: str, where: str | None = None) -> Plan:
        """The answer is the same three times; fails too unless the work runs `where` it should.

        Args:
            where: `whole` at the source, `cut`, or `tables`; see `placements.pushed`.
        """
        plan = self.pushing.plan(sql)
        if where is not None:
            assert pushed(plan) == where, f"{[k.reason for k in plan.kept]}\n{sql}"
        want = self.alone.sql(sql).to_arrow_table()
        assert_same(self.local.query(sql), want, sql)
        assert_same(self.pushing.run(plan), want, sql)
        return plan

    def check_failure(self, sql: str) -> tuple[CrosswindError, CrosswindError]:
        """The statement fails, pushed and here, with errors of the tree; which."""
        return _failure(self.pushing, sql), _failure(self.local, sql)

    def operations(self, sql: str) -> set[str]:
        """The functions and aggregates of the statement, as the planner sees them."""
        relation = bind(parse(sql), self.pushing.catalog).relation
        assert relation is not None, sql
        return set(_operations(relation))


def engine_alone(tables: dict[str, pa.Table]) -> datafusion.SessionContext:
    """DataFusion by itself over Arrow tables."""
    context = datafusion.SessionContext()
    for name, table in tables.items():
        batches = table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
        context.register_record_batches(f'"{name}"', [batches])
    return context


def _failure(placement: Placement, sql: str) -> CrosswindError:
    try:
        answer = placement.query(sql)
    except CrosswindError as error:
        return error
    raise AssertionError(f"{sql}\nis answered: {answer.to_pylist()}")


def _operations(relation: Relation) -> Iterator[str]:
    for expression in expressions_of(relation):
        for part in walk_expression(expression):
            if isinstance(part, Call):
                yield part.function
            elif isinstance(part, ScalarSubquery | ExistsSubquery):
                yield from _operations(part.input)
    if isinstance(relation, Aggregate):
        yield from (measure.function for measure in relation.measures)
    for source in inputs_of(relation):
        yield from _operations(source)
