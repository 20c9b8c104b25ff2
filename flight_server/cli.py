"""The command `crosswind`: arguments in, text and an exit code out.

Owns commands, messages and exit codes. What the commands do stands in modules of their own, which
are imported when a command needs them, so that `--help` is quick.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.metadata
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from connectors.errors import ConfigurationError, CrosswindError, SourceError

if TYPE_CHECKING:
    from execution.links import KnownLink
    from flight_server.ask import Answered
    from flight_server.check import SourceCheck
    from flight_server.config import Config

FORMS = ("text", "json", "mermaid")
FAILED = 1
MISCONFIGURED = 2
UNREACHABLE = 3
INTERRUPTED = 130

_EPILOG = f"""Exit codes: 0 done · {FAILED} the statement failed, or a source that was checked
cannot be reached · {MISCONFIGURED} wrong arguments or configuration · {UNREACHABLE} a source
cannot be reached · {INTERRUPTED} interrupted."""

_config = click.option(
    "-c",
    "--config",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The configuration: a TOML file with [server] and [sources.NAME].",
)
_url = click.option("--url", metavar="URL", help="A running server: grpc://HOST:PORT.")


_dialect = click.option(
    "--dialect", metavar="NAME", help="The dialect that SQL is in: snowflake, bigquery, tsql, …"
)
_pushdown = click.option(
    "--pushdown",
    metavar="HOW",
    help="What goes to the sources: proven, all, none, or required.",
)


def _pairs(_context: click.Context, _option: object, given: tuple[str, ...]) -> dict[str, str]:
    for each in given:
        if not re.match(r"[^=\s]+=", each):
            raise click.BadParameter(f"{each!r} is not NAME=VALUE")
    return dict(each.split("=", 1) for each in given)


_options = click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="A session option, as cuts=push or link.shop.mbps=10; may be repeated.",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point. Ends the process; never shows a traceback."""
    code = _run(arguments)
    if any(thread.daemon for thread in threading.enumerate()):
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End beside threads that are inside a driver: SQLite cannot be interrupted.

    One that comes back while Python takes itself apart would abort the process.
    """
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    os._exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    from flight_server.ask import ServerSaysNo

    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        # Not click's own `main`: that has other ideas of Ctrl-C and of readers that leave early.
        with crosswind.make_context("crosswind", given) as context:
            code = crosswind.invoke(context)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return MISCONFIGURED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing is left to be flushed into the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except CrosswindError as error:
        return _say(str(error), MISCONFIGURED if isinstance(error, ConfigurationError) else FAILED)
    except ServerSaysNo as error:
        return _say(str(error), FAILED)
    except Exception as error:  # A defect: one line for the user all the same.
        return _say(f"[internal] {type(error).__name__}: {error}", FAILED)


def _say(message: str, code: int) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(
    importlib.metadata.version("crosswind"), prog_name="crosswind", message="%(prog)s %(version)s"
)
def crosswind() -> None:
    """One SQL query over many sources, served as Arrow Flight SQL."""


@crosswind.command(short_help="Serve the configured sources.")
@_config
@click.option("--listen", metavar="URL", help="Listen here instead: grpc://HOST:PORT.")
@click.option("--allow-unreachable", is_flag=True, help="Start without sources that do not answer.")
def serve(file: Path | None, listen: str | None, allow_unreachable: bool) -> int:
    """Serve the configured sources until SIGTERM or Ctrl-C, then let running queries finish."""
    # Before gRPC is loaded: what it logs of an address in use says less than our own line.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # And before the engine is, which takes most of a second: a wrong file is said at once.
    config = _load(file, listen)
    from flight_server.serving import serve_until

    with _stop_signals() as stop:
        try:
            serve_until(stop, config, allow_unreachable, click.echo)
        except SourceError as error:
            return _say(str(error), UNREACHABLE)
    return 0


@crosswind.command(short_help="Answer one query.")
@_config
@_url
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "arrow"]),
    default="table",
    show_default=True,
    help="How to print the answer; arrow is an IPC stream.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=40,
    show_default=True,
    help="Rows that a table shows.",
)
@_dialect
@_pushdown
@_options
@click.option("-q", "--quiet", is_flag=True, help="Leave warnings out.")
@click.argument("sql")
def query(
    file: Path | None,
    url: str | None,
    form: str,
    rows: int,
    dialect: str | None,
    pushdown: str | None,
    options: dict[str, str],
    quiet: bool,
    sql: str,
) -> None:
    """Answer SQL (- reads it from standard input), in this process or by a server."""
    from flight_server import tables_text

    if form == "arrow" and sys.stdout.isatty():
        raise click.UsageError("arrow is binary: send it to a file or a program")
    options |= _given(dialect=dialect, pushdown=pushdown)
    with _asked(file, url, _sql(sql), options) as answer:
        if not quiet:
            for warning in answer.warnings:
                click.secho(f"warning: {warning}", err=True, dim=True)
        match form:
            case "csv":
                tables_text.write_csv(sys.stdout, answer.schema, answer.batches)
            case "json":
                tables_text.write_json(sys.stdout, answer.schema, answer.batches)
            case "arrow":
                tables_text.write_arrow(sys.stdout.buffer, answer.schema, answer.batches)
            case _:
                console = tables_text.terminal()
                tables_text.print_table(console, answer.schema, answer.batches, rows)
        sys.stdout.flush()


@crosswind.command(short_help="Show what of a query runs where, and why.")
@_config
@_url
@click.option("--analyze", is_flag=True, help="Run it too, and show what each part took.")
@click.option("--verbose", is_flag=True, help="Leave nothing out of what a source receives.")
@click.option("--estimates", is_flag=True, help="Ask each source what it expects of its part.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default="text",
    show_default=True,
    help="How to show it; mermaid is the text of a flowchart.",
)
@_dialect
@_pushdown
@_options
@click.argument("sql")
def explain(
    file: Path | None,
    url: str | None,
    analyze: bool,
    verbose: bool,
    estimates: bool,
    form: str,
    dialect: str | None,
    pushdown: str | None,
    options: dict[str, str],
    sql: str,
) -> None:
    """Show what of SQL (- reads it from standard input) runs where, and why."""
    from flight_server.ask import ServerSaysNo

    words = ["EXPLAIN", *["ANALYZE"] * analyze, *["VERBOSE"] * verbose]
    words += [*["ESTIMATES"] * estimates, "FORMAT", form, ""]
    prefix = " ".join(words)
    options |= _given(dialect=dialect, pushdown=pushdown)
    try:
        with _asked(file, url, prefix + _sql(sql), options) as answer:
            for batch in answer.batches:
                for line in batch.column(0).to_pylist():
                    click.echo(line)
    except (CrosswindError, ServerSaysNo) as error:
        if isinstance(error, ConfigurationError):
            raise
        return _say(_without_prefix(str(error), len(prefix)), FAILED)  # type: ignore[return-value]


@crosswind.command(short_help="Look whether each source answers, and how fast.")
@_config
def check(file: Path | None) -> int:
    """Ask each source: is it reachable, how fast does it answer, how many tables has it."""
    from flight_server import link_state
    from flight_server.check import check_sources
    from flight_server.service import links_of, open_catalog
    from flight_server.tables_text import terminal

    config = _load(file)
    catalog = open_catalog(config)
    links = links_of(config, catalog)
    if config.server.state is not None:
        link_state.restore(links, config.server.state)
    try:
        checks = check_sources(catalog.sources.values(), links)
    finally:
        for source in catalog.sources.values():
            source.connector.close()
    console = terminal()
    console.print(_checks_table(config, checks, links.known(), plain=not console.is_terminal))
    for found in checks:
        for note in found.notes:
            click.echo(f"note: source {found.name!r}: {note}")
    return FAILED if any(found.error for found in checks) else 0


@crosswind.command(short_help="Show it all, over sample data.")
@click.option("--stay", is_flag=True, help="Keep serving, and print how to connect.")
@click.option(
    "--scale",
    type=click.FloatRange(min=0.001, max=10),
    default=0.1,
    show_default=True,
    help="The size of TPC-H; 0.1 has 600,000 line items.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help="Where generated data is kept for the next time.",
)
def demo(stay: bool, scale: float, directory: Path) -> None:
    """Answer three questions over an embedded PostgreSQL, Parquet and CSV, and show how."""
    try:
        from demo.show import show
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the demonstration needs {error.name}", hint='pip install "crosswind[demo]"'
        ) from None
    show(directory, scale, stay=stay)


def _load(file: Path | None, listen: str | None = None) -> Config:
    from flight_server.config import load

    if file is None:
        raise click.UsageError("which configuration? Give -c FILE.")
    return load(file, overrides={"server.listen": listen})


def _sql(argument: str) -> str:
    return sys.stdin.read() if argument == "-" else argument


def _given(**options: str | None) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}


@contextlib.contextmanager
def _asked(
    file: Path | None, url: str | None, sql: str, options: Mapping[str, str]
) -> Iterator[Answered]:
    from flight_server.ask import ask_here, ask_server

    if (file is None) == (url is None):
        raise click.UsageError("whom to ask? Give either -c FILE or --url URL.")
    asked = (
        ask_server(url, sql, options) if url is not None else ask_here(_load(file), sql, options)
    )
    with asked as answer:
        yield answer


def _without_prefix(message: str, length: int) -> str:
    """The message with the columns of the text that the user wrote."""

    def shifted(found: re.Match[str]) -> str:
        return f"line 1, column {max(1, int(found[1]) - length)}"

    return re.sub(r"\bline 1, column (\d+)", shifted, message, count=1)


@contextlib.contextmanager
def _stop_signals() -> Iterator[Callable[[], None]]:
    """Until the block ends, SIGTERM and Ctrl-C only end the wait that is yielded.

    The signal is written to a socket by whichever thread receives it: it need not be the main one,
    and a lock that the main one waits for would not let go then.
    """
    waiting, waking = socket.socketpair()
    waking.setblocking(False)
    before = {
        number: signal.signal(number, lambda _number, _frame: None)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    woken_before = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    try:
        yield lambda: (waiting.recv(1), None)[1]
    finally:
        signal.set_wakeup_fd(woken_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        waiting.close()
        waking.close()


def _checks_table(
    config: Config, checks: Sequence[SourceCheck], links: Sequence[KnownLink], *, plain: bool
) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from flight_server.links_text import link_words

    table = Table(box=None if plain else box.ROUNDED, pad_edge=not plain)
    for name in ("source", "connector", "reachable"):
        table.add_column(name, overflow="fold")
    for name in ("round trip", "rate", "from", "samples", "last seen", "tables"):
        table.add_column(name, justify="right")
    known = {link.source: link for link in links}
    for found in checks:
        table.add_row(
            found.name,
            config.sources[found.name].connector,
            Text("yes", "green") if found.error is None else Text(found.error.message, "red"),
            *link_words(known[found.name]),
            "" if found.tables is None else f"{found.tables:,}",
        )
    return table


if __name__ == "__main__":
    main()
