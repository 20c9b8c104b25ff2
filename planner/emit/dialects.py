"""The dialects that the planner can emit, by the name that connectors declare."""

from __future__ import annotations

from planner.emit.dialect import Dialect
from planner.emit.postgres import POSTGRES

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (POSTGRES,)}
