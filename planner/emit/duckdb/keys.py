"""How DuckDB takes keys: as one list, whose elements it joins with."""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.duckdb.types import BIGINT, DATE
from planner.emit.keys import KeyForm, bracketed, is_key

_MOST = 500_000


def _write(value: Sql, keys: Sql, type_: pa.DataType) -> Sql:
    element = DATE if pa.types.is_date32(type_) else BIGINT
    array = exp.DataType(this=exp.DataType.Type.ARRAY, expressions=[element.copy()], nested=True)
    elements = exp.Unnest(expressions=[exp.Cast(this=keys, to=array)])
    return exp.In(this=value, query=exp.Subquery(this=exp.Select(expressions=[elements])))


KEYS = KeyForm(_MOST, is_key, _write, bracketed)
