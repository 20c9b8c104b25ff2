"""The README, held to its word: its files, console sessions and programs run, its keys exist.

In a console session `…` stands for any text. Over a block, a comment says what it is when it is not
simply run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from connectors.adbc.duckdb.options import DuckdbOptions
from connectors.adbc.postgres.options import PostgresOptions
from connectors.adbc.sqlite.options import SqliteOptions
from connectors.delta.options import DeltaOptions
from connectors.files.listing import SUFFIXES
from connectors.files.options import CsvOptions, FilesOptions
from flight_server.cli import crosswind
from flight_server.config import LinkConfig, ServerConfig, SourceConfig
from tests.postgres_server import free_port
from tests.processes import run, started

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PORT = "31337"

TABLES = (
    "CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, country text NOT NULL)",
    "INSERT INTO customers SELECT n, 'customer ' || n, (ARRAY['AT', 'BR', 'CA', 'DE'])[n % 4 + 1] "
    "FROM generate_series(1, 200) n",
    "CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL, "
    "placed date NOT NULL, total numeric(10,2) NOT NULL)",
    "INSERT INTO orders SELECT n, n * 7 % 190 + 1, DATE '2025-01-01' + n % 600, n % 97 + 0.99 "
    "FROM generate_series(1, 5000) n",
    "ANALYZE",
)
"""The database that the README tells of."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the comment right above it."""

    language: str
    text: str
    note: str

    def __str__(self) -> str:
        return f"{self.note or self.language}: {self.text.splitlines()[0][:40]}"


def blocks() -> list[Block]:
    pattern = r"(?:<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$"
    found = re.finditer(pattern, README, re.MULTILINE | re.DOTALL)
    return [Block(match[2], match[3], match[1] or "") for match in found]


FILES = [block for block in blocks() if re.fullmatch(r"[\w.]+\.(toml|sql)", block.note)]
SESSIONS = [b for b in blocks() if b.language == "console" and b.note != "serve"]
PROGRAMS = [block for block in blocks() if block.language == "python"]
SERVE = [block for block in blocks() if block.note == "serve"]


@dataclass(frozen=True)
class Place:
    """Where the README's reader is: a folder, an environment, a port of their own."""

    folder: Path
    environment: dict[str, str]
    port: str

    def here(self, text: str) -> str:
        return text.replace(PORT, self.port)


@pytest.fixture(scope="module")
def place(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The sources that the README tells of, and its files."""
    folder = tmp_path_factory.mktemp("readme")
    with postgres.connect(postgres_uri, autocommit=True) as connection:
        for statement in TABLES:
            with connection.cursor() as cursor:
                cursor.execute(statement)
    (folder / "lake").mkdir()
    rows = range(20_000)
    columns = {
        "customer_id": pa.array([i * 13 % 200 + 1 for i in rows], pa.int32()),
        "day": pa.array([20_000 + i % 365 for i in rows], pa.int32()).cast(pa.date32()),
        "pages": pa.array([i * i % 11 + 1 for i in rows], pa.int32()),
    }
    pq.write_table(pa.table(columns), folder / "lake" / "visits.parquet")
    place = Place(folder, {"SHOP_URI": postgres_uri}, str(free_port()))
    for block in FILES:
        (folder / block.note).write_text(place.here(block.text))
    return place


@pytest.fixture(scope="module")
def serving(place: Place) -> Iterator[Place]:
    """The README's `crosswind serve`, which says what the README says."""
    command, line = commands(place.here(SERVE[0].text))[0]
    with started(*shlex.split(command)[1:], cwd=place.folder, environment=place.environment) as it:
        it.wait_for(" ready on ")
        assert it.lines == line
        yield place
        assert it.stop() == 0


def commands(session: str) -> list[tuple[str, list[str]]]:
    """The commands of a console session, each with what it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in session.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
    return found


def test_the_readme_has_what_is_tested_here() -> None:
    assert {block.note for block in FILES} == {"crosswind.toml", "revenue.sql"}
    assert len(SESSIONS) >= 4
    assert len(PROGRAMS) >= 4
    assert len(SERVE) == 1


@pytest.mark.parametrize("session", SESSIONS, ids=str)
def test_console_sessions_print_what_they_say(serving: Place, session: Block) -> None:
    for command, expected in commands(serving.here(session.text)):
        written, _, stdin = command.partition(" < ")
        program, *arguments = shlex.split(written)
        assert program == "crosswind"
        given = (serving.folder / stdin).read_text() if stdin else None
        done = run(*arguments, cwd=serving.folder, stdin=given, environment=serving.environment)
        assert (done.returncode, done.stderr) == (0, "")
        printed = [" ".join(line.split()) for line in done.stdout.splitlines()]
        assert len(printed) == len(expected), done.stdout
        for line, said in zip(printed, expected, strict=True):
            pattern = ".*".join(map(re.escape, " ".join(said.split()).split("…")))
            assert re.fullmatch(pattern, line), f"{line!r} is not {said!r}"


@pytest.mark.filterwarnings("ignore:Cannot disable autocommit")  # polars begins a transaction.
@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_programs_run(serving: Place, program: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(serving.folder)
    for name, value in serving.environment.items():
        monkeypatch.setenv(name, value)
    text = serving.here(program.text)
    if program.note == "in process":
        monkeypatch.setitem(os.environ, "CROSSWIND_SERVER__LISTEN", "grpc://127.0.0.1:0")
    file = serving.folder / "program.py"
    file.write_text(text)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(file))
    assert printed.getvalue().strip()


@pytest.mark.parametrize(
    "model",
    [
        ServerConfig,
        LinkConfig,
        SourceConfig,
        PostgresOptions,
        DuckdbOptions,
        SqliteOptions,
        FilesOptions,
        DeltaOptions,
        CsvOptions,
    ],
)
def test_every_key_is_described(model: type[BaseModel]) -> None:
    said = set(re.findall(r"`([a-z_]+)`|\b([a-z_]+) = ", README))
    words = {word for pair in said for word in pair}
    assert set(model.model_fields) - {"name", "options"} <= words


def test_the_tables_of_keys_hold_no_other_keys() -> None:
    part = README.split("## Configuration")[1].split("\n## ")[0]
    models = (
        ServerConfig,
        SourceConfig,
        PostgresOptions,
        DuckdbOptions,
        SqliteOptions,
        FilesOptions,
        DeltaOptions,
    )
    known = {name for model in models for name in model.model_fields}
    assert set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) <= known


def test_defaults_are_the_ones_that_are_said() -> None:
    for model in (ServerConfig, PostgresOptions, DuckdbOptions, SqliteOptions):
        for name, field in model.model_fields.items():
            if isinstance(field.default, int | float | str) and not isinstance(field.default, bool):
                said = f"{field.default:g}" if isinstance(field.default, float) else field.default
                assert re.search(rf"^\| `{name}` \| `?{re.escape(str(said))}`? \|", README, re.M), (
                    name
                )


def test_every_suffix_and_command_is_named() -> None:
    for suffix in SUFFIXES:
        assert f"`{suffix}`" in README
    for command in crosswind.commands:
        assert f"| `crosswind {command} " in README


def test_the_configuration_needs_nothing_that_is_not_said(place: Place) -> None:
    done = run("check", "-c", "crosswind.toml", cwd=place.folder)
    assert done.returncode == 2
    assert "needs the environment variable SHOP_URI, which is not set" in done.stderr


def test_links_to_files_of_the_repository_are_not_broken() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
