"""A fragment on its way: one statement of the driver, read as batches.

Owns the driver's calls. Waiting and stopping are `connectors.apart`'s; knows no catalog.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from connectors.adbc.any.database import Database, Session
from connectors.adbc.any.failures import translated
from connectors.adbc.columns import Columns
from connectors.apart import Wanted
from connectors.errors import SourceError, SourceSchemaChangedError


class Statement:
    """`connectors.apart.Interruptible` of one statement.

    Args:
        database: where connections come from.
        sql: makes the SQL, when it is read; may ask the database.
        schema: the exact schema of the batches.
    """

    def __init__(self, database: Database, sql: Callable[[], str], schema: pa.Schema) -> None:
        self._database = database
        self._sql = sql
        self._schema = schema
        # A statement is not freed while it is being cancelled.
        self._freeing = threading.Lock()
        self._statement: adbc.AdbcStatement | None = None

    def read(self, wanted: Wanted) -> None:
        """See `connectors.apart.Work`."""
        sql = self._sql()
        while True:
            session = self._database.pool.acquire()
            fresh, complete = session.fresh, False
            try:
                complete = self._read_from(session, sql, wanted)
                return
            except SourceSchemaChangedError:
                raise
            except SourceError:
                if fresh or wanted.delivered or wanted.stopped:
                    raise
                # It may have died unseen, which drivers say in many ways. Nothing has left here.
                self._database.pool.discard_idle()
            finally:
                self._database.pool.release(session, sound=complete)

    def interrupt(self) -> None:
        """See `connectors.apart.Interruptible`. One that cannot cancel ends by itself."""
        with self._freeing, suppress(adbc.Error):
            if self._statement is not None:
                self._statement.cancel()

    def _read_from(self, session: Session, sql: str, wanted: Wanted) -> bool:
        """Read it to its end; False when nobody wants the rest."""
        source, mask = self._database.source, self._database.mask
        with ExitStack() as opened:
            with translated(source, mask):
                statement = opened.enter_context(adbc.AdbcStatement(session.connection))
                opened.callback(self._unwatched)
                with self._freeing:
                    self._statement = statement
                statement.set_sql_query(sql)
                # The handle owns what the reader reads: it must live as long.
                handle, _ = statement.execute_query()
                reader = opened.enter_context(AdbcRecordBatchReader._import_from_c(handle.address))
                columns = Columns(source, reader.schema, self._schema, typed_by_rows=True)
            while wanted.has_room():
                with translated(source, mask):
                    try:
                        batch = reader.read_next_batch()
                    except StopIteration:
                        return not wanted.stopped
                if batch.num_rows:
                    wanted.deliver(batch, columns.convert)
            # What is not read would be sent all the same, by some before the stream can be closed.
            with suppress(adbc.Error):
                statement.cancel()
        return False

    def _unwatched(self) -> None:
        with self._freeing:
            self._statement = None
