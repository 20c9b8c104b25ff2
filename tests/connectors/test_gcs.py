"""Files in Google Cloud Storage: listed by gcsfs, read by the engine where it can."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datafusion import SessionContext

from connectors.contract import TableName
from connectors.errors import SourceError, SourceUnavailableError
from connectors.files import create
from tests.gcs_server import GcsServer, gcs_server
from tests.placements import Placement

SOURCE = "lake"
ROWS = 100
SECRET = "ya29.hunter2-hunter2"


def write(server: GcsServer, name: str, table: pa.Table) -> None:
    with server.filesystem().open(name, "wb") as file:
        pq.write_table(table, file)


@pytest.fixture(scope="module")
def server() -> Iterator[GcsServer]:
    with gcs_server("lake") as running:
        table = pa.table({"i": range(ROWS), "s": [f"row {i}" for i in range(ROWS)]})
        write(running, "lake/x/one é.parquet", table)
        write(running, "lake/x/folder/year=2024/a.parquet", table)
        write(running, "lake/x/folder/year=2025/b.parquet", table.slice(1))
        with running.filesystem().open("lake/x/n.csv", "wb") as file:
            file.write(b"a,b\n1,x\n")
        yield running


def test_the_engine_reads_files_and_folders(server: GcsServer) -> None:
    options = {"connector": "files", "root": "gs://lake/x"}
    server.asked_in_xml.clear()
    with Placement.of_sources(
        {SOURCE: {**options, "storage_options": server.storage_options}}
    ) as p:
        answer = p.query('SELECT sum(i) AS s FROM "one é" WHERE i < 10')
        assert answer.to_pylist() == [{"s": 45}]
        answer = p.query("SELECT year, count(*) AS n FROM folder GROUP BY year ORDER BY year")
        assert answer.to_pylist() == [{"year": 2024, "n": ROWS}, {"year": 2025, "n": ROWS - 1}]
        assert p.query("SELECT b FROM n").to_pylist() == [{"b": "x"}]
    read = {name for _, name in server.asked_in_xml}
    assert {"lake/x/one é.parquet", "lake/x/n.csv"} <= read


def test_gcsfs_reads_what_the_engine_has_no_words_for(server: GcsServer) -> None:
    told = {**server.storage_options, "requester_pays": "tests"}
    options = {"connector": "files", "root": "gs://lake/x", "storage_options": told}
    server.asked_in_xml.clear()
    with Placement.of_sources({SOURCE: options}) as placement:
        answer = placement.query('SELECT sum(i) AS s FROM "one é" WHERE i < 10')
        assert answer.to_pylist() == [{"s": 45}]
    assert not server.asked_in_xml


def test_a_changed_object_is_noticed(server: GcsServer) -> None:
    write(server, "lake/y/t.parquet", pa.table({"i": [1]}))
    options = {"connector": "files", "root": "gs://lake/y"}
    with Placement.of_sources(
        {SOURCE: {**options, "storage_options": server.storage_options}}
    ) as p:
        assert p.query("SELECT * FROM t").to_pylist() == [{"i": 1}]
        write(server, "lake/y/t.parquet", pa.table({"i": [2]}))
        assert p.query("SELECT * FROM t").to_pylist() == [{"i": 2}]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has no credentials."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST", "CLOUDSDK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def native(**storage_options: object) -> bool:
    options = {"root": "gs://lake", "storage_options": storage_options}
    return create(SOURCE, options).capabilities.native


def key_file(folder: Path, kind: str) -> str:
    path = folder / f"{kind}.json"
    path.write_text(json.dumps({"type": kind, "client_email": "a@b", "private_key_id": "1"}))
    return str(path)


def test_who_reads_is_decided_before_anything_is_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, person = key_file(home, "service_account"), key_file(home, "authorized_user")
    assert not native()  # gcsfs looks further than the engine.
    assert native(token="anon")
    assert native(token="cloud")
    assert native(token=account)
    assert not native(token=person)
    assert not native(token=str(home / "gone.json"))
    assert not native(token={"type": "service_account", "private_key": SECRET})
    assert not native(token=account, endpoint_url="http://127.0.0.1:1")
    assert not native(token=account, requester_pays=True)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", person)
    assert not native()
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", account)
    assert native()
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    (home / ".config/gcloud").mkdir(parents=True)
    (home / ".config/gcloud/application_default_credentials.json").write_text("{}")
    assert native()


def test_a_bucket_is_known_to_a_session_by_source(server: GcsServer) -> None:
    """Two sources may reach one bucket as different people."""
    one, other = (
        create(name, {"root": "gs://lake/x", "storage_options": server.storage_options})
        for name in ("one", "other")
    )
    context = SessionContext()
    one.register(context, "a", TableName("main", "n"))
    other.register(context, "b", TableName("main", "n"))
    answer = context.sql("SELECT a.b FROM a JOIN b ON a.a = b.a").to_pylist()
    assert answer == [{"b": "x"}]


def test_secrets_are_in_no_error_or_repr(home: Path, server: GcsServer) -> None:
    token = {"type": "service_account", "private_key": SECRET}
    options = {**server.storage_options, "token": token}
    connector = create(SOURCE, {"root": "gs://lake/x", "storage_options": options})
    with pytest.raises(SourceError) as said:
        connector.tables().names()
    assert SECRET not in str(said.value) + repr(connector) + connector.identity


def test_a_bucket_that_is_not_there_is_named(server: GcsServer) -> None:
    options = {"root": "gs://absent", "storage_options": server.storage_options}
    connector = create(SOURCE, options)
    with pytest.raises(SourceUnavailableError, match="absent") as said:
        connector.tables().names()
    assert said.value.source == SOURCE
