"""From batches to the stream that a client reads: sized, owned and closed.

Owns message sizes and how an error in mid-stream keeps its status. Must not know what is streamed.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from itertools import chain
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.flight as fl

from execution.sizing import size_bytes
from flight_server.failures import to_status
from flight_server.watcher import Watch

TARGET_BYTES = 2 * 1024 * 1024
"""What arrow-rs aims at as well: well under the 4 MiB that gRPC clients accept by default."""

LIMIT_BYTES = 7 * 1024 * 1024 // 2
"""What no slice of several rows exceeds; half a MiB is left for the message's own metadata."""


class Running(Protocol):
    """A query on its way to a client."""

    @property
    def schema(self) -> pa.Schema: ...

    def batches(self) -> Iterator[pa.RecordBatch]: ...


def sized(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in zero-copy slices of about TARGET_BYTES; a row that is larger goes alone."""
    if size_bytes(batch) <= LIMIT_BYTES:
        yield batch
        return
    sliced_bytes = _sliced_bytes(batch)
    if sliced_bytes <= LIMIT_BYTES or batch.num_rows == 1:
        yield batch
        return
    step = max(1, batch.num_rows * TARGET_BYTES // sliced_bytes)
    for start in range(0, batch.num_rows, step):
        # Rows may be of very different sizes: a piece may have to be cut again.
        yield from sized(batch.slice(start, step))


def _sliced_bytes(batch: pa.RecordBatch) -> int:
    """The bytes that get fewer when the batch is sliced: a dictionary is sent whole, and once."""
    return size_bytes(batch) - sum(map(_dictionary_bytes, batch.columns))


def _dictionary_bytes(array: pa.Array) -> int:
    if pa.types.is_dictionary(array.type):
        return int(array.dictionary.nbytes)
    if pa.types.is_struct(array.type):
        return sum(_dictionary_bytes(array.field(i)) for i in range(array.type.num_fields))
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return _dictionary_bytes(array.values)
    return 0


def table_stream(batch: pa.RecordBatch) -> Any:
    """A result that is already here."""
    reader = pa.RecordBatchReader.from_batches(batch.schema, sized(batch))
    return fl.RecordBatchStream(reader)


def known_stream(schema: pa.Schema, batches: list[pa.RecordBatch]) -> Any:
    """A small result that is already here, in batches; a table is sent without coming back here."""
    return fl.RecordBatchStream(pa.Table.from_batches(batches, schema))


def query_stream(running: Running, watch: Watch, compression: str | None = None) -> Any:
    """The stream of a query. Its schema is sent at once; the query starts when that has gone.

    The reader inside a GeneratorStream does two things that neither does alone: the reader sends
    dictionaries, and the generator around it raises a FlightError after the reader's end, which
    alone keeps its gRPC code.

    Args:
        watch: looks after the client while the query works; closed when the stream is over.
        compression: of the batches, by Arrow's name of it; None for none.
    """
    failures: list[Exception] = []
    sent = _sent(running, watch, failures)
    # A generator that nobody has pulled does not run its `finally` when it goes.
    weakref.finalize(sent, watch.close).atexit = False
    reader = pa.RecordBatchReader.from_batches(running.schema, sent)
    stream = reader
    if compression is not None:
        # The options of a GeneratorStream are not those of the streams within it.
        options = pa.ipc.IpcWriteOptions(compression=compression)
        stream = fl.RecordBatchStream(reader, options)
    return fl.GeneratorStream(running.schema, _with_failure(stream, failures))


def _with_failure(stream: Any, failures: list[Exception]) -> Iterator[Any]:
    yield stream
    for failure in failures:
        raise failure


def _sent(running: Running, watch: Watch, failures: list[Exception]) -> Iterator[pa.RecordBatch]:
    try:
        yield from chain.from_iterable(map(sized, watch.pull(running.batches())))
    except Exception as error:
        failures.append(to_status(error))
    finally:
        watch.close()
