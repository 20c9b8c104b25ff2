"""Where a table is broken that the engine failed to read, as its source finds when it looks again.

Owns that part of the contract. The engine reads several files, and parts of one, at once: what it
says of a failure names no file, and counts lines from where a part began.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from connectors.contract import TableName


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a table that cannot be read.

    Attributes:
        file: as people know it, without secrets.
        line: where the row begins, from 1, as an editor counts; None where that is not certain.
        cause: what the reader said of this file alone; None where nobody looked into it.
    """

    file: str
    line: int | None = None
    cause: str | None = None


@runtime_checkable
class FindsFaults(Protocol):
    """Optional, beside `connectors.contract.Native`."""

    def faults(
        self,
        table: TableName,
        columns: Sequence[str],
        fits: Callable[[str], bool],
        ended: Callable[[], bool],
    ) -> Iterator[Fault]:
        """What is wrong with a registered table that could not be read, in bounded memory.

        Args:
            columns: those that were read.
            fits: whether what a reader says of a file is what the engine said. A file of which it
                says something else may not have been read at all: it counts where it is the only
                one.
            ended: nobody waits any more; asked often.

        Returns:
            The same fault, better known each time; nothing where none is found, or where to look
            for it would cost much.
        """
        ...
