"""How long it takes to run joins of one source here instead, over fragments for their inputs.

Owns which inputs these are, and that sum. Decides nothing, and knows no SQL.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.cost import local_seconds
from planner.placing import Place, Places, moved
from planner.relations import Cross, Join, Relation, inputs_of
from planner.work import Busy, at_once_seconds, work_of

WORTH_OPENING = 0.8
"""Joins of one source are run here where that takes this part of the time, at most: what a source
does is known less well than what it sends, until it was seen.

What crosses the link more than the result of the joins would counts twice: other queries need the
link, too."""


MORE_MOVED = "more over the link"
"""So ends what is said of an opening that would be sooner, and is not made for what it moves."""


def opened_pieces(relation: Relation) -> list[Relation]:
    """The inputs of the topmost joins: what would cross the link were these run here."""
    if isinstance(relation, Join | Cross):
        return [piece for i in inputs_of(relation) for piece in opened_pieces(i) or [i]]
    inputs = inputs_of(relation)
    pieces = [opened_pieces(i) for i in inputs]
    if not any(pieces):
        return []
    return [piece for i, own in zip(inputs, pieces, strict=True) for piece in own or [i]]


def fragments_seconds(pieces: Sequence[Relation], place: Place, places: Places) -> float | None:
    """Seconds until fragments of a source are here that start together, and share its link.

    Returns:
        None where their rows, or those of some part of them, are not known.
    """
    costs = [moved(places.sent(piece, place), place) for piece in pieces]
    works = [work_of(piece, place, places) for piece in pieces]
    known = [
        (cost, work)
        for cost, work in zip(costs, works, strict=True)
        if cost is not None and work is not None
    ]
    if len(known) < len(pieces):
        return None
    moment = place.moment_seconds if len(pieces) > 1 else 0.0
    latency = max(cost.latency_seconds for cost, _ in known)
    busy = [Busy.of(cost, work.seconds, seen=work.seen) for cost, work in known]
    return moment + latency + at_once_seconds(busy)


def opened_seconds(relation: Relation, place: Place, places: Places) -> float | None:
    """Seconds until a relation is here whose topmost joins are run here; None as above, or where
    there are none."""
    pieces = opened_pieces(relation)
    if len(pieces) < 2:
        return None
    seconds = fragments_seconds(pieces, place, places)
    return None if seconds is None else seconds + here_seconds(relation, places)


def more_bytes(relation: Relation, place: Place, places: Places) -> float:
    """How much more crosses the link where the topmost joins are run here; 0 where it is less, or
    is not known."""
    sizes = [places.sent(piece, place).size_bytes for piece in opened_pieces(relation)]
    whole = places.sent(relation, place).size_bytes
    known = [size for size in sizes if size is not None]
    return 0.0 if whole is None or len(known) < len(sizes) else max(0.0, sum(known) - whole)


def here_seconds(relation: Relation, places: Places) -> float:
    """Seconds until the engine has run what stands above the inputs of the topmost joins."""
    own = local_seconds(places.estimate(relation).rows or 0.0)
    if not opened_pieces(relation):
        return own
    return own + sum(here_seconds(part, places) for part in inputs_of(relation))
