"""Turns, time and endings: admission, deadlines, handles that expire, shutdown."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import adbc_driver_flightsql.dbapi as flightsql
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from adbc_driver_flightsql import DatabaseOptions

from connectors.errors import CancelledError, QueueFullError, SourceSchemaChangedError
from execution.running import Execution
from flight_server.admission import Admission
from flight_server.parts import Limits
from flight_server.proto import flight_sql_pb2 as pb
from flight_server.sessions import Expiring, Handles
from planner.account import Account

from .conftest import ONE, Start
from .scripted import Scan, ScriptedTable, endless, failing, silence
from .waiting import PATIENCE_SECONDS, only, reached
from .wire import descriptor_request, prepare, statement, status_of, ticket_request


class HandClock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_entries_expire_after_their_last_use() -> None:
    clock = HandClock()
    handles: Handles[str] = Handles(10, 60.0, clock)
    used, unused = handles.add("used"), handles.add("unused")
    clock.now += 50
    assert handles.get(used) == "used"
    clock.now += 50
    assert handles.get(unused) is None
    assert handles.get(used) == "used"
    clock.now += 60
    assert handles.get(used) is None


def test_what_does_not_renew_expires_although_it_is_used() -> None:
    clock = HandClock()
    kept: Expiring[str, int] = Expiring(10, 60.0, clock, renews=False)
    kept.put("a", 1)
    clock.now += 50
    assert kept.get("a") == 1
    clock.now += 10
    assert kept.get("a") is None


def test_the_least_recently_used_makes_room() -> None:
    kept: Expiring[str, int] = Expiring(2, 60.0)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_a_map_without_room_keeps_nothing() -> None:
    kept: Expiring[str, int] = Expiring(0, 60.0)
    kept.put("a", 1)
    assert kept.get("a") is None


def test_prepared_statements_that_nobody_closes_expire(start: Start) -> None:
    clock = HandClock()
    running = start(limits=Limits(statement_ttl_seconds=60.0), clock=clock)
    with running.flight() as client:
        handles = [prepare(client, "SELECT 1").prepared_statement_handle for _ in range(5)]
        assert len(running.queries.statements) == 5
        clock.now += 61
        prepare(client, "SELECT 1")
    assert len(running.queries.statements) == 1
    command = pb.CommandPreparedStatementQuery(prepared_statement_handle=handles[0])
    code, _ = status_of(running.server.port, "GetFlightInfo", descriptor_request(command))
    assert code == "NOT_FOUND"


def test_prepared_statements_are_bounded(start: Start) -> None:
    running = start(limits=Limits(max_statements=3))
    with running.flight() as client:
        for _ in range(10):
            prepare(client, "SELECT 1")
    assert len(running.queries.statements) == 3


def test_tickets_expire(start: Start) -> None:
    clock = HandClock()
    running = start(clock=clock)
    with running.flight() as client:
        info = client.get_flight_info(statement("SELECT 1"))
    clock.now += 10_000
    request = ticket_request(info.endpoints[0].ticket.ticket)
    code, message = status_of(running.server.port, "DoGet", request)
    assert code == "NOT_FOUND"
    assert "expired" in message


def test_a_plan_is_made_once_for_a_while(start: Start) -> None:
    clock = HandClock()
    running = start(clock=clock, limits=Limits(plan_ttl_seconds=60.0))
    for _ in range(3):
        running.queries.plan("SELECT 1")
    assert running.planning.planned == ["SELECT 1"]
    clock.now += 61
    running.queries.plan("SELECT 1")
    assert running.planning.planned == ["SELECT 1"] * 2


def test_a_table_that_changed_is_planned_anew(start: Start) -> None:
    error = SourceSchemaChangedError("the table has changed", source="shop")
    running = start({"changing": ScriptedTable(ONE.schema, failing(error))})
    with running.connect() as connection, connection.cursor() as cursor:
        for _ in range(2):
            with pytest.raises(flightsql.OperationalError, match="schema_changed"):
                cursor.execute("SELECT * FROM changing")
                cursor.fetchall()
    assert running.planning.planned == ["SELECT * FROM changing"] * 2
    assert running.connector.tables().refreshed == 2


def test_turns_come_in_the_order_of_asking() -> None:
    admission = Admission(1, PATIENCE_SECONDS)
    first = admission.turn()
    first.take()
    order: list[int] = []
    threads = []
    for number in range(5):
        turn = admission.turn()

        def wait(turn: Any = turn, number: int = number) -> None:
            turn.take()
            order.append(number)
            turn.give_back()

        thread = threading.Thread(target=wait)
        thread.start()
        threads.append(thread)
        reached(lambda count=number + 1: admission.waiting == count)
    first.give_back()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]
    assert admission.waiting == 0


def test_a_turn_that_does_not_come_is_a_full_queue() -> None:
    admission = Admission(1, 0.0)
    holder, late = admission.turn(), admission.turn()
    holder.take()
    with pytest.raises(QueueFullError):
        late.take()
    holder.give_back()
    holder.give_back()
    late = admission.turn()
    late.take()
    with pytest.raises(QueueFullError):
        admission.turn().take()


def test_a_cancelled_turn_does_not_wait() -> None:
    admission = Admission(1, PATIENCE_SECONDS)
    holder, waiting = admission.turn(), admission.turn()
    holder.take()
    waiting.cancel()
    with pytest.raises(CancelledError):
        waiting.take()
    assert admission.waiting == 0


def test_a_full_server_says_so(start: Start) -> None:
    limits = Limits(max_concurrent_queries=1, queue_timeout_seconds=0.0)
    running = start({"silent": ScriptedTable(ONE.schema, silence)}, limits=limits)
    with running.flight() as client, running.connect() as connection:
        info = client.get_flight_info(statement("SELECT * FROM silent"))
        reader = client.do_get(info.endpoints[0].ticket)
        assert only(running).started.wait(PATIENCE_SECONDS)
        with connection.cursor() as cursor, pytest.raises(flightsql.OperationalError) as raised:
            cursor.execute("SELECT 1")
            cursor.fetchall()
        assert "[limit.queue]" in str(raised.value)
        reader.cancel()


def test_a_client_that_leaves_the_queue_makes_room(start: Start) -> None:
    limits = Limits(max_concurrent_queries=1)
    running = start({"silent": ScriptedTable(ONE.schema, silence)}, limits=limits)
    with running.flight() as client:
        info = client.get_flight_info(statement("SELECT * FROM silent"))
        holder = client.do_get(info.endpoints[0].ticket)
        assert only(running).started.wait(PATIENCE_SECONDS)
        waiter = client.do_get(info.endpoints[0].ticket)
        reached(lambda: running.queries.running == 2)
        waiter.cancel()
        reached(lambda: running.queries.running == 1)
        assert len(running.connector.scans) == 1
        holder.cancel()
        reached(lambda: running.queries.running == 0)


_PATIENT = {DatabaseOptions.TIMEOUT_FETCH.value: str(PATIENCE_SECONDS)}
"""A client that gives up itself, should its server not end the query."""


def test_a_query_has_a_deadline(start: Start) -> None:
    running = start(
        {"silent": ScriptedTable(ONE.schema, silence)}, limits=Limits(query_timeout_seconds=0.1)
    )
    with (
        running.connect(db_kwargs=_PATIENT) as connection,
        connection.cursor() as cursor,
        pytest.raises(flightsql.OperationalError, match=r"limit\.deadline"),
    ):
        cursor.execute("SELECT * FROM silent")
        cursor.fetchall()
    assert only(running).closed.wait(PATIENCE_SECONDS)


def test_it_has_one_also_where_nobody_can_say_what_took_so_long(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Execution) -> Account:
        raise RuntimeError("no figures")

    monkeypatch.setattr(Execution, "account", fails)
    test_a_query_has_a_deadline(start)


def test_closing_lets_a_running_query_finish(start: Start) -> None:
    finish = threading.Event()

    def script(scan: Scan) -> Iterator[pa.RecordBatch]:
        yield from ONE.to_batches()
        finish.wait()
        yield from ONE.to_batches()

    running = start({"slow": ScriptedTable(ONE.schema, script)}, drain_seconds=PATIENCE_SECONDS)
    with running.flight() as client:
        info = client.get_flight_info(statement("SELECT * FROM slow"))
        reader = client.do_get(info.endpoints[0].ticket)
        reader.read_chunk()
        closing = threading.Thread(target=running.server.close)
        closing.start()
        reached(lambda: running.queries.closing)
        finish.set()
        assert reader.read_chunk().data.num_rows == 1
        with pytest.raises(StopIteration):
            reader.read_chunk()
        closing.join()
    assert running.connector.closed
    assert not running.engine.directory.exists()


def test_a_client_whose_query_finishes_last_can_close_its_statement(start: Start) -> None:
    finish = threading.Event()

    def script(scan: Scan) -> Iterator[pa.RecordBatch]:
        finish.wait()
        yield from ONE.to_batches()

    running = start({"slow": ScriptedTable(ONE.schema, script)}, drain_seconds=PATIENCE_SECONDS)
    with running.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM slow")
        assert only(running).started.wait(PATIENCE_SECONDS)
        closing = threading.Thread(target=running.server.close)
        closing.start()
        reached(lambda: running.queries.closing)
        finish.set()
        assert cursor.fetch_arrow_table().num_rows == 1
    closing.join()


def test_closing_cancels_what_does_not_finish(start: Start) -> None:
    before = set(threading.enumerate())
    running = start({"silent": ScriptedTable(ONE.schema, silence)}, drain_seconds=0.0)
    with running.flight() as client:
        info = client.get_flight_info(statement("SELECT * FROM silent"))
        reader = client.do_get(info.endpoints[0].ticket)
        scan = only(running)
        assert scan.started.wait(PATIENCE_SECONDS)
        running.server.close()
        assert scan.closed.is_set()
        with pytest.raises(fl.FlightUnavailableError, match="shutting down"):
            reader.read_chunk()
    running.server.close()
    assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("crosswind")]


def test_closing_does_not_wait_for_a_client_that_does_not_read(start: Start) -> None:
    before = set(threading.enumerate())
    batch = pa.record_batch({"one": pa.array(range(500_000))})
    running = start({"endless": ScriptedTable(batch.schema, endless(batch))}, drain_seconds=0.0)
    with running.flight() as client:
        info = client.get_flight_info(statement("SELECT * FROM endless"))
        reader = client.do_get(info.endpoints[0].ticket)
        reader.read_chunk()
        running.server.close()
        assert only(running).closed.is_set()
        assert not [t for t in set(threading.enumerate()) - before if "stop" in t.name]
        del reader


def test_a_server_can_be_closed_from_many_threads(start: Start) -> None:
    running = start()
    threads = [threading.Thread(target=running.server.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not running.engine.directory.exists()


def test_a_port_in_use_is_an_error_that_leaves_nothing(start: Start) -> None:
    from connectors.errors import ConfigurationError
    from flight_server.server import Server

    first = start()
    before = threading.active_count()
    with pytest.raises(ConfigurationError, match="cannot listen"):
        Server(first.queries, first.server.url)
    assert threading.active_count() == before
