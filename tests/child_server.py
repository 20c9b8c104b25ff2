"""A Crosswind server in a process of its own, so that its threads and memory can be counted.

`python -m tests.child_server CONFIG` serves a configuration (JSON), prints its address, and ends
when its standard input does: it never outlives the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import psutil

import flight_server
from flight_server.config import Config


@dataclass(frozen=True)
class ChildServer:
    """A serving process and its address, as ADBC takes it."""

    url: str
    process: psutil.Process

    def connect(self) -> Any:
        return flightsql.connect(self.url, autocommit=True)

    @property
    def memory_bytes(self) -> int:
        return int(self.process.memory_info().rss)


@contextmanager
def child_server(
    sources: Mapping[str, Mapping[str, object]], **server: object
) -> Iterator[ChildServer]:
    """Serve sources from another process until the end of the block.

    Args:
        server: keys of `[server]`.
    """
    config = {"server": {"listen": "grpc://127.0.0.1:0", **server}, "sources": sources}
    command = [sys.executable, "-m", __name__, json.dumps(config)]
    with subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            url = process.stdout.readline().strip()
            assert url, "the server did not start"
            yield ChildServer(url, psutil.Process(process.pid))
        finally:
            process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode == 0


def _serve() -> None:
    with flight_server.serve(Config.from_mapping(json.loads(sys.argv[1]))) as server:
        print(server.url.replace("grpc://", "grpc+tcp://"), flush=True)
        sys.stdin.read()
    # As the command does: a thread inside a driver would hold up the end of Python, or break it.
    os._exit(0)


if __name__ == "__main__":
    _serve()
