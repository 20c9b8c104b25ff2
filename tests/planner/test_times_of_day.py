"""Times of day that are written out beside columns of another unit than the engine gives them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pyarrow as pa
import pytest

from connectors.errors import InvalidValueError, Position, TypeMismatchError
from connectors.memory import MemoryConnector
from planner.catalog import Source
from tests.placements import Placement

_TIMES = [datetime.time(12), datetime.time(13, 0, 1), None]
DAY = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "us": pa.array(_TIMES, pa.time64("us")),
        "ns": pa.array(_TIMES, pa.time64("ns")),
        "s": pa.array(_TIMES, pa.time32("s")),
        "ms": pa.array(_TIMES, pa.time32("ms")),
    }
)


@pytest.fixture(scope="module")
def opened() -> Iterator[Placement]:
    with Placement.opened([Source("m", MemoryConnector("m", {"day": DAY}))]) as placement:
        yield placement


@pytest.mark.parametrize("unit", ["us", "ns", "s", "ms"])
@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        ("{} = TIME '12:00'", [1]),
        ("TIME '13:00:01.000' = {}", [2]),
        ("{} > '12:00:00'::time", [2]),
        ("{} BETWEEN TIME '12:00:00' AND TIME '13:00:00'", [1]),
        ("{} IN (TIME '12:00', TIME '13:00:01')", [1, 2]),
        ("coalesce({}, TIME '01:00') < TIME '12:00'", [3]),
        ("CASE WHEN id = 1 THEN TIME '01:00' ELSE {} END = TIME '01:00'", [1]),
        ("{} IS DISTINCT FROM TIME '12:00'", [2, 3]),
        ("{0} = TIME '12:00' OR {0} = TIME '13:00:01'", [1, 2]),
        ("CASE {} WHEN TIME '12:00' THEN us = TIME '12:00' ELSE id = 3 END", [1, 3]),
        ("us = TIME '12:00' AND ns = TIME '12:00' AND {} = TIME '12:00'", [1]),
        ("{} = TIME '12:00' AND 'é TIME ''13:00''' <> ''", [1]),
    ],
)
def test_a_written_time_goes_with_a_column_of_any_unit(
    condition: str, ids: list[int], unit: str, opened: Placement
) -> None:
    answer = opened.query(f"SELECT id FROM day WHERE {condition.format(unit)}")
    assert sorted(answer["id"].to_pylist()) == ids


@pytest.mark.parametrize(
    "condition",
    ["us = TIME '12:00:00.0000001'", "s = TIME '12:00:00.5'", "us = ns AND us = TIME '12:00'"],
)
def test_what_would_lose_digits_is_refused(condition: str, opened: Placement) -> None:
    sql = f"SELECT id FROM day WHERE {condition}"
    with pytest.raises(TypeMismatchError, match="time and time do not go together") as failed:
        opened.plan(sql)
    # Of two comparisons that look alike to the engine, it is not known which one it means.
    place = Position(1, sql.index("=") + 1) if sql.count("=") == 1 else None
    assert failed.value.position == place


def test_a_text_that_is_no_time_is_named(opened: Placement) -> None:
    with pytest.raises(InvalidValueError, match="'25:00' is not a value of type time"):
        opened.query("SELECT id FROM day WHERE us = TIME '25:00'")


@pytest.mark.parametrize(
    ("output", "name", "type_", "value"),
    [
        ("CAST(TIME '00:00:01' AS BIGINT)", None, pa.int64(), 1_000_000_000),
        ("TIME '00:00:01'", None, pa.time64("ns"), datetime.time(0, 0, 1)),
        ("arrow_typeof(TIME '00:00:01') AS x", "x", pa.string(), "Time64(ns)"),
        ("CASE WHEN us > TIME '01:00' THEN TIME '00:00:01' END AS x", "x", pa.time64("ns"), None),
    ],
)
def test_what_is_not_compared_keeps_its_unit(
    output: str, name: str | None, type_: pa.DataType, value: object, opened: Placement
) -> None:
    answer = opened.query(f"SELECT {output} FROM day WHERE us = TIME '12:00'")
    alone = opened.query(f"SELECT {output} FROM day") if name is None else answer
    assert answer.column_names == ([name] if name else alone.column_names)
    assert answer.schema.types == [type_]
    assert answer[0].to_pylist() == [value or datetime.time(0, 0, 1)]
