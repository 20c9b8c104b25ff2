"""A table joined at its source with what is sent keys there, so that it waits for no keys itself.

    Join o_custkey = c_custkey            Join l_orderkey = o_orderkey
      Join l_orderkey = o_orderkey   ->     read k1
        read k1                             orders JOIN customer, orders by the keys of k1   (shop)
        orders, by the keys of k1
      customer, by the keys of both

That takes a round trip less, and a stage. `planner.regroup` joins them once keys are sent. Owns
what it takes. Decides nothing, and knows no SQL.
"""

from __future__ import annotations

import pyarrow as pa

from planner.key_cost import sent_cost
from planner.opening import fragments_seconds
from planner.placing import Place, Places
from planner.reached import Reach
from planner.relations import (
    Call,
    FieldRef,
    Filter,
    InKeys,
    Join,
    JoinKind,
    Project,
    Relation,
    inputs_of,
)


def join_above(relation: Relation, part: Reach) -> Join | None:
    """The lowest of the inner joins between a relation and a part of it; None where there is
    anything else."""
    join = None
    for number in part.path:
        if isinstance(relation, Join) and relation.kind is JoinKind.INNER:
            join = relation
        elif not isinstance(relation, Project):
            return None
        relation = inputs_of(relation)[number]
    return join


def together_seconds(
    part: Reach, keys: InKeys, other: Relation, index: int, place: Place, places: Places
) -> float | None:
    """Seconds from when keys are here until one place has sent the join of two relations.

    Args:
        part: what is sent keys, and its field that is equal to the other's.
        keys: for it.
        index: the other's field.

    Returns:
        None where the place does not join them, or would send more bytes, so that they are not
        joined there; and where their rows are not known.
    """
    left, width = part.relation, len(part.relation.fields)
    own, others = left.fields[part.index], other.fields[index]
    ends = (
        FieldRef(part.index, own.type, own.nullable),
        FieldRef(width + index, others.type, others.nullable),
    )
    both = Join(
        Filter(left, keys), other, JoinKind.INNER, Call("equal", ends, pa.bool_(), nullable=True)
    )
    if places.whole(both) is None:
        return None
    expected, apart_bytes = places.estimate(both), places.estimate(other).size_bytes
    seconds = fragments_seconds([both], place, places)
    if seconds is None or expected.size_bytes is None or apart_bytes is None:
        return None
    if expected.size_bytes > apart_bytes:
        return None
    return sent_cost(keys, left, place, places, expected).seconds + seconds
