"""The relation tree -> Substrait's protobuf form, as DataFusion reads it. The reader's inverse."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from substrait.algebra_pb2 import (
    AggregateFunction,
    AggregateRel,
    FetchRel,
    JoinRel,
    ProjectRel,
    ReadRel,
    Rel,
    SetRel,
    SortField,
)
from substrait.algebra_pb2 import Expression as ExpressionMessage
from substrait.extensions.extensions_pb2 import SimpleExtensionDeclaration
from substrait.plan_pb2 import Plan

from planner.emit.names import unique_names
from planner.relations import (
    Aggregate,
    Call,
    Cast,
    Cross,
    ExistsSubquery,
    Expression,
    Fetch,
    FieldRef,
    Filter,
    IfThen,
    InKeys,
    InList,
    Join,
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
    Window,
    WindowCall,
)
from planner.substrait.grouping import FUNCTION as GROUPING
from planner.substrait.grouping import unfolded
from planner.substrait.literals import write_literal
from planner.substrait.readable import apart, first_rows, held, of_one_equality
from planner.substrait.types import is_carried, named_struct, substrait_type

WindowFunction = ExpressionMessage.WindowFunction
_NO_URN = 4294967295
"""What DataFusion writes for a function that no extension file declares."""


def write_plan(
    relation: Relation, names: tuple[str, ...], origin: Plan, scope: tuple[str, ...] = ()
) -> Plan:
    """A plan with one root.

    Args:
        relation: the root; its opaque expressions came from `origin`.
        names: the root's column names.
        origin: the plan that the tree was read from, whose function numbers stay as they are.
        scope: what to put before the path of each read.
    """
    writer = _Writer(origin, scope)
    plan = Plan(version=origin.version)
    root = plan.relations.add().root
    writer.relation(relation, root.input)
    root.names.extend(names)
    plan.extensions.extend(writer.declarations())
    return plan


class _Writer:
    """One translation: hands out function numbers as it meets functions."""

    def __init__(self, origin: Plan, scope: tuple[str, ...]) -> None:
        self._scope = scope
        self._anchors = {
            e.extension_function.name: e.extension_function.function_anchor
            for e in origin.extensions
            if e.HasField("extension_function")
        }

    def declarations(self) -> list[SimpleExtensionDeclaration]:
        return [
            SimpleExtensionDeclaration(
                extension_function=SimpleExtensionDeclaration.ExtensionFunction(
                    function_anchor=anchor, name=name, extension_urn_reference=_NO_URN
                )
            )
            for name, anchor in self._anchors.items()
        ]

    def _anchor(self, function: str) -> int:
        if function not in self._anchors:
            self._anchors[function] = max(self._anchors.values(), default=-1) + 1
        return int(self._anchors[function])

    # --- relations ---

    def relation(self, relation: Relation, into: Rel) -> None:
        """Fill a message in, from above: one that is put into another is copied with all below."""
        match relation:
            case Read():
                _read(relation, self._scope, into.read)
            case Values():
                self._values(relation, into.read)
            case Filter():
                self.relation(held(relation), into.filter.input)
                self._expression(relation.condition, into.filter.condition)
            case Project():
                self._project(relation, into.project)
            case Aggregate():
                self._aggregate(relation, into.aggregate)
            case Window():
                self._window(relation, into.project)
            case Sort():
                self.relation(relation.input, into.sort.input)
                self._sort_fields(relation.keys, into.sort.sorts)
            case Fetch():
                self._fetch(relation, into.fetch)
            case Join():
                left, right = apart(relation)
                self.relation(left, into.join.left)
                self.relation(right, into.join.right)
                self._expression(of_one_equality(relation.condition), into.join.expression)
                into.join.type = JoinRel.JoinType.Value(f"JOIN_TYPE_{relation.kind.value}")
            case Cross():
                self.relation(relation.left, into.cross.left)
                self.relation(relation.right, into.cross.right)
            case Union():
                for source in relation.inputs:
                    self.relation(source, into.set.inputs.add())
                into.set.op = SetRel.SET_OP_UNION_ALL

    def _values(self, relation: Values, into: ReadRel) -> None:
        types = [substrait_type(f.type, f.nullable) for f in relation.fields]
        # The engine refuses two columns of one name here, and refers to them by position.
        names = unique_names(tuple(f.name for f in relation.fields))
        into.base_schema.CopyFrom(named_struct(list(names), types))
        into.virtual_table.SetInParent()
        for row in relation.rows:
            written = into.virtual_table.expressions.add()
            for expression in row:
                self._expression(expression, written.fields.add())

    def _project(self, relation: Project, into: ProjectRel) -> None:
        width = len(relation.input.fields)
        into.common.emit.output_mapping.extend(range(width, width + len(relation.expressions)))
        into.common.emit.SetInParent()
        self.relation(relation.input, into.input)
        for expression in relation.expressions:
            self._expression(expression, into.expressions.add())

    def _window(self, relation: Window, into: ProjectRel) -> None:
        """A projection of the input's fields and the functions: the engine makes a window of it."""
        fields = relation.input.fields
        mapping = range(len(fields), len(fields) + len(relation.fields))
        into.common.emit.output_mapping.extend(mapping)
        self.relation(relation.input, into.input)
        for index, field in enumerate(fields):
            passed = FieldRef(index, field.type, field.nullable)
            self._expression(passed, into.expressions.add())
        for call in relation.calls:
            self._window_call(call, into.expressions.add().window_function)

    def _window_call(self, call: WindowCall, into: Any) -> None:
        unit = call.frame.unit.upper()
        into.function_reference = self._anchor(call.function)
        self._arguments(call.arguments, into.arguments)
        for part in call.partition:
            self._expression(part, into.partitions.add())
        self._sort_fields(call.order, into.sorts)
        into.bounds_type = WindowFunction.BoundsType.Value(f"BOUNDS_TYPE_{unit}")
        into.lower_bound.CopyFrom(_edge(call.frame.start))
        into.upper_bound.CopyFrom(_edge(call.frame.end))

    def _aggregate(self, relation: Aggregate, into: AggregateRel) -> None:
        self.relation(relation.input, into.input)
        for group in relation.groups:
            self._expression(group, into.grouping_expressions.add())
        for positions in relation.sets:
            into.groupings.add().expression_references.extend(positions)
        for measure in relation.measures:
            self._measure(measure, into.measures.add())

    def _measure(self, measure: Measure, into: AggregateRel.Measure) -> None:
        function = into.measure
        function.function_reference = self._anchor(measure.function)
        self._arguments(measure.arguments, function.arguments)
        self._sort_fields(measure.sorts, function.sorts)
        function.invocation = (
            AggregateFunction.AGGREGATION_INVOCATION_DISTINCT
            if measure.distinct
            else AggregateFunction.AGGREGATION_INVOCATION_ALL
        )
        if measure.filter is not None:
            self._expression(measure.filter, into.filter)

    def _sort_fields(self, keys: Iterable[SortKey], into: Any) -> None:
        for key in keys:
            message = into.add()
            self._expression(key.expression, message.expr)
            direction = f"{'DESC' if key.descending else 'ASC'}_NULLS_{_END[key.nulls_first]}"
            message.direction = SortField.SortDirection.Value(f"SORT_DIRECTION_{direction}")

    def _fetch(self, relation: Fetch, into: FetchRel) -> None:
        self.relation(first_rows(relation), into.input)
        if relation.offset:
            into.offset_expr.literal.i64 = relation.offset
        if relation.count is not None:
            into.count_expr.literal.i64 = relation.count

    # --- expressions ---

    def _expression(self, expression: Expression, into: ExpressionMessage) -> None:
        match expression:
            case FieldRef():
                into.selection.direct_reference.struct_field.field = expression.index
                into.selection.root_reference.SetInParent()
            case Literal():
                into.CopyFrom(write_literal(expression))
            case Call() if expression.function == GROUPING:
                self._expression(unfolded(expression), into)
            case Call():
                function = into.scalar_function
                function.function_reference = self._anchor(expression.function)
                self._arguments(expression.arguments, function.arguments)
                if expression.type != pa.null():
                    output = substrait_type(expression.type, expression.nullable)
                    function.output_type.CopyFrom(output)
            case Cast():
                self._cast(expression, into.cast)
            case IfThen():
                self._if_then(expression, into)
            case InList():
                self._expression(expression.value, into.singular_or_list.value)
                for option in expression.options:
                    self._expression(option, into.singular_or_list.options.add())
            case InKeys():
                into.CopyFrom(write_literal(Literal(True, pa.bool_())))
            case ScalarSubquery():
                self.relation(expression.input, into.subquery.scalar.input)
            case ExistsSubquery():
                into.subquery.set_predicate.predicate_op = 1
                self.relation(expression.input, into.subquery.set_predicate.tuples)
            case Opaque():
                into.CopyFrom(expression.message)

    def _arguments(self, arguments: Iterable[Expression], into: Any) -> None:
        for argument in arguments:
            self._expression(argument, into.add().value)

    def _cast(self, expression: Cast, into: ExpressionMessage.Cast) -> None:
        into.type.CopyFrom(substrait_type(expression.type, expression.nullable))
        self._expression(expression.input, into.input)
        into.failure_behavior = (
            ExpressionMessage.Cast.FAILURE_BEHAVIOR_THROW_EXCEPTION
            if expression.strict
            else ExpressionMessage.Cast.FAILURE_BEHAVIOR_RETURN_NULL
        )

    def _if_then(self, expression: IfThen, into: ExpressionMessage) -> None:
        if expression.operand is not None:
            # A first clause without a value.
            self._expression(expression.operand, getattr(into.if_then.ifs.add(), "if"))
        for condition, value in expression.clauses:
            clause = into.if_then.ifs.add()
            self._expression(condition, getattr(clause, "if"))
            self._expression(value, clause.then)
        if expression.otherwise is not None:
            self._expression(expression.otherwise, getattr(into.if_then, "else"))


_END = {True: "FIRST", False: "LAST"}


def _edge(offset: int | None) -> Any:
    """An edge of a frame; the engine takes no distance of zero."""
    bound = WindowFunction.Bound()
    if offset is None:
        bound.unbounded.SetInParent()
    elif offset == 0:
        bound.current_row.SetInParent()
    elif offset < 0:
        bound.preceding.offset = -offset
    else:
        bound.following.offset = offset
    return bound


def _read(relation: Read, scope: tuple[str, ...], into: ReadRel) -> None:
    # The engine finds columns by their names, and a schema need not have all of them.
    written = [
        index
        for index, field in enumerate(relation.base)
        if index in relation.columns or is_carried(field.type)
    ]
    fields = [relation.base[index] for index in written]
    types = [substrait_type(f.type, f.nullable) for f in fields]
    into.base_schema.CopyFrom(named_struct([f.name for f in fields], types))
    into.named_table.names.extend((*scope, *relation.path))
    into.projection.select.SetInParent()
    position = {column: index for index, column in enumerate(written)}
    for column in relation.columns:
        into.projection.select.struct_items.add().field = position[column]
