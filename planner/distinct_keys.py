"""The keys that a semi- or anti-join looks up, each once, where many rows have the same.

    Left anti join (size = quantity)      Left anti join (size = quantity)
      part                         ->       part
      lineitem                              Aggregate by quantity
                                              lineitem

Whether a row has a partner does not depend on how many rows are alike. The engine looks at each
pair of rows with equal keys all the same (DataFusion 55: 30 ns a pair), and a source sends each
row. So it is done where the source has less to do that way, rows and link considered, and where
there would be many times as many pairs as there are rows. What can be told apart within a group
(-0.0 and 0.0, the forms of an interval) is none. Owns that choice.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from planner.opening import fragments_seconds
from planner.partial import FEW
from planner.placing import Place, Places
from planner.purity import repeats
from planner.relations import (
    Aggregate,
    Call,
    Expression,
    FieldRef,
    Join,
    JoinKind,
    Relation,
    conjuncts,
    inputs_of,
    references,
)
from planner.rewrite import moved, over, picked
from planner.selectivity import equal_columns

MANY = 4.0
"""Pairs to rows, at least, for the engine to group first: a row that it groups costs as much as two
pairs, and estimates of pairs are rough."""

WORTH_GROUPING = 0.8
"""A source groups where that takes this part of the time, at most: sources know the number of their
tables' values roughly, and lineitem's orders PostgreSQL takes for a quarter of what they are."""

_EQUALITIES = ("equal", "is_not_distinct_from")

_TESTS = (JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI, JoinKind.LEFT_MARK)


def make_keys_distinct(relation: Relation, places: Places) -> Relation:
    """The tree with the right sides of semi- and anti-joins grouped by what is read of them."""
    if places.whole(relation) is not None:
        return relation
    relation = over(
        relation, [make_keys_distinct(source, places) for source in inputs_of(relation)]
    )
    if not isinstance(relation, Join) or relation.kind not in _TESTS:
        return relation
    return _with_distinct_keys(relation, places) or relation


def _with_distinct_keys(join: Join, places: Places) -> Join | None:
    width = len(join.left.fields)
    used = references(join.condition)
    if used is None or not repeats(join.condition):
        return None
    keys = sorted(index - width for index in used if index >= width)
    if not keys or not all(_is_exact(join.right.fields[key].type) for key in keys):
        return None
    rows = picked(join.right, keys)
    refs = tuple(FieldRef(i, f.type, f.nullable) for i, f in enumerate(rows.fields))
    groups = Aggregate(rows, refs, (tuple(range(len(refs))),), (), rows.fields)
    if not _is_worth_it(join, groups, places):
        return None
    to = {width + key: width + position for position, key in enumerate(keys)}
    condition = moved(join.condition, lambda index: to.get(index, index))
    changed = replace(join, right=groups, condition=condition)
    places.are_the_rows_of(changed, join)
    return changed


def _is_exact(type_: pa.DataType) -> bool:
    """Whether values of a group cannot be told apart."""
    inexact = pa.types.is_floating(type_) or pa.types.is_interval(type_)
    return not inexact and not pa.types.is_nested(type_)


def _is_worth_it(join: Join, groups: Aggregate, places: Places) -> bool:
    place = places.whole(groups)
    if place is not None and places.cuts == "push":
        return True
    rows, count = places.estimate(groups.input).rows, places.groups(groups)
    if rows is None or (count is not None and count > rows * FEW):
        return False
    if count is not None and place is not None and _is_sooner(groups, place, places):
        return True
    pairs, looked_up = _pairs(join, places), places.estimate(join.left).rows
    return pairs is not None and looked_up is not None and pairs > MANY * (rows + looked_up)


def _is_sooner(groups: Aggregate, place: Place, places: Places) -> bool:
    """Whether the place sends groups in less time than rows."""
    grouped = fragments_seconds([groups], place, places)
    ungrouped = fragments_seconds([groups.input], place, places)
    if grouped is None or ungrouped is None:
        return False
    return grouped < WORTH_GROUPING * ungrouped


def _pairs(join: Join, places: Places) -> float | None:
    """How many pairs of rows the engine would look at, by the keys that are known to be few.

    Of keys of which nothing is known on the right, all are taken to be on the left as well; on the
    left, to be of one row each.
    """
    left, right = (places.estimate(side).rows for side in (join.left, join.right))
    equal, rest = equal_columns(conjuncts(join.condition), len(join.left.fields))
    if left is None or right is None or any(map(_is_equality, rest)):
        return None
    pairs = left * right
    for one, other in equal:
        values = places.distinct(join.left, one) or left
        others = places.distinct(join.right, other) or right
        pairs /= max(1.0, values, others if others < right else 0.0)
    return pairs


def _is_equality(condition: Expression) -> bool:
    return isinstance(condition, Call) and condition.function in _EQUALITIES
