"""JOIN … USING and NATURAL JOIN, whose common columns are one, as joins ON their equality.

    SELECT id, b FROM x FULL JOIN y USING (id)

    SELECT coalesce(x.id, y.id) AS id, b FROM x FULL JOIN y ON x.id = y.id

The one column is the left's after an inner or a LEFT JOIN, the right's after a RIGHT JOIN, and
after a FULL JOIN whichever is there. DataFusion 55 takes the left's always, and does not find
it without a table's name in WHERE. `*` is the common columns, then the left's others, then the
right's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from planner.desugar.correlation import outer_columns
from planner.desugar.names import Names, Scope, alias_of
from planner.desugar.subqueries import nested_in
from planner.desugar.tree import (
    FreshNames,
    NoRewriteError,
    aliased,
    all_of,
    bare,
    column,
    named,
    own_nodes,
    quoted,
)


class _NotThereError(Exception):
    """A column of USING that a side does not have."""


@dataclass(frozen=True)
class _Visible:
    """A column of what is joined so far: its name, what it is, whether it is of several tables."""

    name: str
    value: exp.Expr
    merged: bool = False


def write_merged(root: exp.Expr, names: Names, fresh: FreshNames) -> bool:
    """Rewrite each query that joins so; whether there was one.

    Raises:
        NoRewriteError: for a RIGHT or FULL JOIN whose columns cannot be told.
    """
    changed = False
    for select in list(root.find_all(exp.Select)):
        joins = [j for j in select.args.get("joins") or () if _merges(j)]
        if not joins:
            continue
        try:
            _write(select, names, fresh)
            changed = True
        except _NotThereError:
            pass  # the engine says so
        except NoRewriteError:
            across = next((j for j in joins if j.side in ("RIGHT", "FULL")), None)
            if across is not None:
                what = f"{across.side} JOIN with USING or NATURAL in a query like this"
                hint = "Write ON, and coalesce(left, right) for the common column."
                raise NoRewriteError(what, across, hint=hint) from None
    in_brackets = (
        join for join in root.find_all(exp.Join) if not isinstance(join.parent, exp.Select)
    )
    for join in in_brackets:
        if _merges(join) and join.side in ("RIGHT", "FULL"):
            what = f"{join.side} JOIN with USING or NATURAL in brackets"
            raise NoRewriteError(what, join, hint="Write ON.")
    return changed


def _merges(join: exp.Join) -> bool:
    return bool(join.args.get("using")) or join.method == "NATURAL"


def _write(select: exp.Select, names: Names, fresh: FreshNames) -> None:
    sources = [select.args["from_"].this, *(j.this for j in select.args["joins"])]
    for source in sources:
        if source.args.get("joins") or isinstance(source, exp.Lateral):
            raise NoRewriteError("a join in brackets", source)
        if not alias_of(source):
            if not isinstance(source, exp.Subquery) or isinstance(source.this, exp.Table):
                raise NoRewriteError("a table without a name", source)
            source.set("alias", exp.TableAlias(this=quoted(fresh.next("t"))))
    ctes = names.ctes_around(select)
    scope = names.scope(select, None, ctes)
    stars = [output for output in select.expressions if isinstance(output, exp.Star)]
    if any(star.args.get("replace") or star.args.get("rename") for star in stars):
        raise NoRewriteError("* with REPLACE", stars[0])
    if len({alias_of(source) for source in sources}) != len(sources):
        raise NoRewriteError("tables of one name", select)

    # Of lists with commas each part is joined for itself.
    parts = [_columns(sources[0], scope)]
    conditions: list[tuple[exp.Join, exp.Expr]] = []
    for join in select.args["joins"]:
        right = _columns(join.this, scope)
        if join.kind in ("SEMI", "ANTI") or join.method not in ("", "NATURAL"):
            raise NoRewriteError("a join of this kind", join)
        if not any(join.args.get(a) for a in ("kind", "side", "on", "using", "method")):
            parts.append(right)
            continue
        parts[-1], on = _joined(parts[-1], right, join)
        if on is not None:
            conditions.append((join, on))
    visible = [item for part in parts for item in part]
    merged = _alone(visible)
    _name_merged(select, merged, _asked_inside(select, scope, names, merged))
    for join, on in conditions:
        join.set("using", None)
        join.set("method", None)
        join.set("on", on)
    outputs = list(_outputs(select, visible))
    select.set("expressions", outputs)
    order = select.args.get("order")
    if select.args.get("distinct") is not None and order is not None:
        # The engine looks for the parts of such a key among the outputs.
        values = [bare(output) for output in outputs]
        for key in order.expressions:
            if key.this in merged.values() and key.this in values:
                key.set("this", exp.Literal.number(values.index(key.this) + 1))


def _columns(source: exp.Expr, scope: Scope) -> list[_Visible]:
    alias = alias_of(source)
    columns = scope.sources.get(alias)
    if columns is None:
        raise NoRewriteError("columns that are not known", source)
    return [_Visible(name, column(name, alias)) for name in columns]


def _joined(
    left: list[_Visible], right: list[_Visible], join: exp.Join
) -> tuple[list[_Visible], exp.Expr | None]:
    """The columns after a join, and its condition where it names columns."""
    if not _merges(join):
        return [*left, *right], None
    using = join.args.get("using")
    if using:
        common = [named(u.this if isinstance(u, exp.Column) else u) for u in using]
    else:
        theirs = {item.name for item in right}
        common = [item.name for item in left if item.name in theirs]
    one: list[_Visible] = []
    equal: list[exp.Expr] = []
    for name in common:
        mine = [item for item in left if item.name == name]
        other = [item for item in right if item.name == name]
        if not mine or not other:
            raise _NotThereError
        if len(mine) != 1 or len(other) != 1:
            raise NoRewriteError("a common column that is not there once", join)
        a, b = mine[0].value, other[0].value
        equal.append(exp.EQ(this=a.copy(), expression=b.copy()))
        value = a
        if join.side == "RIGHT":
            value = b
        elif join.side == "FULL":
            value = exp.Anonymous(this="coalesce", expressions=[a.copy(), b.copy()])
        one.append(_Visible(name, value, True))
    rest = [item for item in (*left, *right) if item.name not in common]
    return [*one, *rest], all_of(equal) if equal else exp.true()


def _alone(visible: Sequence[_Visible]) -> dict[str, exp.Expr]:
    """The merged columns that nothing else is called like."""
    counted = [item.name for item in visible]
    return {i.name: i.value for i in visible if i.merged and counted.count(i.name) == 1}


def _asked_inside(
    select: exp.Select, scope: Scope, names: Names, merged: dict[str, exp.Expr]
) -> list[exp.Column]:
    """The merged columns that subqueries take from this query."""
    found: list[exp.Column] = []
    for nested in nested_in(select):
        inside = [n for n in nested.query.find_all(exp.Column) if _names_one(n, merged)]
        if inside:
            outer = outer_columns(nested.query, scope, names, scope.ctes)
            taken = {id(node) for node, of in outer if of is scope}
            found += [node for node in inside if id(node) in taken]
    return found


def _names_one(node: exp.Expr, merged: dict[str, exp.Expr]) -> bool:
    if not isinstance(node, exp.Column) or node.table or isinstance(node.this, exp.Star):
        return False
    return named(node.this) in merged


def _name_merged(
    select: exp.Select, merged: dict[str, exp.Expr], inside: Sequence[exp.Column]
) -> None:
    order = select.args.get("order")
    given = {named(o.args["alias"]) for o in select.expressions if isinstance(o, exp.Alias)}
    by_output = {
        id(key.this)
        for key in (order.expressions if order is not None else ())
        if isinstance(key.this, exp.Column) and named(key.this.this) in given
    }
    for node in [*own_nodes(select), *inside]:
        if not _names_one(node, merged) or id(node) in by_output:
            continue
        assert isinstance(node, exp.Column)
        value = merged[named(node.this)].copy()
        if node.parent is select and node.arg_key == "expressions":
            value = value if isinstance(value, exp.Column) else aliased(value, named(node.this))
        node.replace(value)


def _outputs(select: exp.Select, visible: Sequence[_Visible]) -> Iterator[exp.Expr]:
    for output in select.expressions:
        if not isinstance(bare(output), exp.Star):
            yield output
            continue
        left_out = {
            named(e if isinstance(e, exp.Identifier) else e.this)
            for e in output.args.get("except_") or ()
        }
        for item in visible:
            if item.name not in left_out:
                value = item.value.copy()
                yield value if isinstance(value, exp.Column) else aliased(value, item.name)
