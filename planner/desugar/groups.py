"""A query over groups as a query over a table of its groups.

    SELECT dept, max(id) IN (SELECT k FROM gaps) FROM people GROUP BY dept HAVING count(*) > 1

    SELECT g1 AS dept, g2 IN (SELECT k FROM gaps)
      FROM (SELECT dept AS g1, max(id) AS g2, count(*) AS g3 FROM people GROUP BY dept) WHERE g3 > 1

Then what a subquery beside the groups takes from them are columns of a table, and it can be
rewritten as any other.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from planner.desugar.correlation import outer_columns
from planner.desugar.engine_functions import is_aggregate
from planner.desugar.names import Names, Scope
from planner.desugar.outputs import name_outputs
from planner.desugar.tree import (
    FreshNames,
    NoRewriteError,
    aliased,
    bare,
    column,
    named,
    own_nodes,
    quoted,
)

_OF_GROUPS = ("having", "qualify", "order", "windows")
_OF_ROWS = ("from_", "joins", "where", "group")
_SETS = (exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple, exp.Paren)


def lift_groups(select: exp.Select, scope: Scope, names: Names, fresh: FreshNames) -> None:
    """Rewrite a query over groups in place.

    Args:
        scope: what its parts can name.

    Raises:
        NoRewriteError: for a column that is no key of the groups.
    """
    if any(output.is_star for output in select.expressions):
        raise NoRewriteError("a subquery beside * over groups", select, wrong=False)
    name_outputs(select)
    _Lifting(select, scope, names, fresh).run()


class _Lifting:
    """What one query's groups are made of, and the names that it gets."""

    def __init__(self, select: exp.Select, scope: Scope, known: Names, fresh: FreshNames) -> None:
        self._select = select
        self._scope = scope
        self._known = known
        self._fresh = fresh
        self._table = fresh.next("t")
        self._outputs = {
            named(output.args["alias"]): output.this
            for output in select.expressions
            if isinstance(output, exp.Alias)
        }
        self._names: dict[exp.Expr, str] = {}
        self._made: list[exp.Expr] = []
        self._keys: set[exp.Expr] = set()

    def run(self) -> None:
        """Name the keys, then replace what stands above the groups."""
        select = self._select
        if (group := select.args.get("group")) is not None:
            if group.args.get("all"):
                raise NoRewriteError("a subquery beside GROUP BY ALL", group)
            self._resolve(group)
            if group.find(exp.Query):
                raise NoRewriteError("a subquery in GROUP BY beside another", group, wrong=False)
            for key in _keys_of(group):
                self._keys.add(self._qualified(key))
                self._name(key)
        if (having := select.args.get("having")) is not None:
            self._write_aliases(having)
        distinct = select.args.get("distinct")
        clauses = [*select.expressions, *(select.args.get(part) for part in _OF_GROUPS), distinct]
        for clause in clauses:
            for root in clause if isinstance(clause, list) else [clause]:
                if root is not None:
                    self._lift(root)
        if not self._made:
            count = exp.Anonymous(this="count", expressions=[exp.Star()])
            self._made.append(aliased(count, self._fresh.next("g")))
        rows = exp.Select(expressions=self._made)
        for part in _OF_ROWS:
            rows.set(part, select.args.get(part))
            select.set(part, None)
        alias = exp.TableAlias(this=quoted(self._table))
        select.set("from_", exp.From(this=exp.Subquery(this=rows, alias=alias)))
        if having is not None:
            select.set("where", exp.Where(this=having.this))
            select.set("having", None)

    def _resolve(self, group: exp.Group) -> None:
        """Write out the keys that are an output's number or name."""
        outputs = self._select.expressions
        for key in list(group.expressions):
            if isinstance(key, exp.Literal) and key.name.isdigit():
                if not 0 < int(key.name) <= len(outputs):
                    raise NoRewriteError("GROUP BY this number", key, wrong=False)
                key.replace(bare(outputs[int(key.name) - 1]).copy())
        self._write_aliases(group)

    def _write_aliases(self, clause: exp.Expr) -> None:
        for node in [n for n in own_nodes(clause) if isinstance(n, exp.Column)]:
            if node.table or isinstance(node.this, exp.Star):
                continue
            if self._scope.holder(node) == (self._scope, ""):
                node.replace(exp.Paren(this=self._outputs[named(node.this)].copy()))

    def _lift(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Query):
            self._lift_into(node)
            return
        ordered = isinstance(node, exp.Column) and isinstance(node.parent, exp.Ordered)
        if ordered and not node.args.get("table") and named(node.this) in self._outputs:
            return
        if self._is_of_groups(node):
            node.replace(column(self._name(node), self._table))
            return
        for child in list(node.iter_expressions()):
            self._lift(child)

    def _is_of_groups(self, node: exp.Expr) -> bool:
        inner = node
        while isinstance(inner, exp.Filter | exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
            inner = inner.this
        if is_aggregate(inner):
            return not isinstance(node.parent, exp.Filter | exp.WithinGroup)
        if isinstance(node, exp.Anonymous) and node.name.lower() == "grouping":
            return True
        return not isinstance(node, exp.Literal | exp.Star) and self._qualified(node) in self._keys

    def _lift_into(self, query: exp.Expr) -> None:
        """The columns of the groups that a subquery names."""
        for node, holder in outer_columns(query, self._scope, self._known, self._scope.ctes):
            if holder is not self._scope:
                continue
            if self._qualified(node) not in self._keys:
                raise NoRewriteError("a subquery with a column that is no key of its groups", node)
            node.replace(column(self._name(node), self._table))

    def _name(self, node: exp.Expr) -> str:
        qualified = self._qualified(node)
        if qualified not in self._names:
            self._names[qualified] = name = self._fresh.next("g")
            self._made.append(aliased(node.copy(), name))
        return self._names[qualified]

    def _qualified(self, node: exp.Expr) -> exp.Expr:
        """The expression with each column as its table's and in its own letters, to be compared."""
        made = exp.Paren(this=node.copy())
        for found in list(made.find_all(exp.Column)):
            if isinstance(found.this, exp.Star):
                continue
            try:
                scope, alias = self._scope.holder(found)
            except NoRewriteError:
                continue
            if scope is self._scope:
                found.replace(column(named(found.this), alias or None))
        inner: exp.Expr = made.this
        while isinstance(inner, exp.Paren):
            inner = inner.this
        return inner


def _keys_of(group: exp.Group) -> Iterator[exp.Expr]:
    waiting = [
        part
        for value in group.args.values()
        for part in (value if isinstance(value, list) else [value])
        if isinstance(part, exp.Expr)
    ]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, _SETS):
            waiting = [*node.expressions, *([node.this] if node.this else []), *waiting]
        else:
            yield node
