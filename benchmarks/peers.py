"""The servers that are compared, each a child process: Crosswind, ROAPI and bare Flight servers.

Owns starting, waiting until ready, and stopping them by their process. `python -m benchmarks.peers`
is the child's side of it. What is measured is not known here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import datafusion
import psutil
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.flight as fl

import flight_server
from flight_server.commands import decode, encode
from flight_server.config import Config
from flight_server.proto import flight_sql_pb2 as pb

ROOT = Path(__file__).resolve().parents[1]

START_SECONDS = 60.0
"""How long a peer may take until it answers; ROAPI reads its tables into memory first."""

BARE_BATCH_ROWS = 16_384
"""What the bare server over Parquet reads at once: rows of lineitem for about 5 MB."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server.

    Attributes:
        name: as it stands in reports.
        url: where ADBC connects.
        process: the child, for its processor time and memory.
    """

    name: str
    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Processor time, user and system, since the server started."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def crosswind(lake: Path) -> Iterator[Peer]:
    """Crosswind with its default settings, over the files in a folder."""
    with _python_peer("Crosswind", "crosswind", str(lake.resolve())) as peer:
        yield peer


@contextlib.contextmanager
def crosswind_over(sources: Mapping[str, Mapping[str, object]]) -> Iterator[Peer]:
    """Crosswind with its default settings, over sources as a configuration has them."""
    with _python_peer("Crosswind", "sources", json.dumps(sources)) as peer:
        yield peer


@contextlib.contextmanager
def flight_over_memory(origin: Peer, sql: str) -> Iterator[Peer]:
    """A bare Flight server that repeats from memory what `origin` answers to `sql`."""
    with _python_peer("bare Flight, same batches", "memory", origin.url, sql) as peer:
        yield peer


@contextlib.contextmanager
def flight_over_parquet(path: Path, columns: Sequence[str]) -> Iterator[Peer]:
    """A bare Flight server that scans a Parquet file with pyarrow for each query."""
    with _python_peer("bare Flight, Parquet", "parquet", str(path.resolve()), *columns) as peer:
        yield peer


@contextlib.contextmanager
def flight_over_datafusion(path: Path, columns: Sequence[str]) -> Iterator[Peer]:
    """A bare Flight server that has DataFusion read a Parquet file for each query, and no more."""
    with _python_peer("bare Flight, DataFusion", "datafusion", str(path.resolve()), *columns) as p:
        yield p


@contextlib.contextmanager
def flight_over_bucket(store_url: str, bucket: str, table: str, sql: str) -> Iterator[Peer]:
    """A bare Flight server that has DataFusion run a query over a folder on S3, and no more."""
    arguments = ("bucket", store_url, bucket, table, sql)
    with _python_peer("bare Flight, DataFusion", *arguments) as peer:
        yield peer


@contextlib.contextmanager
def roapi(**tables: Path) -> Iterator[Peer]:
    """ROAPI over Parquet files, each a table."""
    program = shutil.which("roapi", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    if program is None:
        raise RuntimeError("ROAPI is not installed: pip install 'crosswind[bench]'")
    http, postgres, flight = (f"127.0.0.1:{port}" for port in _free_ports(3))
    command = [program, "--addr-http", http, "--addr-postgres", postgres]
    command += ["--addr-flight-sql", flight]
    for name, path in tables.items():
        command += ["-t", f"{name}={path.resolve()}"]
    with tempfile.TemporaryFile() as log, _child(command, stdout=log, stderr=log) as process:
        url = f"grpc://{flight}"
        try:
            _wait_until_ready(url, process)
        except RuntimeError as error:
            log.seek(0)
            raise RuntimeError(f"ROAPI: {error}\n{log.read().decode()}") from None
        yield Peer("ROAPI", url, psutil.Process(process.pid))


@contextlib.contextmanager
def _python_peer(name: str, *arguments: str) -> Iterator[Peer]:
    with python_child(name, "benchmarks.peers", *arguments) as (url, process):
        yield Peer(name, url, psutil.Process(process.pid))


@contextlib.contextmanager
def python_child(
    name: str, module: str, *arguments: str
) -> Iterator[tuple[str, subprocess.Popen[Any]]]:
    """A Python module as a process that prints its address, and ends with its standard input."""
    command = [sys.executable, "-m", module, *arguments]
    with _child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"{name} did not start: exit code {process.wait()}")
        yield url, process


@contextlib.contextmanager
def _child(command: list[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    process = subprocess.Popen(command, cwd=ROOT, **options)
    try:
        yield process
    finally:
        # Those in Python end with their standard input, and tidy up.
        if process.stdin is not None:
            process.stdin.close()
        else:
            process.terminate()
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait_until_ready(url: str, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with flightsql.connect(url, autocommit=True) as connection:
                connection.execute("SELECT 1").close()
            return
        except flightsql.Error as error:
            if process.poll() is not None:
                raise RuntimeError(f"ended with exit code {process.returncode}") from None
            if time.monotonic() > deadline:
                raise RuntimeError(f"not ready in {START_SECONDS:g} seconds: {error}") from None
            time.sleep(0.1)


class BareServer(fl.FlightServerBase):  # type: ignore[misc]
    """As little as the ADBC driver needs to run a query; every query has the same answer.

    Args:
        schema: of the answer.
        answer: makes what RecordBatchStream sends: a table, or a reader in C++.
    """

    def __init__(self, schema: pa.Schema, answer: Callable[[], Any]) -> None:
        super().__init__("grpc://127.0.0.1:0")
        self._schema = schema
        self._answer = answer

    def get_flight_info(self, context: Any, descriptor: Any) -> Any:
        """One endpoint, also for the metadata that the driver asks for when it connects."""
        command = decode(descriptor.command)
        if isinstance(command, pb.CommandPreparedStatementQuery):
            handle = command.prepared_statement_handle
            ticket = encode(pb.TicketStatementQuery(statement_handle=handle))
            endpoints = [fl.FlightEndpoint(ticket, [])]
            return fl.FlightInfo(self._schema, descriptor, endpoints, -1, -1)
        raise NotImplementedError(type(command).__name__)

    def do_get(self, context: Any, ticket: Any) -> Any:
        """The answer, without Python between its batches."""
        return fl.RecordBatchStream(self._answer())

    def do_action(self, context: Any, action: Any) -> Iterator[bytes]:
        """Prepare: the one handle there is. Close: nothing to do."""
        if action.type == "CreatePreparedStatement":
            result = pb.ActionCreatePreparedStatementResult(
                prepared_statement_handle=b"1",
                dataset_schema=self._schema.serialize().to_pybytes(),
            )
            return iter([encode(result)])
        return iter([])


def _memory_server(origin_url: str, sql: str) -> BareServer:
    command = encode(pb.CommandStatementQuery(query=sql))
    with fl.connect(origin_url.replace("grpc://", "grpc+tcp://")) as client:
        info = client.get_flight_info(fl.FlightDescriptor.for_command(command))
        reader = client.do_get(info.endpoints[0].ticket)
        # One chunk of the table for each batch: they leave again as they came.
        table = pa.Table.from_batches((chunk.data for chunk in reader), reader.schema)
    return BareServer(table.schema, lambda: table)


def _parquet_server(path: str, *columns: str) -> BareServer:
    written = ds.dataset(path).schema
    # Plain strings, as Crosswind sends them: the file's own schema may ask for views.
    plain = {pa.string_view(): pa.string()}
    dataset = ds.dataset(
        path, schema=pa.schema([f.with_type(plain.get(f.type, f.type)) for f in written])
    )
    names = list(columns) or dataset.schema.names

    def answer() -> pa.RecordBatchReader:
        return dataset.scanner(columns=names, batch_size=BARE_BATCH_ROWS).to_reader()

    return BareServer(pa.schema([dataset.schema.field(name) for name in names]), answer)


def _datafusion_server(path: str, *columns: str) -> BareServer:
    plain = {pa.string_view(): pa.string()}
    written = ds.dataset(path).schema
    context = datafusion.SessionContext(datafusion.SessionConfig().with_batch_size(BARE_BATCH_ROWS))
    schema = pa.schema([f.with_type(plain.get(f.type, f.type)) for f in written])
    context.register_parquet("whole", path, schema=schema)
    names = list(columns) or schema.names
    frame = context.table("whole").select(*names)

    def answer() -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_stream(frame)

    return BareServer(frame.schema(), answer)


def frame_over_bucket(
    store_url: str, bucket: str, table: str, sql: str, *, plain: bool = True
) -> Callable[[], datafusion.DataFrame]:
    """What runs a query anew, each time, over a folder of Parquet files of which `table` is one.

    Args:
        plain: texts are plain strings, as Crosswind sends them; else as DataFusion likes them.
    """
    from datafusion.object_store import AmazonS3

    context = datafusion.SessionContext(datafusion.SessionConfig().with_batch_size(BARE_BATCH_ROWS))
    store = AmazonS3(
        bucket_name=bucket,
        region="us-east-1",
        access_key_id="benchmark",
        secret_access_key="benchmark",
        endpoint=store_url,
        allow_http=True,
    )
    context.register_object_store("s3://", store, bucket)
    url = f"s3://{bucket}/{table}/"
    written = context.read_parquet(url).schema()
    views = {pa.string_view(): pa.string()}
    schema = pa.schema([f.with_type(views.get(f.type, f.type)) for f in written])
    context.register_parquet(table, url, schema=schema if plain else written)
    return lambda: context.sql(sql)


def _bucket_server(store_url: str, bucket: str, table: str, sql: str) -> BareServer:
    frame = frame_over_bucket(store_url, bucket, table, sql)
    return BareServer(frame().schema(), lambda: pa.RecordBatchReader.from_stream(frame()))


def _crosswind_server(lake: str) -> Any:
    return _sources_server(json.dumps({"lake": {"connector": "files", "root": lake}}))


def _sources_server(sources: str) -> Any:
    configured = {"server": {"listen": "grpc://127.0.0.1:0"}, "sources": json.loads(sources)}
    return flight_server.serve(Config.from_mapping(configured))


def main(kind: str, *arguments: str) -> None:
    """Serve, print the address, and end when standard input does."""
    makers: dict[str, Callable[..., Any]] = {
        "crosswind": _crosswind_server,
        "sources": _sources_server,
        "memory": _memory_server,
        "parquet": _parquet_server,
        "datafusion": _datafusion_server,
        "bucket": _bucket_server,
    }
    with makers[kind](*arguments) as server:
        print(f"grpc://127.0.0.1:{server.port}", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
