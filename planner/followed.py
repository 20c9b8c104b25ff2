"""Why each operator of a residual is there: those that nothing kept, but that follow what was.

Reads the residual and what `decompose` kept, and says of every other operator what is below it.
Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner.plan import Kept
from planner.relations import (
    FieldRef,
    Project,
    Read,
    Relation,
    Sort,
    inputs_of,
    kind_of,
    parts_of,
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a read of the residual reads.

    Attributes:
        source: the source's name.
        tables: below it, `schema.table`.
        native: the engine reads it itself, so that nothing above it could go anywhere.
    """

    source: str
    tables: tuple[str, ...]
    native: bool = False


def followed(
    residual: Relation, origins: Mapping[tuple[str, ...], Origin], kept: Sequence[Kept]
) -> tuple[Kept, ...]:
    """A reason for each operator of a residual that has none of its own.

    Args:
        residual: what the engine runs.
        origins: of each read, by its path.
        kept: the operators with a reason of their own.
    """
    own = {(k.operator, k.source, frozenset(k.tables)) for k in kept}
    found = (_reason(node, origins, own) for node in _operators(residual))
    return tuple(dict.fromkeys(reason for reason in found if reason is not None))


def tables_of(relation: Relation) -> tuple[str, ...]:
    """The tables that a relation reads, `schema.table`, and the names of the stages."""
    return tuple(dict.fromkeys(".".join(read.path[1:] or read.path) for read in relation.reads))


def _reason(
    node: Relation,
    origins: Mapping[tuple[str, ...], Origin],
    own: set[tuple[str, str, frozenset[str]]],
) -> Kept | None:
    below = [_origins(part, origins) for part in parts_of(node)]
    all_below = [origin for part in below for origin in part]
    if all(origin.native for origin in all_below):
        return None  # also of constants
    sources = sorted({origin.source for origin in all_below})
    tables = tuple(dict.fromkeys(table for origin in all_below for table in origin.tables))
    kind = kind_of(node)
    if len(sources) == 1 and (kind, sources[0], frozenset(tables)) in own:
        return None
    return Kept(kind, ", ".join(sources), _why(node, below), False, tables)


def _why(node: Relation, below: Sequence[Sequence[Origin]]) -> str:
    sets = {frozenset(origin.source for origin in part) for part in below if part}
    if len(sets) > 1:
        return "its inputs are at several sources"
    if not all(isinstance(_picked(part), Read) for part in parts_of(node)):
        return "its input is here"
    if isinstance(node, Sort):
        return "rows of a fragment come in no order"
    if len(below) > 1:
        return "its inputs are cheaper to move"
    return "what is below it is sent alone"


def _operators(relation: Relation) -> Iterator[Relation]:
    """The operators of a tree, the innermost first; projections that only pick left out."""
    for part in parts_of(relation):
        yield from _operators(part)
    if not isinstance(relation, Read) and not _picks(relation):
        yield relation


def _picked(relation: Relation) -> Relation:
    while _picks(relation):
        (relation,) = inputs_of(relation)
    return relation


def _picks(relation: Relation) -> bool:
    return isinstance(relation, Project) and all(
        isinstance(e, FieldRef) for e in relation.expressions
    )


def _origins(relation: Relation, origins: Mapping[tuple[str, ...], Origin]) -> list[Origin]:
    return [origins[read.path] for read in relation.reads if read.path in origins]
