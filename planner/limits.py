"""The first rows by an order are taken where the rows are, too.

    Fetch 10                              Fetch 10
      Sort day                              Sort day
        Union                 ->              Union
          a    (shop)                           Fetch 10 (Sort day (a))
          b    (till)                           Fetch 10 (Sort day (b))

Below a projection, below each input of a UNION ALL, and below the side that an outer join
preserves: there each row gives one row or more, so the first N of them give the first N. What
stands above stays and takes its N again. A limit without an order goes the same way where the
engine's optimiser has not taken it there already.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from operator import add

from planner.placing import Places
from planner.purity import repeats
from planner.relations import (
    Fetch,
    Join,
    JoinKind,
    Project,
    Relation,
    Sort,
    SortKey,
    Union,
    inputs_of,
    references,
)
from planner.rewrite import inlined, moved, over

_LEFT_PRESERVED = (JoinKind.LEFT, JoinKind.LEFT_MARK)
_RIGHT_PRESERVED = (JoinKind.RIGHT, JoinKind.RIGHT_MARK)


def push_limits(relation: Relation, places: Places) -> Relation:
    """The tree with each limit, and the sort below it, also where one place runs them."""
    if places.whole(relation) is not None:
        return relation
    match relation:
        case Fetch(count=int() as count, input=Sort() as sort) if _repeat(sort.keys):
            below = _first(sort.input, sort.keys, relation.offset + count, places)
            if below is not None:
                return replace(relation, input=Sort(push_limits(below, places), sort.keys))
        case Fetch(count=int() as count) if not isinstance(relation.input, Sort):
            below = _first(relation.input, (), relation.offset + count, places)
            if below is not None:
                return replace(relation, input=push_limits(below, places))
    return over(relation, [push_limits(i, places) for i in inputs_of(relation)])


def _first(
    relation: Relation, keys: tuple[SortKey, ...], count: int, places: Places
) -> Relation | None:
    """The relation with fewer rows, its first `count` among them; None when nothing is gained."""
    if places.whole(relation) is not None:
        return _first_there(relation, keys, count, places)
    match relation:
        case Project():
            inner = tuple(replace(k, expression=inlined(k.expression, relation)) for k in keys)
            if not _repeat(inner):
                return None
            return _over_some(relation, (_first(relation.input, inner, count, places),))
        case Union():
            inputs = (_first(i, keys, count, places) for i in relation.inputs)
            return _over_some(relation, tuple(inputs))
        case Join(kind=kind) if kind in _LEFT_PRESERVED:
            if not _all_within(keys, range(len(relation.left.fields))):
                return None
            return _over_some(relation, (_first(relation.left, keys, count, places), None))
        case Join(kind=kind) if kind in _RIGHT_PRESERVED:
            start = len(relation.left.fields) if kind is JoinKind.RIGHT else 0
            if not _all_within(keys, range(start, start + len(relation.right.fields))):
                return None
            back = partial(add, -start)
            there = tuple(replace(k, expression=moved(k.expression, back)) for k in keys)
            return _over_some(relation, (None, _first(relation.right, there, count, places)))
    return None


def _first_there(
    relation: Relation, keys: tuple[SortKey, ...], count: int, places: Places
) -> Relation | None:
    known = places.estimate(relation).rows
    if known is not None and known <= count:
        return None
    first = Fetch(Sort(relation, keys) if keys else relation, 0, count)
    return first if places.whole(first) is not None else None


def _over_some(relation: Relation, inputs: tuple[Relation | None, ...]) -> Relation | None:
    """The relation over those inputs that were changed; None when none was."""
    if all(new is None for new in inputs):
        return None
    pairs = zip(inputs, inputs_of(relation), strict=True)
    return over(relation, [old if new is None else new for new, old in pairs])


def _repeat(keys: tuple[SortKey, ...]) -> bool:
    return all(repeats(key.expression) for key in keys)


def _all_within(keys: tuple[SortKey, ...], fields: range) -> bool:
    used = [references(key.expression) for key in keys]
    return all(refs is not None and refs <= set(fields) for refs in used)
