"""The demonstration itself: start the sources, serve them, ask through ADBC, show how it went.

Owns what is printed and in which order.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

import flight_server
from demo import connect, sources
from demo.questions import QUESTIONS, Question
from demo.sent import Sent, read_parts
from flight_server.config import Config
from flight_server.tables_text import table_of, terminal

_THEME = "ansi_dark"
_RULE_WIDTH = 100
_NOTICE_SECONDS = 0.2


def show(directory: Path, scale: float, *, stay: bool = False) -> None:
    """Run the demonstration, from the data to the last answer; leaves nothing running.

    Args:
        directory: keeps generated data and the database for the next time.
        scale: of TPC-H.
        stay: serve until SIGTERM or Ctrl-C, and say how to connect.

    Raises:
        ConfigurationError: when something it needs is not installed, or the directory is in use.
    """
    console = terminal()
    started = time.perf_counter()
    steps = _Steps(console)
    with _terminable(), contextlib.ExitStack() as opened:
        where = opened.enter_context(sources.running(directory, scale, steps))
        with steps("Starting Crosswind"):
            server = opened.enter_context(flight_server.serve(configuration(where)))
        console.print()
        with (
            flightsql.connect(server.url, autocommit=True) as connection,
            connection.cursor() as cursor,
        ):
            for number, question in enumerate(QUESTIONS, 1):
                _answer(console, cursor, number, question)
        console.print(
            f"{len(QUESTIONS)} questions answered over PostgreSQL, Parquet and CSV by "
            f"{server.url}, {time.perf_counter() - started:.1f} s in all."
        )
        if stay:
            # Never wrapped: people copy these.
            console.print(Text(connect.snippets(server.port)), soft_wrap=True)
            console.print("\nServing until Ctrl-C.")
            with contextlib.suppress(KeyboardInterrupt, _Terminated):
                while True:
                    # The driver has signals restart waits: only the end of one notices them.
                    time.sleep(_NOTICE_SECONDS)
        else:
            console.print(
                f"The data stays in {directory}/ for the next time. "
                f"Ask your own questions: {_again(directory)}"
            )


def _again(directory: Path) -> str:
    """The command that keeps serving, as it can be typed here."""
    program = Path(sys.argv[0])
    command = "crosswind" if shutil.which("crosswind") else str(program)
    default = directory.name == ".demo"
    return f"{command} demo --stay" + ("" if default else f" --directory {directory}")


_HERE = {"rtt_ms": 0.5, "mbps": 1000}


def configuration(where: sources.Sources) -> Config:
    """What a `crosswind.toml` would say of these sources."""
    return Config.from_mapping(
        {
            "server": {"listen": "grpc://127.0.0.1:0"},
            "sources": {
                # Its path is known, so that a machine that does other things plans no other way.
                "shop": {"connector": "postgres", "uri": where.postgres_uri, "link": _HERE},
                "lake": {"connector": "files", "root": str(where.lake)},
                "desk": {"connector": "files", "root": str(where.desk)},
            },
        }
    )


def _answer(console: Console, cursor: Any, number: int, question: Question) -> None:
    # First, so that what is shown is planned by what anybody would know who asks it.
    cursor.execute(f"EXPLAIN ANALYZE {question.sql}")
    lines = cursor.fetch_arrow_table()["plan"].to_pylist()
    started = time.perf_counter()
    cursor.execute(question.sql)
    answer = cursor.fetch_arrow_table()
    seconds = time.perf_counter() - started
    plain = not console.is_terminal
    console.print(Text(f"{number}. {question.words}", style="bold"))
    console.print("─" * min(console.width, _RULE_WIDTH), style="dim")
    console.print(_sql(question.sql, plain))
    console.print()
    console.print(table_of(answer.schema, answer.to_batches(), plain=plain))
    console.print(
        f"{answer.num_rows} rows in {seconds * 1e3:,.0f} ms. "
        "What was sent where, by EXPLAIN ANALYZE:\n"
    )
    parts = read_parts(lines)
    console.print(Padding(_sent_table(parts), (0, 0, 0, 2), expand=False))
    for part in (part for part in parts if part.is_sql):
        console.print(f"\n  [bold]{part.source}[/bold] received:")
        console.print(_sql(textwrap.indent(part.statement, "    "), plain))
    console.print()


def _sent_table(parts: list[Sent]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("source", style="bold")
    table.add_column("what", overflow="fold")
    for name in ("rows", "bytes", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for part in parts:
        took = "with the rest" if part.seconds is None else f"{part.seconds * 1e3:,.0f} ms"
        table.add_row(part.source, part.what, f"{part.rows:,}", part.size or "–", took)
    return table


def _sql(text: str, plain: bool) -> Text | Syntax:
    if plain:
        return Text(text, no_wrap=True)
    return Syntax(text, "sql", theme=_THEME, background_color="default", word_wrap=True)


class _Steps:
    """Steps with a spinner where there is a terminal, as lines everywhere."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextlib.contextmanager
    def __call__(self, doing: str) -> Iterator[None]:
        started = time.perf_counter()
        with self._console.status(f"{doing} …"):
            yield
        self._console.print(f"[green]✓[/green] {doing}  {time.perf_counter() - started:.1f} s")


class _Terminated(SystemExit):
    """SIGTERM, as something that runs every `finally`."""


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    def stop(_number: int, _frame: Any) -> None:
        raise _Terminated(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
