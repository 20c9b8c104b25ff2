"""Which columns of a query belong to one around it. Does not rewrite."""

from __future__ import annotations

from sqlglot import exp

from planner.desugar.names import Columns, Names, Scope, sources_of


def outer_columns(
    query: exp.Expr, around: Scope, names: Names, ctes: dict[str, Columns | None]
) -> list[tuple[exp.Column, Scope]]:
    """The columns of a query that belong to one around it, with the scope that has them.

    Args:
        around: the scope of the query around.

    Raises:
        NoRewriteError: when a name cannot be placed.
    """
    own: set[Scope] = set()
    found: list[tuple[exp.Column, Scope]] = []

    def query_in(node: exp.Expr, parent: Scope, known: dict[str, Columns | None]) -> None:
        while isinstance(node, exp.Subquery | exp.Paren):
            node = node.this
        inner = names.with_ctes(node, known)
        with_ = node.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            query_in(cte.this, parent, inner)
        if isinstance(node, exp.SetOperation):
            query_in(node.this, parent, inner)
            query_in(node.expression, parent, inner)
            return
        if not isinstance(node, exp.Select):
            below(node, parent, inner)
            return
        scope = names.scope(node, parent, known)
        own.add(scope)
        for source in sources_of(node):
            if isinstance(source, exp.Lateral):
                query_in(source.this, scope, inner)
            elif isinstance(source, exp.Subquery) and not isinstance(source.this, exp.Table):
                query_in(source.this, parent, inner)
            elif not isinstance(source, exp.Subquery):
                below(source, scope, inner)
        for key, value in node.args.items():
            if key not in ("from_", "with_"):
                for part in value if isinstance(value, list) else [value]:
                    if isinstance(part, exp.Join):
                        below(part.args.get("on"), scope, inner)
                    elif isinstance(part, exp.Expr):
                        below(part, scope, inner)

    def below(node: exp.Expr | None, scope: Scope, known: dict[str, Columns | None]) -> None:
        if node is None:
            return
        if isinstance(node, exp.Query):
            query_in(node, scope, known)
            return
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            holder, _ = scope.holder(node)
            if holder not in own:
                found.append((node, holder))
            return
        for child in node.iter_expressions():
            below(child, scope, known)

    query_in(query, around, ctes)
    return found
