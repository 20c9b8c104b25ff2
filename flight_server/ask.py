"""One statement, asked in this process or of a server: a schema and a stream of batches.

Owns that both ways look the same to the command line, errors included. Prints nothing.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from connectors.errors import ConfigurationError
from flight_server.config import Config
from planner.warnings import SURPRISES

T = TypeVar("T")

_NOTICE_SECONDS = 0.1

_CALL_HEADER = "adbc.flight.sql.rpc.call_header.x-crosswind-"

_SCHEMES = ("grpc://", "grpc+tcp://", "grpc+tls://")


class ServerSaysNo(Exception):
    """A server's answer is an error, or there is no server. The text is one sentence."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer on its way; `batches` is read once, inside of the context that gave it.

    Attributes:
        warnings: what may change what is made of the answer, each as a line of text. What only
            takes time is for EXPLAIN.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    warnings: tuple[str, ...] = ()


@contextlib.contextmanager
def ask_here(
    config: Config, sql: str, options: Mapping[str, str] | None = None
) -> Iterator[Answered]:
    """Plan and run in this process. Everything is closed when the context ends.

    Args:
        config: the sources.
        sql: one statement.
        options: of the session, by name.

    Raises:
        CrosswindError: whatever the statement, a source or the configuration is refused for.
    """
    from flight_server.service import open_catalog, open_queries
    from flight_server.session_options import DEFAULTS

    session = DEFAULTS
    for name, value in (options or {}).items():
        session = session.with_option(name, value)
    queries = open_queries(config, open_catalog(config))
    try:
        answer = queries.plan(sql, session)
        run = queries.run(answer, b"")
        try:
            yield Answered(answer.schema, run.batches(), _warnings(answer.metadata))
        finally:
            run.close()
    finally:
        queries.close(0.0)


@contextlib.contextmanager
def ask_server(url: str, sql: str, options: Mapping[str, str] | None = None) -> Iterator[Answered]:
    """Ask a Flight SQL server through the ADBC driver, as any client would.

    Args:
        url: the server's.
        sql: one statement.
        options: of the session, by name; they travel as headers.

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
            headers = {f"{_CALL_HEADER}{name}": value for name, value in (options or {}).items()}
            database = adbc_driver_flightsql.connect(url, db_kwargs=headers)
            opened.callback(_close, database)
            connection = AdbcConnection(database)
            opened.callback(_close, connection)
            statement = AdbcStatement(connection)
            opened.callback(_close, statement)
            statement.set_sql_query(sql)
        # In a thread, because Ctrl-C does not interrupt the driver.
        pool = opened.enter_context(ThreadPoolExecutor(1, thread_name_prefix="crosswind-ask"))
        # In two steps, because only the partitions of an answer carry what the server says of it.
        planning = _Patient(pool, statement, url)
        partitions, schema, _ = planning.wait_for(statement.execute_partitions)
        assert schema is not None
        reading = _Patient(pool, connection, url)
        yield Answered(
            pa.Schema._import_from_c(schema.address),
            _read_all(reading, connection, partitions),
            _warnings_of(partitions),
        )


def _read_all(
    patient: _Patient, connection: Any, partitions: Sequence[bytes]
) -> Iterator[pa.RecordBatch]:
    for partition in partitions:
        handle = patient.wait_for(functools.partial(connection.read_partition, partition))
        yield from patient.batches(pa.RecordBatchReader._import_from_c(handle.address))


def _warnings_of(partitions: Sequence[bytes]) -> tuple[str, ...]:
    """What the server said of its plan; any other server says something else, or nothing."""
    import pyarrow.flight as fl

    for partition in partitions:
        with contextlib.suppress(pa.ArrowException, ValueError):
            return _warnings(fl.FlightInfo.deserialize(partition).app_metadata)
    return ()


def _warnings(metadata: bytes) -> tuple[str, ...]:
    """The lines of a FlightInfo's metadata.

    >>> _warnings(b'{"warnings": [{"code": "type.narrowed", "message": "json is text here"}]}')
    ('[type.narrowed] json is text here',)
    >>> _warnings(b"of another server")
    ()
    """
    with contextlib.suppress(ValueError, KeyError, TypeError):
        listed = json.loads(metadata)["warnings"] if metadata else []
        return tuple(
            f"[{warning['code']}] {warning['message']}"
            for warning in listed
            if warning["code"] in SURPRISES
        )
    return ()


class _Patient:
    """Waits for the driver, and can be interrupted while it does.

    Args:
        pool: one thread, in which the driver is called.
        cancelled: the statement or the connection whose call an interrupt cancels.
        url: the server's, for errors.
    """

    def __init__(self, pool: ThreadPoolExecutor, cancelled: Any, url: str) -> None:
        self._pool = pool
        self._cancelled = cancelled
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
                self._cancelled.cancel()
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
