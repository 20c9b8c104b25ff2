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
from tests.execution.waiting import eventually

PATIENT_SECONDS = 30.0
SHORT_SECONDS = 0.02


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

    def pool(self, wait_seconds: float = PATIENT_SECONDS) -> Pool[Connection]:
        return Pool(
            "shop",
            self._make,
            end=self.ended.extend,
            stop=lambda connection: connection.stopped.set(),
            wait_seconds=wait_seconds,
            hint="Wait longer.",
        )

    def _make(self) -> Connection:
        self.made.append(Connection())
        return self.made[-1]


@pytest.fixture
def driver() -> Driver:
    return Driver()


@contextmanager
def given_up(pool: Pool[Connection], questions: int) -> Iterator[None]:
    """So many questions that nobody waits for go on, which the driver does not end."""
    go_on = threading.Event()
    try:
        for _ in range(questions):
            with pytest.raises(SourceTimeoutError, match="did not answer") as raised:
                pool.ask(lambda _: go_on.wait(PATIENT_SECONDS))
            assert raised.value.source == "shop"
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
    with pytest.raises(SourceTimeoutError):
        driver.pool(SHORT_SECONDS).ask(Connection.wait)
    eventually(lambda: asking() == 0)
    assert driver.made[0].stopped.is_set()


def test_questions_that_were_given_up_are_bounded(driver: Driver) -> None:
    pool = driver.pool(SHORT_SECONDS)
    with given_up(pool, 4), pytest.raises(QueueFullError, match="given up"):
        pool.ask(Connection.answer)
    eventually(lambda: asking() == 0)
    pool._check_left()
