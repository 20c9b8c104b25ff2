"""The connections to one server: a hard maximum, reused while they are sound.

Owns every session and the waiting for one. Must not know what runs on it, nor what a query is.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import adbc_driver_manager as adbc

from connectors.adbc.postgres.endpoint import Endpoint
from connectors.adbc.postgres.failures import translated
from connectors.adbc.postgres.login import Login
from connectors.adbc.postgres.options import PoolMode
from connectors.adbc.postgres.session import Session
from connectors.errors import (
    CancelledError,
    QueueFullError,
    SourceTimeoutError,
    SourceUnavailableError,
)

_T = TypeVar("_T")


class Sessions(Protocol):
    """Where the sessions of a query come from: the pool, or a moment that several of them see."""

    source: str
    mask: Callable[[str], str]

    def acquire(self, stopped: Callable[[], bool], deadline: float | None) -> Session:
        """See `Pool.acquire`."""
        ...

    def enter(self, session: Session) -> bool:
        """Make it ready, on its own thread; whether it sees what others of its query see."""
        ...

    def release(self, session: Session, *, discard: bool = False) -> None:
        """See `Pool.release`."""
        ...

    def discard_idle(self) -> None:
        """See `Pool.discard_idle`."""
        ...

    def wake(self) -> None:
        """See `Pool.wake`."""
        ...


@dataclass(slots=True, eq=False)
class _Dial:
    """A connection on its way, made by a thread of its own because libpq cannot be interrupted."""

    session: Session | None = None
    error: BaseException | None = None
    abandoned: bool = False

    @property
    def done(self) -> bool:
        return self.session is not None or self.error is not None


class Pool:
    """At most `maximum` sessions, made on demand, handed out in the order of asking.

    Args:
        source: the configured name, for errors.
        endpoint: where to connect.
        maximum: sessions at once, those being made included.
        wait_seconds: how long `acquire` waits, for its turn and for the server to let it in; and
            then as long for the answer to what is asked.
        timeout_seconds: the server's limit for a statement.
        mode: whether settings hold for a session or for a transaction; None to find out.

    Attributes:
        changed: notified when a session came free, and of whatever else may end a wait for one.
    """

    def __init__(
        self,
        source: str,
        endpoint: Endpoint,
        *,
        maximum: int,
        wait_seconds: float,
        timeout_seconds: float | None,
        mode: PoolMode | None = None,
    ) -> None:
        self.source = source
        self.mask: Callable[[str], str] = endpoint.masked
        self._login = Login(source, endpoint, timeout_seconds, mode)
        self._maximum = maximum
        self._wait_seconds = wait_seconds
        self.changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._idle: list[Session] = []
        self._total = 0
        self._closed = False

    def acquire(
        self,
        stopped: Callable[[], bool] = lambda: False,
        deadline: float | None = None,
        *,
        wait_seconds: float | None = None,
    ) -> Session:
        """A session for the caller alone, to be given back with `release`.

        Args:
            stopped: asked after every `wake` and at the deadline; when true, waiting ends.
            deadline: on the clock of `time.monotonic`, or None.
            wait_seconds: how long to wait; None for the pool's own patience.

        Raises:
            CancelledError: `stopped` said so.
            QueueFullError: no session came free in time.
            SourceError: the server cannot be reached or refuses, or the pool is closed.
        """
        patience_seconds = self._wait_seconds if wait_seconds is None else wait_seconds
        give_up = time.monotonic() + patience_seconds
        ticket = object()
        with self.changed:
            self._waiting.append(ticket)
            try:
                while not (
                    self._waiting[0] is ticket and (self._idle or self._total < self._maximum)
                ):
                    self._check(stopped)
                    if not self._wait(give_up, deadline):
                        raise QueueFullError(
                            f"no connection came free within {patience_seconds:g} s; "
                            f"all {self._maximum} are in use",
                            source=self.source,
                            hint="Raise max_connections of the source, or try again later.",
                        )
                self._check(stopped)
                if self._idle:
                    return self._idle.pop()
                self._total += 1
            finally:
                self._waiting.remove(ticket)
                self.changed.notify_all()
        return self._dialled(stopped, give_up, deadline)

    def enter(self, session: Session) -> bool:
        """Nothing to do where each statement is a transaction of its own."""
        if not session.alone:
            session.begin()
        return False

    def release(self, session: Session, *, discard: bool = False) -> None:
        """Give a session back. One that is not idle at the server is ended, never reused.

        A transaction that is open is ended first, on the session's own thread.
        """
        if not discard and session.open:
            session.start(partial(self._leave, session))
            return
        self._take_back(session, discard=discard)

    def _leave(self, session: Session) -> None:
        with contextlib.suppress(adbc.Error):
            session.end()
        self._take_back(session)

    def _take_back(self, session: Session, *, discard: bool = False) -> None:
        sound = not discard and session.idle
        session.fresh = False
        with self.changed:
            if sound and not self._closed:
                self._idle.append(session)
                self.changed.notify_all()
                return
        self._end([session])

    def rows(
        self,
        sql: str,
        parameters: Sequence[str | None] = (),
        *,
        wait_seconds: float | None = None,
    ) -> list[dict[str, object]]:
        """Run a small statement of the catalog; see `ask`."""
        return self.ask(lambda session: session.rows(sql, parameters), wait_seconds=wait_seconds)

    def ask(
        self,
        question: Callable[[Session], _T],
        *,
        wait_seconds: float | None = None,
        answer_seconds: float | None = None,
    ) -> _T:
        """Ask the server something small, on a connection that counts like any other.

        Args:
            question: runs on the session's thread, perhaps twice.
            wait_seconds: how long to wait for a connection; None for the pool's own patience.
            answer_seconds: how long to wait for the answer; None for the same.

        Raises:
            QueueFullError: no connection came free in time.
            SourceError: the server cannot be reached or refuses, or gave no answer in time.
        """
        patience_seconds = self._wait_seconds if answer_seconds is None else answer_seconds
        for last in (False, True):
            session = self.acquire(wait_seconds=wait_seconds)
            retry = not session.fresh and not last
            answer: Future[_T] = Future()
            session.start(partial(self._answer, answer, session, question))
            try:
                return answer.result(patience_seconds)
            except TimeoutError:
                # The session is released when the call returns, if ever.
                raise SourceTimeoutError(
                    f"the server did not answer within {patience_seconds:g} s",
                    source=self.source,
                ) from None
            except SourceUnavailableError:
                self.discard_idle()
                if not retry:
                    raise
        raise AssertionError("unreachable")

    def _answer(
        self, answer: Future[_T], session: Session, question: Callable[[Session], _T]
    ) -> None:
        found: list[_T] = []
        error: BaseException | None = None
        try:
            with translated(self.source, self.mask):
                found.append(question(session))
        except BaseException as failure:
            error = failure
        # Released first: whoever gets the answer finds the connection free.
        self.release(session)
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(found[0])

    def discard_idle(self) -> None:
        """End the idle sessions: one of them was found dead, so all are suspect."""
        with self.changed:
            idle, self._idle = self._idle, []
        self._end(idle)

    def wake(self) -> None:
        """Make every waiting `acquire` ask again whether it is stopped."""
        with self.changed:
            self.changed.notify_all()

    def close(self) -> None:
        """End idle sessions now and the others when they are released. Idempotent."""
        with self.changed:
            self._closed = True
            self.changed.notify_all()
        self.discard_idle()

    def _check(self, stopped: Callable[[], bool]) -> None:
        if stopped():
            raise CancelledError("cancelled while waiting for a connection")
        if self._closed:
            raise SourceUnavailableError("the source was closed", source=self.source)

    def _wait(self, give_up: float, deadline: float | None) -> bool:
        """Wait for a change; False when there is no more time to wait in."""
        until = give_up if deadline is None else min(give_up, deadline)
        self.changed.wait(until - time.monotonic())
        return time.monotonic() < give_up

    def _dialled(
        self, stopped: Callable[[], bool], give_up: float, deadline: float | None
    ) -> Session:
        dial = _Dial()
        try:
            threading.Thread(
                target=self._dial, args=(dial,), name=f"{self.source}-connect", daemon=True
            ).start()
        except RuntimeError:  # no more threads
            self._end([], made=1)
            raise
        with self.changed:
            try:
                while not dial.done:
                    self._check(stopped)
                    if not self._wait(give_up, deadline):
                        raise SourceUnavailableError(
                            f"the server did not answer within {self._wait_seconds:g} s",
                            source=self.source,
                        )
            except BaseException:
                dial.abandoned = True
                if dial.session is not None:
                    # Made in the last moment: nobody else knows of it.
                    self.release(dial.session)
                raise
        if dial.session is None:
            assert dial.error is not None
            raise dial.error
        return dial.session

    def _dial(self, dial: _Dial) -> None:
        session: Session | None = None
        error: BaseException | None = None
        try:
            session = self._login.open()
        except BaseException as failure:
            error = failure
        surplus: list[Session] = []
        with self.changed:
            if session is not None and dial.abandoned:
                session.fresh = False
                # Whoever waited is gone; the connection is as good for the next one.
                (surplus if self._closed else self._idle).append(session)
            dial.session, dial.error = session, error
            self.changed.notify_all()
        if error is not None or surplus:
            self._end(surplus, made=0 if surplus else 1)

    def _end(self, sessions: list[Session], *, made: int = 0) -> None:
        """Close sessions, and count them and `made` that never came to be as gone."""
        for session in sessions:
            session.close()
        with self.changed:
            self._total -= len(sessions) + made
            done = self._closed and self._total == 0
            self.changed.notify_all()
        if done:
            self._login.close()
