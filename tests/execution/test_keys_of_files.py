"""Keys of a database's rows by which files are read: what is read with them, and which rows come.

DuckDB holds one side of each join; the other is files: read by the engine, by Arrow out of an
archive, or by what Delta's log or an Iceberg manifest says of them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyiceberg.transforms import BucketTransform, TruncateTransform

from execution import reading
from execution.running import Execution
from planner.account import Account, FragmentAccount, NativeAccount
from planner.cost import Link
from planner.explain import explain_text
from planner.explain_json import explain_value
from planner.explain_mermaid import explain_mermaid
from planner.options import PlanningOptions
from planner.plan import Plan
from tests.connectors.warehouse import Warehouse
from tests.placements import Placement

ROWS, GROUP = 240_000, 4_000

LAKES = ("lake", "zipped", "delta", "iceberg")


def _events() -> pa.Table:
    """Sorted by each column but `v`, of which ten rows have one `id`, and some none."""
    numbers = range(ROWS)
    ids = [None if n % 1_000 == 7 else n // 10 for n in numbers]
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "narrow": pa.array(ids, pa.int32()),
            "day": [date(2000, 1, 1) + timedelta(days=n // 240) for n in numbers],
            "word": [f"word {n // 10:06}" for n in numbers],
            "v": [n * 7_919 % 60_013 for n in numbers],
            "f": [float(n % 13) for n in numbers],
        }
    )


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("keys_of_files")
    events = _events()
    (folder / "lake").mkdir()
    pq.write_table(events, folder / "lake" / "events.parquet", row_group_size=GROUP)
    with zipfile.ZipFile(folder / "lake.zip", "w") as archive:
        archive.write(folder / "lake" / "events.parquet", "events.parquet")
    for first in range(0, ROWS, ROWS // 10):
        part = events.slice(first, ROWS // 10)
        write_deltalake(str(folder / "delta" / "events"), part, mode="append")
    warehouse = Warehouse(folder / "warehouse")
    warehouse.partitioned(
        "events", events, {"word": BucketTransform(4), "id": TruncateTransform(4_000)}
    )
    warehouse.close()
    with duckdb.connect(str(folder / "shop.duckdb")) as shop:
        shop.execute(
            "CREATE TABLE orders AS SELECT (i * 12)::BIGINT AS id, (i * 12)::INTEGER AS narrow,"
            " DATE '2000-01-01' + i::INTEGER AS day, printf('word %06d', i) AS word, i AS n"
            " FROM range(1000, 1020) t(i)"
        )
        shop.execute("INSERT INTO orders SELECT * FROM orders WHERE n < 1003")
        shop.execute(
            "INSERT INTO orders VALUES (NULL, NULL, NULL, NULL, -1), (1e12, -5, NULL, 'no', -2)"
        )
        shop.execute("CREATE TABLE none AS FROM orders LIMIT 0")
        shop.execute("CREATE TABLE nulls AS SELECT NULL::BIGINT AS id, i AS n FROM range(3) t(i)")
        shop.execute("CREATE TABLE elsewhere AS SELECT 900000 + i AS id, i AS n FROM range(9) t(i)")
        shop.execute(
            "CREATE TABLE far AS SELECT DATE '2004-01-01' AS day UNION SELECT DATE '20000-01-01'"
        )
    return {
        "shop": {"connector": "duckdb", "uri": str(folder / "shop.duckdb")},
        "lake": {"connector": "files", "root": str(folder / "lake")},
        "zipped": {"connector": "files", "root": f"zip://::{folder / 'lake.zip'}"},
        "delta": {"connector": "delta", "root": str(folder / "delta")},
        "iceberg": {"connector": "iceberg", "properties": warehouse.properties},
    }


@pytest.fixture(scope="module")
def costed(sources: dict[str, dict[str, object]]) -> Iterator[Placement]:
    with Placement.of_sources(sources) as placement:
        yield placement


@pytest.fixture(scope="module")
def every(costed: Placement) -> Placement:
    return replace(costed, options=PlanningOptions(reductions="all"))


@pytest.fixture(scope="module")
def none(costed: Placement) -> Placement:
    return replace(costed, options=PlanningOptions(reductions="none"))


@dataclass(frozen=True)
class Ran:
    """An answer, and what of the files it took.

    Attributes:
        keys: how many these were read by; None where they were read without.
        read_rows: that left their reader.
    """

    rows: list[tuple[object, ...]]
    plan: Plan
    account: Account

    @property
    def keys(self) -> int | None:
        return next((p.keys for p in self._parts if p.keys is not None), None)

    @property
    def read_rows(self) -> int:
        return sum(part.rows or 0 for part in self._parts)

    @property
    def _parts(self) -> list[FragmentAccount | NativeAccount]:
        return [*self.account.natives, *(f for f in self.account.fragments if f.source in LAKES)]


def ran(placement: Placement, sql: str) -> Ran:
    plan = placement.plan(sql)
    return _ran(placement.engine.start(plan), plan)


def _ran(execution: Execution, plan: Plan) -> Ran:
    table = pa.Table.from_batches(list(execution.batches()), schema=plan.schema)
    rows = sorted((tuple(row.values()) for row in table.to_pylist()), key=str)
    return Ran(rows, plan, execution.account())


def waits(plan: Plan) -> bool:
    """Whether files are read by keys."""
    scans = [f for f in plan.fragments if f.source in LAKES and f.reduction is not None]
    return bool(scans) or any(native.keys for native in plan.natives)


JOIN = "SELECT o.n, e.id, e.v FROM shop.orders o JOIN {lake}.events e ON e.id = o.id"


@pytest.mark.parametrize("lake", LAKES)
def test_files_are_read_by_the_keys_of_few_rows(
    costed: Placement, none: Placement, lake: str
) -> None:
    found, whole = ran(costed, JOIN.format(lake=lake)), ran(none, JOIN.format(lake=lake))
    assert waits(found.plan)
    assert not waits(whole.plan)
    assert found.rows == whole.rows
    assert len(found.rows) > 200
    # Once each, without NULL.
    assert found.keys == 21
    assert whole.read_rows == ROWS
    assert found.read_rows < ROWS / 5


@pytest.mark.parametrize("lake", LAKES)
def test_without_keys_nothing_is_read(costed: Placement, lake: str) -> None:
    for table in ("none", "nulls", "elsewhere"):
        found = ran(costed, JOIN.format(lake=lake).replace("orders", table))
        assert waits(found.plan)
        assert found.rows == []
        assert found.read_rows == 0


COLUMNS = {
    "a day": ("o.day = e.day", 20),
    "a text": ("o.word = e.word", 21),
    "wider here": ("o.id = e.narrow", 21),
    "wider there": ("o.narrow = e.id", 21),
    "a cast": ("CAST(o.narrow AS BIGINT) = e.id", 21),
    "two": ("o.id = e.id AND o.word = e.word", None),
}


@pytest.mark.parametrize("lake", LAKES)
@pytest.mark.parametrize("columns", COLUMNS)
def test_keys_of_each_type(every: Placement, none: Placement, lake: str, columns: str) -> None:
    on, keys = COLUMNS[columns]
    sql = f"SELECT o.n, e.v FROM shop.orders o LEFT JOIN {lake}.events e ON {on}"
    found = ran(every, sql)
    assert found.rows == ran(none, sql).rows
    assert waits(found.plan)
    assert keys in (None, found.keys)
    assert found.read_rows < ROWS * 3 / 4


KINDS = [
    ("SELECT o.n, e.v FROM shop.orders o LEFT JOIN {lake}.events e ON e.id = o.id", True),
    ("SELECT o.n FROM shop.orders o WHERE o.id IN (SELECT id FROM {lake}.events)", None),
    (
        "SELECT o.n FROM shop.orders o WHERE NOT EXISTS"
        " (SELECT 1 FROM {lake}.events e WHERE e.id = o.id)",
        True,
    ),
    (
        "SELECT e.v FROM {lake}.events e LEFT JOIN shop.orders o ON e.id = o.id WHERE e.v < 99",
        False,
    ),
    (
        "SELECT o.n, e.v FROM {lake}.events e FULL JOIN shop.orders o ON e.id = o.id"
        " WHERE e.v IS NULL OR e.v < 99",
        None,
    ),
    (
        "SELECT e.v FROM {lake}.events e WHERE e.v < 99 AND NOT EXISTS"
        " (SELECT 1 FROM shop.orders o WHERE e.id = o.id)",
        False,
    ),
    (
        "SELECT e.v FROM {lake}.events e WHERE e.v < 99 AND e.id NOT IN"
        " (SELECT id FROM shop.orders WHERE id IS NOT NULL)",
        None,
    ),
    ("SELECT o.n FROM shop.orders o WHERE o.id NOT IN (SELECT id FROM {lake}.events)", None),
    (
        "SELECT o.n, e.v FROM shop.orders o LEFT JOIN {lake}.events e ON e.id > o.id AND e.v < 9",
        False,
    ),
    ("SELECT o.n, e.v FROM shop.orders o LEFT JOIN {lake}.events e ON e.id = o.id + 1", None),
    (
        "SELECT o.n, e.v FROM shop.orders o LEFT JOIN {lake}.events e"
        " ON e.id IS NOT DISTINCT FROM o.id",
        False,
    ),
    (
        "SELECT o.n, e.s FROM shop.orders o LEFT JOIN (SELECT id, sum(v) AS s, max(f) AS f"
        " FROM {lake}.events GROUP BY id) e ON e.id = o.id",
        True,
    ),
    (
        "SELECT o.n, e.s FROM shop.orders o LEFT JOIN (SELECT id, narrow, sum(v) AS s"
        " FROM {lake}.events GROUP BY GROUPING SETS ((id), (narrow))) e ON e.id = o.id",
        False,
    ),
    (
        "SELECT o.n, e.v FROM shop.orders o LEFT JOIN (SELECT id, v FROM {lake}.events"
        " ORDER BY v LIMIT 100) e ON e.id = o.id",
        False,
    ),
    (
        "SELECT o.n, e.r FROM shop.orders o LEFT JOIN (SELECT id, rank() OVER (ORDER BY v) AS r"
        " FROM {lake}.events WHERE v < 5000) e ON e.id = o.id",
        False,
    ),
    (
        "SELECT o.n, e.v, e.w FROM shop.orders o LEFT JOIN (SELECT a.id, a.v, b.v AS w FROM"
        " {lake}.events a LEFT JOIN {lake}.events b ON a.v = b.id) e ON e.id = o.id",
        True,
    ),
    (
        "SELECT o.n, e.v, e.w FROM shop.orders o LEFT JOIN (SELECT b.id, a.v, b.v AS w FROM"
        " {lake}.events a LEFT JOIN {lake}.events b ON a.v = b.id WHERE a.v < 900) e"
        " ON e.id = o.id",
        None,
    ),
    (
        "SELECT o.n, e.v FROM shop.orders o LEFT JOIN (SELECT id, v FROM {lake}.events"
        " UNION ALL SELECT v, id FROM {lake}.events) e ON e.id = o.id",
        False,
    ),
    (
        "SELECT o.n, e.v FROM (SELECT DISTINCT id, n FROM shop.orders LIMIT 5) o"
        " JOIN {lake}.events e ON e.id = o.id JOIN {lake}.events d ON d.id = e.v",
        None,
    ),
]


@pytest.mark.parametrize("lake", ["lake", "delta"])
@pytest.mark.parametrize(("sql", "reduced"), KINDS)
def test_only_what_a_join_does_not_keep_is_read_by_keys(
    every: Placement, none: Placement, costed: Placement, sql: str, reduced: bool | None, lake: str
) -> None:
    sql = sql.format(lake=lake)
    found = ran(every, sql)
    if reduced is not None:
        assert waits(found.plan) is reduced
    if "LIMIT" not in sql or "ORDER BY" in sql:
        want = ran(none, sql).rows
        assert found.rows == want
        assert ran(costed, sql).rows == want


@pytest.mark.parametrize("lake", LAKES)
def test_a_day_that_has_no_value_here_reads_all(
    every: Placement, none: Placement, lake: str
) -> None:
    sql = f"SELECT e.v FROM shop.far o LEFT JOIN {lake}.events e ON e.day = o.day"
    found = ran(every, sql)
    assert found.rows == ran(none, sql).rows
    assert waits(found.plan)


def test_too_many_keys_read_all(
    costed: Placement, none: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_BOUNDING_KEYS", 20)
    found = ran(costed, JOIN.format(lake="lake"))
    assert found.keys is None
    assert found.rows == ran(none, JOIN.format(lake="lake")).rows
    assert "their bounds were not used" in explain_text(found.plan, found.account)


@pytest.mark.parametrize("lake", ["zipped", "delta"])
def test_too_many_keys_are_not_looked_for_in_a_scan(costed: Placement, lake: str) -> None:
    plan = costed.plan(JOIN.format(lake=lake))
    want = ran(costed, JOIN.format(lake=lake)).rows
    fragments = tuple(
        f if f.reduction is None else replace(f, reduction=replace(f.reduction, most=20))
        for f in plan.fragments
    )
    found = _ran(costed.engine.start(replace(plan, fragments=fragments)), plan)
    assert (found.keys, found.rows, found.read_rows) == (None, want, ROWS)


@pytest.mark.parametrize("lake", LAKES)
def test_a_plan_shows_which_keys_files_are_read_by(costed: Placement, lake: str) -> None:
    found = ran(costed, JOIN.format(lake=lake))
    text = explain_text(found.plan, found.account)
    assert "keys in k1.id" in text
    assert "21 sent" in text or "by the bounds of 21 keys" in text
    value = explain_value(found.plan, found.account)
    (part,) = (p for p in value["parts"] if p["source"] == lake)
    assert part["reduction"]["keys"] == ["k1.id"]
    assert part["reduction"]["keys_sent"] == 21
    assert part.get("sql") is None
    assert "keys" in explain_mermaid(found.plan)


def test_tables_of_files_alone_are_left_to_the_engine(every: Placement) -> None:
    plan = every.plan("SELECT a.v FROM lake.events a JOIN lake.events b ON a.id = b.v")
    assert not plan.stages


def test_what_takes_long_to_come_is_not_waited_for(costed: Placement) -> None:
    """Files on this disk are read while the database's rows are on their way."""
    far = replace(costed, catalog=costed.catalog.linked({"shop": Link.of(500.0, 1.0)}))
    sql = JOIN.format(lake="lake")
    assert waits(costed.plan(sql))
    plan = far.plan(sql)
    assert not waits(plan)
    assert not plan.stages
