"""What it takes to send keys to a source, in seconds, and how many of them it pays to send.

Owns both. Which keys are sent is `planner.reductions`'s.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import date

import pyarrow as pa

from connectors.contract import ColumnStatistics
from planner.cost import STAGE_SECONDS, Cost, keys_cost
from planner.keyed import keyed_inputs, without_keys
from planner.placing import Place, Places, moved
from planner.plan import Estimate
from planner.relations import FieldRef, InKeys, Relation

FEWEST_KEYS = 1_000
"""So many keys are sent whatever was expected."""

WORTH_SECONDS = STAGE_SECONDS
"""What keys must save, at least: a stage holds up what could run beside it."""

WORTH_SHARE = 0.1
"""The part of what it takes without them that they must save, too, as estimates are rough."""

CLEARLY_LESS, MUCH_LESS = 0.95, 0.5
"""But not where no more than this part of the bytes crosses the link; and where it is half of them
what waits for them may take that much longer. Others use the link as well: of two ways that take
about as long the one with fewer bytes is the better one."""


def worth_seconds(without_seconds: float, alone_seconds: float, crossing: float) -> float:
    """What keys must save.

    Args:
        alone_seconds: what the fragment itself takes without them.
        crossing: what crosses the link with them, in parts of what does without.
    """
    if crossing <= MUCH_LESS:
        return WORTH_SECONDS - WORTH_SHARE * alone_seconds
    if crossing <= CLEARLY_LESS:
        return WORTH_SECONDS
    return max(WORTH_SECONDS, WORTH_SHARE * without_seconds)


def crossing_share(
    whole: Iterable[Relation], parts: Iterable[Relation], sent: Cost, place: Place, places: Places
) -> float:
    """What crosses a link with keys, in parts of what does without; 1 where that is not known.

    Args:
        whole: the fragments without keys.
        parts: with them.
        sent: what it costs to send them.
    """
    before = [places.sent(relation, place).size_bytes for relation in whole]
    after = [places.sent(relation, place).size_bytes for relation in parts]
    known = [size for size in (*before, *after) if size is not None]
    total_bytes = sum(known[: len(before)])
    if len(known) < len(before) + len(after) or not total_bytes:
        return 1.0
    keys_bytes = sent.transfer_seconds * place.source.link.over(1)
    return (sum(known[len(before) :]) + keys_bytes) / total_bytes


def sent_cost(
    keys: InKeys, target: Relation, place: Place, places: Places, reduced: Estimate
) -> Cost:
    """Seconds until keys have crossed the link of a place that takes them.

    Args:
        target: what they filter.
        reduced: what comes back; of few rows, the statement may be sent once.
    """
    assert isinstance(keys.value, FieldRef)
    assert place.dialect is not None
    form = place.dialect.keys
    assert form is not None
    index = keys.value.index
    width_bytes = text_bytes(
        keys.value.type, places.bounds(target, index), places.width_bytes(target, index)
    )
    return keys_cost(keys.count, width_bytes, place.source.link, form.seconds, place.texts(reduced))


def rows_cost(rows: Relation, place: Place, places: Places, reduced: Estimate) -> Cost:
    """Seconds until a relation's rows have crossed the link of a place that is sent them whole, and
    are read there, value by value like keys; nothing where their number is not known.

    Args:
        reduced: what comes back; of few rows, the statement may be sent once.
    """
    count, link = places.estimate(rows).rows or 0.0, place.source.link
    costs = []
    for index, field in enumerate(rows.fields):
        bounds, width_bytes = places.bounds(rows, index), places.width_bytes(rows, index)
        own_bytes = text_bytes(field.type, bounds, width_bytes)
        costs.append(keys_cost(count, own_bytes, link, texts=place.texts(reduced)))
    return Cost(0.0, sum(c.transfer_seconds for c in costs), sum(c.work_seconds for c in costs))


def text_bytes(type_: pa.DataType, bounds: ColumnStatistics | None, width_bytes: float) -> float:
    """How wide a key is in a statement, without what stands between two.

    Args:
        bounds: of its column, where they are known.
        width_bytes: of its value as it travels.

    >>> text_bytes(pa.int64(), ColumnStatistics(minimum=1, maximum=6_000_000), 12.0)
    7.0
    >>> text_bytes(pa.int64(), None, 8.0), text_bytes(pa.date32(), None, 4.0)
    (8.0, 10.0)
    """
    if pa.types.is_date(type_):
        return float(len(date.min.isoformat()))
    ends = () if bounds is None else (bounds.minimum, bounds.maximum)
    known = [len(str(end)) for end in ends if isinstance(end, int)]
    return float(max(known)) if known else width_bytes


def most_keys(relation: Relation, alone: Estimate, place: Place, places: Places) -> int:
    """So many keys are worth sending with a fragment, once they are there: with more, these and
    the rows that they leave take as long as all rows without.

    Args:
        relation: the fragment, with its keys as they are expected.
        alone: what is expected of it without.
    """
    if places.reductions == "all" or alone.rows is None:
        return sys.maxsize
    keyed = keyed_inputs(relation)
    expected = places.estimate(relation)
    whole = moved(places.sent(without_keys(relation), place), place)
    reduced = moved(places.sent(relation, place), place)
    if place.dialect is None or whole is None or reduced is None or not keyed:
        return max(FEWEST_KEYS, int(alone.rows / 2))
    sent = [sent_cost(keys, target, place, places, expected) for target, keys in keyed]
    # Both grow with the keys; what is waited for whatever they are does not.
    grows = sum(_carried(cost) for cost in (*sent, reduced))
    worth = (1.0 - WORTH_SHARE) * _carried(whole)
    most = max(keys.count for _, keys in keyed) * worth / max(grows, 1e-9)
    return max(FEWEST_KEYS, int(min(most, sys.maxsize)))


def _carried(cost: Cost) -> float:
    return cost.transfer_seconds + cost.work_seconds
