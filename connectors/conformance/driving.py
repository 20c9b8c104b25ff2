"""One source under planner and engine, as a server has them, for the checks to drive.

Owns catalog and engine; the connector is closed with them. Must not know what is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import datafusion
import pyarrow as pa

from connectors.contract import Batches, Connector
from execution.engine import Engine, EngineSettings
from execution.running import Execution
from planner.bind import client_schema
from planner.catalog import Catalog, Source
from planner.options import PlanningOptions, Pushdown
from planner.parse import parse
from planner.plan import Plan
from planner.planning import plan_query

BATCH_ROWS = 2_048
"""Few, so that what memory is used is the connector's, and not what the engine has on its way."""


@dataclass(frozen=True)
class Driven:
    """A connector, with planner and engine over it."""

    connector: Connector
    catalog: Catalog
    engine: Engine

    @classmethod
    @contextmanager
    def over(cls, connector: Connector) -> Iterator[Driven]:
        """Until the block ends; the connector is closed then."""
        catalog = Catalog([Source("kit", connector)])
        engine = Engine(EngineSettings(target_partitions=2, batch_rows=BATCH_ROWS), catalog)
        try:
            yield cls(connector, catalog, engine)
        finally:
            engine.close()
            connector.close()

    def plan(self, sql: str, pushdown: Pushdown = "proven") -> Plan:
        """How a server would answer."""
        return plan_query(parse(sql), self.catalog, PlanningOptions(pushdown))

    def start(self, sql: str) -> Execution:
        """A statement on its way; the caller closes it."""
        return self.engine.start(self.plan(sql))

    def query(self, sql: str, pushdown: Pushdown = "proven") -> pa.Table:
        """The whole answer, each batch with exactly the schema that was promised."""
        execution = self.engine.start(self.plan(sql, pushdown))
        batches = list(execution.batches())
        assert all(batch.schema.equals(execution.schema) for batch in batches), "another schema"
        return pa.Table.from_batches(batches, schema=execution.schema)

    def fragment(self, sql: str, deadline: float | None = None) -> Batches | None:
        """What the connector itself makes of a statement; None where the engine reads its files."""
        plan = self.plan(sql)
        if plan.natives:
            return None
        (planned,) = plan.fragments
        return self.connector.execute(planned.fragment, deadline)


def apart(tables: dict[str, pa.Table]) -> datafusion.SessionContext:
    """One engine by itself, over tables in memory."""
    context = datafusion.SessionContext()
    for name, table in tables.items():
        batches = table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
        context.register_record_batches(name, [batches])
    return context


def alone(context: datafusion.SessionContext, sql: str) -> pa.Table:
    """What that engine answers, in the types that a client sees."""
    answer = context.sql(sql).to_arrow_table()
    return answer.cast(client_schema(answer.schema)).replace_schema_metadata(None)


def bag(table: pa.Table) -> list[str]:
    """Rows in any order, as texts that tell -0.0 from 0.0 and match NaN with itself."""
    return sorted(repr(row) for row in zip(*(c.to_pylist() for c in table.columns), strict=True))
