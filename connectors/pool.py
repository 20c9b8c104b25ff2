"""Connections to one database: made when needed, used again, and asked in threads apart.

A driver may take long for whatever it is asked, and some cannot be told to stop. So nobody waits
for a question longer than they want to, and few questions go on at once, those included that were
given up. Owns which connection is whose. Must not know any driver; statements are
`connectors.apart`'s.
"""

from __future__ import annotations

import threading
import time
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

_AT_ONCE = 4
"""So many questions go on at once; one that was given up is one of them until it ends."""

_ASIDE_AT_ONCE = 2
_ASIDE_SECONDS = 0.5
"""For questions aside: a plan does not wait long for what it can do without."""


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


class _GivenUpError(Exception):
    """Nobody waits for the question any more."""


class _Turns:
    """How many questions go on, and how many of them nobody waits for any more."""

    def __init__(self, source: str, at_once: int) -> None:
        self._source = source
        self._at_once = at_once
        self._changed = threading.Condition()
        self._going: set[object] = set()
        self._left: set[object] = set()

    def take(self, asked: object, wait_seconds: float) -> bool:
        """Wait for a turn; False when there was none in time.

        Raises:
            QueueFullError: all turns are those of questions that were given up.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._going) < self._at_once or len(self._left) == self._at_once,
                wait_seconds,
            )
            if len(self._left) == self._at_once:
                raise QueueFullError(
                    f"{self._at_once} questions that were given up go on, which the driver does"
                    " not end",
                    source=self._source,
                    hint="Try again when they have ended.",
                )
            if len(self._going) == self._at_once:
                return False
            self._going.add(asked)
            return True

    def leave(self, asked: object) -> None:
        """Nobody waits for it any more."""
        with self._changed:
            if asked in self._going:
                self._left.add(asked)
                self._changed.notify_all()

    def give_back(self, asked: object) -> None:
        """It has ended."""
        with self._changed:
            self._going.discard(asked)
            self._left.discard(asked)
            self._changed.notify_all()


@dataclass(slots=True, eq=False)
class _Question(Generic[_S, _T]):
    """A question on its way, and what came of it."""

    ask: Callable[[_S], _T]
    turns: _Turns
    done: threading.Event = field(default_factory=threading.Event)
    answer: _T | None = None
    failure: BaseException | None = None
    # A connection is not given back while its question is being given up.
    asking: threading.Lock = field(default_factory=threading.Lock)
    session: _S | None = None
    given_up: bool = False

    def of(self, session: _S) -> _T:
        with self.asking:
            if self.given_up:
                raise _GivenUpError
            self.session = session
        try:
            return self.ask(session)
        finally:
            with self.asking:
                self.session = None

    def give_up(self, stop: Callable[[_S], None]) -> None:
        with self.asking:
            self.given_up = True
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
        most_idle: how many connections are kept for the next one.
        wait_seconds: how long a question may take, waiting for its turn and connecting included.
        hint: what to look at when one took longer.
    """

    def __init__(
        self,
        source: str,
        make: Callable[[], _S],
        *,
        end: Callable[[Sequence[_S]], None] = _nothing,
        stop: Callable[[_S], None] = _nothing,
        most_idle: int,
        wait_seconds: float,
        hint: str,
    ) -> None:
        self._source = source
        self._make = make
        self._end = end
        self._stop = stop
        self._most_idle = most_idle
        self._wait_seconds = wait_seconds
        self._hint = hint
        self._turns = _Turns(source, _AT_ONCE)
        self._turns_aside = _Turns(source, _ASIDE_AT_ONCE)
        self._lock = threading.Lock()
        self._idle: list[_S] = []
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
        """Give a connection back; one that is not sound, or one too many, is closed. Blocks as long
        as the driver."""
        session.fresh = False
        with self._lock:
            usable = sound and not self._closed and session.generation == self._generation
            keep = usable and len(self._idle) < self._most_idle
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

    def ask(self, question: Callable[[_S], _T], *, aside: bool = False) -> _T:
        """The answer to a short question, which is given up after `wait_seconds`.

        Args:
            aside: who asks can do without the answer. Then it is waited for only a little, and what
                takes long keeps no other question waiting.

        Raises:
            SourceError: the database cannot be asked, or its answer is an error.
            QueueFullError: too many questions that were given up go on.
        """
        patience = min(_ASIDE_SECONDS, self._wait_seconds) if aside else self._wait_seconds
        until = time.monotonic() + patience
        asked = _Question(question, self._turns_aside if aside else self._turns)
        if not asked.turns.take(asked, patience):
            raise self._late(patience)
        try:
            in_a_thread(lambda: self._answer(asked), f"{self._source}-ask")
        except BaseException:
            asked.turns.give_back(asked)
            raise
        if not asked.done.wait(until - time.monotonic()):
            asked.turns.leave(asked)
            asked.give_up(self._stop)
            raise self._late(patience)
        if asked.failure is not None:
            raise asked.failure
        return asked.answer  # type: ignore[return-value]

    def _late(self, patience: float) -> SourceTimeoutError:
        return SourceTimeoutError(
            f"the database did not answer within {patience:g} s",
            source=self._source,
            hint=self._hint,
        )

    def _answer(self, asked: _Question[_S, _T]) -> None:
        try:
            asked.answer = self._ask(asked)
        except BaseException as error:
            asked.failure = error
        asked.turns.give_back(asked)
        asked.done.set()

    def _ask(self, asked: _Question[_S, _T]) -> _T:
        while True:
            session = self.acquire()
            fresh, sound = session.fresh, False
            try:
                answer = asked.of(session)
                sound = True
                return answer
            except (SourceSchemaChangedError, _GivenUpError):
                sound = True
                raise
            except SourceError:
                if fresh or asked.given_up:
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
