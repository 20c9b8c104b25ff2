"""One statement, asked in this process or of a server: a schema and a stream of batches.

Owns that both ways look the same to the command line, errors included. Prints nothing.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from connectors.errors import ConfigurationError
from flight_server.config import Config

_SCHEMES = ("grpc://", "grpc+tcp://", "grpc+tls://")


class ServerSaysNo(Exception):
    """A server's answer is an error, or there is no server. The text is one sentence."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer on its way; `batches` is read once, inside of the context that gave it."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@contextlib.contextmanager
def ask_here(config: Config, sql: str) -> Iterator[Answered]:
    """Plan and run in this process. Everything is closed when the context ends.

    Raises:
        CrosswindError: whatever the statement, a source or the configuration is refused for.
    """
    from flight_server.service import open_catalog, open_queries

    queries = open_queries(config, open_catalog(config))
    try:
        answer = queries.plan(sql)
        run = queries.run(answer, b"")
        try:
            yield Answered(answer.schema, run.batches())
        finally:
            run.close()
    finally:
        queries.close(0.0)


@contextlib.contextmanager
def ask_server(url: str, sql: str) -> Iterator[Answered]:
    """Ask a Flight SQL server through the ADBC driver, as any client would.

    Raises:
        ServerSaysNo: with what the server said, or why it cannot be reached.
        ConfigurationError: when the URL is not one of a Flight SQL server.
    """
    import adbc_driver_flightsql.dbapi as flightsql

    if not url.startswith(_SCHEMES):
        raise ConfigurationError(
            f"{url!r} is not the URL of a Flight SQL server", hint="Write grpc://HOST:PORT."
        )
    with warnings.catch_warnings(action="ignore"), contextlib.ExitStack() as opened:
        with _translated(url):
            connection = opened.enter_context(flightsql.connect(url, autocommit=True))
            cursor = opened.enter_context(connection.cursor())
            cursor.execute(sql)
            reader = cursor.fetch_record_batch()
        yield Answered(reader.schema, _batches(reader, url))


def sentence(message: str, url: str) -> str:
    """What a server said, without what the driver wraps around it.

    >>> sentence("INVALID_ARGUMENT: [FlightSQL] [request.syntax] no. Detail: x (Y; Z)", "grpc://h")
    '[request.syntax] no'
    >>> sentence('IO: [FlightSQL] connection error: desc = "refused" (Unavailable)', "grpc://h")
    'grpc://h cannot be asked: refused'
    """
    text = " ".join(message.split())
    found = re.search(r"(\[[a-z_]+(?:\.[a-z_]+)?\] .*)", text)
    if found is not None:
        return re.sub(
            r"\.? (?:Detail: .*|\((?:Unknown|[A-Z]\w+); [^()]*\).*)$", "", found[1]
        ).rstrip(".")
    inner = re.search(r'desc = "(.*)"', text)
    return f"{url} cannot be asked: {inner[1] if inner else text}"


def _batches(reader: pa.RecordBatchReader, url: str) -> Iterator[pa.RecordBatch]:
    # Only reading is translated: what the caller does between batches is not the server's doing.
    while True:
        try:
            with _translated(url):
                batch = reader.read_next_batch()
        except StopIteration:
            return
        yield batch


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    import adbc_driver_manager

    try:
        yield
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        raise ServerSaysNo(sentence(str(error), url)) from None
