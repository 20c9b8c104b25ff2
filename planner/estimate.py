"""How many rows and bytes a relation makes, from what its sources know of their tables.

Each kind of relation has its rule; `planner.selectivity` has those of conditions. None is unknown
and stays unknown. Costs nothing out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from connectors.contract import ColumnStatistics, Statistics
from planner.plan import Estimate
from planner.relations import (
    Aggregate,
    Cross,
    Expression,
    Fetch,
    FieldRef,
    Filter,
    Join,
    JoinKind,
    Project,
    Read,
    Relation,
    Sort,
    Union,
    Values,
    Window,
    conjuncts,
    inputs_of,
)
from planner.seen import SeenRows
from planner.selectivity import equal_columns, joined_by, kept_by, kept_by_all, met_by
from planner.sized import Sized, SizedColumn, column_of, made_column

StatisticsOf = Callable[[tuple[str, ...]], Statistics]

ROWS_OF_A_GROUP = 10
"""Where the number of groups is not known."""


def estimate(relation: Relation, statistics_of: StatisticsOf) -> Estimate:
    """Rows and bytes of a relation's result."""
    return Estimator(statistics_of)(relation)


class Estimator:
    """Estimates of one statement's relations, each subtree sized once.

    Args:
        statistics_of: what a source knows of a table.
        seen: the rows of what ran before, which are better than any estimate.
        stages: see below; those of another estimator, to follow it.
        doubted: see `planner.options.Caution`.

    Attributes:
        stages: what is read under a path of one part.
        stage_shapes: the shapes of some of these, as they were before keys.
    """

    def __init__(
        self,
        statistics_of: StatisticsOf,
        seen: SeenRows | None = None,
        stages: dict[tuple[str, ...], Relation] | None = None,
        doubted: frozenset[bytes] = frozenset(),
    ) -> None:
        self._statistics_of = statistics_of
        self._seen = seen
        self._doubted = doubted
        self._found_doubted: dict[int, tuple[Relation, bool]] = {}
        # With the relation, so that no other takes its identity.
        self._known: dict[int, tuple[Relation, Sized]] = {}
        self.stages = {} if stages is None else stages
        self.stage_shapes: dict[tuple[str, ...], bytes] = {}

    def __call__(self, relation: Relation) -> Estimate:
        """Rows and bytes of a relation's result."""
        sized = self._size(relation)
        return Estimate() if sized.rows is None else Estimate(sized.rows, sized.size_bytes)

    def are_the_rows_of(self, relation: Relation, other: Relation) -> None:
        """A relation has the rows of another, computed in another way."""
        self._known[id(relation)] = (relation, self._size(other))

    def distinct(self, relation: Relation, index: int) -> float | None:
        """How many values a field has, at most; None where not even the rows are known."""
        sized = self._size(relation)
        column = sized.columns[index]
        known = [n for n in (sized.rows, column.distinct, column.range_keys) if n is not None]
        return min(known, default=None)

    def width_bytes(self, relation: Relation, index: int) -> float:
        """How wide a field's value is as it travels."""
        return self._size(relation).columns[index].width_bytes

    def bounds(self, relation: Relation, index: int) -> ColumnStatistics | None:
        """What is known of the table's column that a field is."""
        return self._size(relation).columns[index].bounds

    def groups(self, relation: Aggregate) -> float | None:
        """How many groups there are, at most; None when a key's distinct values are not known."""
        source = self._size(relation.input)
        found = 1.0
        for group in relation.groups:
            distinct = source.columns[group.index].distinct if isinstance(group, FieldRef) else None
            if distinct is None:
                return None
            found *= max(1.0, distinct)
        return found

    def kept(self, table: Read, condition: Expression) -> float:
        """The part of a table's rows that a condition keeps."""
        return max(0.0, min(1.0, kept_by(condition, self._size(table))))

    def _size(self, relation: Relation) -> Sized:
        known = self._known.get(id(relation))
        if known is not None:
            return known[1]
        if isinstance(relation, Read) and relation.path in self.stages:
            return self._size_of_stage(relation.path)
        inputs = [self._size(i) for i in inputs_of(relation)]
        sized = _size(relation, inputs, self._statistics_of)
        if self._doubted and isinstance(relation, Join) and relation.kind is JoinKind.INNER:
            sized = self._of_doubted(relation, inputs, sized)
        rows = None if self._seen is None else self._seen.of(relation)
        if rows is not None:
            sized = sized.corrected(rows)
        self._known[id(relation)] = (relation, sized)
        return sized

    def _of_doubted(self, join: Join, inputs: list[Sized], sized: Sized) -> Sized:
        """A join's rows where a side of it is doubted: no fewer than those of the other."""
        others = zip(inputs_of(join), reversed(inputs), strict=True)
        rows = [other.rows for side, other in others if self.is_doubted(side)]
        known = [each for each in (sized.rows, *rows) if each is not None]
        return sized if sized.rows is None else sized.corrected(max(known))

    def is_doubted(self, relation: Relation) -> bool:
        """Whether it, or what is in it, had far more rows than expected, and has more still."""
        if not self._doubted:
            return False
        known = self._found_doubted.get(id(relation))
        if known is None:
            known = self._found_doubted[id(relation)] = (relation, self._looks_doubted(relation))
        return known[1]

    def _looks_doubted(self, relation: Relation) -> bool:
        match relation:
            case Read() if relation.path in self.stages:
                return self.is_doubted(self.stages[relation.path])
            case Fetch(count=int()) | Aggregate(groups=()):
                return False  # So many rows it has, whatever is in it.
        return relation.shape in self._doubted or any(map(self.is_doubted, inputs_of(relation)))

    def _size_of_stage(self, path: tuple[str, ...]) -> Sized:
        sized = self._size(self.stages[path])
        shape = self.stage_shapes.get(path)
        rows = None if self._seen is None or shape is None else self._seen.of_shape(shape)
        return sized if rows is None else sized.corrected(rows)


def _size(relation: Relation, inputs: list[Sized], statistics_of: StatisticsOf) -> Sized:
    match relation:
        case Read():
            return _read(relation, statistics_of)
        case Values():
            columns = tuple(made_column(f.type) for f in relation.fields)
            return Sized(float(len(relation.rows)), columns)
        case Filter():
            return inputs[0].filtered(kept_by(relation.condition, inputs[0]))
        case Project():
            return _project(relation, inputs[0])
        case Aggregate():
            return _aggregate(relation, inputs[0])
        case Window():
            made = relation.fields[len(relation.input.fields) :]
            columns = tuple(made_column(f.type) for f in made)
            return Sized(inputs[0].rows, inputs[0].columns + columns)
        case Sort():
            return inputs[0]
        case Fetch():
            rows = inputs[0].rows
            if relation.count is not None:
                rows = min(rows if rows is not None else relation.count, relation.count)
            return inputs[0].with_rows(rows)
        case Join():
            return _join(relation, inputs[0], inputs[1])
        case Cross():
            return _paired(inputs[0], inputs[1])
        case Union():
            known = [i.rows for i in inputs if i.rows is not None]
            rows = sum(known) if len(known) == len(inputs) else None
            return inputs[0].with_rows(rows)
    return _unknown(relation, inputs)


def _unknown(relation: Relation, inputs: list[Sized]) -> Sized:
    """Of a relation that there is no rule for: as many rows as its only input, if it has one."""
    rows = inputs[0].rows if len(inputs) == 1 else None
    return Sized(rows, tuple(made_column(f.type) for f in relation.fields))


def _read(relation: Read, statistics_of: StatisticsOf) -> Sized:
    statistics = statistics_of(relation.path)
    columns = tuple(
        column_of(f.type, statistics.columns.get(f.name), statistics.rows) for f in relation.fields
    )
    return Sized(statistics.rows, columns)


def _project(relation: Project, source: Sized) -> Sized:
    columns = tuple(
        source.columns[e.index] if isinstance(e, FieldRef) else made_column(f.type)
        for e, f in zip(relation.expressions, relation.fields, strict=True)
    )
    return Sized(source.rows, columns)


def _aggregate(relation: Aggregate, source: Sized) -> Sized:
    keys: list[SizedColumn] = [
        source.columns[group.index] if isinstance(group, FieldRef) else made_column(group.type)
        for group in relation.groups
    ]
    rows: float | None = 1.0
    if relation.groups:
        rows = source.rows
        if rows is not None and all(key.distinct is not None for key in keys):
            groups = 1.0
            for key in keys:
                groups *= max(1.0, key.distinct or 1.0)
            rows = min(rows, groups)
        elif rows is not None:
            rows = rows / ROWS_OF_A_GROUP
    made = (made_column(f.type) for f in relation.fields[len(keys) :])
    return Sized(rows, (*keys, *(replace(column, gathered=True) for column in made)))


def _paired(left: Sized, right: Sized) -> Sized:
    known = left.rows is not None and right.rows is not None
    rows = (left.rows or 0) * (right.rows or 0) if known else None
    return Sized(rows, left.columns + right.columns)


def _join(relation: Join, left: Sized, right: Sized) -> Sized:
    pairs, rest = equal_columns(conjuncts(relation.condition), len(left.columns))
    match relation.kind:
        case JoinKind.LEFT_SEMI:
            return left.with_values_of(pairs, right).scaled(met_by(pairs, left, right))
        case JoinKind.LEFT_ANTI:
            return left.scaled(1.0 - met_by(pairs, left, right))
        case JoinKind.RIGHT_SEMI:
            turned = [(b, a) for a, b in pairs]
            return right.with_values_of(turned, left).scaled(met_by(turned, right, left))
        case JoinKind.RIGHT_ANTI:
            return right.scaled(1.0 - met_by([(b, a) for a, b in pairs], right, left))
        case JoinKind.LEFT_MARK | JoinKind.RIGHT_MARK:
            side = left if relation.kind is JoinKind.LEFT_MARK else right
            return Sized(side.rows, (*side.columns, SizedColumn(1.0, 2.0)))
    both = _paired(left, right)
    met = joined_by(pairs, left, right) * kept_by_all(rest, both)
    if relation.kind in (JoinKind.INNER, JoinKind.RIGHT):
        left = left.with_values_of(pairs, right)
    if relation.kind in (JoinKind.INNER, JoinKind.LEFT):
        right = right.with_values_of([(b, a) for a, b in pairs], left)
    joined = _paired(left, right).scaled(met)
    match relation.kind:
        case JoinKind.LEFT | JoinKind.OUTER if left.rows is not None and joined.rows is not None:
            return joined.with_rows(max(joined.rows, left.rows))
        case JoinKind.RIGHT if right.rows is not None and joined.rows is not None:
            return joined.with_rows(max(joined.rows, right.rows))
    return joined
