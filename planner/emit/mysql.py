"""MySQL 8's SQL, by its documentation; never run here.

Its connector must leave the SQL mode NO_BACKSLASH_ESCAPES off. Text columns must be of utf8mb4: a
collation of theirs is refused for others, which fails the fragment.
"""

from __future__ import annotations

import pyarrow as pa

from planner.emit.common_sql import Description, dialect_of
from planner.relations import Join, JoinKind, Relation


def _refuse_relation(relation: Relation) -> str | None:
    full = isinstance(relation, Join) and relation.kind is JoinKind.OUTER
    return "there is no FULL JOIN" if full else None


DESCRIPTION = Description(
    name="mysql",
    generator="mysql",
    types={
        # A cast knows fewer names than a column does.
        pa.bool_(): "SIGNED",
        pa.int8(): "SIGNED",
        pa.int16(): "SIGNED",
        pa.int32(): "SIGNED",
        pa.int64(): "SIGNED",
        pa.float64(): "DOUBLE",
        pa.string(): "CHAR",
        pa.binary(): "BINARY",
        pa.date32(): "DATE",
        pa.time64("us"): "TIME(6)",
        pa.timestamp("us"): "DATETIME(6)",
    },
    kept_scale=30,
    # The one of code points that does not pad with spaces.
    collation="utf8mb4_0900_bin",
    length="CHAR_LENGTH",
    refuse_relation=_refuse_relation,
)

MYSQL = dialect_of(DESCRIPTION)
