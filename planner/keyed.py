"""Keys in a tree: the conditions on them, what waits for them, and the tree without.

Owns these questions. Must not know which keys are worth sending.
"""

from __future__ import annotations

from planner.relations import (
    Expression,
    Filter,
    InKeys,
    Relation,
    conjunction,
    conjuncts,
    inputs_of,
)
from planner.rewrite import over


def keys_in(expression: Expression) -> tuple[InKeys, ...]:
    """The conditions on keys among the parts of a condition."""
    return tuple(part for part in conjuncts(expression) if isinstance(part, InKeys))


def without_keys(relation: Relation) -> Relation:
    """The relation as it runs when no keys are sent."""
    relation = over(relation, [without_keys(source) for source in inputs_of(relation)])
    if isinstance(relation, Filter):
        parts = tuple(p for p in conjuncts(relation.condition) if not isinstance(p, InKeys))
        if not parts:
            return relation.input
        if len(parts) < len(conjuncts(relation.condition)):
            return Filter(relation.input, conjunction(parts))
    return relation


def keys_of(relation: Relation) -> tuple[InKeys, ...]:
    """The keys that a relation waits for."""
    return tuple(keys for _, keys in keyed_inputs(relation))


def keyed_inputs(relation: Relation) -> tuple[tuple[Relation, InKeys], ...]:
    """The same, each with what it filters."""
    own: tuple[tuple[Relation, InKeys], ...] = ()
    if isinstance(relation, Filter):
        own = tuple((relation.input, keys) for keys in keys_in(relation.condition))
    return own + tuple(found for source in inputs_of(relation) for found in keyed_inputs(source))
