"""Flight SQL by hand: messages for pyarrow's Flight client, and bare gRPC for what that hides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pyarrow as pa
import pyarrow.flight as fl

from flight_server.commands import encode
from flight_server.proto import flight_sql_pb2 as pb

SERVICE = "/arrow.flight.protocol.FlightService/"


def descriptor(message: Any) -> Any:
    return fl.FlightDescriptor.for_command(encode(message))


def statement(sql: str) -> Any:
    return descriptor(pb.CommandStatementQuery(query=sql))


def read(client: Any, message: Any) -> pa.Table:
    """GetFlightInfo, then DoGet of its one endpoint; their schemas must be the same."""
    info = client.get_flight_info(descriptor(message))
    (endpoint,) = info.endpoints
    reader = client.do_get(endpoint.ticket)
    assert reader.schema.equals(info.schema, check_metadata=True)
    return reader.read_all()


def action(client: Any, name: str, body: bytes = b"") -> list[bytes]:
    return [result.body.to_pybytes() for result in client.do_action(fl.Action(name, body))]


def prepare(client: Any, sql: str) -> Any:
    """The result of CreatePreparedStatement."""
    request = encode(pb.ActionCreatePreparedStatementRequest(query=sql))
    (body,) = action(client, "CreatePreparedStatement", request)
    assert body.startswith(encode(pb.ActionCreatePreparedStatementResult())[:4])
    from google.protobuf import any_pb2

    return pb.ActionCreatePreparedStatementResult.FromString(any_pb2.Any.FromString(body).value)


def message_sizes(port: int, ticket: bytes) -> Iterator[int]:
    """The size of each gRPC message of a DoGet."""
    with grpc.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", -1)]
    ) as channel:
        do_get = channel.unary_stream(SERVICE + "DoGet")
        for message in do_get(_field(1, ticket)):
            yield len(message)


def status_of(port: int, method: str, request: bytes) -> tuple[str, str]:
    """The gRPC code and message that a call fails with."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_stream(SERVICE + method)
        try:
            for _ in call(request):
                pass
        except grpc.RpcError as error:
            return error.code().name, error.details()
    return "OK", ""


def ticket_request(ticket: bytes) -> bytes:
    return _field(1, ticket)


def descriptor_request(message: Any) -> bytes:
    """A FlightDescriptor of type CMD."""
    return b"\x08\x02" + _field(2, encode(message))


def _field(number: int, value: bytes) -> bytes:
    length, prefix = len(value), bytearray([number << 3 | 2])
    while length > 127:
        prefix.append(length & 127 | 128)
        length >>= 7
    prefix.append(length)
    return bytes(prefix) + value
