"""What a store that is far tells the engine of its tables: how many reads of one go on at once, and
what lies between the columns that a query reads.

Owns that part of the contract. A read of a far store waits most of its time, so that more of them
than processors are worth it; each holds bytes, so that not any number is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from connectors.contract import TableName

if TYPE_CHECKING:
    import datafusion


@dataclass(frozen=True, slots=True)
class Gaps:
    """What it takes to read columns of all of a table's files, in two ways.

    Attributes:
        read_bytes: by the engine's own reader, which reads the gaps between columns, too.
        read_requests: that it makes.
        left_bytes: where the gaps are left out.
        left_requests: made then, but for one to open a file.
        files: that are opened then.
    """

    read_bytes: int
    read_requests: int
    left_bytes: int
    left_requests: int
    files: int


@runtime_checkable
class FarReads(Protocol):
    """Optional, beside `connectors.contract.Native`."""

    def most_reads(self, table: TableName) -> int:
        """How many parts of a registered table the engine may read at once. Asks nothing.

        Returns:
            1 where nothing is gained, or where each part holds much.
        """
        ...

    def gaps(self, table: TableName, columns: Sequence[str]) -> Gaps | None:
        """What lies between these columns. Asks nothing.

        Returns:
            None where there are none, where that is not known, or where they cannot be left out.
        """
        ...

    def register_without_gaps(
        self,
        context: datafusion.SessionContext,
        name: str,
        table: TableName,
        columns: Sequence[str],
        reads: int,
    ) -> Callable[[], None] | None:
        """As `connectors.contract.Native.register`, to be read without what lies between columns.

        A table that has changed since it was planned is registered as ever where they must be read.

        Args:
            columns: that are read.
            reads: that go on at once.
        """
        ...
