"""Keys in a tree: the conditions on them, what waits for them, and the tree without; and rows that
are sent whole.

Owns these questions. Must not know which keys are worth sending.
"""

from __future__ import annotations

from planner.relations import (
    Expression,
    Filter,
    InKeys,
    Read,
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
    return without_own_keys(relation) if isinstance(relation, Filter) else relation


def without_own_keys(relation: Filter) -> Relation:
    """A filter without its keys; its input, where it has nothing else."""
    if not keys_in(relation.condition):
        return relation
    parts = tuple(p for p in conjuncts(relation.condition) if not isinstance(p, InKeys))
    return Filter(relation.input, conjunction(parts)) if parts else relation.input


def keys_of(relation: Relation) -> tuple[InKeys, ...]:
    """The keys that a relation waits for."""
    return tuple(keys for _, keys in keyed_inputs(relation))


def keyed_inputs(relation: Relation) -> tuple[tuple[Relation, InKeys], ...]:
    """The same, each with what it filters."""
    own: tuple[tuple[Relation, InKeys], ...] = ()
    if isinstance(relation, Filter):
        own = tuple((relation.input, keys) for keys in keys_in(relation.condition))
    return own + tuple(found for source in inputs_of(relation) for found in keyed_inputs(source))


def sent_reads(relation: Relation) -> tuple[Read, ...]:
    """The reads, in what a place runs, of stages whose rows it is sent: all but those of tables."""
    return tuple(read for read in relation.reads if len(read.path) == 1)


def sent_in(relation: Relation) -> tuple[str, ...]:
    """The names of these stages."""
    return tuple(dict.fromkeys(read.path[0] for read in sent_reads(relation)))
