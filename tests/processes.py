"""The command as a process: started, watched by what it prints, ended by a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

CROSSWIND = (sys.executable, "-m", "flight_server.cli")
BOUND_SECONDS = 60.0
"""How long a test waits for what must happen."""


def run(
    *arguments: str,
    cwd: Path,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = BOUND_SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run `crosswind ARGUMENTS` to its end."""
    return subprocess.run(
        [*CROSSWIND, *arguments],
        cwd=cwd,
        input=stdin,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


class Process:
    """A command that runs; `lines` grows by what it prints."""

    def __init__(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text: str) -> str:
        """The first line with `text` in it."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended or any(text in line for line in self.lines), BOUND_SECONDS
            )
            found = [line for line in self.lines if text in line]
        if not found:
            self.process.kill()
            _, errors = self.process.communicate()
            raise AssertionError(f"no line with {text!r} in {self.lines}; stderr: {errors}")
        return found[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, and wait; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(BOUND_SECONDS)

    def close(self) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(BOUND_SECONDS)
        self._reader.join(BOUND_SECONDS)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@contextlib.contextmanager
def started(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """`crosswind ARGUMENTS`, killed at the end if it still runs."""
    process = Process([*CROSSWIND, *arguments], cwd, environment)
    try:
        yield process
    finally:
        process.close()
