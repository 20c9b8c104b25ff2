"""What of a source's configuration finds nothing at the source, though that answers.

Owns that part of the contract, which is optional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from connectors.contract import TableName


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that was configured and is not there.

    Attributes:
        text: a clause with what was configured; never a secret.
        table: the table that is missing for it, if it is just one.
    """

    text: str
    table: TableName | None = None

    def __str__(self) -> str:
        return self.text if self.table is None else f"table {self.table.name!r}: {self.text}"


@runtime_checkable
class Notes(Protocol):
    """Optional to `connectors.contract.Connector`."""

    def notes(self) -> Sequence[Note]:
        """All that there is to say now; the source may be asked.

        Raises:
            SourceError: when it cannot be.
        """
        ...
