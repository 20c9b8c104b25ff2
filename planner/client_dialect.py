"""A client's SQL in the dialect it speaks -> the engine's SQL, with what that changed.

Owns the dialects that a client may choose, the order of the steps, and the places of errors in the
client's text. What a dialect means is `client_dialects`'; how the engine's SQL is spelled is
`engine_dialect`'s.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from sqlglot import Dialect, exp
from sqlglot.errors import ParseError

from connectors.errors import (
    CrosswindError,
    InvalidValueError,
    Position,
    SqlSyntaxError,
    UnknownNameError,
    UnsupportedError,
)
from planner.catalog import Catalog
from planner.client_dialects.accepted import refuse_unknown
from planner.client_dialects.aliases import expand_aliases
from planner.client_dialects.headings import name_outputs
from planner.client_dialects.kinds import ColumnsOf, Kinds
from planner.client_dialects.places import place_of, spelled
from planner.client_dialects.reading import Reading
from planner.client_dialects.rules import with_meaning
from planner.client_dialects.traits import EXACT_LITERALS, UPPER_NAMES
from planner.client_dialects.unnested import unnest_in_select
from planner.client_dialects.written import written
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


def translate(sql: str, dialect: str, columns_of: ColumnsOf | None = None) -> Translated:
    """A client's text as a statement of the engine.

    Args:
        sql: one query, or EXPLAIN of one, in the client's dialect.
        dialect: a key of `DIALECTS`.
        columns_of: the columns of a table by its name's parts; None when nothing is known of any.
            What depends on a column's type is then noted or refused.

    Raises:
        SqlSyntaxError: the text is not of this dialect, with the place.
        UnsupportedError: it is, and has no equal here, with the place.
    """
    read = DIALECTS[dialect]
    client = _client_statement(sql, read)
    tree = _tree(client, read)
    _refuse_what_is_no_query(tree, client.sql, read)
    kinds = Kinds(
        columns_of,
        exact_literals=dialect in EXACT_LITERALS,
        upper_names=dialect in UPPER_NAMES,
        exact_parts=dialect == "postgres",
    )
    reading = Reading(dialect, client.sql, kinds)
    unnest_in_select(tree, reading)
    expand_aliases(tree, reading)
    name_outputs(tree, client.sql, client.tokens)
    tree = with_meaning(tree, reading)
    refuse_unknown(tree, reading)
    engine = parse(written(tree, client.sql))
    return Translated(
        replace(engine, mode=client.mode, form=client.form, estimates=client.estimates),
        client.sql,
        dialect,
        tuple(reading.notes.values()),
    )


def columns_in(catalog: Catalog) -> ColumnsOf:
    """The columns of a catalog's tables, for `translate`; None for a name of none."""

    def columns(parts: tuple[str, ...]) -> pa.Schema | None:
        try:
            return catalog.resolve(parts).table.schema
        except UnknownNameError:
            return None  # said again where names are bound, with its place

    return columns


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


_SIGNS: Mapping[str, tuple[re.Pattern[str], str, str]] = {
    "snowflake": (
        re.compile(r"\$\d"),
        "a column by its number",
        "Name the columns, and use the name.",
    ),
    "mysql": (re.compile("@"), "a variable", "Write the value, or a subquery, in its place."),
}
"""What begins like a parameter, and is none in a dialect: what it is, and what to write."""


def _client_statement(sql: str, read: str) -> Statement:
    try:
        return parse(sql, read)
    except UnsupportedError as error:
        sign, place = _SIGNS.get(read), error.position
        if sign is None or place is None:
            raise
        pattern, what, hint = sign
        if not pattern.match(sql.split("\n")[place.line - 1], place.column - 1):
            raise
        raise UnsupportedError(f"{what} has no equal here", position=place, hint=hint) from error


def _tree(client: Statement, read: str) -> exp.Expr:
    try:
        found = Dialect.get_or_raise(read).parser().parse(list(client.tokens), client.sql)
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

_NO_EQUAL = (exp.Into, exp.Pivot, exp.Connect, exp.MatchRecognize, exp.TableSample, exp.Lock,
             exp.Command, exp.Insert, exp.Update, exp.Delete, exp.Parameter, exp.SessionParameter,
             exp.Placeholder, exp.Kwarg)  # fmt: skip
"""What is refused before anything is rewritten, by its own name."""

_WORDS: Mapping[type[exp.Expr], str] = {exp.Lock: "FOR"}
"""Where a node has no part with a place of its own, the word that it starts with."""


def _refuse_what_is_no_query(tree: exp.Expr, sql: str, read: str) -> None:
    for node in tree.walk():
        if isinstance(node, _NO_EQUAL):
            place = place_of(node) or _last_word(_WORDS.get(type(node)), sql, read)
            raise UnsupportedError(f"{spelled(node, sql)} has no equal here", position=place)


def _last_word(word: str | None, sql: str, read: str) -> Position | None:
    places = [position_of(t) for t in tokenize(sql, read) if t.text.upper() == word]
    return places[-1] if places else None
