"""Floats in files that have statistics: NaN, which these leave out, counts like any other row."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from connectors import registry
from connectors.memory import MemoryConnector
from planner.catalog import Source
from planner.plan import SqlResidual
from tests.placements import Placement

NAN = float("nan")
(NEGATIVE_NAN,) = struct.unpack("d", struct.pack("Q", 0xFFF8 << 48))

TABLES = {
    "low": [1.0, NAN, 0.5, None],
    "high": [7.0, 6.0, NEGATIVE_NAN, 8.0],
    "zeros": [-0.0, 0.0, None, NAN],
}

STATEMENTS = (
    "SELECT id FROM low WHERE f > 5",
    "SELECT id FROM low WHERE g >= 5",
    "SELECT id FROM high WHERE f < 1",
    "SELECT id FROM low WHERE f = 'NaN'::double",
    "SELECT id FROM low WHERE NOT (f <= 5)",
    "SELECT id FROM low WHERE f BETWEEN 0.6 AND 3",
    "SELECT id FROM low WHERE f IN (1, 'NaN'::double)",
    "SELECT count(*) FROM low WHERE f > 5",
    "SELECT max(f), min(f), max(g) FROM low",
    "SELECT min(f), max(f) FROM high",
    "SELECT id, f, g FROM zeros",
    "SELECT min(f), max(g) FROM zeros WHERE id < 2",
    "SELECT id FROM (SELECT * FROM high UNION ALL SELECT * FROM low) ORDER BY f DESC LIMIT 1",
    "SELECT id FROM (SELECT * FROM low UNION ALL SELECT * FROM high) ORDER BY f LIMIT 1",
    "SELECT l.id FROM low l JOIN (SELECT 'NaN'::double AS f UNION ALL SELECT 5.0) c ON l.f = c.f",
    "SELECT l.id, h.id FROM low l JOIN high h ON l.f = h.f OR l.f > h.f",
)

UNCUT = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 2) "


IN_PYTHON = (
    "SELECT id FROM high WHERE f < 1",
    "SELECT id FROM high WHERE f > 1",
    "SELECT id FROM high WHERE f <> 6",
    "SELECT id FROM high WHERE g <= 7",
    "SELECT id FROM high WHERE NOT (f >= 6)",
    "SELECT id FROM high WHERE f = -'NaN'::double",
    "SELECT id FROM high WHERE f <> -'NaN'::double",
    "SELECT id FROM high WHERE f <= -'NaN'::double",
    "SELECT id FROM high WHERE f < 'NaN'::double",
    "SELECT id FROM high WHERE f IN (1, 2, 3, 4, -'NaN'::double)",
    "SELECT id FROM high WHERE f IN (1, 2, 3, 4, 'NaN'::double)",
    "SELECT id FROM high WHERE f NOT IN (1, 2, 3, 4, 'NaN'::double)",
    "SELECT id FROM low WHERE f IN (1, 2, 3, 4, 'NaN'::double)",
    "SELECT id FROM high WHERE f = g OR f < g",
    "SELECT id FROM low WHERE f = g",
    "SELECT id FROM zeros WHERE f = 0",
    "SELECT id FROM zeros WHERE g >= 0",
    "SELECT id FROM zeros WHERE g < '-0'::float",
    "SELECT id FROM zeros WHERE f IN (0, 2, 3, 4, 5)",
    "SELECT id FROM zeros WHERE f IN ('-0'::double, 2, 3, 4, 5)",
    "SELECT id FROM zeros WHERE f IS NULL",
)
"""Of a statement that is not cut, these filters are decided here, and not by the engine."""


@pytest.fixture(scope="module")
def placement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placement]:
    folder = tmp_path_factory.mktemp("floats")
    tables = {}
    (folder / "parquet").mkdir()
    (folder / "arrow").mkdir()
    for name, values in TABLES.items():
        doubles = pa.array(values, pa.float64())
        columns = {"id": range(4), "f": doubles, "g": doubles.cast(pa.float32())}
        tables[name] = pa.table(columns)
        # Two row groups: one of them has a NaN, and statistics that say otherwise.
        pq.write_table(tables[name], folder / "parquet" / f"{name}.parquet", row_group_size=2)
        feather.write_feather(tables[name], folder / "arrow" / f"{name}.arrow")
    sources = [Source("memory", MemoryConnector("memory", tables))]
    for kind in ("parquet", "arrow"):
        files = registry.create("files", kind, {"root": str(folder / kind)})
        sources.append(Source(kind, files))
    with Placement.opened(sources) as placement:
        yield placement


def _over(sql: str, kind: str) -> str:
    for name in TABLES:
        sql = sql.replace(f" {name}", f" {kind}.{name}")
    return sql


def _answer(placement: Placement, sql: str, kind: str) -> list[str]:
    # As text: NaN is not equal to itself there.
    rows = placement.query(_over(sql, kind)).to_pylist()
    return sorted(str(list(row.values())) for row in rows)


@pytest.mark.parametrize("sql", STATEMENTS)
def test_a_filter_sees_every_row(sql: str, placement: Placement) -> None:
    assert _answer(placement, sql, "parquet") == _answer(placement, sql, "arrow")


@pytest.mark.parametrize("sql", [s for s in STATEMENTS if " l " not in s and "(SELECT" not in s])
def test_a_filter_sees_every_row_of_a_statement_that_is_not_cut(
    sql: str, placement: Placement
) -> None:
    uncut = UNCUT + sql.replace(" FROM ", " FROM r, ")
    assert isinstance(placement.plan(_over(uncut, "parquet")).residual, SqlResidual)
    assert _answer(placement, uncut, "parquet") == _answer(placement, uncut, "arrow")


@pytest.mark.parametrize("sql", [*IN_PYTHON, *STATEMENTS[:7]])
def test_a_filter_that_arrow_decides_keeps_what_the_engine_keeps(
    sql: str, placement: Placement
) -> None:
    uncut = UNCUT + sql.replace(" FROM ", " FROM r, ")
    assert isinstance(placement.plan(_over(uncut, "memory")).residual, SqlResidual)
    assert _answer(placement, uncut, "memory") == _answer(placement, uncut, "arrow")


def test_nan_is_found_at_all(placement: Placement) -> None:
    """The comparisons above are not of two empty answers."""
    assert _answer(placement, "SELECT id FROM low WHERE f > 5", "parquet") == ["[1]"]
    assert _answer(placement, "SELECT id FROM high WHERE f < 1", "parquet") == ["[2]"]
    assert _answer(placement, "SELECT max(f) AS m FROM low", "parquet") == ["[nan]"]
