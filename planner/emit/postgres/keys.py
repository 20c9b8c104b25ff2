"""How PostgreSQL takes keys: as one array, which it hashes, or looks up in an index."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.keys import KeyForm, braced, is_key_or_text, is_text
from planner.emit.postgres.types import BIGINT, NUMERIC, TEXT, TYPES

_MOST = 500_000
"""Keys in one statement; its planner looks at each of them."""


def _write(value: Sql, keys: Sql, type_: pa.DataType) -> Sql:
    # In the column's own type: of others nothing is hashed, and each row is compared with each key.
    if pa.types.is_decimal(type_):
        element = NUMERIC
    else:
        element = TEXT if is_text(type_) else TYPES.get(type_, BIGINT)
    array = exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[element.copy()], nested=True)
    return exp.EQ(this=value, expression=exp.Any(this=exp.paren(exp.Cast(this=keys, to=array))))


KEYS = KeyForm(_MOST, is_key_or_text, _write, braced)
