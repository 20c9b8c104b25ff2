"""The Flight RPCs of Flight SQL: decode, ask, encode.

Owns which message gets which answer. What a query is, `queries` knows; what an error becomes,
`failures`; what a client's silence means, `watcher`.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.flight as fl

from connectors import circle
from connectors.errors import (
    ConfigurationError,
    RequestError,
    UnsupportedError,
)
from flight_server import metadata, sqlinfo, typeinfo
from flight_server.actions import ACTIONS, act
from flight_server.attached import AttachedThreads
from flight_server.callers import MIDDLEWARE, Caller, CallMiddleware
from flight_server.commands import REFUSED_ACTIONS, decode, encode
from flight_server.connections import drop_connections
from flight_server.failures import (
    guarded,
    restore_tracebacks,
    silence_tracebacks,
    to_schema_status,
)
from flight_server.handshake import OpenDoor
from flight_server.ingest import ingest, takes_rows
from flight_server.parts import Answer
from flight_server.proto import flight_sql_pb2 as pb
from flight_server.queries import Queries
from flight_server.streams import known_stream, query_stream, table_stream
from flight_server.watcher import Watch, Watcher

_UNKNOWN = -1

_LAST_CALLS_SECONDS = 1.0
_GOODBYE_SECONDS = 0.5
"""How long calls whose query has ended may take to tell their clients."""


_never_freed: list[Server] = []
"""Servers with threads that do not end: to free one waits for them, and stops all others."""


def _listen_problem(listen: str) -> str | None:
    """What the system says against an address; gRPC only says that it did not start."""
    address = urlsplit(listen)
    try:
        found = socket.getaddrinfo(address.hostname, address.port, type=socket.SOCK_STREAM)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.bind(found[0][4])
    except OSError as problem:
        return problem.strerror or str(problem)
    return None


class Server(fl.FlightServerBase):  # type: ignore[misc]
    """A Flight SQL server that runs from its construction to `close`.

    Args:
        queries: what it serves; closed with the server.
        listen: `grpc://host:port`; port 0 takes a free one.
        drain_seconds: how long `close` lets running queries go on.

    Raises:
        ConfigurationError: when the address cannot be listened on.
    """

    def __init__(
        self,
        queries: Queries,
        listen: str,
        *,
        drain_seconds: float = 10.0,
    ) -> None:
        self._queries = queries
        self._listen = listen
        self._drain_seconds = drain_seconds
        self._name = secrets.token_hex(8)
        self._closing = threading.Lock()
        self._closed = False
        self._watcher = Watcher()
        self._threads = AttachedThreads()
        silence_tracebacks()
        # Read by gRPC when it starts, with the first server or client of the process: its older
        # listener takes some percent less time for a small call.
        os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")
        try:
            super().__init__(
                listen,
                auth_handler=OpenDoor(),
                middleware={MIDDLEWARE: CallMiddleware(self._threads)},
            )
        except (OSError, pa.ArrowException) as error:
            self._watcher.close()
            restore_tracebacks()
            reason = _listen_problem(listen) or str(error)
            raise ConfigurationError(f"cannot listen on {listen}: {reason}") from None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"{self._listen.rpartition(':')[0]}:{self.port}"

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop accepting, let running queries finish for a time, cancel the rest. Idempotent."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            try:
                self._stop()
            finally:
                if not self._threads.all_left(_LAST_CALLS_SECONDS):
                    _never_freed.append(self)
                self._watcher.close()
                restore_tracebacks()

    def _stop(self) -> None:
        # A client whose last rows have just come still closes its statements.
        if self._queries.drain(self._drain_seconds):
            threading.Event().wait(_GOODBYE_SECONDS)
        # `shutdown` refuses new calls at once, and returns when the last one has ended.
        stopping = threading.Thread(target=self.shutdown, name="crosswind-stop", daemon=True)
        stopping.start()
        self._queries.close(0.0)
        stopping.join(_LAST_CALLS_SECONDS)
        if stopping.is_alive():
            drop_connections(self.port)
            stopping.join(_LAST_CALLS_SECONDS)

    @guarded
    def get_flight_info(self, context: Any, descriptor: Any) -> Any:
        """Plan; nothing runs."""
        command = self._command(descriptor)
        if isinstance(command, pb.CommandStatementQuery | pb.CommandPreparedStatementQuery):
            answer = self._planned(command, context)
            handle = self._queries.tickets.add(answer)
            ticket = encode(pb.TicketStatementQuery(statement_handle=handle))
            return _info(answer.schema, descriptor, ticket, answer.metadata)
        return _info(_metadata_schema(command), descriptor, descriptor.command)

    def get_schema(self, context: Any, descriptor: Any) -> Any:
        """The schema alone."""
        return self._get_schema(context, descriptor)

    def _schema(self, context: Any, descriptor: Any) -> Any:
        command = self._command(descriptor)
        if isinstance(command, pb.CommandStatementQuery | pb.CommandPreparedStatementQuery):
            return fl.SchemaResult(self._planned(command, context).schema)
        return fl.SchemaResult(_metadata_schema(command))

    _get_schema = guarded(_schema, to_schema_status)

    @guarded
    def do_get(self, context: Any, ticket: Any) -> Any:
        """Run what a ticket stands for."""
        command = decode(ticket.ticket)
        if isinstance(command, pb.TicketStatementQuery):
            answer, handle = (
                self._queries.ticket(command.statement_handle),
                command.statement_handle,
            )
        elif isinstance(command, pb.CommandPreparedStatementQuery):
            handle = command.prepared_statement_handle
            answer = self._queries.prepared(handle, context.is_cancelled)
        else:
            return table_stream(self._metadata(command, context))
        known = self._queries.known(answer)
        if known is not None:
            return known_stream(answer.schema, known)
        compression = Caller(context, self._queries.sessions).options().compression
        run = self._queries.run(answer, handle)
        # From here on the stream's end closes the run, whether or not anybody reads it.
        return query_stream(run, Watch(self._watcher, context, run), compression)

    @guarded
    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        """Hand rows to a source that takes them; nothing else is changed, and nothing bound."""
        ingest(self._queries, descriptor.command or b"", context, reader, writer)

    @guarded
    def do_exchange(
        self,
        context: Any,  # noqa: ARG002
        descriptor: Any,  # noqa: ARG002
        reader: Any,  # noqa: ARG002
        writer: Any,  # noqa: ARG002
    ) -> None:
        """Flight SQL has no use for it."""
        raise UnsupportedError("DoExchange is not a part of Flight SQL")

    @guarded
    def list_flights(self, context: Any, criteria: bytes) -> Any:  # noqa: ARG002
        """Flight SQL has no use for it."""
        raise UnsupportedError("ListFlights is not a part of Flight SQL", hint="Use GetTables.")

    def list_actions(self, context: Any) -> list[Any]:  # noqa: ARG002
        """The actions that `do_action` does."""
        return [fl.ActionType(name, text) for name, (text, _) in ACTIONS.items()]

    @guarded
    def do_action(self, context: Any, action: Any) -> Iterator[bytes]:
        """Do an action of Flight SQL."""
        # Not a generator: pyarrow would pull it outside of this boundary.
        caller = Caller(context, self._queries.sessions)
        with self._asked(caller):
            return iter(act(self._queries, caller, action.type, action.body.to_pybytes()))

    def _asked(self, caller: Caller) -> AbstractContextManager[None]:
        """What is asked of other servers meanwhile can be traced to this one."""
        return circle.asked(self._name, caller.through)

    def _command(self, descriptor: Any) -> Any:
        if descriptor.command is None:
            raise RequestError("the descriptor has a path; Flight SQL sends a command")
        return decode(descriptor.command)

    def _planned(self, command: Any, context: Any) -> Answer:
        if isinstance(command, pb.CommandStatementQuery):
            if command.HasField("transaction_id") and command.transaction_id:
                raise UnsupportedError(REFUSED_ACTIONS["BeginTransaction"])
            caller = Caller(context, self._queries.sessions)
            with self._asked(caller):
                return self._queries.plan(command.query, caller.options(), context.is_cancelled)
        return self._queries.prepared(command.prepared_statement_handle, context.is_cancelled)

    def _metadata(self, command: Any, context: Any) -> pa.RecordBatch:
        with self._asked(Caller(context, self._queries.sessions)):
            return self._metadata_of(command)

    def _metadata_of(self, command: Any) -> pa.RecordBatch:
        catalog = self._queries.catalog
        match command:
            case pb.CommandGetSqlInfo():
                ttl_seconds = self._queries.limits.statement_ttl_seconds
                return sqlinfo.sql_info(command.info, ttl_seconds, takes_rows(catalog))
            case pb.CommandGetXdbcTypeInfo():
                return typeinfo.type_info(_optional(command, "data_type"))
            case pb.CommandGetCatalogs():
                return metadata.catalogs(catalog)
            case pb.CommandGetDbSchemas():
                return metadata.db_schemas(
                    catalog,
                    _optional(command, "catalog"),
                    _optional(command, "db_schema_filter_pattern"),
                )
            case pb.CommandGetTables():
                return metadata.tables(
                    catalog,
                    _optional(command, "catalog"),
                    _optional(command, "db_schema_filter_pattern"),
                    _optional(command, "table_name_filter_pattern"),
                    command.table_types,
                    command.include_schema,
                )
            case pb.CommandGetTableTypes():
                return metadata.table_types()
            case _:
                return metadata.no_rows(_metadata_schema(command))


_SCHEMAS = {
    pb.CommandGetSqlInfo: sqlinfo.SCHEMA,
    pb.CommandGetXdbcTypeInfo: typeinfo.SCHEMA,
    pb.CommandGetCatalogs: metadata.CATALOGS,
    pb.CommandGetDbSchemas: metadata.DB_SCHEMAS,
    pb.CommandGetTableTypes: metadata.TABLE_TYPES,
    pb.CommandGetPrimaryKeys: metadata.PRIMARY_KEYS,
    pb.CommandGetExportedKeys: metadata.FOREIGN_KEYS,
    pb.CommandGetImportedKeys: metadata.FOREIGN_KEYS,
    pb.CommandGetCrossReference: metadata.FOREIGN_KEYS,
}


def _metadata_schema(command: Any) -> pa.Schema:
    if isinstance(command, pb.CommandGetTables):
        return metadata.TABLES_WITH_SCHEMA if command.include_schema else metadata.TABLES
    schema = _SCHEMAS.get(type(command))
    if schema is None:
        raise RequestError(f"{command.DESCRIPTOR.name} cannot be used here")
    return schema


def _info(schema: pa.Schema, descriptor: Any, ticket: bytes, metadata: bytes = b"") -> Any:
    # One endpoint without a location: the client reads it over the connection that it has.
    endpoint = fl.FlightEndpoint(ticket, [])
    return fl.FlightInfo(schema, descriptor, [endpoint], _UNKNOWN, _UNKNOWN, False, metadata)


def _optional(command: Any, field: str) -> Any:
    return getattr(command, field) if command.HasField(field) else None
