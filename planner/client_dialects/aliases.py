"""Names of output columns where other expressions use them: `SELECT n * 2 AS x, x + 1 AS y`.

Owns which dialects allow that, and where. The engine knows such a name in GROUP BY, HAVING, QUALIFY
and ORDER BY only. A column of a source wins over it, so that all of these must be known.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from planner.client_dialects.build import Node
from planner.client_dialects.reading import Reading

_BESIDE = frozenset({"snowflake", "redshift", "spark", "databricks", "duckdb", "clickhouse"})
"""Dialects in which an output may use those that stand before it."""

_IN_WHERE = frozenset({"snowflake", "duckdb", "clickhouse", "sqlite"})

_CHANGING = (exp.Rand, exp.Uuid)


def expand_aliases(tree: exp.Expr, reading: Reading) -> None:
    """Write the expression wherever the dialect lets its name stand for it. Changes `tree`."""
    if not reading.speaks(_BESIDE | _IN_WHERE):
        return
    for select in list(tree.find_all(exp.Select)):
        aliases = [output for output in select.expressions if isinstance(output, exp.Alias)]
        if aliases:
            _expand(select, reading)


def _expand(select: exp.Select, reading: Reading) -> None:
    names = _source_columns(select, reading)
    if names is None:
        return
    known: dict[str, Node] = {}
    for output in select.expressions:
        if known and reading.speaks(_BESIDE):
            _replace(output, known, reading)
        if isinstance(output, exp.Alias):
            name = _folded(output.args["alias"])
            if name not in names:
                known[name] = output.this
            elif reading.dialect == "clickhouse" and _used_elsewhere(name, output, select):
                reading.refuse(output, f"{name!r} as a column's name and an output's", "Rename it.")
    where = select.args.get("where")
    if where is not None and reading.speaks(_IN_WHERE):
        _replace(where, known, reading)


def _used_elsewhere(name: str, output: Node, select: exp.Select) -> bool:
    """Whether the name stands where ClickHouse, unlike the others, takes it for the output."""
    clauses = [select.args.get(key) for key in ("where", "prewhere", "group", "having")]
    places = [*select.expressions, *(clause for clause in clauses if clause is not None)]
    return any(
        _folded(column.this) == name and not column.table
        for place in places
        if place is not output
        for column in _own_columns(place)
    )


def _source_columns(select: exp.Select, reading: Reading) -> set[str] | None:
    names: set[str] = set()
    for _, columns in reading.kinds.sources(select):
        if columns is None:
            return None
        names |= columns.keys()
    return names


def _replace(root: Node, known: dict[str, Node], reading: Reading) -> None:
    for column in list(_own_columns(root)):
        meant = known.get(_folded(column.this))
        if meant is None or column.table:
            continue
        if meant.find(*_CHANGING):
            reading.refuse(column, "the name of an output that is another one each time")
        column.replace(exp.Paren(this=meant.copy()))


def _own_columns(root: Node) -> Iterator[exp.Column]:
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, exp.Column):
            yield node
        elif node is root or not isinstance(node, exp.Query):
            waiting += node.iter_expressions()


def _folded(name: Node) -> str:
    return str(name.name).lower()
