"""CASE, with an operand and without: each equality of CASE x WHEN y as the dialect's own `=`.

Where that is a plain `x = y`, the CASE is written with its operand, which is then evaluated once;
where it is more, as conditions that each hold the operand. Knows no dialect's content.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from planner.emit.dialect import FunctionRule, Sql
from planner.relations import Call, IfThen, walk_expression

Clauses = Sequence[tuple[Sql, Sql]]


def refuse_case(case: IfThen, equal: Callable[[Call], str | None]) -> str | None:
    """Why a CASE may not go, apart from its parts; None when it may.

    Args:
        equal: why a call of `equal` may not go.
    """
    if case.operand is None:
        return None
    nested = (
        isinstance(p, IfThen) and p.operand is not None for p in walk_expression(case.operand)
    )
    if any(nested):
        # Some systems copy the operand for each WHEN, and so 3^n times where n are nested.
        return "CASE of a CASE"
    if pa.types.is_floating(case.operand.type):
        # By its bits: here −0.0 is no 0.0, which equals it everywhere else.
        return "CASE of a float finds it otherwise than = does"
    return next(filter(None, map(equal, _equalities(case))), None)


def write_case(case: IfThen, parts: Sequence[Sql], functions: Mapping[str, FunctionRule]) -> Sql:
    """SQL of a CASE that `refuse_case` passed.

    Args:
        parts: its operands as SQL, in the order of `arguments_of`.
    """
    pairs = len(case.clauses) * 2
    clauses = list(zip(parts[0:pairs:2], parts[1:pairs:2], strict=True))
    otherwise = None if case.otherwise is None else parts[pairs]
    if case.operand is None:
        return _searched(clauses, otherwise)
    operand = parts[-1]
    equal = functions["equal"].write
    tests = [
        equal(call, [operand.copy(), first.copy()])
        for call, (first, _) in zip(_equalities(case), clauses, strict=True)
    ]
    options = [_plain_option(test, operand) for test in tests]
    if all(option is not None for option in options):
        ifs = [exp.If(this=o, true=value) for o, (_, value) in zip(options, clauses, strict=True)]
        return exp.Case(this=_operand(operand), ifs=ifs, default=otherwise)
    values = (value for _, value in clauses)
    return _searched(list(zip(tests, values, strict=True)), otherwise)


def _equalities(case: IfThen) -> Iterator[Call]:
    assert case.operand is not None
    for first, _ in case.clauses:
        nullable = case.operand.nullable or first.nullable
        yield Call("equal", (case.operand, first), pa.bool_(), nullable)


def _plain_option(test: Sql, operand: Sql) -> Sql | None:
    """y of a test that is `operand = y` and nothing more."""
    inner = test.unnest()
    plain = isinstance(inner, exp.EQ) and inner.this.unnest() == operand.unnest()
    return inner.expression if plain else None


def _operand(sql: Sql) -> Sql:
    return exp.paren(sql, copy=False) if isinstance(sql, exp.Binary | exp.Not) else sql


def _searched(clauses: Clauses, otherwise: Sql | None) -> Sql:
    ifs = [exp.If(this=condition, true=value) for condition, value in clauses]
    return exp.Case(ifs=ifs, default=otherwise)
