"""Files on their way through fsspec: little of them is in memory at once, and no row is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from datafusion import SessionContext

from connectors.contract import Fragment, TableName, TableScan
from connectors.files import FilesConnector, create
from connectors.files.streams import BLOCK_BYTES

ROWS = 120_000


@pytest.fixture
def lake() -> Iterator[tuple[Any, str]]:
    """A file system that only fsspec knows, and a folder there."""
    system, root = fsspec.filesystem("memory"), f"/streams-{os.getpid()}"
    system.makedirs(root)
    yield system, root
    system.rm(root, recursive=True)


def _connected(root: str, csv: Mapping[str, object] | None = None) -> FilesConnector:
    return create("lake", {"root": f"memory:/{root}", "csv": csv or {}})


def _batches(connector: FilesConnector, *columns: str, **more: Any) -> Iterator[pa.RecordBatch]:
    name = TableName("main", "t")
    table = connector.tables().find(name)
    assert table is not None
    schema = pa.schema([table.schema.field(c) for c in columns])
    yield from connector.execute(Fragment(TableScan(name, columns, **more), schema), None)


def _as_parquet(file: Any, table: pa.Table) -> None:
    pq.write_table(table, file, row_group_size=ROWS)


def _as_json(file: Any, table: pa.Table) -> None:
    file.write("".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode())


@pytest.mark.parametrize(
    ("suffix", "write"),
    [("parquet", _as_parquet), ("csv", lambda f, t: pcsv.write_csv(t, f)), ("jsonl", _as_json)],
)
def test_little_of_a_large_file_is_in_memory_at_once(
    lake: tuple[Any, str], suffix: str, write: Callable[[Any, pa.Table], None]
) -> None:
    """Also of a row group that is the whole file, and of rows wider than their first are."""
    system, root = lake
    texts = pa.array(["short", "long " * 200])
    which = pa.array([0] * 100 + [1] * (ROWS - 100))
    table = pa.table({"i": pa.array(range(ROWS), pa.int64()), "s": texts.take(which)})
    with system.open(f"{root}/t.{suffix}", "wb") as file:
        write(file, table)
    want_bytes = table.nbytes
    del table
    connector = _connected(root, {"newlines_in_values": False})
    before, most_bytes, seen_bytes, rows = pa.total_allocated_bytes(), 0, 0, 0
    for batch in _batches(connector, "i", "s", filter=pc.field("i") >= 0):
        assert batch.nbytes < 8 << 20
        rows += batch.num_rows
        seen_bytes += batch.nbytes
        most_bytes = max(most_bytes, pa.total_allocated_bytes() - before)
    assert rows == ROWS
    assert seen_bytes > want_bytes * 0.9 > 100 << 20
    assert most_bytes < 64 << 20


def test_little_is_in_memory_where_the_engine_asks_for_it(tmp_path: Path) -> None:
    """JSON lines on this disk reach the engine through Arrow."""
    line = json.dumps({"i": 1, "s": "long " * 200}) + "\n"
    (tmp_path / "t.jsonl").write_text(line * ROWS)
    context = SessionContext()
    create("lake", {"root": str(tmp_path)}).register(context, "t", TableName("main", "t"))
    stream = context.sql("SELECT i, s FROM t WHERE i >= 0").execute_stream()
    before, most_bytes, rows = pa.total_allocated_bytes(), 0, 0
    for batch in stream:
        rows += batch.to_pyarrow().num_rows
        most_bytes = max(most_bytes, pa.total_allocated_bytes() - before)
    assert rows == ROWS
    assert most_bytes < 64 << 20


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("long_bytes", [BLOCK_BYTES[0] + 1, BLOCK_BYTES[1] + 1])
def test_a_row_longer_than_a_block_is_read_and_none_comes_twice(
    lake: tuple[Any, str], suffix: str, long_bytes: int
) -> None:
    system, root = lake
    table = pa.table({"i": range(60_000), "s": [*["x" * 20] * 59_999, "y" * long_bytes]})
    with system.open(f"{root}/t.{suffix}", "wb") as file:
        pcsv.write_csv(table, file) if suffix == "csv" else _as_json(file, table)
    connector = _connected(root)
    read = pa.concat_arrays([b.column(0) for b in _batches(connector, "i")])
    assert read.to_pylist() == list(range(60_000))
    odd = pc.field("s") != "x" * 20
    (last,) = (b for b in _batches(connector, "i", "s", filter=odd) if b.num_rows)
    assert last.column("i").to_pylist() == [59_999]
    assert sum(b.num_rows for b in _batches(connector, limit=10)) == 10


def test_several_readers_read_one_file_and_each_row_once(lake: tuple[Any, str]) -> None:
    system, root = lake
    numbers = pa.table({"i": range(200_000), "other": ["o"] * 200_000, "a.b": range(200_000)})
    with system.open(f"{root}/t.parquet", "wb") as file:
        pq.write_table(numbers, file, row_group_size=1_000, compression="none")
    connector = _connected(root)
    for columns in (("i",), ("other", "i"), ("a.b",), ()):
        batches = list(_batches(connector, *columns))
        assert sum(batch.num_rows for batch in batches) == 200_000
        assert all(batch.schema.names == list(columns) for batch in batches)
        if "i" in columns:
            read = pa.concat_arrays([batch.column("i") for batch in batches])
            assert sorted(read.to_pylist()) == list(range(200_000))
    few = pc.field("i").isin([5, 100_005]) | (pc.field("a.b") == 199_999)
    found = [i for b in _batches(connector, "i", filter=few) for i in b.column("i").to_pylist()]
    assert sorted(found) == [5, 100_005, 199_999]


def test_a_column_in_folder_and_file_is_that_of_the_file(lake: tuple[Any, str]) -> None:
    system, root = lake
    for year in (2024, 2025):
        system.makedirs(f"{root}/t/year={year}/town=york")
        with system.open(f"{root}/t/year={year}/town=york/a.csv", "wb") as file:
            file.write(f"x,year\n1,{year}\n".encode())
    connector = _connected(root)
    rows = [r for b in _batches(connector, "town", "year", "x") for r in b.to_pylist()]
    assert sorted(r["year"] for r in rows) == [2024, 2025]
    assert {(r["town"], r["x"]) for r in rows} == {("york", 1)}
    kept = [b.num_rows for b in _batches(connector, filter=pc.field("year") == 2025)]
    assert sum(kept) == 1
