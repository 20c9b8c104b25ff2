"""The dialects that the planner can emit, by the name that connectors declare."""

from __future__ import annotations

from planner.emit.bigquery import BIGQUERY
from planner.emit.datafusion import DATAFUSION
from planner.emit.dialect import Dialect
from planner.emit.duckdb import DUCKDB
from planner.emit.mysql import MYSQL
from planner.emit.postgres import POSTGRES
from planner.emit.postgres.not_utf8 import restricted
from planner.emit.snowflake import SNOWFLAKE
from planner.emit.spark import SPARK
from planner.emit.sqlite import SQLITE
from planner.emit.tsql import TSQL

PROVEN = (POSTGRES, DUCKDB, SQLITE, DATAFUSION)
"""Those that run where the tests run."""

UNPROVEN = (MYSQL, SNOWFLAKE, BIGQUERY, SPARK, TSQL)
"""Those whose SQL is read back and was never run: nothing goes there unless it is asked for."""

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (*PROVEN, *UNPROVEN)}

_RESTRICTED = {dialect.name: dialect for dialect in (restricted(POSTGRES),)}
"""Those that are another with less in them, which a connector declares when it knows its source."""


def dialect_named(name: str) -> Dialect:
    """The dialect that a connector declares."""
    return DIALECTS.get(name) or _RESTRICTED[name]
