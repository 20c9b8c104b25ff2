"""Running plans over a real Postgres: more fragments than connections, failures, every ending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as postgres
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.adbc.postgres import create
from connectors.errors import (
    CancelledError,
    CrosswindError,
    InvalidValueError,
    QueueFullError,
    SourceError,
    SourceTimeoutError,
)
from connectors.memory import MemoryConnector
from execution.engine import EngineSettings
from execution.running import Execution
from planner.catalog import Source
from tests.placements import Placement, pushed
from tests.postgres_server import PostgresServer

from .waiting import Background, eventually

DATABASE = __name__.replace(".", "_")
TABLES = [
    *(
        f"CREATE TABLE t{n} AS SELECT i AS k, i * {n} AS v FROM generate_series(1, 1000) i"
        for n in range(1, 6)
    ),
    "CREATE VIEW endless AS SELECT generate_series(1, 100000000) AS k, repeat('x', 200) AS s",
    "CREATE VIEW silent AS SELECT 1 AS k, pg_sleep(600)::text AS s",
    "CREATE VIEW broken AS SELECT i AS k, 1 / (i - 900) AS v FROM generate_series(1, 1000) i",
    "ANALYZE",
]
PLACES = pa.table({"k": pa.array(range(1, 1001), pa.int32())})
FEW = pa.table({"k": pa.array([1, 2, 3], pa.int32())})


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer, postgres_uri: str) -> str:
    postgres_server.execute(*TABLES, database=DATABASE)
    return postgres_uri


Open = Callable[..., Placement]

STARTED: list[Execution] = []
"""What a test has started; cancelled at its end, so that one that fails does not hang."""


def start(placement: Placement, sql: str) -> Execution:
    STARTED.append(placement.engine.start(placement.plan(sql)))
    return STARTED[-1]


@pytest.fixture
def open_placement(database: str) -> Iterator[Open]:
    """Makes placements over Postgres and memory; at the end no thread and no connection is left."""
    before = own_threads()
    opened: list[Any] = []

    def make(settings: EngineSettings | None = None, **options: object) -> Placement:
        shop = Source("shop", create("shop", {"uri": database, **options}))
        near = Source("near", MemoryConnector("near", {"places": PLACES, "few": FEW}))
        context = Placement.opened([shop, near], settings)
        opened.append(context)
        return context.__enter__()

    yield make
    for execution in STARTED:
        execution.cancel()
    STARTED.clear()
    for context in opened:
        context.__exit__(None, None, None)
    eventually(lambda: own_threads() <= before)
    with postgres.connect(database, autocommit=True) as connection:
        eventually(lambda: connections(connection) == 0)


def own_threads() -> set[threading.Thread]:
    """Python's threads; those of the engine that have only called Python once stay listed."""
    return {t for t in threading.enumerate() if not isinstance(t, threading._DummyThread)}


def connections(connection: Any, condition: str = "true") -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crosswind'"
            f" AND datname = current_database() AND {condition}"
        )
        return int(cursor.fetchone()[0])


@pytest.fixture
def busy(database: str) -> Iterator[Callable[[], int]]:
    """How many connections of ours do something in Postgres."""
    with postgres.connect(database, autocommit=True) as connection:
        yield lambda: connections(connection, "state <> 'idle'")


def test_more_fragments_than_connections(open_placement: Open, database: str) -> None:
    """Each table is joined here, since another source stands between them."""
    placement = open_placement(max_connections=1)
    sql = (
        "SELECT count(*) AS n, sum(t1.v + t2.v + t3.v + t4.v + t5.v) AS s FROM places p"
        " LEFT JOIN t1 ON t1.k = p.k LEFT JOIN t2 ON t2.k = p.k LEFT JOIN t3 ON t3.k = p.k"
        " LEFT JOIN t4 ON t4.k = p.k LEFT JOIN t5 ON t5.k = p.k"
    )
    plan = placement.plan(sql)
    assert sum(fragment.source == "shop" for fragment in plan.fragments) == 5
    most = []
    done = threading.Event()
    with postgres.connect(database, autocommit=True) as connection:

        def sample() -> None:
            while not done.wait(0.001):
                most.append(connections(connection))

        sampler = Background(sample)
        answers = [placement.run(plan).to_pylist() for _ in range(5)]
        done.set()
        sampler.join()
    assert answers == [[{"n": 1000, "s": 15 * 500_500}]] * 5
    assert max(most) == 1


def test_far_more_fragments_than_connections(open_placement: Open) -> None:
    """More than the engine has threads: those whose turn has not come must not hold it up."""
    placement = open_placement(max_connections=1)
    parts = [f"SELECT k FROM t{n % 5 + 1} WHERE k <= {n}" for n in range(60)]
    sql = f"SELECT count(*) AS n FROM ({' UNION ALL '.join(['SELECT k FROM places', *parts])})"
    plan = placement.plan(sql)
    assert len(plan.fragments) == 61
    assert placement.run(plan).to_pylist() == [{"n": 1000 + sum(range(60))}]


def test_queries_that_share_a_connection_all_end(open_placement: Open) -> None:
    placement = open_placement(max_connections=2)
    plan = placement.plan(
        "SELECT sum(a.v + b.v) AS s FROM t1 a JOIN few f ON f.k = a.k JOIN t2 b ON b.k = f.k"
    )
    runs = [Background(lambda: placement.run(plan).to_pylist()) for _ in range(24)]
    assert [run.join().result for run in runs] == [[{"s": 18}]] * 24


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT sum(v) FROM broken", id="whole"),
        pytest.param("SELECT p.k, b.v FROM places p JOIN broken b ON b.k = p.k", id="cut"),
        pytest.param(
            "SELECT b.v FROM t1 JOIN places p ON t1.k = p.k JOIN broken b ON b.k = p.k JOIN t2"
            " ON t2.k = p.k",
            id="one of several",
        ),
        pytest.param("SELECT k, v, unnest([1]) FROM broken", id="tables"),
    ],
)
def test_a_fragment_that_fails_fails_the_query_and_names_its_source(
    sql: str, open_placement: Open
) -> None:
    placement = open_placement(max_connections=1)
    with pytest.raises(SourceError, match="division by zero") as failure:
        placement.query(sql)
    assert failure.value.source == "shop"
    assert placement.query("SELECT count(*) AS n FROM t1").to_pylist() == [{"n": 1000}]


def test_a_failure_of_the_engine_is_the_statements(open_placement: Open) -> None:
    placement = open_placement()
    with pytest.raises(InvalidValueError, match="division by zero"):
        placement.query("SELECT p.k / (t1.v - 10) FROM places p JOIN t1 ON p.k = t1.k")


STREAMS = {
    "whole": "SELECT k, s FROM endless",
    "cut": "SELECT e.k, e.s || 'x' AS s FROM endless e",
    "united": "SELECT k, s FROM endless UNION ALL SELECT k, 'near' FROM few",
    "tables": "SELECT k, s, unnest([1]) FROM endless",
}
SILENCES = {name: sql.replace("endless", "silent") for name, sql in STREAMS.items()}


def read(execution: Execution) -> Background:
    return Background(lambda: sum(batch.num_rows for batch in execution.batches()))


def assert_cancelled(run: Background, busy: Callable[[], int]) -> None:
    assert isinstance(run.join().error, CancelledError), repr(run.error or run.result)
    eventually(lambda: busy() == 0)


@pytest.mark.parametrize("sql", SILENCES.values(), ids=SILENCES)
def test_cancelled_while_the_source_is_silent(
    sql: str, open_placement: Open, busy: Callable[[], int]
) -> None:
    placement = open_placement()
    execution = start(placement, sql)
    run = read(execution)
    eventually(lambda: busy() == 1)
    execution.cancel()
    assert_cancelled(run, busy)


@pytest.mark.parametrize("sql", STREAMS.values(), ids=STREAMS)
def test_cancelled_in_mid_stream(sql: str, open_placement: Open, busy: Callable[[], int]) -> None:
    placement = open_placement()
    execution = start(placement, sql)
    run = read(execution)
    eventually(lambda: execution.account().rows > 10_000)
    execution.cancel()
    assert_cancelled(run, busy)


@pytest.mark.parametrize("sql", STREAMS.values(), ids=STREAMS)
def test_cancelled_while_the_server_is_frozen(
    sql: str,
    open_placement: Open,
    busy: Callable[[], int],
    postgres_server: PostgresServer,
) -> None:
    """A server that answers nothing, a cancel neither, does not keep the consumer."""
    placement = open_placement()
    execution = start(placement, sql)
    run = read(execution)
    eventually(lambda: execution.account().rows > 10_000)
    with postgres_server.frozen():
        execution.cancel()
        assert isinstance(run.join().error, CancelledError), repr(run.error or run.result)
    eventually(lambda: busy() == 0)


@pytest.mark.parametrize("sql", STREAMS.values(), ids=STREAMS)
def test_left_in_mid_stream(sql: str, open_placement: Open, busy: Callable[[], int]) -> None:
    """A consumer that goes closes the generator; nothing else tells the run."""
    placement = open_placement()
    batches = start(placement, sql).batches()
    assert next(batches).num_rows
    batches.close()
    eventually(lambda: busy() == 0)


@pytest.mark.parametrize("sql", STREAMS.values(), ids=STREAMS)
def test_cancelled_before_it_began(sql: str, open_placement: Open, busy: Callable[[], int]) -> None:
    placement = open_placement()
    execution = start(placement, sql)
    execution.cancel()
    with pytest.raises(CancelledError):
        next(execution.batches())
    assert busy() == 0


def test_cancelled_while_it_waits_for_its_turn(
    open_placement: Open, busy: Callable[[], int]
) -> None:
    placement = open_placement(max_connections=1)
    # Planned while the connection is free: looking tables up takes one too.
    first, waiting = start(placement, SILENCES["whole"]), start(placement, STREAMS["whole"])
    running = read(first)
    eventually(lambda: busy() == 1)
    queued = read(waiting)
    waiting.cancel()
    assert isinstance(queued.join().error, CancelledError)
    assert not running.ended
    first.cancel()
    assert_cancelled(running, busy)


def test_cancelled_while_the_engine_computes(open_placement: Open, busy: Callable[[], int]) -> None:
    placement = open_placement()
    plan = placement.plan(
        "SELECT sum(a.k % (b.k + c.k + d.k)) FROM places a, places b, places c, places d"
        " WHERE a.k % (b.k * c.k + d.k) > 1"
    )
    assert pushed(plan) == "cut"
    execution = placement.engine.start(plan)
    STARTED.append(execution)
    run = read(execution)
    eventually(lambda: execution.account().fragments and execution.account().fragments[0].rows)
    execution.cancel()
    assert_cancelled(run, busy)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM generate_series(1, 100000000000) g WHERE g.value % 7 = 0",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
        "SELECT f.value FROM generate_series(1, 100000) f UNION ALL"
        " SELECT count(*) FROM generate_series(1, 100000000000) g WHERE g.value % 7 = 0",
        pytest.param(
            "SELECT g.value % 7, count(*) FROM generate_series(1, 100000000000) g GROUP BY 1",
            id="in tasks of the plan",
        ),
        pytest.param(
            "SELECT g.value FROM generate_series(1, 100000000000) g"
            " WHERE g.value < 50000 OR g.value % 99999999999 = 0",
            id="silent after its first batches",
        ),
    ],
)
def test_what_would_never_end_is_dropped(sql: str, open_placement: Open) -> None:
    execution = start(open_placement(), sql)
    run = read(execution)
    begun_seconds = time.process_time()
    eventually(lambda: time.process_time() > begun_seconds + 0.2)
    execution.cancel()
    assert isinstance(run.join().error, CancelledError)
    execution.close()

    def idle() -> bool:
        before_seconds = time.process_time()
        time.sleep(0.5)
        return time.process_time() < before_seconds + 0.01

    eventually(idle)


def test_cancelling_what_has_ended_changes_nothing(open_placement: Open) -> None:
    placement = open_placement()
    execution = start(placement, "SELECT k FROM t1")
    assert sum(batch.num_rows for batch in execution.batches()) == 1000
    execution.cancel()
    execution.close()
    assert execution.account().rows == 1000


def test_a_turn_that_does_not_come_is_an_error_that_names_the_source(
    open_placement: Open, busy: Callable[[], int]
) -> None:
    placement = open_placement(EngineSettings(queue_timeout_seconds=0.2), max_connections=1)
    plan = placement.plan("SELECT k FROM t1")
    first = start(placement, SILENCES["whole"])
    running = read(first)
    eventually(lambda: busy() == 1)
    with pytest.raises(QueueFullError) as failure:
        placement.run(plan)
    assert failure.value.source == "shop"
    assert "source 'shop', table public.t1: all 1 connections stayed busy" in str(failure.value)
    first.cancel()
    assert_cancelled(running, busy)


def test_a_source_that_is_too_slow_is_an_error_that_names_it(open_placement: Open) -> None:
    placement = open_placement(timeout_seconds=0.2)
    for sql in (SILENCES["whole"], SILENCES["united"]):
        with pytest.raises(SourceTimeoutError) as failure:
            placement.query(sql)
        assert failure.value.source == "shop"
        assert "source 'shop', table public.silent: " in str(failure.value)


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("SELECT * FROM broken", "source 'shop', table public.broken: division by zero"),
        (
            "SELECT b.v, p.k FROM broken b JOIN t1 ON t1.k = b.k JOIN places p ON p.k = b.v",
            "source 'shop', tables public.broken, public.t1: division by zero",
        ),
    ],
)
def test_what_fails_at_a_source_names_the_tables(
    sql: str, where: str, open_placement: Open
) -> None:
    with pytest.raises(CrosswindError) as failure:
        open_placement().query(sql)
    assert where in str(failure.value)


def test_a_plan_runs_any_number_of_times_also_at_once(open_placement: Open) -> None:
    placement = open_placement(max_connections=4)
    plan = placement.plan("SELECT t1.k, t1.v FROM t1 JOIN places p ON t1.k = p.k ORDER BY t1.k")
    expected = placement.run(plan)
    runs = [Background(lambda: placement.run(plan)) for _ in range(16)]
    assert all(run.join().result == expected for run in runs)


def test_a_run_accounts_for_its_fragments(open_placement: Open) -> None:
    placement = open_placement()
    plan = placement.plan("SELECT t1.k FROM t1 JOIN few f ON t1.k = f.k")
    execution = placement.engine.start(plan)
    rows = sum(batch.num_rows for batch in execution.batches())
    account = execution.account()
    assert rows == account.rows == 3
    assert {f.source: f.rows for f in account.fragments} == {"shop": 1000, "near": 3}
    assert all(f.size_bytes > 0 and f.seconds >= f.wait_seconds for f in account.fragments)


def test_every_error_is_of_the_tree(open_placement: Open) -> None:
    placement = open_placement()
    for sql in (
        "SELECT cast(s AS int) FROM endless LIMIT 1",
        "SELECT p.k / 0 FROM places p",
        "SELECT v FROM broken ORDER BY v",
    ):
        with pytest.raises(CrosswindError):
            placement.query(sql)


def test_a_thread_that_cannot_be_started_fails_the_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(pa.table({"id": range(500_000)}), tmp_path / "t.parquet")
    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if self.name == "crosswind-fetch":
            raise RuntimeError("can't start new thread")
        start(self)

    with Placement.of_sources({"lake": {"connector": "files", "root": str(tmp_path)}}) as placement:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(QueueFullError, match="cannot start another thread"):
            placement.query("SELECT id + 1 AS x FROM t")
        monkeypatch.undo()
        assert placement.query("SELECT id + 1 AS x FROM t").num_rows == 500_000
