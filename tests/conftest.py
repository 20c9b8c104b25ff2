"""Fixtures that several test packages share: real servers and TPC-H, made once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import datafusion
import pytest

from tests import tpch
from tests.child_server import child_server
from tests.placements import PLACEMENTS, Placement, placement_sources
from tests.postgres_server import PostgresServer, ensure_user

LONGEST = (
    "tests/oracle/test_oracle.py",
    "tests/planner/test_desugar.py",
    "tests/equivalence/test_tpch.py",
    "tests/flight/test_robustness.py",
    "tests/flight/test_bad_input.py",
    "tests/planner/test_windows.py",
    "tests/test_demo.py",
    "tests/planner/test_postgres_dialect.py",
    "tests/planner/test_duckdb_dialect.py",
    "tests/test_cli.py",
    "tests/connectors/test_conformance.py",
    "tests/connectors/test_postgres_faults.py",
    "tests/equivalence/",
)
"""Where processes share the tests out, these come first, and the short ones fill the end."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regen", action="store_true", help="rewrite the golden plans")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node() -> None:
    """Before pytest-xdist starts a process: make what two of them cannot make at once."""
    ensure_user()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.nodeid))


def _place(test: str) -> int:
    return next((n for n, long in enumerate(LONGEST) if test.startswith(long)), len(LONGEST))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests; those that stop or crash one start their own."""
    # Not pytest's own directory: that belongs to one user, and the server may run as another.
    directory = Path(tempfile.mkdtemp(prefix="crosswind-pg-"))
    try:
        server = PostgresServer(directory / "data")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def postgres_uri(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database for one test module, dropped at its end."""
    with postgres_server.database(request.module.__name__.replace(".", "_")) as uri:
        yield uri


@pytest.fixture(scope="session")
def tpch_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the eight tables as Parquet."""
    return tpch.generate(tmp_path_factory.mktemp("tpch"))


@pytest.fixture(scope="session")
def tpch_lake(tpch_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the three tables that the split placement has as Parquet."""
    folder = tmp_path_factory.mktemp("lake")
    for path in tpch_files.glob("*.parquet"):
        if path.stem not in tpch.IN_DATABASE:
            shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def tpch_database(postgres_server: PostgresServer, tpch_files: Path) -> Iterator[str]:
    """The URI of a database with the eight tables, and five of them in a second schema."""
    with postgres_server.database("tpch") as uri:
        tpch.load(postgres_server, "tpch", tpch_files)
        yield uri


@pytest.fixture(scope="session")
def tpch_duckdb(tpch_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with the eight tables."""
    return tpch.load_duckdb(tmp_path_factory.mktemp("duckdb") / "tpch.duckdb", tpch_files)


@pytest.fixture(scope="session")
def tpch_sqlite(tpch_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the eight tables."""
    return tpch.load_sqlite(tmp_path_factory.mktemp("sqlite") / "tpch.db", tpch_files)


@pytest.fixture(scope="session")
def tpch_flightsql(tpch_files: Path) -> Iterator[str]:
    """The URL of another Crosswind, in a process of its own, with the eight tables as files."""
    with child_server({"lake": {"connector": "files", "root": str(tpch_files)}}) as server:
        yield server.url


@pytest.fixture(scope="session")
def tpch_alone(tpch_files: Path) -> datafusion.SessionContext:
    """DataFusion by itself over the same files: what every placement is compared with."""
    context = datafusion.SessionContext()
    for path in sorted(tpch_files.glob("*.parquet")):
        context.register_parquet(path.stem, path)
    return context


@pytest.fixture(scope="session")
def tpch_sources(
    tpch_database: str,
    tpch_files: Path,
    tpch_lake: Path,
    tpch_duckdb: Path,
    tpch_sqlite: Path,
    tpch_flightsql: str,
) -> dict[str, dict[str, dict[str, object]]]:
    """The `[sources]` of each placement, as a configuration has them."""
    return placement_sources(
        tpch_database, tpch_files, tpch_lake, tpch_duckdb, tpch_sqlite, tpch_flightsql
    )


@pytest.fixture(scope="session")
def tpch_placements(
    tpch_sources: dict[str, dict[str, dict[str, object]]],
) -> Iterator[dict[str, Placement]]:
    """A planner and an engine over each placement."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Placement.of_sources(tpch_sources[name]))
            for name in PLACEMENTS
        }
