"""Which side of a join over a database and files the engine keeps in memory, as it plans it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from execution.engine import Engine, EngineSettings
from planner.options import PlanningOptions
from tests.placements import Placement

FEW, MANY, ALL = 5_000, 50_000, 500_000


class _WatchedEngine(Engine):
    """Keeps how it has planned the last residual."""

    planned = ""

    def frame(self, *args: Any) -> Any:
        frame = super().frame(*args)
        self.planned = frame.execution_plan().display_indent()
        return frame


@pytest.fixture(scope="module")
def placement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placement]:
    folder = tmp_path_factory.mktemp("sides")
    _fill(folder)
    sources: dict[str, dict[str, object]] = {
        "shop": {"connector": "duckdb", "uri": str(folder / "shop.duckdb")},
        "lake": {"connector": "files", "root": str(folder / "lake")},
    }
    with Placement.of_sources(sources) as made:
        engine = _WatchedEngine(EngineSettings(target_partitions=2), made.catalog)
        yield Placement(made.catalog, engine, PlanningOptions(reductions="none"))
        engine.close()


def _fill(folder: Path) -> None:
    (folder / "lake").mkdir()
    for name, rows in (("few", FEW), ("many", ALL)):
        table = pa.table({"k": range(rows), "v": [n % 7 for n in range(rows)]})
        pq.write_table(table, folder / "lake" / f"{name}.parquet")
    with duckdb.connect(str(folder / "shop.duckdb")) as shop:
        shop.execute(f"CREATE TABLE orders AS SELECT i * 3 AS k, i AS n FROM range({MANY}) t(i)")


def _answered(placement: Placement, sql: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Its rows, and what each join's left and right side comes from, from above."""
    execution = placement.engine.start(placement.plan(sql))
    rows = [row for batch in execution.batches() for row in batch.to_pylist()]
    engine = placement.engine
    assert isinstance(engine, _WatchedEngine)
    names = {"DatasetExec": "stream", "DataSourceExec": "files"}
    words = [line.split(":")[0].strip() for line in engine.planned.splitlines()]
    return rows, [names[word] for word in words if word in names]


MATCHED = len(range(0, MANY * 3, 3))


@pytest.mark.parametrize(
    ("join", "count"),
    [
        ("lake.many m JOIN shop.orders o ON m.k = o.k", MATCHED),
        ("shop.orders o JOIN lake.many m ON m.k = o.k", MATCHED),
        ("lake.many m LEFT JOIN shop.orders o ON m.k = o.k", ALL),
        ("lake.many m LEFT SEMI JOIN shop.orders o ON m.k = o.k", MATCHED),
        ("lake.many m LEFT ANTI JOIN shop.orders o ON m.k = o.k", ALL - MATCHED),
    ],
)
def test_a_stream_of_few_rows_is_kept_and_not_the_files(
    placement: Placement, join: str, count: int
) -> None:
    rows, sides = _answered(placement, f"SELECT count(m.v) AS n FROM {join}")
    assert rows == [{"n": count}]
    assert sides == ["stream", "files"]


def test_files_of_fewer_rows_are_kept_and_not_the_stream(placement: Placement) -> None:
    rows, sides = _answered(
        placement, "SELECT count(*) AS n FROM shop.orders o JOIN lake.few m ON m.k = o.k"
    )
    assert rows == [{"n": len(range(0, FEW, 3))}]
    assert sides == ["files", "stream"]


def test_between_files_the_engine_chooses_by_what_it_counts(placement: Placement) -> None:
    rows, sides = _answered(
        placement, "SELECT count(m.v) AS n FROM lake.many m LEFT JOIN lake.few f ON m.k = f.k"
    )
    assert rows == [{"n": ALL}]
    assert "join_type=Right" in placement.engine.planned  # type: ignore[attr-defined]
    assert sides == ["files", "files"]
