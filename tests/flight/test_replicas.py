"""A server whose tables are in several sources: what users see, and what operators are told."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flight_server
from connectors.errors import ConfigurationError
from flight_server.ask import ask_server
from flight_server.config import Config, load
from flight_server.server import Server
from tests.processes import run, started

ROWS = 2_000

SQL = "SELECT total FROM shop.sales WHERE id = 7"
EXPLAIN = f"EXPLAIN {SQL}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop in SQLite, and a lake that has its sales too."""
    folder = tmp_path_factory.mktemp("replicas")
    (folder / "lake").mkdir()
    with contextlib.closing(sqlite3.connect(folder / "shop.db")) as shop, shop:
        shop.execute("CREATE TABLE sales (id INTEGER NOT NULL, total INTEGER)")
        shop.executemany("INSERT INTO sales VALUES (?, ?)", ((i, 2 * i) for i in range(ROWS)))
    sales = pa.table({"total": pa.array(range(0, 2 * ROWS, 2)), "id": pa.array(range(ROWS))})
    pq.write_table(sales, folder / "lake" / "sales.parquet")
    return folder


def configured(folder: Path, copy: str, shop: str = "shop.db") -> Path:
    """The file of a server that knows of a copy of the shop's sales."""
    file = folder / f"{copy}.toml"
    file.write_text(
        f"""\
[server]
listen = "grpc://127.0.0.1:0"

[sources.shop]
connector = "sqlite"
uri = "{folder / shop}"

[sources.lake]
connector = "files"
root = "{folder / "lake"}"

[replicas]
"shop.main.sales" = ["{copy}"]
"""
    )
    return file


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with flight_server.serve(load(configured(folder, "lake.main.sales"))) as server:
        yield server


def asked(server: str, sql: str, **options: str) -> list[str]:
    with ask_server(server, sql, options) as answered:
        return [str(v) for batch in answered.batches for v in batch.column(0).to_pylist()]


def test_a_link_that_is_supposed_moves_the_reading_to_the_other_copy(server: Server) -> None:
    near = "\n".join(asked(server.url, EXPLAIN))
    assert "answered by shop" in near
    assert "shop.main.sales read from lake.main.sales: " in near
    far = "\n".join(asked(server.url, EXPLAIN, **{"link.shop.rtt_ms": "300"}))
    assert "n1 at lake: main.sales, read by the engine" in far
    assert "shop.main.sales read where it is: 0.6" in far
    for options in ({}, {"link.shop.rtt_ms": "300"}):
        assert asked(server.url, SQL, **options) == ["14"]


def test_a_copy_that_does_not_exist_is_said_when_its_table_is_read(folder: Path) -> None:
    with flight_server.serve(load(configured(folder, "lake.main.salse"))) as server:
        text = " ".join("\n".join(asked(server.url, EXPLAIN)).split())
    assert "answered by shop" in text
    assert "[replica.not_read] lake.main.salse, a replica of shop.main.sales, is not read" in text
    assert "it does not exist. Nearest: lake.main.sales" in text


def test_serve_refuses_a_copy_that_does_not_exist(folder: Path) -> None:
    file = configured(folder, "lake.main.salse")
    done = run("serve", "-c", str(file), cwd=folder)
    assert done.returncode == 2
    assert done.stderr == (
        f"error: [configuration] {file}:13: table 'lake.main.salse' in [replicas] does not exist."
        " Nearest: lake.main.sales.\n"
    )


def test_a_copy_answers_for_a_source_that_does_not(folder: Path) -> None:
    file = configured(folder, "lake.main.sales", shop="gone.db")
    with started("serve", "-c", str(file), "--allow-unreachable", cwd=folder) as process:
        line = process.wait_for("ready")
        assert "without shop (" in line
        (url,) = re.findall(r"grpc://\S+", line)
        assert asked(url, "SELECT sum(total) FROM shop.main.sales") == [str(ROWS * (ROWS - 1))]
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("replicas", "expected"),
    [
        ({"shp.main.sales": ["lake.main.sales"]}, "there is no source 'shp'; did you mean 'shop'?"),
        ({"shop.sales": ["lake.main.sales"]}, "not a table's full name: SOURCE.SCHEMA.TABLE"),
        ({"shop.main.sales": []}, "expected a table's full name in quotes, and a list"),
        ({"shop.main.sales": "lake.main.sales"}, "expected a table's full name in quotes"),
        ({"shop.main.sales": ["shop.main.sales"]}, "it names a table twice"),
        ({"shop": {"main": {"sales": ["lake.main.sales"]}}}, "expected a table's full name in"),
        (["shop.main.sales"], "'replicas' is not a table; write [replicas]"),
    ],
)
def test_what_is_wrong_with_replicas_is_told(replicas: object, expected: str) -> None:
    sources = {name: {"connector": "memory"} for name in ("shop", "lake")}
    with pytest.raises(ConfigurationError) as said:
        Config.from_mapping({"sources": sources, "replicas": replicas})
    assert expected in said.value.message


def test_a_part_of_a_name_may_have_a_dot_in_it() -> None:
    sources = {name: {"connector": "memory"} for name in ("shop", "lake")}
    names = {'shop.main."a.b"': ['lake."x""y".c']}
    config = Config.from_mapping({"sources": sources, "replicas": names})
    assert config.replicas == {("shop", "main", "a.b"): (("lake", 'x"y', "c"),)}
