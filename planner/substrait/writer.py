"""The relation tree -> Substrait's protobuf form, as DataFusion reads it. The reader's inverse."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from substrait.algebra_pb2 import (
    AggregateFunction,
    AggregateRel,
    CrossRel,
    FetchRel,
    FilterRel,
    FunctionArgument,
    JoinRel,
    ProjectRel,
    ReadRel,
    Rel,
    RelCommon,
    RelRoot,
    SetRel,
    SortField,
    SortRel,
)
from substrait.algebra_pb2 import Expression as ExpressionMessage
from substrait.extensions.extensions_pb2 import SimpleExtensionDeclaration
from substrait.plan_pb2 import Plan, PlanRel

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
from planner.substrait.readable import apart, held, of_one_equality
from planner.substrait.types import named_struct, substrait_type

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
    root = RelRoot(input=writer.relation(relation), names=names)
    plan = Plan(relations=[PlanRel(root=root)], version=origin.version)
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

    def relation(self, relation: Relation) -> Rel:
        match relation:
            case Read():
                return Rel(read=_read(relation, self._scope))
            case Values():
                return Rel(read=self._values(relation))
            case Filter():
                return Rel(
                    filter=FilterRel(
                        input=self.relation(held(relation)),
                        condition=self._expression(relation.condition),
                    )
                )
            case Project():
                return Rel(project=self._project(relation))
            case Aggregate():
                return Rel(aggregate=self._aggregate(relation))
            case Window():
                return Rel(project=self._window(relation))
            case Sort():
                return Rel(
                    sort=SortRel(
                        input=self.relation(relation.input),
                        sorts=[self._sort_field(key) for key in relation.keys],
                    )
                )
            case Fetch():
                return Rel(fetch=self._fetch(relation))
            case Join():
                left, right = apart(relation)
                return Rel(
                    join=JoinRel(
                        left=self.relation(left),
                        right=self.relation(right),
                        expression=self._expression(of_one_equality(relation.condition)),
                        type=JoinRel.JoinType.Value(f"JOIN_TYPE_{relation.kind.value}"),
                    )
                )
            case Cross():
                return Rel(
                    cross=CrossRel(
                        left=self.relation(relation.left), right=self.relation(relation.right)
                    )
                )
            case Union():
                inputs = [self.relation(i) for i in relation.inputs]
                return Rel(set=SetRel(inputs=inputs, op=SetRel.SET_OP_UNION_ALL))

    def _values(self, relation: Values) -> ReadRel:
        rows = [
            ExpressionMessage.Nested.Struct(fields=[self._expression(e) for e in row])
            for row in relation.rows
        ]
        types = [substrait_type(f.type, f.nullable) for f in relation.fields]
        # The engine refuses two columns of one name here, and refers to them by position.
        names = unique_names(tuple(f.name for f in relation.fields))
        return ReadRel(
            base_schema=named_struct(list(names), types),
            virtual_table=ReadRel.VirtualTable(expressions=rows),
        )

    def _project(self, relation: Project) -> ProjectRel:
        width = len(relation.input.fields)
        mapping = range(width, width + len(relation.expressions))
        return ProjectRel(
            common=RelCommon(emit=RelCommon.Emit(output_mapping=mapping)),
            input=self.relation(relation.input),
            expressions=[self._expression(e) for e in relation.expressions],
        )

    def _window(self, relation: Window) -> ProjectRel:
        """A projection of the input's fields and the functions: the engine makes a window of it."""
        fields = relation.input.fields
        passed: list[Expression] = [FieldRef(i, f.type, f.nullable) for i, f in enumerate(fields)]
        mapping = range(len(fields), len(fields) + len(relation.fields))
        return ProjectRel(
            common=RelCommon(emit=RelCommon.Emit(output_mapping=mapping)),
            input=self.relation(relation.input),
            expressions=[
                *(self._expression(e) for e in passed),
                *(self._window_call(c) for c in relation.calls),
            ],
        )

    def _window_call(self, call: WindowCall) -> ExpressionMessage:
        function = WindowFunction(
            function_reference=self._anchor(call.function),
            arguments=[FunctionArgument(value=self._expression(a)) for a in call.arguments],
            partitions=[self._expression(p) for p in call.partition],
            sorts=[self._sort_field(key) for key in call.order],
            bounds_type=WindowFunction.BoundsType.Value(f"BOUNDS_TYPE_{call.frame.unit.upper()}"),
            lower_bound=_edge(call.frame.start),
            upper_bound=_edge(call.frame.end),
        )
        return ExpressionMessage(window_function=function)

    def _aggregate(self, relation: Aggregate) -> AggregateRel:
        return AggregateRel(
            input=self.relation(relation.input),
            grouping_expressions=[self._expression(e) for e in relation.groups],
            groupings=[AggregateRel.Grouping(expression_references=s) for s in relation.sets],
            measures=[self._measure(m) for m in relation.measures],
        )

    def _measure(self, measure: Measure) -> AggregateRel.Measure:
        invocation = (
            AggregateFunction.AGGREGATION_INVOCATION_DISTINCT
            if measure.distinct
            else AggregateFunction.AGGREGATION_INVOCATION_ALL
        )
        function = AggregateFunction(
            function_reference=self._anchor(measure.function),
            arguments=[FunctionArgument(value=self._expression(a)) for a in measure.arguments],
            sorts=[self._sort_field(key) for key in measure.sorts],
            invocation=invocation,
        )
        message = AggregateRel.Measure(measure=function)
        if measure.filter is not None:
            message.filter.CopyFrom(self._expression(measure.filter))
        return message

    def _sort_field(self, key: SortKey) -> SortField:
        direction = f"{'DESC' if key.descending else 'ASC'}_NULLS_{_END[key.nulls_first]}"
        return SortField(
            expr=self._expression(key.expression),
            direction=SortField.SortDirection.Value(f"SORT_DIRECTION_{direction}"),
        )

    def _fetch(self, relation: Fetch) -> FetchRel:
        message = FetchRel(input=self.relation(relation.input))
        if relation.offset:
            message.offset_expr.literal.i64 = relation.offset
        if relation.count is not None:
            message.count_expr.literal.i64 = relation.count
        return message

    # --- expressions ---

    def _expression(self, expression: Expression) -> ExpressionMessage:
        match expression:
            case FieldRef():
                message = ExpressionMessage()
                message.selection.direct_reference.struct_field.field = expression.index
                message.selection.root_reference.SetInParent()
                return message
            case Literal():
                return write_literal(expression)
            case Call() if expression.function == GROUPING:
                return self._expression(unfolded(expression))
            case Call():
                function = ExpressionMessage.ScalarFunction(
                    function_reference=self._anchor(expression.function),
                    arguments=[
                        FunctionArgument(value=self._expression(a)) for a in expression.arguments
                    ],
                )
                if expression.type != pa.null():
                    output = substrait_type(expression.type, expression.nullable)
                    function.output_type.CopyFrom(output)
                return ExpressionMessage(scalar_function=function)
            case Cast():
                return self._cast(expression)
            case IfThen():
                return self._if_then(expression)
            case InList():
                options = ExpressionMessage.SingularOrList(
                    value=self._expression(expression.value),
                    options=[self._expression(o) for o in expression.options],
                )
                return ExpressionMessage(singular_or_list=options)
            case ScalarSubquery():
                message = ExpressionMessage()
                message.subquery.scalar.input.CopyFrom(self.relation(expression.input))
                return message
            case ExistsSubquery():
                message = ExpressionMessage()
                message.subquery.set_predicate.predicate_op = 1
                message.subquery.set_predicate.tuples.CopyFrom(self.relation(expression.input))
                return message
            case Opaque():
                same: ExpressionMessage = expression.message
                return same

    def _cast(self, expression: Cast) -> ExpressionMessage:
        behavior = ExpressionMessage.Cast.FAILURE_BEHAVIOR_THROW_EXCEPTION
        if not expression.strict:
            behavior = ExpressionMessage.Cast.FAILURE_BEHAVIOR_RETURN_NULL
        cast = ExpressionMessage.Cast(
            type=substrait_type(expression.type, expression.nullable),
            input=self._expression(expression.input),
            failure_behavior=behavior,
        )
        return ExpressionMessage(cast=cast)

    def _if_then(self, expression: IfThen) -> ExpressionMessage:
        message = ExpressionMessage()
        if expression.operand is not None:
            # A first clause without a value.
            operand = message.if_then.ifs.add()
            getattr(operand, "if").CopyFrom(self._expression(expression.operand))
        for condition, value in expression.clauses:
            clause = message.if_then.ifs.add()
            getattr(clause, "if").CopyFrom(self._expression(condition))
            clause.then.CopyFrom(self._expression(value))
        if expression.otherwise is not None:
            getattr(message.if_then, "else").CopyFrom(self._expression(expression.otherwise))
        return message


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


def _read(relation: Read, scope: tuple[str, ...]) -> ReadRel:
    types = [substrait_type(f.type, f.nullable) for f in relation.base]
    message = ReadRel(base_schema=named_struct([f.name for f in relation.base], types))
    message.named_table.names.extend((*scope, *relation.path))
    message.projection.select.SetInParent()
    for column in relation.columns:
        message.projection.select.struct_items.add().field = column
    return message
