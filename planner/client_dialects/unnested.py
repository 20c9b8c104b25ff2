"""Lists that are joined to the row that holds them: `FROM t CROSS JOIN UNNEST(t.l) AS u(x)`.

The engine unnests in a SELECT list and not sideways in FROM. The table becomes a query of its own,
`FROM (SELECT t.*, unnest(t.l) AS x FROM t) AS t`, and `u.x` becomes `t.x`. Rows without an element
are left out, as in a cross join. Owns the spellings of it, and which can be written so.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from planner.client_dialects.build import Node
from planner.client_dialects.kinds import sources_of
from planner.client_dialects.reading import Reading


@dataclass(frozen=True, slots=True)
class _Unnesting:
    """One list in FROM.

    Attributes:
        holder: the join or the lateral view that it is.
        values: the list.
        table: the name of its rows, if they have one.
        column: the name of an element.
    """

    holder: Node
    values: Node
    table: str
    column: exp.Identifier


def unnest_in_select(tree: exp.Expr, reading: Reading) -> None:
    """Write each list that is joined to its own row as an unnesting query. Changes `tree`."""
    for select in list(tree.find_all(exp.Select)):
        for join in list(select.args.get("joins") or []):
            found = _of_join(join)
            if found is not None:
                _unnest(select, found, reading)
        for view in list(select.args.get("laterals") or []):
            found = _of_view(view, reading)
            if found is not None:
                _unnest(select, found, reading)


def _of_join(join: exp.Join) -> _Unnesting | None:
    source = join.this
    alias = source.args.get("alias")
    if isinstance(source, exp.Lateral) and isinstance(source.this, exp.Unnest):
        source = source.this
    if not isinstance(source, exp.Unnest) or len(source.expressions) != 1:
        return None
    values = source.expressions[0]
    sideways = values.find(exp.Column) is not None
    plain = not join.side and str(join.kind).upper() in ("CROSS", "INNER", "")
    on = join.args.get("on")
    if on is not None and not (isinstance(on, exp.Boolean) and on.this):
        plain = False
    if not sideways or not plain or join.args.get("using") or source.args.get("offset"):
        return None
    column = _column_of(alias)
    if column is None:
        return None
    return _Unnesting(join, values, _table_of(alias), column)


def _of_view(view: exp.Lateral, reading: Reading) -> _Unnesting | None:
    alias = view.args.get("alias")
    column = _column_of(alias)
    if not isinstance(view.this, exp.Explode) or view.args.get("outer") or column is None:
        reading.refuse(view, "LATERAL VIEW of this form", "Write explode(…) in a subquery.")
    if view.this.expressions or type(view.this) is not exp.Explode:
        reading.refuse(view, "LATERAL VIEW of this form", "Write explode(…) in a subquery.")
    return _Unnesting(view, view.this.this, _table_of(alias), column)


def _column_of(alias: Node | None) -> exp.Identifier | None:
    if alias is None:
        return None
    columns = alias.args.get("columns") or []
    if len(columns) > 1:
        return None
    found = columns[0] if columns else alias.this
    return found if isinstance(found, exp.Identifier) else None


def _table_of(alias: Node | None) -> str:
    return str(alias.name).lower() if alias is not None and alias.this is not None else ""


def _unnest(select: exp.Select, found: _Unnesting, reading: Reading) -> None:
    owner = _owner(select, found)
    if owner is None:
        reading.refuse(
            found.values, "a list of another table than the first", "Unnest it in a subquery."
        )
    name = str(owner.alias_or_name)
    columns = reading.kinds.fresh().columns_of(owner)
    column = str(found.column.name).lower()
    if columns is not None and column in columns:
        reading.refuse(found.column, f"an element named like the column {column!r}", "Rename it.")
    found.holder.pop()
    _rename(select, found.table, column, name)
    qualified = exp.to_identifier(name, quoted=_is_quoted(owner))
    inner = exp.Select(
        expressions=[
            exp.Column(this=exp.Star(), table=qualified.copy()),
            exp.Alias(this=exp.Explode(this=found.values.copy()), alias=found.column.copy()),
        ],
        from_=exp.From(this=owner.copy()),
    )
    owner.replace(exp.Subquery(this=inner, alias=exp.TableAlias(this=qualified)))


def _is_quoted(owner: Node) -> bool:
    alias = owner.args.get("alias")
    named = alias.this if alias is not None and alias.this is not None else owner.this
    return isinstance(named, exp.Identifier) and bool(named.args.get("quoted"))


def _owner(select: exp.Select, found: _Unnesting) -> Node | None:
    """The table that holds the list: the first one of FROM, which no outer join makes NULL."""
    clause = select.args.get("from_")
    if clause is None or not isinstance(clause.this, exp.Table | exp.Subquery):
        return None
    first = clause.this
    held = {id(found.holder), id(found.holder.this)}
    others = [
        source for source in sources_of(select) if source is not first and id(source) not in held
    ]
    joins = [join for join in select.args.get("joins") or [] if join is not found.holder]
    if any(str(join.side).upper() in ("RIGHT", "FULL") for join in joins):
        return None
    tables = {column.table.lower() for column in found.values.find_all(exp.Column)}
    own = {str(first.alias_or_name).lower()}
    alone = not others
    if tables <= own or (alone and tables <= own | {""}):
        return first if not (select.is_star and not alone) else None
    return None


def _rename(select: exp.Select, table: str, column: str, owner: str) -> None:
    """`u.x`, and where a dialect allows it `u` alone, mean the new column."""
    for used in list(select.find_all(exp.Column)):
        if table and used.table.lower() == table:
            used.set("table", exp.to_identifier(owner))
            if used.name.lower() == table and column != table:
                used.set("this", exp.to_identifier(column))
