"""The command as a process: started, watched by what it prints, ended by a signal."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing.context
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from flight_server.cli import main

_READ = (
    *("flight_server.ask", "flight_server.check", "flight_server.config", "flight_server.service"),
    *("connectors.adbc.postgres", "connectors.files", "tests.processes"),
)
"""The modules that most commands need."""

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
    """Run `crosswind ARGUMENTS` to its end.

    Its process is forked from one that has imported the code already, which is most of what a
    command takes. Those that `started` gives begin with nothing.
    """
    with tempfile.TemporaryDirectory(prefix="crosswind-run-") as name:
        files = [Path(name, stream) for stream in ("stdin", "stdout", "stderr")]
        files[0].write_text(stdin or "")
        place = (str(cwd), {**os.environ, **(environment or {})}, [str(file) for file in files])
        process = _forking().Process(target=_become, args=(arguments, *place))
        process.start()
        try:
            process.join(seconds)
            if process.is_alive():
                raise subprocess.TimeoutExpired(arguments, seconds)
        finally:
            process.kill()
            process.join()
        code, output = process.exitcode, [file.read_text() for file in files[1:]]
    assert code is not None
    return subprocess.CompletedProcess(arguments, code, *output)


@functools.cache
def _forking() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_READ))
    return context


def _become(
    arguments: Sequence[str], cwd: str, environment: Mapping[str, str], files: Sequence[str]
) -> None:
    """Be the command: what the interpreter does before it calls `main`."""
    for number, file in enumerate(files):
        os.dup2(os.open(file, os.O_CREAT | (os.O_WRONLY if number else os.O_RDONLY)), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    with open(0) as sys.stdin:
        main(arguments)


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
