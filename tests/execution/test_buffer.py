"""The buffer between a source's thread and the engine: back-pressure, overflow, endings."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from connectors.errors import CancelledError, MemoryLimitError, SourceUnavailableError
from execution.buffer import BatchBuffer, Overflow

from .waiting import Background, eventually

SCHEMA = pa.schema([("i", pa.int64()), ("s", pa.string())])


def batch(number: int, rows: int = 100) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {"i": [number] * rows, "s": [f"text {number}"] * rows}, schema=SCHEMA
    )


def numbers(buffer: BatchBuffer) -> list[int]:
    """What the buffer hands out, to its end."""
    found = []
    while (got := buffer.get()) is not None:
        found.append(got["i"][0].as_py())
    return found


def test_batches_come_out_as_they_went_in() -> None:
    buffer = BatchBuffer(1 << 20)
    for number in range(5):
        buffer.put(batch(number))
    buffer.finish()
    assert numbers(buffer) == [0, 1, 2, 3, 4]
    assert buffer.get() is None


def test_a_full_buffer_holds_its_producer_up_and_loses_nothing() -> None:
    limit = 3 * batch(0).nbytes
    buffer = BatchBuffer(limit)
    put: list[int] = []

    def produce() -> None:
        for number in range(20):
            buffer.put(batch(number))
            put.append(number)
        buffer.finish()

    producer = Background(produce)
    eventually(lambda: len(put) == 3)
    found = []
    while (got := buffer.get()) is not None:
        found.append(got["i"][0].as_py())
        # Never more ahead than the limit, and the one that it waits with.
        assert len(put) <= len(found) + 4
    producer.join()
    assert found == list(range(20))


def test_a_batch_larger_than_the_buffer_is_let_in_alone() -> None:
    buffer = BatchBuffer(10)
    buffer.put(batch(1))
    second = Background(lambda: buffer.put(batch(2)))
    assert not second.ended
    assert buffer.get() == batch(1)
    second.join()
    assert buffer.get() == batch(2)


def test_a_failure_comes_after_what_was_put_before() -> None:
    buffer = BatchBuffer(1 << 20)
    buffer.put(batch(1))
    buffer.finish(SourceUnavailableError("gone", source="shop"))
    assert buffer.get() == batch(1)
    with pytest.raises(SourceUnavailableError, match="gone"):
        buffer.get()


def test_cancelling_wakes_both_sides() -> None:
    empty, full = BatchBuffer(10), BatchBuffer(10)
    full.put(batch(1))
    consumer = Background(empty.get)
    producer = Background(lambda: full.put(batch(2)))
    empty.cancel()
    full.cancel()
    assert isinstance(consumer.join().error, CancelledError)
    assert isinstance(producer.join().error, CancelledError)
    with pytest.raises(CancelledError):
        full.get()


def test_with_an_overflow_nobody_waits_and_the_order_stays(tmp_path: Path) -> None:
    buffer = BatchBuffer(3 * batch(0).nbytes, Overflow(tmp_path, SCHEMA, 1 << 30))
    for number in range(50):
        buffer.put(batch(number))
    assert buffer.get() == batch(0)
    # What has gone to disk stays behind what comes later, though there is room again.
    for number in range(50, 60):
        buffer.put(batch(number))
    rest = Background(lambda: numbers(buffer))
    buffer.finish()
    assert rest.join().result == list(range(1, 60))
    buffer.close()
    assert not list(tmp_path.iterdir())


def test_closing_a_buffer_in_mid_stream_frees_its_file(tmp_path: Path) -> None:
    buffer = BatchBuffer(1, Overflow(tmp_path, SCHEMA, 1 << 30))
    for number in range(5):
        buffer.put(batch(number))
    buffer.close()
    assert not list(tmp_path.iterdir())
    with pytest.raises(CancelledError):
        buffer.put(batch(9))


def test_an_overflow_past_its_limit_is_an_error(tmp_path: Path) -> None:
    buffer = BatchBuffer(1, Overflow(tmp_path, SCHEMA, 2 * batch(0).nbytes))
    for number in range(3):
        buffer.put(batch(number))
    with pytest.raises(MemoryLimitError):
        buffer.put(batch(3))
    buffer.close()
