"""The information schema over a source that does not answer: nobody waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pytest

from connectors.contract import Fragment, TableName, TableScan
from connectors.errors import CancelledError, DeadlineError
from connectors.information_schema import NAME, InformationBatches, InformationSchema
from connectors.memory import MemoryConnector, MemoryTables

SCHEMA = pa.schema([pa.field("table_name", pa.string(), False)])


class SilentLink(MemoryConnector):
    """A source behind a link on which nothing comes before it is told so."""

    def __init__(self) -> None:
        super().__init__("far", {"t": pa.table({"a": [1]})})
        self.asked, self.answers = threading.Event(), threading.Event()

    def tables(self) -> MemoryTables:
        link = self

        class Tables(MemoryTables):
            def names(self) -> Sequence[TableName]:
                link.asked.set()
                link.answers.wait()
                return super().names()

        return Tables(self._stored)


@pytest.fixture
def far() -> Iterator[SilentLink]:
    link = SilentLink()
    yield link
    link.answers.set()


def _batches(far: SilentLink, deadline: float | None = None) -> InformationBatches:
    scan = TableScan(TableName(NAME, "tables"), ("table_name",))
    return InformationSchema({"far": far}).execute(Fragment(scan, SCHEMA), deadline)


def test_a_deadline_ends_it(far: SilentLink) -> None:
    with pytest.raises(DeadlineError, match="far"):
        list(_batches(far, time.monotonic() + 0.05))


def test_a_cancel_ends_it(far: SilentLink) -> None:
    batches = _batches(far)

    def cancel() -> None:
        far.asked.wait()
        batches.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(CancelledError):
        list(batches)
    canceller.join()


def test_what_comes_late_is_still_an_answer(far: SilentLink) -> None:
    batches = _batches(far, time.monotonic() + 60)
    threading.Thread(target=lambda: far.asked.wait() and far.answers.set()).start()
    assert pa.Table.from_batches(list(batches)).to_pylist() == [{"table_name": "t"}]
