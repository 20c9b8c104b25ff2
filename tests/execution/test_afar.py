"""Far files: more reads at once than processors, where memory allows it."""

from __future__ import annotations

import io
from collections.abc import Iterator

import datafusion
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import registry
from connectors.contract import TableName
from connectors.files.connector import FilesConnector
from execution.afar import WideSessions, reads_at_once
from execution.engine import Engine, EngineSettings
from execution.links import Links
from execution.source_link import Configured
from planner.catalog import Catalog, Source
from tests.placements import Placement
from tests.s3_server import S3Server, s3_server

FILES, FILE_ROWS, GROUP_ROWS = 6, 2_000, 500

EVENTS = TableName("main", "events")

MEMORY_BYTES = 1 << 30


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server("lake") as server:
        system = server.filesystem()
        for number in range(FILES):
            ids = range(number * FILE_ROWS, (number + 1) * FILE_ROWS)
            rows = pa.table({"id": ids, "text": [f"{i % 97:02}" for i in ids]})
            sink = io.BytesIO()
            pq.write_table(rows, sink, row_group_size=GROUP_ROWS)
            # As writers do whose tables have partitions: no file lies under the root itself.
            path = f"lake/root/events/year={2020 + number}/part.parquet"
            system.pipe_file(path, sink.getvalue())
        yield server


@pytest.fixture
def source(server: S3Server) -> Iterator[Source]:
    options = {"root": "s3://lake/root", "storage_options": server.storage_options}
    connector = registry.create("files", "lake", options)
    yield Source("lake", connector)
    connector.close()


def test_a_lake_of_folders_has_a_round_trip_that_can_be_timed(source: Source) -> None:
    connector = source.connector
    assert isinstance(connector, FilesConnector)
    first = connector.ping(1_000)
    assert first is not None
    assert first.answer_bytes == 1_000


def test_reads_at_once_follow_the_round_trip_the_row_groups_and_the_memory(source: Source) -> None:
    catalog = Catalog([source])
    connector = source.connector
    assert isinstance(connector, FilesConnector)
    with Placement.of_catalog(catalog) as placement:
        natives = placement.plan("SELECT sum(id) FROM events").natives

    def reads(rtt_ms: float, memory_bytes: int = MEMORY_BYTES) -> int:
        return reads_at_once(natives, catalog, lambda _: rtt_ms / 1e3, 2, memory_bytes)

    assert [reads(ms) for ms in (0, 0.5, 3, 5, 20, 200)] == [4, 4, 5, 6, 8, 8]
    assert [reads(20, share * MEMORY_BYTES // 16) for share in (0, 1, 3, 6)] == [2, 2, 3, 6]
    assert connector.most_reads(EVENTS) > 1_000
    assert connector.most_reads(TableName("main", "nothing")) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, text FROM events",
        "SELECT id, text FROM events ORDER BY text, id DESC",
        "SELECT text, count(*) AS n, max(id) AS m FROM events GROUP BY text",
        "SELECT a.id FROM events a JOIN events b ON a.id = b.id + 1 WHERE b.text < '50'",
        "SELECT id FROM events WHERE id BETWEEN 1990 AND 2010",
        "SELECT DISTINCT text FROM events UNION ALL SELECT text FROM events WHERE id < 10",
        "SELECT count(*) AS n FROM (SELECT id FROM events LIMIT 700) first",
        "SELECT id, sum(id) OVER (ORDER BY id) AS s FROM events WHERE id < 100 ORDER BY id",
    ],
)
def test_many_reads_give_what_few_do(source: Source, sql: str) -> None:
    catalog = Catalog([source])
    with Placement.of_catalog(catalog, EngineSettings(target_partitions=1)) as placement:
        narrow = placement.engine
        assert narrow._partitions(narrow.shared_session, placement.plan(sql).natives) == 2
        few = placement.query(sql)
    links = Links({"lake": Configured(0.02, 1e8)})
    engine = Engine(EngineSettings(target_partitions=2), catalog, links)
    try:
        plan = placement.plan(sql)
        assert engine._partitions(engine.shared_session, plan.natives) == 8
        many = Placement(catalog, engine).run(plan)
    finally:
        engine.close()
    order = [(name, "ascending") for name in few.column_names]
    if "ORDER BY text" in sql or "OVER" in sql:
        assert many.equals(few)
    assert many.sort_by(order).equals(few.sort_by(order))
    assert few.num_rows


def test_a_wide_session_sees_what_the_other_sees() -> None:
    session = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(2))
    sessions = WideSessions()
    wide = sessions.of(session, 6)
    assert sessions.of(session, 6) is wide
    # Registered after it was made.
    session.from_pydict({"a": list(range(10))}, name="t")
    sql = "SELECT a % 3 AS k, count(*) AS n FROM t GROUP BY a % 3"
    assert wide.sql(sql).execution_plan().partition_count == 6
    assert session.sql(sql).execution_plan().partition_count == 2
    rows = [row for b in wide.sql(sql).execute_stream() for row in b.to_pyarrow().to_pylist()]
    assert sorted(rows, key=str) == [{"k": 0, "n": 4}, {"k": 1, "n": 3}, {"k": 2, "n": 3}]
    session.deregister_table("t")
    with pytest.raises(Exception, match="not found"):
        wide.sql(sql)
