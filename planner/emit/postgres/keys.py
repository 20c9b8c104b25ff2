"""How PostgreSQL takes keys: as one array, which it hashes, or looks up in an index; and rows: as
an array for each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.keys import KeyForm, braced, is_key_or_text, is_text
from planner.emit.postgres.types import (
    BIGINT,
    NUMERIC,
    TEXT,
    TYPES,
    cast_to,
    is_decimal,
    type_sql,
)
from planner.emit.rows import RowForm, braced_rows

_MOST = 500_000
"""Keys in one statement; its planner looks at each of them."""


def _write(value: Sql, keys: Sql, type_: pa.DataType) -> Sql:
    # In the column's own type: of others nothing is hashed, and each row is compared with each key.
    if pa.types.is_decimal(type_):
        element = NUMERIC
    else:
        element = TEXT if is_text(type_) else TYPES.get(type_, BIGINT)
    array = cast_to(keys, _array_of(element))
    return exp.EQ(this=value, expression=exp.Any(this=exp.paren(array)))


def _array_of(element: exp.DataType) -> exp.DataType:
    return exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[element.copy()], nested=True)


def _takes_rows(type_: pa.DataType) -> bool:
    """Types that its own columns have, too: of a tinyint there is no arithmetic like here."""
    known = is_decimal(type_) or type_ in TYPES
    return pa.types.is_boolean(type_) or (known and is_key_or_text(type_))


def _write_rows(
    columns: Sequence[tuple[Sql, pa.DataType]], alias: str, names: Sequence[str]
) -> Sql:
    arrays = [cast_to(t, _array_of(cast(exp.DataType, type_sql(type_)))) for t, type_ in columns]
    identifiers = [exp.to_identifier(name, quoted=True) for name in names]
    named = exp.TableAlias(this=exp.to_identifier(alias), columns=identifiers)
    return exp.Unnest(expressions=arrays, alias=named)


ROWS = RowForm(_takes_rows, _write_rows, braced_rows)

KEYS = KeyForm(_MOST, is_key_or_text, _write, braced)
