"""The rows of stages that go to sources whole: gathered as they pass, and waited for.

Owns the texts that they become, and when they cannot be sent: they are more than was expected, or
one has no form there. Knows no fragment's statement, and what becomes of that then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import pyarrow as pa

from connectors.errors import CancelledError, MemoryLimitError
from planner.emit.dialects import dialect_named
from planner.emit.rows import MOST_BYTES, MOST_ROWS
from planner.plan import PlannedFragment

_TIMES_AS_WIDE = 4
"""A number of eight bytes may have one digit, so that the text of columns may be that much less."""


def rows_sent(fragments: Iterable[PlannedFragment]) -> dict[str, StageRows]:
    """The rows that fragments are sent, by stage."""
    columns: dict[str, set[int]] = {}
    texts: dict[str, Callable[[pa.Array], str | None]] = {}
    for sending in (f.sending for f in fragments if f.sending is not None):
        form = dialect_named(sending.dialect).rows
        assert form is not None
        for stage, column in sending.columns:
            columns.setdefault(stage, set()).add(column)
            texts[stage] = form.text
    return {name: StageRows(frozenset(own), texts[name]) for name, own in columns.items()}


class StageRows:
    """All values in some columns of a stage as the texts that a source is sent, once it is
    complete.

    Args:
        columns: their positions.
        text: from a column's values to its text; None where one of them has no form there.
    """

    def __init__(self, columns: frozenset[int], text: Callable[[pa.Array], str | None]) -> None:
        self._columns = columns
        self._text = text
        self._values: dict[int, list[pa.Array]] = {column: [] for column in columns}
        self._rows = 0
        self._size_bytes = 0
        self._done = threading.Event()
        self._texts: dict[int, str] | None = None
        self.refused = False

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch's rows; by the thread that drives the stage.

        Raises:
            MemoryLimitError: they are more than may be sent.
        """
        self._rows += batch.num_rows
        for column, values in self._values.items():
            values.append(batch.column(column))
            self._size_bytes += batch.column(column).nbytes
        if self._rows > MOST_ROWS or self._size_bytes > _TIMES_AS_WIDE * MOST_BYTES:
            self._refuse()

    def finish(self, schema: pa.Schema) -> None:
        """The stage is complete: whoever waits has its rows.

        Args:
            schema: of the stage.

        Raises:
            MemoryLimitError: they are more than may be sent, or one has no form.
        """
        texts = {}
        for column, values in self._values.items():
            every = pa.chunked_array(values, schema.field(column).type).combine_chunks()
            if (text := self._text(every)) is None:
                self._refuse()
            else:
                texts[column] = text
        if sum(len(text.encode()) for text in texts.values()) > MOST_BYTES:
            self._refuse()
        self._values.clear()
        self._texts = texts
        self._done.set()

    def _refuse(self) -> None:
        self.refused = True
        raise MemoryLimitError("the rows of a part of the statement cannot be sent with it")

    def give_up(self) -> None:
        """There will be none; from any thread."""
        self._done.set()

    def wait(self) -> dict[int, str]:
        """The texts by column.

        Raises:
            CancelledError: none will come: whoever gave up says why.
        """
        self._done.wait()
        if self._texts is None:
            raise CancelledError("the rows that a fragment waits for will not come")
        return self._texts
