"""Random SELECTs over a source's tables: the same seed gives the same statements everywhere.

Owns the shapes: joins, subqueries, grouping and grouping sets, set operations, order and limit, the
first rows of partitions. Every answer is determined: a limit stands only above an order by all
columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from sqlglot import exp

from tests.oracle.expressions import Expressions, Sql
from tests.oracle.scope import Column, Kind, Table
from tests.oracle.windows import Windows

_SIDES = ("", "", "LEFT", "RIGHT", "FULL")


def statement(
    seed: int,
    tables: Sequence[Table],
    *,
    shared: bool = False,
    joined: bool = False,
    common: bool = False,
) -> exp.Query:
    """The statement of a seed.

    Args:
        shared: only of what means the same in other engines too.
        joined: tables are joined more often than not.
        common: all is read from one common table, mostly several times.
    """
    made = _Statements(Random(seed), tables, shared, joined)
    return made.common() if common else made.query()


class _Statements:
    def __init__(self, random: Random, tables: Sequence[Table], shared: bool, joined: bool) -> None:
        self._random = random
        self._tables = tables
        self._shared = shared
        self._joins = (1, 1, 1, 2, 2, 3) if joined else (0, 0, 0, 1, 1, 2)
        self._joined = joined
        self._aliases = 0

    def query(self) -> exp.Query:
        """A whole statement."""
        chance = self._random.random()
        if chance < 0.12:
            return self._ordered(self._set_operation())
        if chance < 0.2:
            return self.common()
        if chance < 0.27:
            return self._ordered(self._first_of_partitions())
        return self._ordered(self._select())

    def _over(self, columns: Sequence[Column]) -> Expressions:
        return Expressions(self._random, columns, shared=self._shared)

    def common(self) -> exp.Query:
        """A statement over a common table."""
        inner, kinds = self._select()
        if self._random.random() < 0.3:
            inner, kinds = self._ordered((inner, kinds))[0], kinds
        outer = self._uses(kinds)
        return outer.with_("w", as_=inner, copy=False)

    def _uses(self, kinds: Sequence[Kind]) -> exp.Query:
        """A query over the common table `w`, which it names once or several times."""
        match self._random.choice(("once", "joined", "joined", "united", "tested", "grouped")):
            case "united":
                both = self._use("w1", kinds), self._use("w2", kinds)
                return exp.Union(this=both[0], expression=both[1], distinct=False)
            case "joined":
                return self._joined_uses(kinds)
            case "tested":
                outer, column = self._use("w1", kinds), self._random.choice(_of("w1", kinds))
                inner = self._use("w2", kinds, [column.name])
                found: Sql = exp.In(this=column.sql(), query=inner.subquery())
                return outer.where(exp.Not(this=found) if self._random.random() < 0.4 else found)
            case "grouped":
                these = self._over(_of("w2", kinds))
                select, more = self._grouped(exp.select().from_(_table("w", "w2")), these)
                grouped = [Column("w3", f"c{i}", kind) for i, kind in enumerate(more)]
                outer, scope = self._use("w1", kinds), _of("w1", kinds)
                on = self._join_condition(scope, grouped)
                return outer if on is None else outer.join(select.subquery("w3"), on=on)
        return self._use("w1", kinds)

    def _use(
        self, alias: str, kinds: Sequence[Kind], names: Sequence[str] | None = None
    ) -> exp.Select:
        """Some rows of `w`, of all of its columns or of those that are named."""
        scope = _of(alias, kinds)
        select = exp.select(*(c.sql() for c in scope if names is None or c.name in names))
        select = select.from_(_table("w", alias))
        if self._random.random() < 0.4:
            return select
        return select.where(self._over(scope).condition(2))

    def _joined_uses(self, kinds: Sequence[Kind]) -> exp.Query:
        scope = _of("w1", kinds)
        select = exp.select().from_(_table("w", "w1"))
        for number in range(2, self._random.choice((2, 2, 3)) + 1):
            more = _of(f"w{number}", kinds)
            on = self._join_condition(scope, more)
            if on is None:
                break
            side = self._random.choice(_SIDES)
            select = select.join(_table("w", f"w{number}"), on=on, join_type=side or None)
            scope = [*scope, *more]
        if self._random.random() < 0.5:
            select = select.where(self._over(scope).condition(2))
        wanted = self._random.sample(scope, self._random.randint(1, len(scope)))
        return select.select(*(exp.alias_(c.sql(), f"c{i}") for i, c in enumerate(wanted)))

    def _first_of_partitions(self) -> tuple[exp.Query, list[Kind]]:
        """Some rows of each partition of a window, by their number in it."""
        select, scope = self._from()
        these = self._over(scope)
        number = Windows(self._random, scope, shared=self._shared).row_number()
        if number is None:
            return self._select()
        if self._random.random() < 0.5:
            select = select.where(self._where(these), copy=False)
        outputs = [these.any(1) for _ in range(self._random.randint(1, 3))]
        named = [exp.alias_(sql, f"c{i}") for i, (sql, _) in enumerate(outputs)]
        inner = select.select(*named, exp.alias_(number, "place"), copy=False)
        place = exp.column("place", table="w")
        kept = self._random.choice((exp.LTE, exp.LTE, exp.EQ, exp.LT))
        columns = [*(f"w.c{i}" for i in range(len(outputs))), "w.place"]
        outer = exp.select(*columns).from_(inner.subquery("w"))
        outer = outer.where(kept(this=place, expression=these.number(1, 4)))
        return outer, [*(kind for _, kind in outputs), "int"]

    def _ordered(self, made: tuple[exp.Query, list[Kind]]) -> exp.Query:
        query, kinds = made
        # For the engine a column that a filter fixes has one value, also where sets leave it out.
        fixed = query.find(exp.Where) is not None
        in_sets = query.find(exp.Rollup, exp.Cube, exp.GroupingSets) is not None
        if self._random.random() < 0.4 and not (in_sets and fixed):
            nulls = self._random.choice((None, True, False))
            down = self._random.random() < 0.3
            keys = [
                exp.Ordered(this=exp.Literal.number(str(i + 1)), desc=down, nulls_first=nulls)
                for i in range(len(kinds))
            ]
            query = query.order_by(*keys, copy=False)
            if self._random.random() < 0.5:
                query = query.limit(self._random.choice((0, 1, 3, 10, 40)), copy=False)
                if self._random.random() < 0.3:
                    query = query.offset(self._random.choice((1, 5)), copy=False)
        return query

    def _set_operation(self) -> tuple[exp.Query, list[Kind]]:
        left, kinds = self._select(plain=True)
        right, _ = self._select(wanted=kinds, plain=True)
        node = self._random.choice((exp.Union, exp.Union, exp.Intersect, exp.Except))
        distinct = node is not exp.Union or self._random.random() < 0.4
        return node(this=left, expression=right, distinct=distinct), kinds

    def _select(
        self, wanted: Sequence[Kind] | None = None, *, plain: bool = False
    ) -> tuple[exp.Select, list[Kind]]:
        """A SELECT whose outputs are c0, c1, …, of these kinds where some are wanted."""
        select, scope = self._from()
        these = self._over(scope)
        if self._random.random() < 0.6:
            select = select.where(self._where(these), copy=False)
        if self._joined and self._random.random() < 0.3:
            select = select.where(self._partner_test(scope), copy=False)
        if wanted is None and self._random.random() < 0.35:
            if scope and self._random.random() < 0.3:
                return self._in_sets(select, these, scope)
            return self._grouped(select, these)
        kinds = list(wanted or ())
        outputs = [these.of(kind) for kind in kinds]
        for _ in range(0 if wanted else self._random.randint(1, 4)):
            sql, kind = these.any()
            outputs.append(sql)
            kinds.append(kind)
        if wanted is None and not plain and scope and self._random.random() < 0.25:
            windows = Windows(self._random, scope, shared=self._shared)
            for _ in range(self._random.choice((1, 1, 2, 3))):
                window, kind = windows.any()
                outputs.append(window)
                kinds.append(kind)
        named = [exp.alias_(sql, f"c{i}") for i, sql in enumerate(outputs)]
        select = select.select(*named, copy=False)
        return (select.distinct(copy=False) if self._random.random() < 0.15 else select), kinds

    def _from(self) -> tuple[exp.Select, list[Column]]:
        source, scope = self._source()
        select = exp.select().from_(source)
        for _ in range(self._random.choice(self._joins)):
            joined, more = self._source()
            side = self._random.choice(_SIDES)
            on = self._join_condition(scope, more)
            if on is None:
                continue
            select = select.join(joined, on=on, join_type=side or None, copy=False)
            scope = [*scope, *more]
        return select, scope

    def _source(self) -> tuple[Sql, list[Column]]:
        table = self._random.choice(self._tables)
        self._aliases += 1
        alias = f"t{self._aliases}"
        if self._random.random() < 0.12:
            inner, kinds = self._derived(table)
            columns = [Column(alias, f"c{i}", kind) for i, kind in enumerate(kinds)]
            return inner.subquery(alias), columns
        return _table(table.name, alias), list(table.aliased(alias))

    def _derived(self, table: Table) -> tuple[exp.Select, list[Kind]]:
        self._aliases += 1
        alias = f"t{self._aliases}"
        these = self._over(table.aliased(alias))
        made = [self._of_columns(these, table.aliased(alias)) for _ in range(3)]
        select = exp.select(*(exp.alias_(sql, f"c{i}") for i, (sql, _) in enumerate(made)))
        select = select.from_(_table(table.name, alias))
        return select.where(these.condition(2)), [kind for _, kind in made]

    def _of_columns(self, these: Expressions, columns: Sequence[Column]) -> tuple[Sql, Kind]:
        """A column, or an expression of some.

        Never a constant: the engine takes it for one above an outer join too, and does not sort by
        it.
        """
        column = self._random.choice(columns)
        kind: Kind = "bool" if self._random.random() < 0.3 else column.kind
        computed = these.of(kind, 2)
        if self._random.random() < 0.5 or not computed.find(exp.Column):
            return column.sql(), column.kind
        return computed, kind

    def _join_condition(self, left: Sequence[Column], right: Sequence[Column]) -> Sql | None:
        """An equality of two columns of one kind; now and then with something more."""
        pairs = [(a, b) for a in left for b in right if a.kind == b.kind and a.kind != "float"]
        if not pairs:
            return None
        a, b = self._random.choice(pairs)
        node = exp.NullSafeEQ if self._random.random() < 0.1 else exp.EQ
        on: Sql = exp.Paren(this=node(this=a.sql(), expression=b.sql()))
        if self._random.random() < 0.25:
            more = self._over([*left, *right]).condition(2)
            on = exp.And(this=on, expression=exp.Paren(this=more))
        return on

    def _where(self, these: Expressions) -> Sql:
        if self._random.random() < 0.2:
            return self._subquery_test(these)
        return these.condition()

    def _partner_test(self, outer: Sequence[Column]) -> Sql:
        """[NOT] EXISTS, or [NOT] IN, of a row that is equal in some column."""
        table = self._random.choice(self._tables)
        self._aliases += 1
        alias = f"t{self._aliases}"
        columns = table.aliased(alias)
        pairs = [(a, b) for a in outer for b in columns if a.kind == b.kind and a.kind != "float"]
        if not pairs:
            return exp.true()
        mine, theirs = self._random.choice(pairs)
        inner = exp.select(theirs.sql()).from_(_table(table.name, alias))
        if self._random.random() < 0.5:
            inner = inner.where(self._over(columns).condition(2))
        if self._random.random() < 0.5:
            found: Sql = exp.In(this=mine.sql(), query=inner.subquery())
        else:
            inner = inner.where(exp.EQ(this=mine.sql(), expression=theirs.sql()))
            found = exp.Exists(this=inner)
        return exp.Not(this=found) if self._random.random() < 0.4 else found

    def _subquery_test(self, these: Expressions) -> Sql:
        """[NOT] IN, [NOT] EXISTS, or a comparison with a single value."""
        table = self._random.choice(self._tables)
        self._aliases += 1
        alias = f"t{self._aliases}"
        columns = table.aliased(alias)
        inner_these = self._over(columns)
        column = self._random.choice(columns)
        inner = exp.select(column.sql()).from_(_table(table.name, alias))
        if self._random.random() < 0.6:
            inner = inner.where(inner_these.condition(2))
        match self._random.choice(("in", "exists", "value")):
            case "in":
                # Of a plain column: what the engine makes of others it may refuse.
                found: Sql = exp.In(this=these.operand(column.kind, 0), query=inner.subquery())
            case "exists":
                found = exp.Exists(this=inner)
            case _:
                highest = exp.select(exp.Max(this=column.sql())).from_(_table(table.name, alias))
                if column.kind == "bool":
                    return exp.Exists(this=inner)
                return exp.LTE(this=these.operand(column.kind, 1), expression=highest.subquery())
        return exp.Not(this=found) if self._random.random() < 0.4 else found

    def _grouped(self, select: exp.Select, these: Expressions) -> tuple[exp.Select, list[Kind]]:
        keys = [these.any(1) for _ in range(self._random.choice((0, 1, 1, 2)))]
        measures = [self._aggregate(these) for _ in range(self._random.randint(1, 3))]
        outputs = [*keys, *measures]
        named = [exp.alias_(sql.copy(), f"c{i}") for i, (sql, _) in enumerate(outputs)]
        select = select.select(*named, copy=False)
        for number in range(len(keys)):
            select = select.group_by(exp.Literal.number(str(number + 1)), copy=False)
        if keys and self._random.random() < 0.3:
            counted = exp.Anonymous(this="count", expressions=[exp.Star()])
            select = select.having(exp.GT(this=counted, expression=these.number(0, 3)), copy=False)
        return select, [kind for _, kind in outputs]

    def _aggregate(self, these: Expressions) -> tuple[Sql, Kind]:
        names = ("count", "count", "sum", "min", "max", "bool_and", "avg")
        name = self._random.choice(names[:-1] if self._shared else names)
        kind: Kind
        if name == "count" and self._random.random() < 0.3:
            argument: Sql = exp.Star()
            kind = "int"
        elif name == "bool_and":
            argument, kind = these.of("bool", 2), "bool"
        elif name in ("sum", "avg"):
            # A sum of floats depends on the order of its rows.
            kind = self._random.choice(("int", "decimal")) if name == "sum" else "decimal"
            argument = these.of(kind, 1)
        else:
            argument, kind = these.any(2)
            # The engine's least of -0.0 and 0.0, and of NaNs, depends on the order of its rows.
            if name != "count" and kind in ("bool", "float"):
                name, kind = "count", "int"
        # How many floats there are among -0.0 and NaNs, the engine counts in two ways.
        orderly = not isinstance(argument, exp.Star) and kind != "float"
        distinct = orderly and self._random.random() < 0.15
        if distinct:
            argument = exp.Distinct(expressions=[argument])
        call: Sql = exp.Anonymous(this=name, expressions=[argument])
        if self._random.random() < 0.2:
            call = exp.Filter(this=call, expression=exp.Where(this=these.condition(2)))
        return call, "int" if name == "count" else kind

    def _in_sets(
        self, select: exp.Select, these: Expressions, scope: Sequence[Column]
    ) -> tuple[exp.Select, list[Kind]]:
        """ROLLUP, CUBE or GROUPING SETS, mostly of plain columns; GROUPING() of some."""
        plain = [column for column in scope if column.kind != "float"]
        if not plain:
            return self._grouped(select, these)
        keys: list[tuple[Sql, Kind]] = []
        for _ in range(self._random.choice((1, 2, 2, 3))):
            column = self._random.choice(plain)
            made = self._random.random() < 0.15 and column.kind in ("int", "text", "decimal")
            sql = exp.Paren(this=these.operand(column.kind, 1)) if made else column.sql()
            keys.append((sql if sql.find(exp.Column) else column.sql(), column.kind))
        keys = list({sql.sql(): (sql, kind) for sql, kind in keys}.values())
        outputs = [*keys, *(self._aggregate(these) for _ in range(self._random.randint(1, 2)))]
        number = _grouping(*(sql for sql, _ in self._random.sample(keys, len(keys))))
        if self._random.random() < 0.5:
            outputs.append((number, "int"))
        if self._random.random() < 0.15:
            order = exp.Order(expressions=[exp.Ordered(this=outputs[len(keys)][0].copy())])
            if outputs[len(keys)][1] not in ("bool", "float"):
                rank = exp.Anonymous(this="rank")
                over = exp.Window(this=rank, partition_by=[number.copy()], order=order)
                outputs.append((over, "int"))
        named = [exp.alias_(sql.copy(), f"c{i}") for i, (sql, _) in enumerate(outputs)]
        select = select.select(*named, copy=False)
        select.set("group", exp.Group(expressions=[self._sets([sql for sql, _ in keys])]))
        if self._random.random() < 0.2:
            test = exp.EQ(this=_grouping(keys[0][0]), expression=these.number(0, 1))
            select = select.having(test, copy=False)
        return select, [kind for _, kind in outputs]

    def _sets(self, keys: list[Sql]) -> Sql:
        node = self._random.choice((exp.Rollup, exp.Cube, exp.GroupingSets, exp.GroupingSets))
        if node is not exp.GroupingSets:
            return node(expressions=[key.copy() for key in keys])
        sets = [
            keys,
            *(self._random.sample(keys, self._random.randint(0, len(keys))) for _ in "12"),
        ]
        if self._random.random() < 0.9:
            sets = list({frozenset(k.sql() for k in s): s for s in sets}.values())
        return exp.GroupingSets(
            expressions=[exp.Tuple(expressions=[key.copy() for key in s]) for s in sets]
        )


def _table(name: str, alias: str) -> Sql:
    return exp.alias_(exp.to_table(name), alias, table=True)


def _of(alias: str, kinds: Sequence[Kind]) -> list[Column]:
    """The columns of the common table `w`."""
    return [Column(alias, f"c{i}", kind) for i, kind in enumerate(kinds)]


def _grouping(*keys: Sql) -> Sql:
    return exp.Anonymous(this="grouping", expressions=[key.copy() for key in keys])
