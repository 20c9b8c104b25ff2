"""A column that Substrait cannot carry costs a statement its cuts only where it is read."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import registry
from connectors.memory import MemoryConnector
from planner.catalog import Source
from planner.plan import SqlResidual, SubstraitResidual
from tests.placements import Placement

ODD: dict[str, tuple[pa.DataType, list[object]]] = {
    "parts": (pa.struct([("a", pa.int32()), ("b", pa.string())]), [{"a": 1, "b": "x"}, None, None]),
    "pairs": (pa.map_(pa.string(), pa.int32()), [[("x", 1)], None, None]),
    "lists": (pa.list_(pa.struct([("a", pa.int32())])), [[{"a": 1}], None, None]),
    "vectors": (pa.list_(pa.float32(), 2), [[1.0, 2.0], None, None]),
    "deep": (pa.struct([("v", pa.list_(pa.float32(), 2))]), [{"v": [1.0, 2.0]}, None, None]),
    "zoned": (pa.timestamp("us", "Europe/Berlin"), [1, None, None]),
    "nothing": (pa.null(), [None, None, None]),
}
JOINS = (
    "SELECT t.word, o.word AS other FROM {odd} t JOIN {plain} o ON t.id = o.id WHERE t.id > 1",
    "SELECT o.word, count(*) FROM {odd} t JOIN {plain} o ON t.id = o.id GROUP BY o.word",
    "SELECT o.word FROM {plain} o WHERE EXISTS (SELECT 1 FROM {odd} t WHERE t.id = o.id + 1)",
    "SELECT word FROM {odd} t WHERE id > (SELECT min(o.id) FROM {plain} o WHERE o.word <> t.word)",
)


@pytest.fixture(scope="module")
def placement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Placement]:
    folder = tmp_path_factory.mktemp("odd")
    plain = {"id": [1, 2, 3], "word": ["p", "q", "r"]}
    tables = {"plain": pa.table(plain)}
    for name, (type_, values) in ODD.items():
        tables[name] = pa.table({**plain, "odd": pa.array(values, type_)})
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    files = registry.create("files", "files", {"root": str(folder)})
    with Placement.opened(
        [Source("memory", MemoryConnector("memory", tables)), Source("files", files)]
    ) as placement:
        yield placement


@pytest.mark.parametrize("sources", [("files", "memory"), ("memory", "files")])
@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("sql", JOINS)
def test_a_table_is_cut_whatever_columns_it_has_besides(
    sql: str, name: str, sources: tuple[str, str], placement: Placement
) -> None:
    first, second = sources
    statement = sql.format(odd=f"{first}.{name}", plain=f"{second}.plain")
    plan = placement.plan(statement)
    assert isinstance(plan.residual, SubstraitResidual)
    usual = placement.query(sql.format(odd=f"{first}.plain", plain=f"{second}.plain"))
    assert placement.run(plan).sort_by("word").equals(usual.sort_by("word"))


@pytest.mark.parametrize("name", ["parts", "vectors", "zoned"])
def test_where_the_column_is_read_it_arrives(name: str, placement: Placement) -> None:
    sql = f"SELECT t.*, o.word FROM files.{name} t JOIN memory.plain o ON t.id = o.id ORDER BY t.id"
    assert isinstance(placement.plan(sql).residual, SqlResidual)
    type_, values = ODD[name]
    assert placement.query(sql)["odd"].to_pylist() == pa.array(values, type_).to_pylist()


@pytest.mark.parametrize(("name", "kept"), [("parts", 2), ("vectors", 2)])
def test_a_column_that_is_filtered_by_is_read(name: str, kept: int, placement: Placement) -> None:
    sql = f"SELECT o.word FROM files.{name} t JOIN memory.plain o ON t.id = o.id"
    assert placement.query(f"{sql} WHERE t.odd IS NULL").num_rows == kept
