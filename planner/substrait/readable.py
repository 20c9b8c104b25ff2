"""What the engine does not read back as it was meant, written otherwise: joins.

Rewrites trees into others of the same rows. Knows no message.
"""

from __future__ import annotations

import pyarrow as pa

from planner.relations import (
    MARK,
    Call,
    Expression,
    Field,
    FieldRef,
    Join,
    JoinKind,
    Project,
    Relation,
    conjunction,
    conjuncts,
)


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
