"""What a plan's user should know: one value for each warning, with a stable code.

Owns the codes, and how warnings are written as JSON. Must not know how they come about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from connectors.errors import Position

Code = Literal[
    "type.narrowed",
    "function.translated",
    "function.kept",
    "predicate.not_pushed",
    "operator.kept",
    "join.across_sources",
    "order.not_guaranteed",
    "dialect.best_effort",
    "format.without_fields",
    "link.supposed",
    "replica.not_read",
    "source.not_explained",
]
"""What a program may rely on; codes are added, and never change their meaning.

type.narrowed: a column's Arrow type lacks something that its type at the source has.
function.translated: a function of the client's dialect became another, with a difference.
function.kept: a function or an aggregate runs here, because its result there is not proven equal.
predicate.not_pushed: a condition runs here, so that rows are moved only to be dropped.
operator.kept: another operator runs here although its input is all at one source.
join.across_sources: rows of several sources are joined here.
order.not_guaranteed: which rows the answer has depends on an order that the query does not give.
dialect.best_effort: a meaning of the client's dialect is not quite the engine's.
format.without_fields: a format of times names no field, and is itself the text of each row.
link.supposed: the session has said what a link is like, and what is known of it was not looked at.
replica.not_read: a copy of a table could not be asked, or is no copy, and another was read.
source.not_explained: a source that says how it runs its part could not be asked; of EXPLAIN only.
"""

CODES: tuple[Code, ...] = get_args(Code)

SURPRISES: frozenset[Code] = frozenset(
    {
        "type.narrowed",
        "function.translated",
        "order.not_guaranteed",
        "dialect.best_effort",
        "format.without_fields",
    }
)
"""The codes that may change what a user makes of an answer; the others only cost time."""


@dataclass(frozen=True, slots=True)
class PlanWarning:
    """One thing to know about a plan.

    Attributes:
        code: stable; see `Code`.
        message: one sentence without a full stop.
        source, table, column: what it is about, where it is about one.
        position: in the client's text, where known.
    """

    code: Code
    message: str
    source: str | None = None
    table: str | None = None
    column: str | None = None
    position: Position | None = None

    def __str__(self) -> str:
        where = f"{self.position}: " if self.position else ""
        return f"[{self.code}] {where}{self.message}"


def warning_fields(warning: PlanWarning) -> dict[str, object]:
    """A warning as JSON has it: what is not known is left out.

    >>> warning_fields(PlanWarning("type.narrowed", "json is text here", "shop", column="doc"))
    {'code': 'type.narrowed', 'message': 'json is text here', 'source': 'shop', 'column': 'doc'}
    """
    fields: dict[str, object] = {"code": warning.code, "message": warning.message}
    for name in ("source", "table", "column"):
        value = getattr(warning, name)
        if value is not None:
            fields[name] = value
    if warning.position is not None:
        fields["line"] = warning.position.line
        fields["position_column"] = warning.position.column
    return fields


def warnings_json(warnings: Iterable[PlanWarning]) -> bytes:
    """`{"warnings": [...]}` in UTF-8; nothing at all without warnings."""
    listed = [warning_fields(warning) for warning in warnings]
    if not listed:
        return b""
    return json.dumps({"warnings": listed}, ensure_ascii=False, separators=(",", ":")).encode()
