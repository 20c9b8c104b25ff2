"""The watcher sleeps while nothing runs, and wakes for whatever runs then."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from flight_server import watcher as watching
from flight_server.watcher import Watch, Watcher

from .waiting import PATIENCE_SECONDS, reached

# A watcher that does not wake up hangs.
pytestmark = pytest.mark.timeout(60)


class _Call:
    """A call whose client has gone, and the silent query that it runs."""

    deadline: float | None = None

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def is_cancelled(self) -> bool:
        return True

    def cancel(self) -> None:
        self._cancelled.set()

    expire = close = cancel

    def silence(self) -> Iterator[bool]:
        yield self._cancelled.wait(PATIENCE_SECONDS)


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    monkeypatch.setattr(watching, "IDLE_POLLS", 0)
    running = Watcher()
    yield running
    running.close()


def sleeps(watcher: Watcher) -> bool:
    """Whether its thread waits to be woken."""
    with watcher._changed:
        return watcher._asleep


def was_cancelled(watcher: Watcher) -> bool:
    call = _Call()
    watch = Watch(watcher, call, call)
    (cancelled,) = watch.pull(call.silence())
    watch.close()
    return cancelled


def test_a_client_that_left_is_noticed_after_it_slept(watcher: Watcher) -> None:
    reached(lambda: sleeps(watcher))
    assert was_cancelled(watcher)


def test_a_call_that_ends_before_the_watcher_is_awake_keeps_nobody_from_waking_it(
    watcher: Watcher,
) -> None:
    reached(lambda: sleeps(watcher))
    with watcher._changed:  # It cannot wake up in here, as on a busy machine.
        brief = _Call()
        Watch(watcher, brief, brief).close()
    reached(lambda: sleeps(watcher))
    assert was_cancelled(watcher)
