"""Substrait's protobuf form -> the relation tree. Owns nothing but the translation.

What it cannot represent raises `NotCarriedError`, and the query takes the per-table path. An
expression that only the engine needs to understand becomes `Opaque` instead.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
from substrait.algebra_pb2 import (
    AggregateFunction,
    AggregateRel,
    JoinRel,
    ReadRel,
    Rel,
    SetRel,
    SortField,
)
from substrait.algebra_pb2 import Expression as ExpressionMessage
from substrait.plan_pb2 import Plan

from planner.relations import (
    Aggregate,
    Call,
    Cast,
    Cross,
    ExistsSubquery,
    Expression,
    Fetch,
    Field,
    FieldRef,
    Filter,
    Frame,
    FrameUnit,
    IfThen,
    InList,
    Join,
    JoinKind,
    Literal,
    Measure,
    Project,
    Read,
    Relation,
    ScalarSubquery,
    Sort,
    SortKey,
    Union,
    Values,
    Window,
    WindowCall,
    references,
    transform_expression,
    walk_expression,
)
from planner.substrait.aggregates import grouping_id_type, measure_type, window_type
from planner.substrait.grouping import folded
from planner.substrait.literals import read_literal
from planner.substrait.types import NotCarriedError, arrow_type, is_nullable

TableOf = Callable[[tuple[str, ...]], tuple[tuple[str, ...], tuple[Field, ...]]]
"""From a table's name parts as bound to its full path and its columns."""

GROUPING_ID = "__grouping_id"
"""The engine's name of the number of a grouping set."""

Fields = tuple[Field, ...]
WindowFunction = ExpressionMessage.WindowFunction


def read_plan(plan: Plan, table_of: TableOf) -> tuple[Relation, tuple[str, ...]]:
    """The relation tree of a plan with one root, and the root's column names.

    Raises:
        NotCarriedError: naming the construct.
    """
    functions = {
        e.extension_function.function_anchor: e.extension_function.name
        for e in plan.extensions
        if e.HasField("extension_function")
    }
    if len(plan.relations) != 1 or plan.relations[0].WhichOneof("rel_type") != "root":
        raise NotCarriedError("a plan without a single root")
    root = plan.relations[0].root
    return _Reader(functions, table_of).relation(root.input), tuple(root.names)


def read_expression(
    message: ExpressionMessage, fields: Fields, functions: dict[int, str]
) -> Expression:
    """One expression over `fields`, with the names of the functions that it numbers.

    Raises:
        NotCarriedError: naming the construct.
    """

    def no_tables(_: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Field, ...]]:
        raise NotCarriedError("a table in an expression")

    return _Reader(functions, no_tables)._expression(message, fields)


class _Reader:
    """One translation: the function names of a plan, and the tables of its query."""

    def __init__(self, functions: dict[int, str], table_of: TableOf) -> None:
        self._functions = functions
        self._table_of = table_of
        self._numbered = False

    # --- relations ---

    def relation(self, message: Rel) -> Relation:
        kind = message.WhichOneof("rel_type") or "none"
        read = getattr(self, f"_{kind}", None)
        if read is None:
            raise NotCarriedError(f"relation {kind}")
        body = getattr(message, kind)
        if kind != "project" and body.common.WhichOneof("emit_kind") == "emit":
            raise NotCarriedError(f"an output mapping on {kind}")
        relation: Relation = read(body)
        return relation

    def _read(self, message: ReadRel) -> Relation:
        if message.WhichOneof("read_type") == "virtual_table":
            return self._values(message)
        if message.WhichOneof("read_type") != "named_table" or message.HasField(
            "best_effort_filter"
        ):
            raise NotCarriedError("a read of something other than a table")
        path, base = self._table_of(tuple(message.named_table.names))
        wanted = tuple(range(len(base)))
        if message.HasField("projection"):
            wanted = tuple(item.field for item in message.projection.select.struct_items)
        if not message.HasField("filter"):
            return Read(path, base, wanted)
        # A filter stands over the whole table: read what it and the projection need, in two steps.
        condition = self._expression(message.filter, base)
        used = references(condition)
        needed = tuple(range(len(base))) if used is None else tuple(sorted({*wanted, *used}))
        position = {column: index for index, column in enumerate(needed)}

        def renumber(part: Expression) -> Expression:
            return replace(part, index=position[part.index]) if isinstance(part, FieldRef) else part

        filtered = Filter(Read(path, base, needed), transform_expression(condition, renumber))
        if wanted == needed:
            return filtered
        return _select(filtered, tuple(position[column] for column in wanted))

    def _values(self, message: ReadRel) -> Relation:
        types = message.base_schema.struct.types
        fields = tuple(
            Field(name, arrow_type(t), is_nullable(t))
            for name, t in zip(message.base_schema.names, types, strict=True)
        )
        rows = tuple(
            tuple(self._expression(e, ()) for e in row.fields)
            for row in message.virtual_table.expressions
        )
        if message.HasField("filter") or message.HasField("projection"):
            raise NotCarriedError("a filter or a projection on constants")
        return Values(rows, fields)

    def _filter(self, message: Any) -> Relation:
        source = self.relation(message.input)
        return Filter(source, self._expression(message.condition, source.fields))

    def _project(self, message: Any) -> Relation:
        source = self.relation(message.input)
        fields = source.fields
        made: list[Expression] = []
        calls: list[WindowCall] = []
        for expression in message.expressions:
            if expression.WhichOneof("rex_type") == "window_function":
                call = self._window_call(expression.window_function, fields)
                made.append(FieldRef(len(fields) + len(calls), call.type, call.nullable))
                calls.append(call)
            else:
                made.append(self._expression(expression, fields))
        width = len(fields)
        mapping: Any = range(width + len(made))
        if message.common.WhichOneof("emit_kind") == "emit":
            mapping = message.common.emit.output_mapping
        expressions = tuple(
            made[i - width] if i >= width else FieldRef(i, fields[i].type, fields[i].nullable)
            for i in mapping
        )
        if calls:
            source = Window(source, tuple(calls))
            picks = [e.index if isinstance(e, FieldRef) else None for e in expressions]
            if picks == list(range(len(source.fields))):
                return source
        return Project(source, expressions, tuple(_field_of(e, source.fields) for e in expressions))

    def _aggregate(self, message: AggregateRel) -> Relation:
        source = self.relation(message.input)
        groups = tuple(self._expression(e, source.fields) for e in message.grouping_expressions)
        sets = tuple(tuple(g.expression_references) for g in message.groupings)
        fields = [_field_of(e, source.fields) for e in groups]
        if len(sets) > 1:
            # The engine writes a group once for each set that has it. In its own plan it is one
            # column, in the order of the sets, and the number of the set comes after the groups.
            order = {group: None for positions in sets for group in (groups[p] for p in positions)}
            found = tuple(order)
            sets = tuple(tuple(found.index(groups[p]) for p in positions) for positions in sets)
            groups = found
            fields = [replace(_field_of(e, source.fields), nullable=True) for e in groups]
            fields.append(Field(GROUPING_ID, grouping_id_type(len(groups), sets), False))
            self._numbered = True
        measures = tuple(self._measure(m, source.fields) for m in message.measures)
        fields += [Field(m.function, m.type, m.nullable) for m in measures]
        return Aggregate(source, groups, sets, measures, tuple(fields))

    def _measure(self, message: Any, fields: Fields) -> Measure:
        function: AggregateFunction = message.measure
        if function.options:
            raise NotCarriedError("an aggregate with options")
        name = self._functions[function.function_reference]
        arguments = tuple(self._expression(a.value, fields) for a in function.arguments)
        type_, nullable = measure_type(name, tuple(a.type for a in arguments))
        return Measure(
            name,
            arguments,
            type_,
            nullable,
            function.invocation == AggregateFunction.AGGREGATION_INVOCATION_DISTINCT,
            self._expression(message.filter, fields) if message.HasField("filter") else None,
            self._sort_keys(function.sorts, fields),
        )

    def _sort(self, message: Any) -> Relation:
        source = self.relation(message.input)
        return Sort(source, self._sort_keys(message.sorts, source.fields))

    def _sort_keys(self, sorts: Any, fields: Fields) -> tuple[SortKey, ...]:
        return tuple(self._sort_key(key, fields) for key in sorts)

    def _sort_key(self, message: SortField, fields: Fields) -> SortKey:
        expression = self._expression(message.expr, fields)
        match message.direction:
            case SortField.SORT_DIRECTION_ASC_NULLS_FIRST:
                return SortKey(expression, False, True)
            case SortField.SORT_DIRECTION_ASC_NULLS_LAST:
                return SortKey(expression, False, False)
            case SortField.SORT_DIRECTION_DESC_NULLS_FIRST:
                return SortKey(expression, True, True)
            case SortField.SORT_DIRECTION_DESC_NULLS_LAST:
                return SortKey(expression, True, False)
        raise NotCarriedError("a sort by a comparison function")

    def _fetch(self, message: Any) -> Relation:
        source = self.relation(message.input)
        offset = self._count(message.offset_expr) if message.HasField("offset_expr") else 0
        count = self._count(message.count_expr) if message.HasField("count_expr") else None
        return Fetch(source, offset or 0, count)

    def _count(self, message: ExpressionMessage) -> int | None:
        value = self._expression(message, ())
        if not isinstance(value, Literal) or not isinstance(value.value, int | None):
            raise NotCarriedError("a LIMIT that is not a constant")
        return None if value.value is None or value.value < 0 else value.value

    def _join(self, message: JoinRel) -> Relation:
        left, right = self.relation(message.left), self.relation(message.right)
        name = JoinRel.JoinType.Name(message.type).removeprefix("JOIN_TYPE_")
        if name not in JoinKind.__members__ or message.HasField("post_join_filter"):
            raise NotCarriedError(f"join {name.lower()}")
        if not message.HasField("expression"):
            condition: Expression = Literal(True, pa.bool_())
        else:
            condition = self._expression(message.expression, left.fields + right.fields)
        return Join(left, right, JoinKind[name], condition)

    def _cross(self, message: Any) -> Relation:
        return Cross(self.relation(message.left), self.relation(message.right))

    def _set(self, message: SetRel) -> Relation:
        if message.op != SetRel.SET_OP_UNION_ALL:
            raise NotCarriedError(SetRel.SetOp.Name(message.op).lower())
        inputs = tuple(self.relation(i) for i in message.inputs)
        columns = zip(*(i.fields for i in inputs), strict=True)
        fields = tuple(
            Field(column[0].name, column[0].type, any(f.nullable for f in column))
            for column in columns
        )
        return Union(inputs, fields)

    # --- expressions ---

    def _expression(self, message: ExpressionMessage, fields: Fields) -> Expression:
        match message.WhichOneof("rex_type"):
            case "literal":
                return read_literal(message)
            case "selection":
                return _selection(message, fields)
            case "scalar_function":
                return self._call(message, fields)
            case "cast":
                cast = message.cast
                source = self._expression(cast.input, fields)
                strict = (
                    cast.failure_behavior != ExpressionMessage.Cast.FAILURE_BEHAVIOR_RETURN_NULL
                )
                nullable = source.nullable or not strict
                conversion = Cast(source, arrow_type(cast.type), nullable, strict)
                return folded(conversion, self._grouping_number(fields))
            case "if_then":
                return self._if_then(message.if_then, fields)
            case "singular_or_list":
                value = self._expression(message.singular_or_list.value, fields)
                options = tuple(
                    self._expression(o, fields) for o in message.singular_or_list.options
                )
                return InList(value, options, nullable=any(e.nullable for e in (value, *options)))
            case "subquery":
                return self._subquery(message.subquery)
        raise NotCarriedError(f"expression {message.WhichOneof('rex_type')}")

    def _grouping_number(self, fields: Fields) -> int | None:
        """Where the number of a grouping set is, when there is one such field."""
        if not self._numbered:
            return None
        found = [i for i, f in enumerate(fields) if f.name == GROUPING_ID]
        return found[0] if len(found) == 1 else None

    def _call(self, message: ExpressionMessage, fields: Fields) -> Expression:
        function = message.scalar_function
        if function.options or any(a.WhichOneof("arg_type") != "value" for a in function.arguments):
            raise NotCarriedError("a function with options")
        name = self._functions[function.function_reference]
        arguments = tuple(self._expression(a.value, fields) for a in function.arguments)
        if function.HasField("output_type"):
            output = function.output_type
            call = Call(name, arguments, arrow_type(output), is_nullable(output))
            return folded(call, self._grouping_number(fields))
        # DataFusion leaves the type out for its predicates (LIKE), and for nothing that we push.
        type_ = pa.bool_() if name in _PREDICATES else pa.null()
        return Call(name, arguments, type_, any(a.nullable for a in arguments))

    def _if_then(self, message: Any, fields: Fields) -> Expression:
        ifs = list(message.ifs)
        operand: Expression | None = None
        if ifs and not ifs[0].HasField("then"):
            # CASE x WHEN …: the operand comes as a first clause that has no value.
            operand = self._expression(getattr(ifs.pop(0), "if"), fields)
        clauses = tuple(
            (self._expression(getattr(c, "if"), fields), self._expression(c.then, fields))
            for c in ifs
        )
        otherwise = (
            self._expression(getattr(message, "else"), fields) if message.HasField("else") else None
        )
        values = [value for _, value in clauses] + ([otherwise] if otherwise is not None else [])
        typed = next((v for v in values if v.type != pa.null()), values[0])
        if len({v.type for v in values if pa.types.is_decimal(v.type)}) > 1:
            # Of a rounded decimal the optimiser finds another scale than before it: the engine,
            # which takes the first value's, would take a common one when it reads this.
            raise NotCarriedError("CASE of decimals of several scales")
        nullable = otherwise is None or any(v.nullable for v in values)
        return IfThen(clauses, otherwise, typed.type, nullable, operand)

    def _subquery(self, message: Any) -> Expression:
        match message.WhichOneof("subquery_type"):
            case "scalar":
                source = self.relation(message.scalar.input)
                return ScalarSubquery(source, source.fields[0].type)
            case "set_predicate":
                if message.set_predicate.predicate_op == 1:
                    return ExistsSubquery(self.relation(message.set_predicate.tuples))
        raise NotCarriedError(f"subquery {message.WhichOneof('subquery_type')}")

    def _window_call(self, message: Any, fields: Fields) -> WindowCall:
        name = self._functions[message.function_reference]
        values = [a.value for a in message.arguments]
        if name in ("lag", "lead") and len(values) > 2 and values[2].literal.HasField("null"):
            values.pop()  # NULL beyond the end is what there is without it, and has no type.
        arguments = tuple(self._expression(value, fields) for value in values)
        if name in ("lag", "lead"):
            arguments = (*arguments[:2], *(_of_type(a, arguments[0].type) for a in arguments[2:]))
        partition = tuple(self._expression(p, fields) for p in message.partitions)
        order = self._sort_keys(message.sorts, fields)
        operands = (*arguments, *partition, *(key.expression for key in order))
        parts = (part for operand in operands for part in walk_expression(operand))
        if any(isinstance(part, ScalarSubquery | ExistsSubquery) for part in parts):
            raise NotCarriedError("a subquery in a window function")
        type_, nullable = window_type(name, tuple(a.type for a in arguments))
        return WindowCall(name, arguments, type_, nullable, partition, order, _frame(message))


def _of_type(expression: Expression, type_: pa.DataType) -> Expression:
    """A constant as one of the type that the engine converts it to, where no digit is lost."""
    if not isinstance(expression, Literal) or expression.type == type_:
        return expression
    value = expression.value
    if value is None:
        return Literal(None, type_)
    if isinstance(value, int) and not isinstance(value, bool):
        if pa.types.is_signed_integer(type_) and abs(value) < 2 ** (type_.bit_width - 1):
            return Literal(value, type_)
        whole = type_.precision - type_.scale if pa.types.is_decimal128(type_) else 0
        if abs(value) < 10**whole and whole:
            return Literal(decimal.Decimal(value), type_)
    return expression


def _frame(message: Any) -> Frame:
    unit = _FRAME_UNITS.get(message.bounds_type)
    if unit is None:
        raise NotCarriedError("a window frame without a unit")
    start, end = _edge(message.lower_bound), _edge(message.upper_bound)
    if unit == "range" and (start or end):
        # The engine reads the distance back as another type than the order's.
        raise NotCarriedError("a window frame of values")
    return Frame(unit, start, end)


def _edge(bound: Any) -> int | None:
    match bound.WhichOneof("kind"):
        case "preceding":
            return -int(bound.preceding.offset)
        case "following":
            return int(bound.following.offset)
        case "current_row":
            return 0
        case "unbounded":
            return None
    raise NotCarriedError("a window frame without an edge")


_FRAME_UNITS: dict[int, FrameUnit] = {
    WindowFunction.BOUNDS_TYPE_ROWS: "rows",
    WindowFunction.BOUNDS_TYPE_RANGE: "range",
}


def _select(source: Relation, columns: tuple[int, ...]) -> Project:
    fields = tuple(source.fields[i] for i in columns)
    refs = tuple(FieldRef(i, f.type, f.nullable) for i, f in zip(columns, fields, strict=True))
    return Project(source, refs, fields)


def _field_of(expression: Expression, fields: Fields) -> Field:
    """The field that an expression makes, named for people."""
    match expression:
        case FieldRef():
            return fields[expression.index]
        case Call():
            name = expression.function
        case Cast():
            name = _field_of(expression.input, fields).name
        case _:
            name = "expression"
    return Field(name, expression.type, expression.nullable)


def _selection(message: ExpressionMessage, fields: Fields) -> Expression:
    selection = message.selection
    segment = selection.direct_reference
    if (
        selection.WhichOneof("root_type") not in ("root_reference", None)
        or segment.WhichOneof("reference_type") != "struct_field"
        or segment.struct_field.HasField("child")
    ):
        raise NotCarriedError("a reference to other than a field of the input")
    if segment.struct_field.field >= len(fields):
        # Of one grouping set alone, the engine leaves out the column of its number.
        raise NotCarriedError("a single grouping set")
    field = fields[segment.struct_field.field]
    return FieldRef(segment.struct_field.field, field.type, field.nullable)


_PREDICATES = frozenset({"like", "ilike", "not", "is_null", "is_not_null"})
