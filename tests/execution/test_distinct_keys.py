"""Semi- and anti-joins of which both sides have each key many times, against DuckDB's answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from planner.explain import explain_text
from tests.placements import Placement
from tests.postgres_server import PostgresServer

ROWS, KEYS = 6_000, 40

LEFT = f"""SELECT CASE WHEN g % 97 > 0 THEN g % {KEYS} END AS k, g AS n"""
RIGHT = f"""SELECT {KEYS // 2} + g % {KEYS} AS k, g % 3 * 2000 AS n"""
NULLS = f"""SELECT CASE WHEN g % 89 > 0 THEN {KEYS // 2} + g % {KEYS} END AS k, g % 3 * 2000 AS n"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each `k` is in many rows, and sometimes NULL; half of the right ones are on the left, too."""
    folder = tmp_path_factory.mktemp("keys")
    for name, select in {"l": LEFT, "r": RIGHT, "nulls": NULLS}.items():
        table = duckdb.sql(f"{select} FROM range({ROWS}) t(g)").arrow()
        pq.write_table(pa.table(table), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def placement(files: Path, postgres_server: PostgresServer) -> Iterator[Placement]:
    with postgres_server.database("distinct_keys") as uri:
        postgres_server.execute(
            f"CREATE TABLE r AS {RIGHT} FROM generate_series(0, {ROWS - 1}) g",
            f"CREATE TABLE nulls AS {NULLS} FROM generate_series(0, {ROWS - 1}) g",
            "ANALYZE",
            database="distinct_keys",
        )
        sources: dict[str, dict[str, object]] = {
            "lake": {"connector": "files", "root": str(files)},
            "shop": {"connector": "postgres", "uri": uri},
        }
        with Placement.of_sources(sources) as made:
            yield made


@pytest.mark.parametrize("source", ["lake", "shop"])
@pytest.mark.parametrize("right", ["r", "nulls"])
@pytest.mark.parametrize(
    "condition",
    [
        "l.k IN (SELECT k FROM {right})",
        "l.k NOT IN (SELECT k FROM {right})",
        "l.k NOT IN (SELECT k FROM {right} WHERE k < 30)",
        "EXISTS (SELECT 1 FROM {right} r WHERE r.k = l.k AND r.n > l.n)",
        "NOT EXISTS (SELECT 1 FROM {right} r WHERE r.k = l.k AND r.n > l.n)",
        "NOT EXISTS (SELECT 1 FROM {right} r WHERE r.k = l.k)",
        "l.n < 7 OR EXISTS (SELECT 1 FROM {right} r WHERE r.k = l.k)",
        "NOT (l.n < 7 OR EXISTS (SELECT 1 FROM {right} r WHERE r.k = l.k))",
    ],
)
def test_rows_have_a_partner_however_many_are_alike(
    placement: Placement, files: Path, source: str, right: str, condition: str
) -> None:
    sql = "SELECT count(*) AS rows, sum(l.n) AS n FROM {left} l WHERE " + condition
    own = sql.format(left="lake.l", right=f"{source}.{right}")
    plan = placement.plan(own)
    text = explain_text(plan)
    assert ("aggregate by k" if source == "lake" else "GROUP BY") in text, text
    want = duckdb.sql(
        sql.format(left=f"'{files}/l.parquet'", right=f"'{files}/{right}.parquet'")
    ).fetchone()
    assert tuple(placement.run(plan).to_pylist()[0].values()) == want
