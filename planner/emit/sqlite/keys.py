"""How SQLite takes keys: as one list in JSON, whose elements it keeps in an index of its own.

A column is read through a check of its type, and so has no collation and no affinity: an element is
equal to what is stored as the same integer or the same bytes of text, and to nothing else.
"""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import Sql
from planner.emit.keys import KeyForm, is_text, json_list
from planner.emit.sqlite.columns import call

_MOST = 500_000


def _takes(type_: pa.DataType) -> bool:
    """Decimals are floats there, and times are whatever texts somebody chose."""
    return bool(pa.types.is_signed_integer(type_) or pa.types.is_date32(type_)) or is_text(type_)


def _write(value: Sql, keys: Sql, _: pa.DataType) -> Sql:
    elements = exp.Select(
        expressions=[exp.column(exp.to_identifier("value", quoted=True))],
        from_=exp.From(this=exp.Table(this=call("json_each", keys))),
    )
    return exp.In(this=value, query=exp.Subquery(this=elements))


KEYS = KeyForm(_MOST, _takes, _write, json_list)
