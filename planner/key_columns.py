"""Which side of a join can be read by the keys of the other, and by which columns.

Only sides of which a row without a partner is not wanted, and only equalities. Owns that. Knows no
place, and no cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from planner.relations import (
    Call,
    Cast,
    Expression,
    FieldRef,
    Join,
    JoinKind,
    Relation,
    conjuncts,
)

_REDUCES_RIGHT = frozenset(
    (JoinKind.INNER, JoinKind.LEFT, JoinKind.LEFT_SEMI, JoinKind.RIGHT_SEMI, JoinKind.LEFT_ANTI)
)
_REDUCES_LEFT = frozenset(
    (JoinKind.INNER, JoinKind.RIGHT, JoinKind.LEFT_SEMI, JoinKind.RIGHT_SEMI, JoinKind.RIGHT_ANTI)
)


@dataclass(frozen=True, slots=True)
class Sides:
    """A join as one side that is read first, and the other, which waits for its keys.

    Attributes:
        pairs: equal columns, in the first side and in the side that waits.
    """

    first: Relation
    waits: Relation
    reduces_right: bool
    pairs: tuple[tuple[int, int], ...]


def sides_of(join: Join) -> Iterator[Sides]:
    """The ways round that a join allows."""
    pairs = _equalities(join)
    if join.kind in _REDUCES_RIGHT:
        yield Sides(join.left, join.right, True, pairs)
    if join.kind in _REDUCES_LEFT:
        turned = tuple((right, left) for left, right in pairs)
        yield Sides(join.right, join.left, False, turned)


def _equalities(join: Join) -> tuple[tuple[int, int], ...]:
    """The columns that a join's condition wants equal: of the left side, and of the right."""
    width = len(join.left.fields)
    found: list[tuple[int, int]] = []
    for part in conjuncts(join.condition):
        if isinstance(part, Call) and part.function == "equal":
            columns = [column for a in part.arguments if (column := _key_in(a)) is not None]
            left, right = sorted(columns, key=_position) if len(columns) == 2 else (None, None)
            if left and right and left.index < width <= right.index and _alike(left, right):
                found.append((left.index, right.index - width))
    return tuple(found)


def _key_in(side: Expression) -> FieldRef | None:
    """The column that one side of an equality is, or of which it is the same integer, but wider."""
    if isinstance(side, Cast) and isinstance(side.input, FieldRef):
        widened = (
            _are_integers(side, side.input) and side.type.bit_width > side.input.type.bit_width
        )
        return side.input if widened else None
    return side if isinstance(side, FieldRef) else None


def _alike(one: FieldRef, other: FieldRef) -> bool:
    """Whether equal keys of two columns have one text."""
    return one.type == other.type or _are_integers(one, other)


def _are_integers(*sides: Expression) -> bool:
    return all(pa.types.is_signed_integer(side.type) for side in sides)


def _position(reference: FieldRef) -> int:
    return reference.index
