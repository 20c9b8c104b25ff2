"""The engine's text of a tree. What cannot be written is an error at its place, never left out."""

from __future__ import annotations

import functools
from typing import Any

import datafusion
from sqlglot import exp
from sqlglot.errors import ErrorLevel

from connectors.errors import SqlSyntaxError, UnsupportedError
from planner.client_dialects.places import nearest_place, place_of, spelled
from planner.engine_dialect import Engine


def written(tree: exp.Expr, client_sql: str) -> str:
    """The engine's text.

    Args:
        tree: of nodes that `accepted` knows.
        client_sql: the client's text, for its words in errors.

    Raises:
        UnsupportedError: for what has no spelling, with its place.
        SqlSyntaxError: for a tree that is too deep to be written.
    """
    generator = _PlacingGenerator(client_sql)
    try:
        text = generator.generate(tree, copy=False)
    except RecursionError as error:
        raise SqlSyntaxError("the statement is nested too deep") from error
    except ValueError as error:
        raise generator.refusal("this construct has no equal here") from error
    if generator.problem is not None:
        raise generator.problem
    return text


class _PlacingGenerator(Engine.Generator):
    """Remembers what is being written, so that a refusal has a place."""

    def __init__(self, client_sql: str) -> None:
        super().__init__(
            dialect=Engine, unsupported_level=ErrorLevel.IGNORE, normalize_functions="lower"
        )
        self._client_sql = client_sql
        self._path: list[exp.Expr] = []
        self.problem: UnsupportedError | None = None

    def sql(self, expression: Any, key: str | None = None, comment: bool = True) -> str:
        if not isinstance(expression, exp.Expr) or key is not None:
            return str(super().sql(expression, key, comment))
        self._path.append(expression)
        text = str(super().sql(expression, None, comment))
        self._path.pop()  # left where it is by an error, which asks for it
        return text

    def refusal(self, message: str) -> UnsupportedError:
        places = (place_of(node) for node in reversed(self._path))
        place = next((place for place in places if place is not None), None)
        return UnsupportedError(
            message, position=place or nearest_place(self._path[-1] if self._path else None)
        )

    def unsupported(self, message: str) -> None:
        if self.problem is None:
            text = message.strip().rstrip(".")
            self.problem = self.refusal(
                f"{text} has no equal here"
                if text[:1].islower()
                else f"this cannot be translated: {text}"
            )

    def func(self, name: str, *args: Any, **options: Any) -> str:
        if name.lower() not in _engine_functions():
            node = self._path[-1] if self._path else None
            said = spelled(node, self._client_sql) if isinstance(node, exp.Func) else name
            self.unsupported(said if said.startswith("function") else f"function {said.lower()}")
        return str(super().func(name, *args, **options))


_CONSTRUCTS = frozenset(
    {"unnest", "rollup", "cube", "grouping sets", "exists", "any", "all", "row"}
)
"""What sqlglot writes as a function, and the engine has as syntax."""


@functools.cache
def _engine_functions() -> frozenset[str]:
    """The names of the functions that the engine has."""
    settings = datafusion.SessionConfig().with_information_schema(True)
    context = datafusion.SessionContext(settings)
    found = context.sql("SELECT DISTINCT routine_name FROM information_schema.routines")
    names = found.to_arrow_table()["routine_name"].to_pylist()
    return frozenset(names) | _CONSTRUCTS | {"generate_series", "range", "now", "uuid"}
