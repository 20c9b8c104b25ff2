"""Far Parquet files without what lies between the wanted columns: the same rows, by fewer bytes."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from decimal import Decimal

import datafusion
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors import registry
from connectors.contract import TableName
from connectors.errors import SourceRejectedError
from connectors.files import gaps as files_gaps
from connectors.files.connector import FilesConnector
from planner.catalog import Catalog, Source
from planner.cost import Link
from planner.explain import explain_text
from planner.plan import SubstraitResidual
from tests.placements import Placement
from tests.s3_server import S3Server, s3_server

ROWS, GROUP_ROWS = 2_000, 250
EVENTS = TableName("main", "events")
DAY = datetime.date(2020, 1, 1)


def _every_other(values: list[object]) -> list[object]:
    return [value if index % 3 else None for index, value in enumerate(values)]


def _events(first: int) -> pa.Table:
    """Columns of all types that both readers read, with wide ones between, and NULLs and NaN."""
    numbers = range(first, first + ROWS)
    wide = [f"{(i * 2_654_435_761) % 2**32:010}" * 4 for i in numbers]
    exact = [Decimal(i).scaleb(-2) for i in numbers]
    return pa.table(
        {
            "id": numbers,
            "wide_1": wide,
            "half": pa.array(_every_other(list(numbers)), pa.int32()),
            "f": [float("nan") if i % 7 == 0 else i / 4 for i in numbers],
            "wide_2": wide,
            "price": pa.array(exact, pa.decimal128(9, 2)),
            "day": [DAY + datetime.timedelta(days=i % 900) for i in numbers],
            "at": pa.array([i * 1_000_003 for i in numbers], pa.timestamp("us", "UTC")),
            "wide_3": wide,
            "text": _every_other([f"é{i % 50}" for i in numbers]),
            "viewed": pa.array([f"v{i % 5}" for i in numbers], pa.string_view()),
            "flag": [i % 2 == 0 for i in numbers],
        }
    )


def _written(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=GROUP_ROWS, **options)
    return sink.getvalue()


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server("lake") as server:
        system = server.filesystem()
        one = pa.table({"a": [1], "b": ["x"], "c": [2]})
        wide = [f"{i:09}" * 9 for i in range(ROWS)]
        plain = pa.table({"a": ["x" * 40] * ROWS, "b": wide, "c": range(ROWS)})
        moments = pa.table({"t": pa.array([1], pa.timestamp("ns")), "u": [1]})
        written = {
            "events/1": _written(_events(0)),
            "events/2": _written(_events(ROWS)),
            "other/1": _written(one),
            "other/2": _written(one.drop_columns("c")),
            "old/1": _written(moments, use_deprecated_int96_timestamps=True),
            "nested/1": _written(pa.table({"a": [{"x": 1}], "a.x": [2], "u": [1]})),
            "folders/k=1/1": _written(one),
            "broken/1": _written(plain, compression="none", use_dictionary=False),
        }
        for path, data in written.items():
            system.pipe_file(f"lake/{path}.parquet", data)
        yield server


@pytest.fixture
def connector(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FilesConnector]:
    """Over files that are small: of these, a gap is one that is small."""
    monkeypatch.setattr(files_gaps, "GAP_BYTES", 16)
    options = {"root": "s3://lake", "storage_options": server.storage_options}
    made = registry.create("files", "lake", options)
    assert isinstance(made, FilesConnector)
    yield made
    made.close()


def _both_ways(
    connector: FilesConnector, table: TableName, sql: str, reads: int = 3
) -> list[pa.Table]:
    """What the engine answers by its own reader, and without gaps."""
    found = connector.tables().find(table)
    assert found is not None
    answers = []
    for without in (False, True):
        context = datafusion.SessionContext(datafusion.SessionConfig().with_target_partitions(2))
        if without:
            columns = [n for n in found.schema.names if n in sql]
            check = connector.register_without_gaps(context, "t", table, columns, reads)
        else:
            check = connector.register(context, "t", table)
        answers.append(context.sql(sql).to_arrow_table())
        check()
    return answers


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id, half, f, price FROM t ORDER BY id",
        "SELECT id, day, at, text, viewed, flag FROM t ORDER BY id",
        "SELECT id, text FROM t WHERE text = 'é7' OR half IS NULL ORDER BY id",
        "SELECT id, price FROM t WHERE price BETWEEN 4.99 AND 6.02 ORDER BY id",
        "SELECT id, day FROM t WHERE day IN (DATE '2020-01-05', DATE '2021-01-01') ORDER BY id",
        "SELECT id, flag FROM t WHERE viewed = 'v3' AND id > 3000 ORDER BY id",
        "SELECT id, flag FROM t WHERE viewed LIKE '%3' AND at < TIMESTAMP '1970-01-01T00:10:00Z'"
        " ORDER BY id",
        "SELECT id, half FROM t WHERE id < 0",
        "SELECT text, count(half) AS n, sum(price) AS s FROM t GROUP BY text ORDER BY text",
        "SELECT a.id, b.text FROM t a JOIN t b ON a.id = b.id + 1 ORDER BY a.id",
        "SELECT count(*) AS n FROM t",
    ],
)
@pytest.mark.parametrize("reads", [1, 3, 100])
def test_the_same_rows_either_way(connector: FilesConnector, sql: str, reads: int) -> None:
    plain, without = _both_ways(connector, EVENTS, sql, reads)
    assert without.schema == plain.schema
    assert str(without.to_pylist()) == str(plain.to_pylist())  # A NaN is no other's equal.


def test_gaps_are_counted_by_the_footers(connector: FilesConnector) -> None:
    connector.tables().find(EVENTS)
    gaps = connector.gaps(EVENTS, ["price", "id"])
    assert gaps is not None
    groups = 2 * ROWS // GROUP_ROWS
    assert (gaps.read_requests, gaps.left_requests) == (groups, 2 * groups)
    assert gaps.left_bytes < gaps.read_bytes / 4
    assert connector.gaps(EVENTS, ["id", "wide_1"]) is None  # Nothing lies between them.
    assert connector.gaps(EVENTS, []) is None
    assert connector.gaps(TableName("main", "nothing"), ["id"]) is None


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("other", ["a", "c"]),  # A file has no column of that name.
        ("old", ["t", "u"]),  # INT96.
        ("nested", ["a", "u"]),
        ("nested", ["a.x", "u"]),
        ("folders", ["a", "c"]),
    ],
)
def test_what_two_readers_may_read_differently_is_read_by_one(
    connector: FilesConnector, table: str, columns: list[str]
) -> None:
    name = TableName("main", table)
    assert connector.tables().find(name) is not None
    assert connector.gaps(name, columns) is None
    context = datafusion.SessionContext()
    connector.register_without_gaps(context, "t", name, columns, 2)
    picked = ", ".join(f'"{column}"' for column in columns)
    assert "DataSourceExec" in str(context.sql(f"SELECT {picked} FROM t").execution_plan())


def test_a_partition_that_is_read_again_has_the_same_rows(connector: FilesConnector) -> None:
    connector.tables().find(EVENTS)
    context = datafusion.SessionContext()
    connector.register_without_gaps(context, "t", EVENTS, ["id", "price"], 3)
    frame = context.sql("SELECT id, price FROM t")
    first, second = frame.to_arrow_table(), frame.to_arrow_table()
    assert first.num_rows == 2 * ROWS
    assert second.sort_by("id").equals(first.sort_by("id"))


def test_partitions_share_few_files(server: S3Server, connector: FilesConnector) -> None:
    connector.tables().find(EVENTS)
    context = datafusion.SessionContext()
    connector.register_without_gaps(context, "t", EVENTS, ["id", "price"], 3)
    before = len(server.requests())
    assert context.sql("SELECT id, price FROM t").to_arrow_table().num_rows == 2 * ROWS
    opened = [r for r in server.requests()[before:] if r.startswith("HEAD")]
    assert len(opened) == 4  # One file's and the other's, and both by whose share is of both.


def test_a_text_that_is_none_is_an_error_of_its_file(
    server: S3Server, connector: FilesConnector
) -> None:
    system = server.filesystem()
    data = system.cat_file("lake/broken/1.parquet")
    broken = data.replace(b"x" * 40, b"\xff" * 40)
    system.pipe_file("lake/broken/1.parquet", broken)
    slow = Catalog([Source("lake", connector, Link.of(1, 1))])
    with Placement.of_catalog(slow) as placement:
        plan = placement.plan("SELECT a, c FROM broken")
        assert plan.natives[0].gaps is not None
        with pytest.raises(SourceRejectedError, match=r"main\.broken failed: Parquet error"):
            placement.run(plan)


@pytest.mark.parametrize(
    ("sql", "left_out"),
    [
        ("SELECT sum(half) AS h, sum(price) AS p FROM events", True),
        ("SELECT sum(half) AS h FROM events WHERE price > 5 OR flag", True),
        ("SELECT id, price FROM events ORDER BY price DESC LIMIT 3", False),
        ("SELECT flag, half FROM events ORDER BY flag, half", True),
        ("SELECT sum(price) AS p FROM events WHERE id BETWEEN 300 AND 310", False),
        ("SELECT id, price FROM events LIMIT 3", False),
        ("SELECT min(half) AS h, max(price) AS p FROM events", False),
        ("SELECT min(half) AS h, max(price) AS p FROM events GROUP BY flag", True),
        ("SELECT count(*) AS n FROM events", False),
        ("SELECT sum(b.price) AS p FROM events a JOIN events b ON a.id = b.id + 0", True),
        ("SELECT sum(b.price) AS p FROM events a JOIN events b ON a.id = b.id", True),
        ("SELECT sum(b.price) AS p FROM other o JOIN events b ON o.a = b.id", False),
    ],
)
def test_gaps_are_left_out_where_that_takes_less_time_and_nothing_is_found_by_bounds(
    connector: FilesConnector, sql: str, left_out: bool
) -> None:
    answers = []
    for link, is_slow in ((Link.of(1, 1), True), (Link.of(200, 10_000), False)):
        with Placement.of_catalog(Catalog([Source("lake", connector, link)])) as placement:
            plan = placement.plan(sql)
            gaps = [n.gaps for n in plan.natives if n.table == EVENTS]
            assert [gap is not None for gap in gaps] == [left_out and is_slow]
            shown = "read without what lies between columns" in explain_text(plan)
            assert shown == (left_out and is_slow)
            answers.append(placement.run(plan))
    if "ORDER" not in sql:
        answers = [a.sort_by([(name, "ascending") for name in a.column_names]) for a in answers]
    if "LIMIT 3" not in sql or "ORDER" in sql:
        assert answers[0].equals(answers[1])


def test_a_join_keeps_the_smaller_side_where_the_engine_knows_no_rows(
    connector: FilesConnector,
) -> None:
    slow = Catalog([Source("lake", connector, Link.of(1, 1))])
    with Placement.of_catalog(slow) as placement:
        plan = placement.plan(
            "SELECT sum(a.price) AS p FROM events a JOIN broken o ON o.c = a.half"
        )
    assert {n.table.name: n.gaps is not None for n in plan.natives} == {
        "events": True,
        "broken": False,
    }
    residual = plan.residual
    assert isinstance(residual, SubstraitResidual)
    assert residual.as_written
    assert plan.residual_text.index("main.broken") < plan.residual_text.index("main.events")
