"""What the engine does not run as it was meant, written otherwise: joins, filters above, limits.

Rewrites trees into others of the same rows. Knows no message.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from planner.relations import (
    MARK,
    Call,
    Cross,
    Expression,
    Fetch,
    Field,
    FieldRef,
    Filter,
    Join,
    JoinKind,
    Project,
    Relation,
    Sort,
    Union,
    conjunction,
    conjuncts,
    inputs_of,
    references,
)

_OUTER = (JoinKind.LEFT, JoinKind.RIGHT, JoinKind.OUTER)


def of_one_equality(condition: Expression) -> Expression:
    """A join's condition without IS NOT DISTINCT FROM beside =.

    The engine has one answer to whether NULLs are equal for all keys of a join, and takes it from
    any of them when it reads a plan. Written as a negation, such a part is no key to it.
    """
    parts = conjuncts(condition)
    functions = {part.function for part in parts if isinstance(part, Call)}
    if not functions >= {"equal", "is_not_distinct_from"}:
        return condition
    return conjunction(tuple(map(_negated, parts)))


def _negated(part: Expression) -> Expression:
    if not isinstance(part, Call) or part.function != "is_not_distinct_from":
        return part
    distinct = Call("is_distinct_from", part.arguments, part.type, part.nullable)
    return Call("not", (distinct,), part.type, part.nullable)


def apart(join: Join) -> tuple[Relation, Relation]:
    """The inputs of a join; of a mark join, without a field of its own name for what it adds."""
    if join.kind not in (JoinKind.LEFT_MARK, JoinKind.RIGHT_MARK):
        return join.left, join.right
    return _without_mark(join.left), _without_mark(join.right)


def _without_mark(relation: Relation) -> Relation:
    """The relation with its marks under other names.

    Names cannot be written, but the engine makes another for a test of a truth value, and again for
    a test of that, so that the marks of several joins stay apart.
    """

    def renamed(index: int, field: Field) -> Expression:
        reference = FieldRef(index, field.type, field.nullable)
        mark = field.name == MARK and not field.nullable
        return Call("is_true", (reference,), pa.bool_(), False) if mark else reference

    expressions = tuple(renamed(i, f) for i, f in enumerate(relation.fields))
    if all(isinstance(e, FieldRef) for e in expressions):
        return relation
    return Project(relation, expressions, relation.fields)


def held(relation: Filter) -> Relation:
    """The input of a filter, below a limit that never bites where the filter could go astray.

    DataFusion 55 moves a filter from above an outer join to a side that has columns of its names,
    also where its columns are the other side's: https://github.com/apache/datafusion/issues/25296.
    Nothing is moved below a limit.
    """
    read = references(relation.condition)
    if read is None or not _strays(relation.input, read):
        return relation.input
    return Fetch(relation.input, 0, 2**63 - 1)


def first_rows(relation: Fetch) -> Relation:
    """The input of a limit, with a limit that never bites below a sort over a UNION ALL.

    DataFusion 55 leaves a key out of the sort that is a constant in each input of the union, keeps
    the first rows of each by themselves, and drops rows by the worst that any of them has kept, as
    if the constants were one. What comes through a limit is one stream, which is sorted whole.
    """
    return _sorted_whole(relation.input) or relation.input


def _sorted_whole(relation: Relation) -> Relation | None:
    match relation:
        case Project():
            source = _sorted_whole(relation.input)
        case Sort() if any(map(_has_union, inputs_of(relation))):
            source = Fetch(relation.input, 0, 2**63 - 1)
        case _:
            return None
    return None if source is None else replace(relation, input=source)


def _has_union(relation: Relation) -> bool:
    return isinstance(relation, Union) or any(map(_has_union, inputs_of(relation)))


def _strays(relation: Relation, read: set[int]) -> bool:
    """Whether a column that a filter reads has its name on both sides of an outer join below."""
    match relation:
        case Filter() | Sort():
            return _strays(relation.input, read)
        case Project():
            found = [references(relation.expressions[index]) for index in read]
            known = {index for part in found if part is not None for index in part}
            return None in found or _strays(relation.input, known)
        case Join(kind=JoinKind.INNER) | Cross():
            sides = (relation.left, relation.right)
        case Join() if relation.kind in _OUTER:
            sides = (relation.left, relation.right)
        case Join():
            side = relation.right if relation.kind.value.startswith("RIGHT") else relation.left
            return _strays(side, {index for index in read if index < len(side.fields)})
        case _:
            return False
    names = [{field.name for field in side.fields} for side in sides]
    outer = isinstance(relation, Join) and relation.kind in _OUTER
    if outer and any(relation.fields[index].name in names[0] & names[1] for index in read):
        return True
    width = len(sides[0].fields)
    if all(index < width for index in read):
        return _strays(sides[0], read)
    if all(index >= width for index in read):
        return _strays(sides[1], {index - width for index in read})
    return False
