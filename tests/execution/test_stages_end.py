"""Whatever goes wrong with stages and keys, turns come back and statements end, inside the tree."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.errors import InternalError, MemoryLimitError
from execution.buffer import BatchBuffer, Overflow
from execution.engine import EngineSettings
from execution.keyed import KeyedBatches
from execution.stages import MOST_BYTES, StageKeys, StageReader
from execution.suspicion import Suspicion
from planner.options import PlanningOptions
from planner.plan import Plan
from tests.placements import Placement
from tests.postgres_server import PostgresServer

ROWS = 5_000
SQL = "SELECT o.id FROM shop.orders o JOIN lake.picked k ON k.id = o.id"


@pytest.fixture(scope="module")
def both(
    postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Placement]:
    folder = tmp_path_factory.mktemp("picked")
    ids = pa.array([3, 7, 40_000, -40_000, 2**40], pa.int64())
    pq.write_table(pa.table({"id": ids}), folder / "picked.parquet")
    with postgres_server.database("stages_end") as uri:
        postgres_server.execute(
            "CREATE TABLE orders AS SELECT g AS id, g::smallint AS small, 'n' || g AS note"
            f" FROM generate_series(0, {ROWS - 1}) g",
            "ANALYZE",
            database="stages_end",
        )
        sources = {
            "shop": {"connector": "postgres", "uri": uri, "max_connections": 2},
            "lake": {"connector": "files", "root": str(folder)},
        }
        settings = EngineSettings(target_partitions=2, queue_timeout_seconds=5.0)
        with Placement.of_sources(sources, settings) as placement:
            yield replace(placement, options=PlanningOptions(reductions="all"))


def test_a_failure_before_a_turn_gives_it_back(
    both: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise OverflowError("timestamp too large")

    with monkeypatch.context() as patched:
        patched.setattr(KeyedBatches, "prepare", fails)
        for _ in range(3):
            with pytest.raises(InternalError):
                both.run(both.plan(SQL))
    assert both.query("SELECT count(*) AS n FROM shop.orders")["n"].to_pylist() == [ROWS]
    assert sorted(both.query(SQL)["id"].to_pylist()) == [3, 7]


def test_keys_have_the_type_of_their_column_and_those_beyond_it_are_left_out(
    both: Placement, postgres_server: PostgresServer
) -> None:
    for column, type_, keys in (("id", "INT", 5), ("small", "SMALLINT", 5)):
        sql = SQL.replace("o.id", f"o.{column}")
        plan = both.plan(sql)
        (fragment,) = (f for f in plan.fragments if f.reduction is not None)
        assert fragment.reduction is not None
        assert f"AS {type_}[])" in fragment.reduction.shown
        execution = both.engine.start(plan)
        rows = pa.Table.from_batches(list(execution.batches()), schema=plan.schema)
        assert sorted(rows[column].to_pylist()) == [3, 7]
        assert execution.account().fragments[0].keys == keys


def test_more_bytes_of_keys_than_a_statement_should_have_are_given_up() -> None:
    keys = StageKeys(frozenset({0}), 1_000_000)
    wide = "x" * (1 << 20)
    for number in range(2 + MOST_BYTES // len(wide)):
        keys.add(pa.RecordBatch.from_pydict({"k": [f"{number}{wide}"]}))
    keys.finish()
    assert keys.wait(None) is None


def test_the_same_keys_again_are_no_more_bytes() -> None:
    keys = StageKeys(frozenset({0}), 1_000_000)
    batch = pa.RecordBatch.from_pydict({"k": [f"{n:0200}" for n in range(5_000)]})
    for _ in range(1 + MOST_BYTES // batch.nbytes):
        keys.add(batch)
    keys.finish()
    found = keys.wait(None)
    assert found is not None
    assert len(found[0]) == 5_000


def test_a_full_disk_below_a_stage_ends_the_statement(
    both: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(Overflow):
        def put(self, batch: pa.RecordBatch) -> None:
            raise MemoryLimitError("no room")

        def seal(self) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("execution.running.Overflow", FullDisk)
    with pytest.raises(MemoryLimitError):
        both.query(SQL)


def test_what_cannot_be_written_is_told_to_who_waits() -> None:
    class Unsealable(Overflow):
        def __init__(self) -> None:
            self.written = self.read = 0

        def seal(self) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            """Nothing is open."""

    buffer = BatchBuffer(1, Unsealable())
    buffer.finish()
    with pytest.raises(MemoryLimitError, match="No space left"):
        buffer.get()
    buffer.close()


def test_the_rows_of_a_stage_are_read_when_it_is_complete(
    both: Placement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a worker of the engine would wait for work that needs one: here there are 60 stages."""
    awaited, read = threading.Event(), threading.Event()
    complete: list[bool] = []
    take, wait, rows = StageReader._take, StageReader.wait, StageReader.__iter__

    def taken(stage: StageReader, batch: pa.RecordBatch) -> None:
        assert awaited.wait(10), "nobody waits for the stage"
        read.wait(0.2)  # Who reads too early has the time to be seen.
        take(stage, batch)

    def waits(stage: StageReader) -> None:
        awaited.set()
        wait(stage)

    def reads(stage: StageReader) -> Iterator[pa.RecordBatch]:
        complete.append(stage._done.is_set())
        read.set()
        yield from rows(stage)

    monkeypatch.setattr(StageReader, "_take", taken)
    monkeypatch.setattr(StageReader, "wait", waits)
    monkeypatch.setattr(StageReader, "__iter__", reads)
    parts = [
        f"SELECT o.id FROM shop.orders o JOIN lake.picked k{n} ON k{n}.id = o.id AND o.id > {-n}"
        for n in range(60)
    ]
    plan = both.plan(" UNION ALL ".join(parts))
    assert len(plan.stages) == 60
    assert both.run(plan).num_rows == 120
    assert complete == [True] * 60


def test_a_plan_of_another_answer_takes_nothing_over(both: Placement) -> None:
    settings = EngineSettings(target_partitions=2, suspicion=Suspicion(always=True, waits=True))
    with Placement.of_catalog(both.catalog, settings) as eager:
        other = both.plan(SQL.replace("o.id FROM", "o.note FROM"))
        plan: Plan = both.plan(SQL)
        execution = eager.engine.start(plan, again=lambda _, __: other)
        rows = pa.Table.from_batches(list(execution.batches()), schema=plan.schema)
        assert sorted(rows["id"].to_pylist()) == [3, 7]
        assert execution.account().replanned == 0


def test_a_failure_to_plan_again_is_not_the_statements(both: Placement) -> None:
    settings = EngineSettings(target_partitions=2, suspicion=Suspicion(always=True, waits=True))

    def again(_: object, __: object) -> Plan:
        raise RecursionError

    with Placement.of_catalog(both.catalog, settings) as eager:
        execution = eager.engine.start(both.plan(SQL), again=again)
        assert sum(batch.num_rows for batch in execution.batches()) == 2
