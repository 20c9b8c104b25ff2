"""What clients are told: the right code, the sentence, and nothing of the inside."""

from __future__ import annotations

import sys

import adbc_driver_flightsql.dbapi as flightsql
import pytest

from connectors import errors
from flight_server.failures import STATUSES, restore_tracebacks, silence_tracebacks
from flight_server.proto import flight_sql_pb2 as pb

from .conftest import ONE, Running, Start
from .scripted import ScriptedTable, failing
from .wire import descriptor_request, prepare, statement, status_of, ticket_request

INSIDE = ("Traceback", ".py", "hunter2", "/work", "File ")

REQUESTS = {
    "SELEC 1": (flightsql.ProgrammingError, "request.syntax"),
    "SELECT * FROM itens": (flightsql.ProgrammingError, "request.unknown_name"),
    "SELECT 'abc' + 1": (flightsql.ProgrammingError, "request.type"),
    "INSERT INTO items VALUES (1)": (flightsql.NotSupportedError, "request.unsupported"),
}

FAILURES = {
    "INVALID_ARGUMENT": (errors.SizeLimitError("too large"), flightsql.ProgrammingError),
    "NOT_FOUND": (errors.UnknownNameError("no such thing"), flightsql.ProgrammingError),
    "UNIMPLEMENTED": (errors.UnsupportedError("not here"), flightsql.NotSupportedError),
    "UNAUTHENTICATED": (errors.UnauthenticatedError("who?"), flightsql.ProgrammingError),
    "PERMISSION_DENIED": (errors.ForbiddenError("no"), flightsql.ProgrammingError),
    "UNAVAILABLE": (errors.SourceUnavailableError("gone", source="s"), flightsql.OperationalError),
    "DEADLINE_EXCEEDED": (errors.DeadlineError("too long"), flightsql.OperationalError),
    "CANCELLED": (errors.CancelledError("stopped"), flightsql.OperationalError),
    "UNKNOWN": (errors.SourceRejectedError("refused", source="s"), flightsql.OperationalError),
    "INTERNAL": (ZeroDivisionError("password hunter2"), flightsql.InternalError),
}


def assert_only_the_outside(message: str) -> None:
    assert not [word for word in INSIDE if word in message], message


@pytest.mark.parametrize("sql", REQUESTS)
def test_a_request_error_is_a_programming_error(running: Running, sql: str) -> None:
    expected, code = REQUESTS[sql]
    with (
        running.connect() as connection,
        connection.cursor() as cursor,
        pytest.raises(expected) as raised,
    ):
        cursor.execute(sql)
    assert f"[{code}]" in str(raised.value)
    assert_only_the_outside(str(raised.value))


def test_an_unknown_name_comes_with_the_nearest(running: Running) -> None:
    with (
        running.connect() as connection,
        connection.cursor() as cursor,
        pytest.raises(flightsql.ProgrammingError, match=r"Nearest: shop\.main\.items"),
    ):
        cursor.execute("SELECT * FROM itens")


@pytest.mark.parametrize("batches", [0, 3], ids=["at the start", "in mid-stream"])
@pytest.mark.parametrize("code", FAILURES)
def test_an_error_keeps_its_code(start: Start, code: str, batches: int) -> None:
    error, expected = FAILURES[code]
    script = failing(error, ONE.to_batches() * batches)
    running = start({"broken": ScriptedTable(ONE.schema, script)})
    with (
        running.connect() as connection,
        connection.cursor() as cursor,
        pytest.raises(expected) as raised,
    ):
        cursor.execute("SELECT * FROM broken")
        cursor.fetchall()
    assert_only_the_outside(str(raised.value))
    with running.flight() as client:
        info = client.get_flight_info(statement("SELECT * FROM broken"))
    ticket = info.endpoints[0].ticket.ticket
    got, message = status_of(running.server.port, "DoGet", ticket_request(ticket))
    assert got == code
    assert_only_the_outside(message)
    assert running.queries.running == 0


@pytest.mark.parametrize("error", [e for e, _ in FAILURES.values()], ids=FAILURES)
def test_get_schema_leaks_nothing(start: Start, error: Exception) -> None:
    running = start()

    def fail(*_: object) -> None:
        raise error

    running.planning.plan = fail
    request = descriptor_request(pb.CommandStatementQuery(query="SELECT 1"))
    code, message = status_of(running.server.port, "GetSchema", request)
    assert code in {"INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "UNKNOWN"}
    assert_only_the_outside(message)


def test_an_unexpected_error_has_an_id_that_the_log_has_with_the_traceback(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    script = failing(ZeroDivisionError("password hunter2"))
    running = start({"broken": ScriptedTable(ONE.schema, script)})
    with (
        running.connect() as connection,
        connection.cursor() as cursor,
        pytest.raises(flightsql.InternalError) as raised,
    ):
        cursor.execute("SELECT * FROM broken")
        cursor.fetchall()
    incident = str(raised.value).partition("incident ")[2][:8]
    assert f"internal error {incident}" in caplog.text
    assert "scripted.py" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_every_error_of_the_tree_has_a_status() -> None:
    def family(root: type[errors.CrosswindError]) -> list[type[errors.CrosswindError]]:
        return [root, *(leaf for child in root.__subclasses__() for leaf in family(child))]

    for error in family(errors.CrosswindError):
        assert any(ancestor in STATUSES for ancestor in error.__mro__)


@pytest.mark.parametrize("body", [b"", b"not a message", b"\xff" * 9])
def test_bytes_that_are_no_command_are_refused(running: Running, body: bytes) -> None:
    code, message = status_of(running.server.port, "DoGet", ticket_request(body))
    assert code == "INVALID_ARGUMENT"
    assert_only_the_outside(message)


def test_a_closed_prepared_statement_is_not_found(running: Running) -> None:
    from flight_server.commands import encode

    from .wire import action

    with running.flight() as client:
        handle = prepare(client, "SELECT 1").prepared_statement_handle
        closing = pb.ActionClosePreparedStatementRequest(prepared_statement_handle=handle)
        assert action(client, "ClosePreparedStatement", encode(closing)) == []
    command = pb.CommandPreparedStatementQuery(prepared_statement_handle=handle)
    code, message = status_of(running.server.port, "GetFlightInfo", descriptor_request(command))
    assert code == "NOT_FOUND"
    assert "Prepare it again" in message


def test_tracebacks_come_back_with_the_last_server() -> None:
    assert not hasattr(sys, "tracebacklimit")
    silence_tracebacks()
    silence_tracebacks()
    restore_tracebacks()
    assert sys.tracebacklimit == 0
    restore_tracebacks()
    assert not hasattr(sys, "tracebacklimit")
