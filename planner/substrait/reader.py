"""Substrait's protobuf form -> the relation tree. Owns nothing but the translation.

What it cannot represent raises `NotCarriedError`, and the query takes the per-table path. An
expression that only the engine needs to understand becomes `Opaque` instead.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
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
    IfThen,
    InList,
    Join,
    JoinKind,
    Literal,
    Measure,
    Opaque,
    Project,
    Read,
    Relation,
    ScalarSubquery,
    Sort,
    SortKey,
    Union,
    Values,
    references,
    transform_expression,
)
from planner.substrait.aggregates import measure_type
from planner.substrait.types import NotCarriedError, arrow_type, is_nullable

TableOf = Callable[[tuple[str, ...]], tuple[tuple[str, ...], pa.Schema]]
"""From a table's name parts as bound to its full path and its Arrow schema."""

Fields = tuple[Field, ...]
_EPOCH = date(1970, 1, 1)


def read_plan(plan: Plan, table_of: TableOf) -> tuple[Relation, tuple[str, ...]]:
    """The relation tree of a plan with one root, and the root's column names.

    Raises:
        NotCarriedError: naming the construct.
    """
    functions = {
        e.extension_function.function_anchor: e.extension_function.name for e in plan.extensions
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

    def no_tables(_: tuple[str, ...]) -> tuple[tuple[str, ...], pa.Schema]:
        raise NotCarriedError("a table in an expression")

    return _Reader(functions, no_tables)._expression(message, fields)


class _Reader:
    """One translation: the function names of a plan, and the tables of its query."""

    def __init__(self, functions: dict[int, str], table_of: TableOf) -> None:
        self._functions = functions
        self._table_of = table_of

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
        path, schema = self._table_of(tuple(message.named_table.names))
        base = tuple(Field(f.name, f.type, f.nullable) for f in schema)
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
        passed: list[Expression] = [FieldRef(i, f.type, f.nullable) for i, f in enumerate(fields)]
        everything = passed + [self._expression(e, fields) for e in message.expressions]
        mapping: Any = range(len(everything))
        if message.common.WhichOneof("emit_kind") == "emit":
            mapping = message.common.emit.output_mapping
        expressions = tuple(everything[i] for i in mapping)
        return Project(source, expressions, tuple(_field_of(e, fields) for e in expressions))

    def _aggregate(self, message: AggregateRel) -> Relation:
        source = self.relation(message.input)
        groups = tuple(self._expression(e, source.fields) for e in message.grouping_expressions)
        sets = tuple(tuple(g.expression_references) for g in message.groupings)
        if len(sets) > 1:
            # The engine numbers the sets in a column that Substrait places elsewhere.
            raise NotCarriedError("grouping sets")
        measures = tuple(self._measure(m, source.fields) for m in message.measures)
        fields = [_field_of(e, source.fields) for e in groups]
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
                return _literal(message)
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
                return Cast(source, arrow_type(cast.type), nullable, strict)
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
            case "window_function":
                return self._window(message, fields)
        raise NotCarriedError(f"expression {message.WhichOneof('rex_type')}")

    def _call(self, message: ExpressionMessage, fields: Fields) -> Expression:
        function = message.scalar_function
        if function.options or any(a.WhichOneof("arg_type") != "value" for a in function.arguments):
            raise NotCarriedError("a function with options")
        name = self._functions[function.function_reference]
        arguments = tuple(self._expression(a.value, fields) for a in function.arguments)
        if function.HasField("output_type"):
            output = function.output_type
            return Call(name, arguments, arrow_type(output), is_nullable(output))
        # DataFusion leaves the type out for its predicates (LIKE), and for nothing that we push.
        type_ = pa.bool_() if name in _PREDICATES else pa.null()
        return Call(name, arguments, type_, any(a.nullable for a in arguments))

    def _if_then(self, message: Any, fields: Fields) -> Expression:
        ifs = list(message.ifs)
        operand: Expression | None = None
        if ifs and not ifs[0].HasField("then"):
            # CASE x WHEN …: the operand comes as a first clause that has no value.
            operand = self._expression(getattr(ifs.pop(0), "if"), fields)

        def condition(clause: Any) -> Expression:
            written = self._expression(getattr(clause, "if"), fields)
            if operand is None:
                return written
            nullable = operand.nullable or written.nullable
            return Call("equal", (operand, written), pa.bool_(), nullable)

        clauses = tuple((condition(c), self._expression(c.then, fields)) for c in ifs)
        otherwise = (
            self._expression(getattr(message, "else"), fields) if message.HasField("else") else None
        )
        values = [value for _, value in clauses] + ([otherwise] if otherwise is not None else [])
        typed = next((v for v in values if v.type != pa.null()), values[0])
        nullable = otherwise is None or any(v.nullable for v in values)
        return IfThen(clauses, otherwise, typed.type, nullable)

    def _subquery(self, message: Any) -> Expression:
        match message.WhichOneof("subquery_type"):
            case "scalar":
                source = self.relation(message.scalar.input)
                return ScalarSubquery(source, source.fields[0].type)
            case "set_predicate":
                if message.set_predicate.predicate_op == 1:
                    return ExistsSubquery(self.relation(message.set_predicate.tuples))
        raise NotCarriedError(f"subquery {message.WhichOneof('subquery_type')}")

    def _window(self, message: ExpressionMessage, fields: Fields) -> Expression:
        function = message.window_function
        name = self._functions[function.function_reference]
        operands = [a.value for a in function.arguments] + list(function.partitions)
        arguments = tuple(self._expression(a, fields) for a in operands)
        if any(isinstance(p, ScalarSubquery | ExistsSubquery) for p in arguments):
            raise NotCarriedError("a subquery in a window function")
        # Its type is never needed: what holds it stays in the residual.
        return Opaque(message, f"window function {name}", pa.null())


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
    field = fields[segment.struct_field.field]
    return FieldRef(segment.struct_field.field, field.type, field.nullable)


_PREDICATES = frozenset({"like", "ilike", "not", "is_null", "is_not_null"})
_PLAIN = {
    "boolean": pa.bool_(),
    "i8": pa.int8(),
    "i16": pa.int16(),
    "i32": pa.int32(),
    "i64": pa.int64(),
    "fp32": pa.float32(),
    "fp64": pa.float64(),
}
_STRINGS = (pa.string(), pa.large_string(), pa.string_view())
_BINARIES = (pa.binary(), pa.large_binary(), pa.binary_view())
_KEPT_LITERALS = frozenset(
    {
        "interval_year_to_month",
        "interval_day_to_second",
        "interval_compound",
        "precision_time",
        "precision_timestamp",
        "precision_timestamp_tz",
        "fixed_binary",
        "date",
    }
)
_UNSIGNED = {pa.int8(): pa.uint8(), pa.int16(): pa.uint16(), pa.int32(): pa.uint32()}


def _literal(message: ExpressionMessage) -> Expression:
    """A constant; one of a rarer type becomes `Opaque`, which only the engine reads."""
    literal = message.literal
    kind = literal.WhichOneof("literal_type") or ""
    variation = literal.type_variation_reference
    value: Any = getattr(literal, kind) if kind else None
    if kind in _PLAIN and variation == 0:
        return Literal(value, _PLAIN[kind])
    if kind in _PLAIN and variation == 1:
        # Unsigned literals travel in the signed field of the same width.
        return Opaque(message, "unsigned literal", _UNSIGNED.get(_PLAIN[kind], pa.uint64()), False)
    match kind:
        case "string":
            return Literal(value, _STRINGS[variation])
        case "binary":
            return Literal(bytes(value), _BINARIES[variation])
        case "date" if variation == 0:
            try:
                return Literal(_EPOCH + timedelta(days=value), pa.date32())
            except OverflowError:
                return Opaque(message, "far date", pa.date32(), False)
        case "decimal":
            return _decimal(message)
        case "precision_timestamp" | "precision_timestamp_tz" if value.precision == 6:
            zone = UTC if kind.endswith("tz") else None
            try:
                moment = datetime(1970, 1, 1, tzinfo=zone) + timedelta(microseconds=value.value)
            except OverflowError:
                return Opaque(message, "far timestamp", pa.timestamp("us"), False)
            return Literal(moment, pa.timestamp("us", "UTC" if zone else None))
        case "null":
            return Literal(None, arrow_type(value))
    if kind not in _KEPT_LITERALS:
        # Constants of nested types come back from the engine with other names for their parts.
        raise NotCarriedError(f"a constant of type {kind}")
    return Opaque(message, f"constant of type {kind}", pa.null(), False)


def _decimal(message: ExpressionMessage) -> Expression:
    value = message.literal.decimal
    if len(value.value) != 16:
        return Opaque(message, "wide decimal literal", pa.null(), False)
    unscaled = int.from_bytes(value.value, "little", signed=True)
    exact = decimal.Decimal(unscaled).scaleb(-value.scale, decimal.Context(prec=80))
    return Literal(exact, pa.decimal128(value.precision, value.scale))
