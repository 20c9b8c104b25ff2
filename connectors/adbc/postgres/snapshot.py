"""One moment of a server, seen by all sessions of one query.

The first session opens a transaction and exports its snapshot; the others open theirs on it. Owns
which session has exported, and how long its transaction stays open: until each fragment that is
expected has come. Must not know what runs on a session.

A session whose fragment has ended while others are still to come waits here for the next one, which
takes it before any other. So a query never holds a connection that none of its fragments needs,
and two queries cannot wait for each other.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from enum import Enum, auto
from functools import partial

import adbc_driver_manager as adbc

from connectors.adbc.postgres.pool import Pool
from connectors.adbc.postgres.session import Exported, Session
from connectors.errors import CancelledError

_LOG = logging.getLogger("crosswind.connectors")
_APART = (
    "source %r cannot show one moment to several connections (SQLSTATE %s): "
    "the parts of a query see it as it is when each of them begins"
)

# What a server says that has no snapshot to give, or that is not the one which gave it (of several
# hosts, or behind a pooler): not in this state, not supported, read-only, no such function, not
# allowed, no such snapshot, another server (see `Session.begin`).
_NO_SNAPSHOT = frozenset({"55000", "0A000", "25006", "42883", "42501", "22023", "42704", "22012"})


class _State(Enum):
    NEW = auto()
    EXPORTING = auto()
    EXPORTED = auto()
    APART = auto()
    GONE = auto()


class Snapshot:
    """The sessions of one query, all on one snapshot; see `connectors.adbc.postgres.pool.Sessions`.

    Args:
        pool: where sessions come from and go back to.
        expected: how many will come; None when that is not known, and they end before `close`.
        at_once: how many there are at a time. A single one exports nothing: who comes next takes
            over its transaction.
    """

    def __init__(self, pool: Pool, expected: int | None, at_once: int) -> None:
        self.source = pool.source
        self.mask: Callable[[str], str] = pool.mask
        self._pool = pool
        self._expected = expected
        self._alone = at_once <= 1
        # The pool's own: whoever waits there for a session looks at both.
        self._changed = pool.changed
        self._state = _State.NEW
        self._moment: Exported | None = None
        self._exporter: Session | None = None
        self._inside: set[Session] = set()
        self._waiting: Session | None = None
        self._closed = False

    def expect(self, more: int) -> None:
        """More will come than were expected, or fewer; said before the last one has entered."""
        with self._changed:
            if self._expected is not None:
                self._expected += more
        self._part_if_complete()

    def acquire(
        self, stopped: Callable[[], bool] = lambda: False, deadline: float | None = None
    ) -> Session:
        """See `Pool.acquire`; the others come after the session that exports."""
        while True:
            with self._changed:
                if stopped():
                    raise CancelledError("cancelled while waiting for a connection")
                if self._waiting is not None:
                    session, self._waiting = self._waiting, None
                    return session
                exports = self._state is _State.NEW
                if exports:
                    self._state = _State.EXPORTING
                elif self._state is _State.EXPORTING:
                    self._changed.wait(None if deadline is None else deadline - time.monotonic())
                    continue
            try:
                return self._acquired(stopped, deadline, exports=exports)
            except CancelledError:
                # Either that, or one waits here now.
                if stopped():
                    raise

    def _acquired(
        self, stopped: Callable[[], bool], deadline: float | None, *, exports: bool
    ) -> Session:
        try:
            session = self._pool.acquire(lambda: stopped() or self._waiting is not None, deadline)
        except BaseException:
            if exports:
                self._give_up_exporting()
            raise
        if exports:
            self._exporter = session
        return session

    def enter(self, session: Session) -> bool:
        """Bring a session into the moment; some round trips, on the session's own thread.

        Returns:
            Whether it is in it: not where the server has no snapshot to give.

        Raises:
            adbc_driver_manager.Error: the connection is lost, or the call was cancelled.
        """
        if session not in self._inside:
            if self._alone:
                session.begin()
                self._state = _State.EXPORTED
                self._inside.add(session)
            elif session is self._exporter:
                self._export(session)
            elif self._state is not _State.APART:
                self._join(session)
            if session not in self._inside:
                self._pool.enter(session)
            # What fails from here on is not an idle connection that was found dead.
            session.fresh = True
        with self._changed:
            if self._expected is not None:
                self._expected -= 1
        self._part_if_complete()
        return session in self._inside

    def _export(self, session: Session) -> None:
        session.begin()
        state = _State.EXPORTED
        try:
            self._moment = session.export()
        except adbc.Error as error:
            if error.sqlstate not in _NO_SNAPSHOT:
                raise
            session.end()
            _LOG.warning(_APART, self.source, error.sqlstate)
            state = _State.APART
        with self._changed:
            self._state = state
            if state is _State.EXPORTED:
                self._inside.add(session)
            self._changed.notify_all()

    def _join(self, session: Session) -> None:
        try:
            session.begin(self._moment)
        except adbc.Error as error:
            if error.sqlstate not in _NO_SNAPSHOT:
                raise
            session.end()
            if self._state is _State.GONE:
                raise CancelledError("the query was left before its end") from None
            _LOG.warning(_APART, self.source, error.sqlstate)
        else:
            with self._changed:
                self._inside.add(session)

    def release(self, session: Session, *, discard: bool = False) -> None:
        """Give a session back, or keep it for the next one; see `Pool.release`."""
        with self._changed:
            if session is self._exporter and self._state is _State.EXPORTING:
                self._give_up_exporting()
            inside = session in self._inside
            # What failed took its transaction, and so the moment, with it.
            lost = discard or (inside and session.failed)
            if inside and not lost and self._is_needed(session):
                self._waiting = session
                self._changed.notify_all()
                return
            self._inside.discard(session)
            if lost and session is self._exporter:
                self._state = _State.GONE
        if inside and not discard:
            session.start(partial(self._leave, session))
        else:
            self._pool.release(session, discard=discard)

    def _is_needed(self, session: Session) -> bool:
        more = self._expected is None or self._expected > 0
        first = self._alone or session is self._exporter
        return more and first and not self._closed and self._waiting is None

    def _give_up_exporting(self) -> None:
        with self._changed:
            self._state = _State.NEW
            self._exporter = None
            self._changed.notify_all()

    def _part_if_complete(self) -> None:
        """Let the session go that waits for others when there are none to come."""
        with self._changed:
            if not self._closed and (self._expected is None or self._expected > 0):
                return
            session, self._waiting = self._waiting, None
            if session is None:
                return
            self._inside.discard(session)
        session.start(partial(self._leave, session))

    def _leave(self, session: Session) -> None:
        """End the transaction, on the session's own thread."""
        # A session whose transaction cannot be ended is not idle: the pool does not keep it.
        with contextlib.suppress(adbc.Error):
            session.end()
        self._pool.release(session)

    def discard_idle(self) -> None:
        """See `Pool.discard_idle`."""
        self._pool.discard_idle()

    def wake(self) -> None:
        """See `Pool.wake`."""
        self._pool.wake()

    def close(self) -> None:
        """Nobody comes any more. Idempotent."""
        with self._changed:
            self._closed = True
        self._part_if_complete()
