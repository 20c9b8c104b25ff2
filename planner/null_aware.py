"""NOT IN over values that may be NULL, as relations that Substrait can carry.

DataFusion plans `x NOT IN (S)` as an anti join with a flag, and Substrait loses the flag: rows come
back that must not. By SQL, x NOT IN S is true exactly when S is empty, or x is not NULL, S holds no
NULL, and no element equals x. So the anti join stays, and a filter above it asks the rest of S.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from planner.relations import (
    Aggregate,
    Call,
    Expression,
    Field,
    FieldRef,
    Filter,
    Join,
    JoinKind,
    Literal,
    Measure,
    Relation,
    ScalarSubquery,
    inputs_of,
    with_inputs,
)
from planner.substrait.types import NotCarriedError


def rewrite_null_aware(relation: Relation, anti_joins: int, null_aware: int) -> Relation:
    """The tree with every null-aware anti join made explicit.

    Args:
        relation: the tree as Substrait gave it.
        anti_joins: anti joins in the engine's plan.
        null_aware: how many of these are null-aware: all or none can be told apart.

    Raises:
        NotCarriedError: when some are and some are not, or one is not a single equality.
    """
    if not null_aware:
        return relation
    if null_aware != anti_joins or _count(relation) != anti_joins:
        raise NotCarriedError("NOT IN beside NOT EXISTS")
    return _rewrite(relation)


def _count(relation: Relation) -> int:
    own = isinstance(relation, Join) and relation.kind.value.endswith("ANTI")
    return own + sum(_count(i) for i in inputs_of(relation))


def _rewrite(relation: Relation) -> Relation:
    relation = with_inputs(relation, tuple(_rewrite(i) for i in inputs_of(relation)))
    if not isinstance(relation, Join) or not relation.kind.value.endswith("ANTI"):
        return relation
    condition = relation.condition
    if (
        relation.kind is not JoinKind.LEFT_ANTI
        or not isinstance(condition, Call)
        or condition.function != "equal"
    ):
        raise NotCarriedError("NOT IN with a further condition")
    width = len(relation.left.fields)
    needle, element = condition.arguments
    if not isinstance(needle, FieldRef) or not isinstance(element, FieldRef):
        raise NotCarriedError("NOT IN of an expression")
    if needle.index > element.index:
        needle, element = element, needle
    element = replace(element, index=element.index - width)
    return Filter(relation, _rest(needle, element, relation.right))


def _rest(needle: FieldRef, element: FieldRef, elements: Relation) -> Expression:
    """S is empty, or x is not NULL and S holds no NULL."""
    nulls = Filter(elements, Call("is_null", (element,), pa.bool_(), False))
    no_null = _is_zero(_rows(nulls))
    if not needle.nullable:
        return no_null
    not_null = Call("is_not_null", (needle,), pa.bool_(), False)
    both = Call("and", (not_null, no_null), pa.bool_(), False)
    return Call("or", (_is_zero(_rows(elements)), both), pa.bool_(), False)


def _rows(relation: Relation) -> ScalarSubquery:
    one = Literal(1, pa.int64())
    count = Measure("count", (one,), pa.int64(), False)
    field = Field("count", pa.int64(), False)
    return ScalarSubquery(Aggregate(relation, (), ((),), (count,), (field,)), pa.int64(), True)


def _is_zero(count: Expression) -> Expression:
    return Call("equal", (count, Literal(0, pa.int64())), pa.bool_(), False)
