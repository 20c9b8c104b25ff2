"""Iceberg tables: columns that changed, rows that are deleted, and types."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    IdentityTransform,
)
from pyiceberg.types import (
    DecimalType,
    DoubleType,
    FixedType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    StructType,
    UUIDType,
)

from connectors.contract import TableName
from connectors.errors import SourceRejectedError, SourceUnavailableError
from tests.connectors.warehouse import (
    SALES,
    Warehouse,
    connected,
    data_files,
    delete_by_values,
    delete_by_vector,
    delete_positions,
    files_read,
    local,
    over,
)

_ONE = UUID("12345678-1234-5678-1234-567812345678")


def test_columns_are_found_whatever_became_of_them(lake: Warehouse) -> None:
    rows = pa.table(
        {
            "id": pa.array([1, 2], pa.int32()),
            "price": pa.array([1.5, 2.5], pa.float32()),
            "amount": pa.array([Decimal("1.10"), None], pa.decimal128(9, 2)),
            "name": ["x", "y"],
            "gone": [True, False],
        }
    )
    table = lake.write("t", rows)
    with table.update_schema() as change:
        change.update_column("id", LongType())
        change.update_column("price", DoubleType())
        change.update_column("amount", DecimalType(20, 2))
        change.rename_column("name", "label")
        change.delete_column("gone")
    with table.update_schema() as change:
        change.add_column("name", IntegerType())
        change.move_first("label")
    table.append(
        pa.table(
            {
                "label": ["z"],
                "id": pa.array([2**40], pa.int64()),
                "price": [1e300],
                "amount": pa.array([Decimal("123456789012345678.90")], pa.decimal128(20, 2)),
                "name": pa.array([7], pa.int32()),
            }
        )
    )
    old = {"label": "x", "id": 1, "price": 1.5, "amount": Decimal("1.10"), "name": None}
    older = {"label": "y", "id": 2, "price": 2.5, "amount": None, "name": None}
    new = {"label": "z", "id": 2**40, "price": 1e300, "name": 7}
    new["amount"] = Decimal("123456789012345678.90")
    with over(lake) as placement:

        def rows_of(condition: str) -> list[dict[str, object]]:
            found = placement.query(f"SELECT * FROM t WHERE {condition} ORDER BY id").to_pylist()
            return [dict(row) for row in found]

        assert rows_of("true") == [old, older, new]
        assert placement.query("SELECT * FROM t").column_names == list(old)
        assert rows_of("label = 'x'") == [old]
        assert rows_of("label > 'x' AND id < 10") == [older]
        assert rows_of("name = 7") == [new]
        assert rows_of("name IS NULL AND id > 1") == [older]
        assert rows_of("id = 1099511627776") == [new]
        assert rows_of("id <= 2") == [old, older]
        assert rows_of("amount >= 1.10") == [old, new]
        assert rows_of("price > 2") == [older, new]
        names = placement.query("SELECT name FROM t ORDER BY name NULLS LAST")
        assert names["name"].to_pylist() == [7, None, None]
        assert placement.query("SELECT 1 AS one FROM t WHERE name IS NULL").num_rows == 2
    with connected(lake) as connector:
        assert files_read(connector, "t", pc.field("id") > 2) == 1
        assert connector.statistics(TableName("default", "t")).columns["id"].minimum == 1


def test_nested_columns_are_found_whatever_became_of_them(lake: Warehouse) -> None:
    inner = pa.struct([("x", pa.int32()), ("y", pa.string())])
    values = {
        "id": pa.array([1, 2, 3], pa.int64()),
        "s": pa.array([{"x": 1, "y": "a"}, None, {"x": None, "y": "b"}], inner),
        "l": pa.array([[{"x": 1, "y": "a"}, None], None, []], pa.list_(inner)),
        "m": pa.array([[("k", 1), ("j", None)], None, []], pa.map_(pa.string(), pa.int32())),
    }
    table = lake.write("t", pa.table(values))
    # pyiceberg writes a list of structs that is NULL as an empty one: other writers do not.
    (path,) = data_files(table)
    pq.write_table(pa.table(values).cast(table.schema().as_arrow()), local(path))
    sql = "SELECT * FROM t WHERE id > 0 ORDER BY id"
    with over(lake) as placement:
        assert placement.query(sql).to_pylist() == pa.table(values).to_pylist()
    with table.update_schema() as change:
        change.update_column(("s", "x"), LongType())
        change.rename_column(("s", "y"), "z")
        change.add_column(("l", "element", "w"), StringType())
        change.delete_column(("l", "element", "y"))
        change.update_column(("m", "value"), LongType())
    want = [
        {"id": 1, "s": {"x": 1, "z": "a"}, "l": [{"x": 1, "w": None}, None]},
        {"id": 2, "s": None, "l": None, "m": None},
        {"id": 3, "s": {"x": None, "z": "b"}, "l": [], "m": []},
    ]
    want[0]["m"] = [("k", 1), ("j", None)]
    with over(lake) as placement:
        answer = placement.query(sql)
        assert answer.to_pylist() == want
        assert answer.schema.field("m").type.item_type == pa.int64()
        assert placement.query("SELECT l FROM t WHERE id = 2").to_pylist() == [{"l": None}]
    delete_positions(table, data_files(table)[0], [0])
    with over(lake) as placement:
        assert placement.query(sql).to_pylist() == want[1:]


def test_a_column_may_have_a_value_in_files_that_lack_it(lake: Warehouse, tmp_path: Path) -> None:
    """A default of the column, or what the partition says: files that Hive wrote lack it."""
    table = lake.partitioned("t", SALES, {"land": IdentityTransform()})
    for path in data_files(table):
        local = path.removeprefix("file://")
        pq.write_table(pq.read_table(local, partitioning=None).drop_columns(["land"]), local)
    with over(lake) as placement:
        answer = placement.query("SELECT id, land FROM t WHERE land <> 'at' ORDER BY id")
        assert answer.to_pylist() == [{"id": 3, "land": "br"}, {"id": 4, "land": "ca"}]


def test_a_column_has_its_default_in_files_that_are_older(lake: Warehouse) -> None:
    """Version 3 of the format has them; pyiceberg reads that version, and does not write it."""
    table = lake.write("t", pa.table({"id": [1, 2]}))
    location = Path(local(table.metadata_location))
    metadata = json.loads(location.read_text())
    metadata |= {"format-version": 3, "next-row-id": 0}
    defaults: dict[str, tuple[object, object]] = {
        "int": (7, 7),
        "string": ("old", "old"),
        "date": ("2024-02-29", date(2024, 2, 29)),
        "decimal(9, 2)": ("1.50", Decimal("1.50")),
        "timestamptz": ("2024-02-29T01:00:00+00:00", datetime(2024, 2, 29, 1, tzinfo=UTC)),
        "uuid": ("12345678-1234-5678-1234-567812345678", _ONE.bytes),
    }
    metadata["schemas"][0]["fields"] += [
        {"id": 10 + i, "name": f"c{i}", "type": t, "required": True, "initial-default": written}
        for i, (t, (written, _)) in enumerate(defaults.items())
    ]
    newer = location.with_name("00009-by-hand.metadata.json")
    newer.write_text(json.dumps(metadata))
    want = {f"c{i}": value for i, (_, value) in enumerate(defaults.values())}
    with over(lake, tables={"t": str(newer)}) as placement:
        answer = placement.query("SELECT * FROM t WHERE c0 = 7 AND c1 = 'old' ORDER BY id")
        assert answer.to_pylist() == [{"id": 1, **want}, {"id": 2, **want}]
        assert placement.query("SELECT id FROM t WHERE c0 IS NULL OR c1 > 'old'").num_rows == 0


def test_files_without_numbers_are_read_by_the_names_that_the_table_maps(
    lake: Warehouse, tmp_path: Path
) -> None:
    rows = pa.table({"id": pa.array([1, 2], pa.int64()), "s": [{"x": 1}, {"x": 2}]})
    path = tmp_path / "plain.parquet"
    pq.write_table(rows, path)
    table = lake.catalog.create_table("default.t", rows.schema)
    table.add_files([f"file://{path}"])
    with table.update_schema() as change:
        change.rename_column("id", "number")
        change.rename_column(("s", "x"), "y")
    sql = "SELECT number, s FROM t WHERE number = 2"
    with over(lake) as placement:
        assert placement.query(sql).to_pylist() == [{"number": 2, "s": {"y": 2}}]
        with table.transaction() as change_properties:
            change_properties.remove_properties("schema.name-mapping.default")
        with pytest.raises(SourceRejectedError, match=r"plain.parquet.*no numbers"):
            placement.query(sql)


def test_moments_that_were_written_as_96_bits_are_read(lake: Warehouse) -> None:
    """As older engines do; Arrow makes nanoseconds of them, which end in 2262."""
    moments = pa.array([datetime(1, 1, 1, tzinfo=UTC), datetime(2024, 3, 31, 1, 0, 0, 1, UTC)])
    table = lake.write("t", pa.table({"at": moments.cast(pa.timestamp("us", "UTC"))}))
    path = local(data_files(table)[0])
    pq.write_table(pq.read_table(path), path, use_deprecated_int96_timestamps=True)
    with over(lake) as placement:
        answer = placement.query("SELECT at FROM t WHERE at < TIMESTAMPTZ '2024-03-31T01:00:00Z'")
        assert answer["at"].to_pylist() == moments.to_pylist()[:1]
        assert placement.query("SELECT at FROM t").num_rows == 2


# Rows that are deleted.


@pytest.mark.parametrize("delete", [delete_positions, delete_by_vector])
def test_deleted_rows_are_not_read(lake: Warehouse, delete: object) -> None:
    assert callable(delete)
    rows = pa.table({"id": pa.array(range(1000), pa.int64())})
    table = lake.write("t", rows, {"write.parquet.row-group-limit": "100"})
    table.append(pa.table({"id": pa.array([5, 2000], pa.int64())}))
    large = next(p for p in data_files(table) if pq.read_metadata(local(p)).num_rows == 1000)
    delete(table, large, [5, 99, 100, 999])
    delete(table, large, [5, 500])
    with over(lake) as placement:

        def ids(condition: str) -> list[int]:
            sql = f"SELECT id FROM t WHERE {condition} ORDER BY id"
            return [row["id"] for row in placement.query(sql).to_pylist()]

        left = [*sorted(set(range(1000)) - {5, 99, 100, 500, 999}), 2000]
        assert ids("true") == sorted([5, *left])
        assert placement.query("SELECT count(*) AS n FROM t").to_pylist() == [{"n": len(left) + 1}]
        assert ids("id BETWEEN 98 AND 101") == [98, 101]
        assert ids("id >= 998") == [998, 2000]
        assert ids("id = 5") == [5]
        assert placement.query("SELECT id FROM t LIMIT 3").num_rows == 3
    table.append(pa.table({"id": pa.array([5], pa.int64())}))
    with over(lake) as placement:
        assert placement.query("SELECT id FROM t WHERE id = 5").num_rows == 2


@pytest.mark.parametrize("delete", [delete_positions, delete_by_vector])
def test_deletes_that_have_gone_are_named(lake: Warehouse, delete: object) -> None:
    assert callable(delete)
    table = lake.write("t", pa.table({"id": [1, 2, 3]}))
    delete(table, data_files(table)[0], [0])
    (gone,) = Path(local(table.location()), "data").glob("deletes-*")
    gone.write_bytes(b"not what it was")
    with over(lake) as placement:
        with pytest.raises(SourceRejectedError, match=gone.name):
            placement.query("SELECT id FROM t")
        gone.unlink()
        with pytest.raises(SourceUnavailableError, match=f"{gone.name}.*does not exist"):
            placement.query("SELECT count(*) AS n FROM t")


def test_deletes_by_value_are_refused_as_long_as_they_count(lake: Warehouse) -> None:
    table = lake.write("t", pa.table({"id": [1, 2, 3]}))
    first = table.current_snapshot()
    assert first is not None
    delete_by_values(table, "id", pa.array([2], pa.int64()))
    sql = "SELECT id FROM t"
    with (
        over(lake) as placement,
        pytest.raises(SourceRejectedError, match=r"'default.t' .*equality deletes"),
    ):
        placement.query(sql)
    with over(lake, snapshot=first.snapshot_id) as placement:
        assert placement.query(sql).num_rows == 3


# Types.


def test_each_type_is_read_as_the_page_says(lake: Warehouse) -> None:
    schema = Schema(
        NestedField(1, "u", UUIDType(), required=True),
        NestedField(2, "x", FixedType(3)),
        NestedField(3, "s", StructType(NestedField(4, "t", StringType(), required=True))),
    )
    table = lake.catalog.create_table("default.t", schema)
    arrow = table.schema().as_arrow()
    table.append(pa.table({"u": [_ONE.bytes], "x": [b"abc"], "s": [{"t": "a"}]}, arrow))
    with connected(lake) as connector:
        found = connector.tables().find(TableName("default", "t"))
        assert found is not None
        u, x, _ = found.columns
        assert (u.type, u.native_type, u.nullable) == (pa.binary(), "uuid", False)
        assert (u.lost, x.lost) == (
            "that it is a UUID; it is its 16 bytes",
            "that every value has 3 bytes",
        )
    with over(lake) as placement:
        answer = placement.query("SELECT * FROM t")
        assert answer.to_pylist() == [{"u": _ONE.bytes, "x": b"abc", "s": {"t": "a"}}]
        for condition in (f"u = X'{_ONE.hex}'", "x = X'616263'", "x > X'616262'"):
            assert placement.query(f"SELECT x FROM t WHERE {condition}").num_rows == 1
        assert placement.query("SELECT x FROM t WHERE x = X'616264'").num_rows == 0


def test_moments_and_days_are_found_in_their_files(lake: Warehouse) -> None:
    moment = datetime(2024, 3, 31, 1, 0, tzinfo=UTC)
    columns = {
        "at": pa.array([moment], pa.timestamp("us", "UTC")),
        "local": pa.array([moment.replace(tzinfo=None)], pa.timestamp("us")),
        "day": [date(1, 1, 1)],
        "raw": [b"\xff\x00"],
        "yes": [True],
    }
    conditions = {
        "at": [
            "at = TIMESTAMPTZ '2024-03-31T01:00:00Z'",
            "at < TIMESTAMPTZ '2024-03-31T01:00:00Z'",
        ],
        "local": [
            "local <= TIMESTAMP '2024-03-31 01:00:00'",
            "local > TIMESTAMP '2024-03-31 01:00:00'",
        ],
        "day": ["day = DATE '0001-01-01'", "day <> DATE '0001-01-01'"],
        "raw": ["raw = X'ff00'", "raw = X'ff01'"],
        "yes": ["yes", "NOT yes"],
    }
    lake.write("t", pa.table(columns))
    with over(lake) as placement:
        for column, (true, false) in conditions.items():
            answer = placement.query(f'SELECT "{column}" FROM t WHERE {true}')
            assert answer[column].to_pylist() == pa.table(columns)[column].to_pylist()
            assert placement.query(f'SELECT "{column}" FROM t WHERE {false}').num_rows == 0
