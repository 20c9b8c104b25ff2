"""A fragment as its source will join it, for what its work is estimated to be: small joins first.

A source that joins has an order of its own for that. A statement's own order would be charged for
what no source does: TPC-H's q07 as it is written joins all its lines before it asks for the
nations. Owns no statement: what is sent is written as it was.
"""

from __future__ import annotations

from planner.join_order import one_after_another
from planner.joints import Parts, is_joint
from planner.placing import Places
from planner.relations import Relation, inputs_of
from planner.rewrite import over, picked

MOST_INPUTS = 8
"""Joins of more are taken as they are written: PostgreSQL keeps to the order of more than these."""


def ordered_there(relation: Relation, places: Places) -> Relation:
    """A relation of the same rows, with inner joins of three to eight inputs in a good order."""
    known = places.ordered.get(id(relation))
    if known is None:
        ordered = _ordered(relation, places)
        if ordered is not relation:
            places.are_the_rows_of(ordered, relation)
        known = places.ordered[id(relation)] = (relation, ordered)
    return known[1]


def _ordered(relation: Relation, places: Places) -> Relation:
    if is_joint(relation):
        # What does not come apart is its own only part.
        parts = Parts(
            places, lambda p: p if p is relation else ordered_there(p, places), always=True
        )
        mapping = parts.gather(relation)
        if 2 < len(parts.inputs) <= MOST_INPUTS:
            group = one_after_another(parts.inputs, parts.conditions, places.estimate)
            if group is None:
                return relation
            return picked(group.relation, [group.columns.index(number) for number in mapping])
    inputs = inputs_of(relation)
    ordered = [ordered_there(part, places) for part in inputs]
    unchanged = all(new is old for new, old in zip(ordered, inputs, strict=True))
    return relation if unchanged else over(relation, ordered)
