"""Aggregates in two steps, so that a source sends groups where it would send rows.

    Aggregate sum(amount) by name         Aggregate sum(sum) by name
      Join shop.id = lake.id                Join shop.id = lake.id
        shop           (shop)      ->         Aggregate sum(amount) by id      (shop)
        lake                                    shop
                                              lake

The first step groups by what is read above it: the keys of the answer and the columns of the
joins' conditions. All rows of such a group meet the same rows of the other side, so a sum of sums
is the sum, a sum of counts the count. It goes below inner and cross joins, and on the side that a
left, semi or anti join keeps; and into each input of a UNION ALL. It is done only where the
groups are known to be few, or under `cuts = push`, and only for aggregates whose value this cannot
change:

- counts, and sums of integers, which wrap around: addition modulo 2^64 has no order;
- sums and averages of decimals narrow enough that no sum of up to 10^10 rows leaves its type, so
  that neither step can overflow where the one step would not;
- the least and the greatest, and bool_and and bool_or. Of floats none: their sums depend on the
  order, and NaN and -0.0 have more than one form.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import add

import pyarrow as pa

from planner.placing import Places
from planner.purity import repeats
from planner.relations import (
    Aggregate,
    Call,
    Cast,
    Cross,
    Expression,
    Field,
    FieldRef,
    Filter,
    Join,
    JoinKind,
    Literal,
    Measure,
    Project,
    Relation,
    Sort,
    Union,
    inputs_of,
    references,
    with_inputs,
)
from planner.rewrite import inlined, moved, over, picked
from planner.substrait.aggregates import measure_type

FEW = 0.25
"""Groups to rows, at most: the source does more work, and estimates of groups are rough."""

_WIDEST_SUM, _WIDEST_AVERAGE = 28, 24
"""Digits of a decimal whose sum over 10^10 rows has at most 38, and with four more to divide."""

_ONLY_RIGHT = (JoinKind.RIGHT_SEMI, JoinKind.RIGHT_ANTI)
_LEFT_KEPT = (JoinKind.INNER, JoinKind.LEFT, JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI)
_RIGHT_KEPT = (JoinKind.INNER, JoinKind.RIGHT, *_ONLY_RIGHT)


@dataclass(frozen=True, slots=True)
class _Need:
    """What the relations above read of one below: its fields by position, and first steps."""

    keys: tuple[int, ...]
    firsts: tuple[Measure, ...]

    def position(self, key: int) -> int:
        """Where a key is among the fields of the relation that answers this need."""
        return self.keys.index(key)


def push_aggregates(relation: Relation, places: Places) -> Relation:
    """The tree with the first step of its aggregates at the places that have their rows."""
    if places.whole(relation) is not None:
        return relation
    if isinstance(relation, Aggregate):
        two_steps = _in_two_steps(relation, places)
        if two_steps is not None:
            return two_steps
    return over(relation, [push_aggregates(i, places) for i in inputs_of(relation)])


def _in_two_steps(relation: Aggregate, places: Places) -> Relation | None:
    firsts = [_first_step(m) for m in relation.measures]
    if len(relation.sets) != 1 or len(relation.sets[0]) != len(relation.groups):
        return None
    if any(first is None for first in firsts) or not all(map(repeats, relation.groups)):
        return None
    if places.whole(relation.input) is not None:
        return None
    used = _keys_of(relation.groups)
    if used is None:
        return None
    # Sum and average of one column share a first step.
    need = _Need(used, tuple(dict.fromkeys(m for first in firsts for m in first or ())))
    reduced = _reduced(relation.input, need, places)
    return None if reduced is None else _second_step(relation, reduced, need, places)


# --- the two steps of each aggregate ---


def _first_step(measure: Measure) -> tuple[Measure, ...] | None:
    """What is aggregated at the source; None for what cannot be done in two steps."""
    if measure.distinct or measure.sorts or len(measure.arguments) != 1:
        return None
    if not all(map(repeats, _parts(measure))):
        return None
    of = measure.arguments[0].type
    match measure.function:
        case "count" | "bool_and" | "bool_or":
            return (measure,)
        case "min" | "max":
            return None if pa.types.is_floating(of) or pa.types.is_nested(of) else (measure,)
        case "sum" if pa.types.is_signed_integer(of) or _narrower(of, _WIDEST_SUM):
            return (measure,)
        case "avg" if _narrower(of, _WIDEST_AVERAGE):
            type_, nullable = measure_type("sum", (of,))
            total = replace(measure, function="sum", type=type_, nullable=nullable)
            count = replace(measure, function="count", type=pa.int64(), nullable=False)
            return (total, count)
    return None


def _narrower(type_: pa.DataType, digits: int) -> bool:
    return bool(pa.types.is_decimal128(type_)) and type_.precision <= digits


def _again(measure: Measure, at: int) -> Measure:
    """The second step over the field that holds a first one."""
    function = "sum" if measure.function == "count" else measure.function
    argument = FieldRef(at, measure.type, measure.nullable)
    type_, _ = measure_type(function, (measure.type,))
    return Measure(function, (argument,), type_, True)


def _second_step(relation: Aggregate, reduced: Relation, need: _Need, places: Places) -> Relation:
    """The aggregate over first steps, with the types of the aggregate in one step."""
    groups = tuple(moved(g, need.position) for g in relation.groups)
    start = len(need.keys)
    measures = tuple(_again(m, start + i) for i, m in enumerate(need.firsts))
    fields = (
        *relation.fields[: len(groups)],
        *(Field(m.function, m.type, True) for m in measures),
    )
    final = Aggregate(push_aggregates(reduced, places), groups, relation.sets, measures, fields)
    at = len(groups)
    expressions: list[Expression] = [
        FieldRef(i, f.type, f.nullable) for i, f in enumerate(fields[:at])
    ]
    for measure in relation.measures:
        steps = [at + need.firsts.index(first) for first in _first_step(measure) or ()]
        expressions.append(_as_one(measure, [FieldRef(i, fields[i].type) for i in steps]))
    return Project(final, tuple(expressions), relation.fields)


def _as_one(measure: Measure, refs: Sequence[FieldRef]) -> Expression:
    match measure.function:
        case "count":
            none = Literal(0, pa.int64())
            return Call("coalesce", (refs[0], none), pa.int64(), False)
        case "avg":
            return _average(measure, refs[0], refs[1])
    if refs[0].type == measure.type:
        return refs[0]
    return Cast(refs[0], measure.type, True)


def _average(measure: Measure, total: FieldRef, count: FieldRef) -> Expression:
    """Sum by count, cut after as many digits as the engine's average; NULL of no rows."""
    of = measure.arguments[0].type
    narrow = pa.decimal128(of.precision + 10, of.scale)
    dividend = total if total.type == narrow else Cast(total, narrow, True)
    divisor = Cast(count, pa.decimal128(20, 0), True)
    quotient = pa.decimal128(narrow.precision + 4, of.scale + 4)
    result = Call("divide", (dividend, divisor), quotient, True)
    return result if quotient == measure.type else Cast(result, measure.type, True)


# --- down to the source ---


def _reduced(relation: Relation, need: _Need, places: Places) -> Relation | None:
    """The keys and the first steps of a relation, by field, from groups made at a place."""
    if places.whole(relation) is not None:
        return _grouped_there(relation, need, places)
    match relation:
        case Sort():
            return _reduced(relation.input, need, places)
        case Filter():
            return _below_filter(relation, need, places)
        case Project():
            return _below_project(relation, need, places)
        case Join() | Cross():
            return _below_join(relation, need, places)
        case Union():
            return _below_union(relation, need, places)
    return None


def _grouped(relation: Relation, need: _Need) -> Aggregate:
    fields = relation.fields
    keys = tuple(fields[k] for k in need.keys)
    groups = tuple(FieldRef(k, f.type, f.nullable) for k, f in zip(need.keys, keys, strict=True))
    firsts = (Field(m.function, m.type, m.nullable) for m in need.firsts)
    sets = (tuple(range(len(groups))),)
    return Aggregate(relation, groups, sets, need.firsts, (*keys, *firsts))


def _grouped_there(relation: Relation, need: _Need, places: Places) -> Relation | None:
    """The groups, when a place makes them and they are known to be few."""
    if any(pa.types.is_floating(relation.fields[k].type) for k in need.keys):
        return None
    grouped = _grouped(relation, need)
    if places.whole(grouped) is None:
        return None
    if places.cuts == "push":
        return grouped
    rows, groups = places.estimate(relation).rows, places.groups(grouped)
    if rows is None or groups is None or groups > rows * FEW:
        return None
    used = _read_by([part for measure in need.firsts for part in _parts(measure)]) or ()
    before = places.estimate(picked(relation, _both(need.keys, used))).size_bytes
    after = places.estimate(grouped).size_bytes
    return grouped if after is not None and before is not None and after < before else None


def _below_filter(relation: Filter, need: _Need, places: Places) -> Relation | None:
    used = _read_by((relation.condition,))
    if used is None or not repeats(relation.condition):
        return None
    below = _Need(_both(need.keys, used), need.firsts)
    source = _reduced(relation.input, below, places)
    if source is None:
        return None
    filtered = Filter(source, moved(relation.condition, below.position))
    firsts = range(len(below.keys), len(source.fields))
    return picked(filtered, [*map(below.position, need.keys), *firsts])


def _below_project(relation: Project, need: _Need, places: Places) -> Relation | None:
    computed = tuple(relation.expressions[k] for k in need.keys)
    firsts = tuple(_inside(m, relation) for m in need.firsts)
    used = _keys_of(computed)
    parts = (part for measure in firsts for part in _parts(measure))
    if used is None or not all(map(repeats, (*computed, *parts))):
        return None
    below = _Need(used, firsts)
    source = _reduced(relation.input, below, places)
    if source is None:
        return None
    passed = list(enumerate(source.fields))[len(used) :]
    refs = (FieldRef(i, f.type, f.nullable) for i, f in passed)
    fields = (*(relation.fields[k] for k in need.keys), *(f for _, f in passed))
    return Project(source, (*(moved(e, below.position) for e in computed), *refs), fields)


def _below_join(relation: Join | Cross, need: _Need, places: Places) -> Relation | None:
    """Into one of the sides; fields are numbered as in a condition, the left ones first."""
    width = len(relation.left.fields)
    kind = relation.kind if isinstance(relation, Join) else JoinKind.INNER
    conditions = (relation.condition,) if isinstance(relation, Join) else ()
    joined = _read_by(conditions)
    if joined is None or not all(map(repeats, conditions)):
        return None
    # These joins have the right side's fields only.
    hidden = width if kind in _ONLY_RIGHT else 0
    keys = tuple(k + hidden for k in need.keys)
    firsts = tuple(_measured(m, partial(add, hidden)) for m in need.firsts)
    for is_left, side, start, kinds in (
        (True, relation.left, 0, _LEFT_KEPT),
        (False, relation.right, width, _RIGHT_KEPT),
    ):
        own = range(start, start + len(side.fields))
        wanted = tuple(k for k in _both(keys, joined) if k in own)
        # A first step without keys has one row, also where there is nothing to join.
        if kind not in kinds or not wanted or not _within(firsts, own):
            continue
        below = _Need(
            tuple(k - start for k in wanted),
            tuple(_measured(m, partial(add, -start)) for m in firsts),
        )
        reduced = _reduced(side, below, places)
        if reduced is None:
            continue
        kept = [i for i in range(width + len(relation.right.fields)) if i not in own]
        order = [*wanted, *kept] if is_left else [*kept, *wanted]
        # Where the reduced side is on the left, its first steps stand before the right side.
        gap = len(need.firsts) if is_left else 0
        to = {k: i if k in own else i + gap for i, k in enumerate(order)}
        sides = (reduced, relation.right) if is_left else (relation.left, reduced)
        result = with_inputs(relation, sides)
        if isinstance(result, Join):
            result = replace(result, condition=moved(result.condition, to.__getitem__))
        first = len(wanted) + start - hidden
        picks = [to[k] - hidden for k in keys] + [first + i for i in range(len(firsts))]
        return picked(result, picks)
    return None


def _below_union(relation: Union, need: _Need, places: Places) -> Relation | None:
    """First steps in every input, where at least one of them is made at its source."""
    reduced = [_reduced(i, need, places) for i in relation.inputs]
    if all(part is None for part in reduced):
        return None
    parts = tuple(
        _grouped(old, need) if new is None else new
        for new, old in zip(reduced, relation.inputs, strict=True)
    )
    columns = zip(*(part.fields for part in parts), strict=True)
    fields = tuple(replace(c[0], nullable=any(f.nullable for f in c)) for c in columns)
    return Union(parts, fields)


# --- positions ---


def _read_by(expressions: Sequence[Expression]) -> tuple[int, ...] | None:
    found = [references(e) for e in expressions]
    if any(refs is None for refs in found):
        return None
    return tuple(sorted({i for refs in found for i in refs or ()}))


def _keys_of(groups: Sequence[Expression]) -> tuple[int, ...] | None:
    """The fields that groups are made by, or None where there are none to make them by.

    Groups by constants read no field, and a first step without keys has a row where there is none.
    """
    used = _read_by(groups)
    return None if groups and not used else used


def _both(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted({*first, *second}))


def _within(firsts: tuple[Measure, ...], fields: range) -> bool:
    """Whether first steps read only these fields."""
    used = _read_by([part for measure in firsts for part in _parts(measure)])
    return used is not None and all(i in fields for i in used)


def _parts(measure: Measure) -> tuple[Expression, ...]:
    only = () if measure.filter is None else (measure.filter,)
    return (*measure.arguments, *only)


def _measured(measure: Measure, to: Callable[[int], int]) -> Measure:
    return _changed(measure, lambda part: moved(part, to))


def _inside(measure: Measure, project: Project) -> Measure:
    """A first step over a projection as one over its input."""
    return _changed(measure, lambda part: inlined(part, project))


def _changed(measure: Measure, change: Callable[[Expression], Expression]) -> Measure:
    only = None if measure.filter is None else change(measure.filter)
    return replace(measure, arguments=tuple(map(change, measure.arguments)), filter=only)
