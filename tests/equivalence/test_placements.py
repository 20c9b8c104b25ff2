"""TPC-H wherever its tables are: random placements over every source, equal to one engine.

`make placements` runs many; here are a few of them. All tables are in all sources once, and a
placement only chooses among them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import datafusion
import pyarrow as pa
import pytest

from connectors import registry
from execution.engine import EngineSettings
from execution.suspicion import Suspicion
from planner.catalog import Catalog, CatalogTable, Source
from planner.options import CUTS, PlanningOptions, Reductions
from tests import tpch
from tests.comparison import assert_same
from tests.placements import Placement
from tests.tpch import QUERIES

COUNT = int(os.environ.get("PLACEMENTS", "4"))
SEED = int(os.environ.get("SEED", "1"))

TABLES = (
    *("customer", "lineitem", "nation", "orders"),
    *("part", "partsupp", "region", "supplier"),
)


class PlacedCatalog(Catalog):
    """A catalog that finds each table at the source chosen for it."""

    def __init__(self, sources: list[Source], chosen: Mapping[str, str]) -> None:
        super().__init__(sources)
        self._chosen = chosen

    def resolve(self, parts: tuple[str, ...]) -> CatalogTable:
        return super().resolve((self._chosen[parts[-1]], parts[-1]))


def chosen(number: int, sources: list[str]) -> dict[str, str]:
    """Where each table is, in the placement of a number."""
    random = Random(SEED * 100_000 + number)
    return {table: random.choice(sources) for table in TABLES}


@pytest.fixture(scope="module")
def sources(
    tpch_sources: dict[str, dict[str, dict[str, object]]],
) -> Iterator[list[Source]]:
    """One source of each kind, with all eight tables."""
    with ExitStack() as stack:
        made = []
        for placement, configured in tpch_sources.items():
            if placement == "split":
                continue
            (options,) = configured.values()
            rest = {key: value for key, value in options.items() if key != "connector"}
            connector = registry.create(str(options["connector"]), placement, rest)
            stack.callback(connector.close)
            made.append(Source(placement, connector))
        yield made


@pytest.fixture(scope="module")
def answers(tpch_alone: datafusion.SessionContext) -> dict[str, pa.Table]:
    return {name: tpch_alone.sql(sql).to_arrow_table() for name, sql in QUERIES.items()}


@pytest.mark.parametrize("number", range(COUNT))
def test_the_answers_do_not_depend_on_where_the_tables_are(
    number: int, sources: list[Source], answers: dict[str, pa.Table]
) -> None:
    where = chosen(number, [source.name for source in sources])
    # Every other one sends keys wherever it can, and is planned again at every first batch; of
    # three, one has all at the sources that can be there, and one has joins of a source run here.
    reductions: Reductions = "all" if number % 2 else "costed"
    options = PlanningOptions(reductions=reductions, cuts=CUTS[number % len(CUTS)])
    settings = EngineSettings(
        target_partitions=2, suspicion=Suspicion(always=number % 2 == 1, waits=True)
    )
    with Placement.of_catalog(PlacedCatalog(sources, where), settings) as opened:
        placement = replace(opened, options=options)
        for name, sql in QUERIES.items():
            try:
                assert_same(placement.query(sql), answers[name], sql)
            except Exception as error:
                raise AssertionError(f"{name} in placement {number}: {where}") from error


def test_the_tables_are_those_of_the_files(tpch_files: Path) -> None:
    assert {path.stem for path in tpch_files.glob("*.parquet")} == set(TABLES)
    assert tpch.SCALE == 0.01
