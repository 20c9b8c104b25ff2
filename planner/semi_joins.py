"""In which order rows are tested by semi- and anti-joins that stand on each other.

    anti-join (C)                 semi-join (B)
      semi-join (B)       ->        anti-join (C)          where C leaves fewer rows than B
        A                             A

Each tests rows of the lowest input by another, and none changes the others' answer. What leaves
the fewest rows by estimate comes first, and a statement's own order decides nothing. Conditions
that could fail stay where they are.
"""

from __future__ import annotations

from dataclasses import replace

from planner.followed import tables_of
from planner.join_order import rounded
from planner.placing import Places
from planner.purity import is_pure
from planner.relations import Join, JoinKind, Relation, conjuncts, inputs_of
from planner.rewrite import over


def order_semi_joins(relation: Relation, places: Places) -> Relation:
    """The tree with its semi- and anti-joins in a good order."""
    if places.whole(relation) is not None:
        return relation
    tests: list[Join] = []
    below = relation
    while isinstance(below, Join) and _is_test(below):
        tests.append(below)
        below = below.left
    if len(tests) < 2:
        return over(relation, [order_semi_joins(source, places) for source in inputs_of(relation)])
    below = order_semi_joins(below, places)
    left = [replace(t, right=order_semi_joins(t.right, places)) for t in reversed(tests)]
    while left:
        first = min(left, key=lambda test: _rank(test, below, places))
        left = [test for test in left if test is not first]
        below = replace(first, left=below)
    return below


def _is_test(join: Join) -> bool:
    kinds = (JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI)
    return join.kind in kinds and all(map(is_pure, conjuncts(join.condition)))


def _rank(test: Join, below: Relation, places: Places) -> tuple[float, float, tuple[str, ...], str]:
    rows = places.estimate(replace(test, left=below)).rows
    size = places.estimate(test.right).rows
    return (
        float("inf") if rows is None else rounded(rows),
        float("inf") if size is None else rounded(size),
        tuple(sorted(tables_of(test.right))),
        test.kind.name,
    )
