"""A run in another's place: when, and what is said of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pyarrow as pa
import pytest

from connectors.errors import (
    CrosswindError,
    InternalError,
    InvalidValueError,
    Position,
    SourceRejectedError,
    UnsupportedError,
)
from execution.running import Ran
from execution.taking_over import TakenOverRun

BATCH = pa.record_batch({"a": [1]})


class ScriptedRun:
    """Gives so many batches, then fails if it has a failure."""

    def __init__(self, batches: int, failure: CrosswindError | None = None) -> None:
        self._batches, self._failure = batches, failure
        self.closed = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from [BATCH] * self._batches
        if self._failure is not None:
            raise self._failure

    def cancel(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        self.closed = True

    def account(self) -> Ran:
        return Ran()


UNREAD = InternalError("the engine failed: ambiguous")


@pytest.mark.parametrize("batches", [0, 2])
def test_what_the_engine_cannot_begin_another_runs_and_the_log_says_so(
    batches: int, caplog: pytest.LogCaptureFixture
) -> None:
    first = ScriptedRun(0, UNREAD)
    run = TakenOverRun(first, lambda: ScriptedRun(batches))
    assert not run.account().uncut
    with caplog.at_level(logging.WARNING):
        assert len(list(run.batches())) == batches
    assert [r.getMessage() for r in caplog.records] == [
        "a plan ran uncut, because the engine cannot read it: [internal] the engine failed: "
        "ambiguous"
    ]
    assert first.closed
    assert run.account().uncut


def test_what_fails_both_ways_alike_is_no_fault_of_the_plan(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = TakenOverRun(ScriptedRun(0, UNREAD), lambda: ScriptedRun(0, UNREAD))
    with caplog.at_level(logging.WARNING), pytest.raises(InternalError, match="ambiguous"):
        list(run.batches())
    assert not caplog.records


@pytest.mark.parametrize(
    "failure",
    [InvalidValueError("division by zero"), SourceRejectedError("no", source="shop")],
)
def test_a_fault_of_the_data_or_of_a_source_stays(failure: CrosswindError) -> None:
    run = TakenOverRun(ScriptedRun(0, failure), lambda: pytest.fail("another was begun"))
    with pytest.raises(type(failure)):
        list(run.batches())


def test_what_has_given_rows_is_not_begun_again() -> None:
    run = TakenOverRun(ScriptedRun(1, UNREAD), lambda: pytest.fail("another was begun"))
    batches = run.batches()
    assert next(batches) is BATCH
    with pytest.raises(InternalError):
        next(batches)


def test_without_another_the_statement_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="ambiguous"):
        list(TakenOverRun(ScriptedRun(0, UNREAD), None).batches())
    own = UnsupportedError("there is no date part 'x'", position=Position(1, 8))
    with pytest.raises(UnsupportedError) as refused:
        list(TakenOverRun(ScriptedRun(0, own), None).batches())
    assert refused.value is own
