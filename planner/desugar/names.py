"""Which query a column of a statement belongs to: the names that each FROM brings, inside out.

Owns the scopes of SQL. Does not rewrite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from sqlglot import exp

from planner.desugar.tree import NoRewriteError, TableSchema, bare, named

Columns = Mapping[str, pa.Field | None]
"""Names in their order, each with its type, and whether it may be NULL, where that is known."""


@dataclass(eq=False)
class Scope:
    """What one SELECT can name.

    Attributes:
        sources: of its FROM, by alias; None where a source's columns are not known. One whose alias
            another has, or that has none, stands under one that no name can be: `?` and a number.
        parent: the query around it, whose names it can use as well.
        ctes: the queries of WITH that it can name.
        outer_joined: whether rows of a source may be left out, with NULLs in their place.
        outputs: the names that its SELECT list gives.
        paths: the words by which each source can be called, by alias.
    """

    sources: dict[str, Columns | None]
    parent: Scope | None
    ctes: dict[str, Columns | None]
    outer_joined: bool = False
    outputs: frozenset[str] = frozenset()
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def holder(self, column: exp.Column) -> tuple[Scope, str]:
        """The innermost scope that has the column, and the source in it ('' for an output).

        Raises:
            NoRewriteError: when that cannot be told.
        """
        name, table = named(column.this), column.args.get("table")
        scope: Scope | None = self
        while scope is not None:
            if table is not None:
                if (alias := scope._called(column)) is not None:
                    return scope, alias
                if any(c is None or named(table) in c for c in scope.sources.values()):
                    break  # a field of a structure, perhaps
            else:
                found = [a for a, c in scope.sources.items() if c is not None and name in c]
                if found:
                    return scope, found[0]
                if scope is self and name in scope.outputs:
                    return scope, ""
                if any(c is None for c in scope.sources.values()):
                    break
            scope = scope.parent
        raise NoRewriteError("a subquery with a name that cannot be placed", column, wrong=False)

    def tells(self, alias: str) -> bool:
        """Whether the alias by itself tells its source from the others."""
        own = self.paths.get(alias, ())[-1:]
        return bool(own) and sum(path[-1:] == own for path in self.paths.values()) == 1

    def _called(self, column: exp.Column) -> str | None:
        """The source that the words before a column's name mean; None where it is none of these.

        Raises:
            NoRewriteError: when it may be several.
        """
        words = _words_before(column)
        found = [alias for alias, path in self.paths.items() if _may_mean(words, path)]
        exact = [alias for alias in found if len(self.paths[alias]) >= len(words)]
        if len(exact) == 1:
            return exact[0]
        if len(found) > 1 or (found and self._may_be_outside(words)):
            raise NoRewriteError(
                f"the name {'.'.join(words)} of several tables beside a subquery",
                column,
                hint="Give each of the tables an alias.",
            )
        return found[0] if found else None

    def _may_be_outside(self, words: tuple[str, ...]) -> bool:
        scope = self.parent
        while scope is not None:
            if any(_may_mean(words, path) for path in scope.paths.values()):
                return True
            scope = scope.parent
        return False

    def field_of(self, column: exp.Column) -> pa.Field | None:
        """A column's type, and whether it may be NULL; None where that is not known."""
        scope, alias = self.holder(column)
        found = (scope.sources.get(alias) or {}).get(named(column.this))
        return found.with_nullable(True) if found is not None and scope.outer_joined else found

    def type_of(self, column: exp.Column) -> pa.DataType | None:
        """A column's type; None where that is not known."""
        found = self.field_of(column)
        return None if found is None else found.type


class Names:
    """Scopes of a statement's queries.

    Args:
        tables: the columns of a table of the catalog.
        ask: the engine, about a query's columns; None when it cannot tell.
    """

    def __init__(
        self, tables: TableSchema, ask: Callable[[exp.Expr], pa.Schema | None] | None = None
    ) -> None:
        self._tables = tables
        self._ask = ask

    def scope(
        self, select: exp.Select, parent: Scope | None, ctes: dict[str, Columns | None]
    ) -> Scope:
        """The scope of a SELECT; `ctes` are those around it."""
        known = self.with_ctes(select, ctes)
        scope = Scope({}, parent, known)
        scope.outer_joined = any(join.side for join in select.args.get("joins") or ())
        for number, source in enumerate(sources_of(select)):
            alias = alias_of(source)
            if not alias or alias in scope.sources:
                alias = f"?{number}"
            scope.sources[alias] = self.columns_of_source(source, known)
            scope.paths[alias] = _path_of(source)
        scope.outputs = frozenset(
            named(o.args["alias"]) for o in select.expressions if isinstance(o, exp.Alias)
        )
        return scope

    def with_ctes(
        self, query: exp.Expr, ctes: dict[str, Columns | None]
    ) -> dict[str, Columns | None]:
        """The queries that a query can name, its own WITH among them."""
        with_ = query.args.get("with_")
        if with_ is None:
            return ctes
        known = dict(ctes)
        for cte in with_.expressions:
            inner = {**known, alias_of(cte): None} if with_.args.get("recursive") else known
            known[alias_of(cte)] = _renamed(self.columns(cte.this, inner), cte)
        return known

    def ctes_around(self, node: exp.Expr) -> dict[str, Columns | None]:
        """The queries of every WITH around a part of a statement."""
        around = []
        parent = node.parent
        while parent is not None:
            around.append(parent)
            parent = parent.parent
        known: dict[str, Columns | None] = {}
        for query in reversed(around):
            known = self.with_ctes(query, known)
        return known

    def types_of(self, query: exp.Expr) -> list[pa.DataType] | None:
        """The types of a query's columns; of a part of a statement with the WITH around it."""
        known = self.columns(query, self.ctes_around(query))
        width = len(query.expressions) if isinstance(query, exp.Select) else 0
        found = [] if known is None else [f for f in known.values() if f is not None]
        if known is not None and len(found) == (len(known) if query.is_star else width):
            return [f.type for f in found]
        if self._ask is None:
            return None
        ctes: list[exp.Expr] = []
        node = query
        while node.parent is not None:
            inside, node = node, node.parent
            with_ = node.args.get("with_")
            if isinstance(with_, exp.With) and inside is not with_:
                ctes = [*with_.expressions, *ctes]
            elif isinstance(node, exp.With):
                ctes = [*node.expressions[: node.expressions.index(inside)], *ctes]
        asked = query.copy()
        if width and not query.is_star:
            names = [f"c{number}" for number in range(width)]
            outputs = [
                exp.Alias(this=bare(o), alias=exp.to_identifier(name, quoted=True))
                for o, name in zip(asked.expressions, names, strict=True)
            ]
            asked.set("expressions", outputs)
        if ctes:
            star = exp.Select(expressions=[exp.Star()])
            alias = exp.TableAlias(this=exp.to_identifier("t"))
            star.set("from_", exp.From(this=exp.Subquery(this=asked, alias=alias)))
            star.set("with_", exp.With(expressions=[cte.copy() for cte in ctes]))
            asked = star
        schema = self._ask(asked)
        return None if schema is None else list(schema.types)

    def columns(self, query: exp.Expr, ctes: dict[str, Columns | None]) -> Columns | None:
        """The output columns of a query."""
        if isinstance(query, exp.Subquery | exp.Paren):
            return _renamed(self.columns(query.this, ctes), query)
        known = self.with_ctes(query, ctes)
        if isinstance(query, exp.SetOperation):
            # Its types are those that both sides have in common.
            left = self.columns(query.this, known)
            return None if left is None else dict.fromkeys(left)
        if not isinstance(query, exp.Select):
            return None
        scope = self.scope(query, None, ctes)
        columns: dict[str, pa.Field | None] = {}
        for number, output in enumerate(query.expressions):
            if output.is_star:
                brought = star_columns(output, scope)
                if brought is None:
                    return None
                for alias, name in brought:
                    columns[name] = scope.field_of(_column_of(alias, name))
                continue
            inner = bare(output)
            if isinstance(output, exp.Alias):
                name = named(output.args["alias"])
            else:
                name = named(inner.this) if isinstance(inner, exp.Column) else f"?{number}"
            columns[name] = _field(inner, scope)
        group = query.args.get("group")
        if group is not None and group.find(exp.Rollup, exp.Cube, exp.GroupingSets):
            return {n: f.with_nullable(True) if f else None for n, f in columns.items()}
        return columns

    def columns_of_source(
        self, source: exp.Expr, ctes: dict[str, Columns | None]
    ) -> Columns | None:
        """The columns of what stands in FROM, under the names that its alias gives them."""
        if isinstance(source, exp.Table):
            if not isinstance(source.this, exp.Identifier):
                return None
            parts = tuple(named(part) for part in source.parts)
            if len(parts) == 1 and parts[0] in ctes:
                return _renamed(ctes[parts[0]], source)
            schema = self._tables(parts)
            if schema is None:
                return None
            return _renamed({f.name: f for f in schema}, source)
        if isinstance(source, exp.Subquery):
            if isinstance(source.this, exp.Table):
                return None
            return _renamed(self.columns(source.this, ctes), source)
        if isinstance(source, exp.Lateral) and isinstance(source.this, exp.Subquery):
            return _renamed(self.columns(source.this.this, ctes), source)
        if isinstance(source, exp.Values):
            alias, rows = source.args.get("alias"), source.expressions
            if alias is not None and alias.columns:
                return {named(c): None for c in alias.columns}
            if rows and isinstance(rows[0], exp.Tuple):
                numbers = range(1, len(rows[0].expressions) + 1)
                return {f"column{number}": None for number in numbers}
        return None


def sources_of(select: exp.Select) -> Iterator[exp.Expr]:
    """What stands in FROM, from left to right."""
    from_ = select.args.get("from_")
    if from_ is not None:
        yield from _unbracketed(from_.this)
    for join in select.args.get("joins") or ():
        yield from _unbracketed(join.this)


def _unbracketed(source: exp.Expr) -> Iterator[exp.Expr]:
    """A source, or those of joins in brackets."""
    if isinstance(source, exp.Subquery | exp.Paren) and isinstance(source.this, exp.Table):
        alias = source.args.get("alias")
        if alias is None:
            yield from _unbracketed(source.this)
            for join in source.args.get("joins") or ():
                yield from _unbracketed(join.this)
            return
    yield source
    if isinstance(source, exp.Table | exp.Subquery):
        for join in source.args.get("joins") or ():
            yield from _unbracketed(join.this)


def alias_of(source: exp.Expr) -> str:
    """The name by which a source's columns are told apart; '' for none."""
    alias = source.args.get("alias")
    if isinstance(alias, exp.TableAlias):
        return named(alias.this) if alias.this is not None else ""
    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        return named(source.this)
    return ""


def _path_of(source: exp.Expr) -> tuple[str, ...]:
    """The words by which a source can be called; () for none."""
    name = alias_of(source)
    if isinstance(source, exp.Table) and not isinstance(source.args.get("alias"), exp.TableAlias):
        return tuple(named(part) for part in source.parts) if name else ()
    return ("", name) if name else ()  # no word can stand before an alias


def _words_before(column: exp.Column) -> tuple[str, ...]:
    parts = [column.args.get(part) for part in ("catalog", "db", "table")]
    return tuple(named(part) for part in parts if part is not None)


def _may_mean(words: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether these words may be a source's, as far as both are written."""
    length = min(len(words), len(path))
    return length > 0 and words[-length:] == path[-length:]


def _renamed(columns: Columns | None, source: exp.Expr) -> Columns | None:
    alias = source.args.get("alias")
    if not isinstance(alias, exp.TableAlias) or not alias.columns:
        return columns
    names = [named(c.this if isinstance(c, exp.ColumnDef) else c) for c in alias.columns]
    types = list(columns.values()) if columns is not None else []
    if columns is not None and len(types) != len(names):
        return None
    return dict(zip(names, types or [None] * len(names), strict=True))


def star_columns(output: exp.Expr, scope: Scope) -> list[tuple[str, str]] | None:
    """What `*` or `t.*` stands for: aliases and names; None where that is not known."""
    star = output.this if isinstance(output, exp.Column) else output
    if star.args.get("replace") or star.args.get("rename"):
        return None
    left_out = {
        named(e if isinstance(e, exp.Identifier) else e.this)
        for e in star.args.get("except_") or ()
    }
    table = output.args.get("table") if isinstance(output, exp.Column) else None
    found: list[tuple[str, str]] = []
    for alias, columns in scope.sources.items():
        if table is not None and named(table) != alias:
            continue
        if columns is None:
            return None
        found += [(alias, name) for name in columns if name not in left_out]
    return found


def _column_of(alias: str, name: str) -> exp.Column:
    table = None if alias.startswith("?") else exp.to_identifier(alias, quoted=True)
    return exp.Column(this=exp.to_identifier(name, quoted=True), table=table)


def _field(expression: exp.Expr, scope: Scope) -> pa.Field | None:
    if not isinstance(expression, exp.Column):
        return None
    try:
        holder, _ = scope.holder(expression)
    except NoRewriteError:
        return None
    return scope.field_of(expression) if holder is scope else None
