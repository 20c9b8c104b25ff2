"""Writes `docs/functions.md`: what goes to a source of each dialect, and where that is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from planner.emit.dialect import AggregateRule, Dialect, FunctionRule, WindowRule
from planner.emit.dialects import DIALECTS
from tests.planner import (
    test_datafusion_dialect,
    test_duckdb_dialect,
    test_grouping,
    test_postgres_dialect,
    test_sqlite_dialect,
    test_windows,
)
from tests.types_page import TITLES

_CASES: Mapping[str, Mapping[str, Sequence[object]]] = {
    "postgres": test_postgres_dialect.FUNCTION_CASES | test_postgres_dialect.AGGREGATE_CASES,
    "duckdb": test_duckdb_dialect.FUNCTION_CASES | test_duckdb_dialect.AGGREGATE_CASES,
    "sqlite": test_sqlite_dialect.FUNCTION_CASES | test_sqlite_dialect.AGGREGATE_CASES,
    "datafusion": test_datafusion_dialect.FUNCTION_CASES | test_datafusion_dialect.AGGREGATE_CASES,
}

Rule = FunctionRule | AggregateRule | WindowRule

_HEAD = """# Functions that go to a source

An operator or a function goes to a source only when its result there is the engine's, to the last
bit and with the same type: what stands in no table here runs in Crosswind, and EXPLAIN says why.

*Statements compared* is how many statements with the rule were run at a real source of the dialect
and in the engine, over the same unpleasant values, with the same answer, in the test named above
each table; a rule without one fails that test. Of a dialect that could not be run, nothing goes to
a source unless `pushdown = "all"` asks for it.

`x`, `y`, … are the arguments in order. A dash under *when* is always.

This page is written by `make regen` from the tables that the planner uses.
"""


def page() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *(line for d in DIALECTS.values() for line in _section(d))))


def cases_of(dialect: Dialect) -> Mapping[str, Sequence[object]]:
    """The statements that are compared, by the name of the rule."""
    cases = dict(_CASES.get(dialect.name, {}))
    return cases | {"grouping": test_grouping.CASES["grouping"]} if dialect.grouping_id else cases


def windows_of(dialect: Dialect) -> Mapping[str, Sequence[object]]:
    """The same, of functions over windows."""
    return test_windows.cases_of(dialect.name) if dialect.windows else {}


def _section(dialect: Dialect) -> Iterator[str]:
    yield f"## {TITLES[dialect.name]}"
    yield ""
    shown = f"`{dialect.shown_by}`"
    if dialect.windows:
        shown += ", `tests/planner/test_windows.py` and `tests/planner/test_grouping.py`"
    yield f"Compared by {shown}." if dialect.proven else f"Not run; read back by {shown}."
    yield ""
    kinds: tuple[tuple[str, Mapping[str, Rule]], ...] = (
        ("function", dialect.functions),
        ("aggregate", dialect.aggregates),
        ("over a window", dialect.windows),
    )
    for title, rules in kinds:
        if not rules:
            continue
        cases = windows_of(dialect) if rules is dialect.windows else cases_of(dialect)
        last = "statements compared" if dialect.proven else "proven"
        yield f"| {title} | of | when | written there | why it is the same | {last} |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for name, rule in sorted(rules.items()):
            yield _row(len(cases.get(name, ())), name, rule)
        yield ""


def _row(statements: int, name: str, rule: Rule) -> str:
    compared = str(statements) if rule.proven else "no"
    written = f"`{rule.written}`" if rule.written else "—"
    cells = (f"`{name}`", rule.takes, rule.when or "—", written, rule.shown, compared)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
