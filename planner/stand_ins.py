"""Columns that the engine has no form for in Substrait, such as vectors of a fixed length.

Owns which types those are, and what stands in for them while a plan is written that does not read
them: the engine writes every column of a table, read or not. Asks and plans nothing.
"""

from __future__ import annotations

import functools

import datafusion
import pyarrow as pa

_STAND_IN = pa.binary()
_NESTED = (pa.types.is_struct, pa.types.is_list, pa.types.is_large_list, pa.types.is_map)
_UNWRITTEN = (
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
    pa.types.is_run_end_encoded,
    pa.types.is_union,
    pa.types.is_decimal32,
    pa.types.is_decimal64,
)


def with_stand_ins(schema: pa.Schema) -> pa.Schema | None:
    """The columns with others in place of those that the engine cannot write; None without such."""
    if all(_is_written(field.type) for field in schema):
        return None
    return pa.schema(
        [f if _is_written(f.type) else pa.field(f.name, _STAND_IN, f.nullable) for f in schema]
    )


def reads_none(plan: datafusion.LogicalPlan, stood_in: datafusion.LogicalPlan) -> bool:
    """Whether a plan is the same with stand-ins: each operator, and the columns that it makes."""
    return bool(plan.display_indent_schema() == stood_in.display_indent_schema())


@functools.lru_cache(4_096)
def _is_written(type_: pa.DataType) -> bool:
    if any(is_one(type_) for is_one in _UNWRITTEN):
        return False
    if any(is_one(type_) for is_one in _NESTED):
        return all(_is_written(type_.field(index).type) for index in range(type_.num_fields))
    return True
