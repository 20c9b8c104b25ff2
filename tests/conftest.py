"""Fixtures that several test packages share: real servers, started once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer


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
