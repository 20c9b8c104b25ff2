"""Residuals as messages for the engine: as they are planned, and when their stages are complete.

Owns the scope that stands in for a run's, and what a complete stage tells: how many rows it has,
which the engine learns of no other stream and joins by, and the bounds of its keys, which a table
of files is filtered by. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
from google.protobuf.message import DecodeError
from substrait.plan_pb2 import Plan as SubstraitPlan

from planner.barriers import with_barriers
from planner.keyed import keys_in, without_keys
from planner.plan import SCOPE_LENGTH, NativeRead, ReadKeys, SubstraitResidual, Unwritten
from planner.read_cost import Bounds, covered
from planner.relations import (
    Call,
    Expression,
    Filter,
    InKeys,
    Literal,
    Read,
    Relation,
    conjunction,
    conjuncts,
    inputs_of,
    subqueries_of,
)
from planner.rewrite import over
from planner.substrait.types import NotCarriedError
from planner.substrait.writer import write_plan

CUTS_OFF = 0.05
"""Bounds that leave out less of a column's range are not looked at: each row would be."""


@dataclass(frozen=True, slots=True)
class StagesFound:
    """What complete stages have.

    Attributes:
        rows: how many, by stage.
        bounds: the least and the greatest key, by stage and column; None where there is no key.
            What is missing has too many.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    bounds: Mapping[tuple[str, int], Bounds | None] = field(default_factory=dict)


def serialised(
    residual: Relation,
    names: tuple[str, ...],
    origin: SubstraitPlan,
    natives: Sequence[NativeRead],
    stages: frozenset[str],
    *,
    as_written: bool = False,
) -> SubstraitResidual:
    """A residual as it runs when nothing is known of its stages, and what it takes to say more.

    Args:
        names: of its columns.
        origin: what the statement was read from.
        natives: the tables in it that the engine reads itself.
        stages: that it reads, or has keys of.
        as_written: see `planner.sides`.

    Raises:
        NotCarriedError: it cannot be written, or not be read.
    """
    own = frozenset(native.name for native in natives)
    message = _message(with_barriers(without_keys(residual), own), names, origin)
    message = replace(message, as_written=as_written)
    if not stages:
        return message
    return replace(message, unwritten=Unwritten(residual, names, origin, tuple(natives)))


def filled(residual: SubstraitResidual, found: StagesFound) -> SubstraitResidual:
    """A residual as it runs when stages are complete; as it was where nothing can be said."""
    rest = residual.unwritten
    if rest is None or not (found.rows or found.bounds):
        return residual
    natives = {native.name: native for native in rest.natives}
    tree = with_barriers(
        _with_bounds(rest.relation, natives, found), frozenset(natives), found.rows
    )
    try:
        message = _message(tree, rest.names, rest.origin)
    except NotCarriedError:
        return residual
    return replace(message, as_written=residual.as_written)


def paths_in(relation: Relation) -> list[tuple[str, ...]]:
    """The paths of all reads of a tree, those of its subqueries too."""
    own = [relation.path] if isinstance(relation, Read) else []
    inner = [path for query in subqueries_of(relation) for path in paths_in(query)]
    return own + inner + [path for i in inputs_of(relation) for path in paths_in(i)]


def _message(
    residual: Relation, names: tuple[str, ...], origin: SubstraitPlan
) -> SubstraitResidual:
    """The residual's bytes, with a scope that occurs in them once a read and nowhere else."""
    reads = len(paths_in(residual))
    for mark in "~!#%&*+=?^_-":
        scope = "run" + mark * (SCOPE_LENGTH - 3)
        message = _written(residual, names, origin, scope)
        if message.count(scope.encode()) == reads:
            return SubstraitResidual(message, scope.encode())
    raise NotCarriedError("a text that holds every placeholder")


def _written(
    residual: Relation, names: tuple[str, ...], origin: SubstraitPlan, scope: str
) -> bytes:
    """The message, which the engine reads: it takes as many levels as protobuf does here."""
    try:
        message: bytes = write_plan(residual, names, origin, (scope,)).SerializeToString()
        SubstraitPlan.FromString(message)
    except DecodeError as error:
        raise NotCarriedError("a plan nested this deep") from error
    return message


def _with_bounds(
    relation: Relation, natives: Mapping[str, NativeRead], found: StagesFound
) -> Relation:
    """The tree with bounds in place of keys, and nothing where these leave out nothing."""
    relation = over(relation, [_with_bounds(i, natives, found) for i in inputs_of(relation)])
    if not isinstance(relation, Filter) or not keys_in(relation.condition):
        return relation
    native = _native_below(relation, natives)
    parts: list[Expression] = []
    for part in conjuncts(relation.condition):
        if not isinstance(part, InKeys):
            parts.append(part)
        elif native is not None:
            parts += _between(part, native, found)
    return Filter(relation.input, conjunction(tuple(parts))) if parts else relation.input


def _native_below(relation: Relation, natives: Mapping[str, NativeRead]) -> NativeRead | None:
    """The table that is filtered; None where a pass has put something between."""
    while isinstance(relation, Filter):
        relation = relation.input
    return natives.get(relation.path[0]) if isinstance(relation, Read) else None


def _between(keys: InKeys, native: NativeRead, found: StagesFound) -> list[Expression]:
    key = (keys.stage, keys.column)
    read = next((k for k in native.keys if (k.stage, k.column) == key), None)
    if read is None or key not in found.bounds:
        return []
    bounds = found.bounds[key]
    type_ = keys.value.type
    if bounds is not None and pa.types.is_integer(type_):
        bounds = _fitting(bounds, type_)
    if bounds is None:
        return [Literal(False, pa.bool_())]
    if not leaves_out(read, bounds):
        return []
    ends = zip(("gte", "lte"), bounds, strict=True)
    nullable = keys.value.nullable
    return [
        Call(comparison, (keys.value, Literal(end, type_)), pa.bool_(), nullable)
        for comparison, end in ends
    ]


def leaves_out(read: ReadKeys, bounds: Bounds | None) -> bool:
    """Whether keys between bounds leave out enough of a table for these to be looked at."""
    if bounds is None or read.bounds is None:
        return True
    return (covered(bounds, read.bounds) or 0.0) <= 1 - CUTS_OFF


def _fitting(bounds: Bounds, type_: pa.DataType) -> Bounds | None:
    """Bounds of whole numbers as a type can hold them; None where it holds none between them."""
    low, high = bounds
    assert isinstance(low, int)
    assert isinstance(high, int)
    most = 2 ** (type_.bit_width - 1)
    low, high = max(low, -most), min(high, most - 1)
    return (low, high) if low <= high else None
