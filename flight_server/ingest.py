"""Bulk ingestion: the rows of a DoPut to the source that takes them.

Owns how the command names a source, and what it asks for. What rows are taken, the source decides.
"""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from connectors.contract import Ingest, Ingests, TableName
from connectors.errors import (
    CancelledError,
    CrosswindError,
    ForbiddenError,
    RequestError,
    UnknownNameError,
    UnsupportedError,
)
from flight_server.commands import ingestion
from flight_server.proto import flight_sql_pb2 as pb
from flight_server.queries import Queries
from flight_server.run import shutting_down
from planner.catalog import Catalog, Source

_Definition = pb.CommandStatementIngest.TableDefinitionOptions
_ABSENT = {
    _Definition.TABLE_NOT_EXIST_OPTION_CREATE: "create",
    _Definition.TABLE_NOT_EXIST_OPTION_FAIL: "fail",
}
_PRESENT = {
    _Definition.TABLE_EXISTS_OPTION_FAIL: "fail",
    _Definition.TABLE_EXISTS_OPTION_APPEND: "append",
    _Definition.TABLE_EXISTS_OPTION_REPLACE: "replace",
}


def takes_rows(catalog: Catalog) -> bool:
    """Whether there is a source that clients may send rows to."""
    return bool(_willing(catalog))


def ingest(queries: Queries, body: bytes, context: Any, reader: Any, writer: Any) -> None:
    """Hand a client's rows to a source, and tell the client how many.

    Args:
        body: the command of the descriptor.

    Raises:
        ForbiddenError: when the source that is named takes none.
        UnsupportedError: when none does, or the command is for something else than rows.
        RequestError: when the command or the rows cannot be used.
        LimitError: when the source may not hold so many.
        CancelledError: when the client has gone.
    """
    if queries.closing:
        raise shutting_down()
    batches = _batches(context, reader)
    try:
        command = ingestion(body)
        into = _wanted(command)
        source = _chosen(queries.catalog, command.catalog)
        rows = source.connector.ingest(into, reader.schema, batches)  # type: ignore[attr-defined]
    except CrosswindError:
        _hear_out(reader.schema, batches)
        raise
    queries.forget_plans(source.name)
    result = pb.DoPutUpdateResult(record_count=rows).SerializeToString()
    try:
        writer.write(pa.py_buffer(result))
    except (pa.ArrowException, OSError):
        raise CancelledError("the client went away before it was answered") from None


def _wanted(command: Any) -> Ingest:
    if command.HasField("transaction_id") and command.transaction_id:
        raise UnsupportedError("transactions are not supported; rows are taken all or none")
    if command.temporary:
        raise UnsupportedError("temporary tables are not supported")
    if command.options:
        raise UnsupportedError(f"the option {min(command.options)!r} of an ingestion is not known")
    defined = command.table_definition_options
    absent, present = _ABSENT.get(defined.if_not_exist), _PRESENT.get(defined.if_exists)
    if absent is None or present is None:
        raise RequestError(
            "the command does not say what to do where there is such a table or none"
        )
    return Ingest(TableName(command.schema, command.table), absent, present)  # type: ignore[arg-type]


def _chosen(catalog: Catalog, name: str) -> Source:
    """The source that the command's catalog names, or the only one that takes rows."""
    if name:
        source = catalog.sources.get(name)
        if source is None:
            known = ", ".join(sorted(catalog.sources)) or "none"
            raise UnknownNameError(
                f"source {name!r} does not exist", hint=f"Known sources: {known}."
            )
        if not isinstance(source.connector, Ingests):
            raise ForbiddenError("it is only read: it takes no rows", source=name)
        return source
    willing = _willing(catalog)
    if not willing:
        raise UnsupportedError(
            "this server is read-only: it runs queries, and changes nothing",
            hint='A source with connector = "memory" and ingest = true takes tables.',
        )
    if len(willing) > 1:
        names = ", ".join(source.name for source in willing)
        raise RequestError(
            f"several sources take tables: {names}", hint="Name one of them as the catalog."
        )
    return willing[0]


def _willing(catalog: Catalog) -> list[Source]:
    return [
        source
        for source in catalog.sources.values()
        if isinstance(source.connector, Ingests) and source.connector.takes_rows
    ]


def _hear_out(schema: pa.Schema, batches: Generator[pa.RecordBatch]) -> None:
    """Read the first rows of what is refused, where none was read and they have dictionaries.

    Go's client that is told while it still sends its dictionaries reports that it could not send,
    and not what it was told. Others may read the answer before they send any row.
    """
    unread = inspect.getgeneratorstate(batches) == inspect.GEN_CREATED
    if unread and any(_has_dictionaries(field.type) for field in schema):
        with suppress(CrosswindError):
            next(batches, None)


def _has_dictionaries(type_: pa.DataType) -> bool:
    within = (type_.field(index).type for index in range(type_.num_fields))
    return pa.types.is_dictionary(type_) or any(map(_has_dictionaries, within))


def _batches(context: Any, reader: Any) -> Generator[pa.RecordBatch]:
    while True:
        try:
            batch = reader.read_chunk().data
        except StopIteration:
            # A stream that was broken off ends as one that is complete.
            if context.is_cancelled():
                raise CancelledError("the client went away before its last row") from None
            return
        except (fl.FlightCancelledError, pa.ArrowCancelled):
            raise CancelledError("the client went away before its last row") from None
        except (pa.ArrowException, OSError) as error:
            raise RequestError(f"the rows sent cannot be read: {error}") from None
        if batch is not None:
            yield batch
