"""Two output columns of one name, which the engine refuses: one under a name of our own.

    SELECT id, id FROM people      SELECT id, id AS "__q_o1" FROM people

The client gets its name back. Run only for a statement that the engine has refused for this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from planner.desugar.names import Names, Scope, star_columns
from planner.desugar.text import NotReadError, text_of, tree_of
from planner.desugar.tree import (
    FreshNames,
    NoRewriteError,
    TableSchema,
    aliased,
    bare,
    column,
    named,
)

REFUSALS = (
    "Projections require unique expression names",
    "which would be ambiguous",
    "duplicate qualified field name",
    "duplicate unqualified field name",
)
"""What the engine says of such a statement."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A statement whose output columns have different names.

    Attributes:
        sql: its text.
        names: what the client is to see, by the name that a column has in `sql`: a name, or the
            number of another column that has the right one.
    """

    sql: str
    names: Mapping[str, str | int]

    def client_names(self, names: Sequence[str]) -> list[str]:
        """The client's names of the statement's columns."""
        found = [self.names.get(name, name) for name in names]
        return [names[n] if isinstance(n, int) else n for n in found]


@dataclass(frozen=True, slots=True)
class _Output:
    """One column of a query.

    Attributes:
        name: as the client sees it; None where the engine makes one of the expression.
        table: its table's alias, for a column of a table.
        text: the expression's.
        node: the part of the SELECT list that it stands in.
    """

    name: str | None
    table: str | None
    text: str
    node: exp.Expr

    def clashes(self, other: _Output, *, inside: bool) -> bool:
        if self.name is None or other.name is None:
            return self.name is other.name and self.text == other.text
        tables = self.table, other.table
        return self.name == other.name and (inside or None in tables or tables[0] == tables[1])


def distinct_outputs(sql: str, tables: TableSchema) -> Renamed | None:
    """The statement with every output column under a name of its own; None where it has that.

    Of two columns of one name the second is renamed, or the one that `*` did not bring. Names that
    ORDER BY or a query outside use then mean the other, which has the same value or would be
    ambiguous.
    """
    try:
        root = exp.Subquery(this=tree_of(sql))
    except NotReadError:
        return None
    fresh, names = FreshNames(sql), Names(tables)
    found: dict[str, str | int] = {}
    first = _first_select(root)
    for select in list(root.find_all(exp.Select)):
        try:
            scope = names.scope(select, None, names.ctes_around(select))
            _rename(select, scope, fresh, found, inside=select is not first)
        except NoRewriteError:
            continue
    return Renamed(text_of(root.this), found) if found else None


def _rename(
    select: exp.Select,
    scope: Scope,
    fresh: FreshNames,
    found: dict[str, str | int],
    *,
    inside: bool,
) -> None:
    _write_out_stars(select, scope, inside=inside)
    # Where a star stands, an output's number is not that of its place in the list.
    numbered = not inside and not any(map(_is_star, select.expressions))
    kept: list[tuple[int, _Output]] = []
    for number, output in enumerate(_outputs(select, scope)):
        twin = next((k for k in kept if k[1].clashes(output, inside=inside)), None)
        if twin is None:
            kept.append((number, output))
            continue
        given, like = output, twin[0]
        if _is_star(output.node):
            kept[kept.index(twin)] = (number, output)
            given, like = twin[1], number
        name = fresh.next("o")
        found[name] = given.name or (like if numbered else given.text)
        given.node.replace(aliased(bare(given.node).copy(), name))


def _outputs(select: exp.Select, scope: Scope) -> list[_Output]:
    found = []
    for output in select.expressions:
        inner = bare(output)
        if _is_star(output):
            columns = star_columns(output, scope)
            if columns is None:
                raise NoRewriteError("columns that are not known", output, wrong=False)
            found += [_Output(name, table, "", output) for table, name in columns]
        elif isinstance(output, exp.Alias):
            found.append(_Output(named(output.args["alias"]), None, "", output))
        elif isinstance(inner, exp.Column):
            found.append(_Output(named(inner.this), scope.holder(inner)[1], "", output))
        else:
            found.append(_Output(None, None, text_of(inner.copy()), output))
    return found


def _write_out_stars(select: exp.Select, scope: Scope, *, inside: bool) -> None:
    """A star that brings a name again, as the columns that it stands for."""
    merged = any(j.args.get("using") or j.method for j in select.args.get("joins") or ())
    brought: list[tuple[str, str] | str] = []
    written: list[exp.Expr] = []
    for output in select.expressions:
        columns = (star_columns(output, scope) if _is_star(output) else None) or []
        keys = [name if inside else (table, name) for table, name in columns]
        if len({*brought, *keys}) == len(brought) + len(keys):
            written.append(output)
            brought += keys
        elif merged:
            raise NoRewriteError("a star over USING", output, wrong=False)
        else:
            written += [column(name, table) for table, name in columns]
    select.set("expressions", written)


def _is_star(output: exp.Expr) -> bool:
    star = output.this if isinstance(output, exp.Column) else output
    return isinstance(star, exp.Star)


def _first_select(query: exp.Expr) -> exp.Expr:
    """The query whose columns give the answer its names."""
    while isinstance(query, exp.Subquery | exp.Paren | exp.SetOperation):
        query = query.this
    return query
