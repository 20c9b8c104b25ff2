"""Where the tables of a test are: sources, and planner and engine over them, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors import registry
from execution.engine import Engine, EngineSettings
from planner.account import Account
from planner.catalog import Catalog, Source
from planner.options import Caution, PlanningOptions
from planner.parse import parse
from planner.plan import Again, Plan, SqlResidual, Work
from planner.planning import plan_query
from planner.seen import SeenRows
from tests import tpch

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEMENTS = ("postgres", "files", "split", "duckdb", "sqlite", "flightsql")


def placement_sources(
    database: str, files: Path, lake: Path, duckdb: Path, sqlite: Path, flightsql: str
) -> dict[str, dict[str, dict[str, object]]]:
    """The `[sources]` of each TPC-H placement."""
    shop = {"connector": "postgres", "uri": database, "max_connections": 4}
    schema = {"schemas": [tpch.SPLIT_SCHEMA], "default_schema": tpch.SPLIT_SCHEMA}
    return {
        "postgres": {"shop": {**shop, "schemas": ["public"]}},
        "files": {"lake": {"connector": "files", "root": str(files)}},
        "duckdb": {"duck": {"connector": "duckdb", "uri": str(duckdb), "max_connections": 4}},
        "sqlite": {"notes": {"connector": "sqlite", "uri": str(sqlite), "max_connections": 4}},
        "flightsql": {"west": {"connector": "flightsql", "uri": flightsql}},
        "split": {"shop": shop | schema, "lake": {"connector": "files", "root": str(lake)}},
    }


class NothingSeen(SeenRows):
    """Forgets at once, so that plans do not depend on which tests ran before."""

    def note(self, shape: bytes, rows: float) -> None:
        """Not here."""

    def note_table(self, *_: object, **__: object) -> None:
        """Not here."""

    def worked(
        self, source: str, work: Work, seconds: float, now: float, *, sure: bool, sized: bool
    ) -> None:
        """Not here."""

    def staged(self, work: Work, seconds: float, now: float) -> None:
        """Not here."""


@dataclass(frozen=True)
class Placement:
    """Planner and engine over sources; closed by `opened` and `of_sources`."""

    catalog: Catalog
    engine: Engine
    options: PlanningOptions = field(default_factory=PlanningOptions)

    @classmethod
    @contextmanager
    def opened(
        cls, sources: Iterable[Source], settings: EngineSettings | None = None
    ) -> Iterator[Placement]:
        """Over sources, which are closed at the end."""
        catalog = Catalog(sources, seen=NothingSeen())
        engine = Engine(settings or EngineSettings(target_partitions=2), catalog)
        try:
            yield cls(catalog, engine)
        finally:
            engine.close()
            for source in catalog.sources.values():
                source.connector.close()

    @classmethod
    @contextmanager
    def of_catalog(
        cls, catalog: Catalog, settings: EngineSettings | None = None
    ) -> Iterator[Placement]:
        """Over a catalog, whose sources are left as they are."""
        engine = Engine(settings or EngineSettings(target_partitions=2), catalog)
        try:
            yield cls(catalog, engine)
        finally:
            engine.close()

    @classmethod
    @contextmanager
    def of_sources(
        cls, sources: Mapping[str, Mapping[str, object]], settings: EngineSettings | None = None
    ) -> Iterator[Placement]:
        """Over sources as a configuration has them."""
        made = []
        for name, options in sources.items():
            rest = {key: value for key, value in options.items() if key != "connector"}
            made.append(Source(name, registry.create(str(options["connector"]), name, rest)))
        with cls.opened(made, settings) as placement:
            yield placement

    def plan(self, sql: str) -> Plan:
        return plan_query(parse(sql), self.catalog, self.options)

    def again(self, sql: str) -> Again:
        """Plans a statement once more, while it runs."""

        def plan(_: object, caution: Caution) -> Plan:
            return replace(self, options=replace(self.options, caution=caution)).plan(sql)

        return plan

    def run(self, plan: Plan) -> pa.Table:
        """The whole answer, each batch checked for the schema that was promised."""
        return self.run_with_account(plan)[0]

    def run_with_account(self, plan: Plan) -> tuple[pa.Table, Account]:
        """The whole answer, checked as by `run`, and how it was had."""
        execution = self.engine.start(plan, again=self.again(plan.sql))
        batches = list(execution.batches())
        assert all(batch.schema.equals(plan.schema) for batch in batches)
        return pa.Table.from_batches(batches, schema=plan.schema), execution.account()

    def query(self, sql: str) -> pa.Table:
        return self.run(self.plan(sql))


def pushed(plan: Plan) -> str:
    """Where a plan's work runs, in one word: whole, cut, tables."""
    if plan.residual is None:
        return "whole"
    return "tables" if isinstance(plan.residual, SqlResidual) else "cut"
