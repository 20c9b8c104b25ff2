"""Sessions and their options, warnings on the wire, EXPLAIN's forms: through real clients."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from adbc_driver_manager import AdbcConnection, AdbcStatement
from google.protobuf import any_pb2

from flight_server.callers import COOKIE, Sessions
from flight_server.commands import encode
from flight_server.kept_plans import LONG_CHARACTERS, MAX_LONG_PLANS
from flight_server.parts import Limits
from flight_server.proto import flight_sql_pb2 as pb
from flight_server.session_options import DEFAULTS, SessionOptions

from .conftest import Running, Start
from .wire import action, prepare, statement

COOKIES = {"adbc.flight.sql.rpc.with_cookie_middleware": "true"}
OPTION = "adbc.flight.sql.session.option."
HEADER = "adbc.flight.sql.rpc.call_header.x-crosswind-"
SNOWFLAKE = "SELECT iff(id > 1, 'many', 'few') AS n FROM Items WHERE id < 3 ORDER BY id"
MANY = ["few", "few", "many"]


def answered(connection: Any, sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        values: list[Any] = cursor.fetch_arrow_table().column(0).to_pylist()
        return values


def set_option(connection: Any, name: str, value: str) -> None:
    connection.adbc_connection.set_options(**{OPTION + name: value})


# --- sessions -------------------------------------------------------------------------------------


def test_a_session_keeps_its_dialect_until_it_is_closed(running: Running) -> None:
    with running.connect(db_kwargs=COOKIES) as connection:
        with pytest.raises(flightsql.ProgrammingError, match="iff"):
            answered(connection, SNOWFLAKE)
        set_option(connection, "dialect", "Snowflake")
        assert answered(connection, SNOWFLAKE) == MANY
        assert connection.adbc_connection.get_option(OPTION + "dialect") == "snowflake"
        listed = connection.adbc_connection.get_option("adbc.flight.sql.session.options")
        assert json.loads(listed) == {"dialect": "snowflake"}
        assert len(running.queries.sessions) == 1
    assert len(running.queries.sessions) == 0


def test_an_option_is_unset_by_an_empty_value(running: Running) -> None:
    with running.connect(db_kwargs=COOKIES) as connection:
        set_option(connection, "dialect", "snowflake")
        connection.adbc_connection.set_options(
            **{"adbc.flight.sql.session.optionerase.dialect": ""}
        )
        with pytest.raises(flightsql.ProgrammingError, match="iff"):
            answered(connection, SNOWFLAKE)


def test_sessions_do_not_see_each_others_options(running: Running) -> None:
    with (
        running.connect(db_kwargs=COOKIES) as one,
        running.connect(db_kwargs=COOKIES) as other,
        running.connect() as without,
    ):
        set_option(one, "dialect", "snowflake")
        set_option(other, "dialect", "mysql")
        divided = "SELECT id / 2 AS h FROM items WHERE id = 3"
        for _ in range(2):
            assert answered(one, divided) == [1.5]
            assert answered(other, divided) == [1.5]
            assert answered(without, divided) == [1]
        assert answered(other, 'SELECT "text" AS t') == ["text"]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("dialect", "snoflake", "snowflake"),
        ("pushdown", "prove", "proven"),
        ("dialekt", "snowflake", "dialect"),
        ("link.shpo.mbps", "10", "shop"),
    ],
)
def test_a_wrong_option_or_value_is_an_error_with_the_nearest(
    running: Running, name: str, value: str, says: str
) -> None:
    with (
        running.connect(db_kwargs=COOKIES) as connection,
        pytest.raises(flightsql.Error, match=f"Nearest: {says}"),
    ):
        set_option(connection, name, value)
    with (
        running.connect(db_kwargs={HEADER + name: value}) as connection,
        pytest.raises(flightsql.ProgrammingError, match=f"Nearest: {says}"),
    ):
        answered(connection, "SELECT 1")


def test_several_options_are_answered_each(running: Running) -> None:
    request = pb.SetSessionOptionsRequest()
    request.session_options["dialect"].string_value = "mysql"
    request.session_options["pushdown"].int64_value = 3
    request.session_options["colour"].string_value = "red"
    request.session_options["link.nosuch.mbps"].string_value = "10"
    with running.flight() as client:
        (body,) = action(client, "SetSessionOptions", request.SerializeToString())
    errors = pb.SetSessionOptionsResult.FromString(body).errors
    assert {name: error.value for name, error in errors.items()} == {
        "pushdown": pb.SetSessionOptionsResult.INVALID_VALUE,
        "colour": pb.SetSessionOptionsResult.INVALID_NAME,
        "link.nosuch.mbps": pb.SetSessionOptionsResult.INVALID_NAME,
    }


@pytest.mark.parametrize("value", ["0" * 32, "'; DROP", "a b", "=;="])
def test_a_cookie_of_nobodys_is_refused(running: Running, value: str) -> None:
    options = fl.FlightCallOptions(headers=[(b"cookie", f"{COOKIE}={value}".encode())])
    request = pb.SetSessionOptionsRequest()
    request.session_options["pushdown"].string_value = "none"
    prepared = encode(pb.ActionCreatePreparedStatementRequest(query="SELECT 1"))
    with running.flight() as client:
        for name, body in (
            ("GetSessionOptions", b""),
            ("SetSessionOptions", request.SerializeToString()),
            ("CreatePreparedStatement", prepared),
        ):
            with pytest.raises(fl.FlightUnauthenticatedError, match=r"\[access.session\]"):
                list(client.do_action(fl.Action(name, body), options))
        with pytest.raises(fl.FlightUnauthenticatedError, match=r"\[access.session\]"):
            client.get_flight_info(statement("SELECT 1"), options)
        # What needs no options goes on, and so does the end of the session.
        client.get_flight_info(fl.FlightDescriptor.for_command(encode(pb.CommandGetCatalogs())))
        list(client.do_action(fl.Action("CloseSession", b""), options))
    assert len(running.queries.sessions) == 0


def test_a_session_is_found_beside_other_cookies(running: Running) -> None:
    session = running.queries.sessions.open(SessionOptions(dialect="mysql"))
    cookies = f'theme={{"dark": 1}}; {COOKIE}="{session}" ;x'.encode()
    options = fl.FlightCallOptions(headers=[(b"cookie", cookies)])
    with running.flight() as client:
        (result,) = client.do_action(fl.Action("GetSessionOptions", b""), options)
        found = pb.GetSessionOptionsResult.FromString(result.body.to_pybytes()).session_options
        assert found["dialect"].string_value == "mysql"
        # A client that keeps the emptied cookie of a closed session has none.
        emptied = fl.FlightCallOptions(headers=[(b"cookie", f"{COOKIE}=".encode())])
        client.get_flight_info(statement("SELECT 1"), emptied)


@pytest.mark.parametrize("how", ["expired", "evicted", "restarted"])
def test_a_lost_session_never_answers_in_another_dialect(start: Start, how: str) -> None:
    now = [0.0]
    limits = Limits(max_sessions=1, session_ttl_seconds=10)
    running = start(limits=limits, clock=lambda: now[0])
    divided = "SELECT id / 2 AS h FROM items WHERE id = 3"
    with running.connect(db_kwargs=COOKIES) as connection:
        set_option(connection, "dialect", "snowflake")
        assert answered(connection, divided) == [1.5]
        match how:
            case "expired":
                now[0] = 11.0
            case "evicted":
                running.queries.sessions.open(SessionOptions(dialect="mysql"))
            case _:
                running.queries.sessions = Sessions(1, 10)
        for _ in range(2):
            with pytest.raises(
                flightsql.ProgrammingError, match=r"\[access.session\].*Connect again"
            ):
                answered(connection, divided)
        with pytest.raises(flightsql.Error, match=r"\[access.session\]"):
            set_option(connection, "pushdown", "none")
    with running.connect(db_kwargs=COOKIES) as connection:
        assert answered(connection, divided) == [1]
        set_option(connection, "dialect", "snowflake")
        assert answered(connection, divided) == [1.5]


def test_only_who_sets_an_option_takes_memory(running: Running) -> None:
    for _ in range(20):
        with running.connect(db_kwargs=COOKIES) as connection:
            answered(connection, "SELECT 1")
    assert len(running.queries.sessions) == 0


def test_sessions_are_bounded_and_expire() -> None:
    now = [0.0]
    sessions = Sessions(3, 10.0, lambda: now[0])
    options = SessionOptions(dialect="mysql")
    opened = [sessions.open(options) for _ in range(5)]
    assert len(set(opened)) == 5
    assert [sessions.options(s) for s in opened] == [None, None, options, options, options]
    now[0] = 9.0
    assert sessions.options(opened[4]) == options
    now[0] = 11.0
    assert [sessions.options(s) for s in opened[2:]] == [None, None, options]
    sessions.close(opened[4])
    sessions.close(opened[4])
    assert sessions.options(opened[4]) is None


def test_many_sessions_leave_no_more_than_the_limit(start: Start) -> None:
    running = start(limits=Limits(max_sessions=4))
    request = pb.SetSessionOptionsRequest()
    request.session_options["dialect"].string_value = "mysql"
    body = request.SerializeToString()

    def client(_: int) -> None:
        with running.flight() as connected:
            for _ in range(5):
                action(connected, "SetSessionOptions", body)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(client, range(4)))
    assert len(running.queries.sessions) == 4


# --- headers --------------------------------------------------------------------------------------


def test_a_header_sets_the_dialect_of_a_call(running: Running) -> None:
    with running.connect(db_kwargs={HEADER + "dialect": "snowflake"}) as connection:
        assert answered(connection, SNOWFLAKE) == MANY
        assert connection.adbc_connection.get_option(OPTION + "dialect") == "snowflake"
    assert len(running.queries.sessions) == 0


def test_a_header_goes_above_the_session(running: Running) -> None:
    given = {**COOKIES, HEADER + "dialect": "postgres"}
    with running.connect(db_kwargs=given) as connection:
        set_option(connection, "dialect", "snowflake")
        assert answered(connection, "SELECT id / 2 AS h FROM items WHERE id = 3") == [1]


def test_an_unprepared_statement_has_the_options_too(running: Running) -> None:
    options = fl.FlightCallOptions(headers=[(b"x-crosswind-dialect", b"snowflake")])
    with running.flight() as client:
        info = client.get_flight_info(statement(SNOWFLAKE), options)
        # The ticket knows: its call needs no header.
        got = client.do_get(info.endpoints[0].ticket).read_all()
    assert got["n"].to_pylist() == MANY


def test_a_prepared_statement_keeps_the_options_it_was_prepared_with(running: Running) -> None:
    with running.flight() as client:
        options = fl.FlightCallOptions(headers=[(b"x-crosswind-dialect", b"snowflake")])
        request = encode(pb.ActionCreatePreparedStatementRequest(query=SNOWFLAKE))
        results = list(client.do_action(fl.Action("CreatePreparedStatement", request), options))
        wrapped = any_pb2.Any.FromString(results[0].body.to_pybytes())
        made = pb.ActionCreatePreparedStatementResult.FromString(wrapped.value)
        command = pb.CommandPreparedStatementQuery(
            prepared_statement_handle=made.prepared_statement_handle
        )
        got = client.do_get(fl.Ticket(encode(command))).read_all()
    assert got["n"].to_pylist() == MANY


def test_plans_are_cached_by_options(running: Running) -> None:
    sql = "SELECT id / 2 AS h FROM items WHERE id = 3"
    for given, want in [({}, 1), ({HEADER + "dialect": "mysql"}, 1.5)] * 2:
        with running.connect(db_kwargs=given) as connection:
            assert answered(connection, sql) == [want]
    assert running.planning.planned.count(sql) == 2


def test_long_statements_put_no_others_out_of_the_cache(running: Running) -> None:
    short = "SELECT id FROM items WHERE id = 3"
    space = " " * LONG_CHARACTERS
    long = [f"SELECT id FROM items WHERE id = {key}{space}" for key in range(MAX_LONG_PLANS + 1)]
    with running.connect() as connection:
        for sql in (short, long[0], *long, short, long[0], long[-1]):
            answered(connection, sql)
    planned = running.planning.planned
    # Of the first there were too many others since.
    assert [planned.count(sql) for sql in (short, long[0], long[-1])] == [1, 2, 1]


def test_pushdown_is_the_planners(running: Running) -> None:
    with (
        running.connect(db_kwargs={HEADER + "pushdown": "required"}) as connection,
        pytest.raises(flightsql.NotSupportedError, match="pushdown"),
    ):
        answered(connection, "SELECT sum(id) FROM items")


# --- warnings and EXPLAIN -------------------------------------------------------------------------


def test_warnings_are_in_the_metadata_of_the_flight_info(running: Running) -> None:
    with running.flight() as client:
        warned = client.get_flight_info(statement("SELECT id FROM items LIMIT 3"))
        silent = client.get_flight_info(statement("SELECT 1"))
    listed = json.loads(warned.app_metadata)["warnings"]
    assert "order.not_guaranteed" in [warning["code"] for warning in listed]
    assert silent.app_metadata == b""


def test_adbc_can_read_the_warnings(running: Running) -> None:
    with (
        adbc_driver_flightsql.connect(running.tcp) as database,
        AdbcConnection(database) as connection,
        AdbcStatement(connection) as asked,
    ):
        asked.set_sql_query("SELECT id FROM items LIMIT 3")
        partitions, _, _ = asked.execute_partitions()
        info = fl.FlightInfo.deserialize(partitions[0])
    assert json.loads(info.app_metadata)["warnings"]


def test_notes_of_a_translation_are_warnings(running: Running) -> None:
    options = fl.FlightCallOptions(headers=[(b"x-crosswind-dialect", b"mysql")])
    with running.flight() as client:
        info = client.get_flight_info(statement("SELECT id FROM items WHERE name = 'x'"), options)
    codes = [warning["code"] for warning in json.loads(info.app_metadata)["warnings"]]
    assert "dialect.best_effort" in codes


@pytest.mark.parametrize(
    ("form", "begins"), [("json", "{"), ("mermaid", "flowchart"), ("text", "plan: ")]
)
@pytest.mark.parametrize("analyze", ["", "ANALYZE, "])
def test_explain_has_three_forms_through_a_client(
    running: Running, form: str, begins: str, analyze: str
) -> None:
    with running.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({analyze}FORMAT {form}) SELECT sum(id) FROM items")
        table = cursor.fetch_arrow_table()
    assert table.schema == pa.schema([pa.field("plan", pa.string(), nullable=False)])
    assert table["plan"][0].as_py().startswith(begins)
    assert (table.num_rows == 1) == (form != "text")
    if form == "json":
        value = json.loads(table["plan"][0].as_py())
        assert (value["ran"] is not None) == bool(analyze)


def test_explain_works_in_a_clients_dialect(running: Running) -> None:
    with running.connect(db_kwargs={HEADER + "dialect": "tsql"}) as connection:
        lines = answered(connection, "EXPLAIN SELECT TOP 3 [id] FROM items")
    assert lines[0].startswith("plan: ")
    assert "fetch 3" in "\n".join(lines)


def test_an_error_has_its_place_in_the_clients_text(running: Running) -> None:
    with running.connect(db_kwargs={HEADER + "dialect": "snowflake"}) as connection:
        with pytest.raises(flightsql.ProgrammingError, match="line 2, column 3"):
            answered(connection, "SELECT iff(id > 1, 1, 2),\n  idd FROM items")
        with pytest.raises(flightsql.NotSupportedError, match=r"line 1, column 8.*JSON"):
            answered(connection, "SELECT name:a.b FROM items")


def test_the_defaults_are_nothing() -> None:
    assert DEFAULTS.given() == {}
    assert DEFAULTS.with_option("dialect", "").with_option("pushdown", "") == DEFAULTS


def test_preparing_needs_no_session(running: Running) -> None:
    with running.flight() as client:
        assert prepare(client, "SELECT 1").prepared_statement_handle
