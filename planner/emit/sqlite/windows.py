"""Windows: when SQLite's result is the engine's, and how each is written there."""

from __future__ import annotations

import pyarrow as pa

from planner.emit.dialect import Sql, WindowRule
from planner.emit.sqlite.functions import AGGREGATES
from planner.emit.windows import aggregated, ranking


def _as_it_is(sql: Sql, _: pa.DataType) -> Sql:
    """Its integers stand for the engine's unsigned numbers: none is negative."""
    return sql


WINDOWS: dict[str, WindowRule] = {
    **ranking(_as_it_is),
    **aggregated(AGGREGATES, ("count", "sum", "min", "max", "bool_and", "bool_or")),
}
