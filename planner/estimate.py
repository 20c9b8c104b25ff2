"""How many rows and bytes a relation makes, from what its sources know of their tables.

Textbook rules over System R's assumptions (Selinger et al., 1979): uniform values, independent
predicates, keys contained in keys. None is unknown and stays unknown. Costs nothing out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from connectors.contract import ColumnStatistics, Statistics
from planner.plan import Estimate
from planner.relations import (
    Aggregate,
    Call,
    Cross,
    Expression,
    Fetch,
    FieldRef,
    Filter,
    InList,
    Join,
    JoinKind,
    Literal,
    Project,
    Read,
    Relation,
    Sort,
    Union,
    Values,
    Window,
    conjuncts,
    inputs_of,
)

StatisticsOf = Callable[[tuple[str, ...]], Statistics]

EQUALITY_SELECTIVITY = 0.005
"""An equality with a constant where the number of distinct values is unknown (PostgreSQL's)."""

RANGE_SELECTIVITY = 1 / 3
"""A range where the bounds are unknown (System R's)."""

PATTERN_SELECTIVITY = 0.05
"""A LIKE; between PostgreSQL's guesses for short and long patterns."""

OTHER_SELECTIVITY = 0.5


@dataclass(frozen=True, slots=True)
class _Sized:
    """Rows, and for each field its distinct values and its width in bytes; None is unknown."""

    rows: float | None
    distinct: tuple[float | None, ...]
    widths: tuple[float, ...]
    bounds: tuple[ColumnStatistics | None, ...]

    def at(self, index: int) -> float | None:
        return self.distinct[index]


def estimate(relation: Relation, statistics_of: StatisticsOf) -> Estimate:
    """Rows and bytes of a relation's result."""
    return Estimator(statistics_of)(relation)


class Estimator:
    """Estimates of one statement's relations, each subtree sized once."""

    def __init__(self, statistics_of: StatisticsOf) -> None:
        self._statistics_of = statistics_of
        # With the relation, so that no other takes its identity.
        self._known: dict[int, tuple[Relation, _Sized]] = {}

    def __call__(self, relation: Relation) -> Estimate:
        """Rows and bytes of a relation's result."""
        sized = self._size(relation)
        if sized.rows is None:
            return Estimate()
        return Estimate(sized.rows, sized.rows * (sum(sized.widths) or 1.0))

    def groups(self, relation: Aggregate) -> float | None:
        """How many groups there are, at most; None when a key's distinct values are not known."""
        source = self._size(relation.input)
        found = 1.0
        for group in relation.groups:
            distinct = source.at(group.index) if isinstance(group, FieldRef) else None
            if distinct is None:
                return None
            found *= max(1.0, distinct)
        return found

    def _size(self, relation: Relation) -> _Sized:
        known = self._known.get(id(relation))
        if known is not None:
            return known[1]
        inputs = [self._size(i) for i in inputs_of(relation)]
        sized = _size(relation, inputs, self._statistics_of)
        self._known[id(relation)] = (relation, sized)
        return sized


def width_bytes(type_: pa.DataType) -> float:
    """A value's width as it travels, where nothing else is known."""
    if pa.types.is_decimal(type_):
        return 8.0 + 4.0
    try:
        return max(1.0, float(type_.bit_width) / 8)
    except ValueError:
        return 24.0


def _size(relation: Relation, inputs: list[_Sized], statistics_of: StatisticsOf) -> _Sized:
    match relation:
        case Read():
            return _read(relation, statistics_of)
        case Values():
            width = tuple(width_bytes(f.type) for f in relation.fields)
            none = (None,) * len(width)
            return _Sized(float(len(relation.rows)), none, width, none)
        case Filter():
            return _scaled(inputs[0], _selectivity(relation.condition, inputs[0]))
        case Project():
            return _project(relation, inputs[0])
        case Aggregate():
            return _aggregate(relation, inputs[0])
        case Window():
            return _window(relation, inputs[0])
        case Sort():
            return inputs[0]
        case Fetch():
            rows = inputs[0].rows
            if relation.count is not None:
                rows = min(rows if rows is not None else relation.count, relation.count)
            return _with_rows(inputs[0], rows)
        case Join():
            return _join(relation, inputs[0], inputs[1])
        case Cross():
            return _paired(inputs[0], inputs[1], 1.0)
        case Union():
            known = [i.rows for i in inputs if i.rows is not None]
            rows = sum(known) if len(known) == len(inputs) else None
            return _with_rows(inputs[0], rows)
    return _unknown(relation, inputs)


def _unknown(relation: Relation, inputs: list[_Sized]) -> _Sized:
    """Of a relation that there is no rule for: as many rows as its only input, if it has one."""
    widths = tuple(width_bytes(f.type) for f in relation.fields)
    none = (None,) * len(widths)
    return _Sized(inputs[0].rows if len(inputs) == 1 else None, none, widths, none)


def _read(relation: Read, statistics_of: StatisticsOf) -> _Sized:
    statistics = statistics_of(relation.path)
    columns = [statistics.columns.get(f.name) for f in relation.fields]
    distinct = tuple(c.distinct if c else None for c in columns)
    widths = tuple(
        c.width_bytes if c and c.width_bytes is not None else width_bytes(f.type)
        for c, f in zip(columns, relation.fields, strict=True)
    )
    return _Sized(statistics.rows, distinct, widths, tuple(columns))


def _with_rows(sized: _Sized, rows: float | None) -> _Sized:
    return _Sized(rows, sized.distinct, sized.widths, sized.bounds)


def _scaled(sized: _Sized, selectivity: float) -> _Sized:
    return _with_rows(sized, None if sized.rows is None else sized.rows * selectivity)


def _project(relation: Project, source: _Sized) -> _Sized:
    picks = [e.index if isinstance(e, FieldRef) else None for e in relation.expressions]
    return _Sized(
        source.rows,
        tuple(None if i is None else source.distinct[i] for i in picks),
        tuple(
            width_bytes(f.type) if i is None else source.widths[i]
            for i, f in zip(picks, relation.fields, strict=True)
        ),
        tuple(None if i is None else source.bounds[i] for i in picks),
    )


def _aggregate(relation: Aggregate, source: _Sized) -> _Sized:
    picks = [e.index if isinstance(e, FieldRef) else None for e in relation.groups]
    distinct = [None if i is None else source.distinct[i] for i in picks]
    rows: float | None = 1.0
    if relation.groups:
        rows = source.rows
        if rows is not None and all(d is not None for d in distinct):
            groups = 1.0
            for count in distinct:
                groups *= max(1.0, count or 1.0)
            rows = min(rows, groups)
        elif rows is not None:
            rows = rows / 10
    measures = len(relation.fields) - len(distinct)
    widths = tuple(
        source.widths[i] if i is not None else width_bytes(f.type)
        for i, f in zip([*picks, *[None] * measures], relation.fields, strict=True)
    )
    unknown = (None,) * measures
    bounds = tuple(None if i is None else source.bounds[i] for i in picks)
    return _Sized(rows, (*distinct, *unknown), widths, (*bounds, *unknown))


def _window(relation: Window, source: _Sized) -> _Sized:
    made = relation.fields[len(relation.input.fields) :]
    unknown = (None,) * len(made)
    widths = tuple(width_bytes(f.type) for f in made)
    return _Sized(
        source.rows,
        (*source.distinct, *unknown),
        (*source.widths, *widths),
        (*source.bounds, *unknown),
    )


def _paired(left: _Sized, right: _Sized, selectivity: float) -> _Sized:
    known = left.rows is not None and right.rows is not None
    rows = (left.rows or 0) * (right.rows or 0) * selectivity if known else None
    return _Sized(
        rows, left.distinct + right.distinct, left.widths + right.widths, left.bounds + right.bounds
    )


def _join(relation: Join, left: _Sized, right: _Sized) -> _Sized:
    both = _paired(left, right, 1.0)
    selectivity = 1.0
    for part in conjuncts(relation.condition):
        selectivity *= _join_selectivity(part, both, left, right)
    joined = _scaled(both, selectivity)
    match relation.kind:
        case JoinKind.LEFT_SEMI | JoinKind.LEFT_ANTI:
            return _scaled(left, 0.5)
        case JoinKind.RIGHT_SEMI | JoinKind.RIGHT_ANTI:
            return _scaled(right, 0.5)
        case JoinKind.LEFT_MARK | JoinKind.RIGHT_MARK:
            side = left if relation.kind is JoinKind.LEFT_MARK else right
            return _Sized(
                side.rows, (*side.distinct, 2.0), (*side.widths, 1.0), (*side.bounds, None)
            )
        case JoinKind.LEFT | JoinKind.OUTER if left.rows is not None and joined.rows is not None:
            return _with_rows(joined, max(joined.rows, left.rows))
        case JoinKind.RIGHT if right.rows is not None and joined.rows is not None:
            return _with_rows(joined, max(joined.rows, right.rows))
    return joined


def _join_selectivity(part: Expression, both: _Sized, left: _Sized, right: _Sized) -> float:
    if isinstance(part, Call) and part.function in ("equal", "is_not_distinct_from"):
        first, second = part.arguments
        if isinstance(first, FieldRef) and isinstance(second, FieldRef):
            known = [d for d in (both.at(first.index), both.at(second.index)) if d]
            larger = max(left.rows or 1.0, right.rows or 1.0)
            return 1.0 / max(1.0, max(known) if known else larger)
    return _selectivity(part, both)


def _selectivity(condition: Expression, sized: _Sized) -> float:
    match condition:
        case Literal():
            return 1.0 if condition.value else 0.0
        case InList(value=FieldRef() as value):
            return min(1.0, len(condition.options) * _equality(value, sized))
        case Call(function="and"):
            result = 1.0
            for argument in condition.arguments:
                result *= _selectivity(argument, sized)
            return result
        case Call(function="or"):
            miss = 1.0
            for argument in condition.arguments:
                miss *= 1.0 - _selectivity(argument, sized)
            return 1.0 - miss
        case Call(function="not"):
            return 1.0 - _selectivity(condition.arguments[0], sized)
        case Call(function="equal"):
            refs = [a for a in condition.arguments if isinstance(a, FieldRef)]
            return _equality(refs[0], sized) if refs else EQUALITY_SELECTIVITY
        case Call(function="not_equal" | "is_not_null"):
            return 0.95
        case Call(function="lt" | "lte" | "gt" | "gte"):
            return _range(condition, sized)
        case Call(function="like" | "ilike"):
            return PATTERN_SELECTIVITY
    return OTHER_SELECTIVITY


def _equality(field: FieldRef, sized: _Sized) -> float:
    distinct = sized.at(field.index)
    return 1.0 / distinct if distinct else EQUALITY_SELECTIVITY


def _range(condition: Call, sized: _Sized) -> float:
    """The part of a column's bounds that a comparison with a constant keeps."""
    first, second = condition.arguments
    if not isinstance(first, FieldRef) or not isinstance(second, Literal):
        return RANGE_SELECTIVITY
    bounds = sized.bounds[first.index]
    if bounds is None or bounds.minimum is None or bounds.maximum is None:
        return RANGE_SELECTIVITY
    try:
        span = bounds.maximum - bounds.minimum  # type: ignore[operator]
        below = min(1.0, max(0.0, float((second.value - bounds.minimum) / span)))
    except (TypeError, ArithmeticError):
        return RANGE_SELECTIVITY
    return below if condition.function in ("lt", "lte") else 1.0 - below
