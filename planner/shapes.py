"""By what the rows and the work of a relation are remembered that is sent keys, or rows.

A relation's own `shape` is None where it has these: a stage's name says little. Knows no place, and
nothing that was seen.
"""

from __future__ import annotations

from dataclasses import replace
from math import log2

import pyarrow as pa

from planner.keyed import keys_in, keys_of, sent_reads
from planner.relations import (
    Call,
    Expression,
    Filter,
    InKeys,
    Literal,
    Read,
    Relation,
    inputs_of,
    transform_expression,
)
from planner.rewrite import over

SENT = ("", "", "sent")
"""In the place of a stage whose rows are sent, which are never many."""


def shape_of(relation: Relation) -> bytes | None:
    """The same for equal relations: with keys or rows, whatever these come from, and for twice as
    many keys another. None of what else reads a stage."""
    if relation.shape is not None:
        return relation.shape
    keys = sum(each.count for each in keys_of(relation))
    waits = keys or sent_reads(relation)
    return _unnamed(relation, round(log2(max(1.0, keys)))).shape if waits else None


def keyed_shape_of(relation: Relation) -> bytes | None:
    """The same where keys come from the same: those of one customer may have other rows than those
    of another. None without keys, and where it is not known what these come from."""
    keys = keys_of(relation)
    if not keys or sent_reads(relation) or any(each.origin is None for each in keys):
        return None
    return _unnamed(relation, None).shape


def _unnamed(relation: Relation, size: int | None) -> Relation:
    """The relation with a call in place of keys, of so many keys or else of where they are from."""
    if relation.shape is not None:
        return relation
    if isinstance(relation, Read):
        return replace(relation, path=SENT)
    relation = over(relation, [_unnamed(source, size) for source in inputs_of(relation)])
    if not isinstance(relation, Filter) or not keys_in(relation.condition):
        return relation

    def change(part: Expression) -> Expression:
        if not isinstance(part, InKeys):
            return part
        told = Literal(part.origin, pa.binary()) if size is None else Literal(size, pa.int64())
        return Call("in_keys", (part.value, told), part.type)

    return Filter(relation.input, transform_expression(relation.condition, change))
