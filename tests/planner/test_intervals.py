"""Intervals with days or months are not compared: the engine knows no order of them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from connectors.errors import UnsupportedError
from planner.bind import bind
from planner.catalog import Catalog
from planner.parse import parse

_OF_TWO = "(VALUES (INTERVAL '1 day'), (INTERVAL '24 hours')) x (i)"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT DISTINCT i FROM {_OF_TWO}",
        f"SELECT i FROM {_OF_TWO} ORDER BY i",
        f"SELECT max(i) FROM {_OF_TWO}",
        f"SELECT i, count(*) FROM {_OF_TWO} GROUP BY i",
        f"SELECT i > INTERVAL '2 hours' FROM {_OF_TWO}",
        f"SELECT 1 FROM {_OF_TWO} JOIN {_OF_TWO.replace('x', 'y')} ON x.i = y.i",
        f"SELECT count(*) OVER (PARTITION BY i) FROM {_OF_TWO}",
        "SELECT INTERVAL '1 day' UNION SELECT INTERVAL '24 hours'",
    ],
)
def test_what_would_be_ordered_wrongly_is_refused(sql: str) -> None:
    with pytest.raises(UnsupportedError, match="months or days") as failure:
        bind(parse(sql), Catalog(()))
    assert "moment > placed + interval" in str(failure.value.hint)


def test_differences_of_times_have_an_order() -> None:
    sql = (
        "SELECT max(t - u) FROM (VALUES (TIMESTAMP '2024-01-03 00:00:00',"
        " TIMESTAMP '2024-01-01 00:00:00')) x (t, u) GROUP BY t - u ORDER BY max(t - u)"
    )
    bound = bind(parse(sql), Catalog(()))
    assert bound.relation is not None
    assert pa.types.is_duration(bound.schema.field(0).type)


@pytest.mark.parametrize(
    "condition",
    [
        "d - INTERVAL '1 month' > DATE '2026-03-01'",
        "d + INTERVAL '1 day' = DATE '2026-01-01'",
        "d > INTERVAL '1 day' + DATE '2026-01-01'",
        "DATE '2026-01-02' - INTERVAL '1 day' > d",
        "d BETWEEN DATE '2026-01-02' - INTERVAL '1 month' AND d + INTERVAL '1 day'",
    ],
)
def test_times_that_are_moved_by_an_interval_are_compared(condition: str) -> None:
    sql = f"SELECT d FROM (VALUES (DATE '2026-01-02')) x (d) WHERE {condition}"
    assert bind(parse(sql), Catalog(())).schema.names == ["d"]


@pytest.mark.parametrize(
    "condition",
    ["INTERVAL '1 day' < i", "i + INTERVAL '1 day' > INTERVAL '1 hour'", "i = INTERVAL '1 day'"],
)
def test_intervals_beside_others_are_still_not_compared(condition: str) -> None:
    with pytest.raises(UnsupportedError, match="months or days"):
        bind(parse(f"SELECT 1 FROM {_OF_TWO} WHERE {condition}"), Catalog(()))
