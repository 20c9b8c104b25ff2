"""What a lake on S3 is asked: each request costs a round trip, and most stores bill it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.contract import TableName
from connectors.files import FilesConnector, remembered
from connectors.files.listing import DataFile
from planner.options import PlanningOptions
from tests.placements import Placement
from tests.s3_server import S3Server, s3_server

FILES, GROUP_ROWS, FILE_ROWS = 40, 250, 1_000


@dataclass(frozen=True)
class Asked:
    """Requests by what they are for."""

    lists: int
    files: list[str]

    @classmethod
    def of(cls, requests: list[str]) -> Asked:
        files = [line for line in requests if ".parquet" in line]
        return cls(len(requests) - len(files), files)


def _file(first: int, scale: int = 1) -> bytes:
    """Rows in the order of `id`; values of `v` take the same room whatever the scale."""
    ids = range(first, first + FILE_ROWS)
    table = pa.table({"id": ids, "v": [scale * i % 1_009 for i in ids]})
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=GROUP_ROWS)
    return sink.getvalue()


def _sum(low: int, high: int) -> int:
    return sum(i % 1_009 for i in range(low, high + 1))


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server("lake", "other") as server:
        system = server.filesystem()
        for number in range(FILES):
            data = _file(number * FILE_ROWS)
            system.pipe_file(f"lake/a/events/{number:03}.parquet", data)
        system.pipe_file("lake/a/beside/x.parquet", _file(0))
        system.pipe_file("other/a/towns.parquet", _file(0))
        yield server


@pytest.fixture
def placement(server: S3Server, tmp_path: Path) -> Iterator[Placement]:
    """Two buckets, and files on this disk."""
    pq.write_table(pa.table({"id": [7, 20_007]}), tmp_path / "picked.parquet")
    sources: dict[str, dict[str, object]] = {
        name: {"connector": "files", "root": root, "storage_options": server.storage_options}
        for name, root in (("lake", "s3://lake/a"), ("other", "s3://other/a"))
    }
    sources["disk"] = {"connector": "files", "root": str(tmp_path)}
    with Placement.of_sources(sources) as placement:
        yield placement


def _asked(server: S3Server, placement: Placement, sql: str, want: int) -> Asked:
    before = len(server.requests())
    assert placement.query(sql).to_pylist() == [{"s": want}]
    return Asked.of(server.requests()[before:])


BETWEEN = "SELECT sum(v) AS s FROM lake.events WHERE id BETWEEN {} AND {}"


def test_only_what_a_query_must_read_is_asked_for(server: S3Server, placement: Placement) -> None:
    first = _asked(server, placement, BETWEEN.format(20_100, 20_150), _sum(20_100, 20_150))
    # The root, then the table: to plan, and as it is when it runs. Its neighbours are not listed.
    assert first.lists == 3
    # Each footer, and the one row group.
    assert len(first.files) == FILES + 1
    again = _asked(server, placement, BETWEEN.format(20_100, 20_150), _sum(20_100, 20_150))
    assert (again.lists, len(again.files)) == (1, 1)
    # Two row groups of one file, and one of the next.
    other = _asked(server, placement, BETWEEN.format(30_600, 31_100), _sum(30_600, 31_100))
    assert other.lists == 1
    assert len(other.files) == 3
    assert {re.findall(r"(\d+)\.parquet", line)[0] for line in other.files} == {"030", "031"}


def test_only_row_groups_that_may_have_a_databases_keys_are_asked_for(
    server: S3Server, tmp_path: Path
) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as shop:
        shop.execute(
            "CREATE TABLE picked AS SELECT unnest([7, 20007, 20008, NULL]) AS id, 'a' AS t"
        )
        shop.execute("CREATE TABLE none AS FROM picked LIMIT 0")
    sources = {
        "lake": {
            "connector": "files",
            "root": "s3://lake/a",
            "storage_options": server.storage_options,
        },
        "shop": {"connector": "duckdb", "uri": str(tmp_path / "shop.duckdb")},
    }
    sql = "SELECT coalesce(sum(e.v), 0) AS s FROM shop.picked p JOIN lake.events e ON e.id = p.id"
    want = sum(i % 1_009 for i in (7, 20_007, 20_008))
    with Placement.of_sources(sources) as placement:
        _asked(server, placement, sql, want)
        again = _asked(server, placement, sql, want)
        asked_for = sorted(re.findall(r"(\d+)\.parquet", line)[0] for line in again.files)
        assert asked_for == ["000", "020"]
        assert _asked(server, placement, sql.replace("picked", "none"), 0).files == []
        without = replace(placement, options=PlanningOptions(reductions="none"))
        assert len(_asked(server, without, sql, want).files) > 2 * FILES


def test_other_stores_beside_it_cost_no_footer(server: S3Server, placement: Placement) -> None:
    sql = (
        "SELECT sum(e.v) AS s FROM lake.events e JOIN disk.picked p ON p.id = e.id"
        " JOIN other.towns t ON t.id + 20000 = e.id OR t.id = e.id WHERE e.id IN (7, 20007)"
    )
    want = _sum(7, 7) + _sum(20_007, 20_007)
    _asked(server, placement, sql, want)
    again = _asked(server, placement, sql, want)
    events = [line for line in again.files if "/events/" in line]
    assert len(events) == 2, events
    # One file is looked at by name rather than listed; then its row groups are read.
    towns = [line for line in again.files if "towns" in line and line.startswith("GET")]
    assert len(towns) <= FILE_ROWS // GROUP_ROWS, towns


def test_a_changed_file_is_read_anew_and_the_others_are_not(
    server: S3Server, placement: Placement
) -> None:
    sql = BETWEEN.format(5_000, 5_999)
    _asked(server, placement, sql, _sum(5_000, 5_999))
    path = "lake/a/events/005.parquet"
    try:
        server.filesystem().pipe_file(path, _file(5_000, scale=3))
        want = sum(3 * i % 1_009 for i in range(5_000, 6_000))
        changed = _asked(server, placement, sql, want)
        # Its footer, and its row groups.
        assert changed.lists == 1
        assert len(changed.files) <= 1 + FILE_ROWS // GROUP_ROWS
        again = _asked(server, placement, sql, want)
        assert len(again.files) <= FILE_ROWS // GROUP_ROWS
    finally:
        server.filesystem().pipe_file(path, _file(5_000))
    _asked(server, placement, sql, _sum(5_000, 5_999))


def test_a_folder_that_files_come_to_and_go_from(server: S3Server, placement: Placement) -> None:
    sql = "SELECT sum(v) AS s FROM lake.moving"
    system = server.filesystem()
    for number in range(3):
        system.pipe_file(f"lake/a/moving/{number}.parquet", _file(number * FILE_ROWS))
    _asked(server, placement, sql, _sum(0, 2_999))
    system.rm("lake/a/moving/1.parquet")
    system.pipe_file("lake/a/moving/5.parquet", _file(5_000))
    asked = _asked(server, placement, sql, _sum(0, 999) + _sum(2_000, 2_999) + _sum(5_000, 5_999))
    assert asked.lists == 1
    footers = [line for line in asked.files if "/5.parquet" in line]
    assert len(footers) <= 1 + FILE_ROWS // GROUP_ROWS
    assert len(asked.files) <= 1 + 3 * FILE_ROWS // GROUP_ROWS


def test_ends_of_all_kinds_are_read_once(server: S3Server, placement: Placement) -> None:
    """Footers that are larger than what is asked for at first, and pages that have an index."""
    system = server.filesystem()
    width = 400
    for number in range(3):
        ids = range(number * 2_000, (number + 1) * 2_000)
        columns = {"id": ids, "v": ids, **{f"a_long_name_of_column_{c}": ids for c in range(width)}}
        sink = io.BytesIO()
        pq.write_table(pa.table(columns), sink, data_page_size=1_000, write_page_index=True)
        system.pipe_file(f"lake/a/wide/{number}.parquet", sink.getvalue())
    sql = "SELECT sum(v) AS s FROM lake.wide WHERE id BETWEEN 2100 AND 2110"
    first = _asked(server, placement, sql, sum(range(2_100, 2_111)))
    assert first.lists <= 3
    by_file = [sum(f"/{number}.parquet" in line for line in first.files) for number in range(3)]
    # The end in three parts at most; then the rows of the one file that has some.
    assert by_file[0] <= 3
    assert by_file[2] <= 3
    again = _asked(server, placement, sql, sum(range(2_100, 2_111)))
    assert again.lists == 1
    assert {re.findall(r"(\d+)\.parquet", line)[0] for line in again.files} == {"1"}
    assert len(again.files) <= 2


def test_a_session_of_its_own_asks_for_no_footer(server: S3Server, placement: Placement) -> None:
    """A statement that Substrait does not carry runs in one."""
    _asked(server, placement, BETWEEN.format(20_100, 20_150), _sum(20_100, 20_150))
    sql = (
        "SELECT sum(u) AS s FROM (SELECT unnest(make_array(v)) AS u FROM lake.events"
        " WHERE id BETWEEN 20100 AND 20150)"
    )
    for _ in range(2):
        asked = _asked(server, placement, sql, _sum(20_100, 20_150))
        assert (asked.lists, len(asked.files)) == (1, 1)


def test_each_run_looks_for_itself(server: S3Server, placement: Placement) -> None:
    """What was written since its plan is seen, whoever had a look meanwhile."""
    system = server.filesystem()
    system.pipe_file("lake/a/growing/0.parquet", _file(0))
    sql = "SELECT sum(v) AS s FROM lake.growing"
    plan = placement.plan(sql)
    assert placement.run(plan).to_pylist() == [{"s": _sum(0, 999)}]
    system.pipe_file("lake/a/growing/1.parquet", _file(1_000))
    assert placement.run(plan).to_pylist() == [{"s": _sum(0, 1_999)}]
    system.rm("lake/a/growing/0.parquet")
    assert placement.run(plan).to_pylist() == [{"s": _sum(1_000, 1_999)}]
    placement.catalog.sources["lake"].connector.tables().refresh()
    placement.plan("SELECT max(v) AS s FROM lake.growing")  # The folder is listed to plan this.
    system.pipe_file("lake/a/growing/2.parquet", _file(2_000))
    assert placement.run(plan).to_pylist() == [{"s": _sum(1_000, 2_999)}]


def test_a_file_that_is_rewritten_between_plan_and_run(
    server: S3Server, placement: Placement
) -> None:
    """At the same size: its row groups are not chosen by the old footer."""

    def plain(first: int) -> bytes:
        sink = io.BytesIO()
        table = pa.table({"id": pa.array(range(first, first + 2_000), pa.int64())})
        pq.write_table(table, sink, row_group_size=500, compression="none", use_dictionary=False)
        return sink.getvalue()

    system, old, new = server.filesystem(), plain(0), plain(1_000)
    assert len(old) == len(new)
    system.pipe_file("lake/a/rewritten/0.parquet", old)
    sql = "SELECT count(*) AS n, max(id) AS m FROM lake.rewritten WHERE id >= 1500"
    assert placement.query(sql).to_pylist() == [{"n": 500, "m": 1_999}]
    placement.catalog.sources["lake"].connector.tables().refresh()
    plan = placement.plan(sql)
    system.pipe_file("lake/a/rewritten/0.parquet", new)
    assert placement.run(plan).to_pylist() == [{"n": 1_500, "m": 2_999}]


def test_nothing_is_kept_of_tables_that_are_gone(server: S3Server, placement: Placement) -> None:
    system, names = server.filesystem(), [f"gone{number}" for number in range(3)]
    for name in names:
        system.pipe_file(f"lake/a/{name}/0.parquet", _file(0))
    for name in names:
        _asked(server, placement, f"SELECT sum(v) AS s FROM lake.{name}", _sum(0, 999))
    connector = placement.catalog.sources["lake"].connector
    assert isinstance(connector, FilesConnector)
    outlines = connector._location.outlines
    assert outlines is not None

    def kept() -> int:
        urls = {url for seen in remembered._SESSIONS.values() for url, _ in seen.tables}
        return len([url for url in urls if "/gone" in url])

    assert len(outlines._drawn) == kept() == len(names)
    for name in names:
        system.rm(f"lake/a/{name}", recursive=True)
    # Asking for one shows it gone, and a new listing of the root the others, also after a refresh.
    assert connector.tables().load(TableName("main", names[0])) is None
    assert len(outlines._drawn) == kept() == len(names) - 1
    connector.tables().refresh()
    connector.tables()._listing()
    assert not outlines._drawn
    assert kept() == 0


def test_what_a_change_makes_the_engine_forget_is_registered_no_longer(
    server: S3Server, placement: Placement
) -> None:
    sql = "SELECT sum(v) AS s FROM lake.beside"
    server.filesystem().pipe_file("lake/a/beside/x.parquet", _file(0))
    others = list(remembered._SESSIONS)
    _asked(server, placement, sql, _sum(0, 999))
    ((context, seen),) = [
        (context, seen)
        for context, seen in remembered._SESSIONS.items()
        if seen.tables and all(context is not other for other in others)
    ]
    for number in range(3):
        hidden = DataFile("zz/q.csv", 10, f"v{number}")
        remembered.forget_what_changed(context, "https://x", {"zz/q.csv": hidden})
        _asked(server, placement, sql, _sum(0, 999))
    registered = context.catalog("crosswind_files").schema("kept").names()
    assert len(registered) == len(seen.tables) == 1
