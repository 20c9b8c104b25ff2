"""Where in a tree rows can be left out by one of its fields: as far down as can be, at their table.

Owns that way down, and the way back up. Knows no keys, and what they cost even less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from planner.placing import Place, Places
from planner.relations import (
    Aggregate,
    FieldRef,
    Filter,
    Join,
    JoinKind,
    Project,
    Read,
    Relation,
    Sort,
    inputs_of,
    with_inputs,
)

_FROM_LEFT = frozenset((JoinKind.INNER, JoinKind.LEFT, JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI))
_FROM_RIGHT = frozenset((JoinKind.INNER, JoinKind.RIGHT, JoinKind.RIGHT_SEMI, JoinKind.RIGHT_ANTI))


@dataclass(frozen=True, slots=True)
class Reach:
    """A relation in a tree all of whose rows with other values can be left out.

    Attributes:
        relation: a table that the engine reads itself, or what one place runs whole.
        index: the field there.
        place: which; None where the engine reads the table.
        path: which input to take at each step, from the top.
    """

    relation: Relation
    index: int
    place: Place | None
    path: tuple[int, ...] = ()


def reached(relation: Relation, index: int, places: Places) -> Reach | None:
    """Where rows can be left out by a field of a relation, if those with other values are dropped.

    It is exact: what is between drops or keeps each row, or each group of rows of one value, by
    itself, whatever becomes of rows with other values.
    """
    place = places.whole(relation)
    if place is not None:
        return Reach(relation, index, place)
    if isinstance(relation, Read):
        return Reach(relation, index, None) if len(relation.path) > 1 else None
    below = below_by(relation, index)
    if below is None:
        return None
    number, index = below
    found = reached(inputs_of(relation)[number], index, places)
    return None if found is None else replace(found, path=(number, *found.path))


def below_by(relation: Relation, index: int) -> tuple[int, int] | None:
    """The input in which rows can be left out in their stead, and the field there; None of a table,
    and where no input can."""
    match relation:
        case Filter() | Sort():
            return 0, index
        case Project():
            picked = relation.expressions[index]
            return (0, picked.index) if isinstance(picked, FieldRef) else None
        case Aggregate() if len(relation.sets) == 1 and index < len(relation.groups):
            group = relation.groups[index]
            return (0, group.index) if isinstance(group, FieldRef) else None
        case Join():
            return _of_join(relation, index)
    return None


def _of_join(join: Join, index: int) -> tuple[int, int] | None:
    """The side of a join that keeps its rows apart, and the field there."""
    width = len(join.left.fields)
    if join.kind in (JoinKind.RIGHT_SEMI, JoinKind.RIGHT_ANTI):
        return 1, index
    if index < width:
        return (0, index) if join.kind in _FROM_LEFT else None
    return (1, index - width) if join.kind in _FROM_RIGHT else None


def changed_at(
    relation: Relation, path: tuple[int, ...], change: Callable[[Relation], Relation]
) -> Relation:
    """The tree with the relation at the end of a path changed; its fields must stay."""
    if not path:
        return change(relation)
    inputs = list(inputs_of(relation))
    inputs[path[0]] = changed_at(inputs[path[0]], path[1:], change)
    return with_inputs(relation, tuple(inputs))
