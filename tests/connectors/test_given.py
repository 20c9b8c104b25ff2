"""Tables that a program gives to `memory`: each Arrow type is computed with, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from connectors.errors import CrosswindError, UnsupportedError
from connectors.memory import MemoryConnector
from planner.catalog import Source
from tests.placements import Placement

WHOLE = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32())
FLOATS = (pa.uint64(), pa.float16(), pa.float32(), pa.float64())
TEXTS = (pa.string(), pa.large_string(), pa.string_view())
BYTES = (pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(1))
DECIMALS = (pa.decimal32(5, 2), pa.decimal64(15, 2), pa.decimal128(20, 2), pa.decimal256(50, 2))
UNITS = ("s", "ms", "us", "ns")
TIMES = (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"))
LISTS = (pa.list_(pa.int32()), pa.large_list(pa.int32()), pa.list_(pa.int32(), 1))
VIEWS = (pa.list_view(pa.int32()), pa.large_list_view(pa.string_view()))
NESTED = (pa.struct([("a", pa.int64())]), pa.map_(pa.string(), pa.int32()))
IN_VIEWS = (pa.struct([("a", pa.string_view())]), pa.map_(pa.string(), pa.string_view()))


def three(type_: pa.DataType) -> pa.Array:
    """Two values with a NULL between them."""
    return pa.array([_VALUES[type_][0], None, _VALUES[type_][1]], type_)


_VALUES: Mapping[pa.DataType, tuple[object, object]] = {
    pa.bool_(): (True, False),
    **dict.fromkeys((*WHOLE, *FLOATS), (1, 2)),
    **dict.fromkeys(TEXTS, ("a", "ä" * 20)),
    **dict.fromkeys(BYTES, (b"a", b"\0")),
    **dict.fromkeys(DECIMALS, (Decimal("1.20"), Decimal("-2.00"))),
    **dict.fromkeys((pa.date32(), pa.date64()), (date(2020, 1, 1), date(1969, 12, 31))),
    **dict.fromkeys(TIMES, (time(1, 2, 3), time(0))),
    **{pa.timestamp(unit): (datetime(2020, 1, 1), datetime(1969, 1, 1)) for unit in UNITS},
    pa.timestamp("us", "UTC"): (datetime(2020, 1, 1, tzinfo=UTC), datetime(1969, 1, 1, tzinfo=UTC)),
    **{pa.duration(unit): (timedelta(days=1), timedelta(seconds=-1)) for unit in UNITS},
    pa.month_day_nano_interval(): (pa.MonthDayNano([1, 2, 3]), pa.MonthDayNano([0, 0, -1])),
    **dict.fromkeys((*LISTS, VIEWS[0]), ([1], [2])),
    VIEWS[1]: (["b", None, "c"], []),
    NESTED[0]: ({"a": 1}, {"a": None}),
    NESTED[1]: ([("k", 1)], [("l", None)]),
    IN_VIEWS[0]: ({"a": "x"}, {"a": None}),
    IN_VIEWS[1]: ([("k", "x")], [("l", None)]),
    pa.list_(pa.string_view()): (["x", None], []),
}

_INDICES = pa.array([0, None, 1], pa.int32())

DICTIONARIES = {
    values: pa.DictionaryArray.from_arrays(_INDICES, pa.array(_VALUES[values], values))
    for values in (pa.string(), pa.string_view(), pa.int64(), pa.list_(pa.int32()), NESTED[0])
}

RUNS = {
    values: pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3], pa.int32()), three(values))
    for values in (pa.string(), pa.int64(), pa.decimal128(20, 2), pa.list_(pa.int32()))
}

TAKEN: Mapping[str, pa.Array] = {
    **{str(type_): three(type_) for type_ in _VALUES},
    **{f"dictionary of {values}": column for values, column in DICTIONARIES.items()},
    **{f"runs of {values}": column for values, column in RUNS.items()},
    "null": pa.nulls(3),
    "uuid": pa.array([b"a" * 16, None, b"b" * 16], pa.uuid()),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1", None, "{}"])),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), three(pa.int8())),
}

_TYPES = pa.array([0, 1, 0], pa.int8())

REFUSED: Mapping[str, pa.Array] = {
    "dense union": pa.UnionArray.from_dense(
        _TYPES, pa.array([0, 0, 1], pa.int32()), [pa.array([1, 2]), pa.array(["x"])]
    ),
    "sparse union": pa.UnionArray.from_sparse(_TYPES, [pa.array([1, 2, 3]), three(pa.string())]),
    "no bytes": pa.array([b"", None, b""], pa.binary(0)),
    "no fields": pa.array([{}, None, {}], pa.struct([])),
    "runs in lists": pa.ListArray.from_arrays([0, 1, 2, 3], RUNS[pa.string()]),
    "views of lists in lists": pa.ListArray.from_arrays([0, 1, 2, 3], three(VIEWS[0])),
    "runs of views": pa.RunEndEncodedArray.from_arrays([1, 2, 3], three(pa.string_view())),
}

STATEMENTS = (
    "SELECT id, c FROM t WHERE id > 1 ORDER BY id",
    "SELECT c, count(*) AS n FROM t GROUP BY c",
    "SELECT count(*) AS n FROM t WHERE c IS NULL",
    "SELECT a.c FROM t a JOIN t b ON a.id = b.id",
    "SELECT max(c) AS m FROM t",
    "SELECT t.c, r.n FROM t, (WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r"
    " WHERE n < 2) SELECT n FROM r) r",
)


def over(column: pa.Array) -> MemoryConnector:
    return MemoryConnector("here", {"t": pa.table({"id": [1, 2, 3], "c": column})})


@pytest.mark.parametrize("name", TAKEN)
def test_a_column_of_any_type_has_its_values_and_fails_by_no_defect(name: str) -> None:
    column = TAKEN[name]
    with Placement.opened([Source("here", over(column))]) as placement:
        rows = placement.query("SELECT c FROM t ORDER BY id")
        assert rows["c"].to_pylist() == column.to_pylist()
        rows.validate(full=True)
        for sql in STATEMENTS:
            try:
                placement.query(sql).validate(full=True)
            except CrosswindError as error:
                # Of lists there is no greatest, and of intervals no group.
                assert error.code.startswith("request."), f"{sql}: {error}"


@pytest.mark.parametrize("type_", [*TEXTS, *BYTES[:3], *VIEWS, *IN_VIEWS], ids=str)
def test_a_slice_of_a_column_is_made_plain_too(type_: pa.DataType) -> None:
    column = pa.concat_arrays([three(type_), three(type_)])[1:4]
    with Placement.opened([Source("here", over(column))]) as placement:
        rows = placement.query("SELECT c FROM t ORDER BY id")
        assert rows["c"].to_pylist() == column.to_pylist()
        assert "view" not in str(rows.schema.field("c").type)


@pytest.mark.parametrize("name", REFUSED)
def test_a_column_that_nothing_computes_with_is_refused_when_it_is_given(name: str) -> None:
    with pytest.raises(UnsupportedError, match=r"column 'c' of table 't' is .* no table here"):
        over(REFUSED[name])
