"""A PostgreSQL database in another encoding than UTF-8: what goes there of texts.

Its order by bytes is not that of code points, its characters may be bytes, and a constant that it
has no form for is an error there. Equality with ASCII is what is left. Owns that restriction of the
dialect; the connector knows the encoding, and declares this dialect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from planner.emit.common_sql.description import plain_name
from planner.emit.dialect import AggregateRule, Dialect, FunctionRule, WindowRule, as_it_is
from planner.emit.postgres.columns import refuse_literal
from planner.emit.postgres.conditions import refuse_order
from planner.emit.postgres.float_order import refuse_sort
from planner.emit.postgres.types import is_text
from planner.relations import Call, Expression, Literal, Measure, WindowCall

_REASON = "a text of a database in another encoding than UTF-8"
_BY_EQUALITY = frozenset(
    {"equal", "not_equal", "is_distinct_from", "is_not_distinct_from", "nullif", "count"}
    | {"is_null", "is_not_null"}
)
_Asked = TypeVar("_Asked", Call, Measure, WindowCall)
_Rule = TypeVar("_Rule", FunctionRule, AggregateRule, WindowRule)


def restricted(dialect: Dialect) -> Dialect:
    """The dialect with nothing of texts but their equality, and constants of ASCII only."""
    return replace(
        dialect,
        name=f"{dialect.name}_not_utf8",
        functions={name: _restricted(name, rule) for name, rule in dialect.functions.items()},
        aggregates={name: _restricted(name, rule) for name, rule in dialect.aggregates.items()},
        windows={name: _restricted(name, rule) for name, rule in dialect.windows.items()},
        reshape=as_it_is,
        refuse_literal=_refuse_literal,
        refuse_order=_refuse_order,
        rows=None,
        refuse_sort=lambda e: _refuse_order(e) if is_text(e.type) else refuse_sort(e),
        safe_name=lambda name: plain_name(name.encode("ascii", "replace").decode("ascii")),
    )


def _restricted(name: str, rule: _Rule) -> _Rule:
    if name in _BY_EQUALITY:
        return rule
    return replace(rule, refuse=_without_texts(rule.refuse))


def _without_texts(refuse: Callable[[_Asked], str | None]) -> Callable[[_Asked], str | None]:
    def checked(asked: _Asked) -> str | None:
        if any(is_text(argument.type) for argument in asked.arguments[_skipped(asked) :]):
            return _REASON
        return refuse(asked)

    return checked


def _skipped(asked: Call | Measure | WindowCall) -> int:
    """The leading arguments that are words of the function: the part of a date."""
    return 1 if asked.function in ("date_part", "date_trunc") else 0


def _refuse_literal(literal: Literal) -> str | None:
    if isinstance(literal.value, str) and not literal.value.isascii():
        return "a constant beyond ASCII, for a database in another encoding than UTF-8"
    return refuse_literal(literal)


def _refuse_order(expression: Expression) -> str | None:
    if is_text(expression.type):
        return _REASON
    return refuse_order(expression)
