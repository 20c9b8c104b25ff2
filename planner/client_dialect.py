"""A client's SQL in the dialect it speaks -> the engine's SQL, with what that changed.

Owns the dialects that a client may choose, what each of them means differently, and the places of
errors in the client's text. How the engine's SQL is spelled is `engine_dialect`'s.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import datafusion
import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, ParseError

from connectors.errors import (
    CrosswindError,
    InvalidValueError,
    Position,
    SqlSyntaxError,
    UnsupportedError,
)
from planner.client_meaning import notes_on, refusal_of, with_meaning
from planner.engine_dialect import Engine
from planner.explain_options import position_of
from planner.parse import Statement, parse, tokenize
from planner.warnings import PlanWarning

DIALECTS: Mapping[str, str] = {
    "athena": "trino",
    "bigquery": "bigquery",
    "clickhouse": "clickhouse",
    "databricks": "databricks",
    "duckdb": "duckdb",
    "hive": "hive",
    "mysql": "mysql",
    "oracle": "oracle",
    "postgres": "postgres",
    "presto": "presto",
    "redshift": "redshift",
    "snowflake": "snowflake",
    "spark": "spark",
    "sqlite": "sqlite",
    "trino": "trino",
    "tsql": "tsql",
}
"""The dialects that a client may choose, and sqlglot's name of each."""

_OTHER_NAMES = {"postgresql": "postgres", "sqlserver": "tsql", "mssql": "tsql", "mariadb": "mysql"}

ENGINE_NAMES = frozenset({"", "datafusion", "crosswind"})
"""What a client calls the engine's own language, which is not translated."""


@dataclass(frozen=True, slots=True)
class Translated:
    """A statement in the engine's SQL.

    Attributes:
        statement: the engine's; its lines and columns are not the client's.
        client_sql: the client's query, without EXPLAIN.
        dialect: the client's.
        notes: what the translation changed.
    """

    statement: Statement
    client_sql: str
    dialect: str
    notes: tuple[PlanWarning, ...]


def dialect_named(name: str) -> str | None:
    """The dialect of a name that a client gave; None for the engine's own.

    Raises:
        InvalidValueError: when there is none of this name, with the nearest ones.

    >>> dialect_named("Snowflake"), dialect_named("datafusion")
    ('snowflake', None)
    """
    wanted = name.strip().lower()
    wanted = _OTHER_NAMES.get(wanted, wanted)
    if wanted in ENGINE_NAMES:
        return None
    if wanted in DIALECTS:
        return wanted
    known = sorted({*DIALECTS, "datafusion"})
    close = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    hint = f"Nearest: {', '.join(close)}." if close else f"There are: {', '.join(known)}."
    raise InvalidValueError(f"there is no dialect {name[:40]!r}", hint=hint)


def translate(sql: str, dialect: str) -> Translated:
    """A client's text as a statement of the engine.

    Args:
        sql: one query, or EXPLAIN of one, in the client's dialect.
        dialect: a key of `DIALECTS`.

    Raises:
        SqlSyntaxError: the text is not of this dialect, with the place.
        UnsupportedError: it is, and has no equal here, with the place.
    """
    read = DIALECTS[dialect]
    client = parse(sql, read)
    tree = _tree(client.sql, read)
    _refuse_what_has_no_equal(tree, client.sql, dialect)
    notes = tuple(dict.fromkeys(notes_on(tree, dialect)))
    engine_sql = _written(with_meaning(tree, dialect))
    engine = parse(engine_sql)
    return Translated(
        replace(engine, mode=client.mode, form=client.form), client.sql, dialect, notes
    )


def in_clients_text(error: CrosswindError, translated: Translated) -> CrosswindError:
    """The error with the place in the client's text, where that can be told, and else with none.

    The word at the place in the engine's text is looked for in the client's.
    """
    if error.position is None:
        return error
    word = next(
        (
            token.text.lower()
            for token in tokenize(translated.statement.sql)
            if position_of(token) == error.position
        ),
        None,
    )
    tokens = tokenize(translated.client_sql, DIALECTS[translated.dialect])
    places = [position_of(token) for token in tokens if token.text.lower() == word]
    moved = type(error)(
        error.message,
        source=error.source,
        position=places[0] if places else None,
        hint=error.hint,
    )
    moved.__cause__ = error.__cause__
    return moved


def _tree(sql: str, read: str) -> exp.Expr:
    try:
        found = sqlglot.parse(sql, read=read)
    except ParseError as error:
        first: Mapping[str, Any] = error.errors[0] if error.errors else {}
        line, column = first.get("line"), first.get("col")
        position = None
        if line is not None and column is not None:
            width = len(first.get("highlight") or " ")
            position = Position(line, max(1, column - width + 1))
        text = _INCOMPLETE.sub(
            lambda found: f"{found[1].upper()} is not complete",
            str(first.get("description") or "the text cannot be read").rstrip("."),
        )
        raise SqlSyntaxError(f"{text} ({read})", position=position) from None
    except (RecursionError, ValueError, AttributeError, LookupError, TypeError) as error:
        # Seen: sqlglot's parser trips over some texts that end in the middle.
        raise SqlSyntaxError(f"the text cannot be read as {read}") from error
    tree = found[0] if found else None
    if not isinstance(tree, exp.Query | exp.Values | exp.Paren):
        raise UnsupportedError("this is not a query", hint="Write SELECT, WITH or VALUES.")
    return tree


_INCOMPLETE = re.compile(r"Required keyword: '\w+' missing for <class '[\w.]*\.(\w+)'>")

_NO_EQUAL: Mapping[type[exp.Expr], str] = {
    exp.Into: "SELECT INTO",
    exp.Pivot: "PIVOT or UNPIVOT",
    exp.Connect: "CONNECT BY",
    exp.MatchRecognize: "MATCH_RECOGNIZE",
    exp.TableSample: "a sample of a table",
    exp.Lock: "a lock such as FOR UPDATE",
    exp.Command: "a command",
    exp.Insert: "INSERT",
    exp.Update: "UPDATE",
    exp.Delete: "DELETE",
    exp.Parameter: "a parameter or a variable",
    exp.SessionParameter: "a variable",
    exp.Placeholder: "a parameter",
    exp.Kwarg: "an argument with a name",
}
"""What the engine has nothing for. Left to the engine, some of it would be dropped or guessed."""


_WORDS: Mapping[type[exp.Expr], str] = {exp.Lock: "FOR"}
"""Where a node has no part with a place of its own, the word that it starts with."""


def _refuse_what_has_no_equal(tree: exp.Expr, sql: str, dialect: str) -> None:
    for node in tree.walk():
        what = _NO_EQUAL.get(type(node)) or refusal_of(node, dialect)
        if what is not None:
            place = place_of(node) or _last_word(_WORDS.get(type(node)), sql, DIALECTS[dialect])
            raise UnsupportedError(f"{what} has no equal here", position=place)
        if isinstance(node, exp.Fetch | exp.Limit):
            options = node.args.get("limit_options")
            if options is not None and (
                options.args.get("percent") or options.args.get("with_ties")
            ):
                raise UnsupportedError(
                    "a limit with PERCENT or WITH TIES has no equal here", position=place_of(node)
                )


def _last_word(word: str | None, sql: str, read: str) -> Position | None:
    places = [position_of(t) for t in tokenize(sql, read) if t.text.upper() == word]
    return places[-1] if places else None


def _written(tree: exp.Expr) -> str:
    """The engine's text. What cannot be written is an error at its place, never left out."""
    generator = _PlacingGenerator(dialect=Engine, unsupported_level=ErrorLevel.IGNORE)
    try:
        text = generator.generate(tree, copy=False)
    except RecursionError as error:
        raise SqlSyntaxError("the statement is nested too deep") from error
    if generator.problem is not None:
        raise generator.problem
    return text


class _PlacingGenerator(Engine.Generator):
    """Remembers what is being written, so that a refusal has a place."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._path: list[exp.Expr] = []
        self.problem: UnsupportedError | None = None

    def sql(self, expression: Any, key: str | None = None, comment: bool = True) -> str:
        if not isinstance(expression, exp.Expr) or key is not None:
            return str(super().sql(expression, key, comment))
        self._path.append(expression)
        try:
            return str(super().sql(expression, None, comment))
        finally:
            self._path.pop()

    def unsupported(self, message: str) -> None:
        if self.problem is None:
            places = (place_of(node) for node in reversed(self._path))
            place = next((place for place in places if place is not None), None)
            text = message.strip().rstrip(".")
            own = text[:1].islower()
            self.problem = UnsupportedError(
                f"{text} has no equal here" if own else f"this cannot be translated: {text}",
                position=place,
            )

    def func(self, name: str, *args: Any, **options: Any) -> str:
        if name.lower() not in _engine_functions():
            self.unsupported(f"function {name.lower()}")
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


def place_of(node: exp.Expr) -> Position | None:
    """Where a node starts in the text that it was read from: its own place, or its first part's."""
    return next(_places(node), None)


def _places(node: exp.Expr) -> Iterator[Position]:
    for part in node.walk():
        meta = part.meta
        if "line" in meta and "col" in meta:
            width = meta.get("end", 0) - meta.get("start", 0)
            yield Position(meta["line"], max(1, meta["col"] - width))
