"""How many values a column of Parquet has, as its footer tells: by each writer that people use."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import datafusion
import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from connectors.contract import ColumnStatistics, TableName
from connectors.files import create

ROWS = 200_000
WITHIN = 2.5
NAME = TableName("main", "t")


def _rows() -> pa.Table:
    chance = random.Random(7)
    return pa.table(
        {
            "number": list(range(ROWS)),
            "flag": [chance.choice("ANR") for _ in range(ROWS)],
            "mode": [chance.choice(["AIR", "TRUCK", "MAIL", "SHIP", None]) for _ in range(ROWS)],
            "city": [f"city {chance.randrange(700)}" for _ in range(ROWS)],
            "supplier": [chance.randrange(5_000) for _ in range(ROWS)],
            "share": pa.array(
                [Decimal(chance.randrange(40)) / 100 for _ in range(ROWS)], pa.decimal128(9, 2)
            ),
            "weight": [chance.randrange(300) / 8 for _ in range(ROWS)],
            "day": [date(2020, 1, 1) + timedelta(i // 200) for i in range(ROWS)],
            "text": [f"{chance.getrandbits(64):x}" for _ in range(ROWS)],
        }
    )


ROWS_OF_ALL_KINDS = _rows()


def _by_arrow(path: Path, compression: str) -> None:
    pq.write_table(ROWS_OF_ALL_KINDS, path, compression=compression, row_group_size=60_000)


def _by_duckdb(path: Path, compression: str) -> None:
    with duckdb.connect() as connection:
        connection.register("rows", ROWS_OF_ALL_KINDS)
        connection.execute(f"COPY rows TO '{path}' (COMPRESSION {compression})")


def _by_datafusion(path: Path, compression: str) -> None:
    context = datafusion.SessionContext()
    context.from_arrow(ROWS_OF_ALL_KINDS).write_parquet(path, compression)


WRITERS = {"arrow": _by_arrow, "duckdb": _by_duckdb, "datafusion": _by_datafusion}


def _columns(root: Path) -> dict[str, ColumnStatistics]:
    connector = create("lake", {"root": str(root)})
    try:
        return dict(connector.statistics(NAME).columns)
    finally:
        connector.close()


@pytest.mark.parametrize("compression", ["snappy", "zstd"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_what_repeats_is_counted_and_what_does_not_is_unknown(
    write: Callable[[Path, str], None], compression: str, tmp_path: Path
) -> None:
    write(tmp_path / "t.parquet", compression)
    columns = _columns(tmp_path)
    assert columns["number"].distinct is None
    assert columns["text"].distinct is None
    for name in ("flag", "mode", "city", "supplier", "share", "weight", "day"):
        true = pc.count_distinct(ROWS_OF_ALL_KINDS[name]).as_py()
        found = columns[name].distinct
        if found is not None:
            assert true / WITHIN < found < true * WITHIN, name
    known = {name for name, column in columns.items() if column.distinct is not None}
    assert known >= {"flag", "mode", "city"}


def test_groups_of_other_values_add_up(tmp_path: Path) -> None:
    days = ROWS_OF_ALL_KINDS.select(["day"])
    pq.write_table(days, tmp_path / "t.parquet", row_group_size=ROWS // 20)
    found = _columns(tmp_path)["day"].distinct
    assert found is not None
    assert 1_000 / WITHIN < found < 1_000 * WITHIN


def test_a_text_that_each_group_has_one_of_is_counted_by_its_bounds(tmp_path: Path) -> None:
    regions = pa.table({"region": [f"region {i // 1_000:03}" for i in range(50_000)]})
    pq.write_table(regions, tmp_path / "t.parquet", row_group_size=1_000)
    assert _columns(tmp_path)["region"].distinct == 50.0


@pytest.mark.parametrize(
    "rows",
    [
        pa.table({"a": pa.array([], pa.string())}),
        pa.table({"a": pa.nulls(100, pa.string())}),
        pa.table({"a": [[1, 2], [3]] * 100}),
    ],
    ids=["none", "NULLs", "lists"],
)
def test_of_nothing_and_of_lists_nothing_is_known(rows: pa.Table, tmp_path: Path) -> None:
    pq.write_table(rows, tmp_path / "t.parquet")
    assert _columns(tmp_path)["a"].distinct is None


def test_without_dictionaries_nothing_is_known(tmp_path: Path) -> None:
    pq.write_table(ROWS_OF_ALL_KINDS, tmp_path / "t.parquet", use_dictionary=["city"])
    columns = _columns(tmp_path)
    assert columns["city"].distinct is not None
    assert columns["flag"].distinct is None


def test_empty_chunks_and_those_of_nulls_do_not_count(tmp_path: Path) -> None:
    for number in range(20):
        empty = pa.table({"a": pa.array([], pa.string())})
        pq.write_table(empty, tmp_path / f"{number}.parquet")
    pq.write_table(pa.table({"a": pa.nulls(1_000, pa.string())}), tmp_path / "nulls.parquet")
    some = pa.table({"a": [f"value {i % 50}" for i in range(10_000)]})
    pq.write_table(some, tmp_path / "some.parquet")
    connector = create("lake", {"root": str(tmp_path), "tables": {"t": "*.parquet"}})
    try:
        found = connector.statistics(NAME).columns["a"].distinct
    finally:
        connector.close()
    assert found is not None
    assert 50 / WITHIN < found < 50 * WITHIN


def test_texts_of_chunks_that_do_not_overlap_add_up(tmp_path: Path) -> None:
    texts = pa.table({"a": [f"{i // 10:08}" for i in range(100_000)]})
    pq.write_table(texts, tmp_path / "t.parquet", row_group_size=2_000)
    found = _columns(tmp_path)["a"].distinct
    assert found is not None
    assert 10_000 / WITHIN < found < 10_000 * WITHIN


def test_long_texts_that_are_much_alike_are_unknown(tmp_path: Path) -> None:
    texts = [
        f"https://example.org/shop/orders/of/customers/{'x' * 400}{i % 300}" for i in range(9_000)
    ]
    pq.write_table(pa.table({"a": texts}), tmp_path / "t.parquet", compression="zstd")
    assert _columns(tmp_path)["a"].distinct is None
