"""DuckDB: which functions, aggregates and casts give exactly DataFusion's result, and how.

Data and small writers only. `tests/planner/test_duckdb_dialect.py` compares each rule with the
engine on unpleasant values, and fails for a rule without such a case.
"""

from __future__ import annotations

from planner.emit.dialect import Dialect
from planner.emit.duckdb.aggregates import AGGREGATES
from planner.emit.duckdb.casts import refuse_cast, write_cast
from planner.emit.duckdb.columns import order, output, read_column, refuse_literal, write_literal
from planner.emit.duckdb.conditions import refuse_order
from planner.emit.duckdb.functions import FUNCTIONS
from planner.emit.duckdb.keys import KEYS
from planner.emit.duckdb.relations import refuse_relation
from planner.emit.duckdb.types import type_sql
from planner.emit.duckdb.windows import GROUPING, WINDOWS, grouping_id

DUCKDB = Dialect(
    name="duckdb",
    generator="duckdb",
    functions={**FUNCTIONS, **GROUPING},
    aggregates=AGGREGATES,
    windows=WINDOWS,
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
    refuse_relation=refuse_relation,
    keys=KEYS,
    shown_by="tests/planner/test_duckdb_dialect.py",
)


__all__ = ["AGGREGATES", "DUCKDB", "FUNCTIONS"]
