"""Bytes of the wire to typed Flight SQL messages, and results back to bytes.

Owns which commands are read and why the others are refused. Must not know what a command does.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2
from google.protobuf.message import DecodeError, Message

from connectors.errors import RequestError, UnsupportedError
from flight_server.proto import flight_sql_pb2 as pb

TYPE_URL = "type.googleapis.com/"

_MESSAGES: dict[str, Any] = {
    message.DESCRIPTOR.full_name: message
    for message in (
        pb.CommandStatementQuery,
        pb.CommandPreparedStatementQuery,
        pb.TicketStatementQuery,
        pb.CommandStatementIngest,
        pb.ActionCreatePreparedStatementRequest,
        pb.ActionClosePreparedStatementRequest,
        pb.CommandGetSqlInfo,
        pb.CommandGetXdbcTypeInfo,
        pb.CommandGetCatalogs,
        pb.CommandGetDbSchemas,
        pb.CommandGetTables,
        pb.CommandGetTableTypes,
        pb.CommandGetPrimaryKeys,
        pb.CommandGetExportedKeys,
        pb.CommandGetImportedKeys,
        pb.CommandGetCrossReference,
    )
}

_READ_ONLY = "this server is read-only: it runs queries, and changes nothing"

_REFUSED = {
    "CommandStatementUpdate": _READ_ONLY,
    "CommandPreparedStatementUpdate": _READ_ONLY,
    "CommandStatementSubstraitPlan": "Substrait plans are not accepted; send the query as SQL",
}

REFUSED_ACTIONS = {
    "CreatePreparedSubstraitPlan": _REFUSED["CommandStatementSubstraitPlan"],
    "BeginTransaction": "transactions are not supported; every query stands alone",
    "EndTransaction": "transactions are not supported; every query stands alone",
    "BeginSavepoint": "savepoints are not supported",
    "EndSavepoint": "savepoints are not supported",
    "CancelQuery": "CancelQuery is deprecated; use CancelFlightInfo",
    "RenewFlightEndpoint": "endpoints do not expire, so there is nothing to renew",
}
"""Actions of the specification that this server does not do, with the reason."""


def decode(body: bytes) -> Any:
    """The message in a serialised `google.protobuf.Any`.

    Raises:
        RequestError: when the bytes are not a Flight SQL command.
        UnsupportedError: for a command that this server does not do.
    """
    try:
        wrapper = any_pb2.Any.FromString(body)
        name = wrapper.type_url.rpartition("/")[2]
        message = _MESSAGES.get(name)
        if message is not None:
            return message.FromString(wrapper.value)
    except DecodeError:
        raise RequestError("the bytes sent are not a Flight SQL command") from None
    short_name = name.rpartition(".")[2]
    if short_name in _REFUSED:
        raise UnsupportedError(_REFUSED[short_name])
    if short_name:
        raise UnsupportedError(f"the command {short_name} is not supported")
    raise RequestError("the bytes sent are not a Flight SQL command")


def decode_as(message: Any, body: bytes) -> Any:
    """A message that travels raw, without an `Any`.

    Raises:
        RequestError: when the bytes are not such a message.
    """
    try:
        return message.FromString(body)
    except DecodeError:
        name = message.DESCRIPTOR.name
        raise RequestError(f"the bytes sent are not a {name}") from None


def encode(message: Message) -> bytes:
    """The message inside a serialised `google.protobuf.Any`."""
    wrapper = any_pb2.Any(
        type_url=TYPE_URL + message.DESCRIPTOR.full_name, value=message.SerializeToString()
    )
    return bytes(wrapper.SerializeToString())


def ingestion(body: bytes) -> Any:
    """The command of a DoPut that brings rows.

    Raises:
        UnsupportedError: for every other: it would change something, or bind parameters.
    """
    try:
        command = decode(body)
    except RequestError as error:
        if isinstance(error, UnsupportedError):
            raise
        raise UnsupportedError(_READ_ONLY) from None
    if isinstance(command, pb.CommandStatementIngest):
        return command
    if isinstance(command, pb.CommandPreparedStatementQuery):
        raise UnsupportedError(
            "bound parameters are not supported", hint="Write the values into the statement."
        )
    raise UnsupportedError(_READ_ONLY)
