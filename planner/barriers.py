"""What stands between the engine's optimizer and the reads of a residual, so that each row counts.

Owns the two things that the engine would decide otherwise than it decides over rows:

- A filter on a fragment's result, which it would hand to Arrow's kernels: see decision 2. A limit
  that never bites stands above such a read; nothing is pushed below a limit.
- Floats of a file that it reads itself, which it would decide by the file's statistics: see
  decision 6. Minus zero is added to such a column, which changes no value, not even a zero's sign;
  and of a sum there are no statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from planner.relations import (
    Call,
    Expression,
    Fetch,
    Field,
    FieldRef,
    Literal,
    Project,
    Read,
    Relation,
)
from planner.rewrite import with_reads

_NOTHING: Mapping[str, int] = MappingProxyType({})


def with_barriers(
    relation: Relation, natives: frozenset[str], rows: Mapping[str, int] = _NOTHING
) -> Relation:
    """The residual with a barrier above each read.

    Args:
        natives: names of the tables that the engine reads itself; the others are fragments.
        rows: how many rows these have, where that is known. It is what the engine takes their limit
            for, and joins by: it hashes the side that has fewer, and reads the other's files by it.
    """

    def change(read: Read) -> Relation:
        if read.path[0] not in natives:
            return Fetch(read, 0, max(1, rows.get(read.path[0], 2**63 - 1)))
        if not any(has_statistics(field.type) for field in read.fields):
            return read
        computed = tuple(_computed(i, field) for i, field in enumerate(read.fields))
        return Project(read, computed, read.fields)

    return with_reads(relation, change)


def has_statistics(type_: pa.DataType) -> bool:
    """Whether a file may say things of a column of this type that are not true of all its rows."""
    return bool(pa.types.is_floating(type_))


def _computed(index: int, field: Field) -> Expression:
    column = FieldRef(index, field.type, field.nullable)
    if not has_statistics(field.type):
        return column
    return Call("add", (column, Literal(-0.0, field.type)), field.type, field.nullable)
