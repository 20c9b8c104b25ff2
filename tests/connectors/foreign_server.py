"""A Flight SQL server that is not a Crosswind: DuckDB behind it, and as little as ADBC needs.

It can ask for a login, speak TLS, and say nothing of itself. What it was asked is kept.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.flight as fl

from flight_server import metadata
from flight_server.commands import decode, encode
from flight_server.proto import flight_sql_pb2 as pb

USER, PASSWORD, TOKEN = "ann", "open-sesame", "t0ken-of-ann"
CATALOG = "abroad"


class _Login(fl.ServerMiddlewareFactory):
    """Lets in who has the token, and gives it to who has the password."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, Sequence[str]]] = []

    def start_call(self, info: Any, headers: Mapping[str, Sequence[str]]) -> Any:
        self.seen.append(headers)
        (given,) = headers.get("authorization", [""])
        if given == f"Bearer {TOKEN}":
            return None
        kind, _, text = given.partition(" ")
        if kind == "Basic":
            padded = text + "=" * (-len(text) % 4)
            if base64.b64decode(padded).decode() == f"{USER}:{PASSWORD}":
                return _Granted()
        raise fl.FlightUnauthenticatedError(f"who is {given!r}?")


class _Granted(fl.ServerMiddleware):
    def sending_headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {TOKEN}"}

    def call_completed(self, exception: Any) -> None:
        """Nothing to free."""


class _Handshake(fl.ServerAuthHandler):
    def authenticate(self, outgoing: Any, incoming: Any) -> None:
        """The middleware has looked."""

    def is_valid(self, token: bytes) -> bytes:
        return b""


class ForeignServer(fl.FlightServerBase):
    """Over the tables of a DuckDB in memory, all in the schema `main`.

    Attributes:
        asked: the statements, in the order of asking.
        sends: what each statement answers instead of what its FlightInfo promised, or None.
        lists: whether it knows the questions for catalogs, schemas and tables.
    """

    def __init__(self, location: str, statements: Sequence[str], **options: Any) -> None:
        self._lock = threading.Lock()
        self._duckdb = duckdb.connect()
        for statement in statements:
            self._duckdb.execute(statement)
        self.asked: list[str] = []
        self.sends: pa.RecordBatchReader | None = None
        self.lists = True
        self.login: _Login | None = options.pop("login", None)
        if self.login is not None:
            options |= {"auth_handler": _Handshake(), "middleware": {"login": self.login}}
        super().__init__(location, **options)

    def get_flight_info(self, context: Any, descriptor: Any) -> Any:
        command = decode(descriptor.command)
        if isinstance(command, pb.CommandStatementQuery):
            with self._lock:
                self.asked.append(command.query)
            ticket = encode(pb.TicketStatementQuery(statement_handle=command.query.encode()))
            schema = self._run(command.query).schema
        else:
            ticket, schema = descriptor.command, self._metadata(command).schema
        return fl.FlightInfo(schema, descriptor, [fl.FlightEndpoint(ticket, [])], -1, -1)

    def do_get(self, context: Any, ticket: Any) -> Any:
        command = decode(ticket.ticket)
        if isinstance(command, pb.TicketStatementQuery):
            if self.sends is not None:
                return fl.RecordBatchStream(self.sends)
            return fl.RecordBatchStream(self._run(command.statement_handle.decode()))
        return fl.RecordBatchStream(self._metadata(command))

    def do_action(self, context: Any, action: Any) -> Iterator[bytes]:
        return iter([])

    def _run(self, sql: str) -> pa.Table:
        with self._lock:
            try:
                return self._duckdb.sql(sql).to_arrow_table()
            except duckdb.Error as error:
                raise fl.FlightServerError(str(error)) from None

    def execute(self, statement: str) -> None:
        """Change the database."""
        with self._lock:
            self._duckdb.execute(statement)

    def _metadata(self, command: Any) -> pa.Table:
        if not self.lists:
            raise NotImplementedError(type(command).__name__)
        names = [row[0] for row in self._rows("SELECT table_name FROM duckdb_tables()")]
        match command:
            case pb.CommandGetCatalogs():
                return pa.table([[CATALOG]], schema=metadata.CATALOGS)
            case pb.CommandGetDbSchemas():
                return pa.table([[CATALOG], ["main"]], schema=metadata.DB_SCHEMAS)
            case pb.CommandGetTables():
                fits = metadata.like(command.table_name_filter_pattern or "%").fullmatch
                names = sorted(name for name in names if fits(name))
                columns = [[CATALOG] * len(names), ["main"] * len(names), names]
                columns.append(["TABLE"] * len(names))
                if not command.include_schema:
                    return pa.table(columns, schema=metadata.TABLES)
                columns.append([self._schema(name) for name in names])
                return pa.table(columns, schema=metadata.TABLES_WITH_SCHEMA)
        raise NotImplementedError(type(command).__name__)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._duckdb.sql(sql).fetchall()

    def _schema(self, name: str) -> bytes:
        found = self._run(f'SELECT * FROM "{name}" LIMIT 0').schema
        return bytes(found.serialize().to_pybytes())


@contextmanager
def foreign_server(*statements: str, login: bool = False, **options: Any) -> Iterator[Any]:
    """A running one, over what the statements make.

    Args:
        login: it lets in USER with PASSWORD, or TOKEN.
        options: `tls_certificates` and others of pyarrow's server.
    """
    scheme = "grpc+tls" if "tls_certificates" in options else "grpc"
    attached = (f"ATTACH ':memory:' AS {CATALOG}", f"USE {CATALOG}", *statements)
    server = ForeignServer(
        f"{scheme}://127.0.0.1:0", attached, login=_Login() if login else None, **options
    )
    try:
        yield server
    finally:
        server.shutdown()
