"""Iceberg tables: what is left out of a scan, and that no row is lost with it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    Transform,
    TruncateTransform,
    YearTransform,
)

from connectors.conformance.tables import VALUES
from connectors.contract import Fragment, TableName, TableScan
from connectors.errors import SourceError
from tests.connectors.warehouse import (
    SALES,
    Warehouse,
    connected,
    data_files,
    delete_positions,
    files_read,
    over,
)

EVENTS = pa.table(
    {
        "id": pa.array(range(40), pa.int64()),
        "land": ["at", "br"] * 20,
        "at": [datetime(2024, 2, 1 + i // 10, i % 24) for i in range(40)],
        "text": [f"{'a long beginning ' * 2}{i:02}" for i in range(40)],
    }
)


@pytest.mark.parametrize("metrics", ["truncate(16)", "none"])
def test_files_are_left_out_by_identity(lake: Warehouse, metrics: str) -> None:
    kept = {"write.metadata.metrics.default": metrics}
    lake.partitioned("events", EVENTS, {"land": IdentityTransform()}, **kept)
    with connected(lake) as connector:
        assert files_read(connector, "events", pc.field("land") == "at") == 1
        assert files_read(connector, "events", pc.field("land").isin(["at", "br"])) == 2
        assert files_read(connector, "events", pc.field("land") == "ca") == 0
        assert files_read(connector, "events", pc.field("land").is_null()) == 0


def test_files_are_left_out_by_day(lake: Warehouse) -> None:
    lake.partitioned("events", EVENTS, {"at": DayTransform()})
    with connected(lake) as connector:
        days = [pc.field("at") >= datetime(2024, 2, day) for day in (1, 2, 4, 5)]
        assert [files_read(connector, "events", day) for day in days] == [4, 3, 1, 0]
    with over(lake) as placement:
        sql = "SELECT count(*) AS n FROM events WHERE at >= TIMESTAMP '2024-02-03 05:00:00'"
        want = sum(at >= datetime(2024, 2, 3, 5) for at in EVENTS["at"].to_pylist())
        assert placement.query(sql).to_pylist() == [{"n": want}]


@pytest.mark.parametrize("column", ["id", "text", "day"])
def test_files_are_left_out_by_bucket(lake: Warehouse, column: str) -> None:
    rows = EVENTS.append_column("day", EVENTS["at"].cast(pa.date32()))
    rows = rows.append_column("m", pa.nulls(40, pa.map_(pa.string(), pa.int64())))
    lake.partitioned("events", rows, {column: BucketTransform(8)})
    with connected(lake) as connector:
        every = files_read(connector, "events", pc.scalar(True))
        value = pa.scalar(rows[column][21].as_py(), rows.schema.field(column).type)
        other = pa.scalar(rows[column][3].as_py(), value.type)
        is_value, is_other = pc.field(column) == value, pc.field(column) == other
        assert files_read(connector, "events", is_value) == 1 < every
        assert files_read(connector, "events", is_value & is_other) == 0
        assert 1 <= files_read(connector, "events", is_value | is_other) <= 2
        assert files_read(connector, "events", pc.field(column).isin(pa.array([value, other]))) <= 2
        assert files_read(connector, "events", is_value | (pc.field("land") == "at")) == every
    with over(lake) as placement:
        written = f"DATE '{value}'" if column == "day" else f"'{value}'" if column == "text" else 21
        answer = placement.query(f"SELECT id FROM events WHERE {column} = {written}")
        assert 21 in answer["id"].to_pylist()
        answer = placement.query("SELECT id FROM events WHERE id IN (3, 21, 99) ORDER BY 1")
        assert answer["id"].to_pylist() == [3, 21]


@pytest.mark.parametrize(
    ("type_", "transform"),
    [
        (pa.int32(), BucketTransform(4)),
        (pa.int64(), TruncateTransform(3)),
        (pa.string(), BucketTransform(4)),
        (pa.string(), TruncateTransform(3)),
        (pa.binary(), BucketTransform(4)),
        (pa.decimal128(38, 10), IdentityTransform()),
        (pa.date32(), MonthTransform()),
        (pa.date32(), BucketTransform(4)),
        (pa.timestamp("us", tz="UTC"), HourTransform()),
        (pa.timestamp("us"), YearTransform()),
    ],
    ids=str,
)
def test_what_is_left_out_has_no_row_that_counts(
    lake: Warehouse, type_: pa.DataType, transform: Transform
) -> None:
    """Each type's worst values, by Arrow over the files that are left and over all rows."""
    values = [v for v in VALUES[type_] if not isinstance(v, str) or len(v) < 1000][:5]
    rows = pa.table({"v": pa.array([*values, None], type_)})
    lake.partitioned("t", rows, {"v": transform})
    name, v, left_out = TableName("default", "t"), pc.field("v"), 0
    with connected(lake) as connector:
        table = connector.tables().find(name)
        assert table is not None
        for value in (pa.scalar(value, type_) for value in values):
            among = pa.array([value.as_py()], type_)
            listed = pc.if_else(v.is_null(), pa.scalar(None, pa.bool_()), v.isin(among))
            for condition in (v == value, ~(v == value), v < value, v >= value, listed):
                scan = TableScan(name, ("v",), condition)
                batches = connector.execute(Fragment(scan, table.schema), None)
                got = [repr(found) for batch in batches for found in batch["v"].to_pylist()]
                want = [repr(found) for found in rows.filter(condition)["v"].to_pylist()]
                assert sorted(got) == sorted(want), str(condition)
                target = connector._target(scan, table.schema)
                left_out += rows.num_rows - len(target.fragments)
    assert left_out


def test_bounds_that_are_cut_short_lose_no_row(lake: Warehouse) -> None:
    lake.write("events", EVENTS)
    wanted = EVENTS["text"][39].as_py()
    with over(lake) as placement:
        for condition in (f"text = '{wanted}'", f"text >= '{wanted}'", f"text IN ('{wanted}')"):
            answer = placement.query(f"SELECT id FROM events WHERE {condition}")
            assert answer.to_pylist() == [{"id": 39}]
    with connected(lake) as connector:
        assert files_read(connector, "events", pc.field("text") > "b") == 0


def test_nan_is_found_whatever_manifests_say_of_its_file(lake: Warehouse) -> None:
    lake.write("sales", SALES)
    lake.write("nothing_but", pa.table({"f": [float("nan")] * 2, "id": [1, 2]}))
    with over(lake) as placement:
        assert placement.query("SELECT id FROM sales WHERE f > 5").to_pylist() == [{"id": 2}]
        assert str(placement.query("SELECT max(f) AS m FROM sales").to_pylist()) == "[{'m': nan}]"
        answer = placement.query("SELECT id FROM nothing_but WHERE f >= 1 ORDER BY 1")
        assert answer["id"].to_pylist() == [1, 2]
        assert placement.query("SELECT id FROM nothing_but WHERE f < 1").num_rows == 0


def test_row_groups_are_left_out_by_their_statistics(lake: Warehouse) -> None:
    rows = pa.table({"id": pa.array(range(1000), pa.int64())})
    table = lake.write("many", rows, {"write.parquet.row-group-limit": "100"})
    (path,) = data_files(table)
    with Path(path.removeprefix("file://")).open("r+b") as file:
        first = pq.ParquetFile(file).metadata.row_group(0).column(0)
        file.seek(first.data_page_offset)
        file.write(b"\xff" * 50)
    with over(lake) as placement:
        assert placement.query("SELECT id FROM many WHERE id = 500").num_rows == 1
        with pytest.raises(SourceError, match="cannot be read"):
            placement.query("SELECT id FROM many WHERE id = 5")


def test_statistics_are_those_of_the_manifests(lake: Warehouse) -> None:
    table = lake.write("sales", SALES)
    with connected(lake) as connector:
        statistics = connector.statistics(TableName("default", "sales"))
        assert statistics.rows == 4
        assert (statistics.columns["id"].minimum, statistics.columns["id"].maximum) == (1, 4)
        assert statistics.columns["f"].null_fraction == 0.25
        assert statistics.columns["f"].maximum is None
    delete_positions(table, data_files(table)[0], [0])
    with connected(lake) as connector:
        assert connector.statistics(TableName("default", "sales")).rows == 3
