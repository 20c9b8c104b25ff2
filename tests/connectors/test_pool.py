"""Connections that are used again, and questions that nobody waits for any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from connectors.errors import (
    QueueFullError,
    SourceRejectedError,
    SourceSchemaChangedError,
    SourceTimeoutError,
    SourceUnavailableError,
)
from connectors.pool import Pool, Session
from tests.execution.waiting import Background, eventually

PATIENT_SECONDS = 30.0
SHORT_SECONDS = 0.02
MOST_IDLE = 2


@dataclass(eq=False)
class Connection(Session):
    """A connection that answers, until it dies or is told to stop."""

    alive: bool = True
    stopped: threading.Event = field(default_factory=threading.Event)

    def answer(self) -> str:
        if not self.alive:
            raise SourceUnavailableError("it has gone", source="shop")
        return "an answer"

    def wait(self) -> bool:
        return self.stopped.wait(PATIENT_SECONDS)


@dataclass
class Driver:
    """Makes connections, and keeps account of them."""

    made: list[Connection] = field(default_factory=list)
    ended: list[Connection] = field(default_factory=list)
    reachable: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.reachable.set()

    def pool(self, wait_seconds: float = PATIENT_SECONDS) -> Pool[Connection]:
        return Pool(
            "shop",
            self._make,
            end=self.ended.extend,
            stop=lambda connection: connection.stopped.set(),
            most_idle=MOST_IDLE,
            wait_seconds=wait_seconds,
            hint="Wait longer.",
        )

    def _make(self) -> Connection:
        assert self.reachable.wait(PATIENT_SECONDS)
        self.made.append(Connection())
        return self.made[-1]


@pytest.fixture
def driver() -> Driver:
    return Driver()


@contextmanager
def given_up(pool: Pool[Connection], questions: int) -> Iterator[None]:
    """So many questions that nobody waits for go on, which the driver does not end."""
    go_on = threading.Event()
    begun: list[Connection] = []

    def question(connection: Connection) -> None:
        begun.append(connection)
        go_on.wait(PATIENT_SECONDS)

    try:
        # One that is given up before it is asked is not asked at all, and ends soon.
        while len(begun) < questions:
            with pytest.raises((SourceTimeoutError, QueueFullError)) as raised:
                pool.ask(question)
            assert raised.value.source == "shop"
            if isinstance(raised.value, SourceTimeoutError):
                assert "did not answer" in str(raised.value)
                assert raised.value.hint == "Wait longer."
        yield
    finally:
        go_on.set()


def asking() -> int:
    return sum(thread.name == "shop-ask" for thread in threading.enumerate())


def test_a_connection_is_used_again(driver: Driver) -> None:
    pool = driver.pool()
    assert [pool.ask(Connection.answer) for _ in range(3)] == ["an answer"] * 3
    assert len(driver.made) == 1
    assert not driver.made[0].fresh


def test_one_that_died_unseen_is_replaced(driver: Driver) -> None:
    pool = driver.pool()
    pool.ask(Connection.answer)
    driver.made[0].alive = False
    assert pool.ask(Connection.answer) == "an answer"
    assert driver.ended == driver.made[:1]


def test_a_fresh_one_that_fails_is_the_answer(driver: Driver) -> None:
    pool = driver.pool()

    def question(_: Connection) -> None:
        raise SourceRejectedError("it may not", source="shop")

    with pytest.raises(SourceRejectedError):
        pool.ask(question)
    assert driver.ended == driver.made
    assert len(driver.made) == 1


def test_one_that_says_that_a_table_has_gone_is_sound(driver: Driver) -> None:
    pool = driver.pool()

    def question(_: Connection) -> None:
        raise SourceSchemaChangedError("no such table", source="shop")

    with pytest.raises(SourceSchemaChangedError):
        pool.ask(question)
    pool.ask(Connection.answer)
    assert len(driver.made) == 1
    assert not driver.ended


def test_what_is_in_use_when_all_are_renewed_ends_when_it_is_released(driver: Driver) -> None:
    pool = driver.pool()
    used, idle = pool.acquire(), pool.acquire()
    pool.release(idle, sound=True)
    assert pool.renew() == [idle]
    assert not driver.ended
    pool.release(used, sound=True)
    assert driver.ended == [used]
    assert pool.acquire() not in (used, idle)


@pytest.mark.parametrize("use", [Pool.acquire, lambda pool: pool.ask(Connection.answer)])
def test_a_source_that_was_closed_says_so(
    driver: Driver, use: Callable[[Pool[Connection]], object]
) -> None:
    pool = driver.pool()
    used = pool.acquire()
    assert pool.close() == []
    assert pool.close() == []
    with pytest.raises(SourceUnavailableError, match="closed"):
        use(pool)
    pool.release(used, sound=True)
    assert driver.ended == [used]


def test_a_question_that_is_given_up_is_told_to_stop(driver: Driver) -> None:
    pool = driver.pool(SHORT_SECONDS)
    begun = threading.Event()

    def question(connection: Connection) -> None:
        begun.set()
        connection.wait()

    while not begun.is_set():
        with pytest.raises((SourceTimeoutError, QueueFullError)):
            pool.ask(question)
    eventually(lambda: asking() == 0)
    assert any(connection.stopped.is_set() for connection in driver.made)


def test_a_question_that_is_given_up_while_connecting_is_not_asked(driver: Driver) -> None:
    pool = driver.pool(SHORT_SECONDS)
    asked: list[Connection] = []
    driver.reachable.clear()
    with pytest.raises(SourceTimeoutError):
        pool.ask(asked.append)
    driver.reachable.set()
    eventually(lambda: asking() == 0)
    assert not asked
    # Nothing was asked of the connection, which is as good as new.
    assert pool.acquire() is driver.made[0]


def test_questions_that_are_asked_at_once_wait_for_their_turns(driver: Driver) -> None:
    pool = driver.pool()
    driver.reachable.clear()
    questions = [Background(lambda: pool.ask(Connection.answer)) for _ in range(12)]
    eventually(lambda: asking() == 4)
    driver.reachable.set()
    assert [question.join().result for question in questions] == ["an answer"] * 12
    assert len(driver.made) <= 4


def test_many_questions_at_once_of_a_database_that_hangs_leave_few(driver: Driver) -> None:
    pool = driver.pool(SHORT_SECONDS)
    driver.reachable.clear()
    questions = [Background(lambda: pool.ask(Connection.answer)) for _ in range(12)]
    failures = [type(question.join().error) for question in questions]
    assert set(failures) <= {SourceTimeoutError, QueueFullError}
    assert asking() <= 4
    driver.reachable.set()
    eventually(lambda: asking() == 0)


def test_what_nobody_needs_to_know_keeps_no_question_waiting(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.pool._ASIDE_SECONDS", SHORT_SECONDS)
    pool = driver.pool()
    go_on = threading.Event()
    driver.reachable.clear()
    try:
        for _ in range(2):
            with pytest.raises(SourceTimeoutError):
                pool.ask(lambda _: go_on.wait(PATIENT_SECONDS), aside=True)
        with pytest.raises(QueueFullError):
            pool.ask(Connection.answer, aside=True)
        driver.reachable.set()
        assert pool.ask(Connection.answer) == "an answer"
    finally:
        driver.reachable.set()
        go_on.set()
    eventually(lambda: asking() == 0)


def test_few_idle_connections_are_kept(driver: Driver) -> None:
    pool = driver.pool()
    used = [pool.acquire() for _ in range(5)]
    for connection in used:
        pool.release(connection, sound=True)
    assert driver.ended == used[MOST_IDLE:]
    assert pool.renew() == used[:MOST_IDLE]


def test_questions_that_were_given_up_are_bounded(driver: Driver) -> None:
    pool = driver.pool(SHORT_SECONDS)
    with given_up(pool, 4), pytest.raises(QueueFullError, match="given up"):
        pool.ask(Connection.answer)
    eventually(lambda: asking() == 0)
    # Their turns are free again.
    with given_up(pool, 1):
        pass
