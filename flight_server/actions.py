"""The actions of Flight SQL: prepared statements, cancelling, session options.

Owns what each action does with its body. Errors are translated by the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from connectors.errors import (
    InvalidValueError,
    RequestError,
    UnknownNameError,
    UnsupportedError,
)
from flight_server.callers import Caller
from flight_server.commands import REFUSED_ACTIONS, decode, decode_as, encode
from flight_server.link_options import refuse_unknown_sources
from flight_server.proto import flight_sql_pb2 as pb
from flight_server.queries import Queries

_REFUSED_OPTIONS = frozenset({"catalog", "schema"})
"""Names resolve by the whole catalog: a default would be ignored, so it is refused."""


def act(queries: Queries, caller: Caller, name: str, body: bytes) -> list[bytes]:
    """Do one action; the bodies of its results.

    Raises:
        UnsupportedError: for an action that is not in ACTIONS.
        RequestError: for a body that the action does not take.
    """
    if name not in ACTIONS:
        reason = REFUSED_ACTIONS.get(name, "there is no such action in Flight SQL")
        raise UnsupportedError(f"the action {name!r} is not supported: {reason}")
    return ACTIONS[name][1](queries, caller, body)


def _create_prepared_statement(queries: Queries, caller: Caller, body: bytes) -> list[bytes]:
    command = _expected(pb.ActionCreatePreparedStatementRequest, body)
    if command.transaction_id:
        raise UnsupportedError(REFUSED_ACTIONS["BeginTransaction"])
    options = caller.options()
    answer = queries.plan(command.query, options, caller.gone)
    result = pb.ActionCreatePreparedStatementResult(
        prepared_statement_handle=queries.statements.add((command.query, options)),
        dataset_schema=answer.schema.serialize().to_pybytes(),
        is_update=False,
    )
    return [encode(result)]


def _close_prepared_statement(queries: Queries, _caller: Caller, body: bytes) -> list[bytes]:
    command = _expected(pb.ActionClosePreparedStatementRequest, body)
    queries.statements.pop(command.prepared_statement_handle)
    return []


def _cancel_flight_info(queries: Queries, _caller: Caller, body: bytes) -> list[bytes]:
    request = decode_as(pb.CancelFlightInfoRequest, body)
    try:
        info = fl.FlightInfo.deserialize(request.info)
        commands = [decode(endpoint.ticket.ticket) for endpoint in info.endpoints]
    except (pa.ArrowException, OSError):
        raise RequestError("the bytes sent are not a FlightInfo") from None
    handles = [c.statement_handle for c in commands if isinstance(c, pb.TicketStatementQuery)]
    cancelled = [queries.cancel(handle) for handle in handles]
    if not any(cancelled):
        raise UnknownNameError("the query to cancel does not exist any more")
    result = pb.CancelFlightInfoResult(status=pb.CANCEL_STATUS_CANCELLED)
    return [result.SerializeToString()]


def _set_session_options(queries: Queries, caller: Caller, body: bytes) -> list[bytes]:
    """Set what can be set, and say of the rest why not.

    Raises:
        RequestError: a family of it, when the only option given cannot be set: an error has room
            for the nearest names, and the result of this action has not.
    """
    request = decode_as(pb.SetSessionOptionsRequest, body)
    result = pb.SetSessionOptionsResult()
    before = options = caller.session_options()
    for name, value in request.session_options.items():
        kind = value.WhichOneof("option_value")
        if name in _REFUSED_OPTIONS:
            if kind is not None:
                result.errors[name].value = pb.SetSessionOptionsResult.ERROR
            continue
        try:
            changed = options.with_option(name, value.string_value)
            refuse_unknown_sources(changed.links, queries.catalog)
            if kind not in (None, "string_value"):
                raise InvalidValueError(f"session option {name!r} takes a text")
            options = changed
        except RequestError as error:
            if len(request.session_options) == 1:
                raise
            result.errors[name].value = (
                pb.SetSessionOptionsResult.INVALID_NAME
                if isinstance(error, UnknownNameError)
                else pb.SetSessionOptionsResult.INVALID_VALUE
            )
    if options != before:
        caller.set_session(options)
    return [result.SerializeToString()]


def _get_session_options(_queries: Queries, caller: Caller, _body: bytes) -> list[bytes]:
    result = pb.GetSessionOptionsResult()
    for name, value in caller.options().given().items():
        result.session_options[name].string_value = value
    return [result.SerializeToString()]


def _close_session(_queries: Queries, caller: Caller, _body: bytes) -> list[bytes]:
    caller.close_session()
    return [pb.CloseSessionResult(status=pb.CloseSessionResult.CLOSED).SerializeToString()]


def _expected(message: Any, body: bytes) -> Any:
    command = decode(body)
    if not isinstance(command, message):
        raise RequestError(f"the body is not a {message.DESCRIPTOR.name}")
    return command


ACTIONS: dict[str, tuple[str, Callable[[Queries, Caller, bytes], list[bytes]]]] = {
    "CreatePreparedStatement": (
        "Plan a statement and keep it under a handle.",
        _create_prepared_statement,
    ),
    "ClosePreparedStatement": ("Forget a prepared statement.", _close_prepared_statement),
    "CancelFlightInfo": ("Cancel the query of a FlightInfo.", _cancel_flight_info),
    "SetSessionOptions": (
        "Set session options: dialect, pushdown, reductions, cuts, compression.",
        _set_session_options,
    ),
    "GetSessionOptions": ("Get session options.", _get_session_options),
    "CloseSession": ("Close the session.", _close_session),
}
"""What each action is for, and does."""
