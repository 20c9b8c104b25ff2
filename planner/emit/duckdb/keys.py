"""How DuckDB takes keys: as one list, whose elements it joins with."""

from __future__ import annotations

from typing import cast

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.duckdb.types import BIGINT, cast_to, function_call, number, type_sql
from planner.emit.keys import (
    SEPARATOR,
    KeyForm,
    bracketed,
    is_key_or_text,
    is_text,
    separated,
)

_MOST = 500_000


def _write(value: Sql, keys: Sql, type_: pa.DataType) -> Sql:
    if is_text(type_):
        # It reads texts in a list by rules of quotes that change.
        elements = function_call("string_split", keys, function_call("chr", number(ord(SEPARATOR))))
    else:
        wide = pa.types.is_integer(type_)
        element = BIGINT if wide else cast(exp.DataType, type_sql(type_))
        kind = exp.DataType.Type.ARRAY
        array = exp.DataType(this=kind, expressions=[element.copy()], nested=True)
        elements = cast_to(keys, array)
    each = exp.Select(expressions=[exp.Unnest(expressions=[elements])])
    return exp.In(this=value, query=exp.Subquery(this=each))


def _text(keys: pa.Array) -> str | None:
    return separated(keys) if is_text(keys.type) else bracketed(keys)


KEYS = KeyForm(_MOST, is_key_or_text, _write, _text)
