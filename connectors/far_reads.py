"""What a store that is far tells the engine of its tables: how many reads of one go on at once.

Owns that part of the contract. A read of a far store waits most of its time, so that more of them
than processors are worth it; each holds bytes, so that not any number is.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from connectors.contract import TableName


@runtime_checkable
class FarReads(Protocol):
    """Optional, beside `connectors.contract.Native`."""

    def most_reads(self, table: TableName) -> int:
        """How many parts of a registered table the engine may read at once. Asks nothing.

        Returns:
            1 where nothing is gained, or where each part holds much.
        """
        ...
