"""How DataFusion takes keys: as one text, which its planner makes a list of, and of that an IN.

The condition that it then plans with is an IN of constants: it prunes files by them, and another
Crosswind sends it on to its own sources. Numbers one by one would have to be parsed one by one.
"""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from planner.emit.datafusion.types import arrow_name, function_call, text
from planner.emit.dialect import Sql
from planner.emit.keys import SEPARATOR, KeyForm, is_key, is_text, separated

_MOST = 50_000
_KEY_SECONDS = 1e-5
"""Its planner looks at each of them several times: so much was seen."""

_MOST_CHARACTERS = 900_000
"""Of the million that a statement may have, whatever else it is."""


def _takes(type_: pa.DataType) -> bool:
    return is_text(type_) or (is_key(type_) and arrow_name(type_) is not None)


def _write(value: Sql, keys: Sql, type_: pa.DataType) -> Sql:
    if is_text(type_):
        separator = function_call("chr", exp.Literal.number(ord(SEPARATOR)))
        elements = function_call("string_to_array", keys, separator)
    else:
        parts = function_call("string_to_array", keys, text(","))
        elements = function_call("arrow_cast", parts, text(f"List({arrow_name(type_)})"))
    return function_call("array_has", elements, value)


def _text(keys: pa.Array) -> str | None:
    found = separated(keys)
    return None if found is None or len(found) > _MOST_CHARACTERS else found


KEYS = KeyForm(_MOST, _takes, _write, _text, _KEY_SECONDS)
