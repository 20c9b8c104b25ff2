"""A second look at what could not be read: it ends with the query, and keeps what it has found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pytest

from connectors.contract import TableName
from connectors.faults import Fault
from connectors.memory import MemoryConnector
from execution.second_look import SecondLook
from planner.catalog import Catalog, Source
from planner.plan import NativeRead
from tests.execution.waiting import eventually

FILE, LINE = Fault("t/2.csv", None, "cause"), Fault("t/2.csv", 7, "cause")
READS = [NativeRead(name, "lake", TableName("main", name), pa.schema([])) for name in ("t", "u")]


class Looking(MemoryConnector):
    """Finds a file, does what it is told, and finds a line."""

    def __init__(self, between: Callable[[Callable[[], bool]], object] = lambda _: None) -> None:
        super().__init__("lake", {})
        self.between = between
        self.asked: list[str] = []
        self.ended = threading.Event()

    def faults(
        self,
        table: TableName,
        columns: Sequence[str],
        fits: Callable[[str], bool],
        ended: Callable[[], bool],
    ) -> Iterator[Fault]:
        self.asked.append(table.name)
        try:
            yield FILE
            self.between(ended)
            yield LINE
        finally:
            self.ended.set()


def _over(connector: Looking) -> Catalog:
    return Catalog([Source("lake", connector)])


def test_what_is_known_best_counts_and_no_other_table_is_looked_at() -> None:
    connector = Looking()
    assert SecondLook(_over(connector), None)(READS, bool) == (READS[0], LINE)
    assert connector.asked == ["t"]


def test_what_is_found_first_counts_when_the_query_is_cancelled() -> None:
    connector = Looking(lambda _: look.cancel())
    look = SecondLook(_over(connector), None)
    assert look(READS, bool) == (READS[0], FILE)
    assert look(READS, bool) is None
    assert connector.asked == ["t"]


def test_what_fails_while_it_is_looked_at_says_no_more_than_it_has() -> None:
    def fails(_: object) -> None:
        raise OSError("gone")

    assert SecondLook(_over(Looking(fails)), None)(READS, bool) == (READS[0], FILE)


@pytest.mark.parametrize(("late_seconds", "look_seconds"), [(0.0, 60.0), (60.0, 0.0)])
def test_who_looks_is_told_when_the_time_is_up(late_seconds: float, look_seconds: float) -> None:
    connector = Looking(_looks_on)
    deadline = time.monotonic() + late_seconds
    found = SecondLook(_over(connector), deadline, look_seconds)(READS, bool)
    assert found in (None, (READS[0], FILE))
    eventually(connector.ended.is_set)


def _looks_on(ended: Callable[[], bool]) -> None:
    while not ended():
        pass


def test_sources_that_do_not_look_are_not_asked() -> None:
    assert (
        SecondLook(Catalog([Source("lake", MemoryConnector("lake", {}))]), None)(READS, bool)
        is None
    )
