"""Message sizes, and streams that are cut off: nothing outlives its client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from flight_server.proto import flight_sql_pb2 as pb
from flight_server.streams import LIMIT_BYTES, sized

from .conftest import ONE, Start
from .scripted import ScriptedTable, endless, silence, then_silence
from .waiting import PATIENCE_SECONDS, only
from .wire import action, message_sizes, statement

FOUR_MIB = 4 * 1024 * 1024


def ticket(client: Any, sql: str) -> Any:
    return client.get_flight_info(statement(sql)).endpoints[0].ticket


def wide(rows: int) -> pa.Table:
    numbers = np.arange(rows, dtype=np.int64)
    return pa.table(
        {
            "n": numbers,
            "text": pa.array(["x" * 40] * rows),
            "list": pa.ListArray.from_arrays(
                np.arange(rows + 1, dtype=np.int32) * 2, np.zeros(2 * rows)
            ),
            "flag": pa.array(numbers % 2 == 0),
        }
    )


def test_every_message_is_under_four_mib(start: Start) -> None:
    big = wide(400_000).combine_chunks()
    assert big.nbytes > 6 * FOUR_MIB
    running = start({"big": big})
    with running.flight() as client:
        found = ticket(client, "SELECT * FROM big")
        assert client.do_get(found).read_all().equals(big)
    assert max(message_sizes(running.server.port, found.ticket)) < FOUR_MIB


def test_a_row_that_is_too_large_is_sent_alone(start: Start) -> None:
    huge = "x" * (5 * 1024 * 1024)
    table = pa.table({"text": ["a"] * 1000 + [huge] + ["b"] * 1000}).combine_chunks()
    running = start({"skewed": table})
    with running.flight() as client:
        found = ticket(client, "SELECT * FROM skewed")
        assert client.do_get(found).read_all().equals(table)
    sizes = sorted(message_sizes(running.server.port, found.ticket))
    assert sizes[-1] > len(huge)
    assert sizes[-2] < FOUR_MIB


def test_a_large_dictionary_does_not_cut_batches_to_single_rows(start: Start) -> None:
    words = pa.array([f"{'w' * 100} {i}" for i in range(60_000)])
    column = pa.DictionaryArray.from_arrays(np.arange(60_000, dtype=np.int32), words)
    nested = pa.StructArray.from_arrays([column], ["word"])
    table = pa.table({"word": column, "inner": nested})
    running = start({"words": table})
    with running.flight() as client:
        read = client.do_get(ticket(client, "SELECT * FROM words")).read_all()
    assert read.column("word").num_chunks == 1
    assert read.to_pylist() == table.to_pylist()


def test_slices_share_the_buffers_of_their_batch() -> None:
    (batch,) = wide(400_000).combine_chunks().to_batches()
    before = pa.total_allocated_bytes()
    slices = list(sized(batch))
    assert pa.total_allocated_bytes() == before
    assert len(slices) > 5
    assert sum(piece.num_rows for piece in slices) == batch.num_rows
    assert all(piece.nbytes <= LIMIT_BYTES for piece in slices)


def test_small_batches_pass_as_they_are() -> None:
    (batch,) = ONE.to_batches()
    assert list(sized(batch)) == [batch]
    assert next(sized(batch)) is batch


def test_closing_a_reader_stops_the_source(start: Start) -> None:
    (batch,) = wide(10_000).combine_chunks().to_batches()
    running = start({"endless": ScriptedTable(batch.schema, endless(batch))})
    with running.flight() as client:
        reader = client.do_get(ticket(client, "SELECT * FROM endless"))
        reader.read_chunk()
        (scan,) = running.connector.scans
        assert not scan.closed.is_set()
        reader.cancel()
        assert scan.closed.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("when", ["before the first batch", "after the first batch"])
def test_a_client_that_leaves_a_silent_source_cancels_it(start: Start, when: str) -> None:
    script = silence if when.startswith("before") else then_silence(ONE.to_batches()[0])
    running = start({"silent": ScriptedTable(ONE.schema, script)})
    with running.flight() as client:
        reader = client.do_get(ticket(client, "SELECT * FROM silent"))
        if when.startswith("after"):
            reader.read_chunk()
        scan = only(running)
        assert scan.started.wait(PATIENCE_SECONDS)
        reader.cancel()
        assert scan.cancelled.wait(PATIENCE_SECONDS)
        assert scan.closed.wait(PATIENCE_SECONDS)


def test_adbc_cancels_a_silent_query(start: Start) -> None:
    running = start({"silent": ScriptedTable(ONE.schema, silence)})
    with running.connect() as connection, connection.cursor() as cursor:
        failed: list[Exception] = []

        def fetch() -> None:
            try:
                cursor.execute("SELECT * FROM silent")
                cursor.fetchall()
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=fetch)
        thread.start()
        scan = only(running)
        assert scan.started.wait(PATIENCE_SECONDS)
        cursor.adbc_cancel()
        assert scan.cancelled.wait(PATIENCE_SECONDS)
        assert scan.closed.wait(PATIENCE_SECONDS)
        thread.join()
        assert failed


def test_a_clients_own_timeout_cancels_the_query(start: Start) -> None:
    running = start({"silent": ScriptedTable(ONE.schema, silence)})
    with running.flight() as client:
        options = fl.FlightCallOptions(timeout=0.2)
        with pytest.raises(fl.FlightTimedOutError):
            client.do_get(ticket(client, "SELECT * FROM silent"), options).read_all()
        assert only(running).closed.wait(PATIENCE_SECONDS)


def test_cancel_flight_info_cancels_the_query(start: Start) -> None:
    running = start({"silent": ScriptedTable(ONE.schema, silence)})
    with running.flight() as client, running.flight() as other:
        info = client.get_flight_info(statement("SELECT * FROM silent"))
        reader = client.do_get(info.endpoints[0].ticket)
        scan = only(running)
        assert scan.started.wait(PATIENCE_SECONDS)
        request = pb.CancelFlightInfoRequest(info=info.serialize())
        (body,) = action(other, "CancelFlightInfo", request.SerializeToString())
        status = pb.CancelFlightInfoResult.FromString(body).status
        assert status == pb.CANCEL_STATUS_CANCELLED
        with pytest.raises(fl.FlightCancelledError):
            reader.read_chunk()  # read_all would make a KeyboardInterrupt of it
        assert scan.closed.wait(PATIENCE_SECONDS)


def test_an_unread_stream_is_closed_with_its_call(start: Start) -> None:
    (batch,) = wide(10_000).combine_chunks().to_batches()
    running = start({"endless": ScriptedTable(batch.schema, endless(batch))})
    with running.flight() as client:
        reader = client.do_get(ticket(client, "SELECT * FROM endless"))
        scan = only(running)
        assert scan.started.wait(PATIENCE_SECONDS)
        reader.cancel()
        del reader
        assert scan.closed.wait(PATIENCE_SECONDS)


def test_batches_of_another_schema_are_an_internal_error(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    def lying(_: object) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"one": ["text"]})

    running = start({"liar": ScriptedTable(ONE.schema, lying)})
    with running.flight() as client, pytest.raises(fl.FlightInternalError, match="incident"):
        client.do_get(ticket(client, "SELECT * FROM liar")).read_all()
    assert "Failed to parse" in caplog.text
