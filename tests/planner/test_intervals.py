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
