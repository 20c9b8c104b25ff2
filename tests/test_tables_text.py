"""Arrow data as text: what Python's own values cannot show."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pyarrow as pa
import pytest
from rich.console import Console

from flight_server.tables_text import print_table, write_csv, write_json

AFTER_9999 = 253_402_300_800
BEFORE_1 = -62_135_596_801

DAYS = pa.array([-800_000, 2_932_897, 0, None], pa.date32())
MOMENTS = pa.array([BEFORE_1 * 10**6, AFTER_9999 * 10**6, 123_456, None], pa.timestamp("us"))
ZONED = pa.array([0, AFTER_9999 * 1000, 5, None], pa.timestamp("ms", "Europe/Vienna"))


def csv_of(column: pa.Array) -> list[str]:
    batch = pa.record_batch({"c": column})
    stream = io.StringIO()
    write_csv(stream, batch.schema, [batch])
    return stream.getvalue().splitlines()[1:]


def json_of(column: pa.Array) -> list[object]:
    batch = pa.record_batch({"c": column})
    stream = io.StringIO()
    write_json(stream, batch.schema, [batch])
    return [row["c"] for row in json.loads(stream.getvalue())]


def table_of(column: pa.Array) -> list[str]:
    batch = pa.record_batch({"c": column})
    console = Console(file=io.StringIO(), width=200)
    print_table(console, batch.schema, [batch], 10)
    return [line.strip() for line in console.file.getvalue().splitlines()[2:-1]]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("show", "null"), [(csv_of, '""'), (table_of, "NULL"), (json_of, None)])
def test_days_of_any_year_are_shown(show: Callable[[pa.Array], list[object]], null: object) -> None:
    assert show(DAYS) == ["-0221-09-04", "10000-01-01", "1970-01-01", null]


def test_times_of_any_year_are_shown_without_a_fraction_of_zeros() -> None:
    shown = ["0000-12-31 23:59:59", "10000-01-01 00:00:00", "1970-01-01 00:00:00.123456"]
    assert table_of(MOMENTS) == [*shown, "NULL"]
    assert csv_of(MOMENTS) == [*shown, '""']
    assert json_of(MOMENTS) == [*(text.replace(" ", "T") for text in shown), None]


def test_times_with_a_zone_have_its_offset() -> None:
    assert table_of(ZONED) == [
        "1970-01-01 01:00:00+01:00",
        "10000-01-01 01:00:00+01:00",
        "1970-01-01 01:00:00.005+01:00",
        "NULL",
    ]
    assert json_of(ZONED.cast(pa.timestamp("ms", "UTC")))[0] == "1970-01-01T00:00:00+00:00"


def test_what_is_inside_of_lists_and_structures_is_shown_too() -> None:
    lists = pa.array([[-800_000, None], []], pa.list_(pa.date32()))
    assert json_of(lists) == [["-0221-09-04", None], []]
    rows = pa.array([{"a": [{"m": BEFORE_1}]}], _nested())
    assert json_of(rows) == [{"a": [{"m": "0000-12-31 23:59:59"}]}]
    pairs = pa.array([[("k", 2_932_897)]], pa.map_(pa.string(), pa.date32()))
    assert json_of(pairs) == [[["k", "10000-01-01"]]]


def _nested() -> pa.DataType:
    return pa.struct({"a": pa.list_(pa.struct({"m": pa.timestamp("s")}))})


def test_a_duration_that_python_has_not_is_its_number() -> None:
    assert csv_of(pa.array([10**15], pa.duration("s"))) == ["1000000000000000"]
    assert csv_of(pa.array([86_400], pa.duration("s"))) == ['"1 day, 0:00:00"']
