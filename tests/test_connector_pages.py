"""The connectors' pages, held to their word: their keys exist, what they show can be run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pydantic import BaseModel

import flight_server
from connectors import registry
from connectors.adbc.any.options import AdbcOptions
from connectors.adbc.duckdb.options import DuckdbOptions
from connectors.adbc.sqlite.options import SqliteOptions
from connectors.delta.options import DeltaOptions
from connectors.iceberg.options import IcebergOptions
from connectors.memory import MemoryOptions
from connectors.odbc.options import OdbcOptions
from flight_server.config import load
from tests.placements import Placement

FOLDER = Path(__file__).parents[1] / "docs" / "connectors"
KEYS: dict[str, type[BaseModel]] = {
    "adbc": AdbcOptions,
    "delta": DeltaOptions,
    "duckdb": DuckdbOptions,
    "iceberg": IcebergOptions,
    "memory": MemoryOptions,
    "odbc": OdbcOptions,
    "sqlite": SqliteOptions,
}
"""The options of those whose keys are on their page; of flightsql, test_flightsql.py looks."""

PAGES = sorted({path.stem for path in FOLDER.glob("*.md")} - {"support", "writing"})
"""support.md is written from the profiles, and writing.md is not about one connector."""


def page(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def samples(name: str, language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL)
    return [text for text in found if language != "toml" or "[sources." in text]


def key_rows(name: str) -> list[tuple[str, str]]:
    """The first two cells of the table of keys."""
    table = page(name).split("| key | default | meaning |\n|---|---|---|\n")[1].split("\n\n")[0]
    cells = [re.split(r"(?<!\\)\|", line) for line in table.splitlines()]
    return [(row[1].strip(), row[2].strip()) for row in cells]


def test_every_connector_has_a_page() -> None:
    assert set(PAGES) >= {"delta", "duckdb", "files", "iceberg", "memory", "postgres", "sqlite"}
    for name in PAGES:
        assert page(name).startswith(f"# {name}: ")


@pytest.mark.parametrize("name", ["delta", "duckdb", "files", "iceberg", "postgres", "sqlite"])
def test_a_page_says_what_was_promised(name: str) -> None:
    parts = set(re.findall(r"^## (.*)$", page(name), re.MULTILINE))
    there = {"What goes there", "What it costs", "What it needs to start"}
    if name == "files":
        there = {"Who reads", "What it costs", "What it needs to start"}
    if name != "postgres":
        there |= {"What it does badly"}
    assert there <= parts


@pytest.mark.parametrize("name", KEYS)
def test_a_page_has_every_key_and_no_other(name: str) -> None:
    said = [key for keys, _ in key_rows(name) for key in re.findall(r"`(\w+)`", keys)]
    assert sorted(said) == sorted(KEYS[name].model_fields)


@pytest.mark.parametrize("name", ["duckdb", "sqlite"])
def test_defaults_are_the_ones_that_are_said(name: str) -> None:
    for keys, default in key_rows(name):
        found = KEYS[name].model_fields[keys.strip("`")].default
        if isinstance(found, bool | int | str):
            assert default.strip("`") == str(found).replace("True", "true")


@pytest.mark.parametrize("name", PAGES)
def test_configurations_are_taken(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configurations = samples(name, "toml")
    assert configurations
    for number, text in enumerate(configurations):
        for variable in re.findall(r'env = "(\w+)"', text):
            monkeypatch.setenv(variable, "postgresql://reader@db.example/shop")
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        sources = load(file).sources
        assert set(sources) == set(tomllib.loads(text)["sources"])
        for each, source in sources.items():
            registry.create(source.connector, each, source.options).close()


@pytest.mark.parametrize("name", [*PAGES, "support", "writing"])
def test_links_to_files_of_the_repository_are_not_broken(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name)):
        assert (FOLDER / target).exists(), target


def test_a_delta_table_is_compared_with_itself_as_it_was(tmp_path: Path) -> None:
    for first in (1, 3):
        rows = pa.table({"id": pa.array([first, first + 1], pa.int64())})
        write_deltalake(str(tmp_path / "sales"), rows, mode="append")
    (statement,) = samples("delta", "sql")
    lake = {"connector": "delta", "root": str(tmp_path)}
    with Placement.of_sources({"lake": lake}) as placement:
        assert sorted(placement.query(statement)["id"].to_pylist()) == [3, 4]


def test_a_large_chunk_is_sent_in_the_ways_that_memorys_page_says(tmp_path: Path) -> None:
    """20 MiB of one chunk, where ADBC's driver sends no message of more than 16."""
    (sending,) = [text for text in samples("memory", "python") if "max_chunksize" in text]
    (option,) = re.findall(r'"(adbc\.[\w.]+max_msg_size)": str\((\d+) << 20\)', page("memory"))
    table = pa.table({"n": pa.array(range(20 << 17), pa.int64())})
    file = tmp_path / "crosswind.toml"
    file.write_text('[server]\nlisten = "grpc://127.0.0.1:0"\n' + samples("memory", "toml")[0])
    with flight_server.serve(load(file)) as server:
        with (
            flightsql.connect(server.url, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            with pytest.raises(adbc_driver_manager.Error, match="message larger than max"):
                cursor.adbc_ingest("wanted", table, mode="create")
            exec(sending, {"pa": pa, "table": table, "cursor": cursor})
        larger = {option[0]: str(int(option[1]) << 20)}
        with (
            flightsql.connect(server.url, db_kwargs=larger, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            cursor.adbc_ingest("whole", table, mode="create")
            for name in ("wanted", "whole"):
                cursor.execute(f"SELECT count(*) FROM {name}")
                assert cursor.fetchall() == [(table.num_rows,)]
