"""Files on a web server: by the engine's reader over TLS, by Arrow's otherwise, and what fails."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from connectors import registry
from connectors.contract import TableName
from connectors.errors import (
    ConfigurationError,
    CrosswindError,
    SourceRejectedError,
    SourceUnavailableError,
    UnknownNameError,
)
from connectors.files import create
from tests.placements import Placement
from tests.postgres_server import free_port
from tests.processes import run
from tests.web_server import WebServer, web_server

SOURCE = "web"
ROWS = 1000
SECRET = "hunter2-hunter2"


def parquet(first: int = 0, **columns: Any) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"i": range(first, first + ROWS), "s": [f"row {i}" for i in range(ROWS)]})
    pq.write_table(table if not columns else pa.table(columns), sink, row_group_size=100)
    return sink.getvalue()


TEXT = b"a,b\n1,x\n2,y\n"


@pytest.fixture
def site() -> Iterator[WebServer]:
    with web_server() as server:
        server.files["/lake/t 1.parquet"] = parquet()
        server.files["/lake/n.csv"] = TEXT
        yield server


def opened(root: str, **options: object) -> Any:
    return Placement.of_sources({SOURCE: {"connector": "files", "root": root, **options}})


def test_a_url_is_a_table(site: WebServer) -> None:
    with opened(f"{site.url}/lake/t%201.parquet") as placement:
        answer = placement.query('SELECT count(*) AS n, sum(i) AS s FROM "t 1"')
        assert answer.to_pylist() == [{"n": ROWS, "s": ROWS * (ROWS - 1) // 2}]
        answer = placement.query('SELECT s FROM "t 1" WHERE i = 950')
        assert answer.to_pylist() == [{"s": "row 950"}]
    # Everything that was read is a part of the file.
    assert {method for method, _, _ in site.asked} == {"GET", "HEAD"}
    assert all(wanted for method, _, wanted in site.asked if method == "GET")


def test_tables_are_named_below_a_root(site: WebServer) -> None:
    tables = {"t": "t%201.parquet", "n": "n.csv", "gone": "gone.csv"}
    with opened(f"{site.url}/lake", tables=tables) as placement:
        joined = "SELECT n.b, t.s FROM n JOIN t ON t.i = n.a ORDER BY n.b"
        assert placement.query(joined).to_pylist() == [
            {"b": "x", "s": "row 1"},
            {"b": "y", "s": "row 2"},
        ]
        with pytest.raises(UnknownNameError):
            placement.query("SELECT * FROM gone")


@pytest.mark.parametrize("tables", [{}, {"t": "folder"}, {"t": "part-*.parquet"}])
def test_folders_are_refused_with_what_to_do(tables: dict[str, str], site: WebServer) -> None:
    with (
        opened(f"{site.url}/lake/", tables=tables) as placement,
        pytest.raises(SourceRejectedError, match="not listed over HTTP") as said,
    ):
        placement.query("SELECT * FROM t")
    assert said.value.source == SOURCE
    assert "tables = {" in str(said.value.hint)
    assert not site.asked


@pytest.mark.parametrize("name", ["t%201.parquet", "n.csv"])
def test_a_server_that_gives_no_parts_is_named(name: str, site: WebServer) -> None:
    site.ranges = False
    with (
        opened(f"{site.url}/lake", tables={"t": name}) as placement,
        pytest.raises(SourceRejectedError, match="parts of a file") as said,
    ):
        placement.query("SELECT * FROM t")
    assert said.value.source == SOURCE


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, SourceRejectedError, "may not be read"),
        (403, SourceRejectedError, "may not be read"),
        (500, SourceUnavailableError, "answers 500"),
        (503, SourceUnavailableError, "answers 503"),
    ],
)
def test_a_refusal_is_told_from_a_file_that_is_not_there(
    status: int, error: type[CrosswindError], said: str, site: WebServer
) -> None:
    site.refusal = status
    with opened(f"{site.url}/n.csv") as placement, pytest.raises(error, match=said) as raised:
        placement.query("SELECT * FROM n")
    assert raised.value.source == SOURCE


def test_a_file_or_a_server_that_is_not_there(site: WebServer) -> None:
    with opened(f"{site.url}/n.csv") as placement, pytest.raises(UnknownNameError):
        placement.query("SELECT * FROM n")
    root = f"http://127.0.0.1:{free_port()}/n.csv"
    with opened(root) as placement, pytest.raises(SourceUnavailableError) as said:
        placement.query("SELECT * FROM n")
    assert said.value.source == SOURCE


@pytest.mark.parametrize("dated", [True, False])
def test_a_changed_file_is_noticed(dated: bool, site: WebServer) -> None:
    """The same length and age: only its ETag differs, or nothing at all is said."""
    site.dated = dated
    tables = TableName("main", "n")
    connector = create(SOURCE, {"root": f"{site.url}/lake/n.csv"})
    found = connector.tables().find(tables)
    assert found is not None
    assert [str(c.type) for c in found.columns] == ["int64", "string"]
    site.files["/lake/n.csv"] = TEXT.replace(b"1", b"u")
    loaded = connector.tables().load(tables)
    assert loaded is not None
    assert [str(c.type) for c in loaded.table.columns] == ["string", "string"]
    connector.close()


def test_an_unchanged_file_is_looked_at_and_not_read_again(site: WebServer) -> None:
    name = TableName("main", "t 1")
    connector = create(SOURCE, {"root": f"{site.url}/lake/t%201.parquet"})
    assert connector.tables().load(name) is not None
    before = len(site.asked)
    assert connector.tables().load(name) is not None
    assert site.asked[before:] == [("GET", "/lake/t 1.parquet", "bytes=0-0")]
    connector.close()


def test_headers_are_sent_and_in_no_error(site: WebServer) -> None:
    options = {"client_kwargs": {"headers": {"Authorization": f"Bearer {SECRET}"}}}
    root = f"{site.url}/lake/n.csv"
    with opened(root, storage_options=options) as placement:
        assert placement.query("SELECT count(*) AS n FROM n").to_pylist() == [{"n": 2}]
        site.refusal = 403
        connector = create(SOURCE, {"root": root, "storage_options": options})
        with pytest.raises(SourceRejectedError) as said:
            connector.tables().load(TableName("main", "n"))
        assert SECRET not in str(said.value) + repr(connector)


def test_a_signed_url_is_refused_and_not_shown(site: WebServer) -> None:
    connector = create(SOURCE, {"root": f"{site.url}/lake/n.csv?sig={SECRET}"})
    with pytest.raises(SourceRejectedError) as said:
        connector.tables().names()
    assert SECRET not in str(said.value) + repr(connector) + connector.identity


@pytest.mark.parametrize("root", ["https://h/lake", "simplecache::HTTPS://h/lake"])
def test_a_signature_among_tables_is_refused_and_not_shown(root: str) -> None:
    tables = {"t": f"a.parquet?token={SECRET}.parquet"}
    with pytest.raises(ConfigurationError, match="'t': a path without a query") as said:
        registry.create("files", SOURCE, {"root": root, "tables": tables})
    assert SECRET not in str(said.value)
    with pytest.raises(ValidationError) as raised:
        create(SOURCE, {"root": root, "tables": tables})
    assert SECRET not in str(raised.value)


def test_who_reads_is_decided_before_anything_is_asked() -> None:
    def native(root: str, **storage_options: object) -> bool:
        options = {"root": root, "storage_options": storage_options}
        return create(SOURCE, options).capabilities.native

    assert native("https://files.example.com/t.parquet")
    assert not native("http://files.example.com/t.parquet")
    assert not native(f"https://reader:{SECRET}@files.example.com/t.parquet")
    assert not native("https://files.example.com/t.parquet", headers={"X-Key": SECRET})


def test_over_tls_the_engine_reads(tmp_path: Path) -> None:
    """In a process of its own: who is trusted is read when it starts."""
    with web_server(tls=True) as site:
        assert site.authority is not None
        trusted = tmp_path / "ca.pem"
        site.authority.cert_pem.write_to_path(str(trusted))
        site.files["/lake/t.parquet"] = parquet()
        site.files["/lake/n.csv"] = TEXT
        config = tmp_path / "crosswind.toml"
        config.write_text(
            f'[sources.web]\nconnector = "files"\nroot = "{site.url}/lake"\n'
            'tables = { t = "t.parquet", n = "n.csv" }\n'
        )
        sql = "SELECT n.b, t.s FROM web.n JOIN web.t ON t.i = n.a ORDER BY n.b"
        asked = ("query", "-c", str(config), "--format", "json", sql)
        done = run(*asked, cwd=tmp_path, environment={"SSL_CERT_FILE": str(trusted)})
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == [{"b": "x", "s": "row 1"}, {"b": "y", "s": "row 2"}]
        # fsspec's way to a file asks for none of its length alone.
        assert ("HEAD", "/lake/t.parquet", None) in site.asked
