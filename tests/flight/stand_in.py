"""Stand-ins for parser, planner and engine: `SELECT * FROM name` over one source."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from connectors.contract import Fragment, TableScan
from connectors.errors import SqlSyntaxError, TypeMismatchError, UnsupportedError
from flight_server.queries import Planned
from planner.account import Account
from planner.catalog import Catalog
from planner.plan import Plan, PlannedFragment


class StandInPlanning:
    def __init__(self) -> None:
        self.planned: list[str] = []

    def plan(self, sql: str, catalog: Catalog) -> Planned:
        self.planned.append(sql)
        mode: Any = "query"
        text = sql.strip().rstrip(";")
        if match := re.match(r"(?i)explain\s+(analyze\s+)?", text):
            mode = "analyze" if match[1] else "explain"
            text = text[match.end() :]
        if re.match(r"(?i)(insert|update|delete|create|drop)\b", text):
            raise UnsupportedError("only queries are run here")
        if "'abc' + 1" in text:
            raise TypeMismatchError("no operator + for text and integer")
        match = re.fullmatch(r"(?is)select\s+(?:1|\*\s+from\s+([\w.\"]+))", text)
        if match is None:
            raise SqlSyntaxError("expected SELECT * FROM name")
        parts = tuple((match[1] or "one").replace('"', "").split("."))
        found = catalog.resolve(parts)
        schema = found.table.schema
        fragment = Fragment(TableScan(found.table.name, tuple(schema.names)), schema)
        planned = PlannedFragment("f0", found.source.name, fragment, (str(found.table.name),))
        return Planned(mode, Plan(sql, schema, (planned,), (), None), "volatile" in sql)

    def explain(self, plan: Plan, account: Account | None) -> Sequence[str]:
        lines = [f"scan {plan.fragments[0].tables[0]} at {plan.fragments[0].source}"]
        return lines if account is None else [*lines, f"rows {account.rows}"]


class StandInEngine:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.closed = False

    def start(self, plan: Plan, deadline: float | None = None) -> StandInExecution:
        planned = plan.fragments[0]
        connector = self._catalog.sources[planned.source].connector
        return StandInExecution(plan.schema, connector.execute(planned.fragment, deadline))

    def close(self) -> None:
        self.closed = True


class StandInExecution:
    def __init__(self, schema: pa.Schema, batches: Any) -> None:
        self.schema = schema
        self._batches = batches
        self.rows = 0

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                self.rows += batch.num_rows
                yield batch
        finally:
            self._batches.close()

    def account(self) -> Account:
        return Account(self.rows, 0, 0.0)

    def cancel(self) -> None:
        self._batches.cancel()

    def close(self) -> None:
        self._batches.close()
