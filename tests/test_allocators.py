"""The allocators of DataFusion and Arrow: they keep what was freed for a second."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

DELAY = re.compile(r"option '(purge_delay|arena_purge_mult)': (-?\d+)")


def _options(module: str, **environment: str) -> list[tuple[str, str]]:
    """What the allocators say, each when it is loaded, that they do with freed memory."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MIMALLOC_")}
    said = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        env={**inherited, **environment, "MIMALLOC_VERBOSE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return DELAY.findall(said.stderr)


@pytest.mark.parametrize("module", ["flight_server.cli", "flight_server.service", "benchmarks.s3"])
def test_what_is_freed_stays_mapped_for_a_second(module: str) -> None:
    loads_them = f"{module}, datafusion"
    assert _options(loads_them) == [("purge_delay", "1000"), ("arena_purge_mult", "1")] * 2


def test_who_starts_the_server_may_say_otherwise() -> None:
    said = _options("flight_server.service", MIMALLOC_PURGE_DELAY="50")
    assert said == [("purge_delay", "50"), ("arena_purge_mult", "1")] * 2


def test_without_the_server_the_engine_gives_memory_back_at_once() -> None:
    """Else the lines in `flight_server` have nothing to do any more."""
    assert ("purge_delay", "10") in _options("datafusion")
