"""Files on S3: read by the engine's own reader, by the same credentials as all else."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.placements import Placement
from tests.s3_server import KEY, SECRET, S3Server, s3_server


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server("bucket") as server:
        yield server


@pytest.fixture(scope="module")
def lake(server: S3Server) -> str:
    """Sixteen files in folders, with names that a URL must quote, and a CSV file."""
    system = server.filesystem()
    for year in range(2010, 2026):
        table = pa.table({"id": range(year, year + 50), "name": [f"n {year}"] * 50})
        sink = io.BytesIO()
        pq.write_table(table, sink)
        path = f"bucket/the lake/big sales+é/year={year}/part 1#%.parquet"
        system.pipe_file(path, sink.getvalue(), ACL="public-read")
    notes = b"id,note\n2012,first\n2025,second\n"
    system.pipe_file("bucket/the lake/notes.csv", notes, ACL="public-read")
    return "s3://bucket/the lake"


def _files(server: S3Server, lake: str) -> dict[str, object]:
    return {"connector": "files", "root": lake, "storage_options": server.storage_options}


def test_the_engine_reads_a_bucket(server: S3Server, lake: str) -> None:
    sql = (
        'SELECT s.year, count(*) AS n, min(o.note) AS note FROM "big sales+é" s'
        " JOIN notes o ON o.id = s.year GROUP BY s.year ORDER BY s.year"
    )
    with Placement.of_sources({"lake": _files(server, lake)}) as placement:
        plan = placement.plan(sql)
        assert {native.source for native in plan.natives} == {"lake"}
        assert placement.query(sql).to_pylist() == [
            {"year": 2012, "n": 50, "note": "first"},
            {"year": 2025, "n": 50, "note": "second"},
        ]


def test_only_the_partitions_that_count_are_read(server: S3Server, lake: str) -> None:
    with Placement.of_sources({"lake": _files(server, lake)}) as placement:
        placement.query('SELECT count(id) FROM "big sales+é"')
        placement.query('SELECT count(id) FROM "big sales+é"')
        before = len(server.requests())
        answer = placement.query('SELECT sum(id) AS s FROM "big sales+é" WHERE year >= 2024')
        assert answer.to_pylist() == [{"s": sum(range(2024, 2074)) + sum(range(2025, 2075))}]
        requests = server.requests()[before:]
        files = {r for r in requests if ".parquet" in r}
        assert len(files) == len([r for r in requests if ".parquet" in r]) == 2, requests
        # The table is looked at before it runs, and by the engine, as its name is not a plain one.
        assert len(requests) - len(files) == 2, requests


def test_two_sources_reach_one_bucket_in_their_own_ways(server: S3Server, lake: str) -> None:
    """The engine's session is one for all: what it knows of a bucket is a source's own."""
    nowhere = {**server.storage_options, "endpoint_url": "http://127.0.0.1:9"}
    sources = {
        "good": _files(server, lake),
        "other": {"connector": "files", "root": lake, "storage_options": nowhere},
    }
    with Placement.of_sources(sources) as placement:
        want = [{"n": 2}]
        assert placement.query("SELECT count(*) AS n FROM good.notes").to_pylist() == want
        with pytest.raises(Exception, match="other") as failure:
            placement.query("SELECT count(*) AS n FROM other.notes")
        # Where it looked is what has to be mended; what it looked with is a secret.
        assert "http://127.0.0.1:9/bucket" in str(failure.value)
        assert SECRET not in str(failure.value)
        assert KEY not in str(failure.value)
        assert placement.query("SELECT count(*) AS n FROM good.notes").to_pylist() == want


def test_credentials_come_from_the_environment(
    server: S3Server, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    # Another file system of s3fs than the one of the tests above, which is kept by its options.
    source = {"connector": "files", "root": lake, "storage_options": {"max_concurrency": 3}}
    with Placement.of_sources({"lake": source}) as placement:
        answer = placement.query("SELECT note FROM notes ORDER BY id")
        assert answer.to_pylist() == [{"note": "first"}, {"note": "second"}]


def test_without_credentials_arrow_reads(server: S3Server, lake: str) -> None:
    """The engine's store signs whatever it asks."""
    options = {k: v for k, v in server.storage_options.items() if k not in ("key", "secret")}
    source = {
        "connector": "files",
        "root": lake,
        "storage_options": {**options, "anon": True},
    }
    with Placement.of_sources({"lake": source}) as placement:
        assert not placement.plan("SELECT note FROM notes").natives
        assert placement.query("SELECT note FROM notes").num_rows == 2
        answer = placement.query('SELECT count(*) AS n FROM "big sales+é" WHERE year = 2020')
        assert answer.to_pylist() == [{"n": 50}]


def test_a_bucket_that_is_not_there_is_named(server: S3Server) -> None:
    with (
        Placement.of_sources({"lake": _files(server, "s3://no-such-bucket")}) as placement,
        pytest.raises(Exception, match="no-such-bucket") as raised,
    ):
        placement.query("SELECT * FROM lake.main.notes")
    assert SECRET not in str(raised.value)
