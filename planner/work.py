"""What a source has to do for a fragment, in seconds: as it was seen, or else by its rows.

Owns which rows count, and what fragments take that are read at once. The prices are
`planner.cost`'s, and what was seen is `planner.seen_work`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from planner.cost import Cost, handing_seconds, source_seconds
from planner.ordered_there import ordered_there
from planner.placing import Place, Places, moved
from planner.plan import Work
from planner.reached import below_by
from planner.relations import (
    Aggregate,
    Cross,
    FieldRef,
    Filter,
    InKeys,
    Join,
    Project,
    Read,
    Relation,
    Sort,
    Window,
    conjunction,
    conjuncts,
    inputs_of,
    parts_of,
    subqueries_of,
)
from planner.rewrite import over
from planner.shapes import shape_of

_UNTIL = b"until "
"""Tells the time until a relation is here from its source's work for it."""

Rows = Callable[[Relation], float | None]
"""How many rows a relation is expected to have."""


def work_of(
    relation: Relation, place: Place, places: Places, rows: Rows | None = None
) -> Work | None:
    """What a place is expected to do for a fragment, its rows handed out.

    Args:
        rows: None for those that `places` estimates.

    Returns:
        None where the rows of some part of it are not known.
    """
    rows = rows or (lambda part: places.estimate(part).rows)
    handed = rows(relation)
    row_seconds = place.source.connector.capabilities.row_seconds
    ordered = ordered_there(_keyed_first(relation), places)
    operators = source_work_seconds(ordered, rows, row_seconds)
    if handed is None or operators is None:
        return None
    sent = places.sent(relation, place)
    carried_seconds = (sent.size_bytes or 0.0) / place.link.over(sent.connections)
    handing = handing_seconds(handed)
    guess = Work(0.0, handing + operators, False, shape_of(relation), handing, carried_seconds)
    guess_seconds = guess.guess_seconds(place.pace)
    seen = places.work_seconds(guess.shape, guess_seconds)
    return replace(guess, seconds=guess_seconds if seen is None else seen, seen=seen is not None)


def sent_seconds(relation: Relation, place: Place, places: Places) -> tuple[float | None, bool]:
    """How long until a fragment's rows are here, and whether its source's work in it was seen.

    Where it was not, they are only handed out. None where nothing is known of the rows.
    """
    cost = moved(places.sent(relation, place), place)
    if cost is None:
        return None, False
    has_worked = places.has_worked(lambda: shape_of(relation))
    work = work_of(relation, place, places) if has_worked else None
    if work is None or not work.seen:
        return cost.seconds, False
    return cost.latency_seconds + cost.transfer_seconds + work.seconds, True


def stage_work(relation: Relation, guess_seconds: float, places: Places) -> Work:
    """All that is done until a stage is complete that computes a relation, links included."""
    shape = None if relation.shape is None else _UNTIL + relation.shape
    seen = places.work_seconds(shape, guess_seconds)
    return Work(guess_seconds if seen is None else seen, guess_seconds, seen is not None, shape)


def _keyed_first(relation: Relation) -> Relation:
    """The relation with keys looked for where their columns come from, as its source does, which
    then joins what is left: keys stand above what they were sent for, whatever is in it."""
    if relation.shape is not None:
        return relation  # There are none.
    relation = over(relation, [_keyed_first(source) for source in inputs_of(relation)])
    if not isinstance(relation, Filter):
        return relation
    rest, source = [], relation.input
    for part in conjuncts(relation.condition):
        below = _filtered_below(source, part) if isinstance(part, InKeys) else None
        if below is None:
            rest.append(part)
        else:
            source = below
    if source is relation.input:
        return relation
    return Filter(source, conjunction(tuple(rest))) if rest else source


def _filtered_below(relation: Relation, keys: InKeys) -> Relation | None:
    """A relation with its rows left out as far down as can be; None where that is above it."""
    value = keys.value
    if not isinstance(value, FieldRef) or (below := below_by(relation, value.index)) is None:
        return None
    number, index = below
    inputs = list(inputs_of(relation))
    own = replace(keys, value=replace(value, index=index))
    inputs[number] = _filtered_below(inputs[number], own) or Filter(inputs[number], own)
    return over(relation, inputs)


@dataclass(frozen=True, slots=True)
class Busy:
    """What one of several fragments of a source takes: of the link, and of the source.

    Attributes:
        transfer_seconds: over its own connections.
        seen: `work_seconds` are what it took beside whatever else its source did.
        link_seconds: what the transfer takes of the link, which others share; None for all of it.
    """

    transfer_seconds: float
    work_seconds: float
    seen: bool = False
    link_seconds: float | None = None

    @staticmethod
    def of(cost: Cost, work_seconds: float, *, seen: bool) -> Busy:
        """What a fragment of this cost takes, with such work."""
        return Busy(cost.transfer_seconds, work_seconds, seen, cost.link_seconds)


def at_once_seconds(parts: Iterable[Busy]) -> float:
    """Seconds until fragments of one source are here that start together, without latency.

    They share the link, over connections of their own. What is only supposed of their work is
    added up, as if the source had one processor; what was seen was seen beside the others.

    >>> at_once_seconds([Busy(1.0, 2.0), Busy(1.0, 3.0)])
    7.0
    >>> at_once_seconds([Busy(1.0, 2.0, seen=True), Busy(1.0, 3.0, seen=True)])
    4.0
    >>> at_once_seconds([Busy(1.0, 0.0, link_seconds=0.25), Busy(1.0, 0.0, link_seconds=0.25)])
    1.0
    """
    parts = list(parts)
    seen = [part for part in parts if part.seen]
    others = [part for part in parts if not part.seen]
    supposed = _carried_seconds(others) + sum(p.work_seconds for p in others)
    longest = max((p.transfer_seconds + p.work_seconds for p in seen), default=0.0)
    return supposed + max(longest, _carried_seconds(seen))


def _carried_seconds(parts: Sequence[Busy]) -> float:
    """Seconds until the link has carried what several fragments send."""
    longest = max((part.transfer_seconds for part in parts), default=0.0)
    together = (p.transfer_seconds if p.link_seconds is None else p.link_seconds for p in parts)
    return max(longest, sum(together))


def source_work_seconds(relation: Relation, rows: Rows, row_seconds: float) -> float | None:
    """A source's work for a relation; None where the rows of some part of it are not known.

    Args:
        row_seconds: of the source; see `connectors.contract.Capabilities`.
    """
    below = parts_of(relation)
    if isinstance(relation, Filter) and isinstance(relation.input, Read):
        below = subqueries_of(relation)  # It may have an index, and not look at the others.
    takes_in = isinstance(relation, Join | Cross | Sort | Window) or (
        isinstance(relation, Aggregate) and bool(relation.groups)
    )
    made = 0.0 if isinstance(relation, Project) else rows(relation)
    taken = [rows(part) if takes_in else 0.0 for part in below]
    parts = [source_work_seconds(part, rows, row_seconds) for part in below]
    known = [each for each in (*taken, *parts) if each is not None]
    if made is None or len(known) < len(taken) + len(parts):
        return None
    own = source_seconds(made, sum(known[: len(taken)]), row_seconds)
    return own + sum(known[len(taken) :])
