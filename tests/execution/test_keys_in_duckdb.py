"""Keys that are sent to DuckDB: what it answers with them, and which have no form there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from planner.options import PlanningOptions
from tests.placements import Placement

ROWS = 5_000


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placement]:
    """Orders in a database, and what picks some of them in a file."""
    folder = tmp_path_factory.mktemp("keys")
    lake = folder / "lake"
    lake.mkdir()
    picked = {
        "id": pa.array([3, -7, 3, None, 2**62], pa.int64()),
        "day": pa.array([date(2020, 1, 2), None, date(1, 1, 1), date(9999, 12, 31), None]),
        "note": ["note 3", None, "", "o'dd", "[1]"],
    }
    pq.write_table(pa.table(picked), lake / "picked.parquet")
    file = folder / "orders.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "CREATE TABLE orders AS SELECT i AS id,"
            " DATE '2020-01-01' + ((i + 10) % 10)::INTEGER AS day,"
            f" 'note ' || i AS note FROM range(-10, {ROWS - 10}) r(i)"
        )
    sources = {
        "duck": {"connector": "duckdb", "uri": str(file)},
        "lake": {"connector": "files", "root": str(lake)},
    }
    with Placement.of_sources(sources) as placement:
        yield replace(placement, options=PlanningOptions(reductions="all"))


@pytest.mark.parametrize(
    ("key", "rows", "keys"), [("id", 3, 3), ("day", ROWS // 10, 3), ("note", 1, None)]
)
def test_rows_with_a_key_are_sent_and_no_others(
    both: Placement, key: str, rows: int, keys: int | None
) -> None:
    sql = f"SELECT o.id FROM orders o JOIN picked p ON p.{key} = o.{key}"
    plan = both.plan(sql)
    (fragment,) = plan.fragments
    assert (fragment.reduction is None) == (keys is None)
    execution = both.engine.start(plan)
    assert sum(batch.num_rows for batch in execution.batches()) == rows
    (account,) = execution.account().fragments
    assert account.keys == keys
    if keys is not None:
        assert account.rows <= rows
    plain = replace(both, options=PlanningOptions(reductions="none"))
    assert plain.query(sql).num_rows == rows
