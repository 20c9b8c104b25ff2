"""One connection to a PostgreSQL server, as the driver gives it.

Owns the driver's connection, and statements without a result stream. By itself each statement is
a transaction of its own, read-only and repeatable read by the settings of the session: that saves
two round trips a query, and leaves nothing open between queries. Must not know the pool.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import adbc_driver_manager as adbc
import pyarrow as pa
import sqlglot.expressions as exp
from adbc_driver_manager._reader import AdbcRecordBatchReader
from adbc_driver_postgresql import ConnectionOptions, StatementOptions

# A stream's first rows leave early, and a cancel has little to wait for.
_BATCH_BYTES = 2 << 20

# Divides by zero where a pooler between swallowed the settings: without them, a text could mean
# something else, and a statement could write.
_SETTINGS_HOLD = """
SELECT 1 / CAST(
  current_setting('default_transaction_read_only') = 'on'
  AND current_setting('default_transaction_isolation') = 'repeatable read'
  AND current_setting('TimeZone') = 'UTC' AS integer)
"""


_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# Two servers, or a server and its replica, started in the same microsecond are not reckoned with.
_SERVER = "CAST(pg_postmaster_start_time() AS text)"

_EXPORT = f"SELECT pg_export_snapshot() AS snapshot, {_SERVER} AS server"


@dataclass(frozen=True, slots=True)
class Exported:
    """A moment that an open transaction has exported.

    Attributes:
        snapshot: its id, a small counter: another server may have another moment of that id.
        server: tells the server from others.
    """

    snapshot: str
    server: str


class SettingsLostError(Exception):
    """The server at the other end did not take the settings of the session."""


class Stream:
    """The result of one statement. Used by one thread; close it before its session."""

    def __init__(self, connection: adbc.AdbcConnection, sql: str) -> None:
        self._statement = adbc.AdbcStatement(connection)
        self._reader: AdbcRecordBatchReader | None = None
        try:
            self._statement.set_options(
                **{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH_BYTES)}
            )
            self._statement.set_sql_query(sql)
            # The handle owns what the reader reads: it must live as long.
            self._handle, _ = self._statement.execute_query()
            # The plain pyarrow reader would drop the SQLSTATE of an error in mid-stream.
            self._reader = AdbcRecordBatchReader._import_from_c(self._handle.address)
            self.schema: pa.Schema = self._reader.schema
        except BaseException:
            self.close()
            raise

    def read(self) -> pa.RecordBatch | None:
        """The next batch, or None at the end."""
        assert self._reader is not None
        try:
            return self._reader.read_next_batch()
        except StopIteration:
            return None

    def close(self) -> None:
        """Free the result. Asks the server for nothing."""
        if self._reader is not None:
            self._reader.close()
        self._statement.close()


class Session:
    """A connection, and a thread that makes the calls of the driver which may block.

    Nothing can end a call whose server has frozen or whose link is cut: TCP keeps such a connection
    for half a minute, or for ever. So whoever wants a result waits for this thread, and can leave.

    One user at a time; `cancel` may come from any thread, before `close`.

    Attributes:
        fresh: it has not been used yet, so that a failure is not that of an idle connection.
    """

    def __init__(self, database: adbc.AdbcDatabase, name: str = "postgres") -> None:
        self.fresh = True
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._connection = adbc.AdbcConnection(database)
        try:
            self._verify()
            threading.Thread(
                target=_run, args=(self._work,), name=f"{name}-session", daemon=True
            ).start()
        except BaseException:
            self._connection.close()
            raise

    @property
    def idle(self) -> bool:
        """The server awaits a statement, and no transaction is open. Needs no I/O."""
        status = ConnectionOptions.TRANSACTION_STATUS.value
        return not self._closed and self._connection.get_option(status) == "idle"

    def start(self, work: Callable[[], None]) -> None:
        """Do `work`, which must not raise, on the session's thread; returns at once."""
        self._work.put(work)

    def stream(self, sql: str) -> Stream:
        """Run a statement and read its result as it comes."""
        return Stream(self._connection, sql)

    def begin(self, moment: Exported | None = None) -> None:
        """Open a transaction, in which all statements see one moment; one round trip.

        Args:
            moment: what an open transaction has exported; None for that of the first statement.

        Raises:
            adbc_driver_manager.Error: also with SQLSTATE 22012, where this is another server.
        """
        if moment is None:
            self._run(_BEGIN)
            return
        given = exp.Literal.string(moment.snapshot).sql("postgres")
        chosen = exp.Command(this="SET TRANSACTION SNAPSHOT", expression=given)
        server = exp.Literal.string(moment.server).sql("postgres")
        # Divides by zero, to cost no round trip of its own.
        same = f"SELECT 1 / CAST({_SERVER} = {server} AS integer)"
        self._run(f"{_BEGIN}; {chosen.sql('postgres')}; {same}")

    def export(self) -> Exported:
        """The moment of the open transaction, which others see while this one is open."""
        row = self.rows(_EXPORT)[0]
        return Exported(str(row["snapshot"]), str(row["server"]))

    def end(self) -> None:
        """End the transaction, also one that has failed."""
        self._run("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[str | None] = ()) -> list[dict[str, object]]:
        """Run a statement whose parameters are texts, and read its whole, small result."""
        statement = adbc.AdbcStatement(self._connection)
        try:
            statement.set_sql_query(sql)
            if parameters:
                statement.prepare()
                columns = [pa.array([value], pa.string()) for value in parameters]
                names = [str(number) for number, _ in enumerate(parameters, 1)]
                statement.bind(pa.RecordBatch.from_arrays(columns, names=names))
            handle, _ = statement.execute_query()
            reader = AdbcRecordBatchReader._import_from_c(handle.address)
            try:
                rows: list[dict[str, object]] = reader.read_all().to_pylist()
                return rows
            finally:
                reader.close()
        finally:
            statement.close()

    def cancel(self) -> None:
        """Ask the server to stop what this session runs; one round trip. Nothing if closed."""
        with self._lock:
            if not self._closed:
                # No server to ask means that nothing runs there either.
                with contextlib.suppress(adbc.Error):
                    self._connection.cancel()

    def close(self) -> None:
        """End the session; what it still runs ends when the server next writes. Idempotent."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._connection.close()
                self._work.put(None)

    def _verify(self) -> None:
        try:
            self._run(_SETTINGS_HOLD)
        except adbc.Error as error:
            if error.sqlstate == "22012":
                raise SettingsLostError from None
            raise

    def _run(self, sql: str) -> None:
        """Run statements whose results do not matter."""
        statement = adbc.AdbcStatement(self._connection)
        try:
            statement.set_sql_query(sql)
            statement.execute_update()  # unlike execute_query, a single round trip
        finally:
            statement.close()


def _run(works: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    while (work := works.get()) is not None:
        work()
        # While it waits it must keep nothing alive: not a stream, not the batch it read last.
        del work
