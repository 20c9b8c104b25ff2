"""Queries of WITH inside of a correlated query that depend on its keys. Knows no joins."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from planner.desugar.names import alias_of
from planner.desugar.tree import NoRewriteError, named, quoted


def inline_dependent_ctes(query: exp.Expr, has_keys: Callable[[exp.Expr], bool]) -> None:
    """Write a query of WITH that depends on the keys in each place that names it.

    Args:
        has_keys: whether something depends on them.

    Raises:
        NoRewriteError: for a recursive one.
    """
    with_ = query.args.get("with_")
    if not isinstance(with_, exp.With) or not has_keys(with_):
        return
    if with_.args.get("recursive"):
        raise NoRewriteError("WITH RECURSIVE in a correlated subquery", with_)
    for cte in list(with_.expressions):
        if not has_keys(cte):
            continue
        cte.pop()
        name = alias_of(cte)
        for table in list(query.find_all(exp.Table)):
            plain = isinstance(table.this, exp.Identifier) and not table.db
            if plain and named(table.this) == name:
                alias = exp.TableAlias(
                    this=quoted(alias_of(table)),
                    columns=[c.copy() for c in cte.args["alias"].columns] or None,
                )
                table.replace(exp.Subquery(this=cte.this.copy(), alias=alias))
    if not with_.expressions:
        query.set("with_", None)
