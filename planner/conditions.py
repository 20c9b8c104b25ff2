"""In which order the conditions of a filter are asked, and how each is written.

    l_shipmode IN ('MAIL', 'SHIP') AND       o_totalprice < 1000 AND
    1000 > o_totalprice                ->    l_shipmode IN ('MAIL', 'SHIP')

The engine asks them in the order that it is given, the later ones of the rows that the earlier ones
left where these are few; PostgreSQL does so always. What drops the most rows for its time comes
first (Hellerstein and Stonebraker, 1993: by rank), the two ends of a range as one, so that the
order of a WHERE decides nothing. Comparisons name the lower position first: parts that are the same
are found again whoever wrote them. What could fail is asked last, in the order of the statement.
What was seen of rows does not count: it is remembered by the shape of what they came from, which
must not change with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import sqrt

import pyarrow as pa

from planner.placing import Places
from planner.purity import is_pure
from planner.relations import (
    Call,
    Expression,
    FieldRef,
    Filter,
    InList,
    Join,
    Literal,
    Read,
    Relation,
    conjunction,
    conjuncts,
    inputs_of,
    walk_expression,
)
from planner.rewrite import over
from planner.selectivity import OTHER

VALUE_SECONDS = 1.5e-9
"""To compute or compare a number or a date: measured of DataFusion 55, as those below."""

TEXT_SECONDS = 4.5e-9
"""To compare two texts, or the beginning of one."""

PATTERN_SECONDS = 20e-9
"""To look for something within a text; 33e-9 for two things."""

_RANGES = ("lt", "lte", "gt", "gte")

_MIRRORED = {"equal": "equal", "not_equal": "not_equal"} | {
    "lt": "gt",
    "lte": "gte",
    "gt": "lt",
    "gte": "lte",
}


def order_conditions(relation: Relation, places: Places) -> Relation:
    """The tree with the conditions of each filter and join in a good order."""
    relation = over(relation, [order_conditions(i, places) for i in inputs_of(relation)])
    match relation:
        case Filter():
            return _with_condition(relation, _ranked(relation, places))
        case Join():
            parts = tuple(map(_turned, conjuncts(relation.condition)))
            pure = sorted(filter(is_pure, parts), key=_sides)
            return _with_condition(relation, (*pure, *(p for p in parts if not is_pure(p))))
    return relation


def _with_condition(relation: Filter | Join, parts: tuple[Expression, ...]) -> Relation:
    condition = conjunction(parts)
    return relation if condition == relation.condition else replace(relation, condition=condition)


def _ranked(relation: Filter, places: Places) -> tuple[Expression, ...]:
    parts = tuple(map(_turned, conjuncts(relation.condition)))
    table = relation.input if isinstance(relation.input, Read) else None

    def rank(asked: tuple[Expression, ...]) -> tuple[float, str]:
        # A source knows of its tables only: not of stages, nor of what was joined or made.
        known = table is not None and len(table.path) > 1
        kept = places.kept(table, conjunction(asked)) if table and known else OTHER
        return (kept - 1.0) / sum(map(_seconds, asked)), repr(asked)

    pure = _units(filter(is_pure, parts))
    if len(pure) > 1:
        pure.sort(key=rank)
    return (*(p for unit in pure for p in unit), *(p for p in parts if not is_pure(p)))


def _units(parts: Iterable[Expression]) -> list[tuple[Expression, ...]]:
    """What is asked together: the ends of a column's range, the lower one first."""
    units: dict[object, list[Expression]] = {}
    for part in parts:
        match part:
            case Call(function=function, arguments=(FieldRef() as column, Literal())) if (
                function in _RANGES
            ):
                units.setdefault(column.index, []).append(part)
            case _:
                units.setdefault(part, []).append(part)
    return [tuple(sorted(unit, key=repr)) for unit in units.values()]


def _seconds(condition: Expression) -> float:
    """What it takes to ask a condition of one row."""
    return sum(map(_own_seconds, walk_expression(condition))) or VALUE_SECONDS


def _own_seconds(part: Expression) -> float:
    match part:
        case FieldRef() | Literal() | Call(function="and" | "or" | "not"):
            return 0.0
        case Call(function="like" | "ilike", arguments=(_, Literal(value=str() as pattern), *_)):
            within = "%" in pattern[:-1] or "_" in pattern
            return PATTERN_SECONDS if within else TEXT_SECONDS
        case Call(function="like" | "ilike"):
            return PATTERN_SECONDS
        case InList():
            return _comparison_seconds(part.value.type) * sqrt(len(part.options))
        case Call(function="equal" | "not_equal" | "lt" | "lte" | "gt" | "gte"):
            return max(_comparison_seconds(each.type) for each in part.arguments)
    return VALUE_SECONDS


def _comparison_seconds(type_: pa.DataType) -> float:
    fixed = pa.types.is_primitive(type_) or pa.types.is_decimal(type_)
    return VALUE_SECONDS if fixed else TEXT_SECONDS


def _turned(part: Expression) -> Expression:
    """A comparison with the column first, and of two columns the one that comes first."""
    if not isinstance(part, Call) or part.function not in _MIRRORED:
        return part
    one, other = part.arguments
    if not isinstance(other, FieldRef) or not isinstance(one, FieldRef | Literal):
        return part
    if isinstance(one, FieldRef) and one.index <= other.index:
        return part
    return replace(part, function=_MIRRORED[part.function], arguments=(other, one))


def _sides(part: Expression) -> tuple[bool, list[int], str]:
    """Equalities of two columns first, by these."""
    columns = [each.index for each in walk_expression(part) if isinstance(each, FieldRef)]
    equality = isinstance(part, Call) and part.function == "equal" and len(columns) == 2
    return not equality, columns, repr(part)
