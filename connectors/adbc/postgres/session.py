"""One connection to a PostgreSQL server, as the driver gives it.

Owns the driver's connection, and statements without a result stream. By itself each statement is
a transaction of its own, read-only and repeatable read by the settings of the session: that saves
two round trips a query, and leaves nothing open between queries. Where the session has no settings
of its own, because a pooler lends it another server for each transaction, every statement stands in
a transaction that begins with them. Must not know the pool.
"""

from __future__ import annotations

import contextlib
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import adbc_driver_manager as adbc
import pyarrow as pa
import sqlglot.expressions as exp
from adbc_driver_manager._reader import AdbcRecordBatchReader
from adbc_driver_postgresql import ConnectionOptions, StatementOptions

# A stream's first rows leave early, and a cancel has little to wait for.
_BATCH_BYTES = 2 << 20

# Divides by zero where a pooler between swallowed the settings, also where the role has the same:
# without them, a text could mean something else, and a statement could write.
_SETTINGS_HOLD = """
SELECT 1 / CAST(
  coalesce(current_setting('crosswind.session', true), '') = 'on'
  AND current_setting('default_transaction_read_only') = 'on'
  AND current_setting('default_transaction_isolation') = 'repeatable read'
  AND current_setting('TimeZone') = 'UTC' AS integer)
"""


# The same within a transaction.
_LOCAL_SETTINGS_HOLD = """
SELECT 1 / CAST(
  current_setting('transaction_read_only') = 'on'
  AND current_setting('transaction_isolation') = 'repeatable read'
  AND current_setting('TimeZone') = 'UTC' AS integer)
"""

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_END = "ROLLBACK"

# Two servers, or a server and its replica, started in the same microsecond are not reckoned with.
_SERVER = exp.cast(exp.func("pg_postmaster_start_time"), "text", dialect="postgres")

_EXPORT = exp.select(exp.func("pg_export_snapshot").as_("snapshot"), _SERVER.as_("server")).sql(
    "postgres"
)


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

    def __init__(
        self, connection: adbc.AdbcConnection, sql: str, batch_bytes: int, *, copied: bool
    ) -> None:
        self._statement = adbc.AdbcStatement(connection)
        self._reader: AdbcRecordBatchReader | None = None
        try:
            self._statement.set_options(
                **{
                    StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(batch_bytes),
                    StatementOptions.USE_COPY.value: str(copied).lower(),
                }
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

    Args:
        local: settings of each transaction, where the session can have none.

    Attributes:
        fresh: it has not been used yet, so that a failure is not that of an idle connection.
        alone: a statement outside of a transaction of ours is one of its own.
    """

    def __init__(
        self,
        database: adbc.AdbcDatabase,
        name: str = "postgres",
        local: Mapping[str, str] | None = None,
    ) -> None:
        self.fresh = True
        self.alone = local is None
        self._begin = "; ".join((_BEGIN, *(_set_local(*item) for item in (local or {}).items())))
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
        return self._status == "idle"

    @property
    def open(self) -> bool:
        """The server awaits a statement of a transaction, or its end. Needs no I/O."""
        return self._status in ("intrans", "inerror")

    @property
    def failed(self) -> bool:
        """A statement of its transaction failed: what comes next there would too. Needs no I/O."""
        return self._status == "inerror"

    @property
    def _status(self) -> str:
        if self._closed:
            return "closed"
        return str(self._connection.get_option(ConnectionOptions.TRANSACTION_STATUS.value))

    def start(self, work: Callable[[], None]) -> None:
        """Do `work`, which must not raise, on the session's thread; returns at once."""
        self._work.put(work)

    def stream(self, sql: str, batch_bytes: int | None = None, *, copied: bool = True) -> Stream:
        """Run a statement and read its result as it comes, in batches of about `batch_bytes`.

        Args:
            copied: by COPY, which takes three round trips; else it takes one, and the driver holds
                the whole result.
        """
        return Stream(self._connection, sql, batch_bytes or _BATCH_BYTES, copied=copied)

    def begin(self, moment: Exported | None = None) -> None:
        """Open a transaction, in which all statements see one moment; one round trip.

        Args:
            moment: what an open transaction has exported; None for that of the first statement.

        Raises:
            adbc_driver_manager.Error: also with SQLSTATE 22012, where this is another server.
        """
        if moment is None:
            self._run(self._begin)
            return
        snapshot = exp.Literal.string(moment.snapshot)
        chosen = exp.Command(this="SET TRANSACTION SNAPSHOT", expression=snapshot.sql("postgres"))
        # Divides by zero, to cost no round trip of its own.
        same = exp.select(_one_if(_SERVER.eq(exp.Literal.string(moment.server))))
        self._run("; ".join((self._begin, chosen.sql("postgres"), same.sql("postgres"))))

    def export(self) -> Exported:
        """The moment of the open transaction, which others see while it is open; one round trip."""
        row = self._rows(_EXPORT, copied=False)[0]
        return Exported(str(row["snapshot"]), str(row["server"]))

    def end(self) -> None:
        """End the transaction, also one that has failed."""
        self._run(_END)

    def rows(self, sql: str, parameters: Sequence[str | None] = ()) -> list[dict[str, object]]:
        """Run a statement whose parameters are texts, and read its whole, small result.

        What fails may leave a transaction open.
        """
        if self.alone:
            return self._rows(sql, parameters)
        self.begin()
        rows = self._rows(sql, parameters)
        self.end()
        return rows

    def explained(self, sql: str, timeout_seconds: float) -> object:
        """The server's plan of a statement, which it does not run, read from JSON.

        What fails may leave a transaction open.
        """
        limit = str(math.ceil(timeout_seconds * 1000))
        self._run("; ".join((self._begin, _set_local("statement_timeout", limit))))
        question = exp.Command(this="EXPLAIN (FORMAT JSON)", expression=sql)
        # The driver copies results, where it is not told that this one cannot be copied.
        (row,) = self._rows(question.sql("postgres"), copied=False)
        self.end()
        (plan,) = json.loads(str(row["QUERY PLAN"]))
        return plan

    def _rows(
        self, sql: str, parameters: Sequence[str | None] = (), *, copied: bool = True
    ) -> list[dict[str, object]]:
        statement = adbc.AdbcStatement(self._connection)
        try:
            statement.set_options(**{StatementOptions.USE_COPY.value: str(copied).lower()})
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

    def ping(self, answer_bytes: int) -> float:
        """Seconds of one round trip, whose answer has about so many bytes."""
        question = exp.select(
            exp.func("repeat", exp.Literal.string("x"), exp.Literal.number(answer_bytes))
        )
        started = time.perf_counter()
        self._run(question.sql("postgres"))
        return time.perf_counter() - started

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
        hold = _SETTINGS_HOLD
        if not self.alone:
            hold = "; ".join((self._begin, _LOCAL_SETTINGS_HOLD, _END))
        try:
            self._run(hold)
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


def _set_local(name: str, value: str) -> str:
    """Sets it until the transaction ends."""
    to = exp.EQ(this=exp.to_identifier(name), expression=exp.Literal.string(value))
    return exp.Set(expressions=[exp.SetItem(this=to, kind="LOCAL")]).sql("postgres")


def _one_if(condition: exp.Expression) -> exp.Expression:
    """1, or a division by zero, whose SQLSTATE is 22012."""
    found = exp.cast(condition, "integer", dialect="postgres")
    return exp.Div(this=exp.Literal.number(1), expression=found, typed=True)


def _run(works: queue.SimpleQueue[Callable[[], None] | None]) -> None:
    while (work := works.get()) is not None:
        work()
        # While it waits it must keep nothing alive: not a stream, not the batch it read last.
        del work
