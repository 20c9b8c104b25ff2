"""FETCH FIRST n ROWS, which is LIMIT n; and WITH TIES, which is not."""

from __future__ import annotations

from sqlglot import exp

from planner.desugar.engine_functions import is_stable
from planner.desugar.tree import NoRewriteError, output_of


def write_fetch(root: exp.Expr) -> bool:
    """`FETCH FIRST n ROWS ONLY` as `LIMIT n`, and `WITH TIES` as a rank.

    The rows WITH TIES are those that rank n-th or before by ORDER BY, because rows that are equal
    have the rank of their first. OFFSET m leaves out m rows, and takes up to the rank of m + n.
    """
    found = list(root.find_all(exp.Fetch))
    for fetch in found:
        options = fetch.args.get("limit_options")
        if options is not None and options.args.get("percent"):
            raise NoRewriteError("FETCH FIRST … PERCENT", fetch, hint="Write a number of rows.")
        if options is not None and options.args.get("with_ties"):
            _with_ties(fetch)
        else:
            count = fetch.args.get("count") or exp.Literal.number(1)
            fetch.replace(exp.Limit(expression=count.copy()))
    return bool(found)


def _with_ties(fetch: exp.Fetch) -> None:
    select = fetch.parent
    order = select.args.get("order") if select is not None else None
    if order is None:
        raise NoRewriteError("WITH TIES without ORDER BY", fetch)
    if not isinstance(select, exp.Select) or select.args.get("distinct"):
        raise NoRewriteError(
            "WITH TIES of a UNION or of DISTINCT rows",
            fetch,
            hint="Put the query in brackets after FROM.",
        )
    if select.args.get("qualify"):
        raise NoRewriteError("WITH TIES beside QUALIFY", fetch)
    keys = []
    for key in order.expressions:
        copy = key.copy()
        copy.set("this", output_of(select, key.this).copy())
        if not is_stable(copy):
            raise NoRewriteError("WITH TIES by a random value", key)
        keys.append(copy)
    count = (fetch.args.get("count") or exp.Literal.number(1)).copy()
    offset = select.args.get("offset")
    conditions: list[exp.Expr] = []
    if offset is not None:
        skipped = offset.expression
        conditions.append(exp.GT(this=_numbered("row_number", keys), expression=skipped.copy()))
        count = exp.Paren(this=exp.Add(this=skipped.copy(), expression=count))
        select.set("offset", None)
    conditions.append(exp.LTE(this=_numbered("rank", keys), expression=count))
    select.set("limit", None)
    select.set("qualify", exp.Qualify(this=exp.and_(*conditions)))


def _numbered(function: str, keys: list[exp.Expr]) -> exp.Window:
    order = exp.Order(expressions=[key.copy() for key in keys])
    return exp.Window(this=exp.Anonymous(this=function), order=order)
