"""Which part of the rows a condition keeps, by textbook rules.

System R's assumptions (Selinger et al., 1979): uniform values, independent predicates, keys
contained in keys. Knows conditions and sizes, and no relation.
"""

from __future__ import annotations

from planner.relations import (
    Call,
    Cast,
    Expression,
    FieldRef,
    InKeys,
    InList,
    Literal,
    conjuncts,
)
from planner.sized import Sized, SizedColumn

EQUALITY = 0.005
"""An equality with a constant where the number of distinct values is unknown (PostgreSQL's)."""

RANGE = 1 / 3
"""A range where the bounds are unknown (System R's)."""

HAVING = 1 / 30
"""A range of what was aggregated: groups that are asked for by it stand out. Of TPC-H's, q11 keeps
one in 28, and q18 one in 26,000."""

PATTERN = 0.05
"""A LIKE; between PostgreSQL's guesses for short and long patterns."""

OTHER = 0.5

MET = 0.5
"""The part of the rows that find a partner in a semi-join, where nothing is known."""

Pairs = list[tuple[int, int]]
"""The columns that a join wants equal: of its left side, and of its right."""


def kept_by(condition: Expression, sized: Sized) -> float:
    """The part of a relation's rows that a condition keeps, 0 to 1."""
    match condition:
        case Literal():
            return 1.0 if condition.value else 0.0
        case InList(value=FieldRef() as value):
            return min(1.0, len(condition.options) * _equality(value, sized))
        case InKeys(value=FieldRef() as value):
            column = sized.columns[value.index]
            most = column.keys or column.range_keys or column.table_rows or sized.rows
            return min(1.0, condition.count / max(1.0, most or condition.count))
        case Call(function="and"):
            return kept_by_all(conjuncts(condition), sized)
        case Call(function="or"):
            miss = 1.0
            for argument in condition.arguments:
                miss *= 1.0 - kept_by(argument, sized)
            return 1.0 - miss
        case Call(function="not"):
            return 1.0 - kept_by(condition.arguments[0], sized)
        case Call(function="equal"):
            refs = [a for a in condition.arguments if isinstance(a, FieldRef)]
            return _equality(refs[0], sized) if refs else EQUALITY
        case Call(function="not_equal" | "is_not_null"):
            return 0.95
        case Call(function="lt" | "lte" | "gt" | "gte"):
            gathered = any(_is_gathered(side, sized) for side in condition.arguments)
            return HAVING if gathered else _range(condition, sized)
        case Call(function="like" | "ilike"):
            return PATTERN
    return OTHER


def kept_by_all(parts: tuple[Expression, ...], sized: Sized) -> float:
    """Independent conditions; but two ends of one range of a column are what lies between."""
    result = 1.0
    ends: dict[int, list[float]] = {}
    for part in parts:
        kept = kept_by(part, sized)
        index = _bounded(part, sized)
        if index is None:
            result *= kept
        else:
            ends.setdefault(index, []).append(kept)
    for sides in ends.values():
        if len(sides) == 1:
            result *= sides[0]
        else:
            result *= max(sum(sides) - (len(sides) - 1), min(EQUALITY, *sides))
    return result


def _bounded(part: Expression, sized: Sized) -> int | None:
    """The column of which a condition keeps a known part of the range."""
    match part:
        case Call(function="lt" | "lte" | "gt" | "gte", arguments=(FieldRef() as field, Literal())):
            bounds = sized.columns[field.index].bounds
            return field.index if bounds is not None and bounds.minimum is not None else None
    return None


def _is_gathered(side: Expression, sized: Sized) -> bool:
    side = side.input if isinstance(side, Cast) else side
    return isinstance(side, FieldRef) and sized.columns[side.index].gathered


def _equality(field: FieldRef, sized: Sized) -> float:
    distinct = sized.columns[field.index].distinct
    return 1.0 / distinct if distinct else EQUALITY


def _range(condition: Call, sized: Sized) -> float:
    """The part of a column's bounds that a comparison with a constant keeps."""
    first, second = condition.arguments
    if not isinstance(first, FieldRef) or not isinstance(second, Literal):
        return RANGE
    bounds = sized.columns[first.index].bounds
    if bounds is None or bounds.minimum is None or bounds.maximum is None:
        return RANGE
    try:
        span = bounds.maximum - bounds.minimum  # type: ignore[operator]
        below = min(1.0, max(0.0, float((second.value - bounds.minimum) / span)))
    except (TypeError, ArithmeticError):
        return RANGE
    return below if condition.function in ("lt", "lte") else 1.0 - below


def equal_columns(
    parts: tuple[Expression, ...], width: int
) -> tuple[Pairs, tuple[Expression, ...]]:
    """The columns that a join wants equal, and what else it wants.

    Args:
        width: the number of the left side's fields.
    """
    pairs: Pairs = []
    rest: list[Expression] = []
    for part in parts:
        pair = _pair(part)
        if pair is None or not min(pair) < width <= max(pair):
            rest.append(part)
        else:
            pairs.append((min(pair), max(pair) - width))
    return pairs, tuple(rest)


def _pair(part: Expression) -> tuple[int, int] | None:
    """The two columns of an equality, also where one is converted to the other's type."""
    if not isinstance(part, Call) or part.function not in ("equal", "is_not_distinct_from"):
        return None
    one, other = (a.input if isinstance(a, Cast) else a for a in part.arguments)
    if isinstance(one, FieldRef) and isinstance(other, FieldRef):
        return one.index, other.index
    return None


def joined_by(pairs: Pairs, left: Sized, right: Sized) -> float:
    """The part of all pairs of rows that is equal in some columns: one in so many keys."""
    if not pairs:
        return 1.0
    lefts = [left.columns[a] for a, _ in pairs]
    rights = [right.columns[b] for _, b in pairs]
    if len(pairs) == 1:
        keys = [c.keys for c in (*lefts, *rights) if c.keys]
        keys = keys or [c.range_keys for c in (*lefts, *rights) if c.range_keys]
        most = max(keys, default=max(left.rows or 1.0, right.rows or 1.0))
    else:
        # Each is the most that its side can have; the other side's keys are among them.
        found = [k for k in (_several(lefts), _several(rights)) if k is not None]
        most = min(found, default=max(left.rows or 1.0, right.rows or 1.0))
    return 1.0 / max(1.0, most)


def met_by(pairs: Pairs, kept: Sized, other: Sized) -> float:
    """The part of a side's rows whose key the other side has: keys are contained in keys."""
    if not pairs:
        return MET
    mine = _several([kept.columns[a] for a, _ in pairs])
    theirs = [other.columns[b].distinct for _, b in pairs]
    found = other.rows if None in theirs else min(t for t in theirs if t is not None)
    if mine is None or found is None:
        return MET
    return min(1.0, found / max(1.0, mine))


def _several(columns: list[SizedColumn]) -> float | None:
    """How many keys some columns of one table have together, at most; None when not known."""
    product = 1.0
    for column in columns:
        keys = column.keys or column.range_keys
        if keys is None:
            return None
        product *= keys
    rows = [column.table_rows for column in columns if column.table_rows is not None]
    return min(product, max(rows)) if rows else product
