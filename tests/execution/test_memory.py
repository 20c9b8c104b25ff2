"""Memory: results larger than the limit stream through, and what must be held spills.

Growth is measured on a server in a process of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from connectors.errors import MemoryLimitError
from execution.engine import EngineSettings
from tests.child_server import ChildServer, child_server
from tests.placements import Placement
from tests.postgres_server import PostgresServer

DATABASE = __name__.replace(".", "_")
LIMIT_BYTES = 64 * 2**20
TEXT = "x" * 200
ROW_BYTES = len(TEXT) + 12
SMALL_BYTES = 48 * 2**20
JOIN_BYTES = 144 * 2**20


def rows_of(limits: int) -> int:
    """How many rows of `wide` are so many times the limit."""
    return limits * LIMIT_BYTES // ROW_BYTES + 1


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer, postgres_uri: str) -> str:
    # In the select list: from a FROM the server would collect all rows before it sends any.
    select = f"SELECT generate_series(1, {rows_of(4)})::int8 AS i, '{TEXT}'::text AS s"
    postgres_server.execute(f"CREATE VIEW wide AS {select}", database=DATABASE)
    return postgres_uri


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`wide`, as in Postgres; and `mixed`: 600,000 rows in no order, 60 MB of distinct texts."""
    folder = tmp_path_factory.mktemp("lake")
    rows, step = rows_of(16), 20_000
    schema = pa.schema([("i", pa.int64()), ("s", pa.string())])
    with pq.ParquetWriter(folder / "wide.parquet", schema) as writer:
        for start in range(0, rows, step):
            some = range(start, min(start + step, rows))
            writer.write_table(pa.table({"i": some, "s": [TEXT] * len(some)}, schema=schema))
    count = 600_000
    keys = pa.array([i * 7_919 % count for i in range(count)], pa.int64())
    texts = pc.binary_join_element_wise(pc.cast(keys, pa.string()), "y" * 80, "-")
    pq.write_table(pa.table({"k": keys, "s": texts}), folder / "mixed.parquet")
    return folder


@contextmanager
def measured(server: ChildServer) -> Iterator[list[int]]:
    """The server's memory while the block runs, looked at all the time."""
    seen = [server.memory_bytes]
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.01):
            seen.append(server.memory_bytes)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield seen
    finally:
        done.set()
        sampler.join()


@pytest.mark.parametrize(
    ("table", "limits", "growth_limits"),
    [
        ("shop.wide", 4, 2),
        # The engine's allocator keeps pages for later, as it does without us; hence the larger
        # result, of which that must stay a part.
        ("lake.wide", 16, 8),
    ],
)
def test_a_result_many_times_the_limit_streams_in_bounded_memory(
    table: str, limits: int, growth_limits: int, database: str, lake: Path
) -> None:
    sources = {
        "shop": {"connector": "postgres", "uri": database},
        "lake": {"connector": "files", "root": str(lake)},
    }
    with (
        child_server(sources, memory_limit=LIMIT_BYTES) as server,
        server.connect() as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT i, s FROM {table} LIMIT 1000")
        assert cursor.fetch_arrow_table().num_rows == 1000
        with measured(server) as seen:
            cursor.execute(f"SELECT i, s FROM {table}")
            rows = size_bytes = 0
            for batch in cursor.fetch_record_batch():
                rows += batch.num_rows
                size_bytes += batch.nbytes
                if rows == batch.num_rows:
                    # A client that takes its time: the server must not run ahead of it.
                    _until_steady(seen)
    assert rows == rows_of(limits)
    assert size_bytes >= limits * LIMIT_BYTES
    assert max(seen) - seen[0] < growth_limits * LIMIT_BYTES


def _until_steady(seen: list[int]) -> None:
    """Until the memory has not grown by a MiB for 50 looks."""
    pause = threading.Event()
    while len(seen) < 51 or max(seen[-25:]) > max(seen[-50:-25]) + 2**20:
        pause.wait(0.01)


@contextmanager
def limited(lake: Path, memory_limit_bytes: int) -> Iterator[Placement]:
    settings = EngineSettings(memory_limit_bytes=memory_limit_bytes, target_partitions=2)
    sources = {"lake": {"connector": "files", "root": str(lake)}}
    with Placement.of_sources(sources, settings) as placement:
        yield placement


@pytest.fixture
def small(lake: Path) -> Iterator[Placement]:
    """An engine with less memory than `mixed` takes."""
    with limited(lake, SMALL_BYTES) as placement:
        yield placement


def _spilled_bytes(placement: Placement) -> int:
    total = 0
    for path in placement.engine.directory.rglob("*"):
        # The engine deletes files while they are counted.
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def test_a_sort_larger_than_the_limit_spills(small: Placement) -> None:
    execution = small.engine.start(small.plan("SELECT k, s FROM mixed ORDER BY s DESC"))
    spilled, last, rows = 0, None, 0
    for batch in execution.batches():
        spilled = max(spilled, _spilled_bytes(small))
        texts = batch["s"].to_pylist()
        assert texts == sorted(texts, reverse=True)
        assert last is None or last >= texts[0]
        last, rows = texts[-1], rows + batch.num_rows
    assert rows == 600_000
    assert spilled > SMALL_BYTES // 2
    assert _spilled_bytes(small) == 0


def test_an_aggregate_larger_than_the_limit_spills(small: Placement) -> None:
    execution = small.engine.start(small.plan("SELECT s, count(*) AS n FROM mixed GROUP BY s"))
    spilled, seen = 0, set()
    for batch in execution.batches():
        spilled = max(spilled, _spilled_bytes(small))
        assert pc.unique(batch["n"]).to_pylist() == [1]
        seen.update(batch["s"].to_pylist())
    assert len(seen) == 600_000
    assert spilled > 0
    assert _spilled_bytes(small) == 0


def test_a_join_larger_than_the_limit_is_done_by_sorting(lake: Path) -> None:
    """Sorting takes more than `small` has, to merge what it spilled; hashing takes still more."""
    sql = "SELECT count(*) AS n, sum(a.k) AS s FROM mixed a JOIN mixed b ON a.s = b.s"
    with limited(lake, JOIN_BYTES) as placement:
        assert placement.query(sql).to_pylist() == [{"n": 600_000, "s": 600_000 * 599_999 // 2}]
        assert placement.engine._merging_session is not None


def test_what_no_spilling_helps_is_an_error_of_the_limit(small: Placement) -> None:
    with pytest.raises(MemoryLimitError, match="more memory"):
        small.query("SELECT array_agg(s) AS a FROM mixed")
    assert small.query("SELECT count(*) AS n FROM mixed").to_pylist() == [{"n": 600_000}]
