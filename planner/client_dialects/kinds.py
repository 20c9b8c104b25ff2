"""What kind of value an expression of a client has, as far as that can be told before binding.

Owns the scopes in which a client's column finds its table. Must not know what a dialect makes of a
kind. Unknown is an answer: what depends on it is then noted or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from planner.client_dialects.kind_tables import (
    CALLS,
    MOMENTS,
    NUMBERS,
    SAME_AS_THEIR_FIRST,
    SHIFTS,
    TRUNCATIONS,
    Kind,
    kind_of_arrow,
    kind_of_type,
)

Columns = Mapping[str, Kind]
"""The columns of a table by name, in order."""

ColumnsOf = Callable[[tuple[str, ...]], pa.Schema | None]
"""The schema of the table that a name means; None when there is none, or nobody can tell."""


class Kinds:
    """The kinds of a statement's nodes, found on demand and remembered.

    Args:
        columns_of: what is known of tables; None when nothing is.
        exact_literals: whether `0.1` is a decimal number.
        upper_names: whether names are folded to upper case there.
        exact_parts: whether EXTRACT gives a decimal number, also of a year.
    """

    def __init__(
        self,
        columns_of: ColumnsOf | None = None,
        *,
        exact_literals: bool = False,
        upper_names: bool = False,
        exact_parts: bool = False,
    ) -> None:
        self._columns_of = columns_of
        self._exact_literals = exact_literals
        self._upper_names = upper_names
        self._exact_parts = exact_parts
        self._found: dict[int, tuple[exp.Expr, Kind]] = {}
        self._outputs: dict[int, tuple[exp.Expr, Columns | None]] = {}

    def of(self, node: object) -> Kind:
        """The kind of one node; `unknown` for whatever cannot be told."""
        if not isinstance(node, exp.Expr):
            return "unknown"
        remembered = self._found.get(id(node))
        if remembered is None:
            # A column that is its own definition (a recursive query) must not be followed for ever.
            self._found[id(node)] = (node, "unknown")
            remembered = (node, self._kind(node))
            self._found[id(node)] = remembered
        return remembered[1]

    def fresh(self) -> Kinds:
        """The same knowledge of tables, with nothing remembered of nodes."""
        return Kinds(
            self._columns_of,
            exact_literals=self._exact_literals,
            upper_names=self._upper_names,
            exact_parts=self._exact_parts,
        )

    def columns_of(self, source: exp.Expr) -> Columns | None:
        """The columns of a table or a subquery of FROM, or None."""
        return self._columns(source)

    def same(self, new: exp.Expr, old: exp.Expr) -> None:
        """A node that was written for another one has its kind, unless it was said to have one."""
        self._found.setdefault(id(new), (new, self.of(old)))

    def known(self, node: exp.Expr, kind: Kind) -> exp.Expr:
        """Say what kind a node has that was written by a rewrite."""
        self._found[id(node)] = (node, kind)
        return node

    def sources(self, select: exp.Select) -> list[tuple[str, Columns | None]]:
        """What a SELECT reads, by the names that it gives; None for columns that nobody knows."""
        return [
            (_name_of(source), self._columns(source))
            for source in sources_of(select)
        ]  # fmt: skip

    def outputs(self, query: exp.Expr) -> Columns | None:
        """The columns of a query, or None."""
        remembered = self._outputs.get(id(query))
        if remembered is None:
            self._outputs[id(query)] = (query, None)
            remembered = (query, self._output_columns(query))
            self._outputs[id(query)] = remembered
        return remembered[1]

    def _kind(self, node: exp.Expr) -> Kind:
        match node:
            case exp.Column():
                return self._column(node)
            case exp.Literal():
                if node.is_string:
                    return "text"
                if node.is_int:
                    return "int"
                return "decimal" if self._exact_literals and _is_exact(node.name) else "float"
            case exp.Extract():
                if self._exact_parts:
                    return "decimal"
                part = node.this.name.upper()
                return "unknown" if part in ("EPOCH", "SECOND", "SECONDS") else "int"
            case exp.Null():
                return "null"
            case exp.Cast():
                return kind_of_type(node.to)
            case exp.Convert():
                return kind_of_type(node.this)
            case exp.Div():
                return self._quotient(node)
            case exp.Case():
                branches = [part.args.get("true") for part in node.args.get("ifs") or []]
                return self._common([*branches, node.args.get("default")])
            case exp.If():
                return self._common([node.args.get("true"), node.args.get("false")])
            case exp.Coalesce() | exp.Greatest() | exp.Least():
                return self._common([node.this, *node.expressions])
            case exp.Avg():
                return "decimal" if self.of(node.this) == "decimal" else "float"
            case exp.Subquery():
                outputs = self.outputs(node.this)
                return next(iter(outputs.values())) if outputs and len(outputs) == 1 else "unknown"
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Mod():
                return self._sum(node)
        for classes, kind in CALLS:
            if isinstance(node, classes):
                return kind
        if isinstance(node, SAME_AS_THEIR_FIRST):
            first = node.this if node.this is not None else next(iter(node.expressions), None)
            return self.of(first)
        if isinstance(node, (*SHIFTS, *TRUNCATIONS)):
            inner = self.of(node.this)
            return inner if inner in ("date", *MOMENTS) else "unknown"
        return "unknown"

    def _common(self, parts: Sequence[object]) -> Kind:
        kinds = {self.of(part) for part in parts if part is not None} - {"null"}
        if len(kinds) == 1:
            return kinds.pop()
        if kinds and kinds <= NUMBERS:
            return "float" if "float" in kinds else "decimal"
        return "unknown"

    def _sum(self, node: exp.Expr) -> Kind:
        left, right = self.of(node.this), self.of(node.expression)
        if left in NUMBERS and right in NUMBERS:
            return self._common([node.this, node.expression])
        if left == "date" and right == "int":
            return "date"
        if "interval" in (left, right):
            return next((k for k in (left, right) if k in MOMENTS), "unknown")
        return "unknown"

    def _quotient(self, node: exp.Div) -> Kind:
        left, right = self.of(node.this), self.of(node.expression)
        if not node.args.get("typed"):
            return "float"
        if left not in NUMBERS or right not in NUMBERS:
            return "unknown"
        return self._common([node.this, node.expression])

    def _column(self, column: exp.Column) -> Kind:
        name, table = column.name.lower(), column.table.lower()
        select = column.find_ancestor(exp.Select)
        own = select
        while select is not None:
            for source, columns in self.sources(select):
                if table and source.lower() != table:
                    continue
                if columns is not None and name in columns:
                    return columns[name]
            select = select.find_ancestor(exp.Select)
        if own is not None and not table:
            for projection in own.expressions:
                if isinstance(projection, exp.Alias) and projection.alias.lower() == name:
                    return self.of(projection.this)
        return "unknown"

    def _columns(self, source: exp.Expr) -> Columns | None:
        if isinstance(source, exp.Subquery):
            columns = self.outputs(source.this)
        elif isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            query = _common_table(source)
            columns = self._of_table(source) if query is None else self.outputs(query)
        else:
            return None
        renamed = source.args.get("alias")
        names = renamed.columns if renamed is not None else []
        if columns is not None and names:
            given = [name.name.lower() for name in names]
            rest = list(columns.items())
            return dict(zip(given, (kind for _, kind in rest), strict=False)) | dict(
                rest[len(given) :]
            )
        return columns

    def _of_table(self, table: exp.Table) -> Columns | None:
        if self._columns_of is None:
            return None
        schema = self._columns_of(tuple(self._folded(part) for part in table.parts))
        if schema is None:
            return None
        return {field.name.lower(): kind_of_arrow(field.type) for field in schema}

    def _folded(self, name: exp.Expr) -> str:
        quoted = bool(name.args.get("quoted"))
        if quoted and not (self._upper_names and name.name.isupper()):
            return str(name.name)
        return str(name.name).lower()

    def _output_columns(self, query: exp.Expr) -> Columns | None:
        while isinstance(query, exp.Subquery | exp.Paren):
            query = query.this
        if isinstance(query, exp.CTE):
            query = query.this
        if isinstance(query, exp.SetOperation):
            return self.outputs(query.this)
        if not isinstance(query, exp.Select):
            return None
        found: dict[str, Kind] = {}
        for projection in query.expressions:
            if projection.is_star:
                star = projection.this if isinstance(projection, exp.Column) else projection
                if not isinstance(star, exp.Star) or any(star.args.values()):
                    return None
                wanted = projection.table if isinstance(projection, exp.Column) else ""
                for name, columns in self.sources(query):
                    if wanted and name.lower() != wanted.lower():
                        continue
                    if columns is None:
                        return None
                    found |= columns
            else:
                found[projection.alias_or_name.lower()] = self.of(projection)
        return found


def _is_exact(number: str) -> bool:
    return "e" not in number.lower()


def sources_of(select: exp.Select) -> list[exp.Expr]:
    """The tables and subqueries of FROM and the joins."""
    clause = select.args.get("from_")
    found = [clause.this] if clause is not None else []
    found += [join.this for join in select.args.get("joins") or []]
    found += select.args.get("laterals") or []
    nested = [source.args.get("joins") or [] for source in found]
    return found + [join.this for joins in nested for join in joins]


def _name_of(source: exp.Expr) -> str:
    return str(source.alias_or_name)


def _common_table(table: exp.Table) -> exp.Expr | None:
    """The common table expression that a name means."""
    if table.args.get("db"):
        return None
    name = table.name.lower()
    scope: exp.Expr | None = table
    while scope is not None:
        clause = scope.args.get("with_")
        for common in clause.expressions if clause is not None else []:
            if common.alias.lower() == name:
                return common if not common.args["alias"].columns else exp.Null()
        scope = scope.parent
    return None
