"""Texts of files that the engine reads as views, which are compared and grouped sooner.

A column of few different texts is read as views where it is only compared, and passed on to the
groups of an aggregate: see decision 21. A tree was bound to plain texts; above an aggregate of
views stands a cast, below whatever would make another type of them, or another value. Owns which
columns these are, and the casts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import pyarrow as pa

from connectors.contract import Statistics
from planner.plan import NativeRead
from planner.relations import (
    Aggregate,
    Call,
    Cast,
    Cross,
    ExistsSubquery,
    Expression,
    FieldRef,
    Filter,
    InKeys,
    InList,
    Join,
    JoinKind,
    Literal,
    Measure,
    Project,
    Read,
    Relation,
    ScalarSubquery,
    SortKey,
    arguments_of,
    conjunction,
    conjuncts,
    expressions_of,
    inputs_of,
    references,
    subqueries_of,
    transform_expression,
    with_arguments,
)
from planner.rewrite import over, with_expressions

NUMBERED_BYTES = 2.0
"""Of a text in a file that has a number in its place: there are 65,536 at most."""

_COMPARISONS = frozenset(
    ("equal", "not_equal", "lt", "lte", "gt", "gte", "like", "ilike", "is_null", "is_not_null")
)
"""Their answer is no text, and of a view it is the same."""

_ONLY_LEFT = (JoinKind.LEFT_SEMI, JoinKind.LEFT_ANTI, JoinKind.LEFT_MARK)
_ONLY_RIGHT = (JoinKind.RIGHT_SEMI, JoinKind.RIGHT_ANTI, JoinKind.RIGHT_MARK)

_MEASURES = frozenset(("count", "min", "max"))

_Column: TypeAlias = tuple[str, str]
"""A table's name in the residual, and a column's."""

_Views: TypeAlias = dict[int, _Column | None]
"""The fields that are views, by position: the column, or None of what an aggregate has made."""


def texts_of_few(schema: pa.Schema, statistics: Statistics) -> frozenset[str]:
    """The columns of texts of which a file has few different ones, and numbers in their place.

    Of others, a batch of views holds all that was read with it, and an operator that keeps rows
    would keep more than it asked for.
    """
    texts = (field.name for field in schema if field.type == pa.string())
    stored = ((name, statistics.columns.get(name)) for name in texts)
    return frozenset(
        name
        for name, known in stored
        if known is not None and known.stored_bytes is not None
        if known.stored_bytes <= NUMBERED_BYTES
    )


def with_views(natives: Sequence[NativeRead], trees: Iterable[Relation]) -> tuple[NativeRead, ...]:
    """The tables that the engine reads itself, with the columns that it reads as views.

    Args:
        natives: with the columns that are worth it.
        trees: all that read them.
    """
    if not any(native.views for native in natives):
        return tuple(natives)
    walk = _Walk({native.name: native.views for native in natives})
    for tree in trees:
        walk.plain(tree)
    viewed = walk.compared - walk.copied
    return tuple(
        replace(n, views=frozenset(column for table, column in viewed if table == n.name))
        for n in natives
    )


def with_plain_texts(relation: Relation, natives: Sequence[NativeRead]) -> Relation:
    """A residual with a cast where what is read as a view must be plain; it has no view itself."""
    if not any(native.views for native in natives):
        return relation
    return _Walk({native.name: native.views for native in natives}).plain(relation)


class _Walk:
    """Walks over trees, and finds which columns are compared, and which copied as they are read.

    Args:
        views: the columns that are taken for views, by table.
    """

    def __init__(self, views: Mapping[str, frozenset[str]]) -> None:
        self._views = views
        self.compared: set[_Column] = set()
        self.copied: set[_Column] = set()

    def plain(self, relation: Relation) -> Relation:
        """A tree without a view among its fields."""
        relation, views = self._over(relation)
        if not views:
            return relation
        fields = relation.fields
        refs = (FieldRef(index, field.type, field.nullable) for index, field in enumerate(fields))
        return Project(relation, tuple(self._computed(ref, views) for ref in refs), fields)

    def _over(self, relation: Relation) -> tuple[Relation, _Views]:
        """A tree in which each operator has what it takes, and which of its fields are views."""
        if subqueries_of(relation):
            relation = with_expressions(relation, lambda e: transform_expression(e, self._inside))
        match relation:
            case Read(path=(table,)):
                known = self._views.get(table, frozenset())
                found = enumerate(field.name for field in relation.fields)
                return relation, {i: (table, name) for i, name in found if name in known}
            case Filter() | Project() | Aggregate() if _is_known(relation):
                source, views = self._over(relation.input)
                relation = replace(relation, input=source)
                return self._above(relation, views) if views else (relation, {})
            case Join() | Cross() if _is_known(relation):
                return self._joined(relation)
        return over(relation, [self.plain(source) for source in inputs_of(relation)]), {}

    def _inside(self, part: Expression) -> Expression:
        if isinstance(part, ScalarSubquery | ExistsSubquery):
            return replace(part, input=self.plain(part.input))
        return part

    def _above(
        self, relation: Filter | Project | Aggregate, views: _Views
    ) -> tuple[Relation, _Views]:
        match relation:
            case Filter():
                condition = self._computed(relation.condition, views)
                return replace(relation, condition=condition), views
            case Project():
                kept = tuple(self._kept(expression, views) for expression in relation.expressions)
                return replace(relation, expressions=kept), _passed(kept, views)
        groups = tuple(self._kept(group, views) for group in relation.groups)
        measures = tuple(self._measure(measure, views) for measure in relation.measures)
        self._note((*groups, *(a for m in measures for a in m.arguments)), views)
        first = len(relation.fields) - len(measures)
        made = [
            first + index
            for index, measure in enumerate(measures)
            if measure.type == pa.string() and _passed(measure.arguments, views)
        ]
        changed = replace(relation, groups=groups, measures=measures)
        return changed, dict.fromkeys([*_passed(groups, views), *made])

    def _joined(self, relation: Join | Cross) -> tuple[Relation, _Views]:
        """A join with views on both sides: its keys are plain, and the rest passes."""
        left, views = self._over(relation.left)
        right, of_right = self._over(relation.right)
        width = len(left.fields)
        both = views | {width + index: column for index, column in of_right.items()}
        if isinstance(relation, Cross):
            return replace(relation, left=left, right=right), both
        parts = (self._of_join(part, both) for part in conjuncts(relation.condition))
        condition = conjunction(tuple(parts))
        if relation.kind in _ONLY_RIGHT:
            both = of_right
        elif relation.kind in _ONLY_LEFT:
            both = views
        return replace(relation, left=left, right=right, condition=condition), both

    def _of_join(self, part: Expression, views: _Views) -> Expression:
        """A part of a join's condition: what may be keys is plain, as streams have theirs."""
        operands = arguments_of(part)
        if any(not isinstance(operand, FieldRef) for operand in operands):
            return self._computed(part, views)
        return with_arguments(part, tuple(self._computed(each, views) for each in operands))

    def _measure(self, measure: Measure, views: _Views) -> Measure:
        change = self._kept if measure.function in _MEASURES else self._computed
        return replace(
            measure,
            arguments=tuple(change(argument, views) for argument in measure.arguments),
            filter=None if measure.filter is None else self._computed(measure.filter, views),
            sorts=tuple(
                SortKey(self._computed(key.expression, views), key.descending, key.nulls_first)
                for key in measure.sorts
            ),
        )

    def _kept(self, expression: Expression, views: _Views) -> Expression:
        """An expression that may be a view itself, but that computes with none."""
        bare = isinstance(expression, FieldRef)
        return expression if bare else self._computed(expression, views)

    def _computed(self, expression: Expression, views: _Views) -> Expression:
        """An expression that computes with no view, but that compares them."""
        if isinstance(expression, FieldRef):
            if expression.index not in views:
                return expression
            column = views[expression.index]
            if column is not None:
                self.copied.add(column)
            return Cast(expression, expression.type, expression.nullable)
        parts = arguments_of(expression)
        if parts and _compares(expression, parts):
            self._note(parts, views)
            return expression
        return with_arguments(expression, tuple(self._computed(part, views) for part in parts))

    def _note(self, parts: Iterable[Expression], views: _Views) -> None:
        found = (views.get(part.index) for part in parts if isinstance(part, FieldRef))
        self.compared.update(column for column in found if column is not None)


def _is_known(relation: Relation) -> bool:
    """Whether it is known which fields a relation's own expressions read."""
    return all(references(expression) is not None for expression in expressions_of(relation))


def _passed(expressions: tuple[Expression, ...], views: _Views) -> _Views:
    """Of expressions, those that are views."""
    return {
        index: views[expression.index]
        for index, expression in enumerate(expressions)
        if isinstance(expression, FieldRef) and expression.index in views
    }


def _compares(expression: Expression, parts: tuple[Expression, ...]) -> bool:
    """Whether it compares columns and constants as they are."""
    known = isinstance(expression, Call) and expression.function in _COMPARISONS
    bare = all(isinstance(part, FieldRef | Literal) for part in parts)
    return bare and (known or isinstance(expression, InList | InKeys))
