"""What the rewrites of one statement share: the dialect, the kinds of its nodes, what was noted.

Must not know what any construct means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sqlglot import exp

from connectors.errors import UnsupportedError
from planner.client_dialects.kind_tables import Kind
from planner.client_dialects.kinds import Kinds
from planner.client_dialects.places import called_at, nearest_place, spelled
from planner.warnings import Code, PlanWarning

Rule = Callable[[Any, "Reading"], exp.Expr]
"""A rewrite of one kind of node: the node itself, or what is written in its place."""


@dataclass(slots=True)
class Reading:
    """The reading of one client's statement.

    Attributes:
        dialect: the client's, a key of `client_dialect.DIALECTS`.
        sql: the client's text, for its words.
        kinds: of the statement's nodes.
        notes: what the client should know, each once, by what it says.
    """

    dialect: str
    sql: str
    kinds: Kinds
    notes: dict[tuple[Code, str], PlanWarning] = field(default_factory=dict)

    def speaks(self, dialects: frozenset[str]) -> bool:
        return self.dialect in dialects

    def kind(self, node: object) -> Kind:
        return self.kinds.of(node)

    def word(self, node: exp.Expr) -> str:
        """The function's name as the client wrote it, in lower case; empty without a place."""
        start, end = node.meta.get("start"), node.meta.get("end")
        return "" if start is None or end is None else self.sql[start : end + 1].lower()

    def translated(self, node: exp.Expr, message: str) -> None:
        """Note that a function became another one, with a difference."""
        self._note("function.translated", node, message)

    def best_effort(self, node: exp.Expr, message: str) -> None:
        """Note that a meaning is not quite the engine's."""
        self._note("dialect.best_effort", node, message)

    def _note(self, code: Code, node: exp.Expr, message: str) -> None:
        if (code, message) not in self.notes:
            place = nearest_place(node)
            self.notes[code, message] = PlanWarning(code, message, position=place)

    def refuse(self, node: exp.Expr, what: str | None = None, hint: str | None = None) -> NoReturn:
        """Refuse a construct at its place.

        Raises:
            UnsupportedError: always.
        """
        subject = what if what is not None else spelled(node, self.sql)
        place = called_at(node, self.sql) or nearest_place(node)
        raise UnsupportedError(f"{subject} has no equal here", position=place, hint=hint)
