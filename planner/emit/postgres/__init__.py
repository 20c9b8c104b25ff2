"""PostgreSQL: which functions, aggregates and casts give exactly DataFusion's result, and how.

Data and small writers only. `tests/planner/test_postgres_dialect.py` compares each rule with the
engine on unpleasant values, and fails for a rule without such a case.
"""

from __future__ import annotations

from planner.emit.dialect import Dialect
from planner.emit.postgres.aggregates import AGGREGATES
from planner.emit.postgres.arrays import TAKE_ARRAYS, without_arrays
from planner.emit.postgres.casts import refuse_cast, write_cast
from planner.emit.postgres.columns import order, output, read_column, refuse_literal, write_literal
from planner.emit.postgres.conditions import refuse_order
from planner.emit.postgres.float_order import refuse_sort, sort_keys
from planner.emit.postgres.functions import FUNCTIONS
from planner.emit.postgres.keys import KEYS, ROWS
from planner.emit.postgres.letter_case import reshape
from planner.emit.postgres.relations import refuse_relation
from planner.emit.postgres.types import type_sql
from planner.emit.postgres.windows import GROUPING, WINDOWS, grouping_id

POSTGRES = Dialect(
    name="postgres",
    generator="postgres",
    functions=without_arrays({**FUNCTIONS, **GROUPING}, TAKE_ARRAYS),
    aggregates=without_arrays(AGGREGATES, TAKE_ARRAYS),
    windows=without_arrays(WINDOWS),
    grouping_id=grouping_id,
    type_sql=type_sql,
    read_column=read_column,
    refuse_literal=refuse_literal,
    write_literal=write_literal,
    refuse_cast=refuse_cast,
    write_cast=write_cast,
    order=order,
    refuse_order=refuse_order,
    output=output,
    sort_keys=sort_keys,
    refuse_sort=refuse_sort,
    reshape=reshape,
    refuse_relation=refuse_relation,
    keys=KEYS,
    rows=ROWS,
    few=True,
    shown_by="tests/planner/test_postgres_dialect.py",
)


__all__ = ["AGGREGATES", "FUNCTIONS", "POSTGRES"]
