"""DataFusion's own SQL, for Flight SQL sources that run DataFusion: another Crosswind, or ROAPI.

The engine is the same, so a rule holds when its arguments arrive with exactly their types; only
what depends on the order of rows, or on the processor's mathematics, has none. Data and small
writers. `tests/planner/test_datafusion_dialect.py` compares each rule with the engine.
"""

from __future__ import annotations

from planner.emit.datafusion.aggregates import AGGREGATES
from planner.emit.datafusion.columns import (
    output,
    read_column,
    refuse_cast,
    refuse_literal,
    refuse_order,
    write_cast,
    write_literal,
)
from planner.emit.datafusion.functions import FUNCTIONS
from planner.emit.datafusion.keys import KEYS
from planner.emit.datafusion.types import type_sql
from planner.emit.datafusion.windows import GROUPING, WINDOWS, grouping_id
from planner.emit.dialect import Dialect
from planner.engine_dialect import Engine

DATAFUSION = Dialect(
    name="datafusion",
    # The name under which sqlglot knows the class; names of types come from `types`.
    generator=Engine.__name__.lower(),
    functions={**FUNCTIONS, **GROUPING},
    aggregates=AGGREGATES,
    windows=WINDOWS,
    grouping_id=grouping_id,
    filters=True,
    semi_joins=True,
    type_sql=type_sql,
    read_column=read_column,
    refuse_literal=refuse_literal,
    write_literal=write_literal,
    refuse_cast=refuse_cast,
    write_cast=write_cast,
    order=lambda sql, _: sql,
    refuse_order=refuse_order,
    output=output,
    keys=KEYS,
    shown_by="tests/planner/test_datafusion_dialect.py",
)


__all__ = ["AGGREGATES", "DATAFUSION", "FUNCTIONS"]
