"""Files as tables: the same declared columns, rows and errors, whichever reader and file system."""

from __future__ import annotations

import bz2
import datetime
import gzip
import os
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from datafusion import SessionContext
from fsspec.implementations.memory import MemoryFileSystem

from connectors.contract import Connector, Fragment, Native, SqlQuery, Table, TableName, TableScan
from connectors.errors import (
    CancelledError,
    ConfigurationError,
    DeadlineError,
    QueueFullError,
    SourceError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceUnavailableError,
    UnsupportedError,
)
from connectors.files import FilesConnector, create
from tests.placements import Placement

MIXED = pa.table(
    {
        "n": pa.array([1, 2, 3], pa.int32()),
        "view": pa.array(["x", "y", None], pa.string_view()),
        "large": pa.array(["p", "q", "r"], pa.large_string()),
        "dictionary": pa.array(["x", "y", "x"]).dictionary_encode(),
        "bytes": pa.array([b"1", None, b"3"], pa.binary_view()),
        "list": pa.array([[1], [], None], pa.list_(pa.int64())),
        "price": pa.array([None, "1.50", "2.25"]).cast(pa.decimal128(15, 2)),
        "at": pa.array([0, 1, 2], pa.timestamp("us", "UTC")),
    }
).cast(
    pa.schema(
        [
            pa.field("n", pa.int32(), nullable=False),
            pa.field("view", pa.string_view()),
            pa.field("large", pa.large_string()),
            pa.field("dictionary", pa.dictionary(pa.int32(), pa.string())),
            pa.field("bytes", pa.binary_view()),
            pa.field("list", pa.list_(pa.int64())),
            pa.field("price", pa.decimal128(15, 2)),
            pa.field("at", pa.timestamp("us", "UTC")),
        ]
    )
)


class Root:
    """A folder on a file system, with a connector over it."""

    def __init__(self, url: str, filesystem: Any, path: str) -> None:
        self.url, self.filesystem, self.path = url, filesystem, path

    def write(self, name: str, data: bytes | str | pa.Table) -> None:
        path = f"{self.path}/{name}"
        self.filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self.filesystem.open(path, "wb") as file:
            if isinstance(data, pa.Table) and name.endswith((".arrow", ".ipc")):
                with pa.ipc.new_file(file, data.schema) as writer:
                    writer.write_table(data)
            elif isinstance(data, pa.Table):
                pq.write_table(data, file)
            else:
                file.write(data.encode() if isinstance(data, str) else data)

    def connector(self, **options: Any) -> FilesConnector:
        return create("lake", {"root": self.url, **options})


@pytest.fixture(params=["local", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Root]:
    if request.param == "local":
        folder = tmp_path / "a [b]*%20 c"
        folder.mkdir()
        yield Root(str(folder), fsspec.filesystem("file"), str(folder))
    else:
        filesystem = MemoryFileSystem()
        path = f"/{tmp_path.name}"
        filesystem.makedirs(path)
        yield Root(f"memory:/{path}", filesystem, path)
        filesystem.rm(path, recursive=True)


def found(connector: FilesConnector, name: str) -> Table:
    table = connector.tables().find(TableName("main", name))
    assert table is not None
    return table


def scanned(connector: FilesConnector, name: str, *columns: str, **more: Any) -> pa.Table:
    schema = found(connector, name).schema
    columns = columns or tuple(schema.names)
    schema = pa.schema([schema.field(c) for c in columns])
    query = TableScan(TableName("main", name), columns, **more)
    batches = list(connector.execute(Fragment(query, schema), None))
    for batch in batches:
        assert batch.schema.equals(schema, check_metadata=True)
    return pa.Table.from_batches(batches, schema)


def engine(connector: FilesConnector, name: str, sql: str = "SELECT * FROM t") -> pa.Table:
    context = SessionContext()
    connector.register(context, "t", TableName("main", name))
    assert context.table("t").schema().equals(found(connector, name).schema)
    return context.sql(sql).to_arrow_table()


def both(connector: FilesConnector, name: str) -> list[dict[str, Any]]:
    """The rows, which have to be the same from either reader."""
    by_scan = scanned(connector, name)
    by_engine = engine(connector, name)
    assert by_engine.schema.equals(by_scan.schema)
    rows = by_scan.to_pylist()
    order = sorted(range(len(rows)), key=lambda i: str(rows[i]))
    assert sorted(map(str, by_engine.to_pylist())) == [str(rows[i]) for i in order]
    return rows


def types(connector: FilesConnector, name: str) -> dict[str, str]:
    return {c.name: str(c.type) for c in found(connector, name).columns}


def test_it_is_a_connector_and_constructing_it_does_no_io() -> None:
    connector = create("lake", {"root": "/does/not/exist"})
    assert isinstance(connector, Connector)
    assert isinstance(connector, Native)
    assert connector.capabilities.native
    assert not create("lake", {"root": "sftp://nobody@nowhere/x"}).capabilities.native
    assert not create("lake", {"root": "zip://::/does/not/exist.zip"}).capabilities.native


def test_each_file_and_each_folder_is_a_table(root: Root) -> None:
    for name in ("b.parquet", "a.csv", "z.csv.gz", "j.ndjson", "i.arrow", "events/1.parquet"):
        root.write(name, b"")
    root.write("spark.parquet/part-0.parquet", b"")
    for name in ("_SUCCESS", ".c.parquet", "_tmp/x.parquet", "readme.md", "docs/readme.md"):
        root.write(name, b"")
    connector = root.connector()
    names = [str(name) for name in connector.tables().names()]
    assert names == [f"main.{n}" for n in ("a", "b", "events", "i", "j", "spark", "z")]
    assert connector.tables().find(TableName("other", "a")) is None
    assert connector.tables().find(TableName("main", "nothing")) is None
    root.write("late.csv", "x\n1\n")
    assert connector.tables().find(TableName("main", "late")) is None
    connector.tables().refresh()
    assert types(connector, "late") == {"x": "int64"}


def test_a_name_of_two_files_is_an_error_only_when_used(root: Root) -> None:
    root.write("t.csv", "a\n1\n")
    root.write("t.parquet", MIXED)
    root.write("u.csv", "a\n1\n")
    connector = root.connector()
    assert len(connector.tables().names()) == 2
    assert types(connector, "u") == {"a": "int64"}
    with pytest.raises(SourceRejectedError, match=r"'t\.csv' and 't\.parquet' have this name"):
        found(connector, "t")


@pytest.mark.parametrize("name", ["m.parquet", "m.arrow", "m/part.parquet", "m/part.ipc"])
def test_declared_types_are_what_both_readers_give(root: Root, name: str) -> None:
    root.write(name, MIXED)
    connector = root.connector()
    assert types(connector, "m") == {
        "n": "int32",
        "view": "string",
        "large": "string",
        "dictionary": "string",
        "bytes": "binary",
        "list": found(connector, "m").schema.field("list").type.__str__(),
        "price": "decimal128(15, 2)",
        "at": "timestamp[us, tz=UTC]",
    }
    assert not found(connector, "m").columns[0].nullable
    assert both(connector, "m") == MIXED.to_pylist()


@pytest.mark.parametrize("name", ["m.parquet", "m.arrow"])
def test_scans_project_filter_and_limit(root: Root, name: str) -> None:
    root.write(name, MIXED)
    connector = root.connector()
    wanted = (pc.field("view") == "y") & (pc.field("large") == "q")
    kept = scanned(connector, "m", "dictionary", "n", filter=wanted)
    assert kept.to_pylist() == [{"dictionary": "y", "n": 2}]
    assert scanned(connector, "m", "bytes", limit=2).num_rows == 2
    assert scanned(connector, "m", limit=0).num_rows == 0
    query = TableScan(TableName("main", "m"), (), filter=pc.field("n") > 1)
    batches = connector.execute(Fragment(query, pa.schema([])), None)
    assert sum(batch.num_rows for batch in batches) == 2
    sql = "SELECT n FROM t WHERE view = 'y' AND large LIKE 'q%' AND bytes IS NULL"
    assert engine(connector, "m", sql).to_pydict() == {"n": [2]}


def test_many_files_are_one_table(root: Root) -> None:
    for i in range(20):
        root.write(f"t/{i}.parquet", pa.table({"i": [i] * 1000, "s": [f"s{i}"] * 1000}))
    root.write("t/_SUCCESS", b"")
    root.write("t/empty.parquet", b"")
    root.write("t/.hidden.parquet", pa.table({"i": [99], "s": ["hidden"]}))
    connector = root.connector()
    assert scanned(connector, "t", "i").num_rows == 20_000
    totals = engine(connector, "t", "SELECT count(*) AS n, max(i) AS m FROM t")
    assert totals.to_pylist() == [{"n": 20_000, "m": 19}]
    assert scanned(connector, "t", "i", filter=pc.field("s") == "s7", limit=10).num_rows == 10


def test_partition_folders_are_columns(root: Root) -> None:
    for year in (2024, 2025):
        for town in ("york", "la paz"):
            root.write(f"t/year={year}/town={town}/x.parquet", pa.table({"x": [year]}))
    connector = root.connector()
    assert types(connector, "t") == {"x": "int64", "year": "int64", "town": "string"}
    assert [c.nullable for c in found(connector, "t").columns] == [True, False, False]
    assert len(both(connector, "t")) == 4
    wanted = (pc.field("year") == 2025) & (pc.field("town") == "la paz")
    kept = scanned(connector, "t", "town", "x", filter=wanted)
    assert kept.to_pylist() == [{"town": "la paz", "x": 2025}]


@pytest.mark.parametrize(
    ("format_", "data"), [("parquet", pa.table({"a": [1]})), ("csv", "a\n1\n")]
)
def test_a_partition_may_be_null(root: Root, format_: str, data: Any) -> None:
    for year in ("2024", "__HIVE_DEFAULT_PARTITION__"):
        root.write(f"t/year={year}/x.{format_}", data)
    root.write(f"none/year=__HIVE_DEFAULT_PARTITION__/x.{format_}", data)
    connector = root.connector()
    assert types(connector, "t") == {"a": "int64", "year": "int64"}
    assert [c.nullable for c in found(connector, "t").columns] == [True, True]
    rows = [{"a": 1, "year": 2024}, {"a": 1, "year": None}]
    assert sorted(both(connector, "t"), key=str) == rows
    for condition, kept in (
        (pc.field("year") == 2024, rows[:1]),
        (pc.field("year").is_null(), rows[1:]),
    ):
        assert scanned(connector, "t", "a", "year", filter=condition).to_pylist() == kept
    sql = "SELECT count(*) AS n FROM t WHERE year IS NULL"
    assert engine(connector, "t", sql).to_pylist() == [{"n": 1}]
    assert both(connector, "none") == [{"a": 1, "year": None}]


def test_a_column_that_a_file_lacks_is_null_there(root: Root) -> None:
    required = pa.schema([pa.field("a", pa.int64(), False), pa.field("b", pa.int64(), False)])
    root.write("t/1.parquet", pa.table({"a": [1], "b": [1]}, schema=required))
    root.write("t/2.parquet", pa.table({"a": [2], "c": ["new"]}))
    connector = root.connector()
    assert [(c.name, c.nullable) for c in found(connector, "t").columns] == [
        ("a", True),
        ("b", True),
        ("c", True),
    ]
    assert sorted(both(connector, "t"), key=str) == [
        {"a": 1, "b": 1, "c": None},
        {"a": 2, "b": None, "c": "new"},
    ]


WIDENED = (
    (pa.array([1, None], pa.int16()), pa.array([2**40], pa.int64()), "int64"),
    (pa.array([200], pa.uint8()), pa.array([-5], pa.int8()), "int16"),
    (pa.array([2**32 - 1], pa.uint32()), pa.array([-5], pa.int32()), "int64"),
    (pa.array([2**31 - 1], pa.int32()), pa.array([0.5], pa.float32()), "double"),
    (pa.array([1.5], pa.float32()), pa.array([0.1], pa.float64()), "double"),
    (
        pa.array([Decimal("1.25")], pa.decimal128(5, 2)),
        pa.array([Decimal("0.1234")], pa.decimal128(6, 4)),
        "decimal128(7, 4)",
    ),
    (
        pa.array([-(2**31)], pa.int32()),
        pa.array([Decimal("0.25")], pa.decimal128(4, 2)),
        "decimal128(12, 2)",
    ),
    (pa.array([None], pa.null()), pa.array(["x"]), "string"),
    (
        pa.array([datetime.datetime(2024, 1, 1)], pa.timestamp("ms")),
        pa.array([datetime.datetime(9999, 1, 1, 0, 0, 0, 1)], pa.timestamp("us")),
        "timestamp[us]",
    ),
)
"""Columns of one name in two files, and the type that holds the values of both."""


@pytest.mark.parametrize(("one", "other", "type_"), WIDENED, ids=[w[2] for w in WIDENED])
def test_columns_of_two_types_are_as_wide_as_both(
    one: pa.Array, other: pa.Array, type_: str, root: Root
) -> None:
    for files in (("1", "2"), ("2", "1")):
        for number, column in zip(files, (one, other), strict=True):
            root.write(f"t/{number}.parquet", pa.table({"a": column}))
        connector = root.connector()
        assert types(connector, "t") == {"a": type_}
        wanted = [*one.to_pylist(), *other.to_pylist()]
        found = [row["a"] for row in both(connector, "t")]
        assert sorted(map(repr, found)) == sorted(map(repr, _as(wanted, type_)))


def _as(values: list[object], type_: str) -> list[object]:
    if type_.startswith("decimal"):
        scale = Decimal(1).scaleb(-int(type_.rstrip(")").rpartition(" ")[2]))
        return [None if v is None else Decimal(v).quantize(scale) for v in values]  # type: ignore[arg-type]
    return [float(v) if type_ == "double" and v is not None else v for v in values]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.int64(), pa.float64()),
        (pa.uint64(), pa.int64()),
        (pa.int64(), pa.string()),
        (pa.date32(), pa.timestamp("us")),
        (pa.timestamp("us"), pa.timestamp("us", "UTC")),
        (pa.timestamp("ns"), pa.timestamp("us")),
        (pa.decimal128(38, 0), pa.decimal128(38, 10)),
    ],
    ids=str,
)
def test_columns_that_no_type_holds_are_refused(
    one: pa.DataType, other: pa.DataType, root: Root
) -> None:
    for number, type_ in enumerate((one, other)):
        root.write(f"t/{number}.parquet", pa.table({"a": pa.array([None], type_)}))
    with pytest.raises(SourceRejectedError, match="differ in column 'a'"):
        root.connector().tables().find(TableName("main", "t"))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"t/1.parquet": pa.table({"a": [1]}), "t/2.parquet": pa.table({"a": ["x"]})},
            r"'t/1\.parquet' and 't/2\.parquet' differ in column 'a': int64 and string",
        ),
        (
            {"t/1.csv": "a,b\n1,2\n", "t/2.csv": "b,a\n1,2\n"},
            r"'t/1\.csv' and 't/2\.csv' differ in their columns",
        ),
        (
            {"t/1.csv": "a\n1\n", "t/2.parquet": pa.table({"a": [1]})},
            r"folder 't' holds files of more than one format: 't/1\.csv' and 't/2\.parquet'",
        ),
        (
            {"t/sub/1.csv": "a\n1\n"},
            r"folder 't' has a folder 'sub' that is not `column=value`",
        ),
        (
            {"t/1.csv": "a\n1\n", "t/x=1/2.csv": "a\n1\n"},
            r"folder 't' has partition folders that differ",
        ),
        (
            {"t/_delta_log/0.json": "{}", "t/1.parquet": pa.table({"a": [1]})},
            r"folder 't' is a Delta table",
        ),
        ({"t.csv": "a,a\n1,2\n"}, r"'t\.csv' has two columns 'a'"),
        ({"t.csv": ""}, r"'t\.csv' has no columns"),
        ({"t.csv": "a,b\n1,2\n3\n"}, r"'t\.csv': row 3: expected 2 columns, got 1"),
        ({"t.csv": b"a,b\n1,\xff\n"}, r"'t\.csv': not UTF-8"),
        ({"t.json": '[{"a": 1}]\n'}, r"'t\.json': not one JSON object in each line"),
        ({"t.jsonl": '{"a": 1}\n{"a": "x"}\n'}, r"'t\.jsonl': not one JSON object"),
        ({"t.jsonl": ""}, r"'t\.jsonl' has no columns"),
        ({"t.parquet": b"PAR1 but then no more"}, r"'t\.parquet' cannot be read"),
        ({"t.parquet": b""}, r"'t\.parquet' cannot be read"),
        ({"t.arrow": b"ARROW1 but then no more"}, r"'t\.arrow' cannot be read"),
        ({"t.csv.gz": b"not compressed"}, r"'t\.csv\.gz' cannot be read"),
    ],
)
def test_what_is_not_a_table_is_rejected_by_name(
    root: Root, files: dict[str, Any], reason: str
) -> None:
    for name, data in files.items():
        root.write(name, data)
    connector = root.connector()
    with pytest.raises(SourceError, match=reason) as caught:
        found(connector, "t")
    assert caught.value.source == "lake"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


CSV_TYPES = (
    "n,code,price,late,day,at,zone,flag,text,gone\n"
    '1,007,1.5,,2024-01-31,2024-01-31 01:02:03,2024-01-31T01:02:03Z,true,"a\nb",\n'
    '-2,+49,1e3,5,2024-02-29,2024-02-29T01:02:03.5,2024-02-29 01:02:03+02:00,FALSE,"q ""x""",\n'
    ",,NaN,,,,,,NULL,\n"
)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t/part.csv"])
def test_csv_types_are_those_that_lose_nothing(root: Root, name: str) -> None:
    text = CSV_TYPES.encode()
    root.write(name, gzip.compress(text) if name.endswith("gz") else text)
    connector = root.connector()
    assert types(connector, "t") == {
        "n": "int64",
        "code": "string",
        "price": "double",
        "late": "int64",
        "day": "date32[day]",
        "at": "timestamp[us]",
        "zone": "timestamp[us, tz=UTC]",
        "flag": "bool",
        "text": "string",
        "gone": "string",
    }
    rows = both(connector, "t")
    assert all(column.nullable for column in found(connector, "t").columns)
    assert rows[0]["text"] == "a\nb"
    assert rows[1]["text"] == 'q "x"'
    assert rows[1]["zone"] == datetime.datetime(2024, 2, 28, 23, 2, 3, tzinfo=datetime.UTC)
    assert rows[2]["text"] == "NULL"
    assert rows[2]["code"] is None


@pytest.mark.parametrize(
    ("text", "options", "rows"),
    [
        ("\ufeffa,b\n1,x\n", {}, [{"a": 1, "b": "x"}]),
        ("a,b\r\n1,x\r\n\r\n", {}, [{"a": 1, "b": "x"}]),
        ("a,b\n", {}, []),
        ("a,b", {}, []),
        ('"a\nb",c\n1,2\n', {}, [{"a\nb": 1, "c": 2}]),
        (",c\n1,2\n", {}, [{"column_1": 1, "c": 2}]),
        ("1;x,y\n2;\n", {"delimiter": ";", "header": False}, [(1, "x,y"), (2, None)]),
        ("a\u2028b,c\n1,2\u2028\n", {}, [{"a\u2028b": 1, "c": "2\u2028"}]),
        ("day\n2024-02-30\n", {}, [{"day": "2024-02-30"}]),
        ("big\n9223372036854775808\n", {}, [{"big": "9223372036854775808"}]),
        ("a\n" + "x" * 200_000 + "\n", {}, [{"a": "x" * 200_000}]),
    ],
)
def test_csv_as_it_is_found(
    root: Root, text: str, options: dict[str, Any], rows: list[Any]
) -> None:
    root.write("t.csv", text)
    connector = root.connector(csv=options)
    expected = [
        dict(zip(("column_1", "column_2"), r, strict=True)) if isinstance(r, tuple) else r
        for r in rows
    ]
    assert both(connector, "t") == expected


def test_csv_rows_that_the_sample_did_not_show_are_rejected_by_row(root: Root) -> None:
    lines = [f"{i},{'x' * 60}" for i in range(20_000)]
    root.write("t.csv", "\n".join(["a,b", *lines, "1,2,3", ""]))
    connector = root.connector()
    with pytest.raises(SourceRejectedError, match=r"'t\.csv' cannot be read: .*Expected 2") as one:
        scanned(connector, "t")
    assert "1,2,3" not in str(one.value)
    root.write("u.csv", "\n".join(["a,b", *lines, "word,x", ""]))
    connector.tables().refresh()
    with pytest.raises(SourceRejectedError, match=r"'u\.csv' cannot be read: .*invalid value"):
        scanned(connector, "u")
    rows = connector.statistics(TableName("main", "u")).rows
    assert rows == pytest.approx(20_001, rel=0.02)


def test_json_lines(root: Root) -> None:
    root.write("t.jsonl", '{"a": 1, "at": "2024-01-01T00:00:00Z", "n": null}\n{"s": {"x": [1]}}\n')
    root.write("u/1.json", '{"a": 1}\n')
    root.write("u/2.json", '{"a": 2.5}\n')
    connector = root.connector()
    assert types(connector, "t")["at"] == "string"
    rows = both(connector, "t")
    assert rows[0] == {"a": 1, "at": "2024-01-01T00:00:00Z", "n": None, "s": None}
    assert rows[1]["s"] == {"x": [1]}
    assert sorted(row["a"] for row in both(connector, "u")) == [1.0, 2.5]


def test_json_fractions_after_the_sample_are_never_cut_off(root: Root) -> None:
    root.write("t.json", '{"a": 1}\n' * 200_000 + '{"a": 2.5}\n')
    connector = root.connector()
    assert types(connector, "t") == {"a": "int64"}
    with pytest.raises(SourceRejectedError, match=r"'t\.json' cannot be read: .*2\.5"):
        scanned(connector, "t")
    with pytest.raises(Exception, match=r"2\.5"):
        engine(connector, "t")


def test_a_changed_file_is_noticed(root: Root) -> None:
    root.write("t.parquet", pa.table({"a": [1]}))
    connector = root.connector()
    old = found(connector, "t")
    assert found(connector, "t") is old
    batches = connector.execute(Fragment(TableScan(old.name, ("a",)), old.schema), None)
    root.write("t.parquet", pa.table({"a": ["one"], "b": [2]}))
    with pytest.raises(SourceSchemaChangedError):
        list(batches)
    assert types(connector, "t") == {"a": "string", "b": "int64"}
    root.filesystem.rm(f"{root.path}/t.parquet")
    assert connector.tables().find(old.name) is None
    with pytest.raises(SourceSchemaChangedError):
        connector.register(SessionContext(), "t", old.name)


def test_parquet_statistics_come_from_footers(root: Root) -> None:
    day = datetime.date(2024, 1, 1)
    first = {"i": [1, 2, None], "s": ["aaaa", "aaaa", "cccc"], "d": [day] * 3, "f": [1.0, 2.0, 3.0]}
    root.write("t/1.parquet", pa.table(first, schema=None))
    last = {"i": [7], "s": ["bbbb"], "d": [day + datetime.timedelta(1)], "f": [None]}
    root.write("t/2.parquet", pa.table(last).cast(pa.table(first).schema))
    connector = root.connector()
    statistics = connector.statistics(TableName("main", "t"))
    assert statistics.rows == 4
    i, s, d, f = (statistics.columns[name] for name in ("i", "s", "d", "f"))
    assert (i.minimum, i.maximum, i.null_fraction, i.width_bytes) == (1, 7, 0.25, 8)
    assert (s.minimum, s.maximum) == ("aaaa", "cccc")
    assert s.width_bytes is not None
    assert s.width_bytes >= 8
    assert (d.minimum, d.maximum) == (day, day + datetime.timedelta(1))
    assert (f.minimum, f.maximum, f.null_fraction) == (1.0, 3.0, 0.25)
    assert statistics.size_bytes == pytest.approx(4 * sum(c.width_bytes or 0 for c in (i, s, d, f)))
    stored_bytes = 0
    for number in (1, 2):
        with root.filesystem.open(f"{root.path}/t/{number}.parquet", "rb") as file:
            stored_bytes += pq.read_metadata(file).row_group(0).column(0).total_compressed_size
    assert i.stored_bytes == stored_bytes / 4
    assert connector.statistics(TableName("main", "none")).rows is None


def test_other_formats_say_their_size_and_only_honest_rows(root: Root) -> None:
    root.write("small.csv", "a,b\n1,2\n3,4\n")
    root.write("packed.csv.gz", gzip.compress(b"a,b\n" + b"1234567,2\n" * 200_000))
    root.write("i.arrow", MIXED)
    connector = root.connector()
    assert connector.statistics(TableName("main", "small")).rows == 2
    packed = connector.statistics(TableName("main", "packed"))
    assert (packed.rows, packed.size_bytes) == (None, None)
    arrow = connector.statistics(TableName("main", "i"))
    assert arrow.rows is None
    assert arrow.size_bytes


def test_what_it_cannot_run_is_refused_before_any_io(root: Root) -> None:
    root.write("t.parquet", MIXED)
    connector = root.connector()
    with pytest.raises(UnsupportedError):
        connector.execute(Fragment(SqlQuery("SELECT 1"), pa.schema([])), None)
    schema = pa.schema([found(connector, "t").schema.field("n")])
    query = TableScan(TableName("main", "t"), ("n",), filter=pc.field("view") == 3)
    with pytest.raises(UnsupportedError):
        connector.execute(Fragment(query, schema), None)


class StalledFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A file system whose files never answer, until the test lets them."""

    protocol = "stalled"
    cachable = False
    reached = threading.Event()
    release = threading.Event()
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path.removeprefix("stalled://"))
        return stripped

    def _open(self, path: str, *args: Any, **options: Any) -> Any:
        if options.get("mode", args[0] if args else "rb") == "rb" and "slow" in path:
            self.reached.set()
            self.release.wait(60)
        return super()._open(path, *args, **options)


@pytest.fixture
def stalled() -> Iterator[Callable[[float | None], Any]]:
    fsspec.register_implementation("stalled", StalledFileSystem, clobber=True)
    StalledFileSystem.reached.clear()
    StalledFileSystem.release.clear()
    table = pa.table({"a": [1]})
    with StalledFileSystem().open("/root/slow.parquet", "wb") as file:
        pq.write_table(table, file)
    connector = create("far", {"root": "stalled://root"})
    query = TableScan(TableName("main", "slow"), ("a",))
    yield lambda deadline: connector.execute(Fragment(query, table.schema), deadline)
    StalledFileSystem.release.set()
    for thread in threading.enumerate():
        if thread.name == "crosswind-far":
            thread.join(60)


def test_cancel_wakes_a_reader_whose_file_system_does_not_answer(stalled: Any) -> None:
    batches = stalled(None)
    outcome: list[BaseException] = []

    def read() -> None:
        try:
            list(batches)
        except CancelledError as error:
            outcome.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert StalledFileSystem.reached.wait(60)
    batches.cancel()
    reader.join(60)
    assert len(outcome) == 1
    batches.close()
    batches.close()


def test_a_deadline_ends_a_scan_whose_file_system_does_not_answer(stalled: Any) -> None:
    with pytest.raises(DeadlineError) as caught:
        list(stalled(time.monotonic() + 0.05))
    assert caught.value.source == "far"


def test_a_consumer_that_stops_leaves_no_reader_behind(root: Root) -> None:
    for i in range(8):
        table = pa.table({"i": range(200_000)})
        root.write(f"t/{i}.parquet", table)
    connector = root.connector()
    table = found(connector, "t")
    batches = connector.execute(Fragment(TableScan(table.name, ("i",)), table.schema), None)
    iterator = iter(batches)
    assert next(iterator).num_rows
    batches.close()
    with pytest.raises(CancelledError):
        next(iterator)
    for thread in threading.enumerate():
        if thread.name == "crosswind-lake":
            thread.join(60)
            assert not thread.is_alive()


def test_a_missing_root_is_unavailable_and_named(tmp_path: Path) -> None:
    for url in (str(tmp_path / "none"), "memory://none_such"):
        with pytest.raises(SourceUnavailableError, match=r"none.*does not exist") as caught:
            create("lake", {"root": url}).tables().names()
        assert caught.value.source == "lake"


def test_a_root_that_is_a_file_is_one_table(root: Root) -> None:
    root.write("t.csv", "a\n1\n")
    root.write("t.md", "no table")
    connector = create("lake", {"root": f"{root.url}/t.csv"})
    assert [str(name) for name in connector.tables().names()] == ["main.t"]
    assert both(connector, "t") == [{"a": 1}]
    with pytest.raises(SourceRejectedError, match=r"t\.md' is a file of no known format"):
        create("lake", {"root": f"{root.url}/t.md"}).tables().names()


def test_tables_are_files_folders_and_patterns_where_they_are_named(root: Root) -> None:
    for year in (2024, 2025):
        for part in "ab":
            table = pa.table({"x": [f"{year}{part}"]})
            root.write(f"raw/year={year}/{part}.parquet", table)
        root.write(f"raw/year={year}/_tmp.parquet", table)
    root.write("raw/year=2025/b.csv", "y\n1\n")
    root.write("deep/down/here.csv", "z\n2\n")
    tables = {
        "a": "raw/year=*/a.parquet",
        "new": "raw/year=2025/*.parquet",
        "all": "raw/**/?.parquet",
        "here": "deep/down/here.csv",
        "down": "deep/down",
        "none": "raw/*.parquet",
        "absent": "absent/file.csv",
    }
    connector = root.connector(tables=tables)
    assert [n.name for n in connector.tables().names()] == ["a", "all", "down", "here", "new"]
    assert connector.tables().find(TableName("main", "none")) is None
    assert connector.tables().find(TableName("main", "absent")) is None
    assert sorted(map(str, both(connector, "a"))) == [
        "{'x': '2024a', 'year': 2024}",
        "{'x': '2025a', 'year': 2025}",
    ]
    kept = scanned(connector, "all", "x", filter=pc.field("year") == 2024)
    assert sorted(kept["x"].to_pylist()) == ["2024a", "2024b"]
    assert len(both(connector, "new")) == 2
    assert both(connector, "here") == both(connector, "down") == [{"z": 2}]
    root.write("raw/year=2026/a.parquet", pa.table({"x": ["2026a"]}))
    assert len(both(connector, "a")) == 3


@pytest.mark.parametrize("path", ["", "/etc/x.csv", "../x.csv", "a//b.csv", "a/"])
def test_a_table_is_named_by_a_path_below_the_root(path: str) -> None:
    with pytest.raises(ValueError, match="a path below the root"):
        create("lake", {"root": "/lake", "tables": {"t": path}})


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "zst": lambda data: pa.compress(data, "zstd", asbytes=True),
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("name", ["t.csv", "t.JSONL", "t/part.ndjson"])
def test_compressed_text_is_read_as_any(root: Root, name: str, packing: str) -> None:
    """Also of several parts, which tools that append write."""
    if "csv" in name:
        parts = ["a,b\n1,x\n", "2,y\n"]
    else:
        parts = ['{"a": 1, "b": "x"}\n', '{"a": 2, "b": "y"}\n']
    root.write(f"{name}.{packing}", b"".join(PACKED[packing](part.encode()) for part in parts))
    connector = root.connector()
    assert sorted(row["a"] for row in both(connector, "t")) == [1, 2]
    assert connector.statistics(TableName("main", "t")).rows == 2
    assert scanned(connector, "t", "b", filter=pc.field("a") == 2).to_pylist() == [{"b": "y"}]


def test_an_unknown_or_uninstalled_protocol_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError, match="nope"):
        create("lake", {"root": "nope://x"}).tables().names()


class LeakyFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A driver that quotes its credentials when it fails."""

    protocol = "leaky"
    cachable = False

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def ls(self, path: str, detail: bool = True, **_: Any) -> Any:
        raise RuntimeError(f"403 for {self.options} at leaky://me:pa55word@host")


def test_secrets_are_in_no_error_repr_or_identity() -> None:
    fsspec.register_implementation("leaky", LeakyFileSystem, clobber=True)
    options = {
        "root": "leaky://me:pa55word@host/data",
        "storage_options": {"key": "akia99", "nested": {"secret": "wJalr"}},
    }
    connector = create("lake", options)
    with pytest.raises(SourceUnavailableError, match="RuntimeError: 403") as caught:
        connector.tables().names()
    assert caught.value.__suppress_context__
    for text in (str(caught.value), repr(connector), connector.identity):
        assert not any(secret in text for secret in ("pa55word", "akia99", "wJalr"))
    assert connector.identity == "files:leaky://me:***@host/data"


def test_an_archive_is_a_file_system_like_any(tmp_path: Path) -> None:
    path = str(tmp_path / "x.zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("t.csv", "a\n1\n")
        archive.writestr("p.csv", "a,b\n1,x\n")
    connector = create("zipped", {"root": f"zip://::{path}"})
    assert [name.name for name in connector.tables().names()] == ["p", "t"]
    assert both(connector, "p") == [{"a": 1, "b": "x"}]


def test_a_new_file_is_a_new_table_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.files.connector.NEW_SECONDS", 0.0)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "old.parquet")
    tables = create("lake", {"root": str(tmp_path)}).tables()
    assert tables.find(TableName("main", "new")) is None
    pq.write_table(pa.table({"a": [1]}), tmp_path / "new.parquet")
    assert tables.find(TableName("main", "new")) is not None


def test_a_reader_that_cannot_be_started_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process may be at its limit of threads: the first says so, the others are not needed."""
    for part in range(6):
        at = tmp_path / "t" / f"{part}.parquet"
        at.parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"a": range(100)}), at)
    connector, name = create("lake", {"root": str(tmp_path)}), TableName("main", "t")
    table = connector.tables().find(name)
    assert table is not None
    fragment = Fragment(TableScan(name, ("a",)), table.schema)
    start, left = threading.Thread.start, [0]

    def limited(thread: threading.Thread) -> None:
        if thread.name == "crosswind-lake":
            left[0] -= 1
            if left[0] < 0:
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    for left[0] in (3, 2, 1):
        assert sum(batch.num_rows for batch in connector.execute(fragment, None)) == 600
    with pytest.raises(QueueFullError, match="thread"):
        list(connector.execute(fragment, None))
    connector.close()


def test_an_archive_that_is_cut_off_says_so(tmp_path: Path) -> None:
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("t.csv", "a,b\n" + "1,2\n" * 100_000)
    options = {"connector": "files", "root": f"zip://::{archive}"}
    with Placement.of_sources({"lake": options}) as placement:
        assert placement.query("SELECT count(*) AS n FROM t").to_pydict() == {"n": [100_000]}
        os.truncate(archive, archive.stat().st_size // 2)
        with pytest.raises(SourceRejectedError, match=r"main\.t: 't\.csv' .* was cut off"):
            placement.query("SELECT sum(b) FROM t")
