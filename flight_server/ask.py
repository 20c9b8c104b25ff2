"""One statement, asked in this process or of a server: a schema and a stream of batches.

Owns that both ways look the same to the command line, errors included. Prints nothing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from connectors.errors import ConfigurationError
from flight_server.config import Config

T = TypeVar("T")

_NOTICE_SECONDS = 0.1

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
    import adbc_driver_flightsql
    from adbc_driver_manager import AdbcConnection, AdbcStatement

    if not url.startswith(_SCHEMES):
        raise ConfigurationError(
            f"{url!r} is not the URL of a Flight SQL server", hint="Write grpc://HOST:PORT."
        )
    with contextlib.ExitStack() as opened:
        with _translated(url):
            database = adbc_driver_flightsql.connect(url)
            opened.callback(_close, database)
            connection = AdbcConnection(database)
            opened.callback(_close, connection)
            statement = AdbcStatement(connection)
            opened.callback(_close, statement)
            statement.set_sql_query(sql)
        # In a thread, because Ctrl-C does not interrupt the driver.
        pool = opened.enter_context(ThreadPoolExecutor(1, thread_name_prefix="crosswind-ask"))
        patient = _Patient(pool, statement, url)
        handle, _ = patient.wait_for(statement.execute_query)
        reader = pa.RecordBatchReader._import_from_c(handle.address)
        yield Answered(reader.schema, patient.batches(reader))


class _Patient:
    """Waits for the driver, and can be interrupted while it does."""

    def __init__(self, pool: ThreadPoolExecutor, statement: Any, url: str) -> None:
        self._pool = pool
        self._statement = statement
        self._url = url

    def wait_for(self, call: Callable[[], T]) -> T:
        """What a call of the driver returns; Ctrl-C cancels it."""
        with _translated(self._url):
            future = self._pool.submit(call)
            try:
                while True:
                    # The driver has signals restart waits: only the end of one notices them.
                    wait((future,), _NOTICE_SECONDS)
                    if future.done():
                        return future.result()
            except KeyboardInterrupt:
                self._statement.cancel()
                raise

    def batches(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        """The stream. What its reader does between batches is not translated."""
        while True:
            try:
                batch = self.wait_for(reader.read_next_batch)
            except StopIteration:
                return
            yield batch


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


def _close(handle: Any) -> None:
    """Close; a server that is gone by then has nothing left to free."""
    import adbc_driver_manager

    with contextlib.suppress(adbc_driver_manager.Error):
        handle.close()


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    import adbc_driver_manager

    try:
        yield
    except (adbc_driver_manager.Error, pa.ArrowException, OSError) as error:
        raise ServerSaysNo(sentence(str(error), url)) from None
