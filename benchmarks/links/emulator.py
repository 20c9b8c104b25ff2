"""A link between a client and a server, as its owner sees it: a port, a shape, and counters.

Owns the life of the proxy's process. What a link does to bytes is in `wire`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Crossed:
    """What has crossed a link since it was there: payload of TCP, and connections made.

    Attributes:
        turns: how often a client has asked anything: round trips, where nobody asks ahead.
    """

    up_bytes: int
    down_bytes: int
    connections: int
    turns: int

    def since(self, before: Crossed) -> Crossed:
        """What has crossed it after `before`."""
        return Crossed(
            self.up_bytes - before.up_bytes,
            self.down_bytes - before.down_bytes,
            self.connections - before.connections,
            self.turns - before.turns,
        )


class EmulatedLink:
    """A link that carries what comes to `port` to its target. Ended by `emulated`.

    Attributes:
        port: on 127.0.0.1.
        pid: of the process that carries it.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.pid = process.pid
        self._process = process
        self._lock = threading.Lock()
        self.port = int(process.stdout.readline())

    def change(self, **shape: float | None) -> Crossed:
        """Make it another link from now on; what has crossed it until then.

        Args:
            shape: `rtt_ms`, `mbps` and `connection_mbps`, in milliseconds and 10^6 bits per second;
                None is no limit. What is left out stays.
        """
        return self._ask(shape)

    def crossed(self) -> Crossed:
        """What has crossed it until now."""
        return self._ask({})

    def _ask(self, command: dict[str, Any]) -> Crossed:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            return Crossed(**json.loads(self._process.stdout.readline()))


@contextmanager
def emulated(
    target: str,
    *,
    rtt_ms: float = 0.0,
    mbps: float | None = None,
    connection_mbps: float | None = None,
) -> Iterator[EmulatedLink]:
    """A link to a server, until the end of the block.

    Args:
        target: the server: HOST:PORT, or the path of a socket.
        rtt_ms: round-trip time; setting a connection up takes one.
        mbps: what all connections share in each direction, in 10^6 bits per second.
        connection_mbps: what one connection has at most.
    """
    command = [sys.executable, "-m", "benchmarks.links.proxy", target]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        try:
            link = EmulatedLink(process)
            link.change(rtt_ms=rtt_ms, mbps=mbps, connection_mbps=connection_mbps)
            yield link
        finally:
            process.kill()
