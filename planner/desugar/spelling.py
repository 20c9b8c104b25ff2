"""Constructs that mean what another, which the engine plans, says in other words.

Each function changes one construct of the tree in place and says whether it did.
"""

from __future__ import annotations

from sqlglot import exp

from planner.desugar.engine_functions import is_stable
from planner.desugar.tree import NoRewriteError, named, nodes_of, output_of


def write_tables(root: exp.Expr) -> bool:
    """`TABLE t` is `SELECT * FROM t`, which is how it is read already."""
    return root.find(exp.Table) is not None


def write_is_null(root: exp.Expr) -> bool:
    """`x ISNULL` is `x IS NULL`. The engine takes ISNULL for the column's new name."""
    return root.find(exp.Is) is not None


def bracket_distinct_from(root: exp.Expr) -> bool:
    """`a IS DISTINCT FROM b OR c` is `(a IS DISTINCT FROM b) OR c`.

    The engine's parser takes all that follows FROM as what is compared with. Brackets are written
    around each of them: they stand where the tree has them, so they change nothing else.
    """
    return any(_swallows(node) for node in root.find_all(exp.NullSafeEQ, exp.NullSafeNEQ))


def _swallows(node: exp.Expr) -> bool:
    """Whether something follows the comparison within its brackets."""
    while isinstance(node.parent, exp.Binary | exp.Not):
        if node.arg_key == "this" and not isinstance(node.parent, exp.Not):
            return True
        node = node.parent
    return isinstance(node.parent, exp.Is | exp.In | exp.Between)


def forget_materialized(root: exp.Expr) -> bool:
    """`AS [NOT] MATERIALIZED` says how to run a query and not what it answers."""
    found = [cte for cte in root.find_all(exp.CTE) if cte.args.get("materialized") is not None]
    for cte in found:
        cte.set("materialized", None)
    return bool(found)


def name_semi_sides(root: exp.Expr) -> bool:
    """`SEMI JOIN` and `ANTI JOIN` keep rows of the left, which the engine wants said."""
    found = [
        join
        for join in root.find_all(exp.Join)
        if join.kind in ("SEMI", "ANTI") and not join.side and not join.method
    ]
    for join in found:
        join.set("side", "LEFT")
    return bool(found)


def group_by_nothing(root: exp.Expr) -> bool:
    """`GROUP BY ()` is one group of all rows, also of none.

    So is a query with an aggregate and no GROUP BY. A count in HAVING, which is never negative,
    makes it one where it has no other aggregate.
    """
    changed = False
    for group in root.find_all(exp.Group):
        select = group.parent
        parts = group.expressions
        if not isinstance(select, exp.Select) or len(parts) != 1 or len(group.args) > 2:
            continue
        if not isinstance(parts[0], exp.Tuple) or parts[0].expressions:
            continue
        count = exp.Anonymous(this="count", expressions=[exp.Star()])
        any_count = exp.GTE(this=count, expression=exp.Literal.number(0))
        having = select.args.get("having")
        if having is None:
            select.set("having", exp.Having(this=any_count))
        select.set("group", None)
        changed = True
    return changed


_OF_THE_WHOLE = ("with_", "order", "limit", "offset")


def unbracket(root: exp.Expr) -> None:
    """`(q) ORDER BY k LIMIT 1` as `(q ORDER BY k LIMIT 1)`: brackets hold nothing but a query."""
    # `EXISTS ((q) LIMIT 1)` is read as a call of a function.
    nodes = nodes_of(root)
    calls = [node for node in nodes if isinstance(node, exp.Anonymous)]
    for call in calls:
        if len(call.expressions) == 1 and call.name.upper() == "EXISTS":
            rows = call.expressions[0]
            limit = rows if isinstance(rows, exp.Limit) else None
            query = rows.this if limit is not None else rows
            if isinstance(query, exp.Query):
                if limit is not None:
                    query.set("limit", exp.Limit(expression=limit.expression))
                call.replace(exp.Exists(this=query))
                nodes = nodes_of(root)
    for node in nodes:
        if not isinstance(node, exp.Subquery):
            continue
        given = [part for part in _OF_THE_WHOLE if node.args.get(part) is not None]
        inner = node.this
        if not given or not isinstance(inner, exp.Query):
            continue
        held = isinstance(inner, exp.Subquery) or any(
            inner.args.get(part) is not None for part in _OF_THE_WHOLE
        )
        if held:
            alias = exp.TableAlias(this=exp.to_identifier("q"))
            source = exp.Subquery(this=inner.copy(), alias=alias)
            inner = exp.Select(expressions=[exp.Star()], from_=exp.From(this=source))
        for part in given:
            inner.set(part, node.args[part].copy())
            node.set(part, None)
        node.set("this", inner)


def forget_no_limit(root: exp.Expr) -> bool:
    """`LIMIT ALL` and `LIMIT NULL` are no limit."""
    found = [
        node
        for node in root.find_all(exp.Limit, exp.Offset)
        if isinstance(node.expression, exp.Null)
        or (isinstance(node.expression, exp.Var) and node.expression.name.upper() == "ALL")
    ]
    for node in found:
        node.pop()
    return bool(found)


def write_mod(root: exp.Expr) -> bool:
    """`mod(a, b)` is `a % b`."""
    found = [
        call
        for call in root.find_all(exp.Anonymous)
        if call.name.lower() == "mod" and len(call.expressions) == 2
    ]
    for call in found:
        a, b = (exp.Paren(this=argument) for argument in call.expressions)
        rest = exp.Paren(this=exp.Mod(this=a, expression=b))
        output = isinstance(call.parent, exp.Select) and call.arg_key == "expressions"
        call.replace(exp.Alias(this=rest, alias=exp.to_identifier("mod")) if output else rest)
    return bool(found)


def write_apply(root: exp.Expr) -> bool:
    """`CROSS APPLY q` is `CROSS JOIN LATERAL q`, and `OUTER APPLY q` a LEFT JOIN with it."""
    found = [
        join
        for join in root.find_all(exp.Join)
        if isinstance(join.this, exp.Lateral) and join.this.args.get("cross_apply") is not None
    ]
    for join in found:
        if join.this.args["cross_apply"]:
            join.set("kind", "CROSS")
        else:
            join.set("side", "LEFT")
            join.set("on", exp.true())
        join.this.set("cross_apply", None)
    return bool(found)


def order_by_all(root: exp.Expr) -> bool:
    """`ORDER BY ALL` is by every output column, from left to right: by their numbers."""
    changed = False
    for select in root.find_all(exp.Select):
        order = select.args.get("order")
        if order is None:
            continue
        keys = order.expressions
        if len(keys) != 1 or not isinstance(keys[0].this, exp.Column) or keys[0].this.table:
            continue
        word = keys[0].this.this
        if named(word) != "all" or word.args.get("quoted"):
            continue
        if any(output.is_star for output in select.expressions):
            raise NoRewriteError("ORDER BY ALL of *", keys[0], hint="Name the columns.")
        numbers = range(1, len(select.expressions) + 1)
        keys = [_same_order(keys[0], exp.Literal.number(number)) for number in numbers]
        order.set("expressions", keys)
        changed = True
    return changed


def _same_order(key: exp.Expr, expression: exp.Expr) -> exp.Expr:
    copy = key.copy()
    copy.set("this", expression)
    return copy


def distinct_on_once(root: exp.Expr) -> bool:
    """`DISTINCT ON (k) … ORDER BY 1, k, a` without its repeated keys, and each key written out.

    A key that stands before, or is equal by its number or name, never decides. Which order the
    expressions of ON have makes no difference: they take that of ORDER BY, as the engine wants.
    """
    changed = False
    for select in root.find_all(exp.Select):
        distinct, order = select.args.get("distinct"), select.args.get("order")
        on = distinct.args.get("on") if distinct is not None else None
        if distinct is None or on is None or order is None:
            continue
        wanted = on.expressions if isinstance(on, exp.Tuple) else [on]
        kept: dict[exp.Expr, exp.Expr] = {}
        for key in order.expressions:
            expression = output_of(select, key.this)
            if expression not in kept:
                kept[expression] = _same_order(key, expression)
        first = list(kept)[: len(wanted)]
        if set(first) != set(wanted) or not all(map(is_stable, kept)):
            continue  # the engine says what is wrong
        before = (wanted, [key.this for key in order.expressions])
        if before != (first, list(kept)):
            distinct.set("on", exp.Tuple(expressions=[e.copy() for e in first]))
            order.set("expressions", list(kept.values()))
            changed = True
    return changed
