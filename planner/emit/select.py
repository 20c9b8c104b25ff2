"""A relation tree of one source -> one SELECT, as flat as SQL allows.

A `Block` is a SELECT under construction. Each relation is added to the block of its input where
SQL's order of clauses (FROM, WHERE, GROUP BY, HAVING, SELECT, ORDER BY, LIMIT) permits, and wraps
it as a derived table where not. Knows no dialect's content and no costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from connectors.contract import Table
from planner.emit.block import Block, conjunction, quoted, select, sliced
from planner.emit.dialect import Dialect, Sql
from planner.emit.expressions import Input, write, write_keys, write_measure, write_window
from planner.emit.lists import listed
from planner.emit.names import ONE, unique_names
from planner.emit.rows import rows_marked
from planner.relations import (
    Aggregate,
    Cross,
    Expression,
    Fetch,
    Field,
    FieldRef,
    Filter,
    InList,
    Join,
    JoinKind,
    Literal,
    Project,
    Read,
    Relation,
    Sort,
    Union,
    Window,
    conjuncts,
    expressions_of,
    references,
    transform_expression,
    walk_expression,
)

TableOf = Callable[[tuple[str, ...]], Table]


def emit(
    relation: Relation, names: tuple[str, ...], dialect: Dialect, table_of: TableOf
) -> exp.Select:
    """The statement that makes a fragment's rows.

    Args:
        relation: a tree all of whose parts the dialect runs (`expressions.refusal_of`).
        names: the output's column names; a relation without fields gives the column `ONE`.
        table_of: from a read's path to the source's table.
    """
    return _Emitter(dialect, table_of).statement(relation, names)


class _Emitter:
    """One statement: hands out the aliases t1, t2, …"""

    def __init__(self, dialect: Dialect, table_of: TableOf) -> None:
        self._dialect = dialect
        self._table_of = table_of
        self._aliases = 0

    def statement(self, relation: Relation, names: tuple[str, ...]) -> exp.Select:
        block = self._block(relation)
        columns: list[Sql] = []
        labels: list[str] = []
        if not block.columns:
            constant = self._dialect.write_literal(Literal(1, ONE.type))
            block, names = replace(block, columns=(constant,), fields=(ONE,)), (ONE.name,)
        for column, field, name in zip(block.columns, block.fields, names, strict=True):
            output = self._dialect.output(column, field.type)
            parts = output.expressions if isinstance(output, exp.Tuple) else [output]
            columns += parts
            labels += [name] * len(parts)
        return select(block, columns, self._names(tuple(labels)))

    # --- relations ---

    def _block(self, relation: Relation) -> Block:
        match relation:
            case Read():
                return self._read(relation)
            case Filter():
                return self._filter(relation)
            case Project():
                return self._project(relation)
            case Aggregate():
                return self._aggregate(relation)
            case Window():
                return self._window(relation)
            case Sort():
                return self._sort(relation)
            case Fetch():
                return sliced(self._block(relation.input), relation.offset, relation.count)
            case Join():
                return self._join(relation)
            case Cross():
                left, right = self._side(relation.left), self._side(relation.right)
                return self._joined(left, right, "CROSS", ())
            case Union():
                return self._union(relation)
        raise AssertionError(f"{relation!r} was never passed for emission")

    def _alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def _names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return unique_names(tuple(map(self._dialect.safe_name, names)))

    def _read(self, relation: Read) -> Block:
        if len(relation.path) == 1:
            return self._sent(relation)
        table = self._table_of(relation.path)
        alias = self._alias()
        columns = tuple(
            self._dialect.read_column(
                column, exp.column(quoted(column.name), table=exp.to_identifier(alias))
            )
            for column in (table.columns[index] for index in relation.columns)
        )
        parts = table.path or (table.name.schema, table.name.name)
        name, schema, catalog, *_ = (*reversed(parts), "", "")
        source = exp.Table(
            this=quoted(name),
            db=quoted(schema) if schema else None,
            catalog=quoted(catalog) if catalog else None,
            alias=exp.TableAlias(this=exp.to_identifier(alias)),
        )
        return Block(source, columns, relation.fields)

    def _sent(self, relation: Read) -> Block:
        """A stage's rows, which come with the statement."""
        assert self._dialect.rows is not None
        (stage,), alias = relation.path, self._alias()
        # Without any column nobody would know how many there are.
        wanted = tuple(dict.fromkeys(relation.columns)) or (0,)
        own = [relation.base[index] for index in wanted]
        names = dict(zip(wanted, self._names(tuple(f.name for f in own)), strict=True))
        marks = [(rows_marked(stage, i), f.type) for i, f in zip(wanted, own, strict=True)]
        source = self._dialect.rows.write(marks, alias, tuple(names.values()))
        columns = tuple(
            exp.column(quoted(names[index]), table=exp.to_identifier(alias))
            for index in relation.columns
        )
        return Block(source, columns, relation.fields)

    def _filter(self, relation: Filter) -> Block:
        block = self._block(relation.input)
        parts = conjuncts(relation.condition)
        closed = block.sliced or block.windowed or block.sets
        if closed or _repeats_work(block, parts):
            block = self._wrapped(block)
        conditions = tuple(_clause(self._condition(p, block, relation.input)) for p in parts)
        if block.groups is None:
            return replace(block, where=block.where + conditions)
        return replace(block, having=block.having + conditions)

    def _condition(self, part: Expression, block: Block, relation: Relation) -> Sql:
        form = self._dialect.keys
        texts = None if block.groups is not None else listed(part, form)
        if texts is None or form is None or not isinstance(part, InList):
            return self._write(part, block, relation)
        value = self._write(part.value, block, relation)
        return form.write(value, exp.Literal.string(texts), part.value.type)

    def _project(self, relation: Project) -> Block:
        block = self._block(relation.input)
        picks = all(isinstance(e, FieldRef) for e in relation.expressions)
        if (block.sets and not picks) or _repeats_work(block, relation.expressions):
            block = self._wrapped(block)
        columns = tuple(self._write(e, block, relation.input) for e in relation.expressions)
        return replace(block, columns=columns, fields=relation.fields)

    def _aggregate(self, relation: Aggregate) -> Block:
        block = self._block(relation.input)
        several = len(relation.sets) > 1
        written = [self._write(g, block, relation.input) for g in relation.groups]
        plain = all(isinstance(sql, exp.Column) for sql in written)
        if several and not (plain and len(set(written)) == len(written)):
            relation = _of_columns(relation)
            block = self._wrapped(self._block(relation.input))
        operands = [a for m in relation.measures for a in m.arguments]
        if not block.simple or _repeats_work(block, (*relation.groups, *operands)):
            block = self._wrapped(block)
        over = Input(block.columns, (relation.input,))
        groups = tuple(self._group(g, over) for g in relation.groups)
        columns = groups
        if several:
            number = self._dialect.grouping_id
            assert number is not None
            type_ = relation.fields[len(groups)].type
            columns = (*groups, number([group.copy() for group in groups], type_))
        measures = tuple(
            write_measure(m, over, self._dialect, self._subquery) for m in relation.measures
        )
        return replace(
            block,
            columns=columns + measures,
            fields=relation.fields,
            groups=groups,
            sets=relation.sets if several else (),
            order=(),
        )

    def _group(self, expression: Expression, over: Input) -> Sql:
        sql = write(expression, over, self._dialect, self._subquery)
        if sql.find(exp.Column) is not None or isinstance(sql, exp.Cast):
            return sql
        # A bare constant would be read as an ordinal, or refused; a cast is neither.
        to = self._dialect.type_sql(expression.type)
        assert to is not None
        return exp.Cast(this=sql, to=to.copy())

    def _window(self, relation: Window) -> Block:
        block = self._block(relation.input)
        operands = tuple(expressions_of(relation))
        if block.windowed:
            # One SELECT has many windows, but none over the values of another.
            read = {i for operand in operands for i in references(operand) or ()}
            open_ = not any(block.columns[i].find(exp.Window) for i in read)
            open_ = open_ and not block.sliced
        else:
            open_ = block.simple
        if not open_ or _repeats_work(block, operands):
            block = self._wrapped(block)
        over = Input(block.columns, (relation.input,))
        calls = tuple(
            write_window(call, over, self._dialect, self._subquery) for call in relation.calls
        )
        return replace(
            block, columns=block.columns + calls, fields=relation.fields, windowed=True, order=()
        )

    def _sort(self, relation: Sort) -> Block:
        block = self._block(relation.input)
        block = self._wrapped(block) if block.sliced or block.sets else block
        over = Input(block.columns, (relation.input,))
        keys = (
            sql
            for key in relation.keys
            for sql in write_keys(key, over, self._dialect, self._subquery)
        )
        # A constant orders nothing, and a bare one would be read as an ordinal.
        return replace(block, order=tuple(k for k in keys if k.find(exp.Column, exp.Star)))

    def _union(self, relation: Union) -> Block:
        names = self._names(tuple(field.name for field in relation.fields))
        selects: list[exp.Query] = []
        for part in relation.inputs:
            block = self._block(part)
            block = self._wrapped(block) if block.sliced or block.order else block
            selects.append(select(block, list(block.columns), names))
        union = selects[0]
        for query in selects[1:]:
            union = exp.Union(this=union, expression=query, distinct=False)
        return self._derived(union, names, relation.fields)

    # --- joins ---

    def _side(self, relation: Relation) -> Block:
        """A join's input, ready to share a FROM: without an order, and simple."""
        block = self._block(relation)
        if not block.simple:
            return self._wrapped(block)
        block = replace(block, order=())
        if self._dialect.computes_sides and not block.joins and (block.where or not block.bare):
            return self._computed(block)
        return block

    def _join(self, relation: Join) -> Block:
        kind = relation.kind
        if kind.value.startswith("RIGHT"):
            return self._mirrored(relation)
        left, right = self._side(relation.left), self._side(relation.right)
        if kind in (JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI) and self._dialect.semi_joins:
            return self._semi_joined(relation, left, right)
        if kind in (JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI, JoinKind.LEFT_MARK):
            return self._exists(relation, left, right)
        if kind is JoinKind.OUTER:
            left = left if left.bare and not left.where else self._wrapped(left)
            right = right if right.bare and not right.where else self._wrapped(right)
        elif kind is JoinKind.LEFT:
            # No subquery may come into its condition: not every system takes one there.
            left = self._wrapped(left) if _asks(left.columns) else left
            right = right if right.bare and not _asks(right.where) else self._wrapped(right)
        elif right.joins:
            right = self._wrapped(right)
        conditions = self._conditions(relation, left, right)
        side = {JoinKind.INNER: "", JoinKind.LEFT: "LEFT", JoinKind.OUTER: "FULL"}[kind]
        if kind is JoinKind.LEFT:
            # What filters the nullable side filters its rows before they are matched.
            conditions += right.where
            right = replace(right, where=())
        block = self._joined(left, right, side, conditions)
        return replace(block, fields=relation.fields)

    def _mirrored(self, relation: Join) -> Block:
        """A RIGHT join as the LEFT join of swapped sides, its columns put back in order."""
        lefts, rights = len(relation.left.fields), len(relation.right.fields)
        order = (*range(rights, rights + lefts), *range(rights))
        condition = _renumbered(relation.condition, order)
        kind = JoinKind(relation.kind.value.replace("RIGHT", "LEFT"))
        block = self._join(Join(relation.right, relation.left, kind, condition))
        if relation.kind is not JoinKind.RIGHT:
            return block
        columns = tuple(block.columns[i] for i in order)
        return replace(block, columns=columns, fields=relation.fields)

    def _exists(self, relation: Join, left: Block, right: Block) -> Block:
        conditions = right.where + self._conditions(relation, left, right)
        inner = select(
            replace(right, where=conditions), [exp.Literal.number(1)], ("one",), bare=True
        )
        exists: Sql = exp.Exists(this=inner)
        if relation.kind is JoinKind.LEFT_MARK:
            return replace(left, columns=(*left.columns, exists), fields=relation.fields)
        if relation.kind is JoinKind.LEFT_ANTI:
            exists = exp.Not(this=exists)
        return replace(left, where=(*left.where, exists))

    def _semi_joined(self, relation: Join, left: Block, right: Block) -> Block:
        if right.joins or _asks(right.where):
            right = self._wrapped(right)
        conditions = right.where + self._conditions(relation, left, right)
        join = exp.Join(
            this=right.source,
            side="LEFT",
            kind="ANTI" if relation.kind is JoinKind.LEFT_ANTI else "SEMI",
            on=conjunction(conditions) if conditions else exp.true(),
        )
        return replace(left, joins=(*left.joins, join), fields=relation.fields)

    def _joined(self, left: Block, right: Block, side: str, conditions: tuple[Sql, ...]) -> Block:
        if side in ("", "CROSS") and right.joins:
            right = self._wrapped(right)
        join = exp.Join(this=right.source)
        if conditions:
            join.set("on", conjunction(conditions))
            if side:
                join.set("side", side)
        elif side == "LEFT" or side == "FULL":
            join.set("side", side)
            join.set("on", exp.true())
        else:
            join.set("kind", "CROSS")
        return Block(
            left.source,
            left.columns + right.columns,
            left.fields + right.fields,
            (*left.joins, join),
            left.where + right.where,
        )

    def _conditions(self, relation: Join, left: Block, right: Block) -> tuple[Sql, ...]:
        over = Input(left.columns + right.columns, (relation.left, relation.right))
        written = (
            write(part, over, self._dialect, self._subquery)
            for part in conjuncts(relation.condition)
        )
        return tuple(_clause(sql) for sql in written if not _is_true(sql))

    # --- pieces ---

    def _write(self, expression: Expression, block: Block, relation: Relation) -> Sql:
        """SQL of an expression over a relation, whose block it is."""
        over = Input(block.columns, (relation,))
        return write(expression, over, self._dialect, self._subquery)

    def _subquery(self, relation: Relation) -> exp.Expression:
        block = self._block(relation)
        return select(block, list(block.columns), ("value",) * len(block.columns), bare=True)

    def _wrapped(self, block: Block) -> Block:
        names = self._names(tuple(field.name for field in block.fields))
        block = block if block.sliced else replace(block, order=())
        return self._derived(select(block, list(block.columns), names), names, block.fields)

    def _computed(self, block: Block) -> Block:
        """The same as a derived table that stays one."""
        names = self._names(tuple(field.name for field in block.fields))
        query = select(block, list(block.columns), names)
        query.set("limit", exp.Limit(expression=exp.Neg(this=exp.Literal.number(1))))
        return self._derived(query, names, block.fields)

    def _derived(
        self, query: exp.Query, names: tuple[str, ...], fields: tuple[Field, ...]
    ) -> Block:
        alias = self._alias()
        source = exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(alias)))
        table = exp.to_identifier(alias)
        columns = tuple(
            exp.column(quoted(name), table=table.copy()) for name in names[: len(fields)]
        )
        return Block(source, columns, fields)


def _of_columns(relation: Aggregate) -> Aggregate:
    """The aggregate over a projection that makes its groups: of what a group is there no doubt."""
    source = relation.input
    passed = tuple(FieldRef(i, f.type, f.nullable) for i, f in enumerate(source.fields))
    keys = relation.fields[: len(relation.groups)]
    project = Project(source, passed + relation.groups, source.fields + keys)
    made = (FieldRef(len(passed) + i, f.type, f.nullable) for i, f in enumerate(keys))
    return replace(relation, input=project, groups=tuple(made))


def _clause(sql: Sql) -> Sql:
    return exp.paren(sql, copy=False) if isinstance(sql, exp.Or) else sql


def _asks(parts: tuple[Sql, ...]) -> bool:
    """Whether one of them holds a subquery."""
    return any(part.find(exp.Exists, exp.Subquery) is not None for part in parts)


def _is_true(sql: Sql) -> bool:
    return isinstance(sql, exp.Boolean) and bool(sql.this)


def _repeats_work(block: Block, expressions: tuple[Expression, ...]) -> bool:
    """Whether putting the expressions over the block would compute one of its columns twice."""
    heavy = {i for i, c in enumerate(block.columns) if not isinstance(c, exp.Column | exp.Literal)}
    if not heavy:
        return False
    uses = Counter(
        part.index
        for expression in expressions
        for part in walk_expression(expression)
        if isinstance(part, FieldRef) and part.index in heavy
    )
    return any(count > 1 for count in uses.values())


def _renumbered(expression: Expression, order: tuple[int, ...]) -> Expression:
    def change(part: Expression) -> Expression:
        if isinstance(part, FieldRef):
            return replace(part, index=order[part.index])
        return part

    return transform_expression(expression, change)
