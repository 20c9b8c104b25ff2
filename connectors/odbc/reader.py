"""A fragment on its way: one statement of ODBC's, read as batches.

Owns the driver's calls. ODBC's own way to stop one is not to be had through arrow-odbc: where the
database has a statement for it, another connection says it. Waiting is `connectors.apart`'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.apart import Wanted
from connectors.errors import SourceError, SourceSchemaChangedError
from connectors.odbc.database import Database, Session
from connectors.odbc.failures import translated
from connectors.odbc.options import OdbcOptions
from connectors.odbc.readings import Columns, rows_alone

_MOST_ROWS = 65_535
"""Of a batch: some drivers count them in 16 bits."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement, and what is made of its rows.

    Attributes:
        travels: the schema in which its columns travel.
        read: what they are made; the first ones are those of the batches.
        filter: which of the rows are wanted; None for all.
        limit: how many of those that `filter` keeps.
    """

    sql: str
    travels: pa.Schema
    read: pa.Schema
    filter: pc.Expression | None = None
    limit: int | None = None


class _Kept:
    """Of the rows that arrive, those that are wanted.

    Attributes:
        enough: there are as many as may be.
    """

    def __init__(self, columns: Columns, asked: Asked, schema: pa.Schema) -> None:
        self._columns = columns
        self._filter = asked.filter
        self._schema = schema
        self._left = asked.limit
        self.enough = False

    def convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """See `Columns.convert`."""
        read = self._columns.convert(batch)
        if self._filter is None:
            return read
        kept = pa.Table.from_batches([read]).filter(self._filter)
        if self._left is not None:
            kept = kept.slice(0, self._left)
            self._left -= kept.num_rows
            self.enough = not self._left
        if not len(self._schema):
            return rows_alone(kept.num_rows)
        columns = [column.combine_chunks() for column in kept.columns[: len(self._schema)]]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)


class Statement:
    """`connectors.apart.Interruptible` of one statement.

    Args:
        database: where connections come from.
        asked: makes the statement, when it is read; may ask the database.
        schema: the exact schema of the batches.
        options: of the source, for the bounds of a batch.
    """

    def __init__(
        self,
        database: Database,
        asked: Callable[[], Asked],
        schema: pa.Schema,
        options: OdbcOptions,
    ) -> None:
        self._database = database
        self._asked = asked
        self._schema = schema
        self._options = options
        # Its number belongs to the statement while this is held, and is nobody else's.
        self._running = threading.Lock()
        self._number: int | None = None

    def read(self, wanted: Wanted) -> None:
        """See `connectors.apart.Work`."""
        asked = self._asked()
        while True:
            session = self._database.pool.acquire()
            fresh, complete = session.fresh, False
            try:
                complete = self._read_from(session, asked, wanted)
                return
            except SourceError as error:
                # What it was made of holds the reader, and with it the connection.
                error.__context__ = None
                changed = isinstance(error, SourceSchemaChangedError)
                if changed or fresh or wanted.delivered or wanted.stopped:
                    raise
                # It may have died unseen. Nothing has left here.
                self._database.pool.discard_idle()
            finally:
                self._database.pool.release(session, sound=complete)

    def interrupt(self) -> None:
        """See `connectors.apart.Interruptible`. One that cannot be ended ends by itself."""
        with self._running, suppress(SourceError):
            if self._number is not None:
                self._database.end_statement(self._number)

    def _read_from(self, session: Session, asked: Asked, wanted: Wanted) -> bool:
        """Read it to its end; False when nobody wants the rest."""
        with self._running:
            self._number = session.number
        reader: Any = None
        try:
            with translated(self._database.source, self._database.mask):
                reader = self._started(session, asked)
            columns = Columns(self._database.source, reader.schema, asked.read)
            kept = _Kept(columns, asked, self._schema)
            while not kept.enough and wanted.has_room():
                with translated(self._database.source, self._database.mask):
                    batch = next(reader, None)
                if batch is None:
                    return not wanted.stopped
                if batch.num_rows:
                    wanted.deliver(batch, kept.convert)
            return False
        finally:
            # Freeing it reads what is left of its rows: it may still be interrupted then.
            reader = None
            with self._running:
                self._number = None

    def _started(self, session: Session, asked: Asked) -> Any:
        options = self._options
        return session.connection.read_arrow_batches(
            asked.sql,
            batch_size=_MOST_ROWS,
            max_bytes_per_batch=options.max_batch_mb << 20,
            max_text_size=options.max_text_bytes,
            max_binary_size=options.max_binary_bytes,
            schema=asked.travels if len(asked.travels) else None,
            fetch_concurrently=options.fetch_concurrently,
            falliable_allocations=True,
        )
