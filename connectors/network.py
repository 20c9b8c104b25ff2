"""How a source uses the network between it and here, as `contract.Capabilities` says it.

Owns these values; they are part of the contract, and read by the planner. Must not know any source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Compression = Literal["lz4", "zstd"]
"""How batches may be compressed on their way; by Arrow's names."""


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """How often a fragment waits for the network, over connections that are open before.

    Attributes:
        rows: until its first rows are here.
        few: the same where `SqlQuery.few` is what runs; None where that is nothing else.
        moment: so many more before, where several fragments of a query see one moment.
        texts: how often the statement itself crosses the network, where it is not `few` that runs.
    """

    rows: float = 2.0
    few: float | None = None
    moment: float = 0.0
    texts: float = 1.0


@dataclass(frozen=True, slots=True)
class Framing:
    """What crosses the network with values whose widths `ColumnStatistics` has.

    Attributes:
        row_bytes: with each row.
        whole_value_bytes: with each value that is not a text, where a table is read whole
            (`SqlQuery.whole`), and nothing with its rows; negative where that is less.
        whole_from_bytes: of a table that is so large, at least; a smaller one is read row by row.
        short: of such a table long integers that are short may come as short ones
            (`Fragment.short`).
    """

    row_bytes: float = 0.0
    whole_value_bytes: float = 0.0
    whole_from_bytes: float = 0.0
    short: bool = False


SHORT_BYTES = 4
"""So much less is a long integer that comes as a short one."""

SHORT_ENDS = -(1 << 31), (1 << 31) - 1
"""The least and the greatest that does."""


@dataclass(frozen=True, slots=True)
class Parallel:
    """How a source reads a table that is whole (`SqlQuery.whole`): over several connections.

    Attributes:
        connections: at most.
        piece_bytes: of the table, for each of them.
    """

    connections: int = 1
    piece_bytes: float = 1.0
