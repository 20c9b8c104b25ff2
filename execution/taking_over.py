"""A run that another takes over when the engine cannot run the plan that it was given.

The engine does not read back every plan that it writes: columns of one name become ambiguous, a
type is coerced twice. What it could not even begin is run another way, and nobody sees more than a
line in the log. Knows no plans.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pyarrow as pa

from connectors.errors import CancelledError, CrosswindError, InternalError, UnsupportedError
from execution.running import Ran, Run

_LOG = logging.getLogger("crosswind.execution")
_TAKEN_OVER = "a plan ran uncut, because the engine cannot read it: %s"


class TakenOverRun:
    """A run, or another in its place.

    Args:
        first: is tried.
        second: makes the other, when `first` has failed with nothing given and not for its sources.
            None where no other may be: the statement is refused.
    """

    def __init__(self, first: Run, second: Callable[[], Run] | None) -> None:
        self._first = self._run = first
        self._second = second
        self._lock = threading.Lock()
        self._cancelled = False

    def batches(self) -> Iterator[pa.RecordBatch]:
        given = False
        try:
            for batch in self._first.batches():
                given = True
                yield batch
            return
        except (InternalError, UnsupportedError) as error:
            if given or error.source is not None:
                raise
            failure = error
        if self._second is None:
            if isinstance(failure, UnsupportedError):
                raise failure
            raise UnsupportedError(
                f"the plan of this statement cannot run: {failure.message}",
                hint='With pushdown = "proven" the statement runs without a cut, where it can.',
            )
        self._first.close()
        with self._lock:
            if self._cancelled:
                raise CancelledError("the query was cancelled")
            self._run = self._second()
        try:
            for batch in self._run.batches():
                if not given:
                    given = True
                    _LOG.warning(_TAKEN_OVER, failure)
                yield batch
        except CrosswindError as again:
            # What fails both ways, in the same words, is no fault of the plan.
            if not given and again.message != failure.message:
                _LOG.warning(_TAKEN_OVER, failure)
            raise
        if not given:
            _LOG.warning(_TAKEN_OVER, failure)

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            run = self._run
        run.cancel()

    def close(self) -> None:
        self.cancel()
        self._run.close()
        self._first.close()

    def account(self) -> Ran:
        """Of the run that gave the answer."""
        account = self._run.account()
        return account if self._run is self._first else replace(account, uncut=True)
