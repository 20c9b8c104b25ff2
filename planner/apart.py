"""A join that one source runs, taken apart: one side first, then its keys for the other side.

    Join o_custkey = c_custkey  (shop)        Join o_custkey = c_custkey
      orders     57,000 rows           ->       read k1: orders
      customer   wide, 43,000 rows              customer, by the keys of k1

Joined there, a wide row crosses the link once for each row that it meets. Owns which joins these
can be, and what it takes. Decides nothing, and knows no SQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from planner.cost import STAGE_SECONDS, held_seconds
from planner.key_columns import Sides
from planner.key_cost import CLEARLY_LESS, crossing_share, sent_cost
from planner.opening import fragments_seconds, here_seconds, opened_pieces, opened_seconds
from planner.placing import Place, Places
from planner.relations import Cross, Filter, InKeys, Join, Relation, inputs_of
from planner.work import sent_seconds


@dataclass(frozen=True, slots=True)
class TopJoin:
    """One of the topmost joins of a relation.

    Attributes:
        path: which input to take at each step to it, from the top.
        beside: what else crosses the link if it is run here.
    """

    join: Join
    path: tuple[int, ...] = ()
    beside: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class ApartCost:
    """What it takes then.

    Attributes:
        otherwise_seconds: what it takes to run it all there, or all of its topmost joins here.
        crossing: what crosses the link, in parts of what does otherwise.
    """

    seconds: float
    otherwise_seconds: float
    crossing: float


def top_joins(relation: Relation) -> Iterator[TopJoin]:
    """The topmost joins, each as it would be if it and what is above it ran here."""
    inputs = inputs_of(relation)
    is_join = isinstance(relation, Join | Cross)
    if isinstance(relation, Join):
        yield TopJoin(relation, (), ())
    for number, part in enumerate(inputs):
        if is_join or opened_pieces(part):
            others = tuple(each for each in inputs if each is not part)
            for found in top_joins(part):
                yield TopJoin(found.join, (number, *found.path), (*found.beside, *others))


def apart_cost(
    relation: Relation,
    top: TopJoin,
    sides: Sides,
    keys: InKeys,
    place: Place,
    places: Places,
) -> ApartCost | None:
    """What it takes until a relation is here of which one join is taken apart.

    Args:
        sides: of that join; the first is read with all else that is beside it.

    Returns:
        None where the rows of some part are not known.
    """
    first, target = sides.first, sides.waits
    pieces = (first, *top.beside)
    reduced = Filter(target, keys)
    read = fragments_seconds(pieces, place, places)
    after, worked = sent_seconds(reduced, place, places)
    held_bytes = places.estimate(first).size_bytes
    whole = fragments_seconds([relation], place, places)
    if read is None or after is None or held_bytes is None or whole is None:
        return None
    sent = sent_cost(keys, target, place, places, places.estimate(reduced))
    moment = 0.0 if top.beside else place.moment_seconds
    of_keys = sent.transfer_seconds if worked else sent.seconds
    stage = STAGE_SECONDS + held_seconds(held_bytes)
    seconds = moment + read + stage + of_keys + after + here_seconds(relation, places)
    otherwise_seconds, otherwise = whole, [relation]
    opened = opened_seconds(relation, place, places)
    if opened is not None and opened < whole:
        otherwise_seconds, otherwise = opened, opened_pieces(relation)
    crossing = crossing_share(otherwise, (*pieces, reduced), sent, place, places)
    return ApartCost(seconds, otherwise_seconds, crossing)


def may_cross_less(
    relation: Relation,
    top: TopJoin,
    sides: Sides,
    pair: tuple[int, int],
    count: float,
    places: Places,
) -> bool:
    """Whether fewer bytes can cross the link if the top join is taken apart: cheap to tell.

    Args:
        pair: the keys' column, and that of the side that waits.
        count: of the keys.
    """
    parts = (sides.first, *top.beside, sides.waits, relation)
    sizes = [places.estimate(part).size_bytes for part in parts]
    known = [size for size in sizes if size is not None]
    if len(known) < len(parts):
        return False
    *read, rest, whole = known
    of_the_rest = places.distinct(sides.waits, pair[1]) or count
    least = sum(read) + rest * min(1.0, count / max(1.0, of_the_rest))
    return least <= CLEARLY_LESS * whole
