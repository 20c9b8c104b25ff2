"""Which side of each join the engine keeps in memory: the one of fewer rows, by estimate.

The engine keeps the left side of a join, and turns joins round by what it knows of their sides. Of
a stream it knows no rows, and takes the limit above it (`planner.barriers`) for them: it would keep
the files that a stream is joined with, however large. So joins over streams are written with the
smaller side on the left, and run as they are written. Owns that choice. Where it is not known how
many rows a side has, and where there are only files and stages, the choice stays the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace

from planner.cost import hashed_seconds
from planner.decompose import CutFragment
from planner.keyed import without_own_keys
from planner.placing import Places
from planner.read_cost import read_seconds
from planner.relations import (
    Cross,
    ExistsSubquery,
    Expression,
    Filter,
    Join,
    JoinKind,
    Read,
    Relation,
    ScalarSubquery,
    inputs_of,
    parts_of,
    references,
    subqueries_of,
    transform_expression,
)
from planner.rewrite import moved, over, picked, with_expressions

KEPT_BYTES = 64 << 20
"""So much the larger side may have that is kept all the same: the engine may not turn it back."""

_TURNED = {
    JoinKind.INNER: JoinKind.INNER,
    JoinKind.LEFT: JoinKind.RIGHT,
    JoinKind.RIGHT: JoinKind.LEFT,
    JoinKind.OUTER: JoinKind.OUTER,
    JoinKind.LEFT_SEMI: JoinKind.RIGHT_SEMI,
    JoinKind.RIGHT_SEMI: JoinKind.LEFT_SEMI,
    JoinKind.LEFT_ANTI: JoinKind.RIGHT_ANTI,
    JoinKind.RIGHT_ANTI: JoinKind.LEFT_ANTI,
    JoinKind.LEFT_MARK: JoinKind.RIGHT_MARK,
    JoinKind.RIGHT_MARK: JoinKind.LEFT_MARK,
}
_OF_BOTH = frozenset((JoinKind.INNER, JoinKind.LEFT, JoinKind.RIGHT, JoinKind.OUTER))
"""The kinds that have the fields of both sides."""


@dataclass(frozen=True, slots=True)
class Sided:
    """A tree that the engine runs.

    Attributes:
        as_written: it keeps the left side of each join, whatever it knows of the sides.
    """

    relation: Relation
    as_written: bool = False


def with_sides(
    relation: Relation,
    fragments: Mapping[str, CutFragment],
    places: Places,
    scanned: Container[tuple[str, ...]] = (),
) -> Sided:
    """A residual, or a stage, with the sides of its joins chosen, where that takes estimates.

    Args:
        relation: with the full names of the tables that the engine reads itself.
        fragments: by the names that the tree reads them by.
        scanned: full names of tables that come as a stream does (`planner.gaps`).
    """

    def is_stream(read: Read) -> bool:
        return read.path in scanned or (len(read.path) == 1 and read.path[0] in fragments)

    if not _joins_streams(relation, is_stream):
        return Sided(relation)
    try:
        return Sided(_SideChoice(fragments, places).chosen(relation), as_written=True)
    except _UnknownRowsError:
        return Sided(relation)


class _UnknownRowsError(Exception):
    """A side of which nobody knows how many rows it has."""


def _joins_streams(relation: Relation, is_stream: Callable[[Read], bool]) -> bool:
    if isinstance(relation, Join | Cross) and _reads_streams(relation, is_stream):
        return True
    below = parts_of(relation)
    return any(_joins_streams(source, is_stream) for source in below)


def _reads_streams(relation: Relation, is_stream: Callable[[Read], bool]) -> bool:
    if isinstance(relation, Read):
        return is_stream(relation)
    return any(_reads_streams(source, is_stream) for source in inputs_of(relation))


class _SideChoice:
    """One walk over a tree, and beside it over what is estimated of it."""

    def __init__(self, fragments: Mapping[str, CutFragment], places: Places) -> None:
        self._fragments = fragments
        self._places = places

    def chosen(self, relation: Relation) -> Relation:
        return self._chosen(relation)[0]

    def _chosen(self, relation: Relation) -> tuple[Relation, Relation]:
        """The tree with its sides chosen; and as it is estimated: in one piece, without the keys
        that files are read by, since these leave out no row of what is read."""
        if isinstance(relation, Read):
            return relation, self._in_one_piece(relation)
        below = [self._chosen(source) for source in inputs_of(relation)]
        whole = over(relation, [estimated for _, estimated in below])
        if isinstance(whole, Filter):
            whole = without_own_keys(whole)
        if subqueries_of(relation):
            relation = with_expressions(relation, lambda e: transform_expression(e, self._inside))
        relation = over(relation, [source for source, _ in below])
        if isinstance(relation, Join | Cross) and self._is_turned(below):
            relation = turned(relation)
        return relation, whole

    def _is_turned(self, sides: Sequence[tuple[Relation, Relation]]) -> bool:
        """Whether the right side is to be kept.

        Files are read when the kept side is complete. Where they are far, they could have come
        while a stream does: then they are kept, if to hash them takes less than to come one after
        the other.
        """
        left, right = (self._rows(estimated) for _, estimated in sides)
        kept, other = (tree for tree, _ in (reversed(sides) if left > right else sides))
        together_seconds = min(self._streamed_seconds(kept), self._far_seconds(other))
        size_bytes = self._places.estimate(sides[left <= right][1]).size_bytes
        fits = size_bytes is not None and size_bytes <= KEPT_BYTES
        kept_all_the_same = fits and together_seconds > hashed_seconds(abs(left - right))
        return (left > right) != kept_all_the_same

    def _streamed_seconds(self, relation: Relation) -> float:
        """How long it takes until all fragments that a tree reads are here."""
        if isinstance(relation, Read):
            fragment = self._fragments.get(relation.path[0]) if len(relation.path) == 1 else None
            return 0.0 if fragment is None or fragment.cost is None else fragment.cost.seconds
        return max(map(self._streamed_seconds, inputs_of(relation)), default=0.0)

    def _far_seconds(self, relation: Relation) -> float:
        """How long it takes to read the files of a tree that are behind a link."""
        if not isinstance(relation, Read):
            return max(map(self._far_seconds, inputs_of(relation)), default=0.0)
        if len(relation.path) == 1 or self._places.source(relation).connector.capabilities.local:
            return 0.0
        return read_seconds(relation, 1.0, self._places) or 0.0

    def _inside(self, part: Expression) -> Expression:
        if isinstance(part, ScalarSubquery | ExistsSubquery):
            return replace(part, input=self.chosen(part.input))
        return part

    def _in_one_piece(self, read: Read) -> Relation:
        fragment = self._fragments.get(read.path[0]) if len(read.path) == 1 else None
        return read if fragment is None else picked(fragment.relation, read.columns)

    def _rows(self, estimated: Relation) -> float:
        rows = self._places.estimate(estimated).rows
        if rows is None:
            raise _UnknownRowsError
        return rows


def turned(join: Join | Cross) -> Relation:
    """The same rows and fields of a join, with its sides the other way round.

    A condition that cannot be read stays where it is, and its join with it.
    """
    left, right = len(join.left.fields), len(join.right.fields)
    back = [*range(right, right + left), *range(right)]
    if isinstance(join, Cross):
        return picked(Cross(join.right, join.left), back)
    if references(join.condition) is None:
        return join
    condition = moved(join.condition, lambda i: i + right if i < left else i - left)
    changed = Join(join.right, join.left, _TURNED[join.kind], condition)
    return picked(changed, back) if join.kind in _OF_BOTH else changed
