"""The passes over a bound tree before it is cut, in their order. Each is a module of its own.

`inline_shared` comes first: it leaves conditions below each other.
`merge_filters` comes next: each condition goes by itself, and the engine stacks filters.
`imply_filters` comes before what estimates: estimates are better with its filters.
`regroup_joins` comes before `push_aggregates`, which looks for inputs that one place runs whole.
`make_keys_distinct` comes before it, too: its groups are aggregates like any.
`order_conditions` comes last: conditions that the others add have their place as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from planner.conditions import order_conditions
from planner.distinct_keys import make_keys_distinct
from planner.implied import imply_filters
from planner.limits import push_limits
from planner.partial import push_aggregates
from planner.placing import Places
from planner.regroup import regroup_joins
from planner.relations import (
    ExistsSubquery,
    Expression,
    FieldRef,
    Filter,
    Project,
    Relation,
    ScalarSubquery,
    conjunction,
    conjuncts,
    inputs_of,
    subqueries_of,
    transform_expression,
)
from planner.rewrite import moved, over, with_expressions
from planner.semi_joins import order_semi_joins
from planner.shared import inline_shared

Pass = Callable[[Relation, Places], Relation]
"""A tree with the same fields and the same rows, in the same order where there is one."""


def merge_filters(relation: Relation, _: Places) -> Relation:
    """Filters that stand on each other, or on a choice of columns between them, as one."""
    relation = over(relation, [merge_filters(i, _) for i in inputs_of(relation)])
    match relation:
        case Filter(input=Filter() as below):
            parts = (*conjuncts(below.condition), *conjuncts(relation.condition))
            return Filter(below.input, conjunction(parts))
        case Filter(input=Project(input=Filter() as below) as picks):
            refs = [e.index for e in picks.expressions if isinstance(e, FieldRef)]
            if len(refs) == len(picks.expressions):
                condition = moved(relation.condition, refs.__getitem__)
                parts = (*conjuncts(below.condition), *conjuncts(condition))
                return replace(picks, input=Filter(below.input, conjunction(parts)))
    return relation


PASSES: tuple[Pass, ...] = (
    inline_shared,
    merge_filters,
    imply_filters,
    regroup_joins,
    order_semi_joins,
    make_keys_distinct,
    push_aggregates,
    push_limits,
    order_conditions,
)

OF_CONDITIONS: tuple[Pass, ...] = (merge_filters, order_conditions)


def rearranged(relation: Relation, places: Places, passes: tuple[Pass, ...] = PASSES) -> Relation:
    """The tree after every pass, subqueries included; of what one place runs whole, only the
    conditions are put in order: its rows are remembered by them."""
    if places.whole(relation) is not None:
        passes = tuple(change for change in passes if change in OF_CONDITIONS)
    relation = _with_subqueries(relation, places, passes)
    for change in passes:
        relation = change(relation, places)
    return relation


def _with_subqueries(relation: Relation, places: Places, passes: tuple[Pass, ...]) -> Relation:
    def inside(part: Expression) -> Expression:
        if isinstance(part, ScalarSubquery | ExistsSubquery):
            changed = rearranged(part.input, places, passes)
            return part if changed is part.input else replace(part, input=changed)
        return part

    if subqueries_of(relation):
        relation = with_expressions(relation, lambda e: transform_expression(e, inside))
    return over(relation, [_with_subqueries(i, places, passes) for i in inputs_of(relation)])
