"""SQLite: which functions and aggregates give exactly DataFusion's result, and how.

Data and small writers only. `tests/planner/test_sqlite_dialect.py` compares each rule with the
engine on unpleasant values, and fails for a rule without such a case. Values are, there: integers;
texts compared by their bytes; truths as 0 and 1; dates as ISO texts; decimals of at most 15 digits
as the nearest floats, which are distinct and in the same order.
"""

from __future__ import annotations

from planner.emit.dialect import Dialect
from planner.emit.sqlite.columns import (
    order,
    output,
    read_column,
    refuse_cast,
    refuse_literal,
    refuse_order,
    type_sql,
    write_cast,
    write_literal,
)
from planner.emit.sqlite.functions import AGGREGATES, FUNCTIONS
from planner.emit.sqlite.keys import KEYS
from planner.emit.sqlite.relations import refuse_relation
from planner.emit.sqlite.windows import WINDOWS

SQLITE = Dialect(
    name="sqlite",
    generator="sqlite",
    functions=FUNCTIONS,
    aggregates=AGGREGATES,
    windows=WINDOWS,
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
    computes_sides=True,
    keys=KEYS,
    shown_by="tests/planner/test_sqlite_dialect.py",
)

__all__ = ["AGGREGATES", "FUNCTIONS", "SQLITE"]
