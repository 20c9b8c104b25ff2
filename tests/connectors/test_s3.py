"""Files on S3: read by the engine's own reader, by the same credentials as all else."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.errors import SourceRejectedError
from connectors.files import s3
from connectors.files.location import Location
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


@contextmanager
def _busy(status: int, late_seconds: float) -> Iterator[tuple[s3.Access, list[str]]]:
    """A store that says so to each question, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            time.sleep(late_seconds)
            self.send_response(status)
            self.send_header("Content-Length", "7")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as store:
        thread = Thread(target=store.serve_forever, args=(0.05,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{store.server_port}"
            yield s3.Access(url, "us-east-1", KEY, SECRET, None), asked
        finally:
            store.shutdown()
            thread.join()


def test_arrow_waits_for_a_store_that_is_slow_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 1)
    with (
        _busy(200, late_seconds=4) as (access, asked),
        s3._arrow(access).open_input_file("lake/file") as file,
    ):
        assert (file.size(), len(asked)) == (7, 1)


def test_arrow_asks_a_store_again_that_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "ATTEMPTS", 2)
    with _busy(503, late_seconds=0) as (access, asked):
        with pytest.raises(OSError, match="AWS Error"):
            s3._arrow(access).open_input_file("lake/file")
        assert len(asked) == 2
    assert pa.io_thread_count() >= s3.IO_THREADS


@pytest.mark.parametrize(
    ("variables", "verify", "http", "https"),
    [
        ({}, None, True, True),
        ({"http_proxy": "http://proxy:1"}, None, False, True),
        ({"HTTPS_PROXY": "http://proxy:1"}, None, True, False),
        ({"all_proxy": "http://proxy:1", "no_proxy": "store"}, None, False, False),
        ({"AWS_CA_BUNDLE": "/a.pem"}, None, True, False),
        ({}, "/a.pem", True, False),
        ({}, False, True, False),
    ],
)
def test_arrows_client_is_not_asked_where_others_go_by_a_proxy_or_trust_others(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    verify: object,
    http: bool,
    https: bool,
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    own = {} if verify is None else {"verify": verify}
    options = {
        "key": KEY,
        "secret": SECRET,
        "client_kwargs": {"region_name": "us-east-1", **own},
        "skip_instance_cache": True,
    }
    places = [
        Location("lake", "s3://lake", {**options, "endpoint_url": f"{scheme}://store"})
        for scheme in ("http", "https")
    ]
    for place in places:
        assert place.filesystem.s3  # Connected before certificates that are none are named.
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert [place.arrows_own for place in places] == [http, https]


def test_arrows_client_is_kept(server: S3Server) -> None:
    location = Location("lake", "s3://bucket", server.storage_options)
    assert location.arrow is location.arrow


@pytest.mark.parametrize(
    "code", ["ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH"]
)
def test_a_refusal_by_arrow_is_one(server: S3Server, code: str) -> None:
    location = Location("lake", "s3://bucket", server.storage_options)
    said = f"AWS Error {code} during GetObject operation: no"
    with pytest.raises(SourceRejectedError, match="may not be read"), location.reading("bucket/a"):
        raise OSError(said)
