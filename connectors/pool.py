"""Connections to one database: made when needed, used again, and asked in threads apart.

A driver may take long for whatever it is asked, and some cannot be told to stop. So nobody waits
for a question longer than they want to, and the questions that were given up are bounded. Owns
which connection is whose. Must not know any driver; statements are `connectors.apart`'s.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from connectors.errors import (
    QueueFullError,
    SourceError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)

_LEFT = 4
"""So many questions that were given up may go on; while they do, no other one is asked."""


@dataclass(slots=True, eq=False, kw_only=True)
class Session:
    """A connection for one user; a driver's own kind of it says what it is.

    Attributes:
        fresh: it was made for this user; else it may have died unseen.
        generation: of the pool, when it was made.
    """

    fresh: bool = True
    generation: int = 0


_S = TypeVar("_S", bound=Session)
_T = TypeVar("_T")


@dataclass(slots=True, eq=False)
class _Question(Generic[_S, _T]):
    """A question on its way, and what came of it."""

    ask: Callable[[_S], _T]
    done: threading.Event = field(default_factory=threading.Event)
    answer: _T | None = None
    failure: BaseException | None = None
    # A connection is not given back while its question is being given up.
    asking: threading.Lock = field(default_factory=threading.Lock)
    session: _S | None = None

    def of(self, session: _S) -> _T:
        with self.asking:
            self.session = session
        try:
            return self.ask(session)
        finally:
            with self.asking:
                self.session = None

    def give_up(self, stop: Callable[[_S], None]) -> None:
        with self.asking:
            if self.session is not None:
                stop(self.session)


def _nothing(_: object) -> None:
    pass


class Pool(Generic[_S]):
    """The connections to one database, as one user.

    Args:
        source: the configured name, for errors.
        make: a new connection; blocks as long as the driver, and raises a SourceError.
        end: closes connections; blocks as long as the driver, and raises nothing.
        stop: tells a connection to stop what it does for a question that was given up, if it can.
        wait_seconds: how long a question may take, connecting included.
        hint: what to look at when one took longer.
    """

    def __init__(
        self,
        source: str,
        make: Callable[[], _S],
        *,
        end: Callable[[Sequence[_S]], None] = _nothing,
        stop: Callable[[_S], None] = _nothing,
        wait_seconds: float,
        hint: str,
    ) -> None:
        self._source = source
        self._make = make
        self._end = end
        self._stop = stop
        self._wait_seconds = wait_seconds
        self._hint = hint
        self._lock = threading.Lock()
        self._idle: list[_S] = []
        self._left: list[threading.Event] = []
        self._generation = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        """Nobody gets a connection any more."""
        return self._closed

    def acquire(self) -> _S:
        """A connection of one's own; give it back with `release`. Blocks as long as the driver.

        Raises:
            SourceError: the database cannot be reached, or refuses who asks.
        """
        with self._lock:
            if self._closed:
                raise SourceUnavailableError("the source was closed", source=self._source)
            if self._idle:
                return self._idle.pop()
            generation = self._generation
        session = self._make()
        session.generation = generation
        return session

    def release(self, session: _S, *, sound: bool) -> None:
        """Give a connection back; one that is not sound is closed. Blocks as long as the driver."""
        session.fresh = False
        with self._lock:
            keep = sound and not self._closed and session.generation == self._generation
            if keep:
                self._idle.append(session)
        if not keep:
            self._end([session])

    def discard_idle(self) -> None:
        """Close the idle connections: one of them was found dead, so all are suspect."""
        with self._lock:
            idle, self._idle = self._idle, []
        self._end(idle)

    def renew(self) -> list[_S]:
        """Use none of the connections again: those that are idle, to be closed by the caller, and
        those that are used now, which are closed when they are released. Never blocks."""
        with self._lock:
            self._generation += 1
            idle, self._idle = self._idle, []
        return idle

    def close(self) -> list[_S]:
        """Give out no connection any more. The idle ones, as of `renew`."""
        with self._lock:
            self._closed = True
        return self.renew()

    def ask(self, question: Callable[[_S], _T]) -> _T:
        """The answer to a short question, which is given up after `wait_seconds`.

        Raises:
            SourceError: the database cannot be asked, or its answer is an error.
        """
        self._check_left()
        asked = _Question(question)
        in_a_thread(lambda: self._answer(asked), f"{self._source}-ask")
        if not asked.done.wait(self._wait_seconds):
            with self._lock:
                self._left.append(asked.done)
            asked.give_up(self._stop)
            raise SourceTimeoutError(
                f"the database did not answer within {self._wait_seconds:g} s",
                source=self._source,
                hint=self._hint,
            )
        if asked.failure is not None:
            raise asked.failure
        return asked.answer  # type: ignore[return-value]

    def _check_left(self) -> None:
        """Refuse another question where too many were given up that go on."""
        with self._lock:
            self._left = [done for done in self._left if not done.is_set()]
            if len(self._left) >= _LEFT:
                raise QueueFullError(
                    f"{_LEFT} questions that were given up go on, which the driver does not end",
                    source=self._source,
                    hint="Try again when they have ended.",
                )

    def _answer(self, asked: _Question[_S, _T]) -> None:
        try:
            asked.answer = self._ask(asked.of)
        except BaseException as error:
            asked.failure = error
        asked.done.set()

    def _ask(self, question: Callable[[_S], _T]) -> _T:
        while True:
            session = self.acquire()
            fresh, sound = session.fresh, False
            try:
                answer = question(session)
                sound = True
                return answer
            except SourceSchemaChangedError:
                sound = True
                raise
            except SourceError:
                if fresh:
                    raise
                # It may have died unseen, which drivers say in many ways: ask another one.
                self.discard_idle()
            finally:
                self.release(session, sound=sound)


def in_a_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Do work that may block, beside the caller.

    Raises:
        QueueFullError: no thread can be started.
    """
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        raise QueueFullError("the server cannot start another thread") from None
    return thread
